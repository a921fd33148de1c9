/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tsc.h.  Changed only while no vCPU of the domain runs, and by one caller at a time; read by its vCPUs without a lock. */
#include "kern/tsc.h"
#include "core/port.h"
#include "core/vtsc.h"
#include "kern/domain.h"
#include "x86/cpu.h"
#include "x86/time.h"
#include "x86/timeline.h"

#define LINE_MADE_UP (1ul << 63) /* never in the number of one of the machine's lines */

struct tsc_domain {
    uint32_t mode, khz, incarnation;
    uint64_t changes;
    struct vtsc v; /* if d->tsc_emulated */
};

static uint32_t machine_khz(void)
{
    return (uint32_t)(tsc_hz() / 1000);
}

static bool must_make_up(const struct domain *d, uint32_t mode, uint32_t khz)
{
    if (d->is_privileged)
        return false;
    switch (mode) {
    case TSC_MODE_DEFAULT:
        return !tsc_is_stable() || !vtsc_same_khz(khz, machine_khz());
    case TSC_MODE_ALWAYS_EMULATE:
        return true;
    default:
        return false;
    }
}

int domain_tsc_set(struct domain *d, const struct tsc_info *i)
{
    struct tsc_domain *t = d->tsc;

    if (i->mode > TSC_MODE_NEVER_EMULATE)
        return -XEN_EINVAL;
    t->mode = i->mode;
    t->khz = i->khz ? i->khz : machine_khz();
    t->incarnation = i->incarnation + 1;
    t->changes++;
    vtsc_init(&t->v, t->khz, time_now(), i->elapsed);
    d->tsc_emulated = must_make_up(d, t->mode, t->khz);
    return 0;
}

/* ns that the processor's counter has counted. */
static uint64_t machine_elapsed(void)
{
    uint64_t flags = irq_save(), ns;
    struct clock_line line;

    time_line(&line);
    ns = clock_scale_apply(line.scale, rdtsc());
    irq_restore(flags);
    return ns;
}

void domain_tsc_get(struct domain *d, struct tsc_info *i)
{
    const struct tsc_domain *t = d->tsc;

    i->mode = t->mode;
    i->incarnation = t->incarnation;
    i->khz = i->elapsed = 0; /* of no meaning to whom asked for the processor's */
    if (d->tsc_emulated) {
        i->khz = t->khz;
        i->elapsed = vtsc_elapsed(&t->v, time_now());
    } else if (t->mode == TSC_MODE_DEFAULT) {
        i->khz = machine_khz();
        i->elapsed = machine_elapsed();
    }
}

uint64_t domain_tsc_read(const struct domain *d)
{
    return d->tsc_emulated ? vtsc_read(&d->tsc->v, time_now()) : rdtsc();
}

uint64_t domain_tsc_line(const struct domain *d, struct clock_line *line)
{
    const struct tsc_domain *t = d->tsc;

    if (likely(!d->tsc_emulated))
        return time_line(line);
    *line = (struct clock_line){ t->v.tsc, t->v.ns, t->v.scale };
    return LINE_MADE_UP | t->changes;
}

int tsc_domain_create(struct domain *d)
{
    const struct tsc_info first = { .mode = TSC_MODE_DEFAULT };

    d->tsc = mem_alloc(sizeof(*d->tsc));
    return d->tsc ? domain_tsc_set(d, &first) : -XEN_ENOMEM;
}

void tsc_domain_free(struct domain *d)
{
    mem_free(d->tsc);
    d->tsc = NULL;
}
