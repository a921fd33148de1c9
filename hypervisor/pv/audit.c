/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys 'd', 'q', 'A' and 'E': see audit.h. Output goes out whatever the log level. */
#include "pv/audit.h"
#include "core/evtchn.h"
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

static unsigned audit_verdict(const struct domain *d, const char *what, const char *broken)
{
    if (broken)
        log_always("d%u: %s: %s\n", d->id, what, broken);
    return broken ? 1 : 0;
}

/* These look without locks, at all domains at once: as many as are held. */
static void rest_audit_key(char key)
{
    struct grant_party party[32];
    struct domain *held[ARRAY_SIZE(party)];
    unsigned n = 0, faults = 0;

    (void)key;
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        if (n < ARRAY_SIZE(party) && d->grant) {
            domain_hold(d);
            party[n] = grant_party(d);
            held[n++] = d;
        }
    faults += audit_verdict(dom0, "grants", grant_audit(party, n));
    for (unsigned i = 0; i < n; i++) {
        faults += audit_verdict(held[i], "event channels", evtchn_audit(held[i]->evtchn));
        domain_put(held[i]);
    }
    log_always("audit: %u faults\n", faults);
}

void audit_init(void)
{
    key_register('d', registers_key, "registers of all vCPUs", false);
    key_register('A', audit_key, "audit of page types and of the heap", false);
    key_register('E', rest_audit_key, "audit of grants and event channels (false alarms unless all domains are paused)", false);
}
