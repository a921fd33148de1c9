/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls of features that there aren't, where that has an answer of its own (all others: -XEN_ENOSYS, for they
 * are not in the table). */
#include "kern/hypercall.h"
#include <xen/errno.h>

/* No virtual performance counters: what Xen answers when they are off, as they are unless vpmu= says else. */
long do_xenpmu_op(struct hcall *c)
{
    return -XEN_EOPNOTSUPP;
}
