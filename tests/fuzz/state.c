/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptor tables that a processor may use, selectors loaded from them, and vCPUs that begin with registers set by chance. */
#include <xen/vcpu.h>
#include "cpu.h"
#include "grammar.h"
#include "hostile.h"
#include "hypercall.h"
#include "mem.h"
#include "pages.h"
#include "random.h"
#include "smp.h"
#include "trap.h"

/* A page of descriptors, read-only mapped as it must be; its place in the arena, or -1: it is in use as something else. */
static int descriptors_make(void)
{
    unsigned i = rnd(ARENA);
    uint64_t *t = (uint64_t *)arena_va[i];

    if (page_protect(t, PTE_RW))
        return -1;
    memset(t, 0, PAGE_SIZE);
    for (unsigned n = rnd(16); n; n--)
        t[rnd(64)] = value('y');
    return page_protect(t, PTE_RO) ? -1 : (int)i;
}

static void selector_load(uint16_t s)
{
    switch (rnd(4)) {
    case 0:  __asm__ volatile("mov %0, %%ds" : : "r"(s)); break;
    case 1:  __asm__ volatile("mov %0, %%es" : : "r"(s)); break;
    case 2:  __asm__ volatile("mov %0, %%fs" : : "r"(s)); break;
    default: __asm__ volatile("lar %0, %%eax" : : "r"((uint32_t)s) : "eax", "cc"); break;
    }
}

static void gdt_step(void)
{
    xen_pfn_t frame[2];
    int i = descriptors_make(), j = one_in(4) ? descriptors_make() : i;

    if (i < 0 || j < 0)
        return;
    frame[0] = arena_mfn[i];
    frame[1] = arena_mfn[j];
    hypercall(set_gdt, frame, 1 + rnd(1024));
    selector_load((uint16_t)(rnd(64) * 8 + 3));
}

static void ldt_step(void)
{
    int i = descriptors_make();

    if (i < 0)
        return;
    mmuext_one(MMUEXT_SET_LDT, (unsigned long)arena_va[i] + rnd(2) * 8, one_in(8) ? wild() : 1 + rnd(512));
    selector_load((uint16_t)(rnd(64) * 8 + 4 + 3));
}

/* The vCPU that was not started with the others, or one that is down. */
static void vcpu_begin(void)
{
    static struct vcpu_guest_context context[CPUS_MAX];
    struct vcpu_guest_context *c = &context[cpu_self()->id];
    unsigned id = rnd(4);

    if (vcpu_op(VCPUOP_is_up, id, NULL))
        return;
    vcpu_context(c, id, hostile_run);
    for (unsigned n = rnd(4); n; n--)
        ((uint64_t *)c)[rnd(sizeof(*c) / 8)] = one_in(2) ? value('v') : any_mfn() << (one_in(2) ? PAGE_SHIFT : 0);
    if (one_in(4))
        c->flags = value('f');
    vcpu_op(VCPUOP_initialise, id, c);
    vcpu_op(VCPUOP_up, id, NULL);
}

void state_step(void)
{
    switch (rnd(4)) {
    case 0:  ldt_step(); break;
    case 1:  vcpu_begin(); break;
    default: gdt_step(); break;
    }
}
