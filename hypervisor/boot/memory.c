/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory at boot.  `ranges` is the free RAM in frames; boot_alloc() takes from the top of the biggest range below
 * 4 GiB (the first page tables map no more), and what remains in the end is the heap's.
 * The first MiB is never ours nor a guest's RAM: firmware and dom0 use it as device memory.
 */
#include "boot/memory.h"
#include "core/bootinfo.h"
#include "core/frame.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/layout.h"
#include "x86/paging.h"

#define RANGES_MAX 256
#define LOW_FRAMES 256ul         /* 1 MiB */
#define FRAMES_4G  0x100000ul

extern char image_end[];

static struct frame_range ranges[RANGES_MAX];
static unsigned nr_ranges;

static void range_add(uint64_t first, uint64_t end)
{
    if (first >= end)
        return;
    if (nr_ranges == RANGES_MAX) {
        log_warn("memory map in too many pieces: %lu MiB left unused\n", (end - first) >> 8);
        return;
    }
    ranges[nr_ranges++] = (struct frame_range){ first, end };
}

static void range_cut(uint64_t first, uint64_t end)
{
    for (unsigned i = 0; i < nr_ranges; i++) {
        struct frame_range r = ranges[i];

        if (end <= r.first || first >= r.end)
            continue;
        ranges[i].end = MAX(first, r.first);
        if (ranges[i].end == r.first)
            ranges[i] = (struct frame_range){ 0, 0 };
        range_add(end, r.end);
    }
}

static uint64_t frame_up(uint64_t maddr)
{
    return (maddr + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* RAM above 4 GiB is used as far as frame numbers go (16 TiB). */
static void ram_range_add(uint64_t first, uint64_t end)
{
    unsigned i = nr_ram_ranges;

    first = MAX(first, LOW_FRAMES);
    end = MIN(end, 1ul << 32);
    if (first >= end)
        return;
    if (i == RAM_RANGES_MAX) {
        log_warn("memory map in too many pieces: %lu MiB left unused\n", (end - first) >> 8);
        return;
    }
    /* The biggest first: it is asked for most. */
    for (; i > 0 && ram_ranges[i - 1].end - ram_ranges[i - 1].first < end - first; i--)
        ram_ranges[i] = ram_ranges[i - 1];
    ram_ranges[i] = (struct frame_range){ first, end };
    nr_ram_ranges++;
    nr_frames = MAX(nr_frames, end);
    range_add(first, end);
}

void boot_memory_init(const struct boot_info *bi)
{
    for (unsigned i = 0; i < bi->nr_e820; i++)
        if (bi->e820[i].type == E820_RAM)
            ram_range_add(frame_up(bi->e820[i].start), (bi->e820[i].start + bi->e820[i].size) >> PAGE_SHIFT);
    range_cut(IMAGE_PHYS >> PAGE_SHIFT, frame_up(virt_to_maddr(image_end)));
    for (unsigned i = 0; i < bi->nr_mods; i++)
        range_cut(bi->mods[i].start >> PAGE_SHIFT, frame_up(bi->mods[i].end));
    range_cut(bi->info_start >> PAGE_SHIFT, frame_up(bi->info_end));
}

void *boot_alloc(size_t npages)
{
    struct frame_range *best = NULL;
    uint64_t best_size = 0, first;
    void *p;

    for (unsigned i = 0; i < nr_ranges; i++) {
        uint64_t end = MIN(ranges[i].end, FRAMES_4G);

        if (end > ranges[i].first && end - ranges[i].first > best_size) {
            best = &ranges[i];
            best_size = end - ranges[i].first;
        }
    }
    if (!best || best_size < 2 * npages)
        panic("too little memory for the hypervisor's own tables\n");
    first = ROUND_DOWN(MIN(best->end, FRAMES_4G) - npages, npages);
    p = maddr_to_virt(first << PAGE_SHIFT);
    range_cut(first, first + npages);
    memset(p, 0, npages * PAGE_SIZE);
    return p;
}

void boot_memory_release(const struct boot_info *bi)
{
    for (unsigned i = 0; i < nr_ranges; i++)
        heap_add(ranges[i].first, ranges[i].end);
    nr_ranges = 0;
}

uint64_t boot_modules_frames(const struct boot_info *bi)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < bi->nr_mods; i++)
        if (frame_is_ram(maddr_to_mfn(bi->mods[i].start)))
            n += (bi->mods[i].end >> PAGE_SHIFT) - frame_up(bi->mods[i].start);
    return n;
}

void boot_modules_release(const struct boot_info *bi)
{
    for (unsigned i = 0; i < bi->nr_mods; i++)
        if (frame_is_ram(maddr_to_mfn(bi->mods[i].start)))
            heap_add(frame_up(bi->mods[i].start), bi->mods[i].end >> PAGE_SHIFT);
}

void m2p_share(void)
{
    for (uint64_t va = M2P_START; va < M2P_START + nr_frames * 8; va += M2P_CHUNK) {
        uint64_t maddr = hv_translate(va);

        for (uint64_t offset = 0; maddr != ~0ul && offset < M2P_CHUNK; offset += PAGE_SIZE)
            frame_share_system(MFN((maddr + offset) >> PAGE_SHIFT), false);
    }
}
