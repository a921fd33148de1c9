/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dispatch of traps and callbacks; see trap.h for the order.  The handler table is shared by all vCPUs. */
#include "boot.h"
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "trap.h"

extern char trap_stubs[];
void trap_dispatch(struct regs *r);

struct failsafe failsafe_frame;
static trap_fn handlers[VEC_COUNT];
struct trap_info trap_table[257];

uint64_t trap_entry(int v)
{
    return (uint64_t)trap_stubs + (uint64_t)v * 16;
}

void trap_handle(int v, trap_fn fn)
{
    WRITE_ONCE(handlers[v], fn);
}

long trap_table_set(const uint8_t *flags)
{
    for (int v = 0; v < 256; v++)
        trap_table[v] = (struct trap_info){ .vector = (uint8_t)v, .flags = flags ? flags[v] : 0,
                                            .cs = FLAT_KERNEL_CS, .address = trap_entry(v) };
    trap_table[256].address = 0;
    return hypercall(set_trap_table, trap_table);
}

long trap_gate(int v, uint8_t flags)
{
    struct trap_info one[2] = {
        { .vector = (uint8_t)v, .flags = flags, .cs = FLAT_KERNEL_CS, .address = trap_entry(v) },
    };

    return hypercall(set_trap_table, one);
}

void regs_print(const struct regs *r)
{
    printf("vector %lu error %lx rip %lx cs %lx flags %lx rsp %lx ss %lx cr2 %lx\n", r->vector, r->error,
           r->rip, r->cs, r->rflags, r->rsp, r->ss, vcpu_info_self()->arch.cr2);
    printf("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", r->rax, r->rbx, r->rcx, r->rdx,
           r->rsi, r->rdi, r->rbp);
    printf("r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", r->r8, r->r9, r->r10, r->r11,
           r->r12, r->r13, r->r14, r->r15);
}

static void trap_caught(struct cpu *c, const struct regs *r)
{
    struct trap *t = c->catch;

    t->vector = (int)r->vector;
    t->regs = *r;
    t->cr2 = vcpu_info_self()->arch.cr2;
    t->mask = vcpu_info_self()->evtchn_upcall_mask;
    c->catch = NULL;
    context_load(&c->catch_context);
}

/* Called by trap_entry.S with the frame; returning resumes it. */
void trap_dispatch(struct regs *r)
{
    struct cpu *c = cpu_self();
    trap_fn fn = READ_ONCE(handlers[r->vector]);

    if (fn && fn(r))
        return;
    if (c->user && (r->cs & 3) == 3) {
        *c->user = *r;
        c->user = NULL;
        context_load(&c->user_context);
    }
    if (r->vector == VEC_EVENT) {
        event_upcall();
        return;
    }
    if (c->catch)
        trap_caught(c, r);
    printf("unexpected trap on vCPU %u\n", c->id);
    regs_print(r);
    test_abort("unexpected trap");
}

int trap_catch(struct trap *t, void (*fn)(unsigned long), unsigned long arg)
{
    struct cpu *c = cpu_self();
    uint8_t mask = vcpu_info_self()->evtchn_upcall_mask;

    memset(t, 0, sizeof(*t));
    t->vector = VEC_NONE;
    if (!context_save(&c->catch_context)) {
        c->catch = t;
        fn(arg);
        c->catch = NULL;
    } else
        WRITE_ONCE(vcpu_info_self()->evtchn_upcall_mask, mask);
    return t->vector;
}

void trap_init(void)
{
    if (trap_table_set(NULL))
        test_abort("set_trap_table");
}
