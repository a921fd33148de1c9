/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains made by a micro-guest: see domain.h. */
#include "domain.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"
#include "trap.h"
#include <xen/memory.h>
#include <xen/sched.h>

enum { CODE, DATA, STACK, L1, L2, L3, L4, SPARE, FRAMES };

#define WINDOW 0x0000300000000000ul /* where we map others' frames: one page a domain and frame */

struct xen_domctl domctl_op;

long domctl(uint32_t cmd, domid_t id)
{
    domctl_op.cmd = cmd;
    domctl_op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domctl_op.domain = id;
    return hypercall(domctl, &domctl_op);
}

void domctl_clear(void)
{
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
}

long domain_map(const struct domain *d, unsigned long va, unsigned long mfn, unsigned long flags)
{
    struct mmu_update u;

    if (!pt_entry(NULL, va, 1) && map_page(NULL, va, 0, 0))
        test_abort("domain_map: no table");
    u.ptr = pt_entry_maddr(NULL, va, 1);
    u.val = flags ? pte_make(mfn, flags) : 0;
    return hypercall(mmu_update, &u, 1, NULL, d->id);
}

long domain_mmuext(const struct domain *d, unsigned cmd, unsigned long arg1)
{
    struct mmuext_op op = { .cmd = cmd };

    op.arg1.linear_addr = arg1;
    return hypercall(mmuext_op, &op, 1, NULL, d->id);
}

static unsigned long window(const struct domain *d, unsigned frame)
{
    return WINDOW + ((unsigned long)d->id * FRAMES + frame) * PAGE_SIZE;
}

static uint64_t *frame_open(const struct domain *d, unsigned frame)
{
    unsigned long va = window(d, frame);

    if (domain_map(d, va, d->mfn[frame], PTE_RW))
        test_abort("domain_make: a frame can't be mapped");
    memset((void *)va, 0, PAGE_SIZE);
    return (uint64_t *)va;
}

static void frame_close(const struct domain *d, unsigned frame)
{
    unsigned long va = window(d, frame);

    if (domain_map(d, va, 0, 0) || mmuext_one(MMUEXT_INVLPG_LOCAL, va, 0))
        test_abort("domain_make: a frame can't be unmapped");
}

static void create(struct domain *d)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;
    struct xen_memory_reservation r = { .nr_extents = FRAMES };

    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    c->max_vcpus = 1;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = c->max_maptrack_frames = 4;
    c->grant_opts = XEN_DOMCTL_GRANT_version(1);
    if (domctl(XEN_DOMCTL_createdomain, 0))
        test_abort("domain_make: createdomain");
    d->id = domctl_op.domain;
    domctl_op.u.max_vcpus.max = 1;
    if (domctl(XEN_DOMCTL_max_vcpus, d->id))
        test_abort("domain_make: max_vcpus");
    domctl_op.u.max_mem.max_memkb = 4 * FRAMES;
    if (domctl(XEN_DOMCTL_max_mem, d->id))
        test_abort("domain_make: max_mem");
    for (unsigned i = 0; i < FRAMES; i++)
        d->mfn[i] = i;
    r.domid = d->id;
    set_xen_guest_handle(r.extent_start, d->mfn);
    if (hypercall(memory_op, XENMEM_populate_physmap, &r) != FRAMES)
        test_abort("domain_make: populate_physmap");
}

static unsigned long shared_info_mfn(const struct domain *d)
{
    if (domctl(XEN_DOMCTL_getdomaininfo, d->id))
        test_abort("domain_make: getdomaininfo");
    return domctl_op.u.getdomaininfo.shared_info_frame;
}

static void tables_make(struct domain *d)
{
    unsigned long info = shared_info_mfn(d);
    uint64_t *t = frame_open(d, L1);
    unsigned first = DOMAIN_CODE >> PAGE_SHIFT & 511;

    t[first] = pte_make(d->mfn[CODE], PTE_RO);
    t[first + 1] = pte_make(d->mfn[DATA], PTE_RW);
    t[first + 2] = pte_make(d->mfn[STACK], PTE_RW);
    t[first + 3] = pte_make(info, PTE_RW);
    frame_close(d, L1);
    for (unsigned level = 2; level <= 4; level++) {
        t = frame_open(d, L1 + level - 1);
        t[DOMAIN_CODE >> (12 + 9 * (level - 1)) & 511] = pte_make(d->mfn[L1 + level - 2], PTE_TABLE);
        if (level == 4)
            t[511] = t[0];
        frame_close(d, L1 + level - 1);
    }
    if (domain_mmuext(d, MMUEXT_PIN_L4_TABLE, d->mfn[L4]))
        test_abort("domain_make: pin");
}

void domain_make(struct domain *d, const char *code, const char *end)
{
    create(d);
    memcpy(frame_open(d, CODE), code, (size_t)(end - code));
    frame_close(d, CODE);
    d->data = frame_open(d, DATA);
    frame_open(d, STACK);
    frame_close(d, STACK);
    tables_make(d);
}

long domain_start(struct domain *d)
{
    static vcpu_guest_context_t c;

    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = DOMAIN_CODE;
    c.user_regs.rsp = c.kernel_sp = DOMAIN_STACK;
    c.user_regs.rflags = 0x202;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = d->mfn[L4] << PAGE_SHIFT;
    domctl_op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &c);
    return domctl(XEN_DOMCTL_setvcpucontext, d->id);
}

int domain_wait(const struct domain *d, unsigned ms)
{
    uint64_t until = time_now() + ms * 1000000ul;

    do {
        struct sched_poll poll = { .timeout = time_now() + 1000000 };

        if (domctl(XEN_DOMCTL_getdomaininfo, d->id) || domctl_op.domain != d->id)
            return -1;
        if (domctl_op.u.getdomaininfo.flags & XEN_DOMINF_shutdown)
            return (int)(domctl_op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
        hypercall(sched_op, SCHEDOP_poll, &poll); /* let it have the CPU */
    } while (time_now() < until);
    return -1;
}

long domain_destroy(struct domain *d)
{
    frame_close(d, DATA);
    return domctl(XEN_DOMCTL_destroydomain, d->id);
}
