/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C library of Debian's decompressors, which are built for a hosted system:
 * - malloc, calloc and free from an arena that lives for one kernel (mem* and str* are core/string.c);
 * - the stack protector's canary at %fs:0x28, so FS has to lead to a block of ours;
 * - SSE, so the CPU has to allow it.
 * One CPU, at boot, with interrupts off: no locks.
 */
#include "x86/libc_shim.h"
#include "core/port.h"
#include "core/string.h"
#include "core/types.h"
#include "x86/cpu.h"
#include "x86/features.h"

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
_Noreturn void __stack_chk_fail(void);
unsigned long long ZSTD_trace_decompress_begin(const void *ctx);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);

/* Memory is given from the bottom up, and taken back when it is the last that was given. */
static struct {
    unsigned char *start;
    size_t size, used, last, peak;
} heap;

static struct {
    uint64_t fs_base, cr0, cr4;
} saved;

/* The thread block as the libraries know it: its canary is at 0x28. */
static uint64_t thread_block[8] __attribute__((aligned(16)));

void libc_shim_init(void *arena, size_t size)
{
    heap.start = arena;
    heap.size = ROUND_DOWN(size, 16);
    heap.used = heap.last = heap.peak = 0;
    thread_block[0x28 / 8] = rdtsc() * 0x9e3779b97f4a7c15ul & ~0xfful;
    saved.fs_base = rdmsr(MSR_FS_BASE);
    saved.cr0 = READ_CR(0);
    saved.cr4 = READ_CR(4);
    wrmsr(MSR_FS_BASE, (uintptr_t)thread_block);
    WRITE_CR(0, (saved.cr0 & ~(CR0_EM | CR0_TS)) | CR0_MP);
    WRITE_CR(4, saved.cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
}

size_t libc_shim_done(void)
{
    WRITE_CR(4, saved.cr4);
    WRITE_CR(0, saved.cr0);
    wrmsr(MSR_FS_BASE, saved.fs_base);
    return heap.peak;
}

void *malloc(size_t size)
{
    size_t n = ROUND_UP(size, 16), at = heap.used;

    if (n < size || n > heap.size - heap.used)
        return NULL;
    heap.last = at;
    heap.used += n;
    heap.peak = MAX(heap.peak, heap.used);
    return heap.start + at;
}

void *calloc(size_t n, size_t size)
{
    void *p = size && n > SIZE_MAX / size ? NULL : malloc(n * size);

    if (p)
        memset(p, 0, n * size);
    return p;
}

void free(void *p)
{
    if (p && p == heap.start + heap.last)
        heap.used = heap.last;
}

_Noreturn void __stack_chk_fail(void)
{
    panic("a function overran its stack frame\n");
}

/*
 * libzstd's tracing hooks, which say "no".  They are weak there, but a weak function that
 * nobody has is at address 0, out of reach of a call from where we are linked.
 */
unsigned long long ZSTD_trace_decompress_begin(const void *ctx)
{
    return 0;
}

void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace)
{
}
