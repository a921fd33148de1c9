/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvm_op as far as para-virtual guests and their toolstack may use it. */
#ifndef PV_HVM_PARAM_H
#define PV_HVM_PARAM_H

#include "kern/hypercall.h"

hcall_fn do_hvm_op;

#endif
