/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENMEM_exchange. */
#ifndef CTL_EXCHANGE_H
#define CTL_EXCHANGE_H

#include "kern/hypercall.h"

long memory_exchange(struct hcall *c);

#endif
