/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C library's memory and string functions (C17 7.24) for a freestanding
 * program.  The bulk ones use the processor's string instructions, eight bytes a step:
 * microcode moves whole cache lines anyway, an emulator and the smallest copies gain,
 * and they need no vector registers.
 * No state.  The build must keep the compiler from turning these very loops into
 * calls of themselves (-fno-builtin, -fno-tree-loop-distribute-patterns).
 */
#include <stdint.h>
#include "core/string.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    void *d = dst;
    size_t words = n / 8, rest = n % 8;

    __asm__ volatile("rep movsq" : "+D" (d), "+S" (src), "+c" (words) : : "memory");
    if (rest)
        __asm__ volatile("rep movsb" : "+D" (d), "+S" (src), "+c" (rest) : : "memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    /* dst starts inside src: the last ones first, each eight read before they are written. */
    for (uint64_t v; n >= sizeof(v); n -= sizeof(v)) {
        __builtin_memcpy(&v, s + n - sizeof(v), sizeof(v));
        __builtin_memcpy(d + n - sizeof(v), &v, sizeof(v));
    }
    while (n--)
        d[n] = s[n];
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    void *d = dst;
    size_t words = n / 8, rest = n % 8;
    uint64_t v = (unsigned char)c * 0x0101010101010101ul;

    __asm__ volatile("rep stosq" : "+D" (d), "+c" (words) : "a" (v) : "memory");
    if (rest)
        __asm__ volatile("rep stosb" : "+D" (d), "+c" (rest) : "a" (v) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;

    for (size_t i = 0; i < n; i++)
        if (p[i] == (unsigned char)c)
            return (void *)(uintptr_t)(p + i);
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];

        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}

char *strstr(const char *s, const char *what)
{
    size_t n = strlen(what);

    do
        if (!strncmp(s, what, n))
            return (char *)(uintptr_t)s;
    while (*s++);
    return NULL;
}
