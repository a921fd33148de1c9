/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PHYSDEVOP_*: a table of operations; each has its argument copied in, is run, and has it copied back if it answers there.
 * What the operations do is in kern/pirq.c (interrupts), x86/msi.c (messages), x86/ioapic.c, x86/pci.c.
 * All arguments are the guest's word: every number is checked where it is used.
 */
#include "kern/hypercall.h"
#include <xen/physdev.h>
#include "core/string.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/guest.h"
#include "pv/pv.h"
#include "x86/ioapic.h"
#include "x86/irqline.h"
#include "x86/msi.h"
#include "kern/pirq.h"

union physdev_arg {
    struct physdev_eoi eoi;
    struct physdev_pirq_eoi_gmfn eoi_gmfn;
    struct physdev_irq_status_query status;
    struct physdev_set_iopl iopl;
    struct physdev_set_iobitmap iobitmap;
    struct physdev_apic apic;
    struct physdev_irq irq;
    struct physdev_map_pirq map;
    struct physdev_unmap_pirq unmap;
    struct physdev_manage_pci manage;
    struct physdev_manage_pci_ext manage_ext;
    struct physdev_setup_gsi setup_gsi;
    struct physdev_get_free_pirq free_pirq;
    struct physdev_pci_mmcfg_reserved mmcfg;
    uint8_t add[offsetof(struct physdev_pci_device_add, optarr)];
    struct physdev_pci_device pci;
    struct physdev_dbgp_op dbgp;
};

typedef int physdev_fn(struct domain *d, union physdev_arg *a);

enum { FOR_ALL = 0, FOR_DOM0 = 1, GIVES = 2, GIVES_ALWAYS = 4 };

struct physdev_entry {
    uint8_t flags, size;
    physdev_fn *fn;
};

/* ---- Interrupts ---- */

static int op_eoi(struct domain *d, union physdev_arg *a)
{
    int rc = pirq_eoi(d, a->eoi.irq);

    if (!rc && pirq_auto_unmask(d))
        event_unmask_pirq(d, a->eoi.irq);
    return rc;
}

static int op_eoi_gmfn_v1(struct domain *d, union physdev_arg *a)
{
    return pirq_eoi_map_set(d, a->eoi_gmfn.gmfn, true);
}

static int op_eoi_gmfn_v2(struct domain *d, union physdev_arg *a)
{
    return pirq_eoi_map_set(d, a->eoi_gmfn.gmfn, false);
}

static int op_irq_status_query(struct domain *d, union physdev_arg *a)
{
    int rc = pirq_status(d, a->status.irq);

    if (rc < 0)
        return rc;
    a->status.flags = (uint32_t)rc;
    return 0;
}

/* Vectors are ours alone, and given out when they are needed: what the guest gets here is a number to believe in. */
static int op_alloc_irq_vector(struct domain *d, union physdev_arg *a)
{
    a->irq.vector = a->irq.irq;
    return 0;
}

static int op_setup_gsi(struct domain *d, union physdev_arg *a)
{
    unsigned gsi = (unsigned)a->setup_gsi.gsi;
    struct irq_line *l = gsi < irq_nr_gsis() ? irq_line(gsi) : NULL;

    return l ? irq_line_set_trigger(l, a->setup_gsi.triggering, a->setup_gsi.polarity) : -XEN_EINVAL;
}

/* The index is a GSI, or another pirq of dom0's that stands for one. */
static int map_gsi(struct domain *d, struct domain *target, struct physdev_map_pirq *m)
{
    int irq;

    if (m->index < 0)
        return -XEN_EINVAL;
    irq = pirq_to_irq(d, (unsigned)m->index);
    return pirq_map_gsi(target, &m->pirq, irq >= 0 ? (unsigned)irq : (unsigned)m->index);
}

static int map_msi(struct domain *target, struct physdev_map_pirq *m)
{
    bool block = m->type == MAP_PIRQ_TYPE_MULTI_MSI;
    struct msi_request r = {
        .fn = { .bus = (uint8_t)m->bus, .devfn = (uint8_t)m->devfn,
                .seg = m->type == MAP_PIRQ_TYPE_MSI ? 0 : (uint16_t)((unsigned)m->bus >> 16) },
        .msix = !block && m->table_base, .count = 1, .index = (unsigned)m->entry_nr, .table_base = m->table_base,
    };
    unsigned available = 0;
    int rc;

    if (block && (m->entry_nr < 1 || m->entry_nr > MSI_MAX_MESSAGES))
        return -XEN_EDOM;
    if (!block && m->index != -1)
        return -XEN_EINVAL;
    if (block)
        r.count = (unsigned)m->entry_nr;
    rc = pirq_map_msi(target, &m->pirq, &r, &available);
    if (rc == -XEN_ENFILE && block)
        m->entry_nr = (int)available;
    return rc;
}

static int op_map_pirq(struct domain *d, union physdev_arg *a)
{
    struct physdev_map_pirq *m = &a->map;
    struct domain *target = domain_get(m->domid);
    int rc = -XEN_EINVAL;

    if (!target)
        return -XEN_ESRCH;
    if (target->is_dying)
        rc = -XEN_ESRCH;
    else if (m->type == MAP_PIRQ_TYPE_GSI)
        rc = map_gsi(d, target, m);
    else if (m->type == MAP_PIRQ_TYPE_MSI || m->type == MAP_PIRQ_TYPE_MSI_SEG || m->type == MAP_PIRQ_TYPE_MULTI_MSI)
        rc = map_msi(target, m);
    domain_put(target);
    return rc;
}

static int op_unmap_pirq(struct domain *d, union physdev_arg *a)
{
    struct domain *target = domain_get(a->unmap.domid);
    int rc;

    if (!target)
        return -XEN_ESRCH;
    rc = a->unmap.pirq < 0 ? -XEN_EINVAL : pirq_unmap(target, (unsigned)a->unmap.pirq);
    domain_put(target);
    return rc;
}

static int op_get_free_pirq(struct domain *d, union physdev_arg *a)
{
    int rc;

    if (a->free_pirq.type != MAP_PIRQ_TYPE_GSI && a->free_pirq.type != MAP_PIRQ_TYPE_MSI)
        return -XEN_EINVAL;
    rc = pirq_reserve(d, a->free_pirq.type == MAP_PIRQ_TYPE_MSI);
    if (rc < 0)
        return rc;
    a->free_pirq.pirq = (uint32_t)rc;
    return 0;
}

/* ---- Ports ---- */

static int op_set_iopl(struct domain *d, union physdev_arg *a)
{
    if (a->iopl.iopl > 3)
        return -XEN_EINVAL;
    current->pv->iopl = (uint8_t)a->iopl.iopl;
    return 0;
}

static int op_set_iobitmap(struct domain *d, union physdev_arg *a)
{
    if (a->iobitmap.nr_ports > 65536)
        return -XEN_EINVAL;
    current->pv->iobitmap_va = guest_addr(a->iobitmap.bitmap);
    current->pv->iobitmap_ports = a->iobitmap.nr_ports;
    return 0;
}

/* ---- Devices, for dom0 ---- */

static int op_apic_read(struct domain *d, union physdev_arg *a)
{
    return ioapic_guest_read(a->apic.apic_physbase, a->apic.reg, &a->apic.value);
}

static int op_apic_write(struct domain *d, union physdev_arg *a)
{
    return ioapic_guest_write(a->apic.apic_physbase, a->apic.reg, a->apic.value);
}

static struct pci_addr pci_addr_of(const struct physdev_pci_device *p)
{
    return (struct pci_addr){ .seg = p->seg, .bus = p->bus, .devfn = p->devfn };
}

static struct pci_addr manage_addr(const union physdev_arg *a)
{
    return (struct pci_addr){ .bus = a->manage.bus, .devfn = a->manage.devfn };
}

static int op_manage_pci_add(struct domain *d, union physdev_arg *a)
{
    return msi_device_add(manage_addr(a), false);
}

static int op_manage_pci_add_ext(struct domain *d, union physdev_arg *a)
{
    if (a->manage_ext.is_extfn > 1 || a->manage_ext.is_virtfn > 1)
        return -XEN_EINVAL;
    return msi_device_add((struct pci_addr){ .bus = a->manage_ext.bus, .devfn = a->manage_ext.devfn },
                          a->manage_ext.is_virtfn);
}

static int op_manage_pci_remove(struct domain *d, union physdev_arg *a)
{
    return msi_device_remove(manage_addr(a));
}

/* The optional array (which memory node it is near to) is not needed: not read. */
static int op_pci_device_add(struct domain *d, union physdev_arg *a)
{
    struct physdev_pci_device_add add;

    memcpy(&add, a->add, sizeof(a->add));
    return msi_device_add((struct pci_addr){ .seg = add.seg, .bus = add.bus, .devfn = add.devfn },
                          add.flags & XEN_PCI_DEV_VIRTFN);
}

static int op_pci_device_remove(struct domain *d, union physdev_arg *a)
{
    return msi_device_remove(pci_addr_of(&a->pci));
}

static int op_restore_msi(struct domain *d, union physdev_arg *a)
{
    return msi_restore(manage_addr(a));
}

static int op_restore_msi_ext(struct domain *d, union physdev_arg *a)
{
    return msi_restore(pci_addr_of(&a->pci));
}

static int op_prepare_msix(struct domain *d, union physdev_arg *a)
{
    return msix_prepare(pci_addr_of(&a->pci));
}

static int op_release_msix(struct domain *d, union physdev_arg *a)
{
    return msix_release(pci_addr_of(&a->pci));
}

static int op_pci_mmcfg_reserved(struct domain *d, union physdev_arg *a)
{
    const struct physdev_pci_mmcfg_reserved *m = &a->mmcfg;

    if (m->flags & ~(uint32_t)XEN_PCI_MMCFG_RESERVED)
        return -XEN_EINVAL;
    if (m->flags & XEN_PCI_MMCFG_RESERVED)
        return pci_mcfg_add(m->address, m->segment, m->start_bus, m->end_bus);
    return pci_mcfg_remove(m->address, m->segment, m->start_bus, m->end_bus);
}

/* We have no console on an EHCI debug port, so its reset disturbs nothing. */
static int op_dbgp_op(struct domain *d, union physdev_arg *a)
{
    if (a->dbgp.bus != PHYSDEVOP_DBGP_BUS_UNKNOWN && a->dbgp.bus != PHYSDEVOP_DBGP_BUS_PCI)
        return -XEN_EINVAL;
    return a->dbgp.op == PHYSDEVOP_DBGP_RESET_PREPARE || a->dbgp.op == PHYSDEVOP_DBGP_RESET_DONE ? 0 : -XEN_EINVAL;
}

/* ---- The table ---- */

#define OP(name, flags_, field) \
    [PHYSDEVOP_##name] = { (flags_), sizeof(((union physdev_arg *)0)->field), op_##name }

/* Not here, so -XEN_ENOSYS: free_irq_vector. */
static const struct physdev_entry entries[] = {
    OP(eoi, FOR_ALL, eoi),
    [PHYSDEVOP_pirq_eoi_gmfn_v1] = { FOR_ALL, sizeof(struct physdev_pirq_eoi_gmfn), op_eoi_gmfn_v1 },
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = { FOR_ALL, sizeof(struct physdev_pirq_eoi_gmfn), op_eoi_gmfn_v2 },
    OP(irq_status_query, FOR_ALL | GIVES, status),
    OP(set_iopl, FOR_ALL, iopl),
    OP(set_iobitmap, FOR_ALL, iobitmap),
    OP(apic_read, FOR_DOM0 | GIVES, apic),
    OP(apic_write, FOR_DOM0, apic),
    OP(alloc_irq_vector, FOR_DOM0 | GIVES, irq),
    OP(map_pirq, FOR_DOM0 | GIVES_ALWAYS, map),
    OP(unmap_pirq, FOR_DOM0, unmap),
    OP(manage_pci_add, FOR_DOM0, manage),
    OP(manage_pci_remove, FOR_DOM0, manage),
    OP(manage_pci_add_ext, FOR_DOM0, manage_ext),
    OP(restore_msi, FOR_DOM0, manage),
    OP(restore_msi_ext, FOR_DOM0, pci),
    OP(setup_gsi, FOR_DOM0, setup_gsi),
    OP(get_free_pirq, FOR_ALL | GIVES, free_pirq),
    OP(pci_mmcfg_reserved, FOR_DOM0, mmcfg),
    OP(pci_device_add, FOR_DOM0, add),
    OP(pci_device_remove, FOR_DOM0, pci),
    OP(prepare_msix, FOR_DOM0, pci),
    OP(release_msix, FOR_DOM0, pci),
    OP(dbgp_op, FOR_DOM0, dbgp),
};

static long physdev(uint32_t cmd, uint64_t gva)
{
    const struct physdev_entry *e = cmd < ARRAY_SIZE(entries) ? &entries[cmd] : NULL;
    struct domain *d = current->domain;
    union physdev_arg a;
    int rc;

    if (cmd == PHYSDEVOP_IRQ_UNMASK_NOTIFY) /* obsolete: no argument, no effect */
        return 0;
    if (!e || !e->fn)
        return -XEN_ENOSYS;
    if ((e->flags & FOR_DOM0) && !d->is_privileged)
        return -XEN_EPERM;
    memset(&a, 0, sizeof(a));
    if (copy_from_guest(&a, gva, e->size))
        return -XEN_EFAULT;
    rc = e->fn(d, &a);
    if ((e->flags & GIVES_ALWAYS) || (!rc && (e->flags & GIVES)))
        if (copy_to_guest(gva, &a, e->size))
            return -XEN_EFAULT;
    return rc;
}

long do_physdev_op(struct hcall *c)
{
    return physdev((uint32_t)c->arg[0], c->arg[1]);
}

/* The old form: command and argument in one struct. */
long do_physdev_op_compat(struct hcall *c)
{
    uint32_t cmd;

    if (copy_from_guest(&cmd, c->arg[0], sizeof(cmd)))
        return -XEN_EFAULT;
    return physdev(cmd, c->arg[0] + offsetof(struct physdev_op, u));
}
