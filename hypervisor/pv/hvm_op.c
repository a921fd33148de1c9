/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvm_op for para-virtual callers: system time and trace records; what is about a translated guest's machine is an
 * invalid argument for a domain of the other kind, and the rest is absent.
 */
#include "kern/hypercall.h"
#include "core/string.h"
#include <xen/hvm/hvm_op.h>
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/time.h"
#include "x86/trace.h"

/* Operations on a domain, whose id comes first: there is no translated one. */
static long domain_op(uint64_t arg, size_t size)
{
    uint8_t op[64];
    struct domain *d;
    domid_t id;

    if (copy_from_guest(op, arg, size))
        return -XEN_EFAULT;
    memcpy(&id, op, sizeof(id));
    d = domain_get(id);
    if (!d)
        return -XEN_ESRCH;
    domain_put(d);
    return -XEN_EINVAL;
}

static long get_time(uint64_t arg)
{
    struct xen_hvm_get_time t = { .now = time_now() };

    return copy_to_guest(arg, &t, sizeof(t));
}

static long xentrace(uint64_t arg)
{
    struct xen_hvm_xentrace t;
    uint32_t word[sizeof(t.extra) / sizeof(uint32_t)];

    if (copy_from_guest(&t, arg, sizeof(t)))
        return -XEN_EFAULT;
    if (t.extra_bytes > sizeof(t.extra) || t.extra_bytes % sizeof(uint32_t) || t.event >> TRC_SUBCLS_SHIFT)
        return -XEN_EINVAL;
    if (TRACE_WANTED(TRC_GUEST)) {
        memcpy(word, t.extra, sizeof(word));
        trace_put(TRC_GUEST | t.event, t.extra_bytes / sizeof(uint32_t), word);
    }
    return 0;
}

long do_hvm_op(struct hcall *c)
{
    uint64_t arg = c->arg[1];

    switch (c->arg[0]) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        return domain_op(arg, sizeof(struct xen_hvm_param));
    case HVMOP_pagetable_dying:
        return domain_op(arg, sizeof(struct xen_hvm_pagetable_dying));
    case HVMOP_get_mem_type:
        return domain_op(arg, sizeof(struct xen_hvm_get_mem_type));
    case HVMOP_get_time:
        return get_time(arg);
    case HVMOP_xentrace:
        return xentrace(arg);
    case HVMOP_flush_tlbs:
    case HVMOP_set_evtchn_upcall_vector:
        return -XEN_EINVAL;
    case HVMOP_guest_request_vm_event: /* nobody listens */
        return arg ? -XEN_EINVAL : 0;
    case HVMOP_altp2m:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}
