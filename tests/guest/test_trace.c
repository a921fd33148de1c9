/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XEN_SYSCTL_tbuf_op (sysctl.h) and the trace buffers (trace.h): sizes, masks, the frames of DOMID_XEN, the formats of the records, the ring's end, full
 * rings, VIRQ_TBUF, a tool that writes rubbish, a domain that isn't the control domain.
 */
/* qemu: -smp 2 */
/* hv: dom0_vcpus_pin */
/* clock: virtual */
#include "domain.h"
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/trace.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include "check.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "sysctl.h"
#include "time.h"
#include "trap.h"

#define PAGES   4u
#define CPUS    2u
#define RING    (PAGES * 4096u - 8)
#define INFO_VA 0x0000100000000000ul
#define BUF_VA  0x0000100000100000ul
#define PROBE   0x0000100000200000ul

static const volatile struct t_info *info = (void *)INFO_VA;

/* ---- The operations ---- */

static long tbuf(uint32_t cmd)
{
    return SYSCTL(tbuf_op, U.tbuf_op.cmd = cmd);
}

static long set_size(uint32_t pages)
{
    return SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_set_size; U.tbuf_op.size = pages);
}

static long set_events(uint32_t mask)
{
    return SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_set_evt_mask; U.tbuf_op.evt_mask = mask);
}

static long set_cpus(void *mask, uint32_t bits)
{
    return SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_set_cpu_mask; U.tbuf_op.cpu_mask.bitmap.p = mask;
                  U.tbuf_op.cpu_mask.nr_bits = bits);
}

static void check_before(void)
{
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_get_info));
    EXPECT_EQUAL(U.tbuf_op.size, 0);
    EXPECT_EQUAL(U.tbuf_op.buffer_mfn, 0);
    EXPECT_EQUAL(U.tbuf_op.evt_mask, TRC_ALL);
    EXPECT_ERR(tbuf(XEN_SYSCTL_TBUFOP_enable), EINVAL);
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_disable));
    EXPECT_ERR(set_size(0), EINVAL);
    EXPECT_ERR(tbuf(6), EINVAL);
    EXPECT_ERR(tbuf(~0u), EINVAL);
    EXPECT_OK(set_events(TRC_SCHED | 0x1234));
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_get_info));
    EXPECT_EQUAL(U.tbuf_op.evt_mask, TRC_SCHED | 0x1234);
    EXPECT_ERR(set_cpus((void *)UNMAPPED, 64), EFAULT);
}

static void check_size(void)
{
    EXPECT_OK(set_size(PAGES));
    EXPECT_ERR(set_size(PAGES), EBUSY);
    EXPECT_ERR(set_size(PAGES + 1), EINVAL);
    EXPECT_ERR(set_size(~0u), EINVAL);
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_get_info));
    EXPECT_TRUE(U.tbuf_op.size > 0 && U.tbuf_op.size % PAGE_SIZE == 0);
    EXPECT_TRUE(U.tbuf_op.buffer_mfn != 0);
}

/* ---- The frames ---- */

static long map_as(unsigned long va, unsigned long mfn, unsigned long flags, domid_t whose)
{
    struct mmu_update u = { .val = pte_make(mfn, flags) };

    REQUIRE(!map_page(NULL, va, 0, 0));
    u.ptr = pt_entry_maddr(NULL, va, 1);
    return hypercall(mmu_update, &u, 1, 0, whose);
}

static unsigned long frame(unsigned cpu, unsigned page)
{
    return ((const volatile uint32_t *)info)[info->mfn_offset[cpu] + page];
}

static volatile struct t_buf *buf(unsigned cpu)
{
    return (void *)(BUF_VA + cpu * PAGES * PAGE_SIZE);
}

static void check_frames(void)
{
    unsigned long mfn = U.tbuf_op.buffer_mfn;

    EXPECT_REFUSED(map_as(INFO_VA, mfn, PTE_RO, DOMID_SELF));
    EXPECT_REFUSED(map_as(INFO_VA, mfn, PTE_RO, DOMID_IO));
    EXPECT_REFUSED(map_as(INFO_VA, mfn, PTE_RW, DOMID_XEN));
    REQUIRE(!map_as(INFO_VA, mfn, PTE_RO, DOMID_XEN));
    EXPECT_EQUAL(info->tbuf_size, PAGES);
    EXPECT_TRUE(info->mfn_offset[0] * 4ul >= sizeof(*info) + CPUS * 2 && info->mfn_offset[1] != info->mfn_offset[0]);
    EXPECT_REFUSED(map_as(BUF_VA, frame(0, 0), PTE_RW, DOMID_SELF));
    EXPECT_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, frame(0, 0), 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, frame(0, 0), 0));
    EXPECT_REFUSED(pt_write(frame(0, 0) << PAGE_SHIFT, 0));
    EXPECT_REFUSED(map_as(PROBE, virt_to_mfn(page_alloc()), PTE_RW, DOMID_XEN)); /* a frame of ours is not Xen's */
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        for (unsigned n = 0; n < PAGES; n++)
            REQUIRE(!map_as(BUF_VA + (cpu * PAGES + n) * PAGE_SIZE, frame(cpu, n), PTE_RW, DOMID_XEN));
    if (!test_on_xen()) /* which begins at once */
        EXPECT_TRUE(buf(0)->cons == 0 && buf(0)->prod == 0 && buf(1)->cons == 0 && buf(1)->prod == 0);
}

/* ---- Reading ---- */

struct record {
    uint32_t event, words, word[7];
    uint64_t tsc;
};

static unsigned wraps;

static uint32_t ring_word(unsigned cpu, uint32_t at)
{
    return *(const volatile uint32_t *)((unsigned long)buf(cpu) + sizeof(struct t_buf) + at);
}

/* The next record that is more than filling. */
static bool take(unsigned cpu, struct record *r)
{
    while (buf(cpu)->cons != buf(cpu)->prod) {
        uint32_t cons = buf(cpu)->cons, at = cons % RING, head = ring_word(cpu, at), n = 1;

        memset(r, 0, sizeof(*r));
        r->event = TRC_HD_TO_EVENT(head);
        r->words = TRC_HD_EXTRA(head);
        if (TRC_HD_INCLUDES_CYCLE_COUNT(head)) {
            r->tsc = ring_word(cpu, at + 4) | (uint64_t)ring_word(cpu, at + 8) << 32;
            n = 3;
        }
        if (!EXPECT_TRUE(at + (n + r->words) * 4 <= RING))
            test_abort("a record goes beyond the end");
        for (uint32_t i = 0; i < r->words; i++)
            r->word[i] = ring_word(cpu, at + (n + i) * 4);
        buf(cpu)->cons = (cons + (n + r->words) * 4) % (2 * RING);
        if (r->event != TRC_TRACE_WRAP_BUFFER)
            return true;
        EXPECT_EQUAL(buf(cpu)->cons % RING, 0);
        wraps++;
    }
    return false;
}

/* The next of that kind; what comes before it is passed over. */
static bool find(uint32_t event, struct record *r)
{
    while (take(0, r))
        if (r->event == event)
            return true;
    return false;
}

/* The next of a hypercall, however it came. */
static bool find_call(uint32_t op, struct record *r)
{
    while (take(0, r))
        if ((r->event == TRC_PV_HYPERCALL_V2 || r->event == TRC_PV_HYPERCALL_SUBCALL) &&
            (r->word[0] & ~TRC_PV_HYPERCALL_V2_ARG_MASK) == op)
            return true;
    return false;
}

static uint64_t pair(const struct record *r, unsigned at)
{
    return r->word[at] | (uint64_t)r->word[at + 1] << 32;
}

/* Events are masked: nothing happens but what the test does. */
static void start(uint32_t events)
{
    events_off();
    EXPECT_OK(set_events(events));
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        buf(cpu)->cons = buf(cpu)->prod;
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_enable));
}

static void stop(void)
{
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_disable));
}

/* ---- Records of a guest's hypercalls and traps ---- */

static bool breakpoint(struct regs *r)
{
    (void)r;
    return true;
}

static void check_hypercalls(void)
{
    uint64_t before = tsc_read();
    struct record r;

    trap_handle(VEC_BP, breakpoint);
    start(TRC_PV_ENTRY);
    hypercall(xen_version, XENVER_pagesize);
    hypercall(sched_op, SCHEDOP_yield);
    hypercall(vcpu_op, VCPUOP_is_up, 1);
    __asm__ volatile("int3");
    stop();
    EXPECT_TRUE(find_call(__HYPERVISOR_xen_version, &r) && r.words == 1);
    EXPECT_TRUE(r.tsc > before && r.tsc < tsc_read());
    EXPECT_TRUE(find_call(__HYPERVISOR_sched_op, &r) && r.words == 2 && r.word[1] == SCHEDOP_yield);
    EXPECT_EQUAL(r.word[0] & TRC_PV_HYPERCALL_V2_ARG_MASK, TRC_PV_HYPERCALL_V2_ARG_32(0));
    EXPECT_TRUE(find_call(__HYPERVISOR_vcpu_op, &r) && r.words == 3 && r.word[1] == VCPUOP_is_up && r.word[2] == 1);
    EXPECT_EQUAL(r.word[0] & TRC_PV_HYPERCALL_V2_ARG_MASK, TRC_PV_HYPERCALL_V2_ARG_32(0) | TRC_PV_HYPERCALL_V2_ARG_32(1));
    EXPECT_TRUE(find(TRC_PV_TRAP | TRC_64_FLAG, &r) && r.words == 3 && (r.word[2] & 0xffff) == VEC_BP);
    EXPECT_TRUE(find_call(__HYPERVISOR_iret, &r) && find_call(__HYPERVISOR_sysctl, &r));
    EXPECT_TRUE(!take(0, &r));
    trap_handle(VEC_BP, NULL);
}

static void check_multicall(void)
{
    static struct multicall_entry list[3] = {
        { .op = __HYPERVISOR_xen_version, .args = { XENVER_pagesize } },
        { .op = 63 },
        { .op = __HYPERVISOR_sched_op, .args = { SCHEDOP_yield } },
    };
    struct record r;

    start(TRC_PV);
    EXPECT_OK(hypercall(multicall, list, 3));
    stop();
    EXPECT_TRUE(find_call(__HYPERVISOR_multicall, &r) && r.event == TRC_PV_HYPERCALL_V2 && r.words == 2 && r.word[1] == 3);
    EXPECT_TRUE(find_call(__HYPERVISOR_xen_version, &r) && r.event == TRC_PV_HYPERCALL_SUBCALL && r.words == 1);
    EXPECT_TRUE(find_call(__HYPERVISOR_sched_op, &r) && r.event == TRC_PV_HYPERCALL_SUBCALL && r.words == 2 && r.word[1] == SCHEDOP_yield);
    start(TRC_PV_ENTRY);
    EXPECT_OK(hypercall(multicall, list, 3));
    stop();
    EXPECT_TRUE(!find(TRC_PV_HYPERCALL_SUBCALL, &r));
}

/* What a guest puts in itself. */
static void check_own(void)
{
    static const uint32_t said[2] = { 0x12345678, 0x9abcdef0 };
    struct xen_hvm_xentrace t = { .event = 0x123, .extra_bytes = sizeof(said) };
    struct record r;

    memcpy(t.extra, said, sizeof(said));
    start(TRC_GUEST);
    EXPECT_OK(hypercall(hvm_op, HVMOP_xentrace, &t));
    t.event = 0x456;
    t.extra_bytes = 0;
    EXPECT_OK(hypercall(hvm_op, HVMOP_xentrace, &t));
    stop();
    EXPECT_TRUE(take(0, &r) && r.event == (TRC_GUEST | 0x123) && r.words == 2 && r.word[0] == said[0] && r.word[1] == said[1]);
    EXPECT_TRUE(take(0, &r) && r.event == (TRC_GUEST | 0x456) && r.words == 0);
    EXPECT_TRUE(!take(0, &r));
    start(TRC_SCHED);
    EXPECT_OK(hypercall(hvm_op, HVMOP_xentrace, &t));
    stop();
    EXPECT_TRUE(!find(TRC_GUEST | 0x456, &r));
}

static void check_faults(void)
{
    struct trap fault, wild;
    struct record r;

    start(TRC_PV);
    EXPECT_EQUAL(trap_catch(&fault, insn_read8, UNMAPPED + 0x123), VEC_PF);
    EXPECT_EQUAL(trap_catch(&wild, insn_read8, NONCANON), VEC_GP);
    stop();
    EXPECT_TRUE(find(TRC_PV_PAGE_FAULT | TRC_64_FLAG, &r) && r.words == 5);
    EXPECT_EQUAL(pair(&r, 0), fault.regs.rip);
    EXPECT_EQUAL(pair(&r, 2), UNMAPPED + 0x123);
    EXPECT_EQUAL(r.word[4] & 3, 0);
    EXPECT_TRUE(find(TRC_PV_TRAP | TRC_64_FLAG, &r) && r.words == 3);
    EXPECT_EQUAL(pair(&r, 0), wild.regs.rip);
    EXPECT_EQUAL(r.word[2], VEC_GP | 1 << 15);
}

static void check_emulation(void)
{
    unsigned long l1 = pt_entry_maddr(NULL, PROBE, 1), cr0, a = 0, b, c, d;
    volatile uint64_t *entry = pt_entry(NULL, PROBE, 1);
    struct record r;

    start(TRC_PV);
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    *entry = 0x5550;
    stop();
    EXPECT_EQUAL(*entry, 0x5550);
    EXPECT_TRUE(find(TRC_PV_EMULATE_PRIVOP | TRC_64_FLAG, &r) && r.words == 2);
    EXPECT_TRUE(pair(&r, 0) - (unsigned long)check_emulation < 0x1000);
    EXPECT_TRUE(find(TRC_PV_FORCED_INVALID_OP | TRC_64_FLAG, &r) && r.words == 2);
    EXPECT_TRUE(pair(&r, 0) - (unsigned long)check_emulation < 0x1000);
    EXPECT_TRUE(find(TRC_PV_PTWR_EMULATION | TRC_64_FLAG, &r) && r.words == 6);
    EXPECT_EQUAL(pair(&r, 0), 0x5550);
    EXPECT_EQUAL(pair(&r, 2), (unsigned long)entry);
    EXPECT_TRUE(pair(&r, 4) - (unsigned long)check_emulation < 0x1000);
    EXPECT_OK(pt_write(l1, 0));
}

static void check_ldt(void)
{
    uint64_t *ldt = page_alloc();
    struct record r;
    uint16_t got;

    ldt[3] = 0x00cff3000000fffful; /* data, DPL 3 */
    EXPECT_OK(page_make_ro(ldt));
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 512));
    start(TRC_PV);
    __asm__ volatile("mov %1, %%es; mov %%es, %0; mov %2, %%es" : "=r"(got) : "r"(3 << 3 | 4 | 3), "r"(0));
    stop();
    EXPECT_EQUAL(got, 3 << 3 | 4 | 3);
    EXPECT_TRUE(find(TRC_PV_GDT_LDT_MAPPING_FAULT | TRC_64_FLAG, &r) && r.words == 4);
    EXPECT_TRUE(pair(&r, 0) - (unsigned long)check_ldt < 0x1000);
    EXPECT_TRUE(pair(&r, 2) < PAGE_SIZE);
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, 0, 0));
}

/* ---- Of the scheduler ---- */

static bool find_two(uint32_t event, uint32_t a, uint32_t b)
{
    struct record r;

    return find(event, &r) && r.words >= 2 && r.word[0] == a && r.word[1] == b;
}

static bool find_state(unsigned from, unsigned to, uint32_t who)
{
    struct record r;

    return find(TRC_SCHED_RUNSTATE_CHANGE | from << 8 | to << 4, &r) && r.words == 1 && r.word[0] == who;
}

#define IDLE 0x7fffu

static unsigned timer;

static void sleep_traced(uint32_t events)
{
    unsigned n = event_count[timer];

    start(events);
    EXPECT_OK(hypercall(set_timer_op, time_now() + 20000000));
    EXPECT_OK(hypercall(sched_op, SCHEDOP_block));
    stop();
    EXPECT_EQUAL(event_count[timer], n + 1);
}

static void check_sched(void)
{
    struct record r;
    uint32_t before;

    timer = (unsigned)event_bind_virq(VIRQ_TIMER, 0);
    event_unmask(timer);
    sleep_traced(TRC_SCHED);
    before = buf(0)->cons;
    EXPECT_TRUE(find_two(TRC_SCHED_BLOCK, 0, 0));
    EXPECT_TRUE(find_two(TRC_SCHED_SWITCH_INFPREV, 0, 0));
    EXPECT_TRUE(find(TRC_SCHED_SWITCH_INFNEXT, &r) && r.words == 4 && r.word[0] == IDLE && r.word[1] == 0 && r.word[3] == ~0u);
    EXPECT_TRUE(find(TRC_SCHED_SWITCH, &r) && r.words == 4 && r.word[0] == 0 && r.word[1] == 0 && r.word[2] == IDLE);
    EXPECT_TRUE(find_state(RUNSTATE_running, RUNSTATE_blocked, 0));
    EXPECT_TRUE(find_state(RUNSTATE_runnable, RUNSTATE_running, IDLE << 16));
    EXPECT_TRUE(find(TRC_SCHED_SWITCH_INFPREV, &r) && r.word[0] == IDLE && r.word[2] > 5000000 && r.word[2] < 2000000000);
    EXPECT_TRUE(find_two(TRC_SCHED_SWITCH_INFNEXT, 0, 0));
    EXPECT_TRUE(find_state(RUNSTATE_running, RUNSTATE_runnable, IDLE << 16));
    buf(0)->cons = before;
    EXPECT_TRUE(find_state(RUNSTATE_blocked, RUNSTATE_runnable, 0) && find_state(RUNSTATE_runnable, RUNSTATE_running, 0));
    buf(0)->cons = before;
    EXPECT_TRUE(find_two(TRC_SCHED_WAKE, 0, 0));
    sleep_traced(TRC_SCHED_MIN);
    while (take(0, &r))
        EXPECT_EQUAL(r.event & 0xf000, TRC_SCHED_MIN & 0xf000);
    start(TRC_SCHED);
    hypercall(sched_op, SCHEDOP_yield);
    stop();
    EXPECT_TRUE(find_two(TRC_SCHED_YIELD, 0, 0));
    EXPECT_TRUE(find_two(TRC_SCHED_SWITCH_INFCONT, 0, 0));
    EXPECT_TRUE(find(TRC_SCHED_CONTINUE_RUNNING, &r) && r.words == 1 && r.word[0] == 0);
}

DOMAIN_ASM(quits, "push $0\n mov %rsp, %rsi\n mov $2, %edi\n mov $29, %eax\n syscall\n");

static void check_domain(void)
{
    struct domain d;
    struct record r;
    unsigned added = 0, shut = 0;

    start(TRC_SCHED | TRC_DOM0OP);
    domain_make(&d, DOMAIN_CODE_OF(quits));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, PATIENT), SHUTDOWN_poweroff);
    stop();
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        while (take(cpu, &r)) {
            added += (r.event == TRC_SCHED_DOM_ADD || r.event == TRC_DOM0_DOM_ADD) && r.words == 1 && r.word[0] == d.id;
            shut += r.event == TRC_SCHED_SHUTDOWN && r.words == 3 && r.word[0] == d.id && !r.word[1] && !r.word[2];
        }
    EXPECT_EQUAL(added, 2);
    EXPECT_EQUAL(shut, 1);
    start(TRC_SCHED | TRC_DOM0OP);
    EXPECT_OK(domain_destroy(&d));
    stop();
    EXPECT_TRUE(find(TRC_DOM0_DOM_REM, &r) && r.word[0] == d.id);
}

/* ---- Of memory ---- */

static void check_memory(void)
{
    unsigned long mfn = pfn_to_mfn(pfn_alloc());
    struct xen_memory_reservation back = { .extent_start = { &mfn }, .nr_extents = 1, .domid = DOMID_SELF };
    void *page = page_alloc();
    grant_handle_t h;
    struct record r;

    grant_init(1);
    grant_v1_set(9, 0, virt_to_mfn(page), GTF_permit_access);
    start(TRC_MEM);
    EXPECT_EQUAL(grant_map(9, PROBE, GNTMAP_host_map, &h), GNTST_okay);
    EXPECT_EQUAL(grant_unmap(PROBE, h), GNTST_okay);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_decrease_reservation, &back), 1);
    stop();
    EXPECT_TRUE(find(TRC_MEM_PAGE_GRANT_MAP, &r) && r.words == 1 && r.word[0] == 0);
    EXPECT_TRUE(find(TRC_MEM_PAGE_GRANT_UNMAP, &r) && r.words == 1 && r.word[0] == 0);
    EXPECT_TRUE(find(TRC_MEM_DECREASE_RESERVATION, &r) && r.words == 4);
    EXPECT_EQUAL(pair(&r, 0), mfn);
    EXPECT_EQUAL(r.word[2], 0);
}

/* ---- The ring ---- */

static void call_many(unsigned n)
{
    while (n--)
        hypercall(xen_version, XENVER_pagesize);
}

static unsigned take_calls(void)
{
    struct record r;
    unsigned n = 0;

    while (take(0, &r))
        n += r.event == TRC_PV_HYPERCALL_V2 && r.word[0] == __HYPERVISOR_xen_version;
    return n;
}

static void check_wrap(void)
{
    unsigned n = 0;

    start(TRC_PV_ENTRY);
    wraps = 0;
    for (unsigned i = 0; i < 100; i++) {
        call_many(100);
        n += take_calls();
    }
    stop();
    EXPECT_EQUAL(n, 100 * 100);
    EXPECT_TRUE(wraps >= 5);
}

static void check_lost(void)
{
    struct record r;
    unsigned kept;

    start(TRC_PV_ENTRY);
    call_many(3000);
    kept = take_calls();
    EXPECT_TRUE(kept > RING / 16 - 10 && kept <= RING / 16);
    call_many(1);
    EXPECT_TRUE(take(0, &r) && r.event == TRC_LOST_RECORDS && r.words == 4);
    EXPECT_EQUAL(r.word[0], 3000 - kept);
    EXPECT_EQUAL(r.word[1], 0);
    EXPECT_TRUE(pair(&r, 2) != 0 && pair(&r, 2) < r.tsc);
    EXPECT_EQUAL(take_calls(), 1);
    stop();
}

static void check_virq(void)
{
    long port = event_bind_virq(VIRQ_TBUF, 0);

    REQUIRE(port > 0);
    event_unmask((unsigned)port);
    start(TRC_PV_ENTRY);
    event_count[port] = 0;
    events_on();
    call_many(RING / 2 / 16 - 50);
    EXPECT_EQUAL(event_count[port], 0);
    call_many(200);
    EXPECT_TRUE(event_wait((unsigned)port, 1, PATIENT));
    EXPECT_EQUAL(event_count[port], 1);
    events_off();
    stop();
    EXPECT_OK(event_close((unsigned)port));
}

/* Whatever is written there, the tool's own records are what it spoils. */
static void check_rubbish(void)
{
    static const uint32_t bad[] = { 1, 3, 2 * RING, 2 * RING + 4, ~0u, 0x80000000, RING + 2 };

    start(TRC_PV_ENTRY);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        uint32_t prod = buf(0)->prod;

        buf(0)->cons = bad[i];
        call_many(2000);
        EXPECT_EQUAL(buf(0)->prod, prod);
    }
    memset((void *)buf(0), 0xa5, PAGES * PAGE_SIZE);
    memset((void *)buf(1), 0x5a, PAGES * PAGE_SIZE);
    call_many(10);
    stop();
    buf(0)->cons = buf(1)->cons = 0;
    start(TRC_PV_ENTRY);
    call_many(1);
    buf(0)->cons = buf(0)->prod;
    call_many(10);
    EXPECT_EQUAL(take_calls(), 10);
    stop();
}

static void check_cpus(void)
{
    uint64_t mask = 2;
    uint32_t prod;

    EXPECT_OK(set_cpus(&mask, 64));
    start(TRC_PV_ENTRY);
    prod = buf(0)->prod;
    call_many(10);
    EXPECT_EQUAL(buf(0)->prod, prod);
    mask = 3;
    EXPECT_OK(set_cpus(&mask, 64));
    buf(0)->cons = buf(0)->prod;
    call_many(10);
    EXPECT_EQUAL(take_calls(), 10);
    stop();
    prod = buf(0)->prod;
    call_many(10);
    EXPECT_EQUAL(buf(0)->prod, prod);
    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_get_info));
    EXPECT_EQUAL(U.tbuf_op.evt_mask, TRC_PV_ENTRY);
}

/* ---- Who isn't the control domain ---- */

/* data[0]: a frame, data[1]: an entry of its own L1; the sysctl is at data[16].  The answers go to data[2] and data[3]. */
DOMAIN_ASM(snoops,
    "mov $0x401000, %ebx\n"
    "lea 128(%rbx), %rdi\n mov $35, %eax\n syscall\n mov %rax, 16(%rbx)\n"
    "mov (%rbx), %rax\n push %rax\n mov 8(%rbx), %rax\n push %rax\n"
    "mov %rsp, %rdi\n mov $1, %esi\n xor %edx, %edx\n mov $0x7ff2, %r10d\n mov $1, %eax\n syscall\n mov %rax, 24(%rbx)\n"
    "push $0\n mov %rsp, %rsi\n mov $2, %edi\n mov $29, %eax\n syscall\n");

static void check_others(void)
{
    struct domain d;

    EXPECT_OK(tbuf(XEN_SYSCTL_TBUFOP_get_info));
    domain_make(&d, DOMAIN_CODE_OF(snoops));
    memcpy((void *)&d.data[16], &s, sizeof(s));
    d.data[0] = pte_make(U.tbuf_op.buffer_mfn, PTE_RO);
    d.data[1] = (d.mfn[3] << PAGE_SHIFT) + 100 * 8;
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, PATIENT), SHUTDOWN_poweroff);
    EXPECT_ERR((long)d.data[2], EPERM);
    EXPECT_ERR((long)d.data[3], EPERM);
    EXPECT_OK(domain_destroy(&d));
}

void test_main(void)
{
    check_before();
    check_size();
    check_frames();
    check_hypercalls();
    check_multicall();
    check_own();
    check_faults();
    check_emulation();
    check_ldt();
    check_sched();
    check_domain();
    check_memory();
    check_wrap();
    check_lost();
    check_virq();
    check_cpus();
    if (!test_on_xen()) /* it gives up tracing */
        check_rubbish();
    check_others();
}
