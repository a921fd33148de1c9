/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_version: what we tell about ourselves. */
#pragma once

#include "core/types.h"

/* The ABI that we speak, and our own names. */
#define VERSION_MAJOR 4
#define VERSION_MINOR 17
extern const char version_extra[], version_changeset[], version_compiled_by[], version_compiler[];

/* The command line that we were started with. Boot. */
void version_set_cmdline(const char *cmdline);
