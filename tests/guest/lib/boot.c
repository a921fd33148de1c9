/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start of day: map the shared info, set traps and the event callback, run the test, end.
 * A test that wants the raw state at entry defines `test_early` (called before any hypercall but the mapping).
 */
#include "boot.h"
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

struct start_info *start_info;
union { struct shared_info info; char page[PAGE_SIZE]; } shared_info_page
    __asm__("shared_info") __attribute__((aligned(4096)));
struct vcpu_info *vcpu_info_at[CPUS_MAX];
struct cpu cpus[CPUS_MAX];
char user_trap_stack[CPUS_MAX][STACK_SIZE] __attribute__((aligned(32768)));
extern char boot_stack[STACK_SIZE];
void test_early(void) __attribute__((weak));
_Noreturn void guest_boot(struct start_info *si);

unsigned long stack_prepare(char *stack, struct cpu *cpu)
{
    *(struct cpu **)(void *)stack = cpu;
    return (unsigned long)stack + STACK_SIZE;
}

struct vcpu_info *vcpu_info_self(void)
{
    return vcpu_info_at[cpu_self()->id];
}

static void cpus_init(void)
{
    for (unsigned i = 0; i < CPUS_MAX; i++) {
        cpus[i].id = i;
        vcpu_info_at[i] = &shared_info.vcpu_info[i];
        stack_prepare(user_trap_stack[i], &cpus[i]);
    }
    stack_prepare(boot_stack, &cpus[0]);
}

void guest_boot(struct start_info *si)
{
    start_info = si;
    cpus_init();
    mem_init();
    if (hypercall(update_va_mapping, &shared_info, si->shared_info | PTE_RW, UVMF_INVLPG | UVMF_LOCAL))
        test_abort("cannot map the shared info page");
    if (test_early)
        test_early();
    printf("micro-guest: start\n");
    trap_init();
    event_init();
    test_main();
    test_end();
}
