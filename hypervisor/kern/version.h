/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version: what we tell about ourselves. */
#ifndef KERN_VERSION_H
#define KERN_VERSION_H

#include "core/types.h"

/* The command line that we were started with. Boot. */
void version_set_cmdline(const char *cmdline);

#endif
