/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One CPU makes and destroys a domain, over and over, while another asks for it by its number: it is there whole, or not at all. */
/* qemu: -smp 2 */
/* alone: CPUs race each other */
#include "domain.h"
#include "check.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"

#define ID     777
#define ROUNDS 300

static volatile bool stop;
static volatile unsigned stopped;
static unsigned long asked, seen;

static void asker(void)
{
    static struct xen_domctl op;

    while (!stop) {
        op.cmd = XEN_DOMCTL_getdomaininfo;
        op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
        op.domain = ID;
        asked++;
        if (!hypercall(domctl, &op) && op.domain == ID && op.u.getdomaininfo.shared_info_frame)
            seen++;
        op.cmd = XEN_DOMCTL_max_mem;
        op.domain = ID;
        op.u.max_mem.max_memkb = 64;
        hypercall(domctl, &op);
    }
    __atomic_store_n(&stopped, 1, __ATOMIC_SEQ_CST);
    vcpu_stop();
}

static void round_of(void)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;
    uint64_t until = time_now() + 5000000000ul;
    long rc;

    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    c->max_vcpus = 4;
    c->max_grant_frames = c->max_maptrack_frames = 4;
    c->grant_opts = XEN_DOMCTL_GRANT_version(1);
    do { /* the former one's number is taken for as long as somebody holds it */
        rc = domctl(XEN_DOMCTL_createdomain, ID);
    } while (rc == -XEN_EEXIST && time_now() < until);
    EXPECT_OK(rc);
    domctl_op.u.max_vcpus.max = 4;
    EXPECT_OK(domctl(XEN_DOMCTL_max_vcpus, ID));
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, ID));
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    REQUIRE(!vcpu_start(1, asker));
    for (unsigned i = 0; i < ROUNDS; i++)
        round_of();
    stop = true;
    EXPECT_TRUE(wait_for(&stopped, 1, 5000));
    EXPECT_TRUE(asked > ROUNDS);
    EXPECT_TRUE(seen > 0);
}
