/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instruction at the running guest's RIP. */
#pragma once

#include "core/insn.h"

struct vcpu;

/* Decode the instruction `skip` bytes behind RIP (length counts from RIP + skip). */
bool pv_fetch(struct vcpu *v, unsigned skip, struct insn *i);
/* Behind the instruction of `length` bytes: RIP moves on, a single step or a breakpoint on a port traps. */
void pv_insn_done(struct vcpu *v, unsigned length);
