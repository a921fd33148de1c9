/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For assembly that touches guest memory. */
#ifndef X86_UACCESS_ASM_H
#define X86_UACCESS_ASM_H

#include "x86/smap.h"

        /* If the instruction at `at` faults, go on at `to`. */
        .macro FIXUP at, to
        .pushsection .extable, "a"
        .balign 4
        .long   \at - .
        .long   \to - .
        .popsection
        .endm

#endif
