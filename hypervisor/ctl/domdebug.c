/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: what a debugger in the control domain (gdbsx) does to a domain: kern/debugger.h has the stopping. */
#include "ctl/domctl.h"
#include "core/port.h"
#include "kern/debugger.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "pv/peek.h"

long domctl_set_debugging(struct domctl *x)
{
    x->d->debugger_attached = x->op->u.setdebugging.enable;
    return 0;
}

/* ---- Single vCPUs, of a domain that is paused ---- */

long domctl_debug_pause(struct domctl *x)
{
    struct vcpu *v = domain_vcpu(x->d, x->op->u.gdbsx_pauseunp_vcpu.vcpu);

    if (!READ_ONCE(x->d->ctl_pauses))
        return -XEN_EBUSY;
    if (!v || v == current)
        return -XEN_EINVAL;
    return debugger_pause(v);
}

long domctl_debug_unpause(struct domctl *x)
{
    struct vcpu *v = domain_vcpu(x->d, x->op->u.gdbsx_pauseunp_vcpu.vcpu);

    if (!READ_ONCE(x->d->ctl_pauses))
        return -XEN_EBUSY;
    return v ? debugger_unpause(v) : -XEN_EINVAL;
}

long domctl_debug_status(struct domctl *x)
{
    struct xen_domctl_gdbsx_domstatus *s = &x->op->u.gdbsx_domstatus;
    uint8_t vector = 0;

    *s = (struct xen_domctl_gdbsx_domstatus){ .paused = READ_ONCE(x->d->ctl_pauses) != 0, .vcpu_id = ~0u };
    if (s->paused)
        s->vcpu_id = (uint32_t)debugger_event(x->d, &vector);
    s->vcpu_ev = vector;
    return 0;
}

/* ---- Memory ---- */

/* n bytes at gva, in one page.  0 or -XEN_EFAULT. */
static long page_copy(struct domain *d, const struct xen_domctl_gdbsx_memio *m, size_t n)
{
    mfn_t frame;
    char *p;
    int rc;

    if (!pv_peek_get(d, m->gva, m->pgd3val, m->gwr, &frame))
        return -XEN_EFAULT;
    p = frame_map(frame);
    p += m->gva & (PAGE_SIZE - 1);
    rc = m->gwr ? copy_from_guest(p, m->uva, n) : copy_to_guest(m->uva, p, n);
    frame_unmap(p);
    pv_peek_put(frame, m->gwr);
    return rc;
}

/* What has been copied is taken off the request, so that it can be issued again for the rest. */
long domctl_debug_memory(struct domctl *x)
{
    struct xen_domctl_gdbsx_memio *m = &x->op->u.gdbsx_guest_memio;
    long rc = 0;

    while (m->len && rc == 0) {
        uint32_t n = MIN(m->len, (uint32_t)(PAGE_SIZE - (m->gva & (PAGE_SIZE - 1))));

        rc = page_copy(x->d, m, n);
        if (rc)
            break;
        m->gva += n;
        m->uva += n;
        m->len -= n;
        if (m->len && preempt_needed())
            return -XEN_EAGAIN;
    }
    m->remain = m->len;
    return rc;
}
