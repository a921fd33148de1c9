/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables.  The ABI puts the hypervisor's entries in the GDT behind 14 pages that are the guest's
 * own, so each CPU has one page of entries (TSS and LDT are per CPU) and each vCPU 15 pages of address
 * space in the per-domain area whose last is mapped to the page of the CPU where it runs (pv/desc.c).
 * While no guest's table is needed (idle, boot) the CPU uses its page alone.
 */
#include "x86/desc.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/gate.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include "x86/percpu.h"
#include "x86/selectors.h"

struct idt_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern char vector_stubs[], syscall_entry[], syscall32_entry[], sysenter_entry[];

static struct idt_gate idt[256] __attribute__((aligned(4096)));

static DEFINE_PERCPU(uint64_t *, gdt); /* one page: the reserved entries, GDT_FIRST on */

enum ist { IST_MCE = 1, IST_NMI, IST_DB, IST_DF };

static void gate_set(unsigned vector, uint64_t handler, unsigned dpl)
{
    idt[vector] = (struct idt_gate){
        .offset_low = (uint16_t)handler, .selector = HV_CS,
        .type = (uint8_t)(0x8e | dpl << 5), .offset_mid = (uint16_t)(handler >> 16),
        .offset_high = (uint32_t)(handler >> 32),
    };
}

static void idt_build(void)
{
    for (unsigned v = 0; v < 256; v++)
        gate_set(v, (uint64_t)vector_stubs + v * 16, v == 3 || v == 4 ? 3 : 0);
    idt[1].ist = IST_DB;
    idt[2].ist = IST_NMI;
    idt[8].ist = IST_DF;
    idt[18].ist = IST_MCE;
}

static void gdt_system_entry(unsigned selector, uint64_t base, uint32_t limit, uint64_t type)
{
    uint64_t *d = &this_cpu(gdt)[(selector - GDT_FIRST) / 8];

    d[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | 1ul << 47 | (uint64_t)(limit >> 16) << 48 |
           (base >> 24 & 0xff) << 56;
    d[1] = base >> 32;
}

static void gdt_build(void)
{
    uint64_t *g = pages_alloc(0);

    if (!g)
        panic("no memory for a CPU's GDT\n");
    this_cpu(gdt) = g;
    g[(HV_CS - GDT_FIRST) / 8] = 0x00af9b000000ffff;
    g[(HV_DS - GDT_FIRST) / 8] = 0x00cf93000000ffff;
    g[(GUEST_CS32 - GDT_FIRST) / 8] = 0x00cffb000000ffff;
    g[(GUEST_SS - GDT_FIRST) / 8] = 0x00cff3000000ffff;
    g[(GUEST_CS64 - GDT_FIRST) / 8] = 0x00affb000000ffff;
    gdt_system_entry(HV_TSS, (uint64_t)&gate_here()->tss, sizeof(struct tss) - 1, 9);
}

static bool shielded;           /* desc_shield() has been called [const after boot] */
static uint64_t syscall_target = (uint64_t)syscall_entry;

/* The stacks of IST traps: pages 1, 3, 5 and 7 of the CPU's stack block, or their aliases in the gate.  Below each of them, and below the
 * CPU's own (from page 9 on), a page is not there: who runs out of stack ends in a double fault. */
static void ist_build(void)
{
    uint64_t stack = ROUND_DOWN((uint64_t)cpu_block(), CPU_STACK_SIZE);
    struct gate *g = gate_here();

    g->stack_delta = shielded ? stack - ((uint64_t)g - GATE_DATA + GATE_STACKS) : 0;
    for (unsigned i = IST_MCE; i <= IST_DF; i++) {
        uint64_t top = stack + 2 * i * PAGE_SIZE;

        if (shielded)
            hv_map(top - PAGE_SIZE - g->stack_delta, virt_to_maddr((void *)(top - PAGE_SIZE)), PAGE_SIZE, PTE_RW | PTE_NX);
        hv_unmap_page(top - 2 * PAGE_SIZE);
        g->tss.ist[i - 1] = top - g->stack_delta;
    }
    hv_unmap_page(stack + 2 * IST_DF * PAGE_SIZE);
    g->tss.iomap = sizeof(g->tss);
}

/*
 * The system-call stub of this CPU: `syscall` gives us the guest's RSP and no free register, so the stub
 * holds the address of this CPU's gate in its own instructions.  It pushes SS and RSP and jumps on.
 */
static void stub_build(uint8_t *p, uint64_t stub_va, uint64_t target)
{
    struct gate *g = gate_here();
    uint64_t scratch = (uint64_t)&g->scratch, top = (uint64_t)&g->frame_top;
    uint8_t *start = p;
    int32_t rel;

    *p++ = 0x48, *p++ = 0xa3, memcpy(p, &scratch, 8), p += 8; /* movabs %rax, scratch */
    *p++ = 0x48, *p++ = 0xa1, memcpy(p, &top, 8), p += 8;     /* movabs frame_top, %rax */
    *p++ = 0x48, *p++ = 0x94;                                 /* xchg %rax, %rsp */
    *p++ = 0x68, memcpy(p, &(int32_t){ GUEST_SS }, 4), p += 4;/* push $GUEST_SS */
    *p++ = 0x50;                                              /* push %rax */
    *p++ = 0x48, *p++ = 0xa1, memcpy(p, &scratch, 8), p += 8; /* movabs scratch, %rax */
    *p++ = 0xe9;                                              /* jmp target */
    rel = (int32_t)(target - (stub_va + (uint64_t)(p - start) + 4));
    memcpy(p, &rel, 4);
}

static DEFINE_PERCPU(uint8_t *, stubs); /* page 0 of the gate, writable */

static void stubs_build(void)
{
    uint64_t va = (uint64_t)gate_here() - GATE_DATA;

    memset(this_cpu(stubs), 0xcc, PAGE_SIZE);
    stub_build(this_cpu(stubs), va, syscall_target);
    stub_build(this_cpu(stubs) + 128, va + 128, (uint64_t)syscall32_entry);
}

static void gate_build(void)
{
    uint8_t *pages = pages_alloc(1);
    uint64_t va = (uint64_t)gate_here() - GATE_DATA;

    if (!pages)
        panic("no memory for a CPU's gate\n");
    hv_map(va, virt_to_maddr(pages), PAGE_SIZE, 0);
    hv_map(va + GATE_DATA, virt_to_maddr(pages) + PAGE_SIZE, PAGE_SIZE, PTE_RW | PTE_NX);
    this_cpu(stubs) = pages;
    stubs_build();
    ist_build();
}

static void syscall_init(void)
{
    uint64_t va = (uint64_t)gate_here() - GATE_DATA;

    wrmsr(MSR_STAR, (uint64_t)GUEST_CS32 << 48 | (uint64_t)HV_CS << 32);
    wrmsr(MSR_LSTAR, va);
    wrmsr(MSR_CSTAR, va + 128);
    wrmsr(MSR_SYSCALL_MASK, FLAG_AC | FLAG_RF | FLAG_NT | FLAG_DF | FLAG_IF | FLAG_TF | FLAG_IOPL);
    wrmsr(MSR_SYSENTER_CS, HV_CS);
    wrmsr(MSR_SYSENTER_ESP, (uint64_t)gate_here());
    wrmsr(MSR_SYSENTER_EIP, (uint64_t)sysenter_entry);
}

void desc_shield(uint64_t target)
{
    shielded = true;
    syscall_target = target;
    stubs_build();
    ist_build();
}

static void segments_load(void)
{
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: movl %1, %%ss"
                     :: "i"(HV_CS), "r"(0) : "rax", "memory");
    __asm__ volatile("ltr %w0" :: "r"(HV_TSS));
}

void desc_init_cpu(void)
{
    struct table_register idtr = { sizeof(idt) - 1, (uint64_t)idt };

    if (!idt[0].selector)
        idt_build();
    gate_build();
    gdt_build();
    desc_load_own_gdt();
    segments_load();
    desc_load_ldt(0, 0);
    __asm__ volatile("lidt %0" :: "m"(idtr));
    syscall_init();
}

uint64_t desc_idt(void)
{
    return (uint64_t)idt;
}

uint64_t desc_gdt_page(void)
{
    return virt_to_maddr(this_cpu(gdt));
}

void desc_set_frame(uint64_t frame_end)
{
    struct gate *g = gate_here();

    g->tss.rsp[0] = g->frame_top = frame_end;
}

void desc_load_ldt(uint64_t va, unsigned n)
{
    if (n)
        gdt_system_entry(HV_LDT, va, n * 8 - 1, 2);
    __asm__ volatile("lldt %w0" :: "r"(n ? HV_LDT : 0));
}

void desc_load_gdt(uint64_t va)
{
    struct table_register gdtr = { 15 * PAGE_SIZE - 1, va };

    __asm__ volatile("lgdt %0" :: "m"(gdtr));
}

void desc_load_own_gdt(void)
{
    desc_load_gdt((uint64_t)this_cpu(gdt) - GDT_FIRST);
}
