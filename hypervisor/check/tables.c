/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug key 'E', and part of CHECK_AUDIT: the audits of grants and of event channels.  They look without locks, at all domains at once: all must be at rest. */
#include "check/audits.h"
#include "check/evtchn_audit.h"
#include "check/grant_audit.h"
#include "kern/domain.h"
#include "kern/grant_parts.h"
#include "kern/keys.h"
#include "pv/audit.h"
#include "x86/cpu.h"
#include "x86/log.h"

void __real_audit_init(void);
void __wrap_audit_init(void);

#define PARTIES 512

/* d takes part, if it is not there already and there is room. */
static unsigned party_add(struct grant_party *party, struct domain **held, unsigned n, struct domain *d)
{
    for (unsigned i = 0; i < n; i++)
        if (held[i] == d)
            return n;
    if (n == PARTIES || !d->grant)
        return n;
    domain_hold(d);
    party[n] = (struct grant_party){ .id = d->id, .table = &d->grant->table, .maps = &d->grant->maps };
    held[n] = d;
    return n + 1;
}

/* Who has ended but for his frames that others still map is found by their maps. */
static const char *parties_audit(struct grant_party *party, struct domain **held)
{
    const char *broken;
    unsigned n = 0;

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        n = party_add(party, held, n, d);
    for (unsigned i = 0; i < n; i++)
        for (grant_handle_t h = 0; h < grant_maps_limit(party[i].maps); h++) {
            const struct grant_map *m = grant_map_at(party[i].maps, h);

            if (m->state == GRANT_MAP_LIVE)
                n = party_add(party, held, n, m->granter);
        }
    broken = n < PARTIES ? grant_audit(party, n) : "more domains than are looked at";
    while (n)
        domain_put(held[--n]);
    return broken;
}

/* There may be no memory left: it has its own, for one CPU after the other. */
static const char *grants_audit(void)
{
    static struct grant_party party[PARTIES];
    static struct domain *held[PARTIES];
    static bool busy;
    const char *broken;

    while (__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
        cpu_relax();
    broken = parties_audit(party, held);
    __atomic_store_n(&busy, false, __ATOMIC_RELEASE);
    return broken;
}

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

unsigned tables_audit(void)
{
    const char *bad = grants_audit();

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) /* to the end, whatever is found: it holds the one it is at */
        bad = bad ?: events_audit(d);
    if (bad)
        log_err("tables: %s\n", bad);
    return bad ? 1 : 0;
}

static void audit_key(void)
{
    log_always("audit: %u faults\n", tables_audit());
}

void __wrap_audit_init(void)
{
    __real_audit_init();
    key_register('E', audit_key, "audit of grants and event channels (false alarms unless all domains are paused)", false);
}
