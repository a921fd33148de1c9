/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that a para-virtual guest's kernel can't execute in ring 3, carried out for it. */
#pragma once

#include "core/types.h"

struct vcpu;

/* v == current took #GP: a privileged instruction that it may use?  True: done, or another fault injected. */
bool pv_emulate_privileged(struct vcpu *v);
/* v == current took #UD: the forced-emulation prefix (ud2; "xen") before cpuid?  True: done. */
bool pv_emulate_forced(struct vcpu *v);
