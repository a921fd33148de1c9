/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Isolated page tables, against Meltdown: see pti.c. */
#pragma once

#include "core/types.h"

struct domain;
struct vcpu;

/* Option xpti=: a list of "default", a boolean, dom0=BOOLEAN, domu=BOOLEAN.  False: not understood. */
bool pti_option(const char *value);
/* Boot CPU, before the others start and before any domain exists; after spec_init(). */
void pti_init(void);
/* Each other CPU as it starts. */
void pti_init_cpu(void);
/* v is new: where its traps push to. */
void pti_vcpu_init(struct vcpu *v);
/* Where the processor is to push v's registers: the end of the frame, as it is reached from isolated tables. */
uint64_t pti_frame_end(const struct vcpu *v);
/* An entry of an L4 of d's was written: copies of it, on any CPU, must not live on. */
void pti_l4_changed(const struct domain *d);
/* The CR3 with which current goes on: its own L4, or an up-to-date copy without the hypervisor.  Interrupts off; called by pti.S. */
uint64_t pti_shield(void);
