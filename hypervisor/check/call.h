/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checking builds' own hypercall, for the caller (dom0) with interrupts on: its result. */
#pragma once

#include "core/types.h"

long check_call(uint64_t op, uint64_t arg);
