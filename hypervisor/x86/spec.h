/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Speculative execution: what the processor leaks or offers, and what we do about it.  docs/processor.md has the reasons.
 *
 * Branches through pointers are retpolines in all of our code.  SPEC_CTRL and IBPB are handled on the world switch only:
 * what a guest sets in SPEC_CTRL stays in force while we run on its behalf, which can only make us safer.  Buffers
 * are cleared (VERW) on the way out, by cpu_block.exit_flags, where the processor needs that.
 */
#pragma once

#include "core/types.h"

/* Boot CPU, after the command line: look, decide, say so. */
void spec_init(void);
/* Each CPU, the boot CPU after spec_init(). */
void spec_init_cpu(void);
/* Option spec-ctrl=: Xen's sub-options as far as they have a meaning here.  False: some were not understood (each is reported). */
bool spec_option(const char *value);

/* A name for a domain that no other domain had or will have; never 0. */
uint64_t spec_new_tag(void);
/* This CPU goes on with a vCPU of the domain of that tag, whose guest wants `guest_value` in SPEC_CTRL.  Interrupts off. */
void spec_switch_to(uint64_t tag, uint64_t guest_value);

/* Bits of SPEC_CTRL that a guest may set; 0: it has no such register. */
uint64_t spec_guest_mask(void);
/* The running guest set SPEC_CTRL to `guest_value`, which is within the mask. */
void spec_set_guest(uint64_t guest_value);
/* May a guest write 1 to PRED_CMD, and do it. */
bool spec_has_ibpb(void);
void spec_ibpb(void);

/* May a guest read what is mapped in its address space but not for it?  (Meltdown) */
bool spec_has_meltdown(void);

/* IA32_ARCH_CAPABILITIES, or what should be there. */
uint64_t spec_arch_caps(void);
bool spec_has_arch_caps(void);

/* Log what there is and what is used. */
void spec_dump(void);
/* AMD: LFENCE waits for all before it. */
bool spec_lfence_serialises(void);
