/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID for the running guest. */
#ifndef PV_CPUID_H
#define PV_CPUID_H

struct vcpu;

/* Registers of v == current: leaf in eax, ecx; answer in eax, ebx, ecx, edx. */
void pv_cpuid(struct vcpu *v);

#endif
