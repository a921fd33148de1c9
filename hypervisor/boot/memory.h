/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's memory before the heap exists: which RAM is free, pages for the first tables. */
#pragma once

#include "core/types.h"

struct boot_info;

/* Find the free RAM: the map's, less the first MiB, the image and the modules.  boot_alloc() works from here on. */
void boot_memory_init(const struct boot_info *bi);
/* All free RAM that is left goes to the heap; boot_alloc() is over.  The frame table must be there. */
void boot_memory_release(const struct boot_info *bi);
/* The modules are no longer needed. */
/* How many frames that will give. */
uint64_t boot_modules_frames(const struct boot_info *bi);
void boot_modules_release(const struct boot_info *bi);
/* When there are frames: dom0 may map the M2P, too (XENMEM_machphys_mfn_list). */
void m2p_share(void);
