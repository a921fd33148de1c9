/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's kernel writes to one of its page tables directly (VMASST writable_pagetables, and kernels that take
 * accessed bits with locked instructions): the fault comes here, the instruction is decoded, and the entry changed
 * by the same rules as by hypercall.  Only L1 tables, as on Xen; an entry at a time.
 */
#include "core/port.h"
#include "core/ptype.h"
#include "kern/domain.h"
#include "pv/fetch.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "x86/counters.h"
#include "x86/msi.h"
#include "x86/trace.h"

/* [pt_lock] The instruction's effect on the entry that it hits, at gva, in table m. */
static int entry_emulate(struct vcpu *v, const struct insn *i, unsigned bytes, mfn_t m, uint64_t gva)
{
    unsigned at = gva & ~PAGE_MASK;
    struct ptype_ctx ctx = { v->domain->id, v->domain->id };
    unsigned width = bytes == 4 ? 8 : bytes; /* of the register that is written */
    uint64_t flags = v->regs.rflags, rax = v->regs.rax, reg = insn_reg_read(i, &v->regs, i->reg, width);
    unsigned shift = 8 * (at & 7);
    uint64_t *t = frame_map(m), entry = READ_ONCE(t[at / 8]), next;
    mfn_t deferred;
    int rc = 0;

    frame_unmap(t);
    if (insn_rmw_apply(i, &v->regs, bytes, entry >> shift & insn_mask(bytes), &next)) {
        next = (entry & ~(insn_mask(bytes) << shift)) | (next & insn_mask(bytes)) << shift;
        rc = ptype_set_entry(&ctx, m, at / 8, next, false, &deferred);
        TRACE(TRC_PV_PTWR_EMULATION | TRC_64_FLAG, TRACE_64(next), TRACE_64(gva), TRACE_64(v->regs.rip));
    }
    if (rc) { /* nothing has happened: that is all it can have changed */
        insn_reg_write(i, &v->regs, i->reg, width, reg);
        v->regs.rax = rax;
        v->regs.rflags = flags;
    }
    return rc;
}

/* The frame that gva is mapped to, read-only, if it is an L1 table of v's. [pt_lock] */
static bool l1_table_at(struct vcpu *v, uint64_t gva, mfn_t *m)
{
    uint64_t pte = pv_read_l1e(v, gva);

    *m = pte_mfn(pte);
    return (pte & PTE_P) && !(pte & PTE_RW) && frame_is_ram(*m) && ptype_level(*m) == 1 &&
           ref_owner(READ_ONCE(frame_of(*m)->ref)) == v->domain->id;
}

/* A device's MSI-X table, which the guest may only look at (x86/msi.h): writes to it have no effect. [pt_lock] */
static bool message_table_at(struct vcpu *v, uint64_t gva)
{
    uint64_t pte = pv_read_l1e(v, gva);

    return (pte & PTE_P) && !(pte & PTE_RW) && !frame_is_ram(pte_mfn(pte)) && msix_table_frame(pte_mfn(pte));
}

/* 0: the write is done; -XEN_EAGAIN: it is to be tried again; else it is no table that is written to. */
static int write_emulate(struct vcpu *v, const struct insn *i, unsigned bytes, uint64_t at)
{
    mfn_t m;
    int rc;

    lock(&v->domain->pv->pt_lock);
    if (!l1_table_at(v, at, &m))
        rc = message_table_at(v, at) ? 0 : -XEN_EINVAL;
    else if ((rc = pv_finish_deferred(v->domain)) == 0)
        rc = entry_emulate(v, i, bytes, m, at);
    unlock(&v->domain->pv->pt_lock);
    return rc;
}

bool pv_emulate_pt_write(struct vcpu *v, uint64_t cr2)
{
    struct insn i;
    unsigned bytes;
    uint64_t at;
    int rc;

    if (!pv_fetch(v, 0, &i) || !insn_rmw_known(&i, &bytes) || i.segment == 0x64 || i.segment == 0x65)
        return false;
    at = insn_address(&i, &v->regs) + (uint64_t)insn_rmw_displacement(&i, &v->regs, bytes);
    if (cr2 != at || (at & (bytes - 1))) /* crossing entries: no kernel does */
        return false;
    rc = write_emulate(v, &i, bytes, at);
    if (rc && rc != -XEN_EAGAIN)
        return false;
    if (rc == 0) {
        COUNT(pt_write_emulated);
        pv_insn_done(v, i.length);
    } else {
        TRACE(TRC_PV_PAGING_FIXUP | TRC_64_FLAG, TRACE_64(v->regs.rip), TRACE_64(cr2));
    }
    return true;
}
