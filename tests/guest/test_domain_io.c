/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two domains with each other, as the halves of a split driver: an event channel between them carries events both ways; the
 * toolstack maps the other's grant table (acquire_resource) and grants itself a page, which is mapped, shared, copied, refused
 * where it isn't granted so, and outlives its domain for as long as it is mapped.
 */
#include "domain.h"
#include "check.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"
#include "trap.h"
#include <xen/memory.h>
#include <xen/sched.h>

#define VA       0x0000310000000000ul /* the grant is mapped here */
#define TABLE_VA 0x0000310000200000ul /* its grant table */
#define INFO_VA  0x0000310000400000ul /* its shared info */
#define REF      8

#define CALL(nr) "mov $" #nr ", %eax\n syscall\n"

/* data[16]: struct evtchn_alloc_unbound { SELF, 0, port }.  data[0]: 1 + what that answered; then it waits for data[1] to become 1, sends an event,
 * puts what it finds in data[3] into data[4], and waits for data[1] == 2 to shut down. */
DOMAIN_ASM(half,
    "mov $0x401000, %ebx\n movb $1, 0x403001\n" /* events masked */
    "movl $0x7ff0, 128(%rbx)\n lea 128(%rbx), %rsi\n mov $6, %edi\n" CALL(32)
    "inc %rax\n mov %rax, (%rbx)\n"
    "1: xor %edi, %edi\n" CALL(29) "cmpq $1, 8(%rbx)\n jb 1b\n"
    "mov 132(%rbx), %eax\n mov %eax, 136(%rbx)\n lea 136(%rbx), %rsi\n mov $4, %edi\n" CALL(32)
    "mov %rax, 16(%rbx)\n mov 24(%rbx), %rax\n mov %rax, 32(%rbx)\n"
    "2: xor %edi, %edi\n" CALL(29) "cmpq $2, 8(%rbx)\n jb 2b\n"
    "push $0\n mov %rsp, %rsi\n mov $2, %edi\n" CALL(29));

static struct domain d;
static volatile grant_entry_v1_t *table = (void *)TABLE_VA;

static bool data_wait(unsigned i, unsigned long want)
{
    uint64_t until = time_now() + 5000000000ul;

    while (d.data[i] != want && time_now() < until)
        domain_wait(&d, 1);
    return EXPECT_EQUAL(d.data[i], want);
}

static void check_events(void)
{
    struct shared_info *info = (void *)INFO_VA;
    unsigned long info_mfn;
    unsigned theirs;
    long port;

    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, d.id));
    info_mfn = domctl_op.u.getdomaininfo.shared_info_frame;
    EXPECT_OK(domain_map(&d, INFO_VA, info_mfn, PTE_RW));
    EXPECT_TRUE(data_wait(0, 1));
    theirs = (unsigned)(d.data[16] >> 32);
    EXPECT_REFUSED(event_bind_interdomain(d.id, theirs + 1));
    port = event_bind_interdomain(d.id, theirs);
    REQUIRE(port > 0);
    EXPECT_REFUSED(event_bind_interdomain(d.id, theirs));      /* it has a partner now */
    event_unmask((unsigned)port);
    event_clear((unsigned)port);
    d.data[3] = 0xabc;
    d.data[1] = 1;
    EXPECT_TRUE(data_wait(4, 0xabc));
    EXPECT_EQUAL(d.data[2], 0);
    EXPECT_TRUE(event_wait((unsigned)port, 1, 1000));
    info->evtchn_pending[theirs / 64] = 0;
    EXPECT_OK(event_send((unsigned)port));
    EXPECT_EQUAL(info->evtchn_pending[theirs / 64] >> (theirs % 64) & 1, 1);
    EXPECT_OK(domain_map(&d, INFO_VA, 0, 0));
}

/* The toolstack's way to a table that its domain has not set up itself. */
static void table_map(void)
{
    struct xen_mem_acquire_resource r = {
        .domid = d.id, .type = XENMEM_resource_grant_table, .id = XENMEM_resource_grant_table_id_shared, .nr_frames = 1,
    };
    xen_pfn_t frame = 0;

    set_xen_guest_handle(r.frame_list, &frame);
    REQUIRE(!hypercall(memory_op, XENMEM_acquire_resource, &r));
    REQUIRE(!domain_map(&d, TABLE_VA, frame, PTE_RW));
}

static int map(unsigned ref, unsigned flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref m = { .host_addr = VA, .flags = flags, .ref = ref, .dom = d.id };

    if (!pt_entry(NULL, VA, 1))
        REQUIRE(!map_page(NULL, VA, 0, 0));
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
    *handle = m.handle;
    return m.status;
}

static int unmap(grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref u = { .host_addr = VA, .handle = handle };

    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1));
    return u.status;
}

static void check_grant(void)
{
    grant_handle_t h;
    struct trap t;

    table[REF].domid = 0;
    table[REF].frame = (uint32_t)d.mfn[1];
    table[REF].flags = GTF_permit_access | GTF_readonly;
    EXPECT_TRUE(map(REF, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(map(REF, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
    EXPECT_EQUAL(((volatile unsigned long *)VA)[4], 0xabc);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, VA), VEC_PF);
    EXPECT_EQUAL(unmap(h), GNTST_okay);
    table[REF].flags = GTF_permit_access;
    EXPECT_EQUAL(map(REF, GNTMAP_host_map, &h), GNTST_okay);
    ((volatile unsigned long *)VA)[5] = 0x777;
    EXPECT_EQUAL(d.data[5], 0x777);
    EXPECT_EQUAL(unmap(h), GNTST_okay);
    table[REF].domid = 77;                                     /* for somebody else */
    EXPECT_TRUE(map(REF, GNTMAP_host_map, &h) != GNTST_okay);
    table[REF].domid = 0;
    table[REF].frame = (uint32_t)virt_to_mfn(&d);              /* not its own to give */
    EXPECT_TRUE(map(REF, GNTMAP_host_map, &h) != GNTST_okay);
    table[REF].frame = (uint32_t)d.mfn[1];
}

static void check_copy(void)
{
    static unsigned long buffer[512] __attribute__((aligned(4096)));
    struct gnttab_copy c = { .flags = GNTCOPY_source_gref, .len = 64 };

    c.source.u.ref = REF;
    c.source.domid = d.id;
    c.source.offset = 32;
    c.dest.u.gmfn = virt_to_mfn(buffer);
    c.dest.domid = DOMID_SELF;
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_copy, &c, 1));
    EXPECT_EQUAL(c.status, GNTST_okay);
    EXPECT_EQUAL(buffer[0], 0xabc);
    EXPECT_EQUAL(buffer[1], 0x777);
}

/* Dead, but a page of it is still ours to read. */
static void check_outlives(void)
{
    grant_handle_t h;

    EXPECT_EQUAL(map(REF, GNTMAP_host_map, &h), GNTST_okay);
    d.data[1] = 2;
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    EXPECT_OK(domain_map(&d, TABLE_VA, 0, 0));
    EXPECT_OK(domain_destroy(&d));
    EXPECT_EQUAL(((volatile unsigned long *)VA)[4], 0xabc);
    ((volatile unsigned long *)VA)[4] = 1;
    EXPECT_EQUAL(unmap(h), GNTST_okay);
}

void test_main(void)
{
    domain_make(&d, DOMAIN_CODE_OF(half));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    events_on();
    check_events();
    table_map();
    check_grant();
    check_copy();
    check_outlives();
}
