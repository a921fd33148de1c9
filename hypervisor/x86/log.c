/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: a ring in memory and the console's lines; and panic().
 *
 * The console lock is not one of x86/lock.h: it must work from NMIs, in the middle of itself, and
 * when a CPU has died with it.  A CPU that holds it already, or has waited for very long, goes on without:
 * text may then mix, but every index is masked, so no memory is hurt.
 * All state here is guarded by it.
 */
#include <stdarg.h>
#include "x86/log.h"
#include "core/cmdline.h"
#include "core/format.h"
#include "core/string.h"
#include "x86/alloc.h"
#include "x86/backtrace.h"
#include "x86/cpu.h"
#include "x86/machine.h"
#include "x86/percpu.h"
#include "x86/serial.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/traps.h"
#include "x86/vga.h"

#define RING_DEFAULT 16384u
#define LINE_MAX     512
#define LOCK_SPINS   20000000u /* a second or so */
#define LOCK_NESTED  (1ul << 63)

static struct {
    char *buf;
    uint32_t size;    /* a power of two */
    uint32_t head;    /* bytes ever written */
    uint32_t start;   /* the first that is kept */
} ring;
static char ring_first[RING_DEFAULT];

static uint32_t lock_owner; /* CPU + 1; 0: free [atomic] */
static unsigned lines_wanted = 1u << SERIAL_COM1, lines_on;
static bool vga_wanted, vga_keep;
static bool is_async, is_panicking, line_open;
static uint8_t at_line_start = true;
static uint32_t lost;

static int opt_level = LOG_INFO;       /* highest that is printed; -1: none */
static int opt_guest_level = LOG_WARN;
static uint64_t opt_ring_size;
static bool opt_sync, opt_noreboot, opt_to_ring;
static enum { STAMP_NONE, STAMP_BOOT, STAMP_RAW } opt_stamp;

uint64_t console_lock(void)
{
    uint64_t flags = irq_save();
    uint32_t me = cpu_id() + 1, owner;

    if (READ_ONCE(lock_owner) == me)
        return flags | LOCK_NESTED;
    for (unsigned i = 0; i < LOCK_SPINS; i++) {
        owner = 0;
        if (__atomic_compare_exchange_n(&lock_owner, &owner, me, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return flags;
        cpu_relax();
    }
    __atomic_store_n(&lock_owner, me, __ATOMIC_SEQ_CST);
    return flags;
}

void console_unlock(uint64_t flags)
{
    uint32_t me = cpu_id() + 1;

    if (!(flags & LOCK_NESTED))
        __atomic_compare_exchange_n(&lock_owner, &me, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    irq_restore(flags & ~LOCK_NESTED);
}

/* ---- the ring ---- */

static void ring_put(const char *s, size_t n)
{
    if (!ring.buf) {
        ring.buf = ring_first;
        ring.size = RING_DEFAULT;
    }
    for (size_t i = 0; i < n; i++)
        ring.buf[ring.head++ & (ring.size - 1)] = s[i];
    if (ring.head - ring.start > ring.size)
        ring.start = ring.head - ring.size;
}

static size_t ring_get(uint32_t *pos, char *buf, size_t n)
{
    size_t i = 0;

    if (ring.head - *pos > ring.head - ring.start)
        *pos = ring.start;
    while (i < n && *pos != ring.head)
        buf[i++] = ring.buf[(*pos)++ & (ring.size - 1)];
    return i;
}

uint32_t console_ring_start(void)
{
    return READ_ONCE(ring.start);
}

size_t console_ring_read(uint32_t *pos, char *buf, size_t n)
{
    uint64_t flags = console_lock();

    n = ring_get(pos, buf, n);
    console_unlock(flags);
    return n;
}

void console_ring_clear(uint32_t pos)
{
    uint64_t flags = console_lock();

    if (pos - ring.start <= ring.head - ring.start)
        ring.start = pos;
    console_unlock(flags);
}

void log_grow(void)
{
    uint32_t size = RING_DEFAULT, pos = ring.start;
    uint64_t flags;
    char *buf;

    while (size < opt_ring_size)
        size *= 2;
    if (size == RING_DEFAULT)
        return;
    buf = pages_alloc(pages_order(size));
    if (!buf) {
        log_warn("no memory for conring_size=\n");
        return;
    }
    flags = console_lock();
    for (char c; ring_get(&pos, &c, 1);)
        buf[(pos - 1) & (size - 1)] = c;
    ring.buf = buf;
    ring.size = size;
    console_unlock(flags);
}

/* ---- the lines ---- */

static bool must_wait(void)
{
    return opt_sync || !is_async || is_panicking;
}

unsigned console_lines(void)
{
    return lines_on;
}

void console_flush(void)
{
    for (unsigned com = 0; com < SERIAL_PORTS; com++)
        if (lines_on >> com & 1)
            serial_write_sync(com, NULL, 0);
}

/* All of s to each line; what a full line does not take is lost. */
static void lines_put(const char *s, size_t n)
{
    for (unsigned com = 0; com < SERIAL_PORTS; com++) {
        if (!(lines_on >> com & 1))
            continue;
        if (must_wait())
            serial_write_sync(com, s, n);
        else
            lost += (uint32_t)(n - serial_write(com, s, n));
    }
    vga_write(s, n);
}

static void lines_note_loss(void)
{
    char note[48];

    for (unsigned com = 0; com < SERIAL_PORTS; com++)
        if ((lines_on >> com & 1) && serial_room(com) < 1024)
            return;
    format_text(note, sizeof(note), "\n(HOS) %u bytes of output lost\n", lost);
    lost = 0;
    lines_put(note, strlen(note));
}

bool console_idle(void)
{
    uint64_t flags = console_lock();
    bool idle = true;

    for (unsigned com = 0; com < SERIAL_PORTS; com++)
        idle &= !(lines_on >> com & 1) || serial_idle(com);
    console_unlock(flags);
    return idle;
}

/* For long output that nobody hurries for: until all lines have room for some of it, or for a second. */
static void lines_wait(void)
{
    bool full = true;

    for (unsigned i = 0; full && i < 1000 && !must_wait(); i++) {
        uint64_t flags = console_lock();

        full = false;
        for (unsigned com = 0; com < SERIAL_PORTS; com++)
            if (lines_on >> com & 1) {
                serial_write(com, NULL, 0);
                full |= serial_room(com) < 2 * LINE_MAX;
            }
        console_unlock(flags);
        if (full)
            delay_us(1000);
    }
}

/* The least that all lines have room for goes to all of them, so that they show the same. */
size_t console_put(const char *s, size_t n)
{
    uint64_t flags = console_lock();

    for (unsigned com = 0; com < SERIAL_PORTS && !must_wait(); com++)
        if (lines_on >> com & 1)
            n = MIN(n, serial_room(com) / 2);
    lines_put(s, n);
    if (opt_to_ring)
        ring_put(s, n);
    if (n)
        line_open = s[n - 1] != '\n';
    console_unlock(flags);
    return n;
}

static void text_put(const char *s, size_t n)
{
    ring_put(s, n);
    lines_put(s, n);
}

static unsigned stamp_text(char *buf, size_t n)
{
    uint64_t us;

    switch (opt_stamp) {
    case STAMP_BOOT:
        us = time_now() / 1000;
        return (unsigned)format_text(buf, n, "[%5lu.%06lu] ", us / 1000000, us % 1000000);
    case STAMP_RAW:
        return (unsigned)format_text(buf, n, "[%016lx] ", rdtsc());
    case STAMP_NONE:
        break;
    }
    return 0;
}

static void prefix_put(void)
{
    char stamp[32];

    if (line_open)
        lines_put("\n", 1);
    line_open = false;
    text_put("(HOS) ", 6);
    text_put(stamp, stamp_text(stamp, sizeof(stamp)));
}

/* Lines of the hypervisor's own, each with the prefix. */
static void log_text(const char *s)
{
    uint64_t flags = console_lock();

    if (lost)
        lines_note_loss();
    while (*s) {
        const char *end = strchr(s, '\n');
        size_t n = end ? (size_t)(end + 1 - s) : strlen(s);

        if (at_line_start)
            prefix_put();
        text_put(s, n);
        at_line_start = end != NULL;
        s += n;
    }
    console_unlock(flags);
}

static void __attribute__((format(printf, 1, 0))) log_format(const char *fmt, va_list ap)
{
    char line[LINE_MAX];

    if (format_print(line, sizeof(line), fmt, ap) >= LINE_MAX)
        memcpy(line + LINE_MAX - 5, "...\n", 5);
    log_text(line);
}

void log_print(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if ((int)level > opt_level)
        return;
    va_start(ap, fmt);
    log_format(fmt, ap);
    va_end(ap);
}

void log_always(const char *fmt, ...)
{
    va_list ap;

    lines_wait();
    va_start(ap, fmt);
    log_format(fmt, ap);
    va_end(ap);
}

/* May a guest's line go out?  Ten in five seconds. */
static bool guest_budget(void)
{
    static uint64_t since;
    static unsigned used, missed;
    uint64_t flags = console_lock(), now = time_now();
    unsigned tell = 0;
    bool ok;

    if (now - since > 5000000000ul) {
        since = now;
        tell = missed;
        used = missed = 0;
    }
    ok = used < 10;
    used += ok;
    missed += !ok;
    console_unlock(flags);
    if (tell)
        log_always("(%u lines about guests left out)\n", tell);
    return ok;
}

bool log_guest(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if ((int)level > opt_guest_level || !guest_budget())
        return false;
    va_start(ap, fmt);
    log_format(fmt, ap);
    va_end(ap);
    return true;
}

/* ---- start ---- */

/* What is in the log already to a line that has just started; com SERIAL_PORTS is the screen. */
static void line_replay(unsigned com)
{
    uint32_t pos = ring.start;
    char buf[64];
    size_t n;

    while ((n = ring_get(&pos, buf, sizeof(buf))))
        if (com < SERIAL_PORTS)
            serial_write_sync(com, buf, n);
        else
            vga_write(buf, n);
}

void log_start_screen(void)
{
    uint64_t flags;

    if (!vga_wanted || !vga_start())
        return;
    flags = console_lock();
    line_replay(SERIAL_PORTS);
    console_unlock(flags);
}

void log_leave_screen(void)
{
    uint64_t flags = console_lock();

    if (!vga_keep)
        vga_stop();
    console_unlock(flags);
}

void log_start(void)
{
    uint64_t flags = console_lock();

    for (unsigned com = 0; com < SERIAL_PORTS; com++)
        if ((lines_wanted >> com & 1) && !serial_started(com) && serial_start(com)) {
            line_replay(com);
            lines_on |= 1u << com;
        }
    console_unlock(flags);
}

void log_async(void)
{
    is_async = true;
}

/* ---- options ---- */

static bool word_is(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && !strncmp(s, word, n);
}

static const char *const level_names[] = { "none", "error", "warning", "info", "debug", "all" };

/* "warning" or "warning/all": the part behind the slash is for Xen's rate limits and changes nothing here. */
static bool level_value(const char *v, int *out)
{
    const char *slash = strchr(v, '/');
    size_t n = slash ? (size_t)(slash - v) : strlen(v);

    for (unsigned i = 0; i < ARRAY_SIZE(level_names); i++)
        if (word_is(v, n, level_names[i])) {
            *out = (int)i - 1;
            return true;
        }
    return false;
}

static bool lines_value(const char *v)
{
    unsigned want = 0;
    bool vga = false;

    while (*v) {
        const char *comma = strchr(v, ',');
        size_t n = comma ? (size_t)(comma - v) : strlen(v);

        if (word_is(v, n, "com1"))
            want |= 1u << SERIAL_COM1;
        else if (word_is(v, n, "com2"))
            want |= 1u << SERIAL_COM2;
        else if (word_is(v, n, "vga"))
            vga = true;
        else if (!word_is(v, n, "none"))
            return false;
        v += comma ? n + 1 : n;
    }
    lines_wanted = want;
    vga_wanted = vga;
    return true;
}

static bool size_value(const char *v, uint64_t *out)
{
    uint64_t size;

    if (!cmdline_size(&v, &size) || *v || size > 64u << 20)
        return false;
    *out = size;
    return true;
}

static bool stamp_value(const char *v)
{
    if (!strcmp(v, "none") || !strcmp(v, "0") || !strcmp(v, "off"))
        opt_stamp = STAMP_NONE;
    else if (!strcmp(v, "raw"))
        opt_stamp = STAMP_RAW;
    else if (!strcmp(v, "boot") || !strcmp(v, "date") || !strcmp(v, "datems") || !*v)
        opt_stamp = STAMP_BOOT; /* dates are not kept here: time since boot instead */
    else
        return false;
    return true;
}

bool log_option(const char *name, const char *value)
{
    if (!strcmp(name, "console"))
        return lines_value(value);
    if (!strcmp(name, "vga") && (!strcmp(value, "keep") || !strncmp(value, "text-80x25", 10))) {
        vga_keep = strstr(value, "keep") != NULL;
        return true;
    }
    if (!strcmp(name, "com1"))
        return !serial_spec(SERIAL_COM1, value);
    if (!strcmp(name, "com2"))
        return !serial_spec(SERIAL_COM2, value);
    if (!strcmp(name, "loglvl"))
        return level_value(value, &opt_level);
    if (!strcmp(name, "guest_loglvl"))
        return level_value(value, &opt_guest_level);
    if (!strcmp(name, "conring_size"))
        return size_value(value, &opt_ring_size);
    if (!strcmp(name, "console_timestamps"))
        return stamp_value(value);
    if (!strcmp(name, "sync_console"))
        return cmdline_bool(value, &opt_sync);
    if (!strcmp(name, "console_to_ring"))
        return cmdline_bool(value, &opt_to_ring);
    if (!strcmp(name, "noreboot"))
        return cmdline_bool(value, &opt_noreboot);
    return false;
}

const char *log_option_value(const char *name)
{
    if (!strcmp(name, "loglvl"))
        return level_names[opt_level + 1];
    if (!strcmp(name, "guest_loglvl"))
        return level_names[opt_guest_level + 1];
    if (!strcmp(name, "console_timestamps"))
        return opt_stamp == STAMP_NONE ? "none" : opt_stamp == STAMP_BOOT ? "boot" : "raw";
    return NULL;
}

/* ---- panic ---- */

/* The first CPU here goes on; the others wait to be stopped.  A panic of the panic just restarts. */
static void panic_enter(void)
{
    static uint32_t panicking; /* CPU + 1 */
    uint32_t me = cpu_id() + 1, first = 0;

    irq_disable();
    if (!__atomic_compare_exchange_n(&panicking, &first, me, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        if (first == me)
            machine_restart();
        cpu_stop();
    }
    is_panicking = true;
    opt_level = LOG_DEBUG;
}

static _Noreturn void panic_leave(void)
{
    smp_stop_others();
    if (opt_noreboot) {
        log_always("The machine stands still (noreboot).\n");
        cpu_stop();
    }
    log_always("Restart in five seconds\n");
    for (unsigned ms = 0; ms < 5000; ms++)
        delay_us(1000);
    machine_restart();
}

void panic(const char *fmt, ...)
{
    va_list ap;

    panic_enter();
    log_always("****************************************\n");
    log_always("Panic on CPU %u:\n", cpu_id());
    va_start(ap, fmt);
    log_format(fmt, ap);
    va_end(ap);
    if (!at_line_start)
        log_always("\n");
    backtrace_print(0, 0);
    log_always("****************************************\n");
    panic_leave();
}
