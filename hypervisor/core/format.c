/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printf-style formatting (see format.h).  One struct holds where the text goes,
 * one the conversion at hand; every byte passes through out_char(), which is the
 * only place that knows of the buffer's end.
 */
#include <stdbool.h>
#include <stdint.h>
#include "core/format.h"
#include "core/string.h"

#define WIDTH_MAX 4096 /* wider is a bug in the caller, or in what it printed */

struct out {
    char *buf;
    size_t room; /* bytes of buf that may hold text: one less than its size */
    size_t len;  /* of the whole text */
};

struct conv {
    bool left, zero, alt, plus, space, has_prec;
    int width, prec;
    int longs; /* -2 hh, -1 h, 0, 1 l, 2 ll */
};

static void out_char(struct out *o, char c)
{
    if (o->len < o->room)
        o->buf[o->len] = c;
    o->len++;
}

static void out_repeat(struct out *o, char c, int n)
{
    while (n-- > 0)
        out_char(o, c);
}

static void out_bytes(struct out *o, const char *s, int n)
{
    for (int i = 0; i < n; i++)
        out_char(o, s[i]);
}

static int number_read(const char **p)
{
    int n = 0;

    for (; **p >= '0' && **p <= '9'; ++*p)
        if (n < WIDTH_MAX)
            n = n * 10 + (**p - '0');
    return n < WIDTH_MAX ? n : WIDTH_MAX;
}

static void flags_read(struct conv *c, const char **p)
{
    for (;; ++*p)
        switch (**p) {
        case '-': c->left = true; break;
        case '0': c->zero = true; break;
        case '#': c->alt = true; break;
        case '+': c->plus = true; break;
        case ' ': c->space = true; break;
        default: return;
        }
}

static int star_or_number(const char **p, va_list *ap)
{
    int n;

    if (**p != '*')
        return number_read(p);
    ++*p;
    n = va_arg(*ap, int);
    return n < -WIDTH_MAX ? -WIDTH_MAX : n > WIDTH_MAX ? WIDTH_MAX : n;
}

static void width_read(struct conv *c, const char **p, va_list *ap)
{
    c->width = star_or_number(p, ap);
    if (c->width < 0) {
        c->left = true;
        c->width = -c->width;
    }
    if (**p != '.')
        return;
    ++*p;
    c->prec = star_or_number(p, ap);
    c->has_prec = c->prec >= 0;
}

static void length_read(struct conv *c, const char **p)
{
    for (;; ++*p)
        switch (**p) {
        case 'h': c->longs = c->longs == -1 ? -2 : -1; break;
        case 'l': c->longs = c->longs == 1 ? 2 : 1; break;
        case 'z':
        case 't':
        case 'j': c->longs = 1; break;
        default: return;
        }
}

static uint64_t signed_read(const struct conv *c, va_list *ap, bool *negative)
{
    int64_t v = c->longs > 0 ? va_arg(*ap, long) : va_arg(*ap, int);

    if (c->longs == -1)
        v = (short)v;
    if (c->longs == -2)
        v = (signed char)v;
    *negative = v < 0;
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static uint64_t unsigned_read(const struct conv *c, va_list *ap)
{
    uint64_t v = c->longs > 0 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);

    if (c->longs == -1)
        return (unsigned short)v;
    if (c->longs == -2)
        return (unsigned char)v;
    return v;
}

/* Digits of v, last first, into d; how many. */
static int digits_make(char *d, uint64_t v, unsigned int base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    int n = 0;

    for (; v; v /= base)
        d[n++] = set[v % base];
    return n;
}

static void out_number(struct out *o, const struct conv *c, const char *prefix,
                       uint64_t v, unsigned int base, bool upper)
{
    char d[24];
    int n = digits_make(d, v, base, upper), plen = (int)strlen(prefix), pad, zeros;
    int want = c->has_prec ? c->prec : 1;

    zeros = want > n ? want - n : 0;
    if (base == 8 && c->alt && !zeros && (n == 0 || d[n - 1] != '0'))
        zeros = 1;
    pad = c->width - plen - n - zeros;
    if (c->zero && !c->left && !c->has_prec && pad > 0) {
        zeros += pad;
        pad = 0;
    }
    if (!c->left)
        out_repeat(o, ' ', pad);
    out_bytes(o, prefix, plen);
    out_repeat(o, '0', zeros);
    while (n)
        out_char(o, d[--n]);
    if (c->left)
        out_repeat(o, ' ', pad);
}

static void out_signed(struct out *o, const struct conv *c, va_list *ap)
{
    bool negative;
    uint64_t v = signed_read(c, ap, &negative);
    const char *sign = negative ? "-" : c->plus ? "+" : c->space ? " " : "";

    out_number(o, c, sign, v, 10, false);
}

static void out_unsigned(struct out *o, const struct conv *c, char kind, va_list *ap)
{
    uint64_t v = unsigned_read(c, ap);
    bool upper = kind == 'X';

    if (kind == 'u')
        out_number(o, c, "", v, 10, false);
    else if (kind == 'o')
        out_number(o, c, "", v, 8, false);
    else
        out_number(o, c, c->alt && v ? (upper ? "0X" : "0x") : "", v, 16, upper);
}

static void out_string(struct out *o, const struct conv *c, const char *s)
{
    size_t n;
    int len;

    if (!s)
        s = "(null)";
    n = c->has_prec ? strnlen(s, (size_t)c->prec) : strlen(s);
    len = n > INT32_MAX ? INT32_MAX : (int)n;
    if (!c->left)
        out_repeat(o, ' ', c->width - len);
    out_bytes(o, s, len);
    if (c->left)
        out_repeat(o, ' ', c->width - len);
}

static void out_letter(struct out *o, struct conv *c, char letter)
{
    if (!c->left)
        out_repeat(o, ' ', c->width - 1);
    out_char(o, letter);
    if (c->left)
        out_repeat(o, ' ', c->width - 1);
}

/* One conversion, *p just behind its '%'.  False if it is not one of ours. */
static bool out_conv(struct out *o, const char **p, va_list *ap)
{
    struct conv c = { 0 };

    flags_read(&c, p);
    width_read(&c, p, ap);
    length_read(&c, p);
    switch (**p) {
    case 'd':
    case 'i': out_signed(o, &c, ap); break;
    case 'u':
    case 'o':
    case 'x':
    case 'X': out_unsigned(o, &c, **p, ap); break;
    case 'p': out_number(o, &c, "0x", (uintptr_t)va_arg(*ap, void *), 16, false); break;
    case 's': out_string(o, &c, va_arg(*ap, const char *)); break;
    case 'c': out_letter(o, &c, (char)va_arg(*ap, int)); break;
    case '%': out_char(o, '%'); break;
    default: return false;
    }
    ++*p;
    return true;
}

int format_print(char *buf, size_t n, const char *fmt, va_list ap)
{
    struct out o = { .buf = buf, .room = n ? n - 1 : 0 };
    va_list args;

    va_copy(args, ap);
    while (*fmt) {
        const char *start = fmt;

        if (*fmt++ != '%')
            out_char(&o, *start);
        else if (!out_conv(&o, &fmt, &args)) {
            for (fmt = start; *fmt; fmt++)
                out_char(&o, *fmt);
        }
    }
    va_end(args);
    if (n)
        buf[o.len < o.room ? o.len : o.room] = '\0';
    return o.len > INT32_MAX ? INT32_MAX : (int)o.len;
}

int format_text(char *buf, size_t n, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = format_print(buf, n, fmt, ap);
    va_end(ap);
    return len;
}
