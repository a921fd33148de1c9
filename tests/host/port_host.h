/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of core/port.h: the knobs by which a test sets up the world
 * that pure code sees.  host_reset() brings all of it back to the start; call
 * it in each test's setup.  Not for threads.
 */
#ifndef PORT_HOST_H
#define PORT_HOST_H

#include <setjmp.h>
#include "core/port.h"

/* No machine memory, no failures, no preemption, empty log, panic aborts. */
void host_reset(void);

/*
 * A machine whose memory is the n frames from first on, all zero.  Mapping any
 * other frame is a panic.  Frames that are not mapped are poisoned for ASan.
 */
void host_frames_init(mfn_t first, unsigned long n);
/* The test's own view of a frame: always readable and writable, never poisoned. */
void *host_frame(mfn_t m);
/* Called at each frame_map(), before anybody has looked at the frame; NULL: no more. */
void host_on_frame_map(void (*hook)(mfn_t m));
/* How many frame_map() have no frame_unmap() yet. */
unsigned int host_frames_mapped(void);

/* The nth mem_alloc() from now on fails (1: the next); 0: none.  Once. */
void host_mem_fail_at(unsigned long nth);
/* All mem_alloc() fail from the nth on (1: the next); 0: none. */
void host_mem_fail_from(unsigned long nth);
/* Allocations that have not been freed; a test ends with 0. */
unsigned long host_mem_live(void);

/* preempt_needed() says true at every nth call (1: always); 0: never. */
void host_preempt_every(unsigned long n);
unsigned long host_preempt_calls(void);

/* Under the thread sanitizer: a thread gives way at every nth READ_ONCE(); 0: never.  Not where that is done under a lock that spins. */
void host_rest_every(unsigned n);

/* Lines logged at this level since host_reset(), and the last line of any level ("" if none). */
unsigned long host_log_count(enum log_level level);
const char *host_log_last(void);

/*
 * Run stmt; true if it panicked.  The message is host_panic_message().
 * Memory that stmt had taken is lost: use it on small things.
 */
#define host_panics(stmt) ({                            \
    jmp_buf host_jmp_;                                  \
    volatile bool panicked_ = true;                     \
    if (!setjmp(*host_panic_catch(&host_jmp_)))       \
    {                                                   \
        stmt;                                           \
        panicked_ = false;                              \
    }                                                   \
    host_panic_catch(NULL);                             \
    panicked_;                                          \
})
jmp_buf *host_panic_catch(jmp_buf *where);
const char *host_panic_message(void);

#endif
