/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: what there is to measure with, the trace buffers (kern/trace.c) and the counters of events (x86/counters.c). */
#include "core/string.h"
#include "ctl/bitmap.h"
#include "ctl/sysctl.h"
#include "kern/guest.h"
#include "kern/trace.h"
#include "x86/counters.h"

/* ---- The trace buffers ---- */

static long tbuf_info(struct xen_sysctl_tbuf_op *t)
{
    struct trace_state s;

    trace_get(&s);
    t->evt_mask = s.mask;
    t->buffer_mfn = mfn_eq(s.info, MFN_NONE) ? 0 : s.info.n;
    t->size = s.info_size;
    return 0;
}

static long tbuf_set_cpus(const struct xen_sysctl_tbuf_op *t)
{
    cpumask_t cpus;
    int rc = bitmap_from_guest(cpus.bits, MAX_CPUS, &t->cpu_mask);

    if (rc == 0)
        trace_set_cpus(&cpus);
    return rc;
}

long sysctl_tbuf_op(struct xen_sysctl *op)
{
    struct xen_sysctl_tbuf_op *t = &op->u.tbuf_op;

    switch (t->cmd) {
    case XEN_SYSCTL_TBUFOP_get_info:
        return tbuf_info(t);
    case XEN_SYSCTL_TBUFOP_set_cpu_mask:
        return tbuf_set_cpus(t);
    case XEN_SYSCTL_TBUFOP_set_evt_mask:
        trace_set_mask(t->evt_mask);
        return 0;
    case XEN_SYSCTL_TBUFOP_set_size:
        return trace_set_size(t->size);
    case XEN_SYSCTL_TBUFOP_enable:
    case XEN_SYSCTL_TBUFOP_disable:
        return trace_enable(t->cmd == XEN_SYSCTL_TBUFOP_enable);
    default:
        return -XEN_EINVAL;
    }
}

/* ---- The counters ---- */

/* The values of one counter, if the caller wants them; *done: those before it. */
static int values_to_guest(const struct xen_sysctl_perfc_op *p, const struct counter_info *info, uint32_t *done)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < info->values; i++) {
        uint32_t value = (uint32_t)counter_value(info, i);

        if (guest_addr(p->val) && copy_to_guest_at(guest_addr(p->val), *done + n++, &value, sizeof(value)))
            return -XEN_EFAULT;
    }
    *done += info->values;
    return 0;
}

static int desc_to_guest(const struct xen_sysctl_perfc_op *p, const struct counter_info *info, uint32_t index)
{
    struct xen_sysctl_perfc_desc d = { .nr_vals = info->values };

    if (!guest_addr(p->desc))
        return 0;
    for (unsigned i = 0; i < sizeof(d.name) - 1 && info->name[i]; i++)
        d.name[i] = info->name[i];
    return copy_to_guest_at(guest_addr(p->desc), index, &d, sizeof(d));
}

/* Values have 32 bits in this ABI: what is left of ours, as if they had wrapped. */
static long perfc_query(struct xen_sysctl_perfc_op *p)
{
    struct counter_info info;
    uint32_t n, values = 0;

    for (n = 0; counter_get(n, &info); n++)
        if (desc_to_guest(p, &info, n) || values_to_guest(p, &info, &values))
            return -XEN_EFAULT;
    p->nr_counters = n;
    p->nr_vals = values;
    return 0;
}

/* What a reset answers is what there was before. */
long sysctl_perfc_op(struct xen_sysctl *op)
{
    uint32_t cmd = op->u.perfc_op.cmd;
    long rc;

    if (cmd != XEN_SYSCTL_PERFCOP_reset && cmd != XEN_SYSCTL_PERFCOP_query)
        return -XEN_EINVAL;
    rc = perfc_query(&op->u.perfc_op);
    if (rc == 0 && cmd == XEN_SYSCTL_PERFCOP_reset)
        counters_reset();
    return rc;
}
