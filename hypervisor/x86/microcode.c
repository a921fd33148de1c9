/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Microcode: see microcode.h; the files are core/microcode.c's.  (SDM3 9.11.6, 9.11.7; AMD PPR, MSR C001_0020.)
 *
 * All CPUs stop together, then load one after the other: threads that share a core must not run other code meanwhile,
 * and the second of them finds the update already there.
 */
#include "x86/microcode.h"
#include "core/cpuid.h"
#include "core/microcode.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/uaccess.h"

#define MSR_PLATFORM_ID  0x17
#define MSR_INTEL_UPDATE 0x79
#define MSR_REVISION     0x8b
#define MSR_AMD_LOADER   0xc0010020u

struct loading {
    enum cpu_vendor vendor;
    uint64_t address;
    uint32_t revision;
    unsigned turn;   /* the CPU whose turn it is [atomic] */
    unsigned failed; /* CPUs that don't run it [atomic] */
};

static enum cpu_vendor vendor_here(void)
{
    struct cpuid_leaf l = cpuid_count(0, 0);

    return cpuid_vendor((struct cpuid_regs){ l.a, l.b, l.c, l.d });
}

/* Intel: written 0, then CPUID puts the number there. */
static uint32_t revision_here(enum cpu_vendor vendor)
{
    uint64_t v = 0;

    if (vendor == VENDOR_INTEL) {
        wrmsr_safe(MSR_REVISION, 0);
        cpuid_count(1, 0);
    }
    if (rdmsr_safe(MSR_REVISION, &v))
        return 0;
    return (uint32_t)(vendor == VENDOR_INTEL ? v >> 32 : v);
}

static void load_here(struct loading *l)
{
    if (revision_here(l->vendor) < l->revision)
        wrmsr_safe(l->vendor == VENDOR_INTEL ? MSR_INTEL_UPDATE : MSR_AMD_LOADER, l->address);
    if (revision_here(l->vendor) != l->revision)
        __atomic_add_fetch(&l->failed, 1, __ATOMIC_SEQ_CST);
}

static void load_in_turn(void *p)
{
    struct loading *l = p;

    while (__atomic_load_n(&l->turn, __ATOMIC_SEQ_CST) != cpu_id())
        cpu_relax();
    load_here(l);
    __atomic_store_n(&l->turn, cpumask_next(&cpu_up, cpu_id() + 1), __ATOMIC_SEQ_CST);
}

static int find(struct blob file, enum cpu_vendor vendor, struct microcode_update *u)
{
    struct microcode_cpu cpu = { .signature = cpuid_count(1, 0).a, .revision = revision_here(vendor) };
    uint64_t id;

    if (vendor == VENDOR_AMD)
        return microcode_find_amd(file, &cpu, u);
    if (!rdmsr_safe(MSR_PLATFORM_ID, &id))
        cpu.platform = 1u << (id >> 50 & 7);
    return microcode_find_intel(file, &cpu, u);
}

int microcode_load(const void *file, size_t size)
{
    struct loading l = { .vendor = vendor_here() };
    struct microcode_update u;
    void *patch;
    int rc;

    if (l.vendor == VENDOR_OTHER)
        return -XEN_EOPNOTSUPP;
    rc = find(blob_make(file, size), l.vendor, &u);
    if (rc)
        return rc;
    patch = mem_alloc(u.patch.n); /* aligned to 16 bytes */
    if (!patch)
        return -XEN_ENOMEM;
    memcpy(patch, u.patch.p, u.patch.n);
    l.address = (uint64_t)patch;
    l.revision = u.revision;
    l.turn = cpumask_next(&cpu_up, 0);
    smp_call_together(load_in_turn, &l);
    mem_free(patch);
    log_info("Microcode: revision %#x %s\n", u.revision, l.failed ? "refused by a processor" : "loaded");
    return l.failed ? -XEN_EIO : 0;
}
