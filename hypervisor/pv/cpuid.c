/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID for guests: the processor asked, core/cpuid.c's policy applied. */
#include "pv/cpuid.h"
#include "core/cpuid.h"
#include "core/cpupolicy.h"
#include "core/frame.h"
#include "core/pvclock.h"
#include "kern/domain.h"
#include "kern/tsc.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/spec.h"
#include "x86/time.h"

/* What no guest changes, asked once: the instruction itself may be slow (it is where we run under another hypervisor). */
struct machine {
    uint32_t max_basic, max_extended, leaf1_d;
    enum cpu_vendor vendor;
    bool has_rdtscp;
    uint8_t maddr_bits;
};

static struct cpuid_regs leaf_of(uint32_t leaf, uint32_t sub)
{
    struct cpuid_leaf l = cpuid_count(leaf, sub);

    return (struct cpuid_regs){ l.a, l.b, l.c, l.d };
}

/* Bits of an address that cover `count` frames. */
static uint8_t address_bits(uint64_t count)
{
    uint8_t n = PAGE_SHIFT;

    while (n < 64 && count > 1ul << (n - PAGE_SHIFT))
        n++;
    return n;
}

static struct machine machine_ask(void)
{
    struct machine m = {
        .max_basic = leaf_of(0, 0).a, .max_extended = leaf_of(0x80000000, 0).a, .leaf1_d = leaf_of(1, 0).d,
        .vendor = cpuid_vendor(leaf_of(0, 0)), .maddr_bits = address_bits(nr_frames),
    };

    m.has_rdtscp = m.max_extended >= 0x80000001 && (leaf_of(0x80000001, 0).d >> 27 & 1);
    return m;
}

/* Two CPUs that come first together find the same. */
static const struct machine *machine(void)
{
    static struct machine m;
    static bool known; /* [atomic] m is complete */

    if (!__atomic_load_n(&known, __ATOMIC_ACQUIRE)) {
        m = machine_ask();
        __atomic_store_n(&known, true, __ATOMIC_RELEASE);
    }
    return &m;
}

static struct cpuid_regs machine_leaf(const struct machine *m, uint32_t leaf, uint32_t sub)
{
    if (leaf > (leaf & 0x80000000 ? m->max_extended : m->max_basic))
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    return leaf_of(leaf, sub);
}

struct cpuid_regs cpuid_machine(uint32_t leaf, uint32_t sub)
{
    return machine_leaf(machine(), leaf, sub);
}

static struct cpuid_time time_of(struct domain *d)
{
    struct clock_line line;
    uint32_t machine_khz = (uint32_t)(tsc_hz() / 1000);
    struct tsc_info i;
    uint64_t flags = irq_save();

    domain_tsc_line(d, &line);
    irq_restore(flags);
    domain_tsc_get(d, &i);
    return (struct cpuid_time){
        .mode = i.mode, .khz = i.khz ? i.khz : machine_khz, .incarnation = i.incarnation, .machine_khz = machine_khz,
        .emulated = d->tsc_emulated, .stable = tsc_is_stable(), .offset = line.ns - clock_scale_apply(line.scale, line.tsc),
        .mul = line.scale.mul, .shift = line.scale.shift,
    };
}

struct cpuid_regs pv_cpuid_answer(struct domain *d, bool osxsave, uint32_t leaf, uint32_t sub)
{
    const struct machine *m = machine();
    struct cpuid_host host = {
        .leaf = machine_leaf(m, leaf, sub), .max_basic = m->max_basic, .leaf1_d = m->leaf1_d, .xsave_size = fpu_xsave_size(),
    };
    struct cpuid_guest g = {
        .xcr0_mask = fpu_xcr0_mask(), .vendor = m->vendor, .osxsave = osxsave,
        .is_privileged = d && d->is_privileged, .has_rdtscp = m->has_rdtscp,
        .lfence_serialises = spec_lfence_serialises(), .has_arch_caps = spec_has_arch_caps(), .maddr_bits = m->maddr_bits,
    };

    if (leaf == CPUID_XEN_TIME && d)
        g.time = time_of(d);
    return cpuid_for_guest(&g, leaf, sub, &host);
}

struct cpuid_regs pv_cpuid_policy(const void *of, uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = pv_cpuid_answer(NULL, false, leaf, sub);

    if (leaf == 0x80000001)
        r.d &= ~CPUPOLICY_E1D_COPIES;
    return r;
}

void pv_cpuid(struct vcpu *v, bool forced)
{
    struct cpu_user_regs *r = &v->regs;
    uint32_t leaf = (uint32_t)r->rax, sub = (uint32_t)r->rcx;
    struct cpuid_regs a = pv_cpuid_answer(v->domain, forced || v->pv->osxsave, leaf, sub);

    if (v->domain->cpu_policy)
        a = cpupolicy_apply(v->domain->cpu_policy, leaf, sub, a);
    r->rax = a.a;
    r->rbx = a.b;
    r->rcx = a.c;
    r->rdx = a.d;
}
