/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decompressors (core/decompress.h) expect of a C library and a processor. */
#pragma once

#include <stddef.h>

/*
 * Let this CPU run the decompressors, with size bytes at arena (16-byte aligned) as their
 * memory: decompress_memory() says how many.  Boot only: the FS base and vector state
 * that it takes are the guest's later on.  Until libc_shim_done() the caller keeps
 * interrupts off: the libraries have a red zone, so nothing may land on their stack
 * (NMI and machine check have stacks of their own), and needs 32 KiB of stack.
 */
void libc_shim_init(void *arena, size_t size);

/* Give the CPU back as it was; the most bytes of arena that were in use. */
size_t libc_shim_done(void);
