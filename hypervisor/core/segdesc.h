/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment descriptors that a para-virtual guest may have in its GDT or LDT. */
#pragma once

#include "core/types.h"

/* Is the descriptor harmless in the hands of ring 3?  Fixes it up (*d) where that makes it so: ring 0 becomes 3, accessed is set. */
bool segdesc_check(uint64_t *d);
/* All 512 of a page. */
bool segdesc_page_check(uint64_t *page);
