/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the firmware's runtime services: see efirt.h.
 * Lock: call_lock (RANK_EFI) holds the page table and the recovery data; waiting for it, interrupts are on.
 */
#include "x86/efirt.h"
#include "core/cmdline.h"
#include "core/frame.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/layout.h"
#include "x86/lock.h"
#include "x86/paging.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define EFI_RUNTIME_SIGNATURE 0x56524553544e5552ul /* "RUNTSERV" */
#define EFI_MEMORY_WB         0x8ul
#define EFI_MEMORY_RUNTIME    (1ul << 63)
#define SERVICES_AT           24 /* behind the header */
#define LOW_HALF              (1ul << 47)

uint64_t efirt_enter(uint64_t fn, const uint64_t arg[6], uint64_t *sp);
extern char efirt_recover[];

static spinlock_t call_lock = LOCK_INIT(RANK_EFI);
static uint64_t services[EFIRT_SERVICES]; /* [const after boot] */
static uint32_t revision;                 /* 0: none, or not to be used any more [atomic] */
static uint64_t *l4;                      /* its slot PERDOMAIN_L4: [call_lock], the rest: [const after boot] */
static unsigned running_on = ~0u;         /* the CPU that is in the firmware [atomic] */
static uint64_t recover_sp;               /* [call_lock] */

static bool opt_services = true;

/* ---- Boot ---- */

bool efirt_option(const char *name, const char *value)
{
    bool off = !strcmp(value, "no-rs");

    if (strcmp(name, "efi") || (!off && strncmp(value, "rs", 2)))
        return false;
    if (off || !value[2]) {
        opt_services = !off;
        return true;
    }
    return value[2] == '=' && cmdline_bool(value + 3, &opt_services);
}

/* Memory that dom0 or we use as RAM is no place for firmware: then map and E820 contradict each other. */
static bool region_is_free(uint64_t start, uint64_t end)
{
    for (uint64_t a = start; a < end; a += PAGE_SIZE)
        if (frame_is_ram(maddr_to_mfn(a)))
            return false;
    return true;
}

static bool region_map(const struct efi_memory *m)
{
    uint64_t size = m->pages << PAGE_SHIFT;

    if (m->start & ~PAGE_MASK || m->start >= LOW_HALF || m->pages > (LOW_HALF - m->start) >> PAGE_SHIFT) {
        log_warn("EFI runtime region at %#lx is out of reach\n", m->start);
        return false;
    }
    if (!region_is_free(m->start, m->start + size)) {
        log_warn("EFI runtime region at %#lx is free memory by the E820 map\n", m->start);
        return false;
    }
    return hv_map_in(l4, m->start, m->start, size, PTE_RW | (m->attributes & EFI_MEMORY_WB ? 0 : PTE_PCD | PTE_PWT));
}

static bool regions_map(const char *map, uint32_t size, uint32_t step)
{
    struct efi_memory m;
    bool any = false;

    for (uint32_t at = 0; size >= step && at <= size - step; at += step) {
        memcpy(&m, map + at, sizeof(m));
        if (!(m.attributes & EFI_MEMORY_RUNTIME) || !m.pages)
            continue;
        if (!region_map(&m))
            return false;
        any = true;
    }
    return any;
}

void efirt_init(uint64_t table, const void *map, uint32_t size, uint32_t step)
{
    const char *t = maddr_to_virt(table);
    uint64_t signature;

    if (!opt_services || !table || table > 0x100000000ul - PAGE_SIZE || !map || step < sizeof(struct efi_memory))
        return;
    memcpy(&signature, t, sizeof(signature));
    l4 = pages_alloc(0);
    if (signature != EFI_RUNTIME_SIGNATURE || !l4) {
        log_warn("EFI runtime services: no table at %#lx\n", table);
        return;
    }
    hv_fill_l4(l4, 0);
    if (!regions_map(map, size, step))
        return;
    memcpy(services, t + SERVICES_AT, sizeof(services));
    memcpy(&revision, t + 8, sizeof(revision));
    log_info("EFI runtime services, revision %u.%u\n", revision >> 16, (revision & 0xffff) / 10);
}

uint32_t efirt_revision(void)
{
    return READ_ONCE(revision);
}

/* ---- Calls ---- */

/* The descriptor tables that are loaded may lie in the current domain's own area. */
static void own_area_show(uint64_t cr3)
{
    const uint64_t *now = frame_map(maddr_to_mfn(cr3 & PTE_ADDR));

    l4[PERDOMAIN_L4] = now[PERDOMAIN_L4];
    frame_unmap(now);
}

static uint64_t call_locked(struct fpu_vcpu *fpu, uint64_t fn, const uint64_t arg[6])
{
    uint64_t cr0 = READ_CR(0), cr3 = READ_CR(3), rc;

    own_area_show(cr3);
    if (fpu)
        fpu_lend(fpu);
    tlb_load_cr3(virt_to_maddr(l4));
    WRITE_ONCE(running_on, cpu_id());
    rc = efirt_enter(fn, arg, &recover_sp);
    WRITE_ONCE(running_on, ~0u);
    tlb_load_cr3(cr3);
    if (fpu)
        fpu_switch_to(fpu);
    WRITE_CR(0, cr0);
    return rc;
}

uint64_t efirt_call(struct fpu_vcpu *fpu, enum efirt_service service, const uint64_t arg[6])
{
    uint64_t rc = EFI_ERROR(3ul); /* unsupported */

    lock(&call_lock);
    if (revision && services[service])
        rc = call_locked(fpu, services[service], arg);
    unlock(&call_lock);
    return rc;
}

bool efirt_fault(struct cpu_user_regs *r)
{
    if (READ_ONCE(running_on) != cpu_id() || r->rip >= HV_START)
        return false;
    log_err("EFI firmware faulted (vector %u at %#lx, address %#lx): its runtime services are not used any more\n",
            r->entry_vector, r->rip, READ_CR(2));
    WRITE_ONCE(revision, 0);
    r->rip = (uint64_t)efirt_recover;
    r->rsp = recover_sp;
    return true;
}
