/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bzImage's payload, unpacked by Debian's libraries into memory of its own; a plain ELF is left where it is. */
#include "pv/unpack.h"
#include "core/bzimage.h"
#include "core/decompress.h"
#include "core/port.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/libc_shim.h"

static void *buffer_get(unsigned order, const char *what)
{
    mfn_t m = frames_alloc(order, 42);

    if (mfn_eq(m, MFN_NONE))
        panic("not enough memory to unpack dom0's kernel (%s, %lu KiB)\n", what, (PAGE_SIZE << order) / 1024);
    return frame_map(m);
}

void kernel_unpack(const void *file, size_t size, struct unpacked *u)
{
    const char *why = "?";
    struct bzimage z;
    unsigned arena_order;
    size_t arena_size;
    void *arena;

    if (bzimage_parse(&z, file, size, &why))
        panic("dom0's kernel: %s\n", why);
    if (z.packing == PACKING_NONE) {
        *u = (struct unpacked){ .image = (void *)(uintptr_t)z.payload, .size = z.len };
        return;
    }
    if (z.unpacked > 1ul << 30)
        panic("dom0's kernel: says it unpacks to %lu MiB\n", z.unpacked >> 20);
    u->buffer = true;
    u->order = pages_order(z.unpacked);
    u->image = buffer_get(u->order, "kernel");
    arena_size = decompress_memory(z.packing, z.payload, z.len);
    arena_order = pages_order(arena_size);
    arena = buffer_get(arena_order, "work");
    irq_disable(); /* the libraries use the red zone and the vector registers */
    libc_shim_init(arena, PAGE_SIZE << arena_order);
    if (decompress(z.packing, z.payload, z.len, u->image, PAGE_SIZE << u->order, &u->size, &why))
        panic("dom0's kernel (%s): %s\n", packing_name(z.packing), why);
    libc_shim_done();
    irq_enable();
    pages_free(arena, arena_order);
}
