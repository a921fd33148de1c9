/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of micro.c: what it is, and how it counts. */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include "time.h"
#include "types.h"

/* One repeat: do n operations, give the ticks they took; 0: it went wrong. */
typedef uint64_t row_fn(unsigned n);

/* Ticks of n times `what`.  The loop's own three instructions are left in. */
#define TIMES(n, what)                                      \
    ({                                                      \
        uint64_t start_ = tsc_read();                       \
        for (unsigned i_ = (n); i_; i_--) {                 \
            what;                                           \
            barrier();                                      \
        }                                                   \
        tsc_read() - start_;                                \
    })

/* The same, where each call must give `want`. */
#define CALLS(n, want, call)                                \
    ({                                                      \
        long bad_ = 0;                                      \
        uint64_t ticks_ = TIMES(n, bad_ |= (call) ^ (want));\
        bad_ ? 0 : ticks_;                                  \
    })

/* With another domain, or another vCPU of this one (others.c). */
row_fn send_domain, pingpong_domain, yield_domains, pingpong_vcpu;

#endif
