/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PHYSDEVOP_* <xen/physdev.h>: physical devices' interrupts and ports. */
#ifndef CTL_PHYSDEV_H
#define CTL_PHYSDEV_H

#include "kern/hypercall.h"

hcall_fn do_physdev_op, do_physdev_op_compat;

#endif
