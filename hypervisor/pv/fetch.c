/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetching and finishing instructions: see fetch.h. */
#include "pv/fetch.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "pv/pv.h"
#include "pv/traps.h"
#include "x86/cpu.h"
#include "x86/traps.h"

#define DR6_STEP (1ul << 14)

static bool pv_code_is_64(const struct vcpu *v)
{
    uint32_t rights = 0;
    bool ok;

    __asm__ volatile("lar %2, %0; setz %1" : "+r"(rights), "=qm"(ok) : "r"((uint32_t)v->regs.cs) : "cc");
    return ok && (rights & 1u << 21);
}

bool pv_fetch(struct vcpu *v, unsigned skip, struct insn *i)
{
    uint64_t rip = v->regs.rip + skip;
    size_t in_page = PAGE_SIZE - (rip & ~PAGE_MASK), n = MIN(in_page, (size_t)INSN_MAX);
    uint8_t bytes[INSN_MAX] = { 0 };

    if (copy_from_guest(bytes, rip, n))
        return false;
    if (n < INSN_MAX && copy_from_guest(bytes + n, rip + n, INSN_MAX - n) == 0)
        n = INSN_MAX;
    return insn_decode(bytes, n, !pv_code_is_64(v), i);
}

void pv_insn_done(struct vcpu *v, unsigned length)
{
    struct cpu_user_regs *r = &v->regs;

    uint64_t why = v->pv->port_hits | (r->rflags & FLAG_TF ? DR6_STEP : 0);

    r->rip += length;
    r->rflags &= ~FLAG_RF;
    v->pv->port_hits = 0;
    if (why) {
        v->pv->dr[6] |= why;
        pv_inject(v, TRAP_DEBUG, 0);
    }
}
