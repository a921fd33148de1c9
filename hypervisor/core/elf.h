/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A para-virtual kernel's ELF image: is it one we can start, and what does it ask for? */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGS_MAX 32
#define ELF_TEXT_MAX 32

/* filesz bytes at offset of the file go to virtual address virt; zeros follow up to memsz. */
struct elf_seg {
    uint64_t offset, filesz;
    uint64_t virt, memsz;
};

struct elf_image {
    /* The notes, or the defaults that <xen/elfnote.h> gives them. */
    uint64_t virt_base, paddr_offset;
    uint64_t entry;             /* virtual */
    uint64_t hypercall_page;    /* virtual, if has_hypercall_page */
    uint64_t init_p2m;          /* virtual, if has_init_p2m */
    uint64_t hv_start_low;      /* 0: not given */
    uint64_t l1_mask, l1_value; /* how to recognize valid L1 entries of its own; mask 0: not given */
    uint64_t phys32_entry;      /* if has_phys32_entry */
    bool has_hypercall_page, has_init_p2m, has_phys32_entry;
    bool mod_start_pfn, suspend_cancel, bsd_symtab;
    uint32_t features, required; /* XENFEAT_ bits that it supports (required ones too), and needs */
    bool has_supported_note;     /* then XENFEAT_dom0 in features says if it may be dom0 */
    char guest_os[ELF_TEXT_MAX], guest_version[ELF_TEXT_MAX];
    char xen_version[ELF_TEXT_MAX], loader[ELF_TEXT_MAX], pae_mode[ELF_TEXT_MAX];
    /* What to load, in the order of the file: all inside [virt_start, virt_end), none overlapping. */
    unsigned int nr_segs;
    struct elf_seg segs[ELF_SEGS_MAX];
    uint64_t virt_start, virt_end;
};

/*
 * Read the n bytes of a file at p.  Segments go where their physical addresses say:
 * virt = paddr - paddr_offset + virt_base (<xen/elfnote.h>).  0 with *img filled, or
 * -XEN_ENOEXEC with *why (a static text) set.  Nothing of p needs to stay.
 * What a para-virtual machine can't give (XENFEAT_supervisor_mode_kernel ...) is refused here; the
 * caller still has to see that [virt_start, virt_end) fits in the domain's memory.
 */
int elf_parse(struct elf_image *img, const void *p, size_t n, const char **why);
