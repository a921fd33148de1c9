/* SPDX-License-Identifier: GPL-2.0-or-later */
/* __HYPERVISOR_mca: machine checks for dom0's log. */
#ifndef CTL_MCA_H
#define CTL_MCA_H

#include "kern/hypercall.h"

hcall_fn do_mca;

#endif
