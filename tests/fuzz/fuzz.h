/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall fuzzer: one image, three roles.  As dom0 it is the controller (controller.c), which builds further domains of
 * the same image (build.c): hostile ones (hostile.c), which do all that a guest can do, and a bystander (bystander.c), which
 * notices if anything of that reaches it.
 *
 * A domain's two report pages are seen by the controller too, at the same place of the same image.  Nothing that the
 * generator picks names them on purpose, but a hostile domain can hit them: what stands there is statistics, never a verdict.  (The
 * bystander's are its own, and are believed.)
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "cpu.h"
#include "types.h"

#define REPORT_MAGIC 0x66757a7a7265706ful
#define FUZZ_VCPUS   4
#define KNOWN        4      /* the hostile domains, the bystander, dom0 */
#define OPS_MAX      256
#define TRAIL        6      /* calls of a vCPU that are remembered */

#define GRANT_OPS    13     /* GNTTABOP_... */
#define STATUSES     16     /* GNTST_okay, and what is below it */

enum result { RESULT_OK, RESULT_INVAL, RESULT_PERM, RESULT_FAULT, RESULT_ABSENT, RESULT_OTHER, RESULTS };

struct trail { uint64_t nr, arg[5]; };

struct report_vcpu {
    uint64_t steps, traps, lost;      /* lost: dead ends, which the timer's event ended */
    struct trail trail[TRAIL];        /* the last one is trail[calls % TRAIL] */
    uint64_t calls;
};

struct report {
    uint64_t magic, seed;
    domid_t known[KNOWN];             /* the domains there are: the controller keeps that up to date */
    struct {
        uint64_t rounds, share;       /* done; promille of the time it wanted */
        uint64_t bad_words, back, early, late; /* memory not as written; clock went backwards; woken too soon; too late by so many ns */
        uint64_t stills;              /* how often it is held up by right: the controller counts that, before it does so */
    } bystander;
    struct report_vcpu vcpu[FUZZ_VCPUS];
    uint32_t result[64][RESULTS];     /* by hypercall */
    uint32_t op[OPS_MAX][2];          /* by line of the grammar: made, and answered with success */
    uint32_t grant[GRANT_OPS][STATUSES]; /* elements of grant operations, by status */
    domid_t grants_to;                /* the hostile domain that our entries are for */
    uint8_t met;                      /* its entries are for us: the controller keeps that up to date */
} __attribute__((aligned(4096)));

_Static_assert(__builtin_offsetof(struct report, vcpu) == 80 && sizeof(struct report_vcpu) == 320, "tests/fuzz/run reads it");

extern struct report report;

void hostile_main(void);
void bystander_main(void);

/* The number behind "name=" on the command line, or otherwise. */
uint64_t option(const char *name, uint64_t otherwise);

#endif
