/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains of our own image, built as a toolstack does.  Controller, vCPU 0 only. */
#ifndef FUZZ_BUILD_H
#define FUZZ_BUILD_H

#include "fuzz.h"
#include <xen/domctl.h>

#define SLOTS 3
#define BUILD_FRAMES 1024u    /* of each domain: 4 MiB, what the boot mapping of the kit covers */

struct subject {
    domid_t id;                 /* 0: there is none */
    struct report *report;      /* its report pages, seen by us; NULL: not mapped */
    unsigned slot;              /* 0 to SLOTS - 1: where we map its frames while we build it [const] */
    uint32_t flags;             /* XEN_DOMCTL_CDF_... that it is made with */
};

/* A domctl of vCPU 0's; command and answers are in control.u, which control_clear() empties. */
extern struct xen_domctl control;
void control_clear(void);
long control_call(uint32_t cmd, domid_t id);

/* Once: the windows, and whether the module is our image. */
void build_init(void);
/* A new domain with that many vCPUs and command line, paused.  Its number, or what failed: then nothing of it is left. */
long build(struct subject *s, unsigned vcpus, const char *cmd_line);
/* Frame i of the domain built last. */
unsigned long build_frame(unsigned i);
/* Its end. */
long build_destroy(struct subject *s);

#endif
