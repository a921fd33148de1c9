/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building dom0. */
#pragma once

#include "core/types.h"
#include "x86/cpumask.h"

struct dom0_config {
    const void *kernel;      /* the module: bzImage or ELF */
    size_t kernel_size;
    uint64_t initrd, initrd_size; /* maddr; size 0: none */
    const char *cmdline;
    uint64_t min_pages, max_pages, pages; /* dom0_mem=; 0: not given */
    unsigned vcpus;
    cpumask_t cpus;               /* those of its nodes */
    bool pin_vcpus;               /* each vCPU runs on one of these only */
    uint64_t nodes;               /* its vCPUs are to be there, and its memory (0: anywhere) ... */
    bool relaxed;                 /* ... if it can be */
    uint64_t module_frames;       /* what the modules occupy ... */
    void (*modules_done)(void);   /* ... until this: they are copied */
};

/* Make dom0, load its kernel, start its first vCPU (it runs once the CPUs look).  Panics, with one clear
 * message, if that can't be: there is nothing else to run. */
void dom0_build(const struct dom0_config *cfg);

/* Fill a hypercall page (xen/xen.h: 32 bytes for each call). */
void hypercall_page_fill(uint8_t *page);
