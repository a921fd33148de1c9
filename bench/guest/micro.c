/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each crossing into the hypervisor costs, measured by a kernel that does nothing else: boots as dom0 on any
 * hypervisor of the ABI and prints
 *     BENCH <row> <median> <min> <max> <unit>
 * a row, in ticks of the TSC for one operation; under -icount a tick is an instruction ("calibrate" is a loop of known
 * length and must come out as 2.0 a turn).  With "only=NAME" on its command line it runs that row alone, for a long time
 * (to be looked at from outside).  A row that does not do what it should prints BENCH-FAIL instead.
 * A figure is the whole round trip as the guest sees it: its own few instructions are in it.
 */
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/physdev.h>
#include "boot.h"
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "micro.h"
#include "time.h"
#include "trap.h"
#include "user.h"

#define REPEATS 15
#define AREA    0x0000120000000000ul    /* a region with one L1 table of its own */
#define CLONE   0x0000130000000000ul    /* where a grant is mapped */

struct row {
    const char *name;
    row_fn *fn;
    unsigned n;
};

extern char fast_syscall[], fast_syscall_full[], fast_page_fault[], fast_event[];
extern uint64_t fast_info, fast_word, fast_events;
void fast_iret(unsigned n);
void fast_faults(unsigned n, unsigned long va);

static unsigned long mfns[512];         /* frames that entries lead to */
static unsigned long area_l1;           /* machine address of AREA's L1 table */
static uint64_t *area_table;            /* the same, mapped read-only */
static unsigned port;

static uint64_t calibrate(unsigned n)
{
    uint64_t start = tsc_read();

    __asm__ volatile("1: decl %0; jnz 1b" : "+r"(n));
    return tsc_read() - start;
}

/* ---- Hypercalls that do next to nothing ---- */

static uint64_t null_call(unsigned n)
{
    return CALLS(n, 4 << 16 | 17, hypercall(xen_version, XENVER_version));
}

static uint64_t unknown_call(unsigned n)
{
    return CALLS(n, -XEN_ENOSYS, hypercall_raw(60, 0, 0, 0, 0, 0));
}

static uint64_t multicall_8(unsigned n)
{
    static struct multicall_entry e[8];
    uint64_t ticks;

    for (int i = 0; i < 8; i++)
        e[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } };
    ticks = CALLS(n, 0, hypercall(multicall, e, 8));
    return e[7].result == (4 << 16 | 17) ? ticks : 0;
}

static uint64_t set_fs(unsigned n)
{
    return CALLS(n, 0, hypercall(set_segment_base, SEGBASE_FS, 0x1000));
}

static uint64_t set_gs_user(unsigned n)
{
    return CALLS(n, 0, hypercall(set_segment_base, SEGBASE_GS_USER, 0x1000));
}

static uint64_t stack_switch(unsigned n)
{
    return CALLS(n, 0, hypercall(stack_switch, FLAT_KERNEL_SS, (unsigned long)user_trap_stack[0] + STACK_SIZE));
}

static uint64_t fpu_taskswitch(unsigned n)
{
    return CALLS(n, 0, hypercall(fpu_taskswitch, 1) | hypercall(fpu_taskswitch, 0));
}

static uint64_t yield(unsigned n)
{
    return CALLS(n, 0, hypercall(sched_op, SCHEDOP_yield));
}

static uint64_t vcpu_is_up(unsigned n)
{
    return CALLS(n, 1, hypercall(vcpu_op, VCPUOP_is_up, 0));
}

/* What Linux sends on a switch of processes: one multicall of stack_switch, two TLS descriptors' worth of bases, FPU. */
static uint64_t switch_batch(unsigned n)
{
    static struct multicall_entry e[2];

    e[0] = (struct multicall_entry){ .op = __HYPERVISOR_stack_switch,
                                     .args = { FLAT_KERNEL_SS, (unsigned long)user_trap_stack[0] + STACK_SIZE } };
    e[1] = (struct multicall_entry){ .op = __HYPERVISOR_fpu_taskswitch, .args = { 0 } };
    return CALLS(n, 0, hypercall(multicall, e, 2));
}

/* Kernel and user table loaded anew: a switch of processes; what happens to be the same table is loaded all the same. */
static uint64_t new_tables(unsigned n)
{
    static struct mmuext_op op[2];
    static uint64_t *other;
    unsigned long tables[2];

    if (!other) {
        other = l4_alloc();
        page_make_rw(other);
        memcpy(other, pt_root(), PAGE_SIZE);
        for (int i = 256; i < 272; i++)
            other[i] = 0;
        if (page_make_ro(other) || pin(4, virt_to_mfn(other)))
            return 0;
    }
    tables[0] = virt_to_mfn(other);
    tables[1] = virt_to_mfn(pt_root());
    op[0].cmd = MMUEXT_NEW_BASEPTR;
    op[1].cmd = MMUEXT_NEW_USER_BASEPTR;
    op[1].arg1.mfn = virt_to_mfn(user_l4);
    return CALLS(n & ~1u, 0, (op[0].arg1.mfn = tables[i_ & 1], hypercall(mmuext_op, op, 2, NULL, DOMID_SELF)));
}

/* ---- Traps ---- */

static uint64_t iret_kernel(unsigned n)
{
    uint64_t start = tsc_read();

    fast_iret(n);
    return tsc_read() - start;
}

/* Vector v's handler is `entry`, for processes too. */
static bool gate_set(int v, char *entry)
{
    struct trap_info one[2] = {
        { .vector = (uint8_t)v, .flags = 3, .cs = FLAT_KERNEL_CS, .address = (unsigned long)entry },
    };

    return hypercall(set_trap_table, one) == 0;
}

static uint64_t fault_kernel(unsigned n)
{
    uint64_t start, ticks;

    if (!gate_set(VEC_PF, fast_page_fault))
        return 0;
    start = tsc_read();
    fast_faults(n, UNMAPPED);
    ticks = tsc_read() - start;
    trap_gate(VEC_PF, 0);
    return ticks;
}

/* User code loops n times around one instruction and ends with int3; ebx counts, the clock is read by the code itself. */
USER_ASM(loop_syscall, "rdtsc; mov %eax, %r12d; 1: syscall; dec %ebx; jnz 1b; rdtsc; sub %r12d, %eax; int3");
USER_ASM(loop_int80, "rdtsc; mov %eax, %r12d; 1: int $0x80; dec %ebx; jnz 1b; rdtsc; sub %r12d, %eax; int3");
USER_ASM(loop_fault, "mov $0x300000000000, %rdi; rdtsc; mov %eax, %r12d; 1: movb (%rdi), %al; dec %ebx; jnz 1b; "
                     "rdtsc; sub %r12d, %eax; int3");

static uint64_t user_loop(const char *start, const char *end, unsigned n)
{
    struct regs r;

    user_code_set(start, end);
    user_regs(&r);
    r.rbx = n;
    return user_run(&r) == VEC_BP ? (uint32_t)r.rax : 0;
}

static uint64_t syscall_by(char *entry, unsigned n)
{
    uint64_t ticks;

    if (hypercall(set_callbacks, trap_entry(VEC_EVENT), trap_entry(VEC_FAILSAFE), entry))
        return 0;
    ticks = user_loop(loop_syscall, loop_syscall_end, n);
    event_callbacks_set();
    return ticks;
}

static uint64_t syscall_user(unsigned n)
{
    return syscall_by(fast_syscall, n);
}

static uint64_t syscall_user_full(unsigned n)
{
    return syscall_by(fast_syscall_full, n);
}

static uint64_t int80_user(unsigned n)
{
    uint64_t ticks;

    if (!gate_set(0x80, fast_syscall_full))
        return 0;
    ticks = user_loop(loop_int80, loop_int80_end, n);
    trap_gate(0x80, 0);
    return ticks;
}

static uint64_t fault_user(unsigned n)
{
    uint64_t ticks;

    if (!gate_set(VEC_PF, fast_page_fault))
        return 0;
    ticks = user_loop(loop_fault, loop_fault_end, n);
    trap_gate(VEC_PF, 0);
    return ticks;
}

static uint64_t forced_cpuid(unsigned n)
{
    return TIMES(n, ({
        uint32_t a = 1, b, c = 0, d;
        __asm__ volatile("ud2; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    }));
}

static uint64_t read_cr0(unsigned n)
{
    return TIMES(n, ({
        unsigned long v;
        __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    }));
}

static uint64_t port_write(unsigned n)
{
    struct physdev_set_iopl iopl = { .iopl = 1 };

    return hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl) ? 0 : TIMES(n, __asm__ volatile("outb %%al, $0x80" :: "a"(0)));
}

/* ---- Page tables ---- */

static unsigned long entry_of(unsigned i)
{
    return pte_make(mfns[i], PTE_RW);
}

static uint64_t va_mapping(unsigned n, unsigned long flags)
{
    return CALLS(n & ~1u, 0, hypercall(update_va_mapping, AREA, entry_of(i_ & 1), flags));
}

static uint64_t va_mapping_none(unsigned n)
{
    return va_mapping(n, UVMF_NONE);
}

static uint64_t va_mapping_invlpg(unsigned n)
{
    return va_mapping(n, UVMF_INVLPG | UVMF_LOCAL);
}

static uint64_t va_mapping_all(unsigned n)
{
    return va_mapping(n, UVMF_INVLPG | UVMF_ALL);
}

/* A new page comes, an old one goes: what fills and empties a process. */
static uint64_t va_mapping_fill(unsigned n)
{
    return CALLS(n & ~1u, 0, hypercall(update_va_mapping, AREA, i_ & 1 ? 0 : entry_of(0), UVMF_NONE));
}

static uint64_t updates(unsigned n, unsigned batch, bool clear)
{
    static struct mmu_update u[512];
    uint64_t start = tsc_read();
    long bad = 0;

    for (unsigned k = 0; k < n; k++) {
        for (unsigned i = 0; i < batch; i++) {
            u[i].ptr = area_l1 + i * 8;
            u[i].val = clear && k & 1 ? 0 : entry_of((i + k) & 511);
        }
        bad |= hypercall(mmu_update, u, batch, NULL, DOMID_SELF);
    }
    return bad ? 0 : tsc_read() - start;
}

static uint64_t mmu_update_1(unsigned n)
{
    return updates(n & ~1u, 1, false);
}

static uint64_t mmu_update_64(unsigned n)
{
    return updates(n & ~1u, 64, false);
}

static uint64_t mmu_update_512(unsigned n)
{
    return updates(n & ~1u, 512, false);
}

static uint64_t mmu_update_512_fill(unsigned n)
{
    return updates(n & ~1u, 512, true);
}

static uint64_t pte_write(unsigned n)
{
    return TIMES(n & ~1u, WRITE_ONCE(*area_table, entry_of(i_ & 1)));
}

/* Pin and unpin an L3 with one L2 and four L1s of 512 entries, the same leaves in each. */
static unsigned long tree_make(unsigned long leaf_flags)
{
    uint64_t *l3 = page_alloc(), *l2 = page_alloc();

    for (int k = 0; k < 4; k++) {
        uint64_t *l1 = page_alloc();

        for (int i = 0; i < 512; i++)
            l1[i] = pte_make(mfns[i], leaf_flags);
        if (page_make_ro(l1))
            return 0;
        l2[k] = pte_make(virt_to_mfn(l1), PTE_TABLE);
    }
    l3[0] = pte_make(virt_to_mfn(l2), PTE_TABLE);
    return page_make_ro(l2) || page_make_ro(l3) ? 0 : virt_to_mfn(l3);
}

static uint64_t pin_loop(unsigned n, unsigned long m)
{
    return m ? CALLS(n, 0, pin(3, m) | unpin(m)) : 0;
}

static uint64_t pin_tree(unsigned n)
{
    static unsigned long m;

    m = m ? m : tree_make(PTE_RW);
    return pin_loop(n, m);
}

static uint64_t pin_tree_ro(unsigned n)
{
    static unsigned long m;

    m = m ? m : tree_make(PTE_RO);
    return pin_loop(n, m);
}

/* An L4 with nothing of its own: the least that fork and exit pay. */
static uint64_t pin_empty_l4(unsigned n)
{
    static unsigned long m;

    m = m ? m : virt_to_mfn(l4_alloc());
    return CALLS(n, 0, pin(4, m) | unpin(m));
}

/* A page becomes a page table and memory again: two changes of type. */
static uint64_t pin_empty_l1(unsigned n)
{
    static char *page;
    unsigned long m;

    page = page ? page : page_alloc();
    m = virt_to_mfn(page);
    return CALLS(n, 0, hypercall(update_va_mapping, page, pte_make(m, PTE_RO), UVMF_NONE) | pin(1, m) | unpin(m) |
                       hypercall(update_va_mapping, page, pte_make(m, PTE_RW), UVMF_NONE));
}

/* ---- Events and timers ---- */

static bool events_by(char *entry, unsigned p)
{
    fast_info = (unsigned long)vcpu_info_self();
    fast_word = (unsigned long)&shared_info.evtchn_pending[p / 64];
    return hypercall(set_callbacks, entry, trap_entry(VEC_FAILSAFE), trap_entry(VEC_SYSCALL)) == 0;
}

static uint64_t send_self(unsigned n)
{
    struct evtchn_send s = { .port = port };
    uint64_t ticks, before = fast_events;

    if (!events_by(fast_event, port))
        return 0;
    ticks = CALLS(n, 0, hypercall(event_channel_op, EVTCHNOP_send, &s));
    event_callbacks_set();
    return fast_events - before == n ? ticks : 0;
}

static uint64_t send_masked(unsigned n)
{
    struct evtchn_send s = { .port = port };
    uint64_t ticks;

    events_off();
    ticks = CALLS(n, 0, hypercall(event_channel_op, EVTCHNOP_send, &s));
    event_clear(port);
    vcpu_info_self()->evtchn_upcall_pending = 0;
    vcpu_info_self()->evtchn_pending_sel = 0;
    events_on();
    return ticks;
}

/* A hypercall while an event waits behind the upcall mask: nothing more is to be done about it. */
static uint64_t null_call_masked(unsigned n)
{
    uint64_t ticks;

    events_off();
    vcpu_info_self()->evtchn_upcall_pending = 1;
    ticks = null_call(n);
    vcpu_info_self()->evtchn_upcall_pending = 0;
    events_on();
    return ticks;
}

static uint64_t timer_upcall(unsigned n)
{
    static unsigned timer_port;
    uint64_t start, ticks;

    if (!timer_port) {
        timer_port = (unsigned)event_bind_virq(VIRQ_TIMER, 0);
        event_unmask(timer_port);
    }
    if (!events_by(fast_event, timer_port))
        return 0;
    start = tsc_read();
    for (unsigned i = 0; i < n; i++) {
        uint64_t before = READ_ONCE(fast_events);

        if (hypercall(set_timer_op, 1))
            return 0;
        while (READ_ONCE(fast_events) == before)
            barrier();
    }
    ticks = tsc_read() - start;
    event_callbacks_set();
    return ticks;
}

/* A timer far ahead, set again and again: what an idle-to-busy kernel does at each tick. */
static uint64_t timer_set(unsigned n)
{
    uint64_t far = time_now() + 1000000000ul;
    uint64_t ticks = CALLS(n, 0, hypercall(set_timer_op, far + i_ * 1000));

    hypercall(set_timer_op, 0);
    return ticks;
}

/* ---- Grants, a domain with itself ---- */

static uint64_t grant_maps(unsigned n, unsigned batch)
{
    static struct gnttab_map_grant_ref m[32];
    static struct gnttab_unmap_grant_ref u[32];
    uint64_t start = tsc_read();
    long bad = 0;

    for (unsigned k = 0; k < n; k++) {
        for (unsigned i = 0; i < batch; i++)
            m[i] = (struct gnttab_map_grant_ref){ .host_addr = CLONE + i * PAGE_SIZE, .flags = GNTMAP_host_map,
                                                  .ref = 8 + i };
        bad |= hypercall(grant_table_op, GNTTABOP_map_grant_ref, m, batch);
        for (unsigned i = 0; i < batch; i++) {
            bad |= m[i].status;
            u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = CLONE + i * PAGE_SIZE, .handle = m[i].handle };
        }
        bad |= hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, u, batch);
        for (unsigned i = 0; i < batch; i++)
            bad |= u[i].status;
    }
    return bad ? 0 : tsc_read() - start;
}

static uint64_t grant_map_1(unsigned n)
{
    return grant_maps(n, 1);
}

static uint64_t grant_map_32(unsigned n)
{
    return grant_maps(n, 32);
}

static uint64_t grant_copies(unsigned n, unsigned batch, unsigned bytes)
{
    static struct gnttab_copy c[32];
    long bad = 0;
    uint64_t ticks;

    for (unsigned i = 0; i < batch; i++) {
        c[i] = (struct gnttab_copy){ .flags = GNTCOPY_source_gref, .len = (uint16_t)bytes };
        c[i].source.u.ref = 8 + i;
        c[i].source.domid = 0;
        c[i].dest.u.gmfn = mfns[100 + i];
        c[i].dest.domid = DOMID_SELF;
    }
    ticks = CALLS(n, 0, hypercall(grant_table_op, GNTTABOP_copy, c, batch));
    for (unsigned i = 0; i < batch; i++)
        bad |= c[i].status;
    return bad ? 0 : ticks;
}

static uint64_t grant_copy_1(unsigned n)
{
    return grant_copies(n, 1, 64);
}

static uint64_t grant_copy_32(unsigned n)
{
    return grant_copies(n, 32, 64);
}

/* ---- All rows; the last ones are of others.c ---- */

static const struct row rows[] = {
    { "calibrate", calibrate, 1000 },
    { "null_hypercall", null_call, 200 },
    { "null_hypercall_event_masked", null_call_masked, 200 },
    { "unknown_hypercall", unknown_call, 200 },
    { "multicall_8", multicall_8, 100 },
    { "set_segment_base_fs", set_fs, 200 },
    { "set_segment_base_gs_user", set_gs_user, 200 },
    { "stack_switch", stack_switch, 200 },
    { "fpu_taskswitch_pair", fpu_taskswitch, 200 },
    { "switch_multicall", switch_batch, 200 },
    { "new_baseptr_pair", new_tables, 100 },
    { "sched_yield", yield, 100 },
    { "vcpu_is_up", vcpu_is_up, 200 },
    { "iret_kernel", iret_kernel, 200 },
    { "syscall_user", syscall_user, 200 },
    { "syscall_user_full_iret", syscall_user_full, 200 },
    { "int80_user", int80_user, 200 },
    { "page_fault_kernel", fault_kernel, 200 },
    { "page_fault_user", fault_user, 200 },
    { "forced_cpuid", forced_cpuid, 100 },
    { "emulate_read_cr0", read_cr0, 100 },
    { "emulate_port_write", port_write, 100 },
    { "update_va_mapping", va_mapping_none, 100 },
    { "update_va_mapping_invlpg", va_mapping_invlpg, 100 },
    { "update_va_mapping_invlpg_all", va_mapping_all, 100 },
    { "update_va_mapping_fill", va_mapping_fill, 100 },
    { "mmu_update_1", mmu_update_1, 100 },
    { "mmu_update_64", mmu_update_64, 20 },
    { "mmu_update_512", mmu_update_512, 6 },
    { "mmu_update_512_fill", mmu_update_512_fill, 6 },
    { "pte_write_emulated", pte_write, 100 },
    { "pin_tree_2048_rw", pin_tree, 4 },
    { "pin_tree_2048_ro", pin_tree_ro, 4 },
    { "pin_empty_l4", pin_empty_l4, 20 },
    { "pin_l1_type_change", pin_empty_l1, 20 },
    { "event_send_self", send_self, 100 },
    { "event_send_pending", send_masked, 100 },
    { "timer_past_to_upcall", timer_upcall, 50 },
    { "timer_set", timer_set, 100 },
    { "grant_map_unmap_1", grant_map_1, 50 },
    { "grant_map_unmap_32", grant_map_32, 10 },
    { "grant_copy_1", grant_copy_1, 50 },
    { "grant_copy_32", grant_copy_32, 10 },
    { "event_send_domain", send_domain, 100 },
    { "event_pingpong_domain", pingpong_domain, 100 },
    { "yield_between_domains", yield_domains, 100 },
    { "event_pingpong_vcpu", pingpong_vcpu, 100 },
};

static void sort(uint64_t *v, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        for (unsigned k = i; k && v[k] < v[k - 1]; k--) {
            uint64_t t = v[k];

            v[k] = v[k - 1];
            v[k - 1] = t;
        }
}

static void row_run(const struct row *r)
{
    uint64_t t[REPEATS];

    r->fn(r->n);                        /* the first time makes what is missing */
    for (unsigned i = 0; i < REPEATS; i++) {
        t[i] = r->fn(r->n) * 10 / r->n;
        if (!t[i]) {
            printf("BENCH-FAIL %s\n", r->name);
            return;
        }
    }
    sort(t, REPEATS);
    printf("BENCH %s %lu.%lu %lu.%lu %lu.%lu\n", r->name, t[REPEATS / 2] / 10, t[REPEATS / 2] % 10, t[0] / 10, t[0] % 10,
           t[REPEATS - 1] / 10, t[REPEATS - 1] % 10);
}

static void setup(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(mfns); i++)
        mfns[i] = pfn_to_mfn(pfn_alloc());
    for (unsigned i = 0; i < 512; i++)
        if (map_page(NULL, AREA + i * PAGE_SIZE, mfns[i], PTE_RW))
            test_abort("no area");
    area_l1 = pt_entry_maddr(NULL, AREA, 1);
    area_table = pt_entry(NULL, AREA, 1);
    user_init();
    grant_init(1);
    for (unsigned i = 0; i < 32; i++)
        grant_v1_set(8 + i, 0, mfns[i], GTF_permit_access);
    if (map_page(NULL, CLONE, 0, 0))
        test_abort("no place for grants");
    port = (unsigned)event_bind_ipi(0);
    event_unmask(port);
    events_on();
}

void test_main(void)
{
    const char *only = strstr((const char *)start_info->cmd_line, "only=");

    setup();
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!only)
            row_run(&rows[i]);
        else if (!strcmp(only + 5, rows[i].name))
            for (int k = 0; k < 1000000 && EXPECT_TRUE(rows[i].fn(2)); k++)
                ;
    }
    EXPECT_TRUE(1);
}
