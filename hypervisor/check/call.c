/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checking builds' own hypercall: see check/abi.h. */
#include "check/call.h"
#include "check/abi.h"
#include "check/audits.h"
#include "check/heap.h"
#include "check/provoke.h"
#include "core/port.h"
#include "core/ptype.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/pages.h"
#include "pv/pv.h"
#include "x86/alloc.h"

__attribute__((weak)) bool provoke_sanitizer(enum check_provoke what)
{
    return false;
}

static unsigned audit(void)
{
    unsigned faults = heap_audit();

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        lock(&d->pv->pt_lock);
        faults += ptype_audit(d->id);
        unlock(&d->pv->pt_lock);
    }
    return faults + tables_audit() + devices_audit();
}

static long state(uint64_t arg)
{
    struct check_state s;
    struct domain *d;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    s.free_frames = frames_free_count();
    s.claimed = frames_claimed();
    heap_live(&s.objects, &s.bytes);
    s.refs = s.frames = s.shared_frames = ~0ul;
    d = domain_get((domid_t)s.domid);
    if (d) {
        s.refs = d->refs - 1;
        s.frames = d->pages->count;
        s.shared_frames = d->pages->shared_count;
        domain_put(d);
    }
    return copy_to_guest(arg, &s, sizeof(s));
}

long check_call(uint64_t op, uint64_t arg)
{
    switch (op) {
    case CHECK_BUILD:
        return provoke_sanitizer(PROVOKE_STACK) ? CHECK_HAS_SAN : 0;
    case CHECK_FAIL:
        return (long)fail_set(arg);
    case CHECK_STATE:
        return state(arg);
    case CHECK_AUDIT:
        return audit();
    case CHECK_PROVOKE:
        return provoke((enum check_provoke)arg) || provoke_sanitizer((enum check_provoke)arg) ? 0 : -XEN_EINVAL;
    default:
        return -XEN_ENOSYS;
    }
}
