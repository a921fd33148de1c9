/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvm_op for para-virtual domains: they have no HVM parameters, so reading or setting one is an invalid
 * argument, as the header's rules for a domain of the other kind; the rest of the calls is absent.
 */
#include "kern/hypercall.h"
#include <xen/hvm/hvm_op.h>
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/tlb.h"

static long param_op(uint64_t arg)
{
    struct xen_hvm_param p;
    struct domain *d;

    if (copy_from_guest(&p, arg, sizeof(p)))
        return -XEN_EFAULT;
    d = domain_get(p.domid);
    if (!d)
        return -XEN_ESRCH;
    domain_put(d);
    return -XEN_EINVAL;
}

long do_hvm_op(struct hcall *c)
{
    switch (c->arg[0]) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        return param_op(c->arg[1]);
    case HVMOP_guest_request_vm_event:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}
