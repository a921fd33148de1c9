/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: what of a vCPU is not in vcpu_guest_context: its extended floating-point state and its MSRs.  A vCPU is paused while it is
 * read or set.  Answers are written when all of them are known.
 */
#include "ctl/bitmap.h"
#include "ctl/domctl.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "pv/msr.h"
#include "x86/fpu.h"

/* ---- Floating-point state: two words, XCR0 and all that the vCPU ever used of it, then an XSAVE area ---- */

#define WORDS (2 * sizeof(uint64_t))

static uint64_t state_size(void)
{
    return WORDS + fpu_xsave_size();
}

long domctl_get_xstate(struct domctl *x)
{
    struct xen_domctl_vcpuextstate *a = &x->op->u.vcpuextstate;
    uint64_t size = state_size(), *buffer;
    long rc;

    if ((!a->size && !a->xfeature_mask) || !guest_addr(a->buffer)) {
        a->size = size;
        a->xfeature_mask = fpu_xcr0_mask();
        return 0;
    }
    if (a->size != size || a->xfeature_mask != fpu_xcr0_mask())
        return -XEN_EINVAL;
    buffer = mem_alloc(size);
    if (!buffer)
        return -XEN_ENOMEM;
    buffer[0] = fpu_xcr0(x->v->fpu);
    buffer[1] = fpu_xcr0_mask();
    fpu_get_xsave(x->v->fpu, &buffer[2]);
    rc = copy_to_guest(guest_addr(a->buffer), buffer, size);
    mem_free(buffer);
    return rc;
}

long domctl_set_xstate(struct domctl *x)
{
    const struct xen_domctl_vcpuextstate *a = &x->op->u.vcpuextstate;
    uint64_t *buffer;
    long rc;

    if (a->size < WORDS || a->size > state_size())
        return -XEN_EINVAL;
    buffer = mem_alloc(state_size());
    if (!buffer)
        return -XEN_ENOMEM;
    rc = copy_from_guest(buffer, guest_addr(a->buffer), a->size);
    if (rc == 0 && a->size > WORDS)
        rc = fpu_set_xsave(x->v->fpu, buffer[0], buffer[1], &buffer[2], a->size - WORDS);
    mem_free(buffer);
    return rc;
}

/* ---- MSRs ---- */

/* Those that a vCPU has at all: an MSR that reads as 0 need not be told. */
static unsigned msrs_read(struct vcpu *v, xen_domctl_vcpu_msr_t *out)
{
    unsigned n = 0;

    for (unsigned i = 0; i < PV_SAVED_MSRS; i++) {
        uint64_t val;

        if (!pv_msr_saved(v, i, &val) || !val)
            continue;
        out[n++] = (xen_domctl_vcpu_msr_t){ .index = pv_saved_msr[i], .value = val };
    }
    return n;
}

long domctl_get_msrs(struct domctl *x)
{
    struct xen_domctl_vcpu_msrs *a = &x->op->u.vcpu_msrs;
    xen_domctl_vcpu_msr_t msrs[PV_SAVED_MSRS];

    if (!guest_addr(a->msrs)) {
        a->msr_count = PV_SAVED_MSRS;
        return 0;
    }
    return array_to_guest(guest_addr(a->msrs), &a->msr_count, msrs, msrs_read(x->v, msrs), sizeof(*msrs));
}

long domctl_set_msrs(struct domctl *x)
{
    struct xen_domctl_vcpu_msrs *a = &x->op->u.vcpu_msrs;
    xen_domctl_vcpu_msr_t m;
    uint32_t i;
    long rc = 0;

    if (a->msr_count > PV_SAVED_MSRS)
        return -XEN_EINVAL;
    for (i = 0; i < a->msr_count && rc == 0; i++) {
        rc = copy_from_guest_at(&m, guest_addr(a->msrs), i, sizeof(m));
        if (rc == 0 && (m.reserved || !pv_msr_restore(x->v, m.index, m.value)))
            rc = -XEN_EINVAL;
    }
    if (rc == -XEN_EINVAL)
        a->msr_count = i - 1; /* the one at fault */
    return rc;
}
