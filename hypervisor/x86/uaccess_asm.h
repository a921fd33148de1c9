/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For assembly that touches guest memory. */
#pragma once


        /* Guest memory is opened (stac) and closed (clac) to us where the processor has SMAP.  Each place is a no-op of three
         * bytes, listed in a section; smap_init() makes instructions of them if need be. */
        .macro  SMAP_SITE list
661:    .byte   0x0f, 0x1f, 0x00
        .pushsection \list, "a"
        .long   661b - .
        .popsection
        .endm
#define GUEST_OPEN  SMAP_SITE .smap_open
#define GUEST_CLOSE SMAP_SITE .smap_close

        /* If the instruction at `at` faults, go on at `to`. */
        .macro FIXUP at, to
        .pushsection .extable, "a"
        .balign 4
        .long   \at - .
        .long   \to - .
        .popsection
        .endm
