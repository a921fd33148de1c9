/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O ports.  Two questions: may this code use ports (virtual IOPL, or the process's permission bitmap, as on a
 * processor), and does the domain have this port (kern/ioaccess.h).  A port that it doesn't have reads as ones and
 * swallows writes, as one behind which there is nothing.
 */
#include "pv/ports.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/ioaccess.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "pv/traps.h"
#include "x86/cpu.h"
#include "x86/pci.h"

#define STRING_ROUNDS 64 /* of a rep before we look up: bounded work */

bool pv_iopl_allows(const struct vcpu *v)
{
    bool ring0 = v->domain->vm_assist & 1ul << VMASST_TYPE_architectural_iopl;

    return v->pv->iopl >= (!v->kernel_mode ? 3 : ring0 ? 0 : 1);
}

static bool bitmap_allows(struct vcpu *v, unsigned port, unsigned bytes)
{
    uint8_t map[2] = { 0xff, 0xff };
    bool was_kernel = v->kernel_mode;
    uint32_t bits;
    int rc;

    if (!v->pv->iobitmap_va || port + bytes > v->pv->iobitmap_ports)
        return false;
    /* It lies in the kernel's space, which a process's page table doesn't show. */
    if (!was_kernel)
        pv_toggle_mode(v);
    rc = copy_from_guest(map, v->pv->iobitmap_va + port / 8, (port & 7) + bytes > 8 ? 2 : 1);
    if (!was_kernel)
        pv_toggle_mode(v);
    if (rc)
        return false;
    bits = (uint32_t)(map[0] | map[1] << 8) >> (port & 7);
    return !(bits & ((1u << bytes) - 1));
}

static bool allowed(struct vcpu *v, unsigned port, unsigned bytes)
{
    return pv_iopl_allows(v) || bitmap_allows(v, port, bytes);
}

/* PCI configuration: the address register is the domain's own, the data port goes through us. */
static bool is_pci_address(unsigned port, unsigned bytes)
{
    return port == 0xcf8 && bytes == 4;
}

static bool is_pci_data(unsigned port, unsigned bytes)
{
    return port >= 0xcfc && port + bytes <= 0xd00;
}

static uint32_t port_in(struct domain *d, unsigned port, unsigned bytes)
{
    if (is_pci_address(port, bytes))
        return READ_ONCE(d->pv->pci_cf8);
    if (is_pci_data(port, bytes))
        return d->is_privileged ? pci_guest_read(READ_ONCE(d->pv->pci_cf8), port & 3, bytes) : ~0u;
    if (!io_ports_permitted(d, port, bytes))
        return ~0u;
    return bytes == 1 ? inb((uint16_t)port) : bytes == 2 ? inw((uint16_t)port) : inl((uint16_t)port);
}

static void port_out(struct domain *d, unsigned port, unsigned bytes, uint32_t val)
{
    if (is_pci_address(port, bytes)) {
        WRITE_ONCE(d->pv->pci_cf8, val);
        return;
    }
    if (is_pci_data(port, bytes)) {
        if (d->is_privileged)
            pci_guest_write(READ_ONCE(d->pv->pci_cf8), port & 3, bytes, val);
        return;
    }
    if (!io_ports_permitted(d, port, bytes))
        return;
    if (bytes == 1)
        outb((uint16_t)port, (uint8_t)val);
    else if (bytes == 2)
        outw((uint16_t)port, (uint16_t)val);
    else
        outl((uint16_t)port, val);
}

static unsigned port_bytes(const struct insn *i)
{
    return i->opcode & 1 ? MIN(i->op_bytes, (uint8_t)4) : 1;
}

bool pv_port_access(struct vcpu *v, const struct insn *i)
{
    unsigned bytes = port_bytes(i);
    unsigned port = i->opcode & 8 ? (uint16_t)v->regs.rdx : (uint8_t)i->imm;

    if (!allowed(v, port, bytes))
        return false;
    if (i->opcode & 2)
        port_out(v->domain, port, bytes, (uint32_t)insn_reg_read(i, &v->regs, 0, bytes));
    else
        insn_reg_write(i, &v->regs, 0, bytes, port_in(v->domain, port, bytes));
    v->pv->port_hits = (uint8_t)pv_port_breakpoints(v, port, bytes);
    return true;
}

/* One element.  False: page fault injected. */
static bool string_round(struct vcpu *v, const struct insn *i, unsigned port, unsigned bytes)
{
    struct cpu_user_regs *r = &v->regs;
    bool out = i->opcode & 2;
    uint64_t *at = out ? &r->rsi : &r->rdi;
    uint32_t val = 0;
    int rc;

    if (out) {
        rc = copy_from_guest(&val, *at, bytes);
    } else {
        /* The port is read only when there is a place for what it gives: reading may have effects. */
        rc = copy_from_guest(&val, *at, bytes);
        if (rc == 0) {
            val = port_in(v->domain, port, bytes);
            rc = copy_to_guest(*at, &val, bytes);
        }
    }
    if (rc) {
        pv_inject_page_fault(v, out ? 0 : 2, *at);
        return false;
    }
    if (out)
        port_out(v->domain, port, bytes, val);
    *at += r->rflags & FLAG_DF ? -(uint64_t)bytes : bytes;
    v->pv->port_hits = (uint8_t)pv_port_breakpoints(v, port, bytes);
    return true;
}

bool pv_port_string(struct vcpu *v, const struct insn *i, bool *repeat)
{
    unsigned bytes = port_bytes(i), port = (uint16_t)v->regs.rdx;
    bool rep = i->rep || i->repne;

    if (!allowed(v, port, bytes))
        return false;
    if (!rep) {
        *repeat = !string_round(v, i, port, bytes);
        return true;
    }
    for (unsigned n = 0; v->regs.rcx; n++) {
        if (n == STRING_ROUNDS || !string_round(v, i, port, bytes)) {
            *repeat = true;
            return true;
        }
        v->regs.rcx--;
        if (v->pv->port_hits) { /* each round traps */
            *repeat = v->regs.rcx != 0;
            return true;
        }
    }
    return true;
}
