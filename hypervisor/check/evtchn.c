/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit of event channels joins that of grants (debug key 'E').  It looks at tables that rest, without their locks.
 */
#include "check/evtchn_audit.h"
#include "core/grant.h"
#include "kern/domain.h"
#include "x86/cpu.h"

const char *__real_grant_audit(const struct grant_party *p, unsigned n);
const char *__wrap_grant_audit(const struct grant_party *p, unsigned n);

/* Timers and interrupts of other CPUs still send events, and hold a port for moments: what is wrong then is right soon.  While our
 * interrupts are off no peer's memory goes. */
static const char *events_audit(const struct domain *d)
{
    const char *bad = NULL;

    for (unsigned i = 0; i < 100; i++) {
        uint64_t flags = irq_save();

        bad = d->evtchn ? evtchn_audit(d->evtchn) : NULL;
        irq_restore(flags);
        if (!bad)
            break;
        cpu_relax();
    }
    return bad;
}

const char *__wrap_grant_audit(const struct grant_party *p, unsigned n)
{
    const char *bad = __real_grant_audit(p, n);

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) /* to the end, whatever is found: it holds the one it is at */
        bad = bad ?: events_audit(d);
    return bad;
}
