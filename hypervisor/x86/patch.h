/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing our own code at boot, before other CPUs run. */
#pragma once

#include "core/types.h"

/* Put len bytes of code at the address, which is in the image: text can't be written there, but its frames can. */
void text_patch(uint64_t at, const uint8_t *code, size_t len);
