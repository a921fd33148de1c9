/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiprocessing.  Each CPU gets a stack block (its cpu_block at the end) and a percpu area.  CPUs start one
 * after the other through the trampoline (boot/head.S), copied to a page below 1 MiB.
 * Cross-CPU calls: one at a time (RANK_IPI lock); requester waits with interrupts on.
 */
#include "x86/smp.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/alloc.h"
#include "x86/apic.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/layout.h"
#include "x86/lock.h"
#include "x86/time.h"

#define TRAMPOLINE 0x8000 /* below 1 MiB; boot/main.c keeps it out of the allocator's hands */

extern char percpu_start[], percpu_end[], boot_cpu_stack[];
extern char trampoline_start[], trampoline_end[], trampoline_cr3[], trampoline_stack[];
extern uint64_t boot_l4[];

uint64_t percpu_offsets[MAX_CPUS];
cpumask_t cpu_up, cpu_online;
unsigned nr_cpus = 1;

static uint32_t apic_id_of[MAX_CPUS], acpi_id_of[MAX_CPUS];
static bool ap_is_up; /* [atomic] the CPU being started has arrived */

static spinlock_t call_lock = LOCK_INIT(RANK_IPI);
static struct {
    void (*fn)(void *);
    void *data;
} call; /* [call_lock] */
static cpumask_t call_waiting; /* [atomic] */

uint32_t smp_acpi_id(unsigned cpu)
{
    return acpi_id_of[cpu];
}

uint32_t smp_apic_id(unsigned cpu)
{
    return apic_id_of[cpu];
}

void smp_send_ipi(unsigned cpu, unsigned vector)
{
    COUNT(ipi_sent);
    apic_send_ipi(apic_id_of[cpu], (uint8_t)vector);
}

static void call_vector(void)
{
    if (!cpumask_test(&call_waiting, cpu_id()))
        return;
    call.fn(call.data);
    cpumask_clear(&call_waiting, cpu_id());
}

static bool call_unanswered(void)
{
    return cpumask_next(&call_waiting, 0) < nr_cpus;
}

void smp_call(const cpumask_t *mask, void (*fn)(void *), void *data)
{
    lock(&call_lock);
    call.fn = fn;
    call.data = data;
    cpumask_each(cpu, mask)
        if (cpu != cpu_id() && cpumask_test(&cpu_up, cpu)) {
            cpumask_set(&call_waiting, cpu);
            smp_send_ipi(cpu, VECTOR_CALL);
        }
    if (cpumask_test(mask, cpu_id())) {
        uint64_t flags = irq_save();

        fn(data);
        irq_restore(flags);
    }
    while (call_unanswered())
        cpu_relax();
    unlock(&call_lock);
}

struct together {
    void (*fn)(void *);
    void *data;
    unsigned cpus, arrived, through; /* [atomic] */
};

static void together_wait(unsigned *counter, unsigned cpus)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) < cpus)
        cpu_relax();
}

static void together_one(void *p)
{
    struct together *t = p;

    together_wait(&t->arrived, t->cpus);
    t->fn(t->data);
    together_wait(&t->through, t->cpus);
}

void smp_call_together(void (*fn)(void *), void *data)
{
    struct together t = { .fn = fn, .data = data };

    cpumask_each(cpu, &cpu_up)
        t.cpus++;
    smp_call(&cpu_up, together_one, &t);
}

static void stop_vector(void *unused)
{
    cpu_stop();
}

void smp_stop_others(void)
{
    /* No waiting, no lock: the machine is in trouble. An NMI would reach more, but nothing here must run on. */
    call.fn = stop_vector;
    cpumask_each(cpu, &cpu_up)
        if (cpu != cpu_id()) {
            cpumask_set(&call_waiting, cpu);
            smp_send_ipi(cpu, VECTOR_CALL);
        }
}

static struct cpu_block *block_init(char *stack, unsigned cpu, uint64_t percpu_offset)
{
    struct cpu_block *b = (struct cpu_block *)(void *)(stack + CPU_STACK_SIZE) - 1;

    b->cpu = cpu;
    b->percpu_offset = percpu_offset;
    percpu_offsets[cpu] = percpu_offset;
    return b;
}

/* The boot CPU's percpu area is the image's own: offset 0 would say "not there", so it is copied like all others'. */
void smp_init_boot_cpu(void)
{
    block_init(boot_cpu_stack, 0, 0);
}

void smp_init(const uint32_t *apic_ids, const uint32_t *acpi_ids, unsigned n)
{
    nr_cpus = MIN(n, (unsigned)MAX_CPUS);
    memcpy(apic_id_of, apic_ids, nr_cpus * sizeof(*apic_ids));
    memcpy(acpi_id_of, acpi_ids, nr_cpus * sizeof(*acpi_ids));
    cpumask_set(&cpu_up, 0);
    cpumask_set(&cpu_online, 0);
    vector_register(VECTOR_CALL, call_vector);
    tlb_init();
}

/* Below 4 GiB: the CPU is on it before it has the full direct map. */
static char *stack_alloc(void)
{
    mfn_t m = frames_alloc(CPU_STACK_ORDER, 32);

    return mfn_eq(m, MFN_NONE) ? NULL : memset(maddr_to_virt(mfn_to_maddr(m)), 0, CPU_STACK_SIZE);
}

static bool cpu_start(unsigned cpu)
{
    size_t percpu_size = (size_t)(percpu_end - percpu_start);
    char *percpu, *stack, *tramp = maddr_to_virt(TRAMPOLINE);
    struct cpu_block *b;

    percpu = pages_alloc(pages_order(percpu_size));
    stack = stack_alloc();
    if (!percpu || !stack)
        return false;
    b = block_init(stack, cpu, (uint64_t)percpu - (uint64_t)percpu_start);
    memcpy(tramp, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    *(uint64_t *)(void *)(tramp + (trampoline_cr3 - trampoline_start)) = virt_to_maddr(boot_l4);
    *(uint64_t *)(void *)(tramp + (trampoline_stack - trampoline_start)) = (uint64_t)b;
    __atomic_store_n(&ap_is_up, false, __ATOMIC_SEQ_CST);
    apic_start_cpu(apic_id_of[cpu], TRAMPOLINE >> PAGE_SHIFT);
    for (uint64_t until = time_now() + 1000000000ul; time_now() < until; cpu_relax())
        if (__atomic_load_n(&ap_is_up, __ATOMIC_SEQ_CST))
            return true;
    percpu_offsets[cpu] = 0;
    return false;
}

void smp_cpu_is_up(void)
{
    cpumask_set(&cpu_up, cpu_id());
    cpumask_set(&cpu_online, cpu_id());
    __atomic_store_n(&ap_is_up, true, __ATOMIC_SEQ_CST);
}

void smp_boot_all(void)
{
    unsigned started = 1;

    for (unsigned cpu = 1; cpu < nr_cpus; cpu++) {
        if (cpu_start(cpu))
            started++;
        else
            log_warn("CPU %u (APIC id %u) does not start; left out\n", cpu, apic_id_of[cpu]);
    }
    log_info("%u of %u CPUs are up\n", started, nr_cpus);
}
