/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong on purpose, as the sanitizers see it: see check/provoke.h.  This file is compiled under them. */
#include "check/provoke.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"

static volatile uint64_t sink;

/* The compiler must not know these. */
static uint8_t *object(size_t size)
{
    uint8_t *p = mem_alloc(size);

    __asm__("" : "+r"(p));
    return p;
}

static int number(int n)
{
    __asm__("" : "+r"(n));
    return n;
}

static void read_freed(void)
{
    uint8_t *p = object(40), *q = object(40);

    mem_free(q);
    sink = q[8];
    mem_free(p);
}

static void copy_past(void)
{
    (void)copy_to_guest(current->regs.rdx, object(40), 48);
}

static void index_past(void)
{
    static uint8_t array[4];

    sink = array[number(5)];
}

static void bool_three(void)
{
    static uint8_t byte = 3;
    const bool *b = (const bool *)&byte;

    __asm__("" : "+r"(b));
    sink = *b;
}

/* Past the end, through a pointer that says nothing of it. */
static __attribute__((noinline)) void smash(size_t n)
{
    uint8_t bytes[16], *p = bytes;

    __asm__("" : "+r"(p));
    for (size_t i = 0; i < n; i++)
        p[i] = 1;
    sink = bytes[0];
}

struct padded {
    uint8_t small;
    uint64_t big;
};

static void leak(void)
{
    uint64_t words[4];

    words[0] = words[3] = 1;
    __asm__("" :: "r"(words));
    (void)copy_to_guest(current->regs.rdx, words, sizeof(words));
}

static void leak_padding(void)
{
    struct padded p;

    p.small = (uint8_t)number(1);
    p.big = 2;
    (void)copy_to_guest(current->regs.rdx, &p, sizeof(p));
}

bool provoke_sanitizer(enum check_provoke what)
{
    switch ((unsigned)what) {
    case PROVOKE_READ_FREED:
        read_freed();
        return true;
    case PROVOKE_READ_PAST:
        sink = object(40)[40];
        return true;
    case PROVOKE_COPY_PAST:
        copy_past();
        return true;
    case PROVOKE_OVERFLOW:
        sink = (uint64_t)(number(0x7fffffff) + 1);
        return true;
    case PROVOKE_SHIFT:
        sink = 1u << number(32);
        return true;
    case PROVOKE_INDEX:
        index_past();
        return true;
    case PROVOKE_BOOL:
        bool_three();
        return true;
    case PROVOKE_SMASH:
        smash((size_t)number(40));
        return true;
    case PROVOKE_LEAK:
        leak();
        return true;
    case PROVOKE_LEAK_PADDING:
        leak_padding();
        return true;
    default:
        return what < PROVOKE_CHECK;
    }
}
