/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console input, and the console_io hypercall.
 *
 * Input goes to dom0 (a ring that it reads by CONSOLEIO_read, told by VIRQ_CONSOLE) or to the debug keys; the
 * switch key three times changes that.
 * Locks: the console lock (x86/log.h) guards the ring and the switch.
 */
#include "kern/console.h"
#include "core/format.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/keys.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/log.h"
#include "x86/serial.h"
#include "x86/time.h"
#include "x86/timer.h"

#define INPUT_SIZE 1024u        /* a power of two */
#define POLL_NS    20000000ul   /* lines without interrupts */
#define STUCK_NS   500000000ul  /* dom0's output to a line that takes nothing for that long is dropped */

static char input[INPUT_SIZE];
static uint32_t in_head, in_tail;
static bool to_dom0;
static unsigned switch_count;
static char switch_key = 1; /* Ctrl-A */
static bool opt_stay;
static uint64_t last_progress; /* when a line last took output of dom0's */
static struct timer poll_timer;

/* ---- input ---- */

static void input_switch(bool dom0_gets_it)
{
    to_dom0 = dom0_gets_it;
    log_always("*** Input goes to %s (Ctrl-%c three times switches)\n", to_dom0 ? "dom0" : "the hypervisor: 'h' for help",
               switch_key ? switch_key + 'a' - 1 : '-');
}

static void input_put(char c)
{
    uint64_t flags = console_lock();

    if (in_head - in_tail < INPUT_SIZE)
        input[in_head++ % INPUT_SIZE] = c;
    console_unlock(flags);
}

static void input_pass(char c)
{
    if (to_dom0)
        input_put(c);
    else
        key_press(c);
}

static void input_char(char c)
{
    if (switch_key && c == switch_key) {
        if (++switch_count == 3) {
            switch_count = 0;
            input_switch(!to_dom0);
        }
        return;
    }
    /* It was no switch after all. */
    for (; switch_count; switch_count--)
        input_pass(switch_key);
    input_pass(c);
}

static void line_service(void *data)
{
    unsigned com = (unsigned)(uintptr_t)data, n;
    char buf[32];

    do {
        uint64_t flags = console_lock();

        n = serial_service(com, buf, sizeof(buf));
        console_unlock(flags);
        for (unsigned i = 0; i < n; i++)
            input_char(buf[i]);
    } while (n == sizeof(buf));
    if (to_dom0 && READ_ONCE(in_head) != READ_ONCE(in_tail))
        virq_raise_global(VIRQ_CONSOLE);
}

static uintptr_t polled_lines;

static void poll_lines(void *data)
{
    for (uintptr_t com = 0; com < SERIAL_PORTS; com++)
        if (polled_lines >> com & 1)
            line_service((void *)com);
    timer_set(&poll_timer, time_now() + POLL_NS);
}

void console_init(void)
{
    for (uintptr_t com = 0; com < SERIAL_PORTS; com++) {
        if (!(console_lines() >> com & 1) || !serial_irq_start((unsigned)com, line_service, (void *)com))
            continue;
        log_warn("com%u has no interrupt: polled\n", (unsigned)com + 1);
        polled_lines |= 1ul << com;
    }
    if (polled_lines) {
        timer_init(&poll_timer, poll_lines, NULL, cpu_id());
        timer_set(&poll_timer, time_now() + POLL_NS);
    }
    log_start_screen();
    log_async();
}

void console_to_dom0(void)
{
    log_leave_screen();
    if (!opt_stay)
        input_switch(true);
}

bool console_option(const char *name, const char *value)
{
    if (strcmp(name, "conswitch"))
        return false;
    if (!*value || (value[1] && strcmp(value + 1, "x")))
        return false;
    opt_stay = value[1];
    /* Ctrl-letter; anything else switches the switch off, as on Xen */
    switch_key = (value[0] | 0x20) >= 'a' && (value[0] | 0x20) <= 'z' ? (char)(value[0] & 0x1f) : 0;
    return true;
}

/* ---- console_io ---- */

/* How much of buf is dealt with; 0: try again. */
static size_t dom0_put(const char *buf, size_t n)
{
    size_t took = console_put(buf, n);
    uint64_t now = time_now();

    if (took || now - last_progress > STUCK_NS) {
        took = took ? took : n;
        last_progress = now;
    } else {
        cpu_relax();
    }
    return took;
}

static long io_write(struct hcall *c)
{
    char buf[128];

    COUNT(console_write);
    if (console_idle())
        last_progress = time_now();
    while (c->arg[1]) {
        size_t n = MIN(c->arg[1], sizeof(buf));

        if (copy_from_guest(buf, c->arg[2], n))
            return -XEN_EFAULT;
        n = dom0_put(buf, n);
        c->arg[1] -= n;
        c->arg[2] += n;
        if (c->arg[1] && preempt_needed())
            return hcall_again(c);
    }
    return 0;
}

static size_t input_get(char *buf, size_t n)
{
    uint64_t flags = console_lock();
    size_t i = 0;

    while (i < n && in_tail != in_head)
        buf[i++] = input[in_tail++ % INPUT_SIZE];
    console_unlock(flags);
    return i;
}

static long io_read(struct hcall *c)
{
    char buf[128];
    uint64_t done = 0;
    size_t n;

    if (c->arg[1] > INT32_MAX)
        return -XEN_E2BIG;
    /* Bounded by the ring: what comes in meanwhile waits for the next call. */
    for (unsigned i = 0; i < INPUT_SIZE / sizeof(buf) && done < c->arg[1]; i++) {
        n = input_get(buf, MIN(c->arg[1] - done, sizeof(buf)));
        if (!n)
            break;
        if (copy_to_guest(c->arg[2] + done, buf, n))
            return -XEN_EFAULT;
        done += n;
    }
    return (long)done;
}

long do_console_io(struct hcall *c)
{
    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    c->arg[1] = (uint32_t)c->arg[1];
    switch ((uint32_t)c->arg[0]) {
    case CONSOLEIO_write:
        return io_write(c);
    case CONSOLEIO_read:
        return io_read(c);
    default:
        return -XEN_ENOSYS;
    }
}
