/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Isolated page tables, for processors on which a guest could read memory that is mapped but not its to read (Meltdown).
 *
 * While a guest runs, CR3 holds not its own L4 but this CPU's *shield*: a copy without the hypervisor's slots, except
 *   - our code, constants and IDT, and this CPU's gate (x86/gate.h): no guest's memory, and no registers but those that an
 *     NMI, #MC, #DB or #DF left on its stack here;
 *   - the domain's own area: its vCPUs' descriptor tables, and of each vCPU the page where traps push its registers;
 *   - the M2P for reading, if the guest's L4 shows it.
 * No entry is global then, so that nothing of us stays in the TLB.  Entry code goes over to the guest's L4 before it touches
 * anything else (pti.S); all C code runs on that, as without isolation.
 *
 * Invariant: the copy is used only if it was made from the L4 that is in force, after this CPU's last TLB flush.  So
 * the shield is like one more translation that the TLB holds: whoever takes an entry out of an L4 flushes before a frame is used again
 * (core/ptype.h, P4), and that drops it.  Who adds one must see to it that the copies learn of it: pti_l4_changed().
 * The processor would set accessed bits in the copy: all that it might set are set in the guest's L4 when that is copied.
 */
#include "pv/pti.h"
#include "core/cmdline.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/keys.h"
#include "pv/desc.h"
#include "pv/pv.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/desc.h"
#include "x86/gate.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include "x86/patch.h"
#include "x86/spec.h"
#include "x86/tlb.h"

#define IMAGE_L4 261

enum choice { CHOICE_AUTO, CHOICE_NO, CHOICE_YES };

static enum choice for_dom0, for_domu;
static bool isolates; /* traps land on aliases, some domain may be isolated [const after boot] */

/* This CPU's copy, and what it was made of.  [its own CPU, interrupts off] */
struct shield {
    uint64_t *l4;
    uint64_t image_entry; /* of slot 261: our code, constants and IDT, and this CPU's gate [const once made] */
    uint64_t made_of, made_at;
};
static DEFINE_PERCPU(struct shield, shield);

/* ---- Option and boot ---- */

static bool part_set(const char *s, size_t n)
{
    char part[16];
    bool on;

    if (n >= sizeof(part))
        return false;
    memcpy(part, s, n);
    part[n] = 0;
    if (!strncmp(part, "default", 8))
        for_dom0 = for_domu = CHOICE_AUTO;
    else if (!strncmp(part, "dom0", 4) && (!part[4] || part[4] == '=') && cmdline_bool(part[4] ? part + 5 : "", &on))
        for_dom0 = on ? CHOICE_YES : CHOICE_NO;
    else if (!strncmp(part, "domu", 4) && (!part[4] || part[4] == '=') && cmdline_bool(part[4] ? part + 5 : "", &on))
        for_domu = on ? CHOICE_YES : CHOICE_NO;
    else if (cmdline_bool(part, &on))
        for_dom0 = for_domu = on ? CHOICE_YES : CHOICE_NO;
    else
        return false;
    return true;
}

bool pti_option(const char *value)
{
    bool all = true;

    for (;;) {
        size_t n = 0;

        while (value[n] && value[n] != ',')
            n++;
        all &= part_set(value, n);
        if (!value[n])
            return all;
        value += n + 1;
    }
}

static bool wanted(enum choice c)
{
    return c == CHOICE_AUTO ? spec_has_meltdown() : c == CHOICE_YES;
}

extern const struct pti_site {
    int32_t at, target;
    uint32_t len, jump;
} pti_sites_start[], pti_sites_end[];
extern char syscall_in_c[];

static void site_switch_on(const struct pti_site *s)
{
    uint64_t at = (uint64_t)&s->at + (uint64_t)(int64_t)s->at;
    uint64_t target = (uint64_t)&s->target + (uint64_t)(int64_t)s->target;
    int32_t rel = (int32_t)(target - at - 5);
    uint8_t code[16];

    memset(code, 0x90, sizeof(code));
    code[0] = s->jump ? 0xe9 : 0xe8;
    memcpy(code + 1, &rel, 4);
    text_patch(at, code, MIN(s->len, (uint32_t)sizeof(code)));
}

static void isolation_show(void)
{
    log_info("Page-table isolation: %s for dom0, %s for other guests\n", wanted(for_dom0) ? "on" : "off",
             wanted(for_domu) ? "on" : "off");
}

static void speculation_show(void)
{
    spec_dump();
    isolation_show();
}

void pti_init(void)
{
    isolates = wanted(for_dom0) || wanted(for_domu);
    isolation_show();
    key_register('S', speculation_show, "speculation controls", false);
    if (spec_has_meltdown() && !(wanted(for_dom0) && wanted(for_domu)))
        log_warn("Page-table isolation: this processor may be open to Meltdown, and some guests are NOT kept from it\n");
    if (!isolates)
        return;
    for (const struct pti_site *s = pti_sites_start; s < pti_sites_end; s++)
        site_switch_on(s);
    paging_no_global();
    desc_shield((uint64_t)syscall_in_c);
    pti_init_cpu();
}

extern char image_start[], text_end[], rodata_end[];

static uint64_t *table_alloc(void)
{
    uint64_t *t = pages_alloc(0);

    if (!t)
        panic("no memory for a CPU's isolated page tables\n");
    return t;
}

static uint64_t table_entry(const uint64_t *table)
{
    return virt_to_maddr(table) | PTE_P | PTE_RW | PTE_A | PTE_D;
}

static void page_show(uint64_t *l2, uint64_t va, uint64_t flags)
{
    uint64_t *e = &l2[va >> 21 & 511], *l1;

    if (!*e)
        *e = table_entry(table_alloc());
    l1 = maddr_to_virt(*e & PTE_ADDR);
    l1[va >> PAGE_SHIFT & 511] = hv_translate(va) | PTE_P | PTE_A | flags;
}

/* The L2 for the image, the same on all CPUs. */
static uint64_t *image_table(void)
{
    static uint64_t *l2; /* [const after boot] */

    if (l2)
        return l2;
    l2 = table_alloc();
    for (uint64_t va = (uint64_t)image_start; va < (uint64_t)rodata_end; va += PAGE_SIZE)
        page_show(l2, va, va < (uint64_t)text_end ? 0 : PTE_NX);
    page_show(l2, desc_idt(), PTE_NX);
    return l2;
}

/* The L2 for this CPU's gate alone. */
static uint64_t *gate_table(void)
{
    uint64_t va = (uint64_t)gate_here() - GATE_DATA, *l2 = table_alloc();

    for (unsigned i = 0; i < GATE_STACKS / PAGE_SIZE + GATE_NR_STACKS; i++, va += PAGE_SIZE)
        if (hv_translate(va) != ~0ul)
            page_show(l2, va, i ? PTE_RW | PTE_D | PTE_NX : 0);
    return l2;
}

void pti_init_cpu(void)
{
    struct shield *s = &this_cpu(shield);
    uint64_t *l3;

    if (!isolates)
        return;
    l3 = table_alloc();
    l3[IMAGE_START >> 30 & 511] = table_entry(image_table());
    l3[GATES_START >> 30 & 511] = table_entry(gate_table());
    s->image_entry = table_entry(l3);
    s->l4 = table_alloc();
}

/* ---- vCPUs ---- */

static uint64_t frame_page(const struct vcpu *v)
{
    return v->pv->gdt_va + PV_FRAME_PAGE * PAGE_SIZE;
}

void pti_vcpu_init(struct vcpu *v)
{
    if (!isolates)
        return;
    v->pv->desc_ptes[PV_FRAME_PAGE] = virt_to_maddr(v) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
    v->frame_delta = (uint64_t)v - frame_page(v);
}

uint64_t pti_frame_end(const struct vcpu *v)
{
    return (uint64_t)&v->regs.es - v->frame_delta;
}

/* ---- The shield ---- */

/*
 * A linear entry (core/ptype.h, P8) would lead from the copy to an L4 with all of the hypervisor's slots, one level off, and so to the
 * first page behind each of our lower entries.  To its own L4 it leads to the copy instead; to another it is left out.
 */
static uint64_t shield_entry(const uint64_t *shield, mfn_t l4, uint64_t e)
{
    mfn_t to = pte_mfn(e);

    if (!(e & PTE_P) || !frame_is_ram(to) || ptype_level(to) != 4)
        return e;
    return mfn_eq(to, l4) ? (e & ~PTE_ADDR) | virt_to_maddr(shield) : 0;
}

static void shield_copy(uint64_t *to, uint64_t cr3)
{
    mfn_t l4 = maddr_to_mfn(cr3 & PTE_ADDR);
    uint64_t *from = frame_map(l4);

    for (unsigned slot = 0; slot < PTE_ENTRIES; slot++) {
        uint64_t e = READ_ONCE(from[slot]);

        if ((e & (PTE_P | PTE_A)) == PTE_P && __atomic_compare_exchange_n(&from[slot], &e, e | PTE_A, false,
                                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            e |= PTE_A;
        to[slot] = shield_entry(to, l4, e);
    }
    frame_unmap(from);
    for (unsigned slot = HV_L4_FIRST + 1; slot < HV_L4_FIRST + HV_L4_COUNT; slot++)
        if (slot != PERDOMAIN_L4)
            to[slot] = slot == IMAGE_L4 ? this_cpu(shield).image_entry : 0;
}

uint64_t pti_shield(void)
{
    uint64_t cr3 = READ_CR(3), flush = tlb_last_flush();
    struct shield *s = &this_cpu(shield);
    struct gate *g = gate_here();

    current->full_cr3 = g->full_cr3 = cr3 | tlb_keep();
    if (!wanted(current->domain->is_privileged ? for_dom0 : for_domu)) {
        g->shield_cr3 = 0;
        return cr3 | tlb_keep();
    }
    if (s->made_of != cr3 || s->made_at != flush) {
        shield_copy(s->l4, cr3);
        s->made_of = cr3;
        s->made_at = flush;
    }
    g->shield_cr3 = virt_to_maddr(s->l4) | tlb_shield_pcid(cr3);
    return g->shield_cr3 | tlb_keep();
}

void pti_l4_changed(const struct domain *d)
{
    if (isolates)
        tlb_flush_mask(&d->dirty_cpus);
}
