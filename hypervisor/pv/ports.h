/* SPDX-License-Identifier: GPL-2.0-or-later */
/* I/O ports of para-virtual guests. */
#pragma once

#include "core/insn.h"

struct vcpu;

/* Does v's I/O privilege level let it use ports (and cli, sti) as it runs now? */
bool pv_iopl_allows(const struct vcpu *v);
/* in, out.  False: not allowed. */
bool pv_port_access(struct vcpu *v, const struct insn *i);
/* ins, outs, with rep: some rounds; *repeat: not finished, execute again.  True also if a page fault was injected (then *repeat). */
bool pv_port_string(struct vcpu *v, const struct insn *i, bool *repeat);
