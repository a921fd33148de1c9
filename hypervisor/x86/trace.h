/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting records into the trace buffer of this CPU.  TRACE(TRC_SCHED_WAKE, domain, vcpu) costs, while nobody wants events of
 * that class, one test of a word that doesn't change.  Any context.  Buffers and masks are kern/trace.c's.
 */
#pragma once

#include "core/types.h"
#include <xen/trace.h>

#define TRC_CLASSES 0x0fff0000u /* of an event, or of a mask: the classes */

/* The mask of events that are wanted, while tracing is on; else 0. [atomic; written by kern/trace.c] */
extern uint32_t trace_events;

/* A record of n words, if the event is wanted. */
void trace_put(uint32_t event, uint32_t n, const uint32_t *word) __attribute__((cold));

#define TRACE_WANTED(event) unlikely(READ_ONCE(trace_events) & (event) & TRC_CLASSES)

#define TRACE(event, ...)                                                                        \
    do {                                                                                         \
        if (TRACE_WANTED(event)) {                                                               \
            const uint32_t trace_word[] = { __VA_ARGS__ };                                       \
            trace_put((event), (uint32_t)(sizeof(trace_word) / sizeof(uint32_t)), trace_word);   \
        }                                                                                        \
    } while (0)
/* A 64-bit number in a record: two words. */
#define TRACE_64(x) (uint32_t)(x), (uint32_t)((uint64_t)(x) >> 32)
