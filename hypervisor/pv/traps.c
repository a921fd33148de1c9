/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bouncing: an exception, event or system call becomes a frame on the guest kernel's stack, as the processor
 * would make it, and the guest goes on in its handler.
 *
 * The frame (xen/arch-x86/xen-x86_64.h; highest address first): ss, rsp, rflags, cs with the upcall mask in its
 * upper half, rip, [error code], [failsafe: gs, fs, es, ds], r11, rcx.  The interrupt flag shown in rflags is the
 * guest's own: set if its events are not masked.  Privilege is shown in cs: RPL 0 for the guest's kernel, 3 for its processes.
 *
 * A guest without a handler, or whose stack can't take the frame, is crashed: there is nowhere to tell it.
 * All functions act on current.
 */
#include "pv/traps.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/debugger.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/sched.h"
#include "pv/desc.h"
#include "pv/emulate.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/selectors.h"
#include "x86/tlb.h"
#include "x86/trace.h"
#include "x86/traps.h"
#include "x86/uaccess.h"
#include <xen/callback.h>
#include <xen/nmi.h>

/* The biggest frame. */
#define FRAME_MAX 96
/* Not canonical: a frame that goes there faults. */
#define PV_NO_STACK (1ul << 63)

#define PFEC_P 1u
#define PFEC_W 2u
#define PFEC_U 4u
#define PFEC_RSVD 8u

enum bounce_flags {
    BOUNCE_ERROR_CODE = 1,
    BOUNCE_MASK_EVENTS = 2,
    BOUNCE_FAILSAFE = 4,
};

void pv_toggle_mode(struct vcpu *v)
{
    v->kernel_mode = !v->kernel_mode;
    __asm__ volatile("swapgs" ::: "memory");
    tlb_toggle_cr3(v->pv->cr3[v->kernel_mode]);
}

static uint64_t flags_shown(const struct vcpu *v, uint8_t mask)
{
    uint64_t f = v->regs.rflags & ~(FLAG_IF | FLAG_IOPL);

    if (!mask)
        f |= FLAG_IF;
    if (v->domain->vm_assist & 1ul << VMASST_TYPE_architectural_iopl)
        f |= (uint64_t)v->pv->iopl << 12;
    return f;
}

/*
 * Write the frame below `top`, which is in the guest's kernel's address space, now loaded.  Gives the frame's address, or 0
 * if the stack can't take it.  Always inlined: `flags` is a constant, and the frame a row of stores.
 */
static ALWAYS_INLINE uint64_t frame_write(const struct vcpu *v, uint64_t top, bool from_kernel, unsigned flags,
                                          uint32_t error_code)
{
    const struct cpu_user_regs *r = &v->regs;
    uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);

    guest_access_begin();
    guest_put(top -= 8, r->ss, fault);
    guest_put(top -= 8, r->rsp, fault);
    guest_put(top -= 8, flags_shown(v, mask), fault);
    guest_put(top -= 8, (from_kernel ? r->cs & ~3ul : r->cs | 3ul) | (uint64_t)mask << 32, fault);
    guest_put(top -= 8, r->rip, fault);
    if (flags & BOUNCE_ERROR_CODE)
        guest_put(top -= 8, (uint64_t)error_code, fault);
    if (flags & BOUNCE_FAILSAFE) {
        guest_put(top -= 8, (uint64_t)r->gs, fault);
        guest_put(top -= 8, (uint64_t)r->fs, fault);
        guest_put(top -= 8, (uint64_t)r->es, fault);
        guest_put(top -= 8, (uint64_t)r->ds, fault);
    }
    guest_put(top -= 8, r->r11, fault);
    guest_put(top -= 8, r->rcx, fault);
    guest_access_end();
    return top;
fault:
    guest_access_end();
    return 0;
}

static void __attribute__((cold, noinline)) bounce_impossible(struct vcpu *v, const char *why)
{
    const struct cpu_user_regs *r = &v->regs;

    domain_crash(v->domain, "%s: vector %x at rip %lx, rsp %lx, code %x\n", why, r->entry_vector, r->rip, r->rsp,
                 r->error_code);
}

/* The guest goes on in its handler at eip.  `flags` should be a constant but for BOUNCE_MASK_EVENTS. */
static ALWAYS_INLINE void bounce(struct vcpu *v, uint64_t eip, unsigned flags, uint32_t error_code)
{
    struct cpu_user_regs *r = &v->regs;
    bool from_kernel = v->kernel_mode;
    uint64_t top, sp;

    COUNT(bounce);
    if (unlikely(!eip)) {
        bounce_impossible(v, "no handler");
        return;
    }
    if (from_kernel) {
        top = r->rsp & ~0xful;
        if (!guest_range_ok(top - FRAME_MAX, FRAME_MAX))
            top = PV_NO_STACK;
    } else {
        pv_toggle_mode(v);
        top = v->pv->frame_sp;
    }
    sp = frame_write(v, top, from_kernel, flags, error_code);
    if (unlikely(!sp)) {
        bounce_impossible(v, "no room for a frame");
        return;
    }
    if (flags & BOUNCE_MASK_EVENTS)
        WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
    r->rip = eip;
    r->cs = GUEST_CS64;
    r->ss = GUEST_SS;
    r->rsp = sp;
    r->rflags = (r->rflags & FLAGS_OF_HANDLER) | FLAGS_GUEST_HAS;
    r->entry_vector = VECTOR_HANDLER; /* rcx and r11 are in the frame: sysret may have them */
}

static void bounce_callback(struct vcpu *v, const struct pv_callback *cb)
{
    bounce(v, cb->eip, cb->masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
}

static void bounce_failsafe(struct vcpu *v)
{
    const struct pv_callback *cb = &v->pv->failsafe;

    bounce(v, cb->eip, BOUNCE_FAILSAFE | (cb->masks_events ? BOUNCE_MASK_EVENTS : 0), 0);
}

/* By the trap table. */
static void bounce_trap(struct vcpu *v, const struct trap_info *t)
{
    bounce(v, t->address, TI_GET_IF(t) ? BOUNCE_MASK_EVENTS : 0, 0);
}

static void bounce_trap_code(struct vcpu *v, const struct trap_info *t, uint32_t error_code)
{
    bounce(v, t->address, BOUNCE_ERROR_CODE | (TI_GET_IF(t) ? BOUNCE_MASK_EVENTS : 0), error_code);
}

/* ---- Exceptions ---- */

static bool vector_has_code(unsigned vector)
{
    return vector == TRAP_DOUBLE_FAULT || (vector >= TRAP_INVALID_TSS && vector <= TRAP_PAGE_FAULT) ||
           vector == TRAP_ALIGNMENT;
}

#define TRACE_TRAP_HAS_CODE (1u << 15)

void pv_inject(struct vcpu *v, unsigned vector, uint32_t error_code)
{
    const struct trap_info *t = &v->pv->traps[vector];

    TRACE(TRC_PV_TRAP | TRC_64_FLAG, TRACE_64(v->regs.rip),
          vector | (vector_has_code(vector) ? TRACE_TRAP_HAS_CODE | error_code << 16 : 0));
    if (vector_has_code(vector))
        bounce_trap_code(v, t, error_code);
    else
        bounce_trap(v, t);
}

void pv_inject_page_fault(struct vcpu *v, uint32_t error_code, uint64_t cr2)
{
    v->info->arch.cr2 = cr2;
    error_code = v->kernel_mode ? error_code & ~PFEC_U : error_code | PFEC_U;
    TRACE(TRC_PV_PAGE_FAULT | TRC_64_FLAG, TRACE_64(v->regs.rip), TRACE_64(cr2), error_code);
    bounce_trap_code(v, &v->pv->traps[TRAP_PAGE_FAULT], error_code);
}

/* A fault that we may be able to mend: the processor's own access to its LDT, or by its kernel's write to one of its page tables. */
static bool page_fault_mend(struct vcpu *v, const struct cpu_user_regs *r, uint64_t cr2)
{
    irq_enable();
    if (cr2 >= HV_START && cr2 < HV_END)
        return !(r->error_code & PFEC_U) && cr2 >= PERDOMAIN_START && cr2 < FRAMES_START && pv_ldt_fault(v, cr2);
    return v->kernel_mode && (r->error_code & (PFEC_P | PFEC_W | PFEC_RSVD)) == (PFEC_P | PFEC_W) &&
           pv_emulate_pt_write(v, cr2);
}

static void pv_page_fault(struct vcpu *v, struct cpu_user_regs *r)
{
    uint64_t cr2 = READ_CR(2);

    if (((v->kernel_mode && (r->error_code & PFEC_W)) || cr2 >= HV_START) && page_fault_mend(v, r, cr2))
        return;
    pv_inject_page_fault(v, r->error_code, cr2);
}

/* #GP with an IDT index in its error code: `int n` on a gate of ours.  The vector is taken from the instruction. */
static bool pv_software_interrupt(struct vcpu *v, struct cpu_user_regs *r)
{
    const struct trap_info *t;
    uint8_t insn[2];

    if ((r->error_code & 3) != 2)
        return false;
    if (copy_from_guest(insn, r->rip, 2) || insn[0] != 0xcd)
        return false;
    t = &v->pv->traps[insn[1]];
    if (TI_GET_DPL(t) < (v->kernel_mode ? 1 : 3))
        return false;
    r->rip += 2;
    TRACE(TRC_PV_TRAP | TRC_64_FLAG, TRACE_64(r->rip), insn[1]);
    bounce_trap(v, t);
    return true;
}

static void pv_general_protection(struct vcpu *v, struct cpu_user_regs *r)
{
    uint8_t insn[2];

    irq_enable();
    if (pv_software_interrupt(v, r))
        return;
    if ((r->error_code & 3) == 2 && !copy_from_guest(insn, r->rip, 2) && insn[0] == 0xcd)
        r->error_code = (uint32_t)insn[1] << 3 | 2;
    else if (r->error_code == 0 && pv_emulate_privileged(v)) {
        TRACE(TRC_PV_EMULATE_PRIVOP | TRC_64_FLAG, TRACE_64(r->rip)); /* behind it, as on Xen */
        return;
    }
    pv_inject(v, TRAP_GP, r->error_code);
}

static void pv_debug(struct vcpu *v)
{
    uint64_t dr6 = READ_DR(6);

    WRITE_DR(6, 0xffff0ff0ul);
    irq_enable();
    v->pv->dr[6] = (v->pv->dr[6] & ~0xful) | (dr6 & 0xe00ful) | 0xffff0ff0ul;
    if (!v->kernel_mode || !debugger_stop(v, TRAP_DEBUG, false))
        pv_inject(v, TRAP_DEBUG, 0);
}

static void pv_no_device(struct vcpu *v)
{
    __asm__ volatile("clts");
    TRACE(TRC_PV_MATH_STATE_RESTORE);
    irq_enable();
    if (v->pv->ts) {
        v->pv->ts = false;
        pv_inject(v, TRAP_NO_DEVICE, 0);
    }
}

void pv_trap(struct cpu_user_regs *r)
{
    struct vcpu *v = current;

    switch (r->entry_vector) {
    case TRAP_PAGE_FAULT:
        pv_page_fault(v, r);
        break;
    case TRAP_GP:
        pv_general_protection(v, r);
        break;
    case TRAP_INVALID_OP:
        irq_enable();
        if (!pv_emulate_forced(v))
            pv_inject(v, TRAP_INVALID_OP, 0);
        break;
    case TRAP_DEBUG:
        pv_debug(v);
        break;
    case TRAP_INT3:
        irq_enable();
        if (!v->kernel_mode || !debugger_stop(v, TRAP_INT3, true))
            pv_inject(v, TRAP_INT3, 0);
        break;
    case TRAP_NO_DEVICE:
        pv_no_device(v);
        break;
    case TRAP_NO_SEGMENT:
    case TRAP_STACK:
    default:
        irq_enable();
        pv_inject(v, r->entry_vector, r->error_code);
        break;
    }
}

/* ---- System calls of processes ---- */

void pv_syscall_bounce(struct cpu_user_regs *r)
{
    struct vcpu *v = current;

    COUNT(guest_syscall);
    if (!v->pv->syscall.eip) {
        r->rip -= 2;
        pv_inject(v, TRAP_INVALID_OP, 0);
        return;
    }
    bounce_callback(v, &v->pv->syscall);
}

void pv_syscall32_bounce(struct cpu_user_regs *r)
{
    struct vcpu *v = current;

    COUNT(guest_syscall);
    r->entry_vector = VECTOR_SYSCALL32;
    if (!v->pv->syscall32.eip) {
        r->rip -= 2;
        pv_inject(v, TRAP_INVALID_OP, 0);
        return;
    }
    bounce_callback(v, &v->pv->syscall32);
}

void pv_sysenter_bounce(struct cpu_user_regs *r)
{
    struct vcpu *v = current;

    COUNT(guest_syscall);
    r->cs = 3;
    r->ss = GUEST_SS;
    r->rflags = (r->rflags & ~(FLAG_TF | FLAG_NT | FLAG_VM)) | FLAG_IF;
    if (!v->pv->sysenter.eip) {
        pv_inject(v, TRAP_GP, 0);
        return;
    }
    bounce_callback(v, &v->pv->sysenter);
}

/* ---- On the way out ---- */

void pv_upcall(struct vcpu *v)
{
    COUNT(upcall);
    bounce(v, v->pv->event.eip, BOUNCE_MASK_EVENTS, 0);
}

bool pv_exit_work(struct vcpu *v)
{
    struct vcpu_info *info = v->info;

    if ((v->exit_work & VCPU_WORK_RUNSTATE) && v->kernel_mode) {
        irq_enable();
        runstate_retry();
        irq_disable();
        return true;
    }
    if (v->exit_work & VCPU_WORK_FAILSAFE) {
        __atomic_and_fetch(&v->exit_work, (uint8_t)~VCPU_WORK_FAILSAFE, __ATOMIC_SEQ_CST);
        bounce_failsafe(v);
        return true;
    }
    if ((v->exit_work & VCPU_WORK_NMI) && !v->pv->nmi_masked) {
        __atomic_and_fetch(&v->exit_work, (uint8_t)~VCPU_WORK_NMI, __ATOMIC_SEQ_CST);
        v->nmi_pending = false;
        if (v->pv->traps[TRAP_NMI].address) {
            v->pv->nmi_masked = true;
            bounce_trap(v, &v->pv->traps[TRAP_NMI]);
            return true;
        }
    }
    if (READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask) && v->pv->event.eip) {
        pv_upcall(v);
        return true;
    }
    return false;
}

void pv_iret_fault(struct cpu_user_regs *nested)
{
    struct vcpu *v = current;
    uint32_t vector = nested->entry_vector;
    uint64_t cr2 = READ_CR(2);

    /* The general registers already were the guest's; vcpu.regs still has rip, cs, rflags, rsp and ss.  The two overlap. */
    memmove(&v->regs, nested, offsetof(struct cpu_user_regs, error_code));
    pv_selectors_save(v);
    v->regs.entry_vector = vector;
    irq_enable();
    if (vector == TRAP_PAGE_FAULT && cr2 >= PERDOMAIN_START && cr2 < FRAMES_START && pv_ldt_fault(v, cr2))
        v->regs.entry_vector = 0; /* a page of the LDT that had not been used: once more, by iretq */
    else
        bounce_failsafe(v);
}

bool trap_port_debug(struct cpu_user_regs *r)
{
    /* A breakpoint on data that we touched for the guest, or a single step that began with our entry: the
     * guest sees the former when it looks at DR6; the latter must not go on in here. */
    uint64_t dr6 = READ_DR(6);

    WRITE_DR(6, 0xffff0ff0ul);
    r->rflags &= ~FLAG_TF;
    if (current && !current->is_idle && current->pv && (dr6 & 0xf))
        current->pv->dr[6] |= dr6 & 0xf;
    return true;
}

bool trap_port_page_fault(struct cpu_user_regs *r)
{
    uint64_t cr2 = READ_CR(2);

    return cr2 >= PERDOMAIN_START && cr2 < FRAMES_START && current && !current->is_idle &&
           pv_ldt_fault(current, cr2);
}

/* ---- Hypercalls ---- */

long do_iret(struct hcall *c)
{
    struct vcpu *v = current;
    struct cpu_user_regs *r = &v->regs;
    struct iret_context f;

    if (copy_from_guest(&f, r->rsp, sizeof(f))) {
        domain_crash(v->domain, "iret: no frame at %lx\n", r->rsp);
        return 0;
    }
    if ((f.cs & 3) == 3) {
        if (mfn_eq(v->pv->table_user, MFN_NONE)) {
            domain_crash(v->domain, "iret to user mode without a user page table\n");
            return 0;
        }
        pv_toggle_mode(v);
    }
    if (v->domain->vm_assist & 1ul << VMASST_TYPE_architectural_iopl)
        v->pv->iopl = f.rflags >> 12 & 3;
    r->rip = f.rip;
    r->cs = (uint16_t)f.cs | 3;
    r->rflags = (f.rflags & FLAGS_GUEST_MAY_SET) | FLAGS_GUEST_HAS;
    r->rsp = f.rsp;
    r->ss = (uint16_t)f.ss | 3;
    if (f.flags & VGCF_in_syscall) {
        r->entry_vector = VECTOR_SYSCALL;
        r->rcx = f.rip;
        r->r11 = r->rflags;
    } else {
        r->entry_vector = 0;
        r->r11 = f.r11;
        r->rcx = f.rcx;
    }
    WRITE_ONCE(v->info->evtchn_upcall_mask, f.rflags & FLAG_IF ? 0 : 1);
    v->pv->nmi_masked = false;
    return (long)f.rax;
}

long do_set_trap_table(struct hcall *c)
{
    struct vcpu *v = current;
    struct trap_info t;

    if (!c->arg[0]) {
        memset(v->pv->traps, 0, PV_TRAPS * sizeof(*v->pv->traps));
        return 0;
    }
    for (unsigned n = 0; n < 256; n++) {
        if (copy_from_guest_at(&t, c->arg[0], n, sizeof(t)))
            return -XEN_EFAULT;
        if (!t.address)
            return 0;
        if (!is_canonical(t.address))
            return -XEN_EINVAL;
        t.cs |= 3;
        v->pv->traps[t.vector] = t;
    }
    return 0;
}

static struct pv_callback *callback_of(struct pv_vcpu *pv, unsigned type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &pv->event;
    case CALLBACKTYPE_failsafe:
        return &pv->failsafe;
    case CALLBACKTYPE_syscall:
        return &pv->syscall;
    case CALLBACKTYPE_syscall32:
        return &pv->syscall32;
    case CALLBACKTYPE_sysenter:
        return &pv->sysenter;
    default:
        return NULL;
    }
}

/* The NMI's callback is an entry of the trap table: a vCPU's context has no other place for it.  0: none. */
static long nmi_callback_set(struct vcpu *v, uint64_t address)
{
    struct trap_info *t = &v->pv->traps[TRAP_NMI];

    if (!is_canonical(address))
        return -XEN_EINVAL;
    *t = (struct trap_info){ .vector = TRAP_NMI, .cs = GUEST_CS64, .address = address };
    TI_SET_IF(t, 1);
    return 0;
}

static long callback_register(struct vcpu *v, uint64_t arg)
{
    struct callback_register reg;
    struct pv_callback *cb;

    if (copy_from_guest(&reg, arg, sizeof(reg)))
        return -XEN_EFAULT;
    if (reg.type == CALLBACKTYPE_nmi)
        return nmi_callback_set(v, reg.address);
    if (!is_canonical(reg.address))
        return -XEN_EINVAL;
    cb = callback_of(v->pv, reg.type);
    if (!cb)
        return -XEN_ENOSYS;
    cb->eip = reg.address;
    if (reg.type != CALLBACKTYPE_event)
        cb->masks_events = reg.flags & CALLBACKF_mask_events;
    return 0;
}

static long callback_unregister(struct vcpu *v, uint64_t arg)
{
    struct callback_unregister reg;

    if (copy_from_guest(&reg, arg, sizeof(reg)))
        return -XEN_EFAULT;
    switch (reg.type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter:
        return -XEN_EINVAL;
    case CALLBACKTYPE_nmi:
        return nmi_callback_set(v, 0);
    default:
        return -XEN_ENOSYS;
    }
}

long do_callback_op(struct hcall *c)
{
    switch (c->arg[0]) {
    case CALLBACKOP_register:
        return callback_register(current, c->arg[1]);
    case CALLBACKOP_unregister:
        return callback_unregister(current, c->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}

long do_set_callbacks(struct hcall *c)
{
    struct pv_vcpu *pv = current->pv;

    if (!is_canonical(c->arg[0]) || !is_canonical(c->arg[1]) || !is_canonical(c->arg[2]))
        return -XEN_EINVAL;
    pv->event.eip = c->arg[0];
    pv->failsafe.eip = c->arg[1];
    pv->syscall.eip = c->arg[2];
    return 0;
}

long do_nmi_op(struct hcall *c)
{
    struct xennmi_callback cb;

    switch (c->arg[0]) {
    case XENNMI_register_callback:
        if (copy_from_guest(&cb, c->arg[1], sizeof(cb)))
            return -XEN_EFAULT;
        return nmi_callback_set(current, cb.handler_address);
    case XENNMI_unregister_callback:
        return nmi_callback_set(current, 0);
    default:
        return -XEN_ENOSYS;
    }
}

void pv_kernel_stack(struct pv_vcpu *pv, uint16_t ss, uint64_t sp)
{
    pv->kernel_ss = ss | 3;
    pv->kernel_sp = sp;
    pv->frame_sp = guest_range_ok(sp - FRAME_MAX, FRAME_MAX) ? sp : PV_NO_STACK;
}

long do_stack_switch(struct hcall *c)
{
    pv_kernel_stack(current->pv, (uint16_t)c->arg[0], c->arg[1]);
    return 0;
}
