/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Panics that a test has asked for by CHECK_PROVOKE are caught: the test gets the message, and goes on with what the wrong left
 * behind.  On one CPU at a time, and from one place only: from the provoked hypercall to its end, checks of its end included.
 */
#include "check/catch.h"
#include "check/held.h"
#include "core/format.h"
#include "core/port.h"
#include "kern/guest.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

static void *frame[5];
static const struct cpu_block *catcher; /* whose panic is caught; NULL: nobody's */
static char text[256];

_Noreturn void __real_panic(const char *fmt, ...);
_Noreturn void __wrap_panic(const char *fmt, ...);

void __wrap_panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format_print(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (catcher != cpu_block())
        __real_panic("%s", text);
    __builtin_longjmp(frame, 1);
}

/* Apart, so that no variable lives across the return by longjmp. */
static __attribute__((noinline)) bool run(void (*fn)(struct cpu_user_regs *r), struct cpu_user_regs *r)
{
    if (__builtin_setjmp(frame))
        return true;
    catcher = cpu_block();
    fn(r);
    return false;
}

long catch_panic(void (*fn)(struct cpu_user_regs *r), struct cpu_user_regs *r)
{
    uint64_t to = r->rdx;
    bool caught = run(fn, r);

    catcher = NULL;
    held_drop();
    irq_enable();
    if (!caught)
        return (long)r->rax;
    return copy_to_guest(to, text, sizeof(text)) ? -XEN_EFAULT : 1;
}
