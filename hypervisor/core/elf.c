/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF images of para-virtual kernels (see elf.h): headers (System V ABI, gABI 4),
 * the Xen notes (<xen/elfnote.h>) or the older __xen_guest string, and then
 * the plan: what goes where.  All reading is by blob.h, so nothing here can run
 * out of the file; the checks are for meaning.
 */
#include <xen/elfnote.h>
#include <xen/features.h>
#include "core/elf.h"
#include "core/blob.h"
#include "core/string.h"
#include "core/types.h"

enum {
    EHDR_SIZE = 64, PHDR_SIZE = 56, SHDR_SIZE = 64, NHDR_SIZE = 12,
    PT_LOAD = 1, PT_NOTE = 4, SHT_NOTE = 7, SHT_NOBITS = 8,
    EM_X86_64 = 62, ET_EXEC = 2, ET_DYN = 3,
    HEADERS_MAX = 1024, /* program headers or sections looked at */
};

/* A parse under way. */
struct parse {
    struct blob file;
    struct elf_image *img;
    const char *why;
    bool xen_notes, has_entry, has_paddr_offset;
};

static bool refuse(struct parse *p, const char *why)
{
    p->why = why;
    return false;
}

/* ---- headers ---- */

static bool header_check(struct parse *p)
{
    struct blob f = p->file;

    if (!blob_equals(f, 0, "\177ELF", 4))
        return refuse(p, "not an ELF file");
    if (f.n < EHDR_SIZE)
        return refuse(p, "the ELF header is cut off");
    if (blob_u8(f, 4) == 1)
        return refuse(p, "a 32-bit ELF file; only 64-bit kernels can be started");
    if (blob_u8(f, 4) != 2 || blob_u8(f, 5) != 1 || blob_u8(f, 6) != 1)
        return refuse(p, "an ELF file of unknown class, byte order or version");
    if (blob_u16(f, 18) != EM_X86_64)
        return refuse(p, "an ELF file for another processor");
    if (blob_u16(f, 16) != ET_EXEC && blob_u16(f, 16) != ET_DYN)
        return refuse(p, "an ELF file that is not executable");
    if (blob_u16(f, 54) < PHDR_SIZE || !blob_u16(f, 56))
        return refuse(p, "an ELF file without program headers");
    if (blob_u16(f, 56) > HEADERS_MAX)
        return refuse(p, "too many ELF program headers");
    if (!blob_has(f, blob_u64(f, 32), (uint64_t)blob_u16(f, 54) * blob_u16(f, 56)))
        return refuse(p, "the ELF program headers are cut off");
    p->img->entry = blob_u64(f, 24);
    return true;
}

static struct blob phdr_get(const struct parse *p, unsigned int i)
{
    return blob_cut(p->file, blob_u64(p->file, 32) + (uint64_t)i * blob_u16(p->file, 54), PHDR_SIZE);
}

static unsigned int phdr_count(const struct parse *p)
{
    return blob_u16(p->file, 56);
}

static struct blob shdr_get(const struct parse *p, unsigned int i)
{
    uint64_t table = blob_u64(p->file, 40), off = table + (uint64_t)i * blob_u16(p->file, 58);

    return off < table ? blob_make(NULL, 0) : blob_cut(p->file, off, SHDR_SIZE);
}

/* Sections are optional: a table that makes no sense counts as none. */
static unsigned int shdr_count(const struct parse *p)
{
    if (!blob_u64(p->file, 40) || blob_u16(p->file, 58) < SHDR_SIZE)
        return 0;
    return MIN(blob_u16(p->file, 60), (unsigned int)HEADERS_MAX);
}

static struct blob section_bytes(const struct parse *p, struct blob shdr)
{
    if (blob_u32(shdr, 4) == SHT_NOBITS)
        return blob_make(NULL, 0);
    return blob_cut(p->file, blob_u64(shdr, 24), blob_u64(shdr, 32));
}

/* ---- what the notes say ---- */

/* Printable bytes up to a NUL or the end; what is too long is cut. */
static void text_take(char *to, const void *from, size_t n)
{
    const char *s = from;
    size_t i;

    for (i = 0; i < n && i < ELF_TEXT_MAX - 1 && s[i]; i++)
        to[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
    to[i] = '\0';
}

#define FEATURE(name) [XENFEAT_##name] = #name
static const char *const feature_names[] = {
    FEATURE(writable_page_tables),
    FEATURE(writable_descriptor_tables),
    FEATURE(auto_translated_physmap),
    FEATURE(supervisor_mode_kernel),
    FEATURE(pae_pgdir_above_4gb),
    FEATURE(mmu_pt_update_preserve_ad),
    FEATURE(highmem_assist),
    FEATURE(gnttab_map_avail_bits),
    FEATURE(hvm_callback_vector),
    FEATURE(hvm_safe_pvclock),
    FEATURE(hvm_pirqs),
    FEATURE(dom0),
    FEATURE(memory_op_vnode_supported),
    FEATURE(ARM_SMCCC_supported),
    FEATURE(linux_rsdp_unrestricted),
    FEATURE(not_direct_mapped),
    FEATURE(direct_mapped),
};

static uint32_t feature_bit(const char *name, size_t n)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(feature_names); i++)
        if (feature_names[i] && strlen(feature_names[i]) == n && !memcmp(feature_names[i], name, n))
            return 1u << i;
    return 0;
}

/* Names separated by '|', a '!' before those it can't do without. */
static bool features_take(struct parse *p, const char *s, size_t n)
{
    const char *end = s + strnlen(s, n), *next;

    for (; s < end; s = next + 1) {
        bool required = *s == '!';
        uint32_t bit;

        next = memchr(s, '|', (size_t)(end - s));
        if (!next)
            next = end;
        s += required;
        bit = feature_bit(s, (size_t)(next - s));
        if (required && !bit)
            return refuse(p, "the kernel requires a feature that is not known");
        p->img->features |= bit;
        if (required)
            p->img->required |= bit;
    }
    return true;
}

static void note_number_take(struct parse *p, uint32_t type, uint64_t v)
{
    struct elf_image *img = p->img;

    switch (type) {
    case XEN_ELFNOTE_ENTRY: img->entry = v; p->has_entry = true; break;
    case XEN_ELFNOTE_HYPERCALL_PAGE: img->hypercall_page = v; img->has_hypercall_page = true; break;
    case XEN_ELFNOTE_VIRT_BASE: img->virt_base = v; break;
    case XEN_ELFNOTE_PADDR_OFFSET: img->paddr_offset = v; p->has_paddr_offset = true; break;
    case XEN_ELFNOTE_HV_START_LOW: img->hv_start_low = v; break;
    case XEN_ELFNOTE_SUSPEND_CANCEL: img->suspend_cancel = v; break;
    case XEN_ELFNOTE_INIT_P2M: img->init_p2m = v; img->has_init_p2m = true; break;
    case XEN_ELFNOTE_MOD_START_PFN: img->mod_start_pfn = v; break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        img->features |= (uint32_t)v;
        img->has_supported_note = true;
        break;
    case XEN_ELFNOTE_PHYS32_ENTRY: img->phys32_entry = v; img->has_phys32_entry = true; break;
    default: break;
    }
}

static bool note_take(struct parse *p, uint32_t type, struct blob desc)
{
    struct elf_image *img = p->img;
    const char *s = (const char *)desc.p;

    switch (type) {
    case XEN_ELFNOTE_XEN_VERSION: text_take(img->xen_version, s, desc.n); break;
    case XEN_ELFNOTE_GUEST_OS: text_take(img->guest_os, s, desc.n); break;
    case XEN_ELFNOTE_GUEST_VERSION: text_take(img->guest_version, s, desc.n); break;
    case XEN_ELFNOTE_LOADER: text_take(img->loader, s, desc.n); break;
    case XEN_ELFNOTE_PAE_MODE: text_take(img->pae_mode, s, desc.n); break;
    case XEN_ELFNOTE_BSD_SYMTAB: img->bsd_symtab = blob_equals(desc, 0, "yes", 3); break;
    case XEN_ELFNOTE_FEATURES: return features_take(p, s, desc.n);
    case XEN_ELFNOTE_L1_MFN_VALID:
        img->l1_mask = blob_u64(desc, 0);
        img->l1_value = blob_u64(desc, 8);
        break;
    case XEN_ELFNOTE_INFO: break;
    default:
        if (desc.n > 8 && type <= XEN_ELFNOTE_MAX)
            return refuse(p, "a Xen ELF note has a number of more than 8 bytes");
        note_number_take(p, type, blob_number(desc, 0, (unsigned int)MIN(desc.n, 8ul)));
        break;
    }
    return true;
}

static bool notes_read(struct parse *p, struct blob notes)
{
    uint64_t off = 0;

    while (blob_has(notes, off, NHDR_SIZE)) {
        uint32_t namesz = blob_u32(notes, off), descsz = blob_u32(notes, off + 4);
        uint64_t name = off + NHDR_SIZE, desc = name + ROUND_UP((uint64_t)namesz, 4);

        if (!blob_has(notes, name, namesz) || !blob_has(notes, desc, descsz))
            return refuse(p, "an ELF note runs out of its segment");
        if (namesz == 4 && blob_equals(notes, name, "Xen", 4)) {
            p->xen_notes = true;
            if (!note_take(p, blob_u32(notes, off + 8), blob_cut(notes, desc, descsz)))
                return false;
        }
        off = desc + ROUND_UP((uint64_t)descsz, 4);
    }
    return true;
}

/* ---- where the notes are ---- */

static bool segment_notes_read(struct parse *p)
{
    for (unsigned int i = 0; i < phdr_count(p); i++) {
        struct blob ph = phdr_get(p, i);

        if (blob_u32(ph, 0) == PT_NOTE &&
             !notes_read(p, blob_cut(p->file, blob_u64(ph, 8), blob_u64(ph, 32))))
            return false;
    }
    return true;
}

static bool section_notes_read(struct parse *p)
{
    for (unsigned int i = 0; i < shdr_count(p); i++) {
        struct blob sh = shdr_get(p, i);

        if (blob_u32(sh, 4) == SHT_NOTE && !notes_read(p, section_bytes(p, sh)))
            return false;
    }
    return true;
}

static struct blob section_find(const struct parse *p, const char *name)
{
    struct blob names = section_bytes(p, shdr_get(p, blob_u16(p->file, 62)));

    for (unsigned int i = 0; i < shdr_count(p); i++) {
        struct blob sh = shdr_get(p, i);

        if (blob_equals(names, blob_u32(sh, 0), name, strlen(name) + 1))
            return section_bytes(p, sh);
    }
    return blob_make(NULL, 0);
}

/* ---- the older string: NAME=value,NAME=value,NAME ---- */

static uint64_t number_parse(const char *s, size_t n)
{
    unsigned int base = 10, digit;
    uint64_t v = 0;

    if (n > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
        n -= 2;
    }
    for (; n; s++, n--) {
        char c = (char)(*s | 0x20);

        digit = c >= 'a' ? (unsigned int)(c - 'a' + 10) : (unsigned int)(*s - '0');
        if (digit >= base)
            break;
        v = v * base + digit;
    }
    return v;
}

static bool legacy_item_take(struct parse *p, const char *s, size_t n)
{
    static const struct { const char *name; uint32_t note; bool number; } names[] = {
        { "VIRT_BASE", XEN_ELFNOTE_VIRT_BASE, true },
        { "VIRT_ENTRY", XEN_ELFNOTE_ENTRY, true },
        { "ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET, true },
        { "HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE, true },
        { "XEN_VER", XEN_ELFNOTE_XEN_VERSION, false },
        { "GUEST_OS", XEN_ELFNOTE_GUEST_OS, false },
        { "GUEST_VER", XEN_ELFNOTE_GUEST_VERSION, false },
        { "LOADER", XEN_ELFNOTE_LOADER, false },
        { "PAE", XEN_ELFNOTE_PAE_MODE, false },
        { "FEATURES", XEN_ELFNOTE_FEATURES, false },
    };
    const char *eq = memchr(s, '=', n);
    size_t name_len = eq ? (size_t)(eq - s) : n;
    const char *value = eq ? eq + 1 : s + n;
    size_t value_len = (size_t)(s + n - value);

    if (name_len == strlen("BSD_SYMTAB") && !memcmp(s, "BSD_SYMTAB", name_len))
        p->img->bsd_symtab = true;
    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
        if (strlen(names[i].name) != name_len || memcmp(names[i].name, s, name_len))
            continue;
        if (!names[i].number)
            return note_take(p, names[i].note, blob_make(value, value_len));
        note_number_take(p, names[i].note, number_parse(value, value_len));
    }
    return true;
}

static bool legacy_read(struct parse *p)
{
    struct blob text = section_find(p, "__xen_guest");
    const char *s = (const char *)text.p, *end, *next;

    if (!text.n)
        return refuse(p, "no Xen notes: not a para-virtual kernel");
    for (end = s + strnlen(s, text.n); s < end; s = next + 1) {
        next = memchr(s, ',', (size_t)(end - s));
        if (!next)
            next = end;
        if (!legacy_item_take(p, s, (size_t)(next - s)))
            return false;
    }
    /* The legacy defaults and units, as <xen/elfnote.h> has them. */
    if (!p->has_paddr_offset)
        p->img->paddr_offset = p->img->virt_base;
    p->img->hypercall_page = p->img->virt_base + (p->img->hypercall_page << PAGE_SHIFT);
    return true;
}

static bool notes_find(struct parse *p)
{
    if (!segment_notes_read(p))
        return false;
    if (!p->xen_notes && !section_notes_read(p))
        return false;
    if (!p->xen_notes)
        return legacy_read(p);
    if (!p->has_entry)
        return refuse(p, "no Xen ENTRY note: the kernel has no para-virtual entry point");
    return true;
}

/* Both ends in the lower half, or both in the upper one and behind the hypervisor's part of it. */
static bool range_is_guests(uint64_t start, uint64_t end)
{
    return end <= 1ull << 47 || start >= HYPERVISOR_VIRT_END;
}

static bool notes_check(struct parse *p)
{
    const struct elf_image *img = p->img;

    if (img->xen_version[0] && strcmp(img->xen_version, "xen-3.0"))
        return refuse(p, "the kernel is for another version of the Xen interface");
    if (img->loader[0] && strcmp(img->loader, "generic"))
        return refuse(p, "the kernel asks for a loader that does not exist");
    if (img->required & (1u << XENFEAT_supervisor_mode_kernel | 1u << XENFEAT_auto_translated_physmap))
        return refuse(p, "the kernel requires what a para-virtual machine cannot give");
    if (img->has_init_p2m &&
         (img->init_p2m & ~PAGE_MASK || !range_is_guests(img->init_p2m, img->init_p2m)))
        return refuse(p, "the kernel's INIT_P2M is not a page that a guest may have");
    if (img->hv_start_low > HYPERVISOR_VIRT_START)
        return refuse(p, "the kernel leaves too little address space for the hypervisor");
    return true;
}

/* ---- the plan ---- */

static bool seg_take(struct parse *p, struct blob ph)
{
    struct elf_image *img = p->img;
    struct elf_seg seg = {
        .offset = blob_u64(ph, 8),
        .filesz = blob_u64(ph, 32),
        .virt = blob_u64(ph, 24) - img->paddr_offset + img->virt_base,
        .memsz = blob_u64(ph, 40),
    };

    if (seg.filesz > seg.memsz)
        return refuse(p, "an ELF segment is larger in the file than in memory");
    if (!seg.memsz)
        return true;
    if (seg.filesz && !blob_has(p->file, seg.offset, seg.filesz))
        return refuse(p, "an ELF segment is not all in the file");
    if (seg.memsz > UINT64_MAX - seg.virt)
        return refuse(p, "an ELF segment runs out of the address space");
    if (img->nr_segs == ELF_SEGS_MAX)
        return refuse(p, "too many ELF segments");
    for (unsigned int i = 0; i < img->nr_segs; i++)
        if (seg.virt < img->segs[i].virt + img->segs[i].memsz &&
             img->segs[i].virt < seg.virt + seg.memsz)
            return refuse(p, "two ELF segments overlap");
    img->segs[img->nr_segs++] = seg;
    img->virt_start = MIN(img->virt_start, seg.virt);
    img->virt_end = MAX(img->virt_end, seg.virt + seg.memsz);
    return true;
}

static bool segs_take(struct parse *p)
{
    p->img->virt_start = UINT64_MAX;
    for (unsigned int i = 0; i < phdr_count(p); i++) {
        struct blob ph = phdr_get(p, i);

        if (blob_u32(ph, 0) == PT_LOAD && !seg_take(p, ph))
            return false;
    }
    if (!p->img->nr_segs)
        return refuse(p, "an ELF file with nothing to load");
    return true;
}

static bool plan_check(struct parse *p)
{
    const struct elf_image *img = p->img;

    if (!range_is_guests(img->virt_start, img->virt_end))
        return refuse(p, "the kernel wants addresses that are the hypervisor's or nobody's");
    if (img->entry < img->virt_start || img->entry >= img->virt_end)
        return refuse(p, "the kernel's entry point is not in its image");
    if (!img->has_hypercall_page)
        return true;
    if (img->hypercall_page & ~PAGE_MASK || img->hypercall_page < img->virt_start ||
         img->hypercall_page >= img->virt_end || img->virt_end - img->hypercall_page < PAGE_SIZE)
        return refuse(p, "the kernel's hypercall page is not a page in its image");
    return true;
}

int elf_parse(struct elf_image *img, const void *p, size_t n, const char **why)
{
    struct parse parse = { .file = blob_make(p, n), .img = img };

    memset(img, 0, sizeof(*img));
    if (header_check(&parse) && notes_find(&parse) && notes_check(&parse) &&
         segs_take(&parse) && plan_check(&parse))
        return 0;
    *why = parse.why;
    return -XEN_ENOEXEC;
}
