/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_*: a table of operations on a copy of the guest's struct, which goes back to the guest where the operation
 * answers in it.  dom0 only.
 *
 * Not done, and answered so: frequency and C-state control (what dom0 uploads about them is checked and not used),
 * CPUs and memory that are new to the machine, sleep states but S5.
 */
#include "ctl/platform.h"
#include "kern/hypercall.h"
#include <xen/vcpu.h>
#include "core/nospec.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "kern/vtime.h"
#include "x86/time.h"
#include "x86/backtrace.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/machine.h"
#include "x86/microcode.h"
#include "x86/mtrr.h"
#include "x86/paging.h"
#include "x86/smp.h"

typedef long platform_fn(struct xen_platform_op *op);

struct platform_entry {
    platform_fn *fn;
    bool gives; /* the struct goes back to the guest when the operation succeeds */
};

void platform_set_efi(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size)
{
    efiinfo_init(system_table, mmap, mmap_size, desc_size);
    efiruntime_init();
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

static long op_add_memtype(struct xen_platform_op *op)
{
    struct xenpf_add_memtype *m = &op->u.add_memtype;
    int rc = mtrr_add(&(struct mtrr_range){ m->mfn, m->nr_mfns, m->type });

    if (rc < 0)
        return rc;
    m->handle = 0;
    m->reg = (uint32_t)rc;
    return 0;
}

/* Handles are all 0: each register has one range. */
static long op_del_memtype(struct xen_platform_op *op)
{
    const struct xenpf_del_memtype *m = &op->u.del_memtype;

    return m->handle ? -XEN_EINVAL : mtrr_del(m->reg);
}

static long op_read_memtype(struct xen_platform_op *op)
{
    struct xenpf_read_memtype *m = &op->u.read_memtype;
    struct mtrr_range r;

    if (m->reg >= mtrr_count())
        return -XEN_EINVAL;
    mtrr_get(m->reg, &r);
    m->mfn = r.mfn;
    m->nr_mfns = r.nr_mfns;
    m->type = r.type;
    return 0;
}

/* ---- Microcode ---- */

#define MICROCODE_MAX (4u << 20)

static long op_microcode_update(struct xen_platform_op *op)
{
    const struct xenpf_microcode_update *m = &op->u.microcode;
    void *file;
    long rc;

    if (!m->length || m->length > MICROCODE_MAX)
        return -XEN_EINVAL;
    file = mem_alloc(m->length);
    if (!file)
        return -XEN_ENOMEM;
    if (copy_from_guest(file, guest_addr(m->data), m->length))
        rc = -XEN_EFAULT;
    else
        rc = microcode_load(file, m->length);
    mem_free(file);
    return rc;
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
        if (fw->index)
            return -XEN_ESRCH;
        /* The BIOS keeps them at 0x417; EFI firmware has no such place: none. */
        fw->u.kbd_shift_flags = efiinfo_present() ? 0 : *(const volatile uint8_t *)maddr_to_virt(0x417);
        return 0;
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
    i->acpi_id = smp_acpi_id(cpu);
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
    int rc = cpu_bring_online(op->u.cpu_ol.cpuid);

    return rc == -XEN_EEXIST ? 0 : rc;
}

static long op_cpu_offline(struct xen_platform_op *op)
{
    uint32_t cpu = op->u.cpu_ol.cpuid;

    if (!cpu)
        return -XEN_EOPNOTSUPP;
    if (cpu < nr_cpus && !cpu_is_online(cpu))
        return 0;
    return cpu_take_offline(cpu);
}

/* One bit of the map: whether there is such a CPU, and the time that its idle vCPU had. */
static bool idle_time_of(uint32_t cpu, uint8_t *map, uint64_t *idle)
{
    *idle = 0;
    if (!(map[cpu / 8] >> cpu % 8 & 1))
        return false;
    if (!cpu_is_online(cpu)) {
        map[cpu / 8] &= (uint8_t)~(1u << cpu % 8);
        return true;
    }
    *idle = cpu_idle_time(cpu);
    return true;
}

static long op_getidletime(struct xen_platform_op *op)
{
    struct xenpf_getidletime *g = &op->u.getidletime;
    uint8_t map[MAX_CPUS / 8] = { 0 };
    uint32_t bytes = (g->cpumap_nr_cpus + 7) / 8;
    uint64_t idle;

    if (g->cpumap_nr_cpus > MAX_CPUS)
        return -XEN_EINVAL;
    if (copy_from_guest(map, guest_addr(g->cpumap_bitmap), bytes))
        return -XEN_EFAULT;
    for (uint32_t cpu = 0; cpu < g->cpumap_nr_cpus; cpu++)
        if (idle_time_of(cpu, map, &idle) && copy_to_guest_at(guest_addr(g->idletime), cpu, &idle, sizeof(idle)))
            return -XEN_EFAULT;
    g->now = time_now();
    return copy_to_guest(guest_addr(g->cpumap_bitmap), map, bytes);
}

/* Processors and memory plugged into a running machine: what is there already, or can't be, is told apart from "not
 * done". */
static long op_cpu_hotadd(struct xen_platform_op *op)
{
    const struct xenpf_cpu_hotadd *a = &op->u.cpu_add;

    if (a->apic_id >= 0x8000 || a->acpi_id >= MAX_CPUS)
        return -XEN_EINVAL;
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (smp_apic_id(cpu) == a->apic_id)
            return -XEN_EEXIST;
    return -XEN_EOPNOTSUPP;
}

static long op_mem_hotadd(struct xen_platform_op *op)
{
    const struct xenpf_mem_hotadd *a = &op->u.mem_add;
    uint64_t frames = 1ul << (maddr_bits - PAGE_SHIFT);

    return a->spfn >= a->epfn || a->epfn > frames || (a->spfn | a->epfn) & 0x7fff ? -XEN_EINVAL : -XEN_EOPNOTSUPP;
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

/* Not here, so -XEN_ENOSYS: change_freq; nobody but the firmware sets frequencies. */
static const struct platform_entry entries[] = {
    [XENPF_settime32] = { op_settime32, false },
    [XENPF_settime64] = { op_settime64, false },
    [XENPF_add_memtype] = { op_add_memtype, true },
    [XENPF_del_memtype] = { op_del_memtype, false },
    [XENPF_read_memtype] = { op_read_memtype, true },
    [XENPF_microcode_update] = { op_microcode_update, false },
    [XENPF_platform_quirk] = { op_platform_quirk, false },
    [XENPF_efi_runtime_call] = { efiruntime_call, true },
    [XENPF_firmware_info] = { op_firmware_info, true },
    [XENPF_enter_acpi_sleep] = { op_enter_acpi_sleep, false },
    [XENPF_getidletime] = { op_getidletime, true },
    [XENPF_set_processor_pminfo] = { op_set_processor_pminfo, false },
    [XENPF_get_cpuinfo] = { op_get_cpuinfo, true },
    [XENPF_get_cpu_version] = { op_get_cpu_version, true },
    [XENPF_cpu_online] = { op_cpu_online, false },
    [XENPF_cpu_offline] = { op_cpu_offline, false },
    [XENPF_cpu_hotadd] = { op_cpu_hotadd, false },
    [XENPF_mem_hotadd] = { op_mem_hotadd, false },
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
    e = op.cmd < ARRAY_SIZE(entries) ? &entries[index_clamp(op.cmd, ARRAY_SIZE(entries))] : NULL;
    if (!e || !e->fn)
        return -XEN_ENOSYS;
    rc = e->fn(&op);
    if (rc == -XEN_EAGAIN)
        return hcall_again(c);
    if (rc >= 0 && e->gives && copy_to_guest(c->arg[0], &op, sizeof(op)))
        return -XEN_EFAULT;
    return rc;
}
