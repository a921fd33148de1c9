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
    if (which != SEGBASE_GS_USER_SEL && !is_canonical(base))
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

void pv_set_ts(struct vcpu *v, bool ts)
{
    v->pv->ts = ts;
    if (ts)
        WRITE_CR(0, READ_CR(0) | CR0_TS);
    else
        __asm__ volatile("clts");
}

long do_fpu_taskswitch(struct hcall *c)
{
    pv_set_ts(current, c->arg[0] != 0);
    return 0;
}

/* ---- Debug registers (SDM3 17.2) ---- */

#define DR7_GD       (1ul << 13)
#define DR7_ENABLE   0xfful
#define DR_TYPE_IO   2

/* The enable bits of breakpoints on ports: the processor must not follow them, for it is we who access the ports (pv/ports.c). */
static uint64_t dr7_ports(uint64_t dr7)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 4; i++)
        if ((dr7 >> (16 + 4 * i) & 3) == DR_TYPE_IO)
            bits |= dr7 & 3ul << 2 * i;
    return bits;
}

/* Without CR4.DE there are no breakpoints on ports. */
static bool dr7_set(struct pv_vcpu *pv, uint64_t dr7)
{
    uint64_t ports = dr7_ports(dr7);

    dr7 = (dr7 & ~0xffffffff0000d800ul) | 0x400;
    if (dr7 & DR7_GD || (ports && !(pv->cr4 & CR4_DE)))
        return false;
    pv->dr[7] = dr7 & ~ports;
    pv->dr7_ports = ports;
    return true;
}

unsigned pv_port_breakpoints(const struct vcpu *v, unsigned port, unsigned bytes)
{
    static const uint8_t length[] = { 1, 2, 1, 4 }; /* 2 is not defined */
    const struct pv_vcpu *pv = v->pv;
    unsigned hits = 0;

    for (unsigned i = 0; pv->dr7_ports && i < 4; i++) {
        unsigned len = length[pv->dr[7] >> (18 + 4 * i) & 3];
        uint64_t start = pv->dr[i] & ~(len - 1ul);

        if ((pv->dr7_ports >> 2 * i & 3) && start < port + bytes && port < start + len)
            hits |= 1u << i;
    }
    return hits;
}

void pv_load_debugregs(const struct pv_vcpu *pv)
{
    WRITE_DR(0, pv->dr[0]);
    WRITE_DR(1, pv->dr[1]);
    WRITE_DR(2, pv->dr[2]);
    WRITE_DR(3, pv->dr[3]);
    WRITE_DR(7, pv->dr[7]);
}

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value)
{
    struct pv_vcpu *pv = v->pv;

    switch (reg) {
    case 0 ... 3:
        if (!guest_range_ok(value, 8))
            return -XEN_EPERM;
        pv->dr[reg & 3] = value;
        break;
    case 4:
    case 6:
        pv->dr[6] = (value & 0xe00f) | 0xffff0ff0ul;
        return 0; /* the processor's own is read and cleared at each #DB */
    case 5:
    case 7:
        if (!dr7_set(pv, value))
            return -XEN_EPERM;
        break;
    default:
        return -XEN_ENODEV;
    }
    if (v != current || !(pv->dr[7] & DR7_ENABLE)) {
        if (v == current && (reg == 7 || reg == 5))
            WRITE_DR(7, 0x400);
        return 0;
    }
    pv_load_debugregs(pv);
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
        return (long)pv->dr[c->arg[0] & 3];
    case 4:
    case 6:
        return (long)pv->dr[6];
    case 5:
    case 7:
        return (long)(pv->dr[7] | pv->dr7_ports);
    default:
        return -XEN_EINVAL;
    }
}
