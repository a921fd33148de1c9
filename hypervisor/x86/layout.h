/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the hypervisor lives: the ABI's area 0xffff8000_00000000 - 0xffff87ff_ffffffff, L4 slots 256 to 271
 * of every page table that we load.
 *
 *   slot 256  M2P: machine to pseudo-physical table, 8 bytes a frame, readable by guests
 *   slot 257  M2P again, writable by us; device mappings (ioremap)
 *   slot 258  the current domain's own area: each vCPU's GDT and LDT  [differs per domain]
 *   slot 259  frame table
 *   slot 261  text and data (0xffff82d0_80000000), each CPU's gate (x86/gate.h)
 *   slots 262-271  direct map: 5 TiB; frames above it are reached through frame_map() only
 */
#pragma once

#ifndef __ASSEMBLER__
#include "core/types.h"
#define LAYOUT_UL(x) x##ul
#else
#define LAYOUT_UL(x) x
#endif

#define HV_START        LAYOUT_UL(0xffff800000000000)
#define HV_END          LAYOUT_UL(0xffff880000000000)
#define HV_L4_FIRST     256
#define HV_L4_COUNT     16

#define M2P_RO_START    LAYOUT_UL(0xffff800000000000)
#define M2P_START       LAYOUT_UL(0xffff808000000000)
#define M2P_CHUNK       LAYOUT_UL(0x200000) /* it is backed by such pieces (x86/paging.c), as the ABI shows it */
#define IOREMAP_START   LAYOUT_UL(0xffff80c000000000)
#define IOREMAP_END     LAYOUT_UL(0xffff810000000000)
#define PERDOMAIN_START LAYOUT_UL(0xffff810000000000)
#define PERDOMAIN_L4    258
#define FRAMES_START    LAYOUT_UL(0xffff818000000000)
#define IMAGE_START     LAYOUT_UL(0xffff82d080000000)
#define GATES_START     LAYOUT_UL(0xffff82d0c0000000)
#define DIRECT_START    LAYOUT_UL(0xffff830000000000)
#define DIRECT_SIZE     LAYOUT_UL(0x0000050000000000)

#define IMAGE_PHYS      0x200000 /* where the boot loader puts the image */

#ifndef __ASSEMBLER__
static inline void *maddr_to_virt(uint64_t maddr)
{
    return (void *)(DIRECT_START + maddr);
}

/* For direct-map and image addresses. */
static inline uint64_t virt_to_maddr(const void *p)
{
    uint64_t v = (uint64_t)p;

    return v >= DIRECT_START ? v - DIRECT_START : v - IMAGE_START + IMAGE_PHYS;
}

static inline mfn_t virt_to_mfn(const void *p)
{
    return maddr_to_mfn(virt_to_maddr(p));
}
#endif
