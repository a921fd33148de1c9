/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENMEM_exchange. */
#pragma once

#include "kern/hypercall.h"

long memory_exchange(struct hcall *c);
