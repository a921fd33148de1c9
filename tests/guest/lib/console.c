/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text to the hypervisor's console, and the assertions that print there.  Any vCPU; lines may mix. */
#include <stdarg.h>
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"

static unsigned checks_done, checks_failed;

void console_write(const char *s, size_t n)
{
    hypercall(console_io, CONSOLEIO_write, n, s);
}

struct out { char buf[512]; size_t n; };

static void out_char(struct out *o, char c)
{
    if (o->n < sizeof(o->buf))
        o->buf[o->n++] = c;
}

static void out_number(struct out *o, unsigned long v, unsigned base, int width, char pad)
{
    char digits[24];
    int n = 0;

    do
        digits[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) != 0);
    for (; width > n; width--)
        out_char(o, pad);
    while (n)
        out_char(o, digits[--n]);
}

static void out_signed(struct out *o, long v, int width, char pad)
{
    if (v < 0)
        out_char(o, '-');
    out_number(o, v < 0 ? -(unsigned long)v : (unsigned long)v, 10, width, pad);
}

static void out_string(struct out *o, const char *s)
{
    for (s = s ? s : "(null)"; *s; s++)
        out_char(o, *s);
}

static const char *out_one(struct out *o, const char *f, va_list *ap)
{
    char pad = ' ';
    int width = 0;
    bool wide = false;

    if (*f == '0')
        pad = *f++;
    while (*f >= '0' && *f <= '9')
        width = width * 10 + (*f++ - '0');
    while (*f == 'l')
        wide = true, f++;
    switch (*f) {
    case 'd': out_signed(o, wide ? va_arg(*ap, long) : va_arg(*ap, int), width, pad); break;
    case 'u': out_number(o, wide ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned), 10, width, pad); break;
    case 'x': out_number(o, wide ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned), 16, width, pad); break;
    case 'p': out_number(o, (unsigned long)va_arg(*ap, void *), 16, width, pad); break;
    case 'c': out_char(o, (char)va_arg(*ap, int)); break;
    case 's': out_string(o, va_arg(*ap, const char *)); break;
    default:  out_char(o, *f); break;
    }
    return f + 1;
}

void printf(const char *fmt, ...)
{
    struct out o = { .n = 0 };
    va_list ap;

    va_start(ap, fmt);
    while (*fmt) {
        if (*fmt == '%')
            fmt = out_one(&o, fmt + 1, &ap);
        else
            out_char(&o, *fmt++);
    }
    va_end(ap);
    console_write(o.buf, o.n);
}

bool check_equal(const char *where, const char *a, const char *b, long x, long y)
{
    checks_done++;
    if (x == y)
        return true;
    checks_failed++;
    printf("%s: %s == %s: 0x%lx (%ld) != 0x%lx (%ld)\n", where, a, b,
           (unsigned long)x, x, (unsigned long)y, y);
    return false;
}

bool check_refused(const char *where, const char *a, long x)
{
    checks_done++;
    if (x < 0 && x >= -4095)
        return true;
    checks_failed++;
    printf("%s: %s was not refused: %ld\n", where, a, x);
    return false;
}

bool check_true(const char *where, const char *what, bool ok)
{
    checks_done++;
    if (ok)
        return true;
    checks_failed++;
    printf("%s: not true: %s\n", where, what);
    return false;
}

bool test_on_xen(void)
{
    return strstr((const char *)start_info->cmd_line, "hv=xen") != NULL;
}

static _Noreturn void power_off(void)
{
    struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };

    hypercall(sched_op, SCHEDOP_shutdown, &s);
    for (;;)
        __asm__ volatile("pause");
}

void test_skip(const char *why)
{
    printf("RESULT: SKIP %s\n", why);
    power_off();
}

void test_abort(const char *why)
{
    printf("RESULT: FAIL %u of %u, stopped: %s\n", checks_failed + 1, checks_done, why);
    power_off();
}

void test_expect_reset(void)
{
    if (checks_failed)
        test_end();
    printf("EXPECT: RESET\n");
}

void test_expect_off(void)
{
    if (checks_failed)
        test_end();
    printf("EXPECT: OFF\n");
}

void test_end(void)
{
    if (!checks_done)
        test_abort("no check ran");
    if (checks_failed)
        printf("RESULT: FAIL %u of %u\n", checks_failed, checks_done);
    else
        printf("RESULT: PASS %u checks\n", checks_done);
    power_off();
}
