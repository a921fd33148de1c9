/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vm_assist: ways in which a guest may ask to be treated differently. */
#ifndef KERN_VMASSIST_H
#define KERN_VMASSIST_H

#include "kern/hypercall.h"

hcall_fn do_vm_assist;

#endif
