/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID for guests. */
#pragma once

#include "core/types.h"

struct cpuid_regs; /* core/cpuid.h */
struct domain;
struct vcpu;

/* Registers of v == current: leaf in eax, ecx; answer in eax, ebx, ecx, edx.
 * forced: asked by the ABI's prefix; such a guest sees the machine's OSXSAVE, as the plain instruction would show it. */
void pv_cpuid(struct vcpu *v, bool forced);
/* What d's guest gets (NULL: any without dom0's privilege); osxsave: it has turned XSAVE on. */
struct cpuid_regs pv_cpuid_answer(struct domain *d, bool osxsave, uint32_t leaf, uint32_t sub);
/* The policy of guests without dom0's privilege, for core/cpupolicy.h; `of` is not looked at. */
struct cpuid_regs pv_cpuid_policy(const void *of, uint32_t leaf, uint32_t sub);
/* What the processor says; zeroes behind the last leaf of its kind. */
struct cpuid_regs cpuid_machine(uint32_t leaf, uint32_t sub);
