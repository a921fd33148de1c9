/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl (sysctl.h) with a second domain: it is in the list and in the pool, its memory is no longer free, and it may call nothing of it itself. */
#include "domain.h"
#include <xen/memory.h>
#include <xen/sched.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "time.h"

#define COMMANDS 32
#define STR_(x) #x
#define STR(x)  STR_(x)
#define CALL(nr) "mov $" STR(nr) ", %eax\n syscall\n"

/* data[64 ...]: what each command answers; data[0], data[1]: a wrong version, a wrong address. */
DOMAIN_ASM(asker,
    "mov $0x401000, %ebx\n xor %r12d, %r12d\n"
    "1: mov %r12d, 128(%rbx)\n movl $0x15, 132(%rbx)\n lea 128(%rbx), %rdi\n" CALL(35)
    "mov %rax, 512(%rbx,%r12,8)\n inc %r12d\n cmp $32, %r12d\n jb 1b\n"
    "movl $1, 132(%rbx)\n lea 128(%rbx), %rdi\n" CALL(35) "mov %rax, (%rbx)\n"
    "xor %edi, %edi\n" CALL(35) "mov %rax, 8(%rbx)\n"
    "push $1\n mov %rsp, %rsi\n mov $2, %edi\n" CALL(29));

static xen_domctl_getdomaininfo_t list[4];

static unsigned domains(unsigned first, unsigned max)
{
    memset(list, 0x5a, sizeof(list));
    EXPECT_OK(SYSCTL(getdomaininfolist, U.getdomaininfolist.buffer.p = list; U.getdomaininfolist.max_domains = max;
                     U.getdomaininfolist.first_domain = (domid_t)first));
    return U.getdomaininfolist.num_domains;
}

static void check_list(const struct domain *d)
{
    EXPECT_EQUAL(domains(0, 4), 2);
    EXPECT_EQUAL(list[0].domain, 0);
    EXPECT_EQUAL(list[1].domain, d->id);
    EXPECT_TRUE(list[1].flags & XEN_DOMINF_paused);
    EXPECT_EQUAL(list[1].flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_running), 0);
    EXPECT_TRUE(list[1].tot_pages >= 8 && list[1].tot_pages < 100);
    EXPECT_EQUAL(list[1].max_vcpu_id, 0);
    EXPECT_EQUAL(list[1].cpupool, 0);
    EXPECT_EQUAL(domains(0, 1), 1);
    EXPECT_EQUAL(((unsigned char *)&list[1])[0], 0x5a);
    EXPECT_EQUAL(domains(1, 4), 1);
    EXPECT_EQUAL(list[0].domain, d->id);
    EXPECT_EQUAL(domains(d->id + 1u, 4), 0);
}

static long pool_move(unsigned domid, unsigned pool)
{
    return SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN; U.cpupool_op.domid = domid;
                  U.cpupool_op.cpupool_id = pool);
}

static void check_pool(const struct domain *d)
{
    uint64_t until = time_now() + 2000000000ul;

    do /* the one that went before may be in it for a while */
        EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO));
    while (U.cpupool_op.n_dom > 2 && time_now() < until && !hypercall(sched_op, SCHEDOP_yield));
    EXPECT_EQUAL(U.cpupool_op.n_dom, 2);
    EXPECT_OK(pool_move(d->id, 0));
    EXPECT_ERR(pool_move(d->id, 9), ENOENT);
    EXPECT_ERR(pool_move(d->id + 1u, 0), ESRCH);
}

static void check_asker(struct domain *d)
{
    EXPECT_OK(domain_start(d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d->id));
    EXPECT_EQUAL(domain_wait(d, 5000), SHUTDOWN_reboot);
    for (unsigned cmd = 0; cmd < COMMANDS; cmd++)
        EXPECT_EQUAL(d->data[64 + cmd], -XEN_EPERM);
    EXPECT_TRUE((long)d->data[0] == -XEN_EPERM || (long)d->data[0] == -XEN_EACCES);
    EXPECT_TRUE((long)d->data[1] == -XEN_EPERM || (long)d->data[1] == -XEN_EFAULT);
    EXPECT_EQUAL(domains(1, 4), 1);
    EXPECT_TRUE(list[0].flags & XEN_DOMINF_shutdown);
    EXPECT_EQUAL(list[0].flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, SHUTDOWN_reboot);
    EXPECT_TRUE(list[0].cpu_time > 0);
}

static uint64_t free_pages(void)
{
    EXPECT_OK(SYSCTL(physinfo));
    return U.physinfo.free_pages;
}

void test_main(void)
{
    struct domain d;
    uint64_t before, with;

    domain_make(&d, DOMAIN_CODE_OF(asker)); /* what a first domain leaves behind for the next */
    EXPECT_OK(domain_destroy(&d));
    before = free_pages();
    domain_make(&d, DOMAIN_CODE_OF(asker));
    with = free_pages();
    EXPECT_TRUE(before >= with + 8 && before < with + 1000);
    check_list(&d);
    check_pool(&d);
    check_asker(&d);
    EXPECT_OK(domain_destroy(&d));
    EXPECT_EQUAL(domains(1, 4), 0);
}
