/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is copied to a guest must have been written by us, to the last byte of padding.  Variables without a value hold PATTERN: clang
 * sees to that (-ftrivial-auto-var-init=pattern), and so does, for what compilers leave as they find it, the stack, filled each time work
 * for a guest begins on it.  (The heap and pages come zeroed.)  A long run of the pattern on its way to a guest is a leak; a short one
 * in a structure, which may be chance (a frame number, a time), when the same place has had it each of many times, beside other values.
 * One odd byte is not seen.
 * If the guest has itself brought such bytes in the same call, it may have them back; one that brings many may do so later, too (registers,
 * names): from then on nothing is looked at any more, which the log says.
 */
#include "check/leak.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/layout.h"
#include "x86/percpu.h"

#define PATTERN    0xaa
#define STACK_FILL 4096
#define RUN_SURE   4
#define RUN_SHORT  2
#define RUN_MEANT  8 /* by a guest: no chance */
#define TIMES      8

static DEFINE_PERCPU(bool, brought);
static bool spoilt; /* [atomic] guests use the pattern themselves */

/* Short runs, by who copies: where in what he copies, in which word, and how many times without a break; a collision begins anew. */
static struct {
    uint64_t who, at, word;
    unsigned times;
} seen[1024]; /* unguarded: at worst a report is late */

void leak_begin(void)
{
    uint64_t sp, n = STACK_FILL;

    __asm__ volatile("lea -256-%c3(%%rsp), %0\n rep stosb" : "=&D"(sp), "+c"(n) : "a"(PATTERN), "i"(STACK_FILL) : "memory");
    this_cpu(brought) = false;
}

/* The longest run of the pattern. */
static size_t longest_run(const uint8_t *p, size_t n, size_t *at)
{
    size_t longest = 0, run = 0;

    for (size_t i = 0; i < n; i++) {
        run = p[i] == PATTERN ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            *at = i + 1 - run;
        }
    }
    return longest;
}

/* word: what is around it.  The same again and again is one value, of which the run may be a part. */
static bool seen_often(uint64_t who, uint64_t at, uint64_t word, bool now)
{
    unsigned i = (unsigned)(who * 0x9e3779b97f4a7c15ul >> 54);

    if (seen[i].who != who || seen[i].at != at || !now)
        seen[i].times = 0;
    else if (seen[i].word == word)
        return false;
    seen[i].who = who;
    seen[i].at = at;
    seen[i].word = word;
    return now && ++seen[i].times >= TIMES;
}

static bool is_ours(const void *p)
{
    return (uint64_t)p >= HV_START && (uint64_t)p < HV_END;
}

void leak_look(const void *dst, const void *src, size_t n)
{
    const uint64_t *frame = __builtin_frame_address(0);
    uint64_t who = ((const uint64_t *)((const uint64_t *)*frame)[0])[1]; /* who called copy_to_guest() */
    uint64_t word = 0;
    size_t at = 0, run;

    leak_range(is_ours(dst) ? dst : src, n, is_ours(dst));
    if (is_ours(dst) || this_cpu(brought) || READ_ONCE(spoilt))
        return;
    run = longest_run(src, n, &at);
    memcpy(&word, (const char *)src + (at & ~7ul), MIN(n - (at & ~7ul), sizeof(word)));
    if (run >= RUN_SURE || (n > sizeof(uint64_t) && seen_often(who, at, word, run >= RUN_SHORT)))
        panic("leak: %lu bytes without a value, %lu bytes into %lu for a guest\n", run, at, n);
}

void leak_brought(const void *dst, size_t n)
{
    size_t at, run = longest_run(dst, n, &at);

    if (run >= RUN_SHORT)
        this_cpu(brought) = true;
    if (run >= RUN_MEANT && !__atomic_exchange_n(&spoilt, true, __ATOMIC_SEQ_CST))
        log_warn("leak: a guest brings the pattern itself; leaks are not looked for any more\n");
}
