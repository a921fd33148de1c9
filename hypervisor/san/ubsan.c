/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where code compiled with -fsanitize=undefined comes to when it does what C does not define.  The names and the data are the compilers'
 * (gcc 12, clang 14); each piece of data begins with the place in the source.  Each report is a panic.
 */
#include "core/port.h"

/* What -fstack-protector-strong puts behind arrays on the stack. */
extern const uint64_t __stack_chk_guard;
const uint64_t __stack_chk_guard = 0x00c0ffee0badf00dul;

struct place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t kind, info; /* kind 0: integer, info = log2 of its bits << 1 | signed */
    char name[];         /* in quotes */
};

struct data_types {
    struct place at;
    const struct type *type, *second;
};

struct data_mismatch {
    struct place at;
    const struct type *type;
    uint8_t log_alignment, kind;
};

#define PANIC(p, text, ...) panic("undefined behaviour at %s:%u:%u: " text "\n", (p)->file, (p)->line, (p)->column, ##__VA_ARGS__)

/* As the type wants it; wide ones are passed by address. */
static long value(const struct type *t, uint64_t v)
{
    unsigned bits = t->kind ? 64 : 1u << (t->info >> 1);

    if (bits > 64)
        return *(const long *)v;
    v <<= 64 - bits;
    return t->info & 1 ? (int64_t)v >> (64 - bits) : (long)(v >> (64 - bits));
}

#define HANDLER(name, ...) void __ubsan_handle_##name(__VA_ARGS__); void __ubsan_handle_##name(__VA_ARGS__)

#define ARITHMETIC(op, sign)                                                                            \
    HANDLER(op##_overflow, const struct data_types *d, uint64_t a, uint64_t b)                          \
    {                                                                                                   \
        PANIC(&d->at, "%ld " sign " %ld in type %s", value(d->type, a), value(d->type, b), d->type->name); \
    }

ARITHMETIC(add, "+")
ARITHMETIC(sub, "-")
ARITHMETIC(mul, "*")
ARITHMETIC(divrem, "/")

HANDLER(negate_overflow, const struct data_types *d, uint64_t a)
{
    PANIC(&d->at, "- %ld in type %s", value(d->type, a), d->type->name);
}

HANDLER(shift_out_of_bounds, const struct data_types *d, uint64_t a, uint64_t b)
{
    PANIC(&d->at, "%ld of type %s shifted by %ld", value(d->type, a), d->type->name, value(d->second, b));
}

HANDLER(out_of_bounds, const struct data_types *d, uint64_t index)
{
    PANIC(&d->at, "index %ld of %s", value(d->second, index), d->type->name);
}

HANDLER(load_invalid_value, const struct data_types *d, uint64_t v)
{
    PANIC(&d->at, "%ld is no value of type %s", value(d->type, v), d->type->name);
}

HANDLER(type_mismatch_v1, const struct data_mismatch *d, uint64_t p)
{
    PANIC(&d->at, "%s %#lx as %s, which is aligned to %lu (access kind %u)", p ? "address" : "null pointer", p, d->type->name,
          1ul << d->log_alignment, d->kind);
}

HANDLER(pointer_overflow, const struct place *at, uint64_t base, uint64_t result)
{
    PANIC(at, "pointer %#lx moved to %#lx", base, result);
}

HANDLER(vla_bound_not_positive, const struct data_types *d, uint64_t bound)
{
    PANIC(&d->at, "array of %ld elements", value(d->type, bound));
}

HANDLER(nonnull_arg, const struct place *at)
{
    PANIC(at, "null pointer as argument");
}

HANDLER(nonnull_return_v1, const struct place *unused, const struct place *at)
{
    PANIC(at, "null pointer returned");
}

HANDLER(invalid_builtin, const struct place *at)
{
    PANIC(at, "count of zeroes of 0");
}

HANDLER(builtin_unreachable, const struct place *at)
{
    PANIC(at, "this can't be reached");
}

HANDLER(missing_return, const struct place *at)
{
    PANIC(at, "end of a function without return");
}
