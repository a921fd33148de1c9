/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Microcode files as the vendors ship them: finding the update for a processor (SDM3 9.11; AMD's container as Linux'
 * firmware tree has it). */
#pragma once

#include "core/blob.h"

/* The processor that an update is wanted for. */
struct microcode_cpu {
    uint32_t signature; /* CPUID leaf 1, eax */
    uint32_t platform;  /* Intel: the one bit of the platform ID; AMD: 0 */
    uint32_t revision;  /* what it runs now */
};

struct microcode_update {
    struct blob patch;  /* what the processor is pointed to: Intel: the data; AMD: the patch, header included */
    uint32_t revision;
};

/*
 * The newest update in the file for the processor that is newer than what it has.  0, -XEN_EINVAL (the file is damaged,
 * also where other processors' updates are), or -XEN_ENOENT (nothing newer in it for this one).
 */
int microcode_find_intel(struct blob file, const struct microcode_cpu *cpu, struct microcode_update *best);
int microcode_find_amd(struct blob file, const struct microcode_cpu *cpu, struct microcode_update *best);
