/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's options that boot itself needs; other rooms keep their own. */
#pragma once

#include "core/types.h"

struct options {
    uint64_t dom0_mem, dom0_mem_min, dom0_mem_max; /* bytes, 0: not given */
    unsigned dom0_max_vcpus, maxcpus;              /* 0: not given */
    uint64_t dom0_nodes;                           /* a bit each, numbered as ACPI does; 0: not given */
    bool nosmp, dom0_vcpus_pin, dom0_nodes_relaxed;
};

extern struct options options; /* [const after options_parse] */

/* Set all rooms' options.  What stands behind " -- ", for dom0. */
const char *options_parse(const char *line);
