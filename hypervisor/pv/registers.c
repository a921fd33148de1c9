/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment bases, CR0.TS and debug registers of the running vCPU: what its kernel can't load itself in ring 3. */
#include "pv/registers.h"
#include "kern/hypercall.h"
#include "kern/domain.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/layout.h"
#include "x86/uaccess.h"

/* ---- Segment bases ---- */

static bool canonical(uint64_t a)
{
    return (int64_t)(a << 16) >> 16 == (int64_t)a;
}

/* gs := selector, in the user's GS, which is not the active one while its kernel runs. */
static void gs_user_selector(struct vcpu *v, unsigned sel)
{
    uint64_t flags = irq_save();

    __asm__ volatile("swapgs" ::: "memory");
    if (seg_load_gs(sel))
        v->regs.gs = 0;
    __asm__ volatile("mfence; swapgs" ::: "memory");
    irq_restore(flags);
}

long pv_set_segment_base(struct vcpu *v, unsigned which, uint64_t base)
{
    if (which != SEGBASE_GS_USER_SEL && !canonical(base))
        return -XEN_EINVAL;
    switch (which) {
    case SEGBASE_FS:
        wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        v->pv->gs_base_user = base;
        wrmsr(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        v->pv->gs_base_kernel = base;
        wrmsr(MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        gs_user_selector(v, (uint16_t)base);
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

long do_set_segment_base(struct hcall *c)
{
    return pv_set_segment_base(current, (unsigned)c->arg[0], c->arg[1]);
}

/* ---- FPU ---- */

long do_fpu_taskswitch(struct hcall *c)
{
    struct pv_vcpu *pv = current->pv;

    pv->ts = c->arg[0] != 0;
    if (pv->ts)
        WRITE_CR(0, READ_CR(0) | CR0_TS);
    else
        __asm__ volatile("clts");
    return 0;
}

/* ---- Debug registers (SDM3 17.2) ---- */

#define DR7_GD       (1ul << 13)
#define DR7_ENABLE   0xfful
#define DR_TYPE_IO   2

/* Each enabled breakpoint's address must be the guest's, and no I/O breakpoints (CR4.DE is on; we don't follow them). */
static bool dr7_ok(const struct pv_vcpu *pv, uint64_t dr7)
{
    for (unsigned i = 0; i < 4; i++)
        if ((dr7 >> (2 * i) & 3) && (dr7 >> (16 + 4 * i) & 3) == DR_TYPE_IO)
            return false;
    (void)pv;
    return true;
}

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    struct pv_vcpu *pv = v->pv;

    switch (reg) {
    case 0 ... 3:
        if (!guest_range_ok(value, 8))
            return -XEN_EPERM;
        pv->dr[reg] = value;
        break;
    case 4:
    case 6:
        pv->dr[6] = (value & 0xe00f) | 0xffff0ff0ul;
        return 0; /* the processor's own is read and cleared at each #DB */
    case 5:
    case 7:
        value = (value & ~(0xffffffff0000d800ul)) | 0x400;
        if (value & DR7_GD || !dr7_ok(pv, value))
            return -XEN_EPERM;
        pv->dr[7] = value;
        break;
    default:
        return -XEN_ENODEV;
    }
    if (v != current || !(pv->dr[7] & DR7_ENABLE)) {
        if (v == current && reg == 7)
            WRITE_DR(7, 0x400);
        return 0;
    }
    WRITE_DR(0, pv->dr[0]);
    WRITE_DR(1, pv->dr[1]);
    WRITE_DR(2, pv->dr[2]);
    WRITE_DR(3, pv->dr[3]);
    WRITE_DR(7, pv->dr[7]);
    return 0;
}

long do_set_debugreg(struct hcall *c)
{
    return pv_set_debugreg(current, (unsigned)MIN(c->arg[0], 8ul), c->arg[1]);
}

long do_get_debugreg(struct hcall *c)
{
    struct pv_vcpu *pv = current->pv;

    switch (c->arg[0]) {
    case 0 ... 3:
    case 6:
    case 7:
        return (long)pv->dr[c->arg[0]];
    case 4:
    case 5:
        return (long)pv->dr[c->arg[0] + 2];
    default:
        return -XEN_EINVAL;
    }
}
