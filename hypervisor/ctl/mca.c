/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * __HYPERVISOR_mca (xen/arch-x86/xen-mca.h), dom0 only: what the processors are, and the records of machine checks
 * (kern/mce.c), each as a global and its banks.  A record stays the oldest until dom0 acknowledges it.
 *
 * Telling another domain of an error is not done: -XEN_EINVAL, as by Xen.
 */
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/mce.h"
#include "x86/cpu.h"
#include "x86/cpumask.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/topology.h"
#include <xen/arch-x86/xen-mca.h>

/* ---- The processors ---- */

/* Cores a package, from where the vendor says it; at least 1. */
static unsigned cores_of_package(void)
{
    if (cpuid_count(0, 0).a >= 4 && (cpuid_count(4, 0).a & 0x1f))
        return (cpuid_count(4, 0).a >> 26) + 1;
    if (cpuid_count(0x80000000, 0).a >= 0x80000008)
        return (cpuid_count(0x80000008, 0).c & 0xff) + 1;
    return 1;
}

static void topology_set(xen_mc_logical_cpu_t *c)
{
    struct cpuid_leaf l1 = cpuid_count(1, 0);
    unsigned logical = l1.d >> 28 & 1 ? MAX(l1.b >> 16 & 0xff, 1u) : 1, cores = MIN(cores_of_package(), logical);
    unsigned thread_bits = LOG2_UP(logical / MAX(cores, 1u)), package_bits = thread_bits + LOG2_UP(cores);

    c->mc_apicid = smp_apic_id(cpu_id());
    c->mc_clusterid = c->mc_apicid;
    c->mc_threadid = (uint16_t)(c->mc_apicid & ((1u << thread_bits) - 1));
    c->mc_coreid = (uint16_t)(c->mc_apicid >> thread_bits & ((1u << (package_bits - thread_bits)) - 1));
    c->mc_chipid = c->mc_apicid >> package_bits;
    c->mc_ncores = c->mc_ncores_active = cores;
    c->mc_nthreads = logical / MAX(cores, 1u);
}

static void names_set(xen_mc_logical_cpu_t *c)
{
    struct cpuid_leaf l = cpuid_count(0, 0);

    c->mc_cpuid_level = (int32_t)l.a;
    memcpy(c->mc_vendorid, &l.b, 4);
    memcpy(c->mc_vendorid + 4, &l.d, 4);
    memcpy(c->mc_vendorid + 8, &l.c, 4);
    for (unsigned i = 0; i < 3 && cpuid_count(0x80000000, 0).a >= 0x80000004; i++) {
        l = cpuid_count(0x80000002 + i, 0);
        memcpy(c->mc_brandid + 16 * i, &l, 16);
    }
}

/* As Xen numbers them. */
static uint32_t vendor_number(const char *name)
{
    static const char names[][13] = { "GenuineIntel", "AuthenticAMD", "CentaurHauls", "  Shanghai  ", "HygonGenuine" };

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (!memcmp(name, names[i], 12))
            return 1u << i;
    return 0;
}

/* The biggest cache, KiB: leaf 4 if it is there, else AMD's leaf. */
static uint32_t cache_kib(void)
{
    uint32_t best = 0;
    struct cpuid_leaf l;

    for (unsigned i = 0; i < 8 && cpuid_count(0, 0).a >= 4; i++) {
        l = cpuid_count(4, i);
        if (!(l.a & 0x1f))
            break;
        best = MAX(best, ((l.b >> 22) + 1) * ((l.b >> 12 & 0x3ff) + 1) * ((l.b & 0xfff) + 1) * (l.c + 1) / 1024);
    }
    if (best || cpuid_count(0x80000000, 0).a < 0x80000006)
        return best;
    l = cpuid_count(0x80000006, 0);
    return MAX((l.d >> 18) * 512, l.c >> 16);
}

static void signature_set(xen_mc_logical_cpu_t *c)
{
    struct cpuid_leaf l1 = cpuid_count(1, 0), e1 = cpuid_count(0x80000001, 0);
    uint32_t family = l1.a >> 8 & 15;

    c->mc_vendor = vendor_number(c->mc_vendorid);
    c->mc_family = family == 15 ? family + (l1.a >> 20 & 0xff) : family;
    c->mc_model = (l1.a >> 4 & 15) | (family == 6 || family == 15 ? l1.a >> 12 & 0xf0 : 0);
    c->mc_step = l1.a & 15;
    c->mc_cpu_caps[MC_CAPS_STD_EDX] = l1.d;
    c->mc_cpu_caps[MC_CAPS_STD_ECX] = l1.c;
    c->mc_cpu_caps[MC_CAPS_AMD_EDX] = e1.d;
    c->mc_cpu_caps[MC_CAPS_AMD_ECX] = e1.c;
    c->mc_cache_alignment = (l1.b >> 8 & 0xff) * 8;
    c->mc_cache_size = cache_kib();
    c->mc_nmsrvals = 1;
    c->mc_msrvalues[0] = (xen_mcinfo_msr_t){ 0x179, mce_capabilities() };
}

/* On the CPU itself. */
static void cpu_describe(void *data)
{
    xen_mc_logical_cpu_t *c = data;

    memset(c, 0, sizeof(*c));
    c->mc_cpunr = cpu_id();
    names_set(c);
    signature_set(c);
    topology_set(c);
}

static long physcpuinfo(xen_mc_physcpuinfo_t *info)
{
    uint64_t to = guest_addr(info->info);
    xen_mc_logical_cpu_t c;
    uint32_t n = 0;

    if (to && (int32_t)info->ncpus <= 0)
        return -XEN_EINVAL;
    cpumask_each(cpu, &cpu_online) {
        cpumask_t one = { { 0 } };

        if (to && n >= info->ncpus)
            break;
        cpumask_set(&one, cpu);
        if (to) {
            smp_call(&one, cpu_describe, &c);
            if (copy_to_guest_at(to, n, &c, sizeof(c)))
                return -XEN_EFAULT;
        }
        n++;
    }
    info->ncpus = n;
    return 0;
}

/* ---- Records ---- */

static void global_fill(struct mcinfo_global *g, const struct mce_record *r)
{
    *g = (struct mcinfo_global){
        .common = { MC_TYPE_GLOBAL, sizeof(*g) }, .mc_domid = r->domid, .mc_vcpuid = r->vcpu,
        .mc_apicid = smp_apic_id(r->cpu), .mc_gstatus = r->global_status,
        .mc_flags = (r->urgent ? MC_FLAG_MCE : MC_FLAG_POLLED) |
                    (r->uncorrected ? MC_FLAG_UNCORRECTABLE | MC_FLAG_RECOVERABLE : MC_FLAG_CORRECTABLE),
    };
    g->mc_coreid = (uint16_t)r->cpu;
}

static void info_fill(struct mc_info *info, const struct mce_record *r)
{
    char *at = (char *)info->mi_data;
    struct mcinfo_global g;

    memset(info, 0, sizeof(*info));
    global_fill(&g, r);
    memcpy(at, &g, sizeof(g));
    at += sizeof(g);
    for (unsigned i = 0; i < r->nr_banks; i++, at += sizeof(struct mcinfo_bank)) {
        struct mcinfo_bank b = {
            .common = { MC_TYPE_BANK, sizeof(b) }, .mc_bank = (uint16_t)r->bank[i].bank, .mc_domid = r->domid,
            .mc_status = r->bank[i].status, .mc_addr = r->bank[i].address, .mc_misc = r->bank[i].misc, .mc_tsc = r->tsc,
        };

        memcpy(at, &b, sizeof(b));
    }
    info->mi_nentries = 1 + r->nr_banks;
}

_Static_assert(sizeof(struct mcinfo_global) + MCE_RECORD_BANKS * sizeof(struct mcinfo_bank) <=
                   sizeof(((struct mc_info *)0)->mi_data),
               "a record fits");

static long fetch(xen_mc_fetch_t *f)
{
    bool urgent = f->flags & XEN_MC_URGENT;
    uint32_t what = f->flags & (XEN_MC_NONURGENT | XEN_MC_URGENT);
    struct mce_record r;
    struct mc_info info;

    if (what != XEN_MC_NONURGENT && what != XEN_MC_URGENT)
        return -XEN_EINVAL;
    if (f->flags & XEN_MC_ACK) {
        mce_record_done(urgent, f->fetch_id);
        f->flags = XEN_MC_OK;
        return 0;
    }
    if (!guest_addr(f->data))
        return -XEN_EINVAL;
    f->flags = XEN_MC_NODATA;
    f->fetch_id = 0;
    if (!mce_record_get(urgent, &r))
        return 0;
    info_fill(&info, &r);
    if (copy_to_guest(guest_addr(f->data), &info, sizeof(info)))
        return -XEN_EFAULT;
    f->flags = XEN_MC_OK;
    f->fetch_id = r.id;
    return 0;
}

/* ---- Errors made up ---- */

static long msrinject(const xen_mc_msrinject_t *m)
{
    const uint32_t known = MC_MSRINJ_F_INTERPOSE | MC_MSRINJ_F_GPADDR;

    if (!cpu_is_online(m->mcinj_cpunr) || (m->mcinj_flags & ~known))
        return -XEN_EINVAL;
    if (m->mcinj_count > MC_MSRINJ_MAXMSRS)
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < m->mcinj_count; i++)
        if (!mce_is_register((uint32_t)m->mcinj_msr[i].reg) || m->mcinj_msr[i].reg >> 32)
            return -XEN_EINVAL;
    /* Addresses that are a guest's (GPADDR): a para-virtual guest's are the machine's. */
    for (uint32_t i = 0; i < m->mcinj_count; i++) {
        int rc = mce_inject_register(m->mcinj_cpunr, (uint32_t)m->mcinj_msr[i].reg, m->mcinj_msr[i].value,
                                     m->mcinj_flags & MC_MSRINJ_F_INTERPOSE);

        if (rc)
            return rc;
    }
    return 0;
}

static long mceinject(const xen_mc_mceinject_t *m)
{
    cpumask_t one = { { 0 } };

    if (!cpu_is_online(m->mceinj_cpunr))
        return -XEN_EINVAL;
    cpumask_set(&one, m->mceinj_cpunr);
    return mce_inject_exception(&one);
}

/* Bits for CPUs that there aren't are not looked at. */
static long cpus_in(cpumask_t *cpus, const xenctl_bitmap_t *map)
{
    uint32_t bytes = MIN((map->nr_bits + 7ul) / 8, sizeof(cpus->bits));

    memset(cpus, 0, sizeof(*cpus));
    if (copy_from_guest(cpus->bits, guest_addr(map->bitmap), bytes))
        return -XEN_EFAULT;
    if (map->nr_bits % 8 && bytes * 8ul >= map->nr_bits)
        ((uint8_t *)cpus->bits)[bytes - 1] &= (uint8_t)((1u << map->nr_bits % 8) - 1);
    for (unsigned i = 0; i < ARRAY_SIZE(cpus->bits); i++)
        cpus->bits[i] &= cpu_online.bits[i];
    return 0;
}

/* "Corrected" interrupts are not used: the look in passing follows at once. */
static long inject_v2(const xen_mc_inject_v2_t *m)
{
    cpumask_t cpus = cpu_online;
    unsigned n = 0;
    long rc = 0;

    if (m->flags & ~(XEN_MC_INJECT_TYPE_MASK | XEN_MC_INJECT_CPU_BROADCAST))
        return -XEN_EINVAL;
    if (!(m->flags & XEN_MC_INJECT_CPU_BROADCAST))
        rc = cpus_in(&cpus, &m->cpumap);
    if (rc)
        return rc;
    cpumask_each(cpu, &cpus)
        n++;
    if (!n)
        return -XEN_EINVAL;
    switch (m->flags & XEN_MC_INJECT_TYPE_MASK) {
    case XEN_MC_INJECT_TYPE_LMCE:
        return n == 1 ? mce_inject_exception(&cpus) : -XEN_EINVAL;
    case XEN_MC_INJECT_TYPE_MCE:
        return mce_inject_exception(&cpus);
    case XEN_MC_INJECT_TYPE_CMCI:
        mce_look(&cpus);
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

long do_mca(struct hcall *c)
{
    struct xen_mc op;
    long rc;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (copy_from_guest(&op, c->arg[0], sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_MCA_INTERFACE_VERSION)
        return -XEN_EACCES;
    switch (op.cmd) {
    case XEN_MC_fetch:
        rc = fetch(&op.u.mc_fetch);
        break;
    case XEN_MC_physcpuinfo:
        rc = physcpuinfo(&op.u.mc_physcpuinfo);
        break;
    case XEN_MC_msrinject:
        return msrinject(&op.u.mc_msrinject);
    case XEN_MC_mceinject:
        return mceinject(&op.u.mc_mceinject);
    case XEN_MC_inject_v2:
        return inject_v2(&op.u.mc_inject_v2);
    default:
        return -XEN_EINVAL;
    }
    if (rc == 0 && copy_to_guest(c->arg[0], &op, sizeof(op)))
        return -XEN_EFAULT;
    return rc;
}
