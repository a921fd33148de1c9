/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace buffers' shell.  They are made once and stay, since dom0 may have them mapped; until the last page is there nobody
 * sees them, and what is half made is given back if another size is asked for.
 * Hypercalls that never leave the assembly (pv/syscall.S) are made to by EXIT_TRACE while hypercalls are traced.
 * Locks: `lock` (RANK_TRACE) guards all here; trace_events and trace_cpus are read anywhere.
 */
#include "kern/trace.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/layout.h"
#include "x86/smp.h"
#include "x86/softirq.h"
#include "x86/tracebuf.h"

unsigned trace_opt_size, trace_opt_mask;

static spinlock_t trace_lock = LOCK_INIT(RANK_TRACE);
static uint32_t wanted = TRC_ALL; /* [trace_lock] */
static bool on;                   /* [trace_lock] */

static struct {
    uint32_t size;           /* pages a CPU; 0: none [trace_lock] */
    uint32_t making;         /* the same while they are being made [trace_lock] */
    uint32_t made;           /* pages so far [trace_lock] */
    bool failed;             /* no memory: they are being given back [trace_lock] */
    unsigned info_order;
    struct t_info *info;
    struct trace_cpu *cpus;
    uint32_t **page;         /* [nr_cpus][size] */
} buffers;

/* ---- Making them ---- */

static void making_forget(void)
{
    pages_free(buffers.info, buffers.info_order);
    mem_free(buffers.cpus);
    mem_free(buffers.page);
    buffers.info = NULL;
    buffers.cpus = NULL;
    buffers.page = NULL;
    buffers.making = 0;
    buffers.failed = false;
}

/* Give back what is half made.  0 or -XEN_EAGAIN. */
static int making_drop(void)
{
    while (buffers.made) {
        pages_free(buffers.page[--buffers.made], 0);
        if (buffers.made % 64 == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    making_forget();
    return 0;
}

static int making_begin(uint32_t pages)
{
    uint32_t bytes = trace_info_size(nr_cpus, pages);

    buffers.making = pages;
    buffers.info_order = pages_order(bytes);
    buffers.info = pages_alloc(buffers.info_order);
    buffers.cpus = mem_alloc(nr_cpus * sizeof(*buffers.cpus));
    buffers.page = mem_alloc((size_t)nr_cpus * pages * sizeof(*buffers.page));
    return buffers.info && buffers.cpus && buffers.page ? 0 : -XEN_ENOMEM;
}

static int making_go_on(void)
{
    do {
        void *p = pages_alloc(0);

        if (!p)
            return -XEN_ENOMEM;
        buffers.page[buffers.made++] = p;
        if (buffers.made == nr_cpus * buffers.making)
            return 0;
    } while (!preempt_needed());
    return -XEN_EAGAIN;
}

static void making_end(void)
{
    uint32_t pages = buffers.making;

    trace_info_init(buffers.info, nr_cpus, pages);
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        trace_ring_init(&buffers.cpus[cpu].ring, &buffers.page[cpu * pages], pages);
        for (uint32_t n = 0; n < pages; n++) {
            mfn_t m = virt_to_mfn(buffers.page[cpu * pages + n]);

            trace_info_set(buffers.info, cpu, n, m);
            frame_share_system(m, true);
        }
    }
    for (unsigned n = 0; n < 1u << buffers.info_order; n++)
        frame_share_system(MFN(virt_to_mfn(buffers.info).n + n), false);
    buffers.size = pages;
    buffers.making = 0;
    __atomic_store_n(&trace_cpus, buffers.cpus, __ATOMIC_RELEASE);
}

/* [trace_lock] */
static int make(uint32_t pages)
{
    int rc = 0;

    if (buffers.making != pages || buffers.failed) {
        bool failed = buffers.making == pages; /* and is being given back: the end of a call that was interrupted */

        rc = making_drop();
        if (rc || failed)
            return rc ? rc : -XEN_ENOMEM;
        rc = making_begin(pages);
    }
    if (rc == 0)
        rc = making_go_on();
    if (rc == 0)
        making_end();
    if (rc != -XEN_ENOMEM)
        return rc;
    buffers.failed = true;
    rc = making_drop();
    return rc ? rc : -XEN_ENOMEM;
}

int trace_set_size(uint32_t pages)
{
    int rc;

    if (!pages)
        return -XEN_EINVAL;
    pages = MIN(pages, trace_pages_max(nr_cpus));
    lock(&trace_lock);
    if (buffers.size)
        rc = pages == buffers.size ? -XEN_EBUSY : -XEN_EINVAL;
    else
        rc = make(pages);
    unlock(&trace_lock);
    return rc;
}

void trace_get(struct trace_state *out)
{
    lock(&trace_lock);
    out->mask = wanted;
    out->info = buffers.size ? virt_to_mfn(buffers.info) : MFN_NONE;
    out->info_size = buffers.size ? (uint32_t)PAGE_SIZE << buffers.info_order : 0;
    unlock(&trace_lock);
}

/* ---- Which events ---- */

/* This CPU's hypercalls all go through C, or don't.  Interrupts off. */
static void cpu_follow(void *unused)
{
    struct cpu_block *b = cpu_block();

    if (trace_event_matches(READ_ONCE(trace_events), TRC_PV_HYPERCALL_V2))
        b->exit_flags |= EXIT_TRACE;
    else
        b->exit_flags &= ~EXIT_TRACE;
}

/* When this is done, no CPU still puts a record of an event that isn't wanted any more. [trace_lock] */
static void follow(void)
{
    WRITE_ONCE(trace_events, on ? wanted : 0);
    smp_call(&cpu_online, cpu_follow, NULL);
}

void trace_init_cpu(void)
{
    cpu_follow(NULL);
}

void trace_set_mask(uint32_t mask)
{
    lock(&trace_lock);
    wanted = mask;
    follow();
    unlock(&trace_lock);
}

void trace_set_cpus(const cpumask_t *cpus)
{
    lock(&trace_lock);
    for (unsigned i = 0; i < ARRAY_SIZE(cpus->bits); i++)
        WRITE_ONCE(trace_cpus_wanted.bits[i], cpus->bits[i]);
    unlock(&trace_lock);
}

int trace_enable(bool enable)
{
    int rc = 0;

    lock(&trace_lock);
    if (enable && !buffers.size) {
        rc = -XEN_EINVAL;
    } else {
        on = enable;
        follow();
    }
    unlock(&trace_lock);
    return rc;
}

/* ---- Records ---- */

void trace_port_who(uint32_t *domain, uint32_t *vcpu)
{
    *domain = current->domain->id;
    *vcpu = current->id;
}

/* The arguments that say most: what is asked for, and of how many.  One bit each; all have 32 bits. */
static const uint8_t arguments[] = {
    [__HYPERVISOR_mmu_update] = 1 << 1,
    [__HYPERVISOR_multicall] = 1 << 1,
    [__HYPERVISOR_grant_table_op] = 1 << 0 | 1 << 2,
    [__HYPERVISOR_vcpu_op] = 1 << 0 | 1 << 1,
    [__HYPERVISOR_mmuext_op] = 1 << 1,
    [__HYPERVISOR_sched_op] = 1 << 0,
};

void trace_hypercall(uint32_t event, const struct hcall *c)
{
    uint32_t word[TRACE_EXTRA_MAX] = { c->op }, n = 1;
    uint8_t which = c->op < ARRAY_SIZE(arguments) ? arguments[c->op] : 0;

    for (unsigned i = 0; i < ARRAY_SIZE(c->arg); i++)
        if (which & 1u << i) {
            word[0] |= (uint32_t)TRC_PV_HYPERCALL_V2_ARG_32(i);
            word[n++] = (uint32_t)c->arg[i];
        }
    trace_put(event, n, word);
}

/* ---- Boot ---- */

static void half_full(void)
{
    virq_raise_global(VIRQ_TBUF);
}

static void boot_buffers(void)
{
    int rc;

    do {
        rc = trace_set_size(trace_opt_size);
    } while (rc == -XEN_EAGAIN);
    if (rc)
        log_warn("no memory for trace buffers of %u pages a CPU\n", trace_opt_size);
    else if (trace_opt_mask)
        trace_enable(true);
}

void trace_init(void)
{
    softirq_register(SOFTIRQ_TRACE, half_full);
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        cpumask_set(&trace_cpus_wanted, cpu);
    if (trace_opt_mask)
        wanted = trace_opt_mask;
    if (trace_opt_size)
        boot_buffers();
}
