/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do wrong, so that a test sees the check that finds it: check/abi.h has the list.  False: this build has no such check. */
#pragma once

#include "check/abi.h"
#include "core/types.h"

bool provoke(enum check_provoke what);
/* san/provoke.c.  What the sanitizers find; of those that are everybody's: true, and nothing is done. */
bool provoke_sanitizer(enum check_provoke what);
