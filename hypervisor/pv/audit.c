/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys 'd', 'q', 'A' and 'E': see audit.h. Output goes out whatever the log level. */
#include "pv/audit.h"
#include "core/grant.h"
#include "core/ptype.h"
#include "kern/domain.h"
#include "kern/grant.h"
#include "kern/keys.h"
#include "kern/pages.h"
#include "pv/pv.h"
#include "x86/alloc.h"
#include "x86/log.h"
#include "x86/traps.h"

static void registers_key(void)
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        domain_each_vcpu(d, v) {
            log_always("d%uv%u on CPU %u, %s mode\n", d->id, v->id, v->cpu, v->kernel_mode ? "kernel" : "user");
            regs_print(&v->regs);
        }
}

static void audit_key(void)
{
    unsigned faults = heap_audit();

    for (struct domain *d = domain_next(NULL); d; d = domain_next(d)) {
        lock(&d->pv->pt_lock);
        faults += ptype_audit(d->id);
        unlock(&d->pv->pt_lock);
    }
    log_always("audit: %u faults\n", faults);
}

#define PARTIES 32

/* d takes part, if it is not there already and there is room. */
static unsigned party_add(struct grant_party *party, struct domain **held, unsigned n, struct domain *d)
{
    for (unsigned i = 0; i < n; i++)
        if (held[i] == d)
            return n;
    if (n == PARTIES || !d->grant)
        return n;
    domain_hold(d);
    party[n] = grant_party(d);
    held[n] = d;
    return n + 1;
}

/* This looks without locks, at all domains at once: as many as are held.  Who has ended but for his frames that others still map
 * is found by their maps. */
static void grant_audit_key(void)
{
    struct grant_party party[PARTIES];
    struct domain *held[PARTIES];
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
    broken = grant_audit(party, n);
    log_always("audit: %u faults%s%s\n", broken ? 1 : 0, broken ? ": " : "", broken ? broken : "");
    while (n)
        domain_put(held[--n]);
}

void audit_init(void)
{
    key_register('d', registers_key, "registers of all vCPUs", false);
    key_register('A', audit_key, "audit of page types and of the heap", false);
    key_register('E', grant_audit_key, "audit of grants; checking builds: and of event channels (false alarms unless all domains are paused)", false);
}
