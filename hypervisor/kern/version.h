/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version: what we tell about ourselves. */
#ifndef KERN_VERSION_H
#define KERN_VERSION_H

#include "kern/hypercall.h"

hcall_fn do_xen_version;

/* The command line that we were started with. Boot. */
void version_set_cmdline(const char *cmdline);

#endif
