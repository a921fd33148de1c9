/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENPF_add_memtype, del_memtype, read_memtype (platform.h): a range gets a type on all processors, uses are
 * counted, and refusals. */
/* qemu: -smp 2 */
#include <xen/platform.h>
#include "check.h"
#include "hypercall.h"

#define UC 0
#define WC 1
#define HOLE 0xf0000ul /* frames without RAM */

static struct xen_platform_op op;

static long platform(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XENPF_INTERFACE_VERSION;
    return hypercall(platform_op, &op);
}

/* The register, or the error. */
static long add(uint64_t mfn, uint64_t n, uint32_t type)
{
    long rc;

    memset(&op, 0, sizeof(op));
    op.u.add_memtype.mfn = mfn;
    op.u.add_memtype.nr_mfns = n;
    op.u.add_memtype.type = type;
    rc = platform(XENPF_add_memtype);
    EXPECT_TRUE(rc || op.u.add_memtype.handle == 0);
    return rc ? rc : op.u.add_memtype.reg;
}

static long del(long reg)
{
    memset(&op, 0, sizeof(op));
    op.u.del_memtype.reg = (uint32_t)reg;
    return platform(XENPF_del_memtype);
}

static void expect(long reg, uint64_t mfn, uint64_t n, uint32_t type)
{
    memset(&op, 0, sizeof(op));
    op.u.read_memtype.reg = (uint32_t)reg;
    EXPECT_OK(platform(XENPF_read_memtype));
    EXPECT_EQUAL(op.u.read_memtype.mfn, mfn);
    EXPECT_EQUAL(op.u.read_memtype.nr_mfns, n);
    EXPECT_EQUAL(op.u.read_memtype.type, type);
}

static void check_uses(void)
{
    long reg = add(HOLE, 0x100, WC);

    REQUIRE(reg >= 0);
    expect(reg, HOLE, 0x100, WC);
    EXPECT_EQUAL(add(HOLE, 0x100, WC), reg);        /* the same again */
    EXPECT_EQUAL(add(HOLE + 0x10, 0x10, WC), reg);  /* inside */
    EXPECT_OK(del(reg));
    EXPECT_OK(del(reg));
    expect(reg, HOLE, 0x100, WC);
    EXPECT_OK(del(reg));
    expect(reg, 0, 0, 0);
    EXPECT_ERR(del(reg), EINVAL);
}

/* Uncached may lie over what has another type. */
static void check_overlap(void)
{
    long wc = add(HOLE, 0x100, WC), uc = wc >= 0 ? add(HOLE, 0x100, UC) : -1;

    EXPECT_TRUE(wc >= 0 && uc >= 0);
    EXPECT_OK(del(uc));
    EXPECT_OK(del(wc));
}

static void check_refusals(void)
{
    EXPECT_ERR(add(HOLE + 1, 0x100, WC), EINVAL);
    EXPECT_ERR(add(HOLE, 3, WC), EINVAL);
    EXPECT_REFUSED(add(HOLE, 0, WC));
    EXPECT_ERR(add(HOLE, 0x100, 7), EINVAL);
    EXPECT_ERR(add(HOLE, 0x100, 99), EINVAL);
    EXPECT_ERR(add(1ul << 41, 0x100, UC), EINVAL);
    EXPECT_ERR(del(254), EINVAL);
    EXPECT_ERR(del(0xffffffff), EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.del_memtype.handle = 99;
    EXPECT_REFUSED(platform(XENPF_del_memtype));
}

/* Registers run out; all that were got can be given back. */
static void check_full(void)
{
    long got[256], n = 0;

    while (n < 256 && (got[n] = add(HOLE + 0x1000 + (uint64_t)n * 2, 1, WC)) >= 0)
        n++;
    EXPECT_TRUE(n > 0 && n < 256);
    EXPECT_ERR(got[n], ENOSPC);
    while (n--)
        EXPECT_OK(del(got[n]));
}

void test_main(void)
{
    check_uses();
    check_overlap();
    check_refusals();
    check_full();
}
