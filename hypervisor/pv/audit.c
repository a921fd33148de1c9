/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys 'd', 'q' and 'A': see audit.h. Output goes out whatever the log level. */
#include "pv/audit.h"
#include "core/ptype.h"
#include "kern/domain.h"
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

void audit_init(void)
{
    key_register('d', registers_key, "registers of all vCPUs", false);
    key_register('A', audit_key, "audit of page types and of the heap", false);
}
