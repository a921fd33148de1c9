/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rare half of frame_is_ram(): most machines have nearly all of their RAM in the biggest range. */
#include "core/frame.h"

bool frame_is_ram_too(mfn_t m)
{
    for (unsigned i = 1; i < nr_ram_ranges; i++)
        if (frame_range_has(&ram_ranges[i], m))
            return true;
    return false;
}
