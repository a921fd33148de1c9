/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_*: a table of operations on a copy of the guest's struct, which goes back to the guest where the operation answers
 * in it.  dom0 only.
 *
 * Not done, and answered so: setting MTRRs (the PAT serves), microcode, EFI's runtime services, frequency and C-state
 * control (what dom0 uploads about them is checked and not used), CPU and memory hot-plug, sleep states but S5.
 */
#include "ctl/platform.h"
#include "kern/hypercall.h"
#include <xen/platform.h>
#include "core/string.h"
#include "ctl/efiinfo.h"
#include "x86/cpumask.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/vtime.h"
#include "x86/time.h"
#include "x86/backtrace.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/machine.h"
#include "x86/paging.h"
#include "x86/smp.h"

typedef long platform_fn(struct xen_platform_op *op);

struct platform_entry {
    platform_fn *fn;
    bool gives; /* the struct goes back to the guest when the operation succeeds */
};

static const uint32_t *acpi_ids; /* [const after boot] */
static unsigned nr_acpi_ids;     /* [const after boot] */

void platform_set_acpi_ids(const uint32_t *ids, unsigned n)
{
    acpi_ids = ids;
    nr_acpi_ids = n;
}

void platform_set_efi(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size)
{
    efiinfo_init(system_table, mmap, mmap_size, desc_size);
}

/* ---- Time ---- */

static long op_settime32(struct xen_platform_op *op)
{
    const struct xenpf_settime32 *t = &op->u.settime32;

    if (t->nsecs >= 1000000000u)
        return -XEN_EINVAL;
    wallclock_set(t->secs, t->nsecs, t->system_time);
    return 0;
}

static long op_settime64(struct xen_platform_op *op)
{
    const struct xenpf_settime64 *t = &op->u.settime64;

    if (t->mbz || t->nsecs >= 1000000000u)
        return -XEN_EINVAL;
    wallclock_set(t->secs, t->nsecs, t->system_time);
    return 0;
}

/* ---- Memory types ---- */

#define MSR_MTRR_CAP     0xfe
#define MSR_MTRR_BASE(n) (0x200u + 2u * (n))
#define MSR_MTRR_MASK(n) (0x201u + 2u * (n))
#define MTRR_VALID       0x800u

static unsigned mtrr_count(void)
{
    return cpuid_count(1, 0).d >> 12 & 1 ? (unsigned)(rdmsr(MSR_MTRR_CAP) & 0xff) : 0;
}

/* A variable range: the mask's lowest bit is its size. */
static long op_read_memtype(struct xen_platform_op *op)
{
    struct xenpf_read_memtype *m = &op->u.read_memtype;
    uint64_t base, mask;

    if (m->reg >= mtrr_count())
        return -XEN_EINVAL;
    base = rdmsr(MSR_MTRR_BASE(m->reg));
    mask = rdmsr(MSR_MTRR_MASK(m->reg));
    m->mfn = m->nr_mfns = m->type = 0;
    if (mask & MTRR_VALID) {
        uint64_t size = mask & PAGE_MASK & ((1ul << maddr_bits) - 1);

        size = size ? size & -size : 1ul << maddr_bits;
        m->mfn = (base & ((1ul << maddr_bits) - 1)) >> PAGE_SHIFT;
        m->nr_mfns = size >> PAGE_SHIFT;
        m->type = base & 0xff;
    }
    return 0;
}

static long op_absent(struct xen_platform_op *op)
{
    (void)op;
    return -XEN_EOPNOTSUPP;
}

static long op_unknown(struct xen_platform_op *op)
{
    (void)op;
    return -XEN_ENOSYS;
}

/* ---- Firmware ---- */

static long op_platform_quirk(struct xen_platform_op *op)
{
    switch (op->u.platform_quirk.quirk_id) {
    case QUIRK_NOIRQBALANCING:    /* lines move only when the guest asks */
    case QUIRK_IOAPIC_BAD_REGSEL: /* the index is written each time */
    case QUIRK_IOAPIC_GOOD_REGSEL:
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

/* The BIOS keeps the flags at 0x417; EFI firmware has no such place. */
static long kbd_shift_flags(struct xenpf_firmware_info *fw)
{
    if (fw->index || efiinfo_present())
        return -XEN_ESRCH;
    fw->u.kbd_shift_flags = *(const volatile uint8_t *)maddr_to_virt(0x417);
    return 0;
}

/* Disks and monitors: nobody asked the BIOS (that needs real mode at boot), so there is none to tell of. */
static long op_firmware_info(struct xen_platform_op *op)
{
    struct xenpf_firmware_info *fw = &op->u.firmware_info;

    switch (fw->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
        return -XEN_ESRCH;
    case XEN_FW_EFI_INFO:
        return efiinfo_get(fw->index, &fw->u.efi_info);
    case XEN_FW_KBD_SHIFT_FLAGS:
        return kbd_shift_flags(fw);
    default:
        return -XEN_EINVAL;
    }
}

/* ---- Power ---- */

#define SLEEP_ENABLE 0x2000u

static long op_enter_acpi_sleep(struct xen_platform_op *op)
{
    const struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;
    bool extended = s->flags & XENPF_ACPI_SLEEP_EXTENDED;

    if ((s->flags & ~XENPF_ACPI_SLEEP_EXTENDED) || s->sleep_state < 1 || s->sleep_state > 5)
        return -XEN_EINVAL;
    if (extended && (s->val_b || s->val_a > 0xff))
        return -XEN_EINVAL;
    if (s->sleep_state != 5)
        return -XEN_EOPNOTSUPP;
    /* The first of two calls of old kernels: the sleep type alone. */
    if (!extended && !(s->val_a & SLEEP_ENABLE))
        return 0;
    return machine_sleep_off(s->val_a, s->val_b, extended);
}

/* An upload that we check and don't use.  For _PDC the guest's capability bits stay as they are: we add none. */
static long op_set_processor_pminfo(struct xen_platform_op *op)
{
    const struct xenpf_set_processor_pminfo *p = &op->u.set_pminfo;
    uint32_t pdc[3];

    switch (p->type) {
    case XEN_PM_CX:
    case XEN_PM_PX:
        return p->id < MAX_CPUS ? 0 : -XEN_EINVAL;
    case XEN_PM_PDC:
        if (copy_from_guest(pdc, guest_addr(p->u.pdc), sizeof(pdc)))
            return -XEN_EFAULT;
        return pdc[0] == 1 && pdc[1] ? 0 : -XEN_EINVAL;
    case XEN_PM_TX:
        return -XEN_ENOSYS;
    default:
        return -XEN_EINVAL;
    }
}

static long op_core_parking(struct xen_platform_op *op)
{
    struct xenpf_core_parking *p = &op->u.core_parking;

    switch (p->type) {
    case XEN_CORE_PARKING_SET:
        return p->idle_nums ? -XEN_EOPNOTSUPP : 0;
    case XEN_CORE_PARKING_GET:
        p->idle_nums = 0;
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

/* ---- CPUs ---- */

static bool cpu_is_online(uint32_t cpu)
{
    return cpu < nr_cpus && cpumask_test(&cpu_online, cpu);
}

static long op_get_cpuinfo(struct xen_platform_op *op)
{
    struct xenpf_pcpuinfo *i = &op->u.pcpu_info;
    uint32_t cpu = i->xen_cpuid;

    i->max_present = nr_cpus - 1;
    i->apic_id = i->acpi_id = 0;
    if (cpu >= nr_cpus) {
        i->flags = XEN_PCPU_FLAGS_INVALID;
        return 0;
    }
    i->flags = cpu_is_online(cpu) ? XEN_PCPU_FLAGS_ONLINE : 0;
    i->apic_id = smp_apic_id(cpu);
    i->acpi_id = cpu < nr_acpi_ids ? acpi_ids[cpu] : cpu;
    return 0;
}

static void signature_split(uint32_t a, struct xenpf_pcpu_version *v)
{
    uint32_t family = a >> 8 & 15, model = a >> 4 & 15;

    v->family = family == 15 ? 15 + (a >> 20 & 255) : family;
    v->model = family == 15 || family == 6 ? model | (a >> 12 & 0xf0) : model;
    v->stepping = a & 15;
}

/* All CPUs of a machine are alike: this one speaks for each that is online. */
static long op_get_cpu_version(struct xen_platform_op *op)
{
    struct xenpf_pcpu_version *v = &op->u.pcpu_version;
    struct cpuid_leaf l = cpuid_count(0, 0);

    v->max_present = nr_cpus - 1;
    memset(v->vendor_id, 0, sizeof(v->vendor_id));
    v->family = v->model = v->stepping = 0;
    if (cpu_is_online(v->xen_cpuid)) {
        memcpy(v->vendor_id, &l.b, 4);
        memcpy(v->vendor_id + 4, &l.d, 4);
        memcpy(v->vendor_id + 8, &l.c, 4);
        signature_split(cpuid_count(1, 0).a, v);
    }
    return 0;
}

static long op_cpu_online(struct xen_platform_op *op)
{
    uint32_t cpu = op->u.cpu_ol.cpuid;

    if (cpu >= nr_cpus)
        return -XEN_EINVAL;
    return cpu_is_online(cpu) ? 0 : -XEN_EOPNOTSUPP;
}

static long op_cpu_offline(struct xen_platform_op *op)
{
    uint32_t cpu = op->u.cpu_ol.cpuid;

    if (cpu >= nr_cpus)
        return -XEN_EINVAL;
    return cpu_is_online(cpu) ? -XEN_EOPNOTSUPP : 0;
}

/* ---- Resources ---- */

#define RESOURCE_MAX_ENTRIES 3u
#define MSR_TSC 0x10

/* One of a batch: reading the TSC "MSR" gives system time; no other register is let through. */
static int resource_access(struct xenpf_resource_entry *e)
{
    if (e->rsvd || (e->u.cmd <= XEN_RESOURCE_OP_MSR_WRITE && e->idx >> 32))
        return -XEN_EINVAL;
    if (e->u.cmd > XEN_RESOURCE_OP_MSR_WRITE)
        return -XEN_EOPNOTSUPP;
    if (e->u.cmd != XEN_RESOURCE_OP_MSR_READ || e->idx != MSR_TSC)
        return -XEN_EPERM;
    e->val = time_now();
    return 0;
}

/* System time is the same on all CPUs, so it doesn't matter where the batch runs. */
static long op_resource_op(struct xen_platform_op *op)
{
    const struct xenpf_resource_op *r = &op->u.resource_op;
    struct xenpf_resource_entry e;
    uint32_t i;
    int rc = 0;

    if (r->nr_entries > RESOURCE_MAX_ENTRIES)
        return -XEN_EINVAL;
    if (r->nr_entries && !cpu_is_online(r->cpu))
        return -XEN_ENODEV;
    for (i = 0; !rc && i < r->nr_entries; i++) {
        if (copy_from_guest_at(&e, guest_addr(r->entries), i, sizeof(e)))
            return -XEN_EFAULT;
        rc = resource_access(&e);
        if (rc)
            e.u.ret = rc;
        if (copy_to_guest_at(guest_addr(r->entries), i, &e, sizeof(e)))
            return -XEN_EFAULT;
    }
    return rc ? i - 1 : i;
}

static long op_get_symbol(struct xen_platform_op *op)
{
    struct xenpf_symdata *s = &op->u.symdata;
    uint32_t room = s->namelen, len;
    uint64_t address = 0;
    const char *name = symbol_nth(s->symnum, &address);

    s->namelen = 0;
    s->address = address;
    s->type = 0;
    if (!name)
        return 0; /* symnum unchanged: the end */
    len = (uint32_t)strlen(name);
    if (copy_to_guest(guest_addr(s->name), name, MIN(room, len + 1)))
        return -XEN_EFAULT;
    s->namelen = len;
    s->type = 't';
    s->symnum++;
    return 0;
}

/* ---- The table ---- */

static const struct platform_entry entries[] = {
    [XENPF_settime32] = { op_settime32, false },
    [XENPF_settime64] = { op_settime64, false },
    [XENPF_add_memtype] = { op_absent, false },
    [XENPF_del_memtype] = { op_absent, false },
    [XENPF_read_memtype] = { op_read_memtype, true },
    [XENPF_microcode_update] = { op_absent, false },
    [XENPF_platform_quirk] = { op_platform_quirk, false },
    [XENPF_efi_runtime_call] = { op_unknown, false },
    [XENPF_firmware_info] = { op_firmware_info, true },
    [XENPF_enter_acpi_sleep] = { op_enter_acpi_sleep, false },
    [XENPF_change_freq] = { op_unknown, false },   /* for a dom0 that governs frequencies */
    [XENPF_getidletime] = { op_unknown, false },   /* likewise */
    [XENPF_set_processor_pminfo] = { op_set_processor_pminfo, false },
    [XENPF_get_cpuinfo] = { op_get_cpuinfo, true },
    [XENPF_get_cpu_version] = { op_get_cpu_version, true },
    [XENPF_cpu_online] = { op_cpu_online, false },
    [XENPF_cpu_offline] = { op_cpu_offline, false },
    [XENPF_cpu_hotadd] = { op_absent, false },
    [XENPF_mem_hotadd] = { op_absent, false },
    [XENPF_core_parking] = { op_core_parking, true },
    [XENPF_resource_op] = { op_resource_op, false },
    [XENPF_get_symbol] = { op_get_symbol, true },
};

long do_platform_op(struct hcall *c)
{
    struct xen_platform_op op;
    const struct platform_entry *e;
    long rc;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (copy_from_guest(&op, c->arg[0], sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -XEN_EACCES;
    e = op.cmd < ARRAY_SIZE(entries) ? &entries[op.cmd] : NULL;
    if (!e || !e->fn)
        return -XEN_ENOSYS;
    rc = e->fn(&op);
    if (rc >= 0 && e->gives && copy_to_guest(c->arg[0], &op, sizeof(op)))
        return -XEN_EFAULT;
    return rc;
}
