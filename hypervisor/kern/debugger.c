/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See debugger.h.  No locks: counters and marks are atomic. */
#include "kern/debugger.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/sched.h"

bool debugger_stop(struct vcpu *v, uint8_t vector, bool told)
{
    struct domain *d = v->domain;

    if (likely(!d->debugger_attached))
        return false;
    if (told)
        __atomic_store_n(&v->debug_event, vector, __ATOMIC_SEQ_CST);
    domain_pause_nosync(d);
    __atomic_add_fetch(&d->ctl_pauses, 1, __ATOMIC_SEQ_CST);
    if (!READ_ONCE(v->debug_event))
        virq_raise_global(VIRQ_DEBUGGER);
    return true;
}

int debugger_event(struct domain *d, uint8_t *vector)
{
    domain_each_vcpu(d, v) {
        *vector = __atomic_exchange_n(&v->debug_event, 0, __ATOMIC_SEQ_CST);
        if (*vector)
            return (int)v->id;
    }
    return -1;
}

int debugger_pause(struct vcpu *v)
{
    int rc = READ_ONCE(v->debug_pauses) < PAUSES_MAX ? vcpu_pause(v) : -XEN_EOVERFLOW;

    if (rc == 0)
        __atomic_add_fetch(&v->debug_pauses, 1, __ATOMIC_SEQ_CST);
    return rc;
}

int debugger_unpause(struct vcpu *v)
{
    unsigned n = READ_ONCE(v->debug_pauses);

    do {
        if (!n)
            return -XEN_EINVAL;
    } while (!__atomic_compare_exchange_n(&v->debug_pauses, &n, n - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    vcpu_unpause(v);
    return 0;
}
