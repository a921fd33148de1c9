/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control and debug registers of para-virtual guests: see control.c. */
#pragma once

#include "core/types.h"

struct insn;
struct vcpu;

/* mov to and from CRn and DRn.  *repeat: it could not be finished and is to come again.  False: not allowed.  v == current. */
bool pv_mov_cr_dr(struct vcpu *v, const struct insn *i, bool *repeat);
/* CRn (0, 2, 3, 4, 8) as v sees it; false: there is none. */
bool pv_read_cr(const struct vcpu *v, unsigned nr, uint64_t *val);
bool pv_clts(struct vcpu *v);
/* Can set PE, MP, EM, TS; not clear PE.  False: not allowed. */
bool pv_lmsw(struct vcpu *v, uint64_t val);
