/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration space.  The first 256 bytes of segment 0 go by ports: any chipset has them.  The rest goes by ECAM,
 * mapped bus by bus when first asked for.
 *
 * dom0's own use of the ports is emulated (pci_guest_read/write), so that its pair of accesses and ours don't mix.
 * Locks: ports_lock (RANK_REGS) for the pair CF8/CFC; ECAM needs none; the list of ECAM windows only grows, an entry is
 * switched on and off atomically; windows_lock (RANK_IOACCESS) is taken by the first access to a bus, so that one must
 * not come from inside a line's lock.
 */
#include "x86/pci.h"
#include "core/port.h"
#include "x86/cpu.h"
#include "x86/lock.h"
#include "x86/paging.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define MAX_WINDOWS  64
#define BUS_SIZE     (1ul << 20)

struct mcfg_window {
    uint64_t address;
    uint16_t seg;
    uint8_t start, end;
    bool on;           /* [atomic] */
    char **buses;      /* [end-start+1] mapped on demand [atomic] */
};

static spinlock_t ports_lock = LOCK_INIT(RANK_REGS);
static spinlock_t windows_lock = LOCK_INIT(RANK_IOACCESS);
static struct mcfg_window windows[MAX_WINDOWS]; /* appended under windows_lock */
static unsigned nr_windows;                     /* [atomic] */

static uint32_t data_in(unsigned offset, unsigned bytes)
{
    uint16_t port = (uint16_t)(PORT_DATA + offset);

    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void data_out(unsigned offset, unsigned bytes, uint32_t v)
{
    uint16_t port = (uint16_t)(PORT_DATA + offset);

    if (bytes == 1)
        outb(port, (uint8_t)v);
    else if (bytes == 2)
        outw(port, (uint16_t)v);
    else
        outl(port, v);
}

static uint32_t port_read(uint32_t cf8, unsigned offset, unsigned bytes)
{
    uint64_t flags = lock_irqsave(&ports_lock);
    uint32_t v;

    outl(PORT_ADDRESS, cf8);
    v = data_in(offset, bytes);
    unlock_irqrestore(&ports_lock, flags);
    return v;
}

static void port_write(uint32_t cf8, unsigned offset, unsigned bytes, uint32_t v)
{
    uint64_t flags = lock_irqsave(&ports_lock);

    outl(PORT_ADDRESS, cf8);
    data_out(offset, bytes, v);
    unlock_irqrestore(&ports_lock, flags);
}

static bool by_ports(struct pci_addr a, unsigned reg)
{
    return a.seg == 0 && reg < 256;
}

static uint32_t cf8_of(struct pci_addr a, unsigned reg)
{
    return 0x80000000u | (uint32_t)a.bus << 16 | (uint32_t)a.devfn << 8 | (reg & 0xfc);
}

static struct mcfg_window *window_find(uint16_t seg, uint8_t bus)
{
    unsigned n = __atomic_load_n(&nr_windows, __ATOMIC_ACQUIRE);

    for (unsigned i = 0; i < n; i++) {
        struct mcfg_window *w = &windows[i];

        if (READ_ONCE(w->on) && w->seg == seg && bus >= w->start && bus <= w->end)
            return w;
    }
    return NULL;
}

/* The bus's part of the window, mapped once for ever. */
static char *bus_map(struct mcfg_window *w, uint8_t bus)
{
    char **slot = &w->buses[bus - w->start], *va;

    lock(&windows_lock);
    va = *slot;
    if (!va) {
        va = ioremap(w->address + bus * BUS_SIZE, BUS_SIZE);
        __atomic_store_n(slot, va, __ATOMIC_RELEASE);
    }
    unlock(&windows_lock);
    return va;
}

/* The register in memory, or NULL if no window covers it. */
static volatile void *ecam(struct pci_addr a, unsigned reg)
{
    struct mcfg_window *w = window_find(a.seg, a.bus);
    char *va;

    if (!w || reg >= 4096)
        return NULL;
    va = __atomic_load_n(&w->buses[a.bus - w->start], __ATOMIC_ACQUIRE);
    if (!va)
        va = bus_map(w, a.bus);
    return va ? va + ((uint64_t)a.devfn << 12) + reg : NULL;
}

uint32_t pci_read(struct pci_addr a, unsigned reg, unsigned bytes)
{
    volatile void *p;

    if (by_ports(a, reg))
        return port_read(cf8_of(a, reg), reg & 3, bytes);
    p = ecam(a, reg);
    if (!p)
        return bytes == 4 ? ~0u : (1u << bytes * 8) - 1;
    return bytes == 1 ? *(volatile uint8_t *)p : bytes == 2 ? *(volatile uint16_t *)p : *(volatile uint32_t *)p;
}

void pci_write(struct pci_addr a, unsigned reg, unsigned bytes, uint32_t value)
{
    volatile void *p;

    if (by_ports(a, reg)) {
        port_write(cf8_of(a, reg), reg & 3, bytes, value);
        return;
    }
    p = ecam(a, reg);
    if (!p)
        return;
    if (bytes == 1)
        *(volatile uint8_t *)p = (uint8_t)value;
    else if (bytes == 2)
        *(volatile uint16_t *)p = (uint16_t)value;
    else
        *(volatile uint32_t *)p = value;
}

void pci_modify(struct pci_addr a, unsigned reg, uint32_t clear, uint32_t set)
{
    volatile uint32_t *p = by_ports(a, reg) ? NULL : ecam(a, reg);
    uint64_t flags = lock_irqsave(&ports_lock);

    if (by_ports(a, reg)) {
        outl(PORT_ADDRESS, cf8_of(a, reg));
        outl(PORT_DATA, (inl(PORT_DATA) & ~clear) | set);
    } else if (p) {
        *p = (*p & ~clear) | set;
    }
    unlock_irqrestore(&ports_lock, flags);
}

bool pci_exists(struct pci_addr a)
{
    uint32_t vendor = pci_read(a, PCI_VENDOR, 2);

    return vendor != 0xffff && vendor != 0;
}

unsigned pci_find_cap(struct pci_addr a, uint8_t id)
{
    unsigned pos;

    if (!(pci_read(a, PCI_STATUS, 2) & PCI_STATUS_CAPS))
        return 0;
    pos = pci_read(a, PCI_CAPS, 1) & 0xfc;
    for (unsigned i = 0; i < 48 && pos >= 0x40; i++) {
        uint32_t head = pci_read(a, pos, 2);

        if ((head & 0xff) == id)
            return pos;
        if ((head & 0xff) == 0xff)
            return 0;
        pos = head >> 8 & 0xfc;
    }
    return 0;
}

/* [windows_lock] */
static struct mcfg_window *window_exact(uint64_t address, uint16_t seg, uint8_t start, uint8_t end)
{
    for (unsigned i = 0; i < nr_windows; i++) {
        struct mcfg_window *w = &windows[i];

        if (w->address == address && w->seg == seg && w->start == start && w->end == end)
            return w;
    }
    return NULL;
}

/* [windows_lock] */
static int window_append(uint64_t address, uint16_t seg, uint8_t start, uint8_t end)
{
    struct mcfg_window *w = &windows[nr_windows];

    if (nr_windows == MAX_WINDOWS)
        return -XEN_ENOSPC;
    *w = (struct mcfg_window){ .address = address, .seg = seg, .start = start, .end = end, .on = true };
    w->buses = mem_alloc((end - start + 1u) * sizeof(*w->buses));
    if (!w->buses)
        return -XEN_ENOMEM;
    __atomic_store_n(&nr_windows, nr_windows + 1, __ATOMIC_RELEASE);
    return 0;
}

int pci_mcfg_add(uint64_t address, uint16_t seg, uint8_t start_bus, uint8_t end_bus)
{
    struct mcfg_window *w;
    int rc = 0;

    if (start_bus > end_bus || !address || address % BUS_SIZE || address > (1ul << maddr_bits) - (end_bus + 1ul) * BUS_SIZE)
        return -XEN_EINVAL;
    lock(&windows_lock);
    w = window_exact(address, seg, start_bus, end_bus);
    if (w)
        WRITE_ONCE(w->on, true);
    else if (window_find(seg, start_bus) || window_find(seg, end_bus))
        rc = -XEN_EEXIST;
    else
        rc = window_append(address, seg, start_bus, end_bus);
    unlock(&windows_lock);
    return rc;
}

int pci_mcfg_remove(uint64_t address, uint16_t seg, uint8_t start_bus, uint8_t end_bus)
{
    struct mcfg_window *w;

    lock(&windows_lock);
    w = window_exact(address, seg, start_bus, end_bus);
    if (w)
        WRITE_ONCE(w->on, false);
    unlock(&windows_lock);
    return w ? 0 : -XEN_ENODEV;
}

static bool guest_access_ok(uint32_t cf8, unsigned offset, unsigned bytes)
{
    return (cf8 & 0x80000000u) && (bytes == 1 || bytes == 2 || bytes == 4) && offset < 4 &&
           bytes <= 4 - offset;
}

uint32_t pci_guest_read(uint32_t cf8, unsigned offset, unsigned bytes)
{
    if (!guest_access_ok(cf8, offset, bytes))
        return ~0u;
    return port_read(cf8 & ~3u, offset, bytes);
}

void pci_guest_write(uint32_t cf8, unsigned offset, unsigned bytes, uint32_t value)
{
    if (guest_access_ok(cf8, offset, bytes))
        port_write(cf8 & ~3u, offset, bytes, value);
}
