/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong on purpose: each of these must end in a panic that says what it was (check/catch.c). */
#include "check/provoke.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/layout.h"

/* Deeper than any stack.  (The compiler must not make a loop of it.) */
static __attribute__((noinline)) uint64_t stack_use(uint64_t depth)
{
    volatile uint64_t room[64];

    room[depth % 64] = depth;
    return depth ? stack_use(depth - 1) + room[depth % 64] : 0;
}

/* The compiler must not know what this memory is. */
static volatile uint8_t *object(size_t size)
{
    uint8_t *p = mem_alloc(size);

    __asm__("" : "+r"(p));
    return p;
}

static void lock_order(void)
{
    struct domain *d = current->domain;

    lock(&d->pages->lock);
    lock(&d->ctl_lock);
}

static void copy_locked(void)
{
    uint64_t word;

    lock(&current->domain->pages->lock);
    (void)copy_from_guest(&word, current->regs.rsp, sizeof(word));
}

static void past_end(void)
{
    volatile uint8_t *p = object(40);

    p[40] = 1;
    mem_free((void *)(uint64_t)p);
}

static void double_free(void)
{
    volatile uint8_t *p = object(40), *q = object(40); /* q keeps the page */

    mem_free((void *)(uint64_t)p);
    mem_free((void *)(uint64_t)p);
    mem_free((void *)(uint64_t)q);
}

/* Found when the object is taken again. */
static void write_freed(void)
{
    volatile uint8_t *p = object(40), *q = object(40);

    mem_free((void *)(uint64_t)q);
    q[8] = 1;
    mem_free((void *)(uint64_t)object(40));
    mem_free((void *)(uint64_t)p);
}

/* Found by the audit; else when the frame is taken again, so it is mended. */
static void frame_freed(void)
{
    volatile uint8_t *p = object(PAGE_SIZE / 2);
    unsigned before = heap_audit(), after;
    uint8_t was;

    mem_free((void *)(uint64_t)p);
    was = p[100];
    p[100] = 1;
    after = heap_audit();
    p[100] = was;
    if (after > before)
        panic("heap: the audit sees %u faults more\n", after - before);
}

/* One reference more than can be counted, and all of them dropped but one: the count has not wrapped.  (No check of ours, and mended.) */
static void references(void)
{
    struct domain *d = current->domain;
    uint32_t was = __atomic_exchange_n(&d->refs, (1u << 31) - 1, __ATOMIC_SEQ_CST), now;

    domain_hold(d);
    domain_put(d);
    now = __atomic_exchange_n(&d->refs, was, __ATOMIC_SEQ_CST);
    if (now > 1u << 31)
        panic("references are stuck at %#x\n", now);
}

bool provoke(enum check_provoke what)
{
    switch ((unsigned)what) {
    case PROVOKE_STACK:
        stack_use(CPU_STACK_SIZE / sizeof(uint64_t));
        return true;
    case PROVOKE_LOCK_ORDER:
        lock_order();
        return true;
    case PROVOKE_LOCK_KEPT:
        lock(&current->domain->ctl_lock);
        return true;
    case PROVOKE_IRQS_OFF:
        irq_disable();
        return true;
    case PROVOKE_COPY_LOCKED:
        copy_locked();
        return true;
    case PROVOKE_PAST_END:
        past_end();
        return true;
    case PROVOKE_DOUBLE_FREE:
        double_free();
        return true;
    case PROVOKE_WRITE_FREED:
        write_freed();
        return true;
    case PROVOKE_FRAME_FREED:
        frame_freed();
        return true;
    case PROVOKE_REFS:
        references();
        return true;
    default:
        return false;
    }
}
