/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a hypercall can keep a processor from others: each operation with the arguments that make it longest, while the emulator counts
 * the instructions between one point at which it can be made to give way and the next (bounds.py, which also knows the bound).
 * A line `bound N OPERATION | ARGUMENTS | RESULT` says what was tried.  Each must succeed where it can; bounds.py knows which operations need no line.
 */
/* build: plain */
/* hv-only: hospes */
/* clock: virtual */
/* qemu: -m 1536 -M q35 -device edu,addr=5 -device virtio-serial-pci,addr=6,vectors=150 */
/* hv: dom0_mem=96M,max:1G dom0_max_vcpus=2 */
/* timeout: 120 */
/* bounds: serve=hypercall_entry serve=trap_from_guest point=preempt_needed serve=softirq_run serve=dead_softirq raise=softirq_raise raise=softirq_raise_cpu */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"
#include "smp.h"
#include "time.h"
#include "user.h"
#include <xen/arch-x86/xen-mca.h>
#include <xen/callback.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hypfs.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include "sysctl.h"

#define VA      0x0000100000000000ul
#define MAP_VA  0x0000210000000000ul
#define MANY    4096
#define ORDER   9   /* the largest extent */

#define SLOTS   1024

/* The emulator knows by where this jumps to what comes: so many returns. */
__asm__(".pushsection .text\n.globl bound_slots\n.balign 256\nbound_slots: .fill 1024, 1, 0xc3\n.popsection\n");
extern char bound_slots[];

static unsigned slots;

static void slot(unsigned n)
{
    ((void (*)(void))(bound_slots + n))();
}

#define WORST(operation, arguments, call) ({                                      \
    long rc_;                                                                     \
    if (++slots >= SLOTS) test_abort("too many");                                  \
    slot(slots);                                                                  \
    rc_ = (long)(call);                                                           \
    slot(0);                                                                      \
    printf("bound %u %s | %s | %ld\n", slots, operation, arguments, rc_);         \
    rc_; })

/* So that operations do give way now and then. */
static void ticks(bool on)
{
    struct vcpu_set_periodic_timer t = { .period_ns = 1000000 };

    REQUIRE(!vcpu_op(on ? VCPUOP_set_periodic_timer : VCPUOP_stop_periodic_timer, 0, &t));
}

static xen_pfn_t list[MANY], pfns[MANY];
static unsigned long data_mfn;
static char buffer[1 << 20] __attribute__((aligned(4096)));

/* ---- Page tables ---- */

static struct mmu_update updates[MANY];
static struct mmuext_op exts[512];
static struct multicall_entry calls[512];
static uint64_t *l1[32], *l2, *l3, *l4;
static vcpu_guest_context_t second; /* of vCPU 1 */

static long mmu(unsigned n)
{
    return hypercall(mmu_update, updates, n, NULL, DOMID_SELF);
}

static long ext(unsigned n)
{
    return hypercall(mmuext_op, exts, n, NULL, DOMID_SELF);
}

static void updates_entries(void)
{
    unsigned long pte;

    REQUIRE(!map_page(NULL, VA, 0, 0));
    pte = pt_entry_maddr(NULL, VA, 1);
    for (unsigned i = 0; i < MANY; i++)
        updates[i] = (struct mmu_update){ .ptr = pte + 8 * (i % 512), .val = pte_make(data_mfn, (i / 512) & 1 ? PTE_RO : PTE_RW) };
    EXPECT_OK(WORST("mmu_update: normal_pt_update", "4,096 entries of an L1 table", mmu(MANY)));
    for (unsigned i = 0; i < MANY; i++)
        updates[i] = (struct mmu_update){ .ptr = data_mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, .val = mfn_to_pfn(data_mfn) };
    EXPECT_OK(WORST("mmu_update: machphys_update", "4,096 frame numbers", mmu(MANY)));
    for (unsigned i = 0; i < MANY; i++)
        updates[i] = (struct mmu_update){ .ptr = (pte + 8 * (i % 512)) | MMU_PT_UPDATE_PRESERVE_AD, .val = pte_make(data_mfn, PTE_RO) };
    EXPECT_OK(WORST("mmu_update: pt_update_preserve_ad", "4,096 entries of an L1 table", mmu(MANY)));
    for (unsigned i = 0; i < MANY; i++)
        updates[i].ptr = (pte + 8 * (i % 512)) | MMU_PT_UPDATE_NO_TRANSLATE;
    EXPECT_OK(WORST("mmu_update: pt_update_no_translate", "4,096 entries of an L1 table", mmu(MANY)));
    EXPECT_OK(WORST("update_va_mapping", "flush all", hypercall(update_va_mapping, VA, pte_make(data_mfn, PTE_RW), UVMF_TLB_FLUSH | UVMF_ALL)));
    EXPECT_OK(WORST("update_va_mapping_otherdomain", "flush all",
                    hypercall(update_va_mapping_otherdomain, VA, 0, UVMF_TLB_FLUSH | UVMF_ALL, DOMID_SELF)));
}

/* L1 tables full of writable mappings, an L2 of them over and over, an L3 of it, and an L4. */
static void tree_make(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(l1); i++) {
        l1[i] = page_alloc();
        for (unsigned j = 0; j < 512; j++)
            l1[i][j] = pte_make(data_mfn, PTE_RW);
        REQUIRE(!page_make_ro(l1[i]));
    }
    l2 = page_alloc();
    l3 = page_alloc();
    l4 = page_alloc();
    for (unsigned j = 0; j < 512; j++) {
        l2[j] = pte_make(virt_to_mfn(l1[j % ARRAY_SIZE(l1)]), PTE_TABLE);
        l3[j] = pte_make(virt_to_mfn(l2), PTE_TABLE);
    }
    for (unsigned j = 0; j < 256; j++)
        l4[j] = pte_make(virt_to_mfn(l3), PTE_TABLE);
    REQUIRE(!page_make_ro(l2) && !page_make_ro(l3) && !page_make_ro(l4));
}

static void pins(void)
{
    static const char *const operation[] = { "mmuext_op: pin_l1_table", "mmuext_op: pin_l2_table", "mmuext_op: pin_l3_table",
                                             "mmuext_op: pin_l4_table" };
    static const char *const name[] = { "an L1 table, full", "an L2 tree, all full", "an L3 tree, all full", "an L4 tree, all full" };
    uint64_t *top[] = { l1[0], l2, l3, l4 };

    for (unsigned i = 0; i < 4; i++) {
        exts[0] = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE + i, .arg1.mfn = virt_to_mfn(top[i]) };
        EXPECT_OK(WORST(operation[i], name[i], ext(1)));
        exts[0].cmd = MMUEXT_UNPIN_TABLE;
        EXPECT_OK(WORST("mmuext_op: unpin_table", name[i], ext(1)));
    }
    for (unsigned i = 0; i < 512; i++)
        exts[i] = (struct mmuext_op){ .cmd = i & 1 ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L1_TABLE, .arg1.mfn = virt_to_mfn(l1[i / 2 % ARRAY_SIZE(l1)]) };
    EXPECT_OK(WORST("mmuext_op: pin_l1_table", "256 full L1 tables, each unpinned again", ext(512)));
}

/* The tree turns out bad at its end. */
static void pin_bad(void)
{
    REQUIRE(!page_make_rw(l1[31]));
    l1[31][511] = pte_make(virt_to_mfn(pt_root()), PTE_RW);
    REQUIRE(!page_make_ro(l1[31]));
    exts[0] = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = virt_to_mfn(l1[31]) };
    EXPECT_REFUSED(WORST("mmuext_op: pin_l1_table", "an L1 table whose last entry is bad", ext(1)));
    exts[0] = (struct mmuext_op){ .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = virt_to_mfn(l4) };
    EXPECT_REFUSED(WORST("mmuext_op: pin_l4_table", "an L4 tree whose last table is bad", ext(1)));
    REQUIRE(!page_make_rw(l1[31]));
    l1[31][511] = 0;
    REQUIRE(!page_make_ro(l1[31]));
}

static void trees_linked(void)
{
    uint64_t *mine = pt_root();
    unsigned long at = virt_to_maddr(&mine[100]);

    updates[0] = (struct mmu_update){ .ptr = at, .val = pte_make(virt_to_mfn(l3), PTE_TABLE) };
    EXPECT_OK(WORST("mmu_update: normal_pt_update", "an L4 entry, to a full tree", mmu(1)));
    updates[0].val = 0;
    EXPECT_OK(WORST("mmu_update: normal_pt_update", "an L4 entry, from a full tree", mmu(1)));
    memcpy(buffer, mine, PAGE_SIZE);
    REQUIRE(!page_make_rw(l4));
    for (unsigned i = 0; i < 512; i++)
        if (mine[i] & PTE_P && (i < 256 || i > 271))
            l4[i] = mine[i];
    REQUIRE(!page_make_ro(l4));
    exts[0] = (struct mmuext_op){ .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = virt_to_mfn(l4) };
    EXPECT_OK(WORST("mmuext_op: new_baseptr", "a full tree", ext(1)));
    exts[0].arg1.mfn = virt_to_mfn(mine);
    EXPECT_OK(WORST("mmuext_op: new_baseptr", "from a full tree", ext(1)));
    EXPECT_OK(WORST("mov to CR3", "a full tree", ({ __asm__ volatile("mov %0, %%cr3" :: "r"(virt_to_mfn(l4) << PAGE_SHIFT) : "memory"); 0; })));
    EXPECT_OK(WORST("mov to CR3", "from a full tree", ({ __asm__ volatile("mov %0, %%cr3" :: "r"(virt_to_mfn(mine) << PAGE_SHIFT) : "memory"); 0; })));
    exts[0] = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = virt_to_mfn(l4) };
    EXPECT_OK(WORST("mmuext_op: new_user_baseptr", "a full tree", ext(1)));
    exts[0].arg1.mfn = 0;
    EXPECT_OK(WORST("mmuext_op: new_user_baseptr", "from a full tree", ext(1)));
}

static void ext_one(const char *name, const char *with, unsigned cmd, unsigned long a, unsigned long b)
{
    for (unsigned i = 0; i < 512; i++) {
        exts[i] = (struct mmuext_op){ .cmd = cmd, .arg1.linear_addr = a };
        exts[i].arg2.src_mfn = b;
    }
    EXPECT_OK(WORST(name, with, ext(512)));
}

static void exts_other(void)
{
    unsigned long other = pfn_to_mfn(pfn_alloc());

    ext_one("mmuext_op: clear_page", "512 times", MMUEXT_CLEAR_PAGE, other, 0);
    ext_one("mmuext_op: copy_page", "512 times", MMUEXT_COPY_PAGE, other, data_mfn);
    ext_one("mmuext_op: tlb_flush_multi", "512 times", MMUEXT_TLB_FLUSH_MULTI, 0, (unsigned long)buffer);
    ext_one("mmuext_op: invlpg_all", "512 times", MMUEXT_INVLPG_ALL, VA, 0);
    ext_one("mmuext_op: flush_cache", "512 times", MMUEXT_FLUSH_CACHE, 0, 0);
    ext_one("mmuext_op: flush_cache_global", "512 times", MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0);
    ext_one("mmuext_op: tlb_flush_local", "512 times", MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
    ext_one("mmuext_op: tlb_flush_all", "512 times", MMUEXT_TLB_FLUSH_ALL, 0, 0);
    ext_one("mmuext_op: invlpg_local", "512 times", MMUEXT_INVLPG_LOCAL, VA, 0);
    ext_one("mmuext_op: invlpg_multi", "512 times", MMUEXT_INVLPG_MULTI, VA, (unsigned long)buffer);
}

/* ---- Descriptors ---- */

static void gdt_make(unsigned long *mfns)
{
    for (unsigned i = 0; i < 14; i++) {
        uint64_t *page = page_alloc();

        for (unsigned j = 0; j < 512; j++)
            page[j] = 0x00cf9b000000ffff; /* code, the kernel's: must be changed */
        mfns[i] = virt_to_mfn(page);
        REQUIRE(!page_make_ro(page));
    }
}

static void descriptors(void)
{
    static unsigned long mfns[14];
    struct trap_info *t = (struct trap_info *)buffer;

    vcpu_context(&second, 1, vcpu_stop);
    gdt_make(second.gdt_frames);
    second.gdt_ents = 14 * 512;
    EXPECT_OK(WORST("vcpu_op: initialise", "a GDT of 14 full pages", vcpu_op(VCPUOP_initialise, 1, &second)));
    gdt_make(mfns);
    EXPECT_OK(WORST("set_gdt", "14 full pages", hypercall(set_gdt, mfns, 14 * 512)));
    EXPECT_OK(WORST("set_gdt", "14 full pages instead of 14", hypercall(set_gdt, mfns, 14 * 512)));
    EXPECT_OK(WORST("set_gdt", "none instead of 14", hypercall(set_gdt, mfns, 0)));
    EXPECT_OK(WORST("update_descriptor", "", hypercall(update_descriptor, mfns[0] << PAGE_SHIFT, 0x00cffb000000ffff)));
    for (unsigned i = 0; i < 4096; i++)
        t[i] = (struct trap_info){ .vector = (uint8_t)i, .cs = FLAT_KERNEL_CS, .address = 0x1000 };
    EXPECT_OK(WORST("set_trap_table", "4,096 entries", hypercall(set_trap_table, t)));
    EXPECT_OK(WORST("set_trap_table", "none instead of them", hypercall(set_trap_table, NULL)));
    EXPECT_OK(trap_table_set(NULL));
}

/* An LDT of 16 pages full of segments, each of which has been used, and then another. */
static void ldts(void)
{
    static uint64_t ldt[8192] __attribute__((aligned(4096)));

    for (unsigned i = 0; i < 8192; i++)
        ldt[i] = 0x00cff3000000ffff; /* data, user */
    for (unsigned i = 0; i < 16; i++)
        REQUIRE(!page_make_ro(ldt + 512 * i));
    exts[0] = (struct mmuext_op){ .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (unsigned long)ldt, .arg2.nr_ents = 8192 };
    EXPECT_OK(WORST("mmuext_op: set_ldt", "16 full pages", ext(1)));
    EXPECT_OK(WORST("page fault", "an LDT's full page used first", ({
        for (unsigned i = 0; i < 16; i++)
            __asm__ volatile("mov %w0, %%es" :: "r"(i * 4096 + 7));
        0; })));
    __asm__ volatile("mov %w0, %%es" :: "r"(0));
    EXPECT_OK(WORST("mmuext_op: set_ldt", "16 full pages instead of 16 that were used", ext(1)));
    exts[0].arg2.nr_ents = 0;
    EXPECT_OK(WORST("mmuext_op: set_ldt", "none", ext(1)));
}

/* ---- Callbacks, and the ways into the guest and out of it ---- */

static bool go_on(struct regs *r)
{
    (void)r;
    return true;
}

USER_ASM(user_breakpoint, "int3");

static void callbacks(void)
{
    static const struct { const char *row; unsigned type; int entry; } types[] = {
        { "callback_op: event", CALLBACKTYPE_event, VEC_EVENT }, { "callback_op: failsafe", CALLBACKTYPE_failsafe, VEC_FAILSAFE },
        { "callback_op: syscall", CALLBACKTYPE_syscall, VEC_SYSCALL }, { "callback_op: nmi", CALLBACKTYPE_nmi, VEC_NMI_CB },
        { "callback_op: sysenter", CALLBACKTYPE_sysenter, VEC_SYSENTER }, { "callback_op: syscall32", CALLBACKTYPE_syscall32, VEC_SYSCALL32 },
    };
    struct callback_unregister gone = { .type = CALLBACKTYPE_nmi };
    struct xennmi_callback nmi = { .handler_address = trap_entry(VEC_NMI_CB) };

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        struct callback_register r = { .type = (uint16_t)types[i].type, .address = trap_entry(types[i].entry) };

        EXPECT_OK(WORST(types[i].row, "", hypercall(callback_op, CALLBACKOP_register, &r)));
    }
    EXPECT_OK(WORST("callback_op: nmi", "unregistered", hypercall(callback_op, CALLBACKOP_unregister, &gone)));
    EXPECT_OK(WORST("set_callbacks", "", hypercall(set_callbacks, trap_entry(VEC_EVENT), trap_entry(VEC_FAILSAFE), trap_entry(VEC_SYSCALL))));
    EXPECT_OK(WORST("stack_switch", "", hypercall(stack_switch, FLAT_KERNEL_SS, user_trap_stack[0] + STACK_SIZE)));
    EXPECT_OK(WORST("nmi_op: register_callback", "", hypercall(nmi_op, XENNMI_register_callback, &nmi)));
    EXPECT_OK(WORST("nmi_op: unregister_callback", "", hypercall(nmi_op, XENNMI_unregister_callback, NULL)));
}

static void irets(void)
{
    struct regs r;

    trap_handle(VEC_BP, go_on);
    EXPECT_OK(WORST("iret", "in the kernel", ({ __asm__ volatile("int3"); 0; })));
    trap_handle(VEC_BP, NULL);
    user_init();
    USER_CODE_SET(user_breakpoint);
    user_regs(&r);
    EXPECT_EQUAL(WORST("iret", "to user mode", user_run(&r)), VEC_BP);
}

static void second_vcpu(void)
{
    struct vcpu_register_vcpu_info info = { .mfn = virt_to_mfn(page_alloc()) };
    struct vcpu_set_singleshot_timer once = { .timeout_abs_ns = 1 };
    struct vcpu_set_periodic_timer often = { .period_ns = 1000000 };
    struct vcpu_get_physid id;

    EXPECT_OK(WORST("vcpu_op: register_vcpu_info", "", vcpu_op(VCPUOP_register_vcpu_info, 1, &info)));
    EXPECT_OK(WORST("vcpu_op: up", "", vcpu_op(VCPUOP_up, 1, NULL)));
    EXPECT_EQUAL(WORST("vcpu_op: is_up", "", vcpu_op(VCPUOP_is_up, 0, NULL)), 1);
    EXPECT_OK(WORST("vcpu_op: down", "", ({
        for (unsigned i = 0; i < 1000 && vcpu_op(VCPUOP_is_up, 1, NULL); i++)
            hypercall(sched_op, SCHEDOP_yield);
        vcpu_op(VCPUOP_is_up, 1, NULL); })));
    EXPECT_OK(WORST("vcpu_op: send_nmi", "", vcpu_op(VCPUOP_send_nmi, 1, NULL)));
    EXPECT_OK(WORST("vcpu_op: set_singleshot_timer", "", vcpu_op(VCPUOP_set_singleshot_timer, 0, &once)));
    EXPECT_OK(WORST("vcpu_op: stop_singleshot_timer", "", vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL)));
    EXPECT_OK(WORST("vcpu_op: set_periodic_timer", "", vcpu_op(VCPUOP_set_periodic_timer, 0, &often)));
    EXPECT_OK(WORST("vcpu_op: get_physid", "", vcpu_op(VCPUOP_get_physid, 0, &id)));
}

/* ---- Memory ---- */

static long memory(unsigned op, unsigned long n, unsigned order, domid_t id)
{
    struct xen_memory_reservation r = { .nr_extents = n, .extent_order = order, .domid = id };

    set_xen_guest_handle(r.extent_start, list);
    return hypercall(memory_op, op, &r);
}

static void reservations(void)
{
    for (unsigned i = 0; i < MANY; i++)
        list[i] = 0x40000 + i;
    EXPECT_EQUAL(WORST("memory_op: populate_physmap", "4,096 pages", memory(XENMEM_populate_physmap, MANY, 0, DOMID_SELF)), MANY);
    EXPECT_EQUAL(WORST("memory_op: decrease_reservation", "4,096 pages", memory(XENMEM_decrease_reservation, MANY, 0, DOMID_SELF)), MANY);
    EXPECT_EQUAL(WORST("memory_op: increase_reservation", "64 extents, the largest", memory(XENMEM_increase_reservation, 64, ORDER, DOMID_SELF)), 64);
    EXPECT_EQUAL(WORST("memory_op: decrease_reservation", "64 extents, the largest", memory(XENMEM_decrease_reservation, 64, ORDER, DOMID_SELF)), 64);
    for (unsigned i = 0; i < 64; i++)
        list[i] = 0x40000 + (i << ORDER);
    EXPECT_EQUAL(WORST("memory_op: populate_physmap", "64 extents, the largest", memory(XENMEM_populate_physmap, 64, ORDER, DOMID_SELF)), 64);
    EXPECT_EQUAL(WORST("memory_op: populate_physmap", "larger than is allowed", memory(XENMEM_populate_physmap, 1, ORDER + 1, DOMID_SELF)), 0);
}

static long exchange(unsigned n_in, unsigned order_in, unsigned n_out, unsigned order_out)
{
    struct xen_memory_exchange x = { .in = { .nr_extents = n_in, .extent_order = order_in, .domid = DOMID_SELF },
                                     .out = { .nr_extents = n_out, .extent_order = order_out, .domid = DOMID_SELF } };

    set_xen_guest_handle(x.in.extent_start, list);
    set_xen_guest_handle(x.out.extent_start, pfns);
    return hypercall(memory_op, XENMEM_exchange, &x);
}

/* list has 64 extents, from the above. */
static void exchanges(void)
{
    for (unsigned i = 0; i < MANY; i++)
        pfns[i] = 0x40000 + i;
    EXPECT_OK(WORST("memory_op: exchange", "the largest extents for single pages", exchange(4, ORDER, 4u << ORDER, 0)));
    memcpy(list, pfns, sizeof(list));
    EXPECT_OK(WORST("memory_op: exchange", "single pages for the largest extents", exchange(4u << ORDER, 0, 4, ORDER)));
    memcpy(list, pfns, sizeof(list));
    EXPECT_OK(WORST("memory_op: exchange", "the largest extents for such", exchange(4, ORDER, 4, ORDER)));
    memcpy(list, pfns, sizeof(list));
    EXPECT_REFUSED(WORST("memory_op: exchange", "larger ones than there may be", exchange(1, ORDER + 1, 2, ORDER)));
}

static void memory_lists(void)
{
    struct xen_machphys_mfn_list l = { .max_extents = MANY };
    struct xen_foreign_memory_map f = { .domid = DOMID_SELF, .map.nr_entries = 1024 };
    struct xen_memory_map m = { .nr_entries = 1024 };
    struct xen_machphys_mapping mapping;

    set_xen_guest_handle(l.extent_start, pfns);
    EXPECT_OK(WORST("memory_op: machphys_mfn_list", "4,096 places", hypercall(memory_op, XENMEM_machphys_mfn_list, &l)));
    set_xen_guest_handle(f.map.buffer, (void *)buffer);
    EXPECT_OK(WORST("memory_op: set_memory_map", "1,024 entries", hypercall(memory_op, XENMEM_set_memory_map, &f)));
    set_xen_guest_handle(m.buffer, (void *)buffer);
    EXPECT_OK(WORST("memory_op: memory_map", "1,024 entries", hypercall(memory_op, XENMEM_memory_map, &m)));
    EXPECT_OK(WORST("memory_op: machphys_mapping", "", hypercall(memory_op, XENMEM_machphys_mapping, &mapping)));
    EXPECT_OK(WORST("memory_op: machine_memory_map", "1,024 places", hypercall(memory_op, XENMEM_machine_memory_map, &m)));
}

/* ---- Grants ---- */

static struct gnttab_map_grant_ref maps[MANY];
static struct gnttab_unmap_grant_ref unmaps[MANY];
static struct gnttab_copy copies[512];

static long grant(unsigned op, void *arg, unsigned n)
{
    return hypercall(grant_table_op, op, arg, n);
}

static void grant_maps_many(void)
{
    for (unsigned i = 0; i < 400; i++)
        grant_v1_set(8 + i, 0, data_mfn, GTF_permit_access);
    for (unsigned i = 0; i < MANY; i++)
        maps[i] = (struct gnttab_map_grant_ref){ .host_addr = MAP_VA + i * PAGE_SIZE, .ref = 8 + i % 400, .flags = GNTMAP_host_map };
    EXPECT_OK(WORST("grant_table_op: map_grant_ref", "4,096", grant(GNTTABOP_map_grant_ref, maps, MANY)));
    EXPECT_EQUAL(maps[MANY - 1].status, GNTST_okay);
    for (unsigned i = 0; i < MANY; i++)
        unmaps[i] = (struct gnttab_unmap_grant_ref){ .host_addr = maps[i].host_addr, .handle = maps[i].handle };
    EXPECT_OK(WORST("grant_table_op: unmap_grant_ref", "4,096", grant(GNTTABOP_unmap_grant_ref, unmaps, MANY)));
    EXPECT_EQUAL(unmaps[MANY - 1].status, GNTST_okay);
}

static void grant_copies(void)
{
    unsigned long to = pfn_to_mfn(pfn_alloc());

    for (unsigned i = 0; i < 512; i++) {
        copies[i] = (struct gnttab_copy){ .source = { .u.ref = 8 + i % 400, .domid = DOMID_SELF }, .dest = { .domid = DOMID_SELF },
                                          .len = PAGE_SIZE, .flags = GNTCOPY_source_gref };
        copies[i].dest.u.gmfn = to;
    }
    EXPECT_OK(WORST("grant_table_op: copy", "512 whole pages", grant(GNTTABOP_copy, copies, 512)));
    EXPECT_EQUAL(copies[511].status, GNTST_okay);
    for (unsigned i = 0; i < 512; i++) {
        copies[i].source.offset = copies[i].dest.offset = 1;
        copies[i].len = PAGE_SIZE - 1;
        copies[i].flags = 0;
        copies[i].source.u.gmfn = copies[i].dest.u.gmfn = to;
        copies[i].source.offset = 0;
    }
    EXPECT_OK(WORST("grant_table_op: copy", "512 overlapping pages", grant(GNTTABOP_copy, copies, 512)));
    EXPECT_EQUAL(copies[511].status, GNTST_okay);
}

static void grant_others(void)
{
    static struct gnttab_transfer t[256];
    static gnttab_swap_grant_ref_t swap = { .ref_a = 8, .ref_b = 9 };
    static struct gnttab_unmap_and_replace r[256];

    EXPECT_OK(WORST("grant_table_op: swap_grant_ref", "", grant(GNTTABOP_swap_grant_ref, &swap, 1)));
    EXPECT_OK(grant(GNTTABOP_map_grant_ref, maps, 256));
    for (unsigned i = 0; i < 256; i++)
        REQUIRE(!map_page(NULL, maps[256 + i].host_addr, data_mfn, PTE_RW));
    for (unsigned i = 0; i < 256; i++)
        r[i] = (struct gnttab_unmap_and_replace){ .host_addr = maps[i].host_addr, .new_addr = maps[256 + i].host_addr, .handle = maps[i].handle };
    EXPECT_OK(WORST("grant_table_op: unmap_and_replace", "256", grant(GNTTABOP_unmap_and_replace, r, 256)));
    EXPECT_EQUAL(r[255].status, GNTST_okay);
    for (unsigned i = 0; i < 256; i++) {
        grant_v1_set(8 + i, 0, 0x40000, GTF_accept_transfer);
        t[i] = (struct gnttab_transfer){ .mfn = pfn_to_mfn(pfn_alloc()), .domid = 0, .ref = 8 + i };
    }
    EXPECT_OK(WORST("grant_table_op: transfer", "256", grant(GNTTABOP_transfer, t, 256)));
    EXPECT_EQUAL(t[255].status, GNTST_okay);
}

static void grant_tables(void)
{
    struct gnttab_query_size q = { .dom = DOMID_SELF };
    struct gnttab_setup_table setup = { .dom = DOMID_SELF };
    gnttab_get_status_frames_t g = { .dom = DOMID_SELF };
    gnttab_cache_flush_t c = { .a.dev_bus_addr = data_mfn << PAGE_SHIFT, .length = PAGE_SIZE, .op = GNTTAB_CACHE_CLEAN };
    struct gnttab_set_version v = { .version = 2 };
    gnttab_get_version_t got = { .dom = DOMID_SELF };

    EXPECT_OK(WORST("grant_table_op: query_size", "", grant(GNTTABOP_query_size, &q, 1)));
    EXPECT_OK(WORST("grant_table_op: get_version", "", grant(GNTTABOP_get_version, &got, 1)));
    setup.nr_frames = q.max_nr_frames;
    set_xen_guest_handle(setup.frame_list, pfns);
    EXPECT_OK(WORST("grant_table_op: setup_table", "all frames", grant(GNTTABOP_setup_table, &setup, 1)));
    EXPECT_EQUAL(setup.status, GNTST_okay);
    EXPECT_OK(WORST("grant_table_op: cache_flush", "a page", grant(GNTTABOP_cache_flush, &c, 1)));
    for (unsigned i = 0; i < 512; i++)
        grant_v1_clear(i);
    EXPECT_OK(WORST("grant_table_op: set_version", "2, all frames", grant(GNTTABOP_set_version, &v, 1)));
    g.nr_frames = 8;
    set_xen_guest_handle(g.frame_list, pfns);
    EXPECT_OK(WORST("grant_table_op: get_status_frames", "8", grant(GNTTABOP_get_status_frames, &g, 1)));
    v.version = 1;
    EXPECT_OK(WORST("grant_table_op: set_version", "1, all frames", grant(GNTTABOP_set_version, &v, 1)));
}

/* ---- Events and scheduling ---- */

#define PORT(op, arguments, ...) ({                                                                    \
    struct evtchn_##op x = { __VA_ARGS__ };                                                            \
    EXPECT_OK(WORST("event_channel_op: " #op, arguments, hypercall(event_channel_op, EVTCHNOP_##op, &x))); \
    x; })

/* What is done with ports when there are many. */
static void ports_beyond(void)
{
    struct evtchn_bind_ipi ipi = PORT(bind_ipi, "beside 4,000 others", .vcpu = 0);
    struct evtchn_bind_virq virq = PORT(bind_virq, "beside 4,000 others", .virq = VIRQ_DEBUG);
    struct evtchn_bind_pirq pirq = PORT(bind_pirq, "beside 4,000 others", .pirq = 11, .flags = BIND_PIRQ__WILL_SHARE);
    struct evtchn_alloc_unbound unbound = PORT(alloc_unbound, "beside 4,000 others", .dom = DOMID_SELF, .remote_dom = DOMID_SELF);
    struct evtchn_bind_interdomain both = PORT(bind_interdomain, "beside 4,000 others", .remote_dom = DOMID_SELF, .remote_port = unbound.port);
    evtchn_op_t old = { .cmd = EVTCHNOP_send, .u.send.port = ipi.port };

    PORT(status, "", .dom = DOMID_SELF, .port = both.local_port);
    PORT(bind_vcpu, "", .port = both.local_port, .vcpu = 1);
    PORT(bind_vcpu, "an interrupt's", .port = pirq.port, .vcpu = 0);
    PORT(send, "", .port = both.local_port);
    PORT(unmask, "", .port = unbound.port);
    EXPECT_OK(WORST("event_channel_op_compat", "send", hypercall(event_channel_op_compat, &old)));
    PORT(close, "with a peer", .port = both.local_port);
    PORT(close, "an interrupt's", .port = pirq.port);
    PORT(close, "a VIRQ's", .port = virq.port);
    for (unsigned i = EVENTS_MAX; i < 4096; i++) { /* our upcall does not look so far */
        event_mask(i);
        event_clear(i);
    }
}

static void waits(void)
{
    static const struct sched_shutdown code = { .reason = SHUTDOWN_poweroff };
    struct sched_watchdog dog = { .timeout = 3600 };
    struct sched_pin_override pin = { .pcpu = 0 };
    long timer = event_bind_virq(VIRQ_TIMER, 0);

    EXPECT_OK(WORST("sched_op: yield", "", hypercall(sched_op, SCHEDOP_yield)));
    EXPECT_OK(WORST("sched_op_compat", "yield", hypercall(sched_op_compat, SCHEDOP_yield)));
    REQUIRE(timer > 0);
    event_unmask((unsigned)timer);
    REQUIRE(!hypercall(set_timer_op, time_now() + 1000000));
    EXPECT_OK(WORST("sched_op: block", "", hypercall(sched_op, SCHEDOP_block)));
    REQUIRE(!hypercall(set_timer_op, time_now() + 1000000));
    EXPECT_OK(WORST("sched_op_compat", "block", hypercall(sched_op_compat, SCHEDOP_block)));
    events_off();
    EXPECT_OK(event_close((unsigned)timer));
    EXPECT_OK(WORST("sched_op: shutdown_code", "", hypercall(sched_op, SCHEDOP_shutdown_code, &code)));
    EXPECT_EQUAL(hypercall(sched_op, SCHEDOP_watchdog, &dog), 1);
    EXPECT_EQUAL(WORST("sched_op: watchdog", "the second", hypercall(sched_op, SCHEDOP_watchdog, &dog)), 2);
    dog.timeout = 0;
    for (dog.id = 1; dog.id < 3; dog.id++)
        EXPECT_OK(WORST("sched_op: watchdog", "none any more", hypercall(sched_op, SCHEDOP_watchdog, &dog)));
    EXPECT_OK(WORST("sched_op: pin_override", "", hypercall(sched_op, SCHEDOP_pin_override, &pin)));
    pin.pcpu = -1;
    EXPECT_OK(WORST("sched_op: pin_override", "none any more", hypercall(sched_op, SCHEDOP_pin_override, &pin)));
}

static void events(void)
{
    static evtchn_port_t ports[128];
    struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_reset r = { .dom = DOMID_SELF };
    struct sched_poll p = { .nr_ports = 128, .timeout = 1 };
    unsigned n;
    long rc = 0;

    EXPECT_OK(WORST("event_channel_op: alloc_unbound", "till there are 4,000", ({
        for (n = 0; n < 4000 && !rc; n++)
            rc = hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &a);
        rc; })));
    for (unsigned i = 0; i < 128; i++)
        ports[i] = a.port - i;
    set_xen_guest_handle(p.ports, ports);
    EXPECT_OK(WORST("sched_op: poll", "128 ports", hypercall(sched_op, SCHEDOP_poll, &p)));
    ports_beyond();
    EXPECT_OK(WORST("event_channel_op: reset", "4,000 ports", hypercall(event_channel_op, EVTCHNOP_reset, &r)));
    waits();
}

static void fifo(void)
{
    struct evtchn_init_control c = { .control_gfn = virt_to_mfn(page_alloc()), .vcpu = 0 };
    struct evtchn_expand_array e = { 0 };
    struct evtchn_bind_ipi ipi;
    struct evtchn_reset r = { .dom = DOMID_SELF };

    EXPECT_OK(WORST("event_channel_op: init_control", "", hypercall(event_channel_op, EVTCHNOP_init_control, &c)));
    e.array_gfn = virt_to_mfn(page_alloc());
    EXPECT_OK(WORST("event_channel_op: expand_array", "", hypercall(event_channel_op, EVTCHNOP_expand_array, &e)));
    ipi = PORT(bind_ipi, "FIFO", .vcpu = 0);
    PORT(set_priority, "", .port = ipi.port, .priority = 3);
    PORT(unmask, "FIFO", .port = ipi.port);
    PORT(send, "FIFO", .port = ipi.port);
    PORT(close, "FIFO, in its queue", .port = ipi.port);
    EXPECT_OK(WORST("event_channel_op: reset", "from FIFO", hypercall(event_channel_op, EVTCHNOP_reset, &r)));
}

/* ---- The machine ---- */

static void consoles(void)
{
    memset(buffer, ' ', sizeof(buffer));
    for (unsigned i = 0; i < 64; i++)
        buffer[i] = '\n';
    EXPECT_OK(WORST("console_io: write", "2 KiB, new lines first", hypercall(console_io, CONSOLEIO_write, 2048, buffer)));
    EXPECT_OK(WORST("console_io: read", "16 KiB", hypercall(console_io, CONSOLEIO_read, 16384, buffer)));
    EXPECT_OK(WORST("sysctl: readconsole", "64 KiB", SYSCTL(readconsole, U.readconsole.count = 65536; U.readconsole.buffer.p = buffer)));
}

static void sysctls(void)
{
    EXPECT_OK(WORST("sysctl: physinfo", "", SYSCTL(physinfo)));
    EXPECT_OK(WORST("sysctl: availheap", "", SYSCTL(availheap, U.availheap.node = -1)));
    EXPECT_OK(WORST("sysctl: sched_id", "", SYSCTL(sched_id)));
    EXPECT_OK(WORST("sysctl: get_cpu_levelling_caps", "", SYSCTL(get_cpu_levelling_caps)));
    EXPECT_OK(WORST("sysctl: get_pmstat", "C-states", SYSCTL(get_pmstat, U.get_pmstat.type = PMSTAT_get_cxstat; U.get_pmstat.u.getcx.nr = 64;
                    U.get_pmstat.u.getcx.triggers.p = (void *)buffer; U.get_pmstat.u.getcx.residencies.p = (void *)(buffer + 65536))));
    EXPECT_OK(WORST("sysctl: pm_op", "the deepest C-state", SYSCTL(pm_op, U.pm_op.cmd = XEN_SYSCTL_pm_op_set_max_cstate; U.pm_op.u.set_max_cstate = 3)));
    EXPECT_OK(WORST("sysctl: scheduler_op", "another rate limit", SYSCTL(scheduler_op, U.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
                    U.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_putinfo; U.scheduler_op.u.sched_credit2.ratelimit_us = 1000)));
    EXPECT_OK(WORST("sysctl: getcpuinfo", "4,096 places", SYSCTL(getcpuinfo, U.getcpuinfo.max_cpus = MANY; U.getcpuinfo.info.p = (void *)buffer)));
    EXPECT_OK(WORST("sysctl: cputopoinfo", "4,096 places", SYSCTL(cputopoinfo, U.cputopoinfo.num_cpus = MANY; U.cputopoinfo.cputopo.p = (void *)buffer)));
    EXPECT_OK(WORST("sysctl: numainfo", "64 places", SYSCTL(numainfo, U.numainfo.num_nodes = 64; U.numainfo.meminfo.p = (void *)buffer;
                    U.numainfo.distance.p = (void *)(buffer + 65536))));
    memset(buffer, 0, sizeof(buffer));
    EXPECT_OK(WORST("sysctl: pcitopoinfo", "4,096 devices", SYSCTL(pcitopoinfo, U.pcitopoinfo.num_devs = MANY; U.pcitopoinfo.devs.p = (void *)buffer;
                    U.pcitopoinfo.nodes.p = (void *)(buffer + 65536))));
    EXPECT_OK(WORST("sysctl: get_cpu_policy", "all leaves", SYSCTL(get_cpu_policy, U.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_max;
                    U.cpu_policy.leaves.p = (void *)buffer; U.cpu_policy.nr_leaves = 256)));
    EXPECT_OK(WORST("sysctl: get_cpu_featureset", "", SYSCTL(get_cpu_featureset, U.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_host;
                    U.cpu_featureset.features.p = (void *)buffer; U.cpu_featureset.nr_features = 64)));
    EXPECT_OK(WORST("sysctl: perfc_op", "all counters", SYSCTL(perfc_op, U.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
          U.perfc_op.desc.p = (void *)buffer; U.perfc_op.val.p = (void *)(buffer + 524288))));
    EXPECT_OK(WORST("sysctl: page_offline_op", "128 pages, asked", SYSCTL(page_offline_op, U.page_offline.cmd = sysctl_query_page_offline;
          U.page_offline.start = 0x8000; U.page_offline.end = 0x807f; U.page_offline.status.p = (void *)buffer)));
    EXPECT_OK(WORST("sysctl: page_offline_op", "128 pages, offline", SYSCTL(page_offline_op, U.page_offline.cmd = sysctl_page_offline;
          U.page_offline.start = 0x50000; U.page_offline.end = 0x5007f; U.page_offline.status.p = (void *)buffer)));
    EXPECT_OK(WORST("sysctl: page_offline_op", "128 pages, online", SYSCTL(page_offline_op, U.page_offline.cmd = sysctl_page_online;
          U.page_offline.start = 0x50000; U.page_offline.end = 0x5007f; U.page_offline.status.p = (void *)buffer)));
    EXPECT_OK(WORST("sysctl: tbuf_op", "size of 64 pages", SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_set_size; U.tbuf_op.size = 64)));
}

static long platform(xen_platform_op_t *p, unsigned cmd)
{
    p->cmd = cmd;
    p->interface_version = XENPF_INTERFACE_VERSION;
    return hypercall(platform_op, p);
}

static void platforms(void)
{
    static const char root[] = "/params", level[] = "/params/guest_loglvl";
    xen_platform_op_t p = { .u.getidletime = { .cpumap_nr_cpus = 256 } };
    unsigned last = 0;

    memset(buffer, 0xff, PAGE_SIZE);
    set_xen_guest_handle(p.u.getidletime.cpumap_bitmap, (uint8_t *)buffer);
    set_xen_guest_handle(p.u.getidletime.idletime, (uint64_t *)(buffer + PAGE_SIZE));
    EXPECT_OK(WORST("platform_op: getidletime", "256 CPUs", platform(&p, XENPF_getidletime)));
    memset(&p.u, 0, sizeof(p.u));
    p.u.symdata.namelen = 127;
    set_xen_guest_handle(p.u.symdata.name, buffer);
    for (unsigned step = 8192; step; step /= 2) {
        p.u.symdata.symnum = last + step;
        EXPECT_OK(platform(&p, XENPF_get_symbol));
        last = p.u.symdata.symnum == last + step ? last : last + step;
    }
    p.u.symdata.symnum = last;
    EXPECT_OK(WORST("platform_op: get_symbol", "the last one", platform(&p, XENPF_get_symbol)));
    EXPECT_EQUAL(p.u.symdata.symnum, last + 1);
    EXPECT_OK(WORST("hypfs_op: read", "a directory", hypercall(hypfs_op, XEN_HYPFS_OP_read, root, sizeof(root), buffer, sizeof(buffer))));
    EXPECT_OK(WORST("hypfs_op: write_contents", "", hypercall(hypfs_op, XEN_HYPFS_OP_write_contents, level, sizeof(level), "all", 4)));
    EXPECT_EQUAL(WORST("hypfs_op: get_version", "", hypercall(hypfs_op, XEN_HYPFS_OP_get_version, NULL, 0, NULL, 0)), 1);
}

#define PLATFORM(op, arguments, ...) ({                                                               \
    memset(&p, 0, sizeof(p));                                                                          \
    __VA_ARGS__;                                                                                       \
    WORST("platform_op: " #op, arguments, platform(&p, XENPF_##op)); })

/* What is short: all that it could be long with is in the machine. */
static void platforms_short(void)
{
    static uint32_t capabilities[3] = { 1, 1 };
    static xenpf_resource_entry_t entry[3] = { { .idx = 0x10 }, { .idx = 0x10 }, { .idx = 0x10 } }; /* the TSC */
    xen_platform_op_t p;
    uint32_t reg;

    EXPECT_OK(PLATFORM(settime64, "", p.u.settime64.secs = 1700000000));
    EXPECT_OK(PLATFORM(settime32, "", p.u.settime32.secs = 1700000000));
    EXPECT_OK(PLATFORM(add_memtype, "", p.u.add_memtype.mfn = 0xf8000; p.u.add_memtype.nr_mfns = 0x100; p.u.add_memtype.type = 1));
    reg = p.u.add_memtype.reg;
    EXPECT_OK(PLATFORM(read_memtype, "", p.u.read_memtype.reg = reg));
    EXPECT_OK(PLATFORM(del_memtype, "", p.u.del_memtype.reg = reg));
    EXPECT_OK(PLATFORM(platform_quirk, "", p.u.platform_quirk.quirk_id = QUIRK_NOIRQBALANCING));
    EXPECT_OK(PLATFORM(firmware_info, "the keyboard", p.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS));
    EXPECT_OK(PLATFORM(set_processor_pminfo, "", p.u.set_pminfo.type = XEN_PM_PDC; set_xen_guest_handle(p.u.set_pminfo.u.pdc, capabilities)));
    EXPECT_OK(PLATFORM(get_cpuinfo, ""));
    EXPECT_OK(PLATFORM(get_cpu_version, ""));
    EXPECT_OK(PLATFORM(cpu_online, "that is", p.u.cpu_ol.cpuid = 0));
    EXPECT_OK(PLATFORM(core_parking, "", p.u.core_parking.type = XEN_CORE_PARKING_GET));
    EXPECT_EQUAL(PLATFORM(resource_op, "three entries", p.u.resource_op.nr_entries = 3; set_xen_guest_handle(p.u.resource_op.entries, entry)), 3);
}

#define SOFTWARE_ONE 0xb400000000000000ul /* valid, not corrected, enabled, with an address */

#define MCA(op, arguments, ...) ({                                                                    \
    memset(&x, 0, sizeof(x));                                                                          \
    __VA_ARGS__;                                                                                       \
    x.cmd = XEN_MC_##op;                                                                               \
    x.interface_version = XEN_MCA_INTERFACE_VERSION;                                                   \
    EXPECT_OK(WORST("mca: " #op, arguments, hypercall(mca, &x))); })

static const uint64_t error_registers[][2] = { { 0x17a, 5 }, { 0x401 + 4 * 2, SOFTWARE_ONE }, { 0x402 + 4 * 2, 0x12345000 } };

static void machine_checks(void)
{
    struct xen_mc x;

    MCA(physcpuinfo, "256 places", x.u.mc_physcpuinfo.ncpus = 256; set_xen_guest_handle(x.u.mc_physcpuinfo.info, (xen_mc_logical_cpu_t *)buffer));
    for (unsigned twice = 0; twice < 2; twice++) {
        MCA(msrinject, "", x.u.mc_msrinject.mcinj_flags = MC_MSRINJ_F_INTERPOSE; x.u.mc_msrinject.mcinj_count = ARRAY_SIZE(error_registers);
            for (unsigned i = 0; i < ARRAY_SIZE(error_registers); i++) {
                x.u.mc_msrinject.mcinj_msr[i].reg = error_registers[i][0];
                x.u.mc_msrinject.mcinj_msr[i].value = error_registers[i][1];
            });
        if (twice)
            MCA(inject_v2, "the exception", x.u.mc_inject_v2.flags = XEN_MC_INJECT_TYPE_MCE | XEN_MC_INJECT_CPU_BROADCAST);
        else
            MCA(mceinject, "");
        MCA(fetch, "a record", x.u.mc_fetch.flags = XEN_MC_URGENT; set_xen_guest_handle(x.u.mc_fetch.data, (struct mc_info *)buffer));
        EXPECT_EQUAL(x.u.mc_fetch.flags, XEN_MC_OK);
        MCA(fetch, "a record is done with", x.u.mc_fetch.flags = XEN_MC_URGENT | XEN_MC_ACK);
    }
    MCA(inject_v2, "a look in passing", x.u.mc_inject_v2.flags = XEN_MC_INJECT_TYPE_CMCI | XEN_MC_INJECT_CPU_BROADCAST);
}

/* ---- Interrupts and devices ---- */

#define PHYSDEV(op, arguments, type, ...) ({                                                          \
    struct physdev_##type x = { __VA_ARGS__ };                                                         \
    EXPECT_OK(WORST("physdev_op: " #op, arguments, hypercall(physdev_op, PHYSDEVOP_##op, &x)));        \
    x; })

static void interrupts(void)
{
    struct physdev_op old = { .cmd = PHYSDEVOP_set_iopl, .u.set_iopl.iopl = 1 };
    struct physdev_apic apic;
    long n = 0;

    PHYSDEV(set_iopl, "", set_iopl, .iopl = 1);
    EXPECT_OK(WORST("physdev_op_compat", "set_iopl", hypercall(physdev_op_compat, &old)));
    PHYSDEV(set_iobitmap, "", set_iobitmap, .nr_ports = 0);
    apic = PHYSDEV(apic_read, "", apic, .apic_physbase = 0xfec00000, .reg = 0x10 + 2 * 3);
    PHYSDEV(apic_write, "an entry as it is", apic, .apic_physbase = 0xfec00000, .reg = 0x10 + 2 * 3, .value = apic.value);
    PHYSDEV(alloc_irq_vector, "", irq, .irq = 5);
    PHYSDEV(setup_gsi, "", setup_gsi, .gsi = 9, .triggering = 1, .polarity = 1);
    PHYSDEV(map_pirq, "a GSI", map_pirq, .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 9, .pirq = 9);
    PHYSDEV(irq_status_query, "", irq_status_query, .irq = 9);
    PHYSDEV(eoi, "", eoi, .irq = 9);
    PHYSDEV(unmap_pirq, "a GSI", unmap_pirq, .domid = DOMID_SELF, .pirq = 9);
    PHYSDEV(pirq_eoi_gmfn_v2, "", pirq_eoi_gmfn, .gmfn = virt_to_mfn(page_alloc()));
    PHYSDEV(dbgp_op, "", dbgp_op, .op = PHYSDEVOP_DBGP_RESET_PREPARE, .bus = PHYSDEVOP_DBGP_BUS_UNKNOWN);
    EXPECT_OK(WORST("physdev_op: irq_unmask_notify", "", hypercall(physdev_op, PHYSDEVOP_IRQ_UNMASK_NOTIFY, NULL)));
    EXPECT_TRUE(WORST("physdev_op: get_free_pirq", "till there is none", ({
        struct physdev_get_free_pirq f = { .type = MAP_PIRQ_TYPE_MSI };

        while (n < 32768 && !hypercall(physdev_op, PHYSDEVOP_get_free_pirq, &f))
            n++;
        n; })) > 0);
    PHYSDEV(map_pirq, "a GSI, and all others are reserved", map_pirq, .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 10, .pirq = -1);
}

/* A device with 150 messages, all of them in use; and one with a single message of the older kind. */
static void messages(void)
{
    int many = pci_find(0x10031af4), one = pci_find(0x11e81234);
    unsigned cap, devfn, pirqs[150];
    uint64_t table;

    REQUIRE(many >= 0 && one >= 0);
    devfn = (unsigned)many;
    pci_enable(devfn);
    cap = pci_cap(devfn, 0x11);
    REQUIRE(cap && (pci_read(devfn, cap) >> 16 & 0x7ff) == 149);
    table = pci_read(devfn, 0x10 + 4 * (pci_read(devfn, cap + 4) & 7)) & ~15u;
    PHYSDEV(pci_device_add, "150 messages", pci_device_add, .devfn = (uint8_t)devfn);
    PHYSDEV(prepare_msix, "150 messages", pci_device, .devfn = (uint8_t)devfn);
    PHYSDEV(release_msix, "150 messages", pci_device, .devfn = (uint8_t)devfn);
    EXPECT_OK(WORST("physdev_op: map_pirq", "150 messages, one after the other", ({
        long pirq = 0;

        for (unsigned i = 0; i < 150 && pirq >= 0; i++) {
            pirq = pirq_map_msi(devfn, i, table);
            pirqs[i] = (unsigned)pirq;
        }
        pirq < 0 ? pirq : 0; })));
    PHYSDEV(restore_msi_ext, "150 messages", pci_device, .devfn = (uint8_t)devfn);
    PHYSDEV(restore_msi, "150 messages", manage_pci, .devfn = (uint8_t)devfn);
    EXPECT_OK(WORST("physdev_op: unmap_pirq", "150 messages, the first one first", ({
        long rc = 0;

        for (unsigned i = 0; i < 150 && !rc; i++)
            rc = pirq_unmap(pirqs[i]);
        rc; })));
    PHYSDEV(pci_device_remove, "150 messages", pci_device, .devfn = (uint8_t)devfn);
    PHYSDEV(manage_pci_add, "", manage_pci, .devfn = (uint8_t)one);
    PHYSDEV(manage_pci_remove, "", manage_pci, .devfn = (uint8_t)one);
    PHYSDEV(manage_pci_add_ext, "", manage_pci_ext, .devfn = (uint8_t)one);
    table = pci_read(0, 0x60) & 0xf0000000u;
    for (unsigned i = 1; i <= 60; i++)
        PHYSDEV(pci_mmcfg_reserved, "many windows", pci_mmcfg_reserved, .address = table, .segment = (uint16_t)i, .end_bus = 255, .flags = XEN_PCI_MMCFG_RESERVED);
    PHYSDEV(pci_device_add, "the last of many segments", pci_device_add, .seg = 60);
    PHYSDEV(pci_mmcfg_reserved, "the last one gone", pci_mmcfg_reserved, .address = table, .segment = 60, .end_bus = 255);
}

/* ---- Domains ---- */

static struct domain d;

static void domain_new(void)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;

    domctl_clear();
    c->max_vcpus = 128;
    c->max_evtchn_port = 131071;
    c->max_grant_frames = 64;
    c->max_maptrack_frames = 1024;
    c->grant_opts = XEN_DOMCTL_GRANT_version(2);
    EXPECT_OK(WORST("domctl: createdomain", "128 vCPUs, all grants", domctl(XEN_DOMCTL_createdomain, 0)));
    d.id = domctl_op.domain;
    domctl_op.u.max_vcpus.max = 128;
    EXPECT_OK(WORST("domctl: max_vcpus", "128", domctl(XEN_DOMCTL_max_vcpus, d.id)));
    domctl_op.u.max_mem.max_memkb = 1 << 20;
    EXPECT_OK(domctl(XEN_DOMCTL_max_mem, d.id));
}

static void domain_memory(void)
{
    struct xen_mem_acquire_resource r = { .domid = d.id, .type = XENMEM_resource_grant_table, .id = XENMEM_resource_grant_table_id_shared,
                                          .frame = 32, .nr_frames = 32 };
    struct xen_memory_reservation claim = { .nr_extents = 65536, .domid = d.id };

    EXPECT_OK(WORST("memory_op: claim_pages", "256 MiB", hypercall(memory_op, XENMEM_claim_pages, &claim)));
    claim.nr_extents = 0;
    EXPECT_OK(WORST("memory_op: claim_pages", "none any more", hypercall(memory_op, XENMEM_claim_pages, &claim)));
    for (unsigned i = 0; i < 192; i++)
        list[i] = i << ORDER;
    EXPECT_EQUAL(WORST("memory_op: populate_physmap", "another's, 192 of the largest", memory(XENMEM_populate_physmap, 192, ORDER, d.id)), 192);
    set_xen_guest_handle(r.frame_list, pfns);
    EXPECT_OK(WORST("memory_op: acquire_resource", "the last 32 grant frames first", hypercall(memory_op, XENMEM_acquire_resource, &r)));
}

static void domain_frames(void)
{
    xen_pfn_t first = list[0];

    for (unsigned i = 0; i < 1024; i++)
        pfns[i] = first + i;
    domctl_clear();
    domctl_op.u.getpageframeinfo3.num = 1024;
    set_xen_guest_handle(domctl_op.u.getpageframeinfo3.array, pfns);
    EXPECT_OK(WORST("domctl: getpageframeinfo3", "1,024", domctl(XEN_DOMCTL_getpageframeinfo3, d.id)));
    domctl_clear();
    domctl_op.u.hypercall_init.gmfn = first;
    EXPECT_OK(WORST("domctl: hypercall_init", "", domctl(XEN_DOMCTL_hypercall_init, d.id)));
}

static void domain_numa(void)
{
    struct xen_domctl_vnuma *a = &domctl_op.u.vnuma;
    struct xen_vnuma_topology_info t = { .domid = d.id, .nr_vnodes = 32, .nr_vcpus = 128, .nr_vmemranges = 170 };

    domctl_clear();
    memset(buffer, 0, sizeof(buffer));
    a->nr_vnodes = 32;
    a->nr_vcpus = 128;
    a->nr_vmemranges = 170;
    set_xen_guest_handle(a->vdistance, (unsigned *)buffer);
    set_xen_guest_handle(a->vcpu_to_vnode, (unsigned *)buffer);
    set_xen_guest_handle(a->vnode_to_pnode, (unsigned *)buffer);
    set_xen_guest_handle(a->vmemrange, (void *)buffer);
    EXPECT_OK(WORST("domctl: setvnumainfo", "32 nodes, 128 vCPUs", domctl(XEN_DOMCTL_setvnumainfo, d.id)));
    set_xen_guest_handle(t.vdistance.h, (void *)buffer);
    set_xen_guest_handle(t.vcpu_to_vnode.h, (void *)buffer);
    set_xen_guest_handle(t.vmemrange.h, (void *)buffer);
    EXPECT_OK(WORST("memory_op: get_vnumainfo", "32 nodes, 128 vCPUs", hypercall(memory_op, XENMEM_get_vnumainfo, &t)));
}

static void domain_policy(void)
{
    struct xen_domctl_cpu_policy *a = &domctl_op.u.cpu_policy;

    xen_cpuid_leaf_t *l = (xen_cpuid_leaf_t *)buffer;
    unsigned n;

    EXPECT_OK(SYSCTL(get_cpu_policy, U.cpu_policy.index = XEN_SYSCTL_cpu_policy_pv_max)); /* how many may there be? */
    n = U.cpu_policy.nr_leaves;
    domctl_clear();
    a->nr_leaves = n;
    set_xen_guest_handle(a->leaves, l);
    EXPECT_OK(WORST("domctl: get_cpu_policy", "all leaves", domctl(XEN_DOMCTL_get_cpu_policy, d.id)));
    for (unsigned i = a->nr_leaves; i < n; i++)
        l[i] = l[a->nr_leaves - 1];
    a->nr_leaves = n;
    a->nr_msrs = 0;
    EXPECT_OK(WORST("domctl: set_cpu_policy", "all leaves, the last one again", domctl(XEN_DOMCTL_set_cpu_policy, d.id)));
}

static long iomem(uint64_t first, uint64_t n, bool allow)
{
    domctl_clear();
    domctl_op.u.iomem_permission.first_mfn = first;
    domctl_op.u.iomem_permission.nr_mfns = n;
    domctl_op.u.iomem_permission.allow_access = allow;
    return domctl(XEN_DOMCTL_iomem_permission, d.id);
}

/* As many ranges as there may be, one more before them, and one that takes them all away. */
static void iomem_many(void)
{
    const uint64_t at = 0x2000000;

    EXPECT_OK(WORST("domctl: iomem_permission", "till there are 4,000 ranges", ({
        long rc = 0;

        for (unsigned i = 1; i < 4000 && !rc; i++)
            rc = iomem(at + 2 * i, 1, true);
        rc; })));
    EXPECT_OK(WORST("domctl: iomem_permission", "a range before 4,000 others", iomem(at, 1, true)));
    EXPECT_OK(WORST("domctl: iomem_permission", "the first of 4,000 ranges away", iomem(at, 1, false)));
    EXPECT_OK(WORST("domctl: iomem_permission", "4,000 ranges away", iomem(at, 8000, false)));
}

/* What goes through all domains, when there are 1,000. */
static void domains_many(void)
{
    static domid_t ids[1000];
    xen_platform_op_t p;

    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
        domctl_clear();
        domctl_op.u.createdomain.max_vcpus = 1;
        domctl_op.u.createdomain.max_evtchn_port = 1023;
        domctl_op.u.createdomain.max_grant_frames = domctl_op.u.createdomain.max_maptrack_frames = 1;
        domctl_op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
        REQUIRE(!domctl(XEN_DOMCTL_createdomain, 0));
        ids[i] = domctl_op.domain;
    }
    EXPECT_OK(PLATFORM(settime64, "1,000 domains", p.u.settime64.secs = 1700000000));
    EXPECT_OK(WORST("sysctl: getdomaininfolist", "1,000 domains", SYSCTL(getdomaininfolist, U.getdomaininfolist.max_domains = 1024;
                    U.getdomaininfolist.buffer.p = (void *)buffer)));
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        REQUIRE(!domctl(XEN_DOMCTL_destroydomain, ids[i]));
}

static void domain_parts(void)
{
    domctl_clear();
    domctl_op.u.ioport_permission.first_port = 0x1000;
    domctl_op.u.ioport_permission.nr_ports = 0xf000;
    domctl_op.u.ioport_permission.allow_access = 1;
    EXPECT_OK(WORST("domctl: ioport_permission", "61,440 ports", domctl(XEN_DOMCTL_ioport_permission, d.id)));
    domctl_clear();
    domctl_op.u.iomem_permission.first_mfn = 0x100000;
    domctl_op.u.iomem_permission.nr_mfns = 1ul << 24;
    domctl_op.u.iomem_permission.allow_access = 1;
    EXPECT_OK(WORST("domctl: iomem_permission", "64 GiB", domctl(XEN_DOMCTL_iomem_permission, d.id)));
    iomem_many();
    domctl_clear();
    domctl_op.u.memory_mapping.first_mfn = domctl_op.u.memory_mapping.first_gfn = 0x100000;
    domctl_op.u.memory_mapping.nr_mfns = 1ul << 24;
    domctl_op.u.memory_mapping.add_mapping = 1;
    EXPECT_OK(WORST("domctl: memory_mapping", "64 GiB", domctl(XEN_DOMCTL_memory_mapping, d.id)));
    domctl_clear();
    EXPECT_OK(WORST("domctl: getdomaininfo", "128 vCPUs", domctl(XEN_DOMCTL_getdomaininfo, d.id)));
    EXPECT_OK(WORST("domctl: unpausedomain", "128 vCPUs", domctl(XEN_DOMCTL_unpausedomain, d.id)));
    EXPECT_OK(WORST("domctl: pausedomain", "128 vCPUs", domctl(XEN_DOMCTL_pausedomain, d.id)));
    domctl_op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    domctl_op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    domctl_op.u.scheduler_op.u.credit2.weight = 300;
    EXPECT_OK(WORST("domctl: scheduler_op", "128 vCPUs", domctl(XEN_DOMCTL_scheduler_op, d.id)));
    EXPECT_OK(WORST("sysctl: getdomaininfolist", "1,024 places", SYSCTL(getdomaininfolist, U.getdomaininfolist.max_domains = 1024;
                    U.getdomaininfolist.buffer.p = (void *)buffer)));
}

#define DOMCTL(op, arguments, ...) ({                                                                 \
    domctl_clear();                                                                                    \
    __VA_ARGS__;                                                                                       \
    EXPECT_OK(WORST("domctl: " #op, arguments, domctl(XEN_DOMCTL_##op, d.id))); })

/* What has little to do with how large a domain is. */
static void domain_little(void)
{
    struct evtchn_alloc_unbound port = { .dom = d.id, .remote_dom = 0 };

    REQUIRE(!hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &port));
    DOMCTL(subscribe, "", domctl_op.u.subscribe.port = port.port);
    DOMCTL(max_mem, "", domctl_op.u.max_mem.max_memkb = 1 << 20);
    DOMCTL(getvcpuinfo, "", domctl_op.u.getvcpuinfo.vcpu = 127);
    DOMCTL(setdomainhandle, "", domctl_op.u.setdomainhandle.handle[0] = 1);
    DOMCTL(setdebugging, "128 vCPUs", domctl_op.u.setdebugging.enable = 1);
    DOMCTL(gdbsx_pausevcpu, "", domctl_op.u.gdbsx_pauseunp_vcpu.vcpu = 127);
    DOMCTL(gdbsx_domstatus, "128 vCPUs");
    DOMCTL(gdbsx_unpausevcpu, "", domctl_op.u.gdbsx_pauseunp_vcpu.vcpu = 127);
    DOMCTL(setdebugging, "128 vCPUs, off", domctl_op.u.setdebugging.enable = 0);
    DOMCTL(irq_permission, "", domctl_op.u.irq_permission.pirq = 10; domctl_op.u.irq_permission.allow_access = 1);
    DOMCTL(settimeoffset, "", domctl_op.u.settimeoffset.time_offset_seconds = 3600);
    DOMCTL(sendtrigger, "an NMI", domctl_op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI);
    DOMCTL(set_address_size, "64", domctl_op.u.address_size.size = 64);
    DOMCTL(get_address_size, "");
    DOMCTL(get_ext_vcpucontext, "", domctl_op.u.ext_vcpucontext.vcpu = 127);
    EXPECT_OK(WORST("domctl: set_ext_vcpucontext", "", domctl(XEN_DOMCTL_set_ext_vcpucontext, d.id)));
    DOMCTL(gettscinfo, "");
    DOMCTL(settscinfo, "made up, 128 vCPUs", domctl_op.u.tsc_info.tsc_mode = 1; domctl_op.u.tsc_info.gtsc_khz = 1000000);
    DOMCTL(set_access_required, "", domctl_op.u.access_required.access_required = 1);
    DOMCTL(set_virq_handler, "", domctl_op.u.set_virq_handler.virq = VIRQ_DOM_EXC);
    domctl_clear();
    domctl_op.u.set_virq_handler.virq = VIRQ_DOM_EXC;
    EXPECT_OK(domctl(XEN_DOMCTL_set_virq_handler, 0));
}

static struct xenctl_bitmap bits(unsigned n)
{
    struct xenctl_bitmap b = { .nr_bits = n };

    set_xen_guest_handle(b.bitmap, (uint8_t *)buffer);
    return b;
}

static void domain_scheduling(void)
{
    struct sched_remote_shutdown down = { .domain_id = d.id, .reason = SHUTDOWN_suspend };

    memset(buffer, 0xff, PAGE_SIZE);
    domctl_clear();
    domctl_op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    domctl_op.u.vcpuaffinity.cpumap_hard = domctl_op.u.vcpuaffinity.cpumap_soft = bits(4096);
    EXPECT_OK(WORST("domctl: setvcpuaffinity", "4,096 CPUs", domctl(XEN_DOMCTL_setvcpuaffinity, d.id)));
    EXPECT_OK(WORST("domctl: getvcpuaffinity", "4,096 CPUs", domctl(XEN_DOMCTL_getvcpuaffinity, d.id)));
    memset(buffer, 0xff, PAGE_SIZE);
    domctl_clear();
    domctl_op.u.nodeaffinity.nodemap = bits(64);
    EXPECT_OK(WORST("domctl: setnodeaffinity", "64 nodes, 128 vCPUs", domctl(XEN_DOMCTL_setnodeaffinity, d.id)));
    domctl_op.u.nodeaffinity.nodemap = bits(64);
    EXPECT_OK(WORST("domctl: getnodeaffinity", "64 nodes", domctl(XEN_DOMCTL_getnodeaffinity, d.id)));
    EXPECT_OK(WORST("sched_op: remote_shutdown", "128 vCPUs", hypercall(sched_op, SCHEDOP_remote_shutdown, &down)));
    EXPECT_OK(WORST("domctl: resumedomain", "128 vCPUs", domctl(XEN_DOMCTL_resumedomain, d.id)));
    EXPECT_OK(WORST("sysctl: cpupool_op", "a new one", SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
                    U.cpupool_op.cpupool_id = XEN_SYSCTL_CPUPOOL_PAR_ANY; U.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2)));
    EXPECT_OK(WORST("sysctl: cpupool_op", "its information", SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
                    U.cpupool_op.cpumap = bits(4096))));
}

/* A domain of one vCPU, whose registers are set with all that can be long about them. */
static void vcpu_registers(void)
{
    static vcpu_guest_context_t c;
    static struct domain one;
    uint64_t *page = (uint64_t *)VA;

    domain_make(&one, buffer, buffer + 16);
    domctl_clear();
    domctl_op.u.max_mem.max_memkb = 1024;
    EXPECT_OK(domctl(XEN_DOMCTL_max_mem, one.id));
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 14, 0, one.id), 14);
    for (unsigned i = 0; i < 14; i++) {
        REQUIRE(!domain_map(&one, VA, list[i], PTE_RW));
        for (unsigned j = 0; j < 512; j++)
            page[j] = 0x00cf9a000000ffff; /* must be changed */
        REQUIRE(!domain_map(&one, VA, 0, 0) && !mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
        c.gdt_frames[i] = list[i];
    }
    REQUIRE(!domain_start(&one));
    domctl_clear();
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &c);
    c.gdt_ents = 14 * 512;
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = one.mfn[6] << PAGE_SHIFT;
    EXPECT_OK(WORST("domctl: setvcpucontext", "a GDT of 14 full pages", domctl(XEN_DOMCTL_setvcpucontext, one.id)));
    EXPECT_OK(WORST("domctl: getvcpucontext", "", domctl(XEN_DOMCTL_getvcpucontext, one.id)));
    domctl_clear();
    domctl_op.u.gdbsx_guest_memio.gva = DOMAIN_DATA;
    domctl_op.u.gdbsx_guest_memio.uva = (unsigned long)buffer;
    domctl_op.u.gdbsx_guest_memio.len = 8192;
    EXPECT_OK(WORST("domctl: gdbsx_guestmemio", "two pages", domctl(XEN_DOMCTL_gdbsx_guestmemio, one.id)));
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuextstate, one.id));
    set_xen_guest_handle(domctl_op.u.vcpuextstate.buffer, (uint64_t *)buffer);
    EXPECT_OK(WORST("domctl: getvcpuextstate", "", domctl(XEN_DOMCTL_getvcpuextstate, one.id)));
    EXPECT_OK(WORST("domctl: setvcpuextstate", "", domctl(XEN_DOMCTL_setvcpuextstate, one.id)));
    domctl_clear();
    domctl_op.u.vcpu_msrs.msr_count = 64;
    set_xen_guest_handle(domctl_op.u.vcpu_msrs.msrs, (xen_domctl_vcpu_msr_t *)buffer);
    EXPECT_OK(WORST("domctl: get_vcpu_msrs", "", domctl(XEN_DOMCTL_get_vcpu_msrs, one.id)));
    EXPECT_OK(WORST("domctl: set_vcpu_msrs", "", domctl(XEN_DOMCTL_set_vcpu_msrs, one.id)));
    EXPECT_OK(domain_destroy(&one));
}

static void domain_end(void)
{
    domctl_clear();
    EXPECT_OK(WORST("domctl: destroydomain", "192 MiB, 128 vCPUs", domctl(XEN_DOMCTL_destroydomain, d.id)));
}

/* What does little whatever it is given. */
static void short_ones(void)
{
    static struct vcpu_runstate_info state;
    struct vcpu_register_runstate_memory_area area = { .addr.v = &state };
    struct xen_hvm_xentrace record = { .event = 1, .extra_bytes = sizeof(record.extra) };
    struct vcpu_time_info *time = (struct vcpu_time_info *)buffer;
    struct vcpu_register_time_memory_area time_area = { .addr.v = time };
    uint64_t *page = page_alloc();

    EXPECT_OK(WORST("vcpu_op: register_runstate_memory_area", "", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area)));
    EXPECT_OK(WORST("vcpu_op: register_vcpu_time_memory_area", "", vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &time_area)));
    EXPECT_OK(WORST("vcpu_op: get_runstate_info", "", vcpu_op(VCPUOP_get_runstate_info, 0, &state)));
    EXPECT_OK(WORST("vcpu_op: stop_periodic_timer", "", vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL)));
    EXPECT_OK(WORST("set_timer_op", "", hypercall(set_timer_op, 1)));
    EXPECT_OK(WORST("set_debugreg", "", hypercall(set_debugreg, 0, 0x1000)));
    EXPECT_EQUAL(WORST("get_debugreg", "", hypercall(get_debugreg, 0)), 0x1000);
    EXPECT_OK(WORST("vm_assist: writable_pagetables", "", hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables)));
    EXPECT_OK(WORST("set_segment_base", "", hypercall(set_segment_base, SEGBASE_FS, 0)));
    EXPECT_OK(WORST("fpu_taskswitch", "", hypercall(fpu_taskswitch, 1)));
    EXPECT_OK(WORST("hvm_op: get_time", "", hypercall(hvm_op, HVMOP_get_time, buffer)));
    EXPECT_OK(WORST("hvm_op: xentrace", "", hypercall(hvm_op, HVMOP_xentrace, &record)));
    EXPECT_OK(WORST("hvm_op: guest_request_vm_event", "", hypercall(hvm_op, HVMOP_guest_request_vm_event, NULL)));
    REQUIRE(!page_make_ro(page));
    REQUIRE(!pin(1, virt_to_mfn(page)));
    EXPECT_OK(WORST("page fault", "a page-table write, carried out", ({ *(volatile uint64_t *)page = pte_make(data_mfn, PTE_RW); 0; })));
}

/* ---- Each operation of all headers, its argument all zeros ---- */

static void *zeros(void)
{
    return memset(buffer, 0, 256);
}

static long each(unsigned nr, unsigned op)
{
    xen_platform_op_t p = { 0 };

    switch (nr) {
    case __HYPERVISOR_sysctl:
        sysctl_begin();
        return sysctl_go(op);
    case __HYPERVISOR_domctl:
        domctl_clear();
        return op == XEN_DOMCTL_destroydomain ? 0 : domctl(op, d.id);
    case __HYPERVISOR_platform_op:
        return platform(&p, op);
    case __HYPERVISOR_vcpu_op:
        return op == VCPUOP_down || op == VCPUOP_send_nmi ? 0 : vcpu_op(op, 0, zeros());
    case __HYPERVISOR_mmuext_op:
        *(struct mmuext_op *)zeros() = (struct mmuext_op){ .cmd = op };
        return hypercall(mmuext_op, buffer, 1, NULL, DOMID_SELF);
    case __HYPERVISOR_grant_table_op: /* the one goes through all entries for a debugger's eyes */
        return op == GNTTABOP_dump_table ? 0 : grant(op, zeros(), 1);
    case __HYPERVISOR_vm_assist:
        return hypercall(vm_assist, VMASST_CMD_enable, op);
    default:
        return hypercall5(nr, op, (long)zeros(), 1, 0, 0);
    }
}

/* Which succeed is said by lines `zeros NAME OPERATION'S NUMBER`. */
static void zero_each(const char *name, unsigned nr)
{
    bool done[128];

    WORST(name, "each operation, all zeros", ({ for (unsigned op = 0; op < 128; op++) done[op] = each(nr, op) >= 0; 0; }));
    for (unsigned op = 0; op < 128; op++)
        if (done[op])
            printf("zeros %s %u\n", name, op);
}

static void zero_all(void)
{
    zero_each("domctl: others", __HYPERVISOR_domctl);
    zero_each("event_channel_op: others", __HYPERVISOR_event_channel_op);
    zero_each("grant_table_op: others", __HYPERVISOR_grant_table_op);
    zero_each("memory_op: others", __HYPERVISOR_memory_op);
    zero_each("mmuext_op: others", __HYPERVISOR_mmuext_op);
    zero_each("physdev_op: others", __HYPERVISOR_physdev_op);
    zero_each("platform_op: others", __HYPERVISOR_platform_op);
    zero_each("sysctl: others", __HYPERVISOR_sysctl);
    zero_each("vcpu_op: others", __HYPERVISOR_vcpu_op);
    zero_each("vm_assist: others", __HYPERVISOR_vm_assist);
    zero_each("xen_version: others", __HYPERVISOR_xen_version);
}

/* ---- Many calls in one ---- */

static void multicalls(void)
{
    static struct multicall_entry inner[512];

    exts[0] = (struct mmuext_op){ .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = pfn_to_mfn(pfn_alloc()) };
    exts[0].arg2.src_mfn = data_mfn;
    for (unsigned i = 0; i < 512; i++)
        inner[i] = (struct multicall_entry){ .op = __HYPERVISOR_mmuext_op, .args = { (unsigned long)exts, 1, 0, DOMID_SELF } };
    memcpy(calls, inner, sizeof(calls));
    EXPECT_OK(WORST("multicall", "512 page copies", hypercall(multicall, calls, 512)));
}

/* ---- By a domain without our rights: other ways, other worst arguments.  It does what we put before it. ---- */

/* data[0] calls from data[16] on: number, five arguments, slot, and place for the answer.  Then it waits for more. */
DOMAIN_ASM(caller,
    "mov $0x401000, %ebx\n"
    "1: mov (%rbx), %r12\n lea 128(%rbx), %r13\n test %r12, %r12\n jnz 2f\n"
    "xor %edi, %edi\n mov $29, %eax\n syscall\n jmp 1b\n" /* yield */
    "2: mov 48(%r13), %rax\n add $0x400800, %rax\n call *%rax\n"
    "mov (%r13), %eax\n mov 8(%r13), %rdi\n mov 16(%r13), %rsi\n mov 24(%r13), %rdx\n mov 32(%r13), %r10\n mov 40(%r13), %r8\n syscall\n"
    "mov %rax, 56(%r13)\n mov $0x400800, %eax\n call *%rax\n"
    "add $64, %r13\n dec %r12\n jnz 2b\n movq $0, (%rbx)\n jmp 1b\n"
    ".skip 2048 - (. - caller)\n .fill 1024, 1, 0xc3\n");
__asm__(".globl domain_slots\n.set domain_slots, 0x400800\n");

#define THEIRS       0x404000ul            /* of the domain: memory for arguments */
#define OURS         0x0000320000000000ul  /* the same, for us */
#define PAGES        80u
#define PLACE(i)     (THEIRS + (PAGES + (i)) * PAGE_SIZE) /* of the domain: where it may map what it wants */
#define PLACES       424u
#define THEIR_GRANTS 0x0000330000000000ul  /* the other domain's grant table, for us */
#define MEMORY       ((void *)OURS)

static struct domain u, other; /* who calls; and a second that grants it something */
static unsigned long page_mfn[PAGES];

static long they(const char *operation, const char *arguments, unsigned nr, unsigned long a, unsigned long b, unsigned long c, unsigned long e)
{
    volatile unsigned long *call = &u.data[16];
    struct sched_poll wait = { 0 };
    const unsigned long words[] = { nr, a, b, c, e, 0, ++slots };

    if (slots >= SLOTS)
        test_abort("too many");
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        call[i] = words[i];
    u.data[0] = 1;
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, u.id));
    for (unsigned i = 0; i < 1000 && u.data[0]; i++) {
        wait.timeout = time_now() + 1000000;
        hypercall(sched_op, SCHEDOP_poll, &wait);
    }
    REQUIRE(!u.data[0]);
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, u.id));
    printf("bound %u %s, a guest's | %s | %ld\n", slots, operation, arguments, (long)call[7]);
    return (long)call[7];
}

#define THEY_(operation, arguments, nr, a, b, c, e, ...) \
    they(operation, arguments, nr, (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(e))
#define THEY(operation, arguments, name, ...) THEY_(operation, arguments, __HYPERVISOR_##name, ##__VA_ARGS__, 0, 0, 0, 0)

/* An entry of its L1, as the toolstack changes it. */
static void their_entry(unsigned long va, unsigned long pte)
{
    struct mmu_update x = { .ptr = (u.mfn[3] << PAGE_SHIFT) + (va >> PAGE_SHIFT & 511) * 8, .val = pte };

    REQUIRE(!hypercall(mmu_update, &x, 1, NULL, u.id | (u.id + 1u) << 16));
}

static void their_page(unsigned i, bool mapped)
{
    their_entry(THEIRS + i * PAGE_SIZE, mapped ? pte_make(page_mfn[i], PTE_RW) : 0);
    REQUIRE(!domain_map(&u, OURS + i * PAGE_SIZE, page_mfn[i], mapped ? PTE_RW : 0));
}

static void theirs_make(void)
{
    domain_make(&u, DOMAIN_CODE_OF(caller));
    domain_make(&other, buffer, buffer + 16);
    domctl_clear();
    domctl_op.u.max_mem.max_memkb = 256 << 10;
    EXPECT_OK(domctl(XEN_DOMCTL_max_mem, u.id));
    for (unsigned i = 0; i < PAGES; i++)
        list[i] = 16 + i;
    REQUIRE(memory(XENMEM_populate_physmap, PAGES, 0, u.id) == PAGES);
    for (unsigned i = 0; i < PAGES; i++) {
        page_mfn[i] = list[i];
        their_page(i, true);
    }
    REQUIRE(!domain_start(&u));
}

/* The same call 500 times in one, its arguments behind the calls, whatever it answers. */
static void they_many(const char *operation, const char *arguments, struct multicall_entry m)
{
    struct multicall_entry *inner = MEMORY;

    for (unsigned i = 0; i < 500; i++)
        inner[i] = m;
    EXPECT_OK(THEY(operation, arguments, multicall, THEIRS, 500));
}

#define BEHIND 0x10000ul /* ... there */

static void their_updates(void)
{
    struct mmu_update *x = MEMORY;
    const char *many = "4,000 entries of its L1 table";

    for (unsigned i = 0; i < 4000; i++)
        x[i] = (struct mmu_update){ .ptr = (u.mfn[3] << PAGE_SHIFT) + (PLACE(i % PLACES) >> PAGE_SHIFT & 511) * 8,
                                    .val = pte_make(page_mfn[79], (i / PLACES) & 1 ? PTE_RO : PTE_RW) };
    EXPECT_OK(THEY("mmu_update: normal_pt_update", many, mmu_update, THEIRS, 4000, 0, DOMID_SELF));
    EXPECT_OK(THEY("update_va_mapping", "flush all", update_va_mapping, PLACE(0), 0, UVMF_TLB_FLUSH | UVMF_ALL));
    x = (void *)(OURS + BEHIND);
    x->ptr = (u.mfn[3] << PAGE_SHIFT) + (PLACE(0) >> PAGE_SHIFT & 511) * 8;
    x->val = pte_make(data_mfn, PTE_RW); /* ours */
    they_many("multicall", "500 refused mmu_updates", (struct multicall_entry){ .op = __HYPERVISOR_mmu_update, .args = { THEIRS + BEHIND, 1, 0, DOMID_SELF } });
}

/* Tables of its own that are bad at their end, and a GDT. */
static void their_tables(void)
{
    uint64_t *t = (uint64_t *)(OURS + 40 * PAGE_SIZE);
    struct mmuext_op *x = (void *)(OURS + BEHIND);
    unsigned long *frames = MEMORY;

    for (unsigned i = 0; i < 512; i++)
        t[i] = i == 511 ? pte_make(u.mfn[6], PTE_RW) : pte_make(page_mfn[79], PTE_RW);
    their_page(40, false);
    *x = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = page_mfn[40] };
    they_many("multicall", "500 pins of an L1 table whose last entry is bad",
              (struct multicall_entry){ .op = __HYPERVISOR_mmuext_op, .args = { THEIRS + BEHIND, 1, 0, DOMID_SELF } });
    for (unsigned i = 0; i < 14; i++) {
        t = (uint64_t *)(OURS + (50 + i) * PAGE_SIZE);
        for (unsigned j = 0; j < 512; j++)
            t[j] = 0x00cf9a000000ffff; /* must be changed */
        their_page(50 + i, false);
        frames[i] = page_mfn[50 + i];
    }
    EXPECT_OK(THEY("set_gdt", "14 full pages", set_gdt, THEIRS, 14 * 512));
    EXPECT_OK(THEY("set_gdt", "none instead of 14", set_gdt, THEIRS, 0));
    frames[13] = data_mfn;
    EXPECT_REFUSED(THEY("set_gdt", "14 pages, the last one ours", set_gdt, THEIRS, 14 * 512));
}

static void their_memory(void)
{
    struct xen_memory_reservation *r = MEMORY;
    xen_pfn_t *at = (xen_pfn_t *)(OURS + BEHIND);

    *r = (struct xen_memory_reservation){ .nr_extents = 1000, .domid = DOMID_SELF };
    r->extent_start.p = (xen_pfn_t *)(THEIRS + BEHIND);
    for (unsigned i = 0; i < 1000; i++)
        at[i] = 0x1000 + i;
    EXPECT_EQUAL(THEY("memory_op: populate_physmap", "1,000 pages", memory_op, XENMEM_populate_physmap, THEIRS), 1000);
    EXPECT_EQUAL(THEY("memory_op: decrease_reservation", "1,000 pages", memory_op, XENMEM_decrease_reservation, THEIRS), 1000);
    r->nr_extents = 32;
    r->extent_order = ORDER;
    for (unsigned i = 0; i < 32; i++)
        at[i] = 0x1000 + (i << ORDER);
    EXPECT_EQUAL(THEY("memory_op: populate_physmap", "32 extents, the largest", memory_op, XENMEM_populate_physmap, THEIRS), 32);
    EXPECT_EQUAL(THEY("memory_op: decrease_reservation", "32 extents, the largest", memory_op, XENMEM_decrease_reservation, THEIRS), 32);
    r->nr_extents = 1000;
    EXPECT_TRUE(THEY("memory_op: increase_reservation", "1,000 extents, the largest, beyond its maximum", memory_op, XENMEM_increase_reservation, THEIRS) < 1000);
    r->nr_extents = 1000;
    r->extent_order = 0;
    for (unsigned i = 0; i < 1000; i++)
        at[i] = data_mfn;
    EXPECT_EQUAL(THEY("memory_op: decrease_reservation", "1,000 pages that are ours", memory_op, XENMEM_decrease_reservation, THEIRS), 0);
}

/* Ours and the other's frames, in turn: as many as it has places for. */
static void grants_for_them(void)
{
    volatile grant_entry_v1_t *of_other = (void *)THEIR_GRANTS;
    struct xen_mem_acquire_resource r = { .domid = other.id, .type = XENMEM_resource_grant_table, .id = XENMEM_resource_grant_table_id_shared,
                                          .nr_frames = 1 };

    set_xen_guest_handle(r.frame_list, pfns);
    REQUIRE(!hypercall(memory_op, XENMEM_acquire_resource, &r));
    REQUIRE(!domain_map(&other, THEIR_GRANTS, pfns[0], PTE_RW));
    for (unsigned i = 0; i < PLACES; i++) {
        grant_v1_set(8 + i, u.id, data_mfn, GTF_permit_access);
        of_other[8 + i] = (grant_entry_v1_t){ .flags = GTF_permit_access, .domid = u.id, .frame = (uint32_t)other.mfn[7] };
    }
}

static void their_maps(void)
{
    struct gnttab_map_grant_ref *m = MEMORY;
    struct gnttab_unmap_grant_ref *x = (void *)(OURS + BEHIND);

    for (unsigned i = 0; i < PLACES; i++)
        m[i] = (struct gnttab_map_grant_ref){ .host_addr = PLACE(i), .ref = 8 + i, .dom = i & 1 ? other.id : 0, .flags = GNTMAP_host_map };
    EXPECT_OK(THEY("grant_table_op: map_grant_ref", "424 of two domains in turn", grant_table_op, GNTTABOP_map_grant_ref, THEIRS, PLACES));
    EXPECT_EQUAL(m[0].status, GNTST_okay);
    EXPECT_EQUAL(m[PLACES - 1].status, GNTST_okay);
    for (unsigned i = 0; i < PLACES; i++)
        x[i] = (struct gnttab_unmap_grant_ref){ .host_addr = m[i].host_addr, .handle = m[i].handle };
}

static void their_unmaps(void)
{
    struct gnttab_unmap_grant_ref *x = (void *)(OURS + BEHIND);

    EXPECT_OK(THEY("grant_table_op: unmap_grant_ref", "424 of two domains in turn", grant_table_op, GNTTABOP_unmap_grant_ref, THEIRS + BEHIND, PLACES));
    EXPECT_EQUAL(x[PLACES - 1].status, GNTST_okay);
}

static void their_copies(void)
{
    struct gnttab_copy *c = MEMORY;

    for (unsigned i = 0; i < 512; i++)
        c[i] = (struct gnttab_copy){ .source = { .u.ref = 8 + i % PLACES, .domid = i & 1 ? other.id : 0 },
                                     .dest = { .u.ref = 8 + i % PLACES, .domid = i & 1 ? 0 : other.id },
                                     .len = PAGE_SIZE, .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref };
    EXPECT_OK(THEY("grant_table_op: copy", "512 pages between two others", grant_table_op, GNTTABOP_copy, THEIRS, 512));
    EXPECT_EQUAL(c[511].status, GNTST_okay);
}

static void their_transfers(void)
{
    struct gnttab_transfer *t = MEMORY;

    for (unsigned i = 0; i < 256; i++)
        list[i] = 0x2000 + i;
    REQUIRE(memory(XENMEM_populate_physmap, 256, 0, u.id) == 256);
    for (unsigned i = 0; i < 256; i++) {
        grant_v1_set(8 + i, u.id, 0x40000, GTF_accept_transfer);
        t[i] = (struct gnttab_transfer){ .mfn = list[i], .domid = 0, .ref = 8 + i };
    }
    EXPECT_OK(THEY("grant_table_op: transfer", "256 to us", grant_table_op, GNTTABOP_transfer, THEIRS, 256));
    EXPECT_EQUAL(t[255].status, GNTST_okay);
}

/* Ports of ours for it, which it binds; then it sends over them, and resets all. */
static void their_ports(void)
{
    struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = u.id };
    struct multicall_entry *inner = MEMORY;
    struct evtchn_bind_interdomain *bind = (void *)(OURS + BEHIND);
    struct evtchn_send *send = (void *)(OURS + 2 * BEHIND);
    struct evtchn_reset *r = (void *)(OURS + BEHIND);

    for (unsigned i = 0; i < 500; i++) {
        EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &a));
        bind[i] = (struct evtchn_bind_interdomain){ .remote_dom = 0, .remote_port = a.port };
        inner[i] = (struct multicall_entry){ .op = __HYPERVISOR_event_channel_op, .args = { EVTCHNOP_bind_interdomain, THEIRS + BEHIND + i * sizeof(*bind) } };
    }
    EXPECT_OK(THEY("event_channel_op: bind_interdomain", "500 of ours", multicall, THEIRS, 500));
    for (unsigned i = 0; i < 500; i++) {
        send[i].port = bind[i].local_port;
        inner[i] = (struct multicall_entry){ .op = __HYPERVISOR_event_channel_op, .args = { EVTCHNOP_send, THEIRS + 2 * BEHIND + i * sizeof(*send) } };
    }
    EXPECT_OK(THEY("event_channel_op: send", "500, to us", multicall, THEIRS, 500));
    EXPECT_EQUAL(inner[499].result, 0);
    r->dom = DOMID_SELF;
    EXPECT_OK(THEY("event_channel_op: reset", "500 ports whose peers are ours", event_channel_op, EVTCHNOP_reset, THEIRS + BEHIND));
}

/* Each operation of all headers, its argument all zeros: most are refused.  Those that would end or stop the domain not. */
static void their_zeros(void)
{
    static const unsigned numbers[] = { __HYPERVISOR_sysctl, __HYPERVISOR_domctl, __HYPERVISOR_platform_op, __HYPERVISOR_physdev_op,
                                        __HYPERVISOR_hypfs_op, __HYPERVISOR_console_io, __HYPERVISOR_memory_op, __HYPERVISOR_event_channel_op,
                                        __HYPERVISOR_grant_table_op, __HYPERVISOR_xen_version, __HYPERVISOR_hvm_op, __HYPERVISOR_arch_0 };
    struct multicall_entry *inner = MEMORY;

    for (unsigned n = 0; n < ARRAY_SIZE(numbers); n++) {
        memset(MEMORY, 0, 2 * BEHIND);
        for (unsigned op = 0; op < 128; op++) {
            unsigned long at = THEIRS + BEHIND + op * 256;
            bool in_memory = n < 3; /* the operation's number is in its argument */

            if (in_memory)
                *(uint32_t *)(OURS + BEHIND + op * 256) = op;
            ((uint32_t *)(OURS + BEHIND + op * 256))[1] = n == 0 ? XEN_SYSCTL_INTERFACE_VERSION : n == 1 ? XEN_DOMCTL_INTERFACE_VERSION
                                                        : n == 2 ? XENPF_INTERFACE_VERSION : 0;
            inner[op] = (struct multicall_entry){ .op = numbers[n], .args = { in_memory ? at : op, in_memory ? 0 : at, 1 } };
        }
        EXPECT_OK(THEY("multicall", "each operation, all zeros", multicall, THEIRS, 128));
    }
}

/* We, on it: its frames in our tables, and its end, while it has our frames and the other's in its own. */
static void on_them(void)
{
    for (unsigned i = 0; i < 512; i++)
        updates[i] = (struct mmu_update){ .ptr = pt_entry_maddr(NULL, VA, 1) + 8 * i, .val = pte_make(page_mfn[i % 32], PTE_RW) };
    EXPECT_OK(WORST("mmu_update: normal_pt_update", "512 frames of another domain", hypercall(mmu_update, updates, 512, NULL, u.id)));
    for (unsigned i = 0; i < 512; i++)
        updates[i].val = 0;
    EXPECT_OK(WORST("mmu_update: normal_pt_update", "no more 512 frames of another domain", mmu(512)));
    EXPECT_OK(WORST("update_va_mapping_otherdomain", "another domain's frame",
                    hypercall(update_va_mapping_otherdomain, VA, pte_make(page_mfn[0], PTE_RW), UVMF_TLB_FLUSH | UVMF_ALL, u.id)));
    EXPECT_OK(hypercall(update_va_mapping, VA, 0, UVMF_TLB_FLUSH | UVMF_ALL));
}

static void theirs_end(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (i != 40 && (i < 50 || i > 63))
            REQUIRE(!domain_map(&u, OURS + i * PAGE_SIZE, 0, 0));
    REQUIRE(!domain_map(&other, THEIR_GRANTS, 0, 0));
    EXPECT_OK(WORST("domctl: destroydomain", "it granted 212 frames that are mapped", domain_destroy(&other)));
    EXPECT_OK(WORST("domctl: destroydomain", "it maps 424 frames of two domains", domain_destroy(&u)));
}

static void theirs(void)
{
    theirs_make();
    their_updates();
    their_tables();
    their_memory();
    grants_for_them();
    for (unsigned on = 0; on < 2; on++) {
        ticks(on);
        their_maps();
        their_unmaps();
    }
    their_copies();
    their_transfers();
    their_ports();
    their_zeros();
    grants_for_them();
    their_maps();
    on_them();
    theirs_end();
}

void test_main(void)
{
    ticks(true);
    data_mfn = pfn_to_mfn(pfn_alloc());
    EXPECT_TRUE(WORST("xen_version: build_id", "", hypercall(xen_version, XENVER_build_id, NULL)) > 0);
    EXPECT_EQUAL(WORST("xen_version: pagesize", "", hypercall(xen_version, XENVER_pagesize, NULL)), PAGE_SIZE);
    updates_entries();
    tree_make();
    pins();
    pin_bad();
    trees_linked();
    exts_other();
    descriptors();
    ldts();
    callbacks();
    irets();
    second_vcpu();
    reservations();
    exchanges();
    memory_lists();
    grant_init(1);
    for (unsigned i = 0; i < MANY; i += 512)
        REQUIRE(!map_page(NULL, MAP_VA + i * PAGE_SIZE, 0, 0));
    grant_maps_many();
    ticks(false); /* what is put off for many must not be for all, if nothing comes between */
    grant_maps_many();
    ticks(true);
    grant_copies();
    grant_others();
    grant_tables();
    events();
    fifo();
    consoles();
    sysctls();
    platforms();
    platforms_short();
    machine_checks();
    pci_init();
    messages();
    interrupts();
    domain_new();
    domain_memory();
    domain_frames();
    domain_numa();
    domain_policy();
    domain_parts();
    domain_little();
    domain_scheduling();
    zero_all();
    domains_many();
    domain_end();
    vcpu_registers();
    multicalls();
    short_ones();
    theirs();
}
