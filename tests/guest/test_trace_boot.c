/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options tbuf_size= and tevt_mask=: there are trace buffers from the start, and tracing is on. */
/* hv: tbuf_size=3 tevt_mask=0x0020f000 */
#define __XEN_TOOLS__ 1
#include <xen/sysctl.h>
#include <xen/trace.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"

#define INFO_VA 0x0000100000000000ul
#define BUF_VA  (INFO_VA + PAGE_SIZE)

static long map_of_xen(unsigned long va, unsigned long mfn, unsigned long flags)
{
    struct mmu_update u = { .val = pte_make(mfn, flags) };

    REQUIRE(!map_page(NULL, va, 0, 0));
    u.ptr = pt_entry_maddr(NULL, va, 1);
    return hypercall(mmu_update, &u, 1, 0, DOMID_XEN);
}

void test_main(void)
{
    const volatile struct t_info *info = (void *)INFO_VA;
    volatile struct t_buf *buf = (void *)BUF_VA;
    const volatile uint32_t *words = (void *)(BUF_VA + sizeof(*buf));

    EXPECT_OK(SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_get_info));
    EXPECT_EQUAL(U.tbuf_op.evt_mask, TRC_PV);
    REQUIRE(!map_of_xen(INFO_VA, U.tbuf_op.buffer_mfn, PTE_RO));
    EXPECT_EQUAL(info->tbuf_size, 3);
    REQUIRE(!map_of_xen(BUF_VA, ((const volatile uint32_t *)info)[info->mfn_offset[0]], PTE_RW));
    EXPECT_TRUE(buf->prod > 0);
    if (!test_on_xen()) /* which puts others there before it looks at the mask */
        EXPECT_EQUAL(TRC_HD_TO_EVENT(words[0]) & 0xfff0000, TRC_PV & 0xfff0000);
    EXPECT_TRUE(TRC_HD_INCLUDES_CYCLE_COUNT(words[0]));
    EXPECT_OK(SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_disable));
}
