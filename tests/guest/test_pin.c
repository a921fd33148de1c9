/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmuext_op pin and unpin (xen.h), all levels: a hand-made tree pins bottom up and top down, keeps what it names,
 * and releases it; double pin, unpin of what is not pinned, frames that are not ours are refused; count and
 * list rules of mmuext_op itself.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"

static uint64_t *t[5];
static unsigned long m[5];

static void make(void)
{
    void *data = page_alloc();

    for (int l = 1; l <= 4; l++) {
        t[l] = page_alloc();
        m[l] = virt_to_mfn(t[l]);
    }
    t[1][0] = pte_make(virt_to_mfn(data), PTE_RW);
    t[2][1] = pte_make(m[1], PTE_TABLE);
    t[3][2] = pte_make(m[2], PTE_TABLE);
    t[4][3] = pte_make(m[3], PTE_TABLE);
    for (int l = 1; l <= 4; l++)
        EXPECT_OK(page_make_ro(t[l]));
}

static void check_bottom_up(void)
{
    EXPECT_OK(pin(1, m[1]));
    EXPECT_OK(pin(2, m[2]));
    EXPECT_OK(pin(3, m[3]));
    EXPECT_OK(pin(4, m[4]));
    for (int l = 1; l <= 4; l++)
        EXPECT_REFUSED(page_make_rw(t[l]));
    for (int l = 1; l <= 4; l++)
        EXPECT_OK(unpin(m[l]));
    for (int l = 1; l <= 4; l++)
        EXPECT_OK(page_make_rw(t[l]));
    for (int l = 1; l <= 4; l++)
        EXPECT_OK(page_make_ro(t[l]));
}

static void check_top_down(void)
{
    EXPECT_OK(pin(4, m[4]));
    for (int l = 1; l <= 4; l++)
        EXPECT_REFUSED(page_make_rw(t[l]));
    EXPECT_OK(pin(2, m[2]));
    EXPECT_REFUSED(pin(3, m[2]));
    EXPECT_OK(unpin(m[4]));
    EXPECT_OK(page_make_rw(t[4]));
    EXPECT_OK(page_make_rw(t[3]));
    EXPECT_REFUSED(page_make_rw(t[2]));
    EXPECT_REFUSED(page_make_rw(t[1]));
    EXPECT_OK(unpin(m[2]));
    EXPECT_OK(page_make_rw(t[1]));
    EXPECT_OK(page_make_rw(t[2]));
}

static void check_refusals(void)
{
    void *page = page_alloc();
    unsigned long mfn = virt_to_mfn(page);

    EXPECT_OK(page_make_ro(page));
    EXPECT_REFUSED(unpin(mfn));
    EXPECT_OK(pin(1, mfn));
    EXPECT_REFUSED(pin(1, mfn));
    EXPECT_OK(unpin(mfn));
    EXPECT_REFUSED(unpin(mfn));
    EXPECT_REFUSED(pin(1, 0xffffffffful));
    EXPECT_REFUSED(pin(1, ~0ul));
    EXPECT_REFUSED(pin(1, 0xb8));
    EXPECT_REFUSED(unpin(0xffffffffful));
    EXPECT_REFUSED(unpin(~0ul));
}

static void check_list(void)
{
    struct mmuext_op op[3] = { { .cmd = MMUEXT_TLB_FLUSH_LOCAL }, { .cmd = 99 }, { .cmd = MMUEXT_TLB_FLUSH_LOCAL } };
    unsigned done = 77;

    EXPECT_ERR(hypercall(mmuext_op, op, 3, &done, DOMID_SELF), ENOSYS);
    EXPECT_EQUAL(done, 1);
    op[1].cmd = 14;
    EXPECT_ERR(hypercall(mmuext_op, op, 3, &done, DOMID_SELF), ENOSYS);
    op[1].cmd = MMUEXT_TLB_FLUSH_ALL;
    EXPECT_OK(hypercall(mmuext_op, op, 3, &done, DOMID_SELF));
    EXPECT_EQUAL(done, 3);
    EXPECT_OK(hypercall(mmuext_op, op, 0, &done, DOMID_SELF));
    EXPECT_OK(hypercall(mmuext_op, op, 1, NULL, DOMID_SELF));
    EXPECT_ERR(hypercall(mmuext_op, UNMAPPED, 1, &done, DOMID_SELF), EFAULT);
    EXPECT_ERR(hypercall(mmuext_op, HV_PRIVATE, 1, &done, DOMID_SELF), EFAULT);
    (void)hypercall(mmuext_op, op, 1, UNMAPPED, DOMID_SELF);     /* only harmless */
    (void)hypercall(mmuext_op, op, 1, HV_PRIVATE, DOMID_SELF);
    EXPECT_ERR(hypercall(mmuext_op, op, 1, NULL, 4711), ESRCH);
}

void test_main(void)
{
    make();
    check_bottom_up();
    check_top_down();
    check_refusals();
    check_list();
}
