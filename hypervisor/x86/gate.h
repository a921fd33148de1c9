/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU's gate: the little that the processor and the first instructions of an entry from a guest touch.  It lies at an
 * address of its own, in the slot of our text, and holds no secret, so that it can stay mapped where the rest of the
 * hypervisor is not (pv/pti.c).
 *
 *   page 0      system-call stubs, executable
 *   page 1      struct gate, writable
 *   pages 2-9   if page tables are isolated, the lowest pages of the CPU's stack block once more: the stacks of #MC, NMI, #DB and #DF
 */
#pragma once

#include "x86/layout.h"

#define GATE_SIZE      0x10000 /* address space, and alignment */
#define GATE_DATA      0x1000
#define GATE_STACKS    0x2000
#define GATE_NR_STACKS 8 /* pages */

#ifndef __ASSEMBLER__
#include "x86/percpu.h"

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, iomap;
} __attribute__((packed, aligned(128)));

struct gate {
    uint64_t frame_top;   /* end of current's register frame: where a trap's frame goes; = tss.rsp[0] */
    uint64_t scratch;     /* for the system-call stub */
    uint64_t full_cr3;    /* of current, while it runs with isolated tables */
    uint64_t shield_cr3;  /* what CR3 then holds */
    uint64_t stack_delta; /* from a page of GATE_STACKS to the same in the CPU's stack block */
    struct tss tss;
};

static inline struct gate *gate_here(void)
{
    return (struct gate *)(GATES_START + cpu_id() * (uint64_t)GATE_SIZE + GATE_DATA);
}
#endif
