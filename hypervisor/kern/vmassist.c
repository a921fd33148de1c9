/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm_assist.  The types for 32-bit kernels are accepted and mean nothing to a 64-bit one, as on Xen. */
#include "kern/domain.h"
#include "kern/hypercall.h"

#define VMASST_VALID (1ul << VMASST_TYPE_4gb_segments | 1ul << VMASST_TYPE_4gb_segments_notify | \
                      1ul << VMASST_TYPE_pae_extended_cr3 | 1ul << VMASST_TYPE_writable_pagetables | 1ul << VMASST_TYPE_architectural_iopl | \
                      1ul << VMASST_TYPE_runstate_update_flag | 1ul << VMASST_TYPE_m2p_strict)

void vm_assist_set(struct domain *d, uint64_t types)
{
    __atomic_store_n(&d->vm_assist, types & VMASST_VALID, __ATOMIC_SEQ_CST);
}

long do_vm_assist(struct hcall *c)
{
    struct domain *d = current->domain;
    uint32_t type = (uint32_t)c->arg[1];

    if (type >= 64 || !(VMASST_VALID & 1ul << type))
        return -XEN_EINVAL;
    switch ((uint32_t)c->arg[0]) {
    case VMASST_CMD_enable:
        __atomic_or_fetch(&d->vm_assist, 1ul << type, __ATOMIC_SEQ_CST);
        return 0;
    case VMASST_CMD_disable:
        __atomic_and_fetch(&d->vm_assist, ~(1ul << type), __ATOMIC_SEQ_CST);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}
