/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0's kernel out of the file that the boot loader brought. */
#pragma once

#include "core/types.h"

struct unpacked {
    void *image;
    size_t size;
    unsigned order;   /* of the buffer; image may be the module itself: buffer false */
    bool buffer;
};

/* Boot; may turn interrupts off for a while.  Panics if the file is of no use. */
void kernel_unpack(const void *file, size_t size, struct unpacked *u);
