/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of para-virtual domains and vCPUs.  Read next: pv/traps.c, pv/mmu.c.
 *
 * A PV kernel runs in ring 3, as its own processes do; which of the two runs is vcpu.kernel_mode.  The kernel has
 * the page table `table`, processes `table_user`.
 */
#pragma once

#include "core/types.h"
#include "x86/lock.h"

struct domain;
struct vcpu;

struct pv_domain {
    spinlock_t pt_lock;      /* RANK_PT: all page and segment tables of the domain */
    mfn_t deferred;          /* a table that is still to be taken apart (pv_finish_deferred()), MFN_NONE: none [pt_lock] */
    uint64_t *perdomain_l3;  /* tables of PERDOMAIN_START: the vCPUs' descriptor tables [pt_lock] */
    mfn_t perdomain_l3_mfn;  /* [const] */
    uint32_t pci_cf8;        /* what it wrote to port 0xcf8 last */
    uint64_t spec_tag;       /* its name for x86/spec.c [const] */
};

/* Virtual space of a vCPU's descriptor tables: 16 pages of GDT, 16 of LDT. */
#define PV_TRAPS      256
#define PV_DESC_PAGES 32
#define PV_GDT_GUEST_PAGES 14
#define PV_FRAME_PAGE 15 /* not of the GDT: the vCPU's page, where traps push, if page tables are isolated */
#define PV_LDT_PAGES 16

struct pv_callback {
    uint64_t eip;
    bool masks_events;
};

struct pv_vcpu {
    bool ts;                  /* the guest set CR0.TS (fpu_taskswitch, or CR0 write) */
    bool osxsave;             /* the guest set CR4.OSXSAVE */
    bool nmi_masked;          /* in the guest's NMI handler until its iret */
    uint8_t iopl;             /* 0..3, virtual */
    uint64_t kernel_sp;       /* where its processes' traps go: set by pv_kernel_stack() */
    uint64_t frame_sp;        /* the same, or an address that faults if that is not the guest's to write */
    uint16_t kernel_ss;
    mfn_t table, table_user;  /* type L4, referenced; MFN_NONE: none [pt_lock] */
    uint64_t cr3[2];          /* for tlb_load_cr3(): of table_user, of table; 0: none.  Index: vcpu.kernel_mode */

    struct pv_callback event, failsafe, syscall, syscall32, sysenter;
    struct trap_info *traps;  /* PV_TRAPS of them: a page */

    uint64_t fs_base, gs_base_kernel, gs_base_user; /* while it doesn't run; the active GS base is by kernel_mode */
    uint64_t cr4;             /* guest-visible, settable bits */
    uint64_t spec_ctrl;       /* what the guest wrote to SPEC_CTRL */
    uint32_t tsc_aux;         /* ... and to TSC_AUX */
    uint64_t dr[8];
    uint64_t dr7_ports;       /* enable bits of breakpoints on ports; dr[7] is without them */
    uint8_t port_hits;        /* which of them the instruction that is being carried out met: bits of DR6 */
    uint64_t *desc_ptes;      /* PV_DESC_PAGES entries that map our descriptor tables */
    uint64_t gdt_va, ldt_va;  /* where */
    unsigned gdt_entries;     /* [pt_lock] */
    uint64_t gdt_frames[PV_GDT_GUEST_PAGES]; /* 0: none [pt_lock] */
    uint64_t ldt_base;
    unsigned ldt_entries;
    uint32_t ldt_mapped;      /* pages of the LDT now mapped, a bit each */

    uint64_t iobitmap_va;     /* guest address of its I/O permission bitmap, 0: none */
    unsigned iobitmap_ports;
};

/* Traps of the kernel's processes go to this stack. */
void pv_kernel_stack(struct pv_vcpu *pv, uint16_t ss, uint64_t sp);

/* What the processor's CR4 is while v runs: its own bits among ours. */
uint64_t pv_cr4(const struct vcpu *v);

