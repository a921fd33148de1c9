/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run fn(r), which may panic.  What it left in r->rax; or 1, it did, and the guest has the message at r->rdx (256 bytes). */
#pragma once

struct cpu_user_regs;

long catch_panic(void (*fn)(struct cpu_user_regs *r), struct cpu_user_regs *r);
