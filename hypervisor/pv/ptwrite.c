/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's kernel writes to one of its page tables directly (VMASST writable_pagetables, and kernels that take
 * accessed bits with locked instructions): the fault comes here, the instruction is decoded, and the entry changed
 * by the same rules as by hypercall.  Only L1 tables, as on Xen; an entry at a time.
 */
#include "core/port.h"
#include "core/ptype.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "pv/fetch.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "x86/counters.h"
#include "x86/msi.h"
#include "x86/selectors.h"
#include "x86/trace.h"

/* [pt_lock] The entry at gva, in L1 table m: `next`, if it still is `was`; -XEN_EAGAIN: it isn't, the instruction is to be tried again. */
static int entry_swap(struct vcpu *v, mfn_t m, uint64_t gva, uint64_t was, uint64_t next)
{
    struct ptype_ctx ctx = { v->domain->id, v->domain->id };
    int rc = ptype_swap_leaf(&ctx, m, gva % PAGE_SIZE / 8, was, next);

    TRACE(TRC_PV_PTWR_EMULATION | TRC_64_FLAG, TRACE_64(next), TRACE_64(gva), TRACE_64(v->regs.rip));
    return rc;
}

/* [pt_lock] A store's effect. */
static int entry_store(struct vcpu *v, const struct insn *i, mfn_t m, uint64_t gva)
{
    uint64_t was = pv_entry_read(m, gva % PAGE_SIZE / 8), *reg = insn_reg(&v->regs, i->reg);
    int rc = entry_swap(v, m, gva, was, *reg);

    if (rc == 0 && i->opcode == INSN_XCHG)
        *reg = was;
    return rc;
}

/* [pt_lock] The effect of any other instruction. */
static int entry_modify(struct vcpu *v, const struct insn *i, unsigned bytes, mfn_t m, uint64_t gva)
{
    unsigned width = bytes == 4 ? 8 : bytes; /* of the register that is written */
    uint64_t flags = v->regs.rflags, rax = v->regs.rax, reg = insn_reg_read(i, &v->regs, i->reg, width);
    uint64_t was = pv_entry_read(m, gva % PAGE_SIZE / 8), next;
    unsigned shift = 8 * (gva & 7);
    int rc = 0;

    if (insn_rmw_apply(i, &v->regs, bytes, was >> shift & insn_mask(bytes), &next))
        rc = entry_swap(v, m, gva, was, (was & ~(insn_mask(bytes) << shift)) | (next & insn_mask(bytes)) << shift);
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

/* bytes 0: a store.  0: the write is done; -XEN_EAGAIN: it is to be tried again; else it is no table that is written to. */
static int write_emulate(struct vcpu *v, const struct insn *i, unsigned bytes, uint64_t at)
{
    mfn_t m;
    int rc;

    lock(&v->domain->pv->pt_lock);
    if (!l1_table_at(v, at, &m))
        rc = message_table_at(v, at) ? 0 : -XEN_EINVAL;
    else if ((rc = pv_finish_deferred(v->domain)) == 0)
        rc = bytes ? entry_modify(v, i, bytes, m, at) : entry_store(v, i, m, at);
    unlock(&v->domain->pv->pt_lock);
    return rc;
}

/* What kernels write most entries with is decoded the quick way: bytes 0.  False: it doesn't write at cr2, or not in a way that is known. */
static bool write_fetch(struct vcpu *v, uint64_t cr2, struct insn *i, unsigned *bytes)
{
    uint64_t code, at;

    *bytes = 0;
    if (v->regs.cs == GUEST_CS64 && !copy_from_guest(&code, v->regs.rip, sizeof(code)) && insn_decode_store(code, &v->regs, i, &at))
        return at == cr2 && !(at & 7);
    if (!pv_fetch(v, 0, i) || !insn_rmw_known(i, bytes) || i->segment == 0x64 || i->segment == 0x65)
        return false;
    at = insn_address(i, &v->regs) + (uint64_t)insn_rmw_displacement(i, &v->regs, *bytes);
    return at == cr2 && !(at & (*bytes - 1)); /* crossing entries: no kernel does */
}

bool pv_emulate_pt_write(struct vcpu *v, uint64_t cr2)
{
    struct insn i;
    unsigned bytes;
    int rc;

    if (!write_fetch(v, cr2, &i, &bytes))
        return false;
    rc = write_emulate(v, &i, bytes, cr2);
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
