/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID for the running guest. */
#ifndef PV_CPUID_H
#define PV_CPUID_H

struct vcpu;

#include "core/types.h"

/* Registers of v == current: leaf in eax, ecx; answer in eax, ebx, ecx, edx.
 * forced: asked by the ABI's prefix; such a guest sees the machine's OSXSAVE, as the plain instruction would show it. */
void pv_cpuid(struct vcpu *v, bool forced);

#endif
