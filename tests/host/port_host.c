/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/port.h for the host tests: a fake machine whose memory, allocation
 * failures and preemption are set by the test (see port_host.h).
 *
 * The fake memory is mapped twice: once for the code under test, where a frame
 * is poisoned unless it is mapped right now, and once for the test itself.
 * HOST_LOG=1 in the environment shows the log on stderr.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sanitizer/asan_interface.h>
#include "port_host.h"

#define FRAME_MAPS_MAX 8

static struct {
    mfn_t first;
    unsigned long nr;
    unsigned char *code_view, *test_view;
    unsigned short *uses;
    unsigned int mapped;
    void (*on_map)(mfn_t m);
} frames;
static unsigned long mem_fail_at, mem_fail_from, mem_live;
unsigned host_rest; /* once_atomic.h looks at it */
static unsigned long preempt_every, preempt_calls;
static unsigned long log_counts[LOG_DEBUG + 1];
static char log_last[512], panic_last[512];
static jmp_buf *panic_jmp;

static void frames_free(void)
{
    size_t size = frames.nr * PAGE_SIZE;

    if (!frames.nr)
        return;
    ASAN_UNPOISON_MEMORY_REGION(frames.code_view, size);
    munmap(frames.code_view, size);
    munmap(frames.test_view, size);
    free(frames.uses);
    memset(&frames, 0, sizeof(frames));
}

void host_reset(void)
{
    frames_free();
    mem_fail_at = mem_fail_from = mem_live = 0;
    preempt_every = preempt_calls = 0;
    host_rest = 0;
    memset(log_counts, 0, sizeof(log_counts));
    log_last[0] = panic_last[0] = '\0';
    panic_jmp = NULL;
}

static void *view_map(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        panic("no memory for the fake machine\n");
    return p;
}

void host_frames_init(mfn_t first, unsigned long n)
{
    size_t size = n * PAGE_SIZE;
    int fd = memfd_create("frames", 0);

    frames_free();
    if (fd < 0 || ftruncate(fd, (off_t)size))
        panic("no memory for the fake machine\n");
    frames.code_view = view_map(fd, size);
    frames.test_view = view_map(fd, size);
    frames.uses = calloc(n, sizeof(*frames.uses));
    frames.first = first;
    frames.nr = n;
    close(fd);
    ASAN_POISON_MEMORY_REGION(frames.code_view, size);
}

static unsigned long frame_index(mfn_t m)
{
    if (m.n < frames.first.n || m.n - frames.first.n >= frames.nr)
        panic("frame %#lx is not in the fake machine\n", (unsigned long)m.n);
    return m.n - frames.first.n;
}

void *host_frame(mfn_t m)
{
    return frames.test_view + frame_index(m) * PAGE_SIZE;
}

unsigned int host_frames_mapped(void)
{
    return frames.mapped;
}

void host_on_frame_map(void (*hook)(mfn_t m))
{
    frames.on_map = hook;
}

void *frame_map(mfn_t m)
{
    unsigned long i = frame_index(m);
    void *p = frames.code_view + i * PAGE_SIZE;

    if (frames.on_map)
        frames.on_map(m);
    if (frames.mapped == FRAME_MAPS_MAX)
        panic("more than %d frames mapped at once\n", FRAME_MAPS_MAX);
    frames.mapped++;
    if (!frames.uses[i]++)
        ASAN_UNPOISON_MEMORY_REGION(p, PAGE_SIZE);
    return p;
}

void frame_unmap(const void *p)
{
    unsigned long i = (unsigned long)((const unsigned char *)p - frames.code_view) / PAGE_SIZE;

    if (!frames.nr || i >= frames.nr || !frames.uses[i])
        panic("frame_unmap(%p): not mapped\n", p);
    frames.mapped--;
    if (!--frames.uses[i])
        ASAN_POISON_MEMORY_REGION(frames.code_view + i * PAGE_SIZE, PAGE_SIZE);
}

void host_mem_fail_at(unsigned long nth)
{
    mem_fail_at = nth;
}

void host_mem_fail_from(unsigned long nth)
{
    mem_fail_from = nth;
}

unsigned long host_mem_live(void)
{
    return mem_live;
}

static bool mem_must_fail(void)
{
    if (mem_fail_at && !--mem_fail_at)
        return true;
    if (mem_fail_from > 1)
        mem_fail_from--;
    else if (mem_fail_from == 1)
        return true;
    return false;
}

void *mem_alloc(size_t size)
{
    size_t align = size >= PAGE_SIZE ? PAGE_SIZE : size >= 64 ? 64 : 16;
    void *p;

    if (mem_must_fail() || posix_memalign(&p, align, size ? size : 1))
        return NULL;
    memset(p, 0, size);
    mem_live++;
    return p;
}

void mem_free(void *p)
{
    if (p)
        mem_live--;
    free(p);
}

void host_preempt_every(unsigned long n)
{
    preempt_every = n;
    preempt_calls = 0;
}

unsigned long host_preempt_calls(void)
{
    return preempt_calls;
}

bool preempt_needed(void)
{
    preempt_calls++;
    return preempt_every && preempt_calls % preempt_every == 0;
}

unsigned long host_log_count(enum log_level level)
{
    return log_counts[level];
}

void host_rest_every(unsigned n)
{
    host_rest = n;
}

const char *host_log_last(void)
{
    return log_last;
}

void log_print(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(log_last, sizeof(log_last), fmt, ap);
    va_end(ap);
    log_counts[level]++;
    if (getenv("HOST_LOG"))
        fputs(log_last, stderr);
}

jmp_buf *host_panic_catch(jmp_buf *where)
{
    return panic_jmp = where;
}

const char *host_panic_message(void)
{
    return panic_last;
}

_Noreturn void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(panic_last, sizeof(panic_last), fmt, ap);
    va_end(ap);
    if (panic_jmp)
        longjmp(*panic_jmp, 1);
    fprintf(stderr, "PANIC: %s", panic_last);
    abort();
}
