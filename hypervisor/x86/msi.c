/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of PCI functions.  A message is a line (x86/irqline.h) with a struct msi_entry.  We own address, data and
 * mask bits; dom0 owns the enable bits.
 *
 * Invariants: M1 entries of a function are all MSI or all MSI-X; M2 a multi-message MSI block lives and dies as one, its
 * message is that of index 0; M3 the frames of every MSI-X table in use are in table_frames.
 * Locks: msi_lock (RANK_PCI): the functions, their entries, table_frames.  Entries' own registers are written under
 * their line's lock.
 * Manual: PCI 3.0, 6.8; SDM 3A 11.11 (address and data).  Read next: kern/pirq.c.
 */
#include "x86/msi.h"
#include "core/port.h"
#include "core/ranges.h"
#include "x86/irqline.h"
#include "x86/lock.h"
#include "x86/paging.h"
#include "x86/smp.h"

#define MSI_CTRL        2u
#define MSI_ENABLE      0x1u
#define MSI_64BIT       0x80u
#define MSI_MASKABLE    0x100u
#define MSIX_TABLE      4u
#define MSIX_ENABLE     0x8000u
#define MSIX_MASK_ALL   0x4000u
#define SLOT_SIZE       16u
#define SLOT_MASKED     1u
#define MSI_ADDRESS     0xfee00000u
#define FN_BUCKETS      256
#define TABLE_BUCKETS   64
#define MAX_FNS         65536u

struct msi_entry {
    struct msi_entry *next;    /* of the function [msi_lock] */
    struct pci_fn *fn;         /* [const] */
    struct irq_line *line;     /* [const] */
    volatile uint32_t *slot;   /* [const] MSI-X: the table entry; NULL: MSI */
    uint16_t index, count;     /* [const] MSI: place in and size of the block; MSI-X: table entry, 1 */
    uint16_t cap;              /* [const] MSI: where the capability is */
    bool wide, maskable;       /* [const] MSI: 64-bit address, mask bits */
};

/* A PCI function that dom0 told of or that has messages. */
struct pci_fn {
    struct pci_fn *next;       /* of the bucket */
    struct pci_fn *next_table; /* of those whose table is known */
    struct pci_addr addr;      /* [const] */
    bool announced;            /* by dom0 */
    struct msi_entry *entries;
    uint64_t table_maddr;      /* MSI-X table in table_frames; 0: not known */
    unsigned nr_slots;
};

/* Device memory stays mapped for ever (ioremap), so each table's mapping is kept and found again. */
struct table_map {
    struct table_map *next;
    uint64_t maddr;
    size_t size;
    char *va;
};

static spinlock_t msi_lock = LOCK_INIT(RANK_PCI);
static struct pci_fn *fns[FN_BUCKETS];              /* [msi_lock] */
static unsigned nr_fns;                             /* [msi_lock] */
static struct table_map *table_maps[TABLE_BUCKETS]; /* [msi_lock] */
static struct pci_fn *tables;                       /* [msi_lock] */
static struct ranges table_frames;                  /* [msi_lock] */

/* ---- The device's registers ---- */

static unsigned mask_reg(const struct msi_entry *e)
{
    return e->cap + (e->wide ? 0x10u : 0x0cu);
}

static void slot_mask(const struct msi_entry *e, bool masked)
{
    uint32_t ctrl = e->slot[3];

    e->slot[3] = masked ? ctrl | SLOT_MASKED : ctrl & ~SLOT_MASKED;
    (void)e->slot[3]; /* the write has arrived when the read is answered */
}

static void entry_mask(const struct msi_entry *e, bool masked)
{
    uint32_t bit = 1u << (e->index & 31);

    if (e->slot)
        slot_mask(e, masked);
    else if (e->maskable)
        pci_modify(e->fn->addr, mask_reg(e), masked ? 0 : bit, masked ? bit : 0);
}

static void line_mask(struct irq_line *l)
{
    entry_mask(l->msi, true);
}

static void line_unmask(struct irq_line *l)
{
    entry_mask(l->msi, false);
}

static void slot_write(const struct msi_entry *e, uint32_t address, uint32_t data)
{
    e->slot[0] = address;
    e->slot[1] = 0;
    e->slot[2] = data;
}

static void cap_write(const struct msi_entry *e, uint32_t address, uint32_t data)
{
    struct pci_addr a = e->fn->addr;

    pci_write(a, e->cap + 4u, 4, address);
    if (e->wide)
        pci_write(a, e->cap + 8u, 4, 0);
    pci_write(a, e->cap + (e->wide ? 0xcu : 8u), 2, data);
}

/* Fixed delivery, edge, physical destination, no redirection. */
static void line_route(struct irq_line *l)
{
    const struct msi_entry *e = l->msi;
    uint32_t address = MSI_ADDRESS | (smp_apic_id(l->cpu) & 0xff) << 12;

    if (!l->masked)
        entry_mask(e, true);
    if (e->slot)
        slot_write(e, address, l->vector);
    else if (e->index == 0)
        cap_write(e, address, l->vector);
    if (!l->masked)
        entry_mask(e, false);
}

/* Without mask bits, address and data can't change together: a message between the two writes would go astray. */
static bool line_may_move(struct irq_line *l, bool same_vector, bool in_irq)
{
    const struct msi_entry *e = l->msi;

    return e->count == 1 && (e->slot || e->maskable || same_vector);
}

static const struct irq_chip msi_chip = {
    .name = "MSI", .mask = line_mask, .unmask = line_unmask, .route = line_route, .may_move = line_may_move,
};

static const struct irq_chip msix_chip = {
    .name = "MSI-X", .mask = line_mask, .unmask = line_unmask, .route = line_route, .may_move = line_may_move,
};

/* ---- Functions [msi_lock] ---- */

static struct pci_fn **fn_bucket(struct pci_addr a)
{
    return &fns[(a.seg * 31u + a.bus * 7u + a.devfn) % FN_BUCKETS];
}

static struct pci_fn *fn_find(struct pci_addr a)
{
    for (struct pci_fn *f = *fn_bucket(a); f; f = f->next)
        if (f->addr.seg == a.seg && f->addr.bus == a.bus && f->addr.devfn == a.devfn)
            return f;
    return NULL;
}

/* Known, or else made if the machine has it (is_sure: don't ask). */
static int fn_get(struct pci_addr a, bool is_sure, struct pci_fn **out)
{
    struct pci_fn *f = fn_find(a);

    if (!f && !is_sure && !pci_exists(a))
        return -XEN_ENODEV;
    if (!f) {
        if (nr_fns >= MAX_FNS)
            return -XEN_ENOSPC;
        f = mem_alloc(sizeof(*f));
        if (!f)
            return -XEN_ENOMEM;
        f->addr = a;
        f->next = *fn_bucket(a);
        *fn_bucket(a) = f;
        nr_fns++;
    }
    *out = f;
    return 0;
}

static uint64_t table_last(const struct pci_fn *f)
{
    return (f->table_maddr + f->nr_slots * SLOT_SIZE - 1) >> PAGE_SHIFT;
}

/* Tables may share a frame: it stays in table_frames as long as one of them is there. */
static void table_forget(struct pci_fn *f)
{
    struct pci_fn **p = &tables, *o;

    if (!f->table_maddr)
        return;
    while (*p != f)
        p = &(*p)->next_table;
    *p = f->next_table;
    for (uint64_t m = f->table_maddr >> PAGE_SHIFT; m <= table_last(f); m++) {
        for (o = tables; o && (m < o->table_maddr >> PAGE_SHIFT || m > table_last(o)); o = o->next_table)
            ;
        if (!o)
            ranges_remove(&table_frames, m, m);
    }
    f->table_maddr = 0;
}

/* Forget a function that nobody speaks of any more. */
static void fn_drop(struct pci_fn *f)
{
    struct pci_fn **p = fn_bucket(f->addr);

    if (f->announced || f->entries)
        return;
    table_forget(f);
    while (*p != f)
        p = &(*p)->next;
    *p = f->next;
    nr_fns--;
    mem_free(f);
}

/* ---- The MSI-X table [msi_lock] ---- */

/* Memory address in base register number bir, 0 if it holds none. */
static uint64_t bar_read(struct pci_addr a, unsigned bir)
{
    unsigned bars = (pci_read(a, PCI_HEADER_TYPE, 1) & 0x7f) == 0 ? 6 : 2;
    uint32_t low;
    uint64_t high = 0;

    if (bir >= bars)
        return 0;
    low = pci_read(a, PCI_BAR0 + bir * 4, 4);
    if (low & 1)
        return 0;
    if ((low & 6) == 4 && bir + 1 < bars)
        high = pci_read(a, PCI_BAR0 + bir * 4 + 4, 4);
    return high << 32 | (low & ~15u);
}

static bool table_is(const struct pci_fn *f, uint64_t maddr, unsigned slots)
{
    return f->table_maddr == maddr && f->nr_slots == slots;
}

/* Find the table, and list its frames. table_base: of the BAR, if the BAR itself doesn't say. */
static int table_locate(struct pci_fn *f, unsigned cap, uint64_t table_base)
{
    uint32_t where = pci_read(f->addr, cap + MSIX_TABLE, 4);
    unsigned slots = (pci_read(f->addr, cap + MSI_CTRL, 2) & 0x7ff) + 1;
    uint64_t bar = bar_read(f->addr, where & 7), maddr;
    int rc;

    if (!bar)
        bar = table_base;
    maddr = bar + (where & ~7u);
    if (!bar || maddr < bar || maddr >= 1ul << maddr_bits)
        return -XEN_ENXIO;
    if (table_is(f, maddr, slots))
        return 0;
    if (f->entries)
        return -XEN_EBUSY; /* moved under our feet */
    table_forget(f);
    rc = ranges_add(&table_frames, maddr >> PAGE_SHIFT, (maddr + slots * SLOT_SIZE - 1) >> PAGE_SHIFT);
    if (rc)
        return rc;
    f->table_maddr = maddr;
    f->nr_slots = slots;
    f->next_table = tables;
    tables = f;
    return 0;
}

static char *table_map(uint64_t maddr, size_t size)
{
    struct table_map **bucket = &table_maps[(maddr >> PAGE_SHIFT) % TABLE_BUCKETS], *m;

    for (m = *bucket; m; m = m->next)
        if (m->maddr == maddr && m->size >= size)
            return m->va;
    m = mem_alloc(sizeof(*m));
    if (!m)
        return NULL;
    *m = (struct table_map){ .next = *bucket, .maddr = maddr, .size = size, .va = ioremap(maddr, size) };
    if (!m->va) {
        mem_free(m);
        return NULL;
    }
    *bucket = m;
    return m->va;
}

/* ---- Entries [msi_lock] ---- */

static void entry_unlink(struct msi_entry *e)
{
    struct msi_entry **p = &e->fn->entries;

    while (*p && *p != e)
        p = &(*p)->next;
    if (*p)
        *p = e->next;
}

static void entry_free(struct msi_entry *e)
{
    if (e->line)
        irq_line_release(e->line);
    entry_unlink(e);
    mem_free(e);
}

/* A copy of *like with a line, in the function's list. */
static int entry_new(const struct msi_entry *like, struct irq_line **line)
{
    struct msi_entry *e = mem_alloc(sizeof(*e));

    if (!e)
        return -XEN_ENOMEM;
    *e = *like;
    e->line = irq_line_claim(e->slot ? &msix_chip : &msi_chip, e);
    if (!e->line) {
        mem_free(e);
        return -XEN_ENOSPC;
    }
    e->next = e->fn->entries;
    e->fn->entries = e;
    *line = e->line;
    return 0;
}

static void entries_free(struct irq_line **lines, unsigned n)
{
    while (n--)
        entry_free(lines[n]->msi);
}

/* ---- Setting up [msi_lock] ---- */

static int msix_entry_setup(struct pci_fn *f, const struct msi_request *r, unsigned cpu, struct irq_line **line)
{
    struct msi_entry like = { .fn = f, .index = (uint16_t)r->index, .count = 1 };
    char *table = table_map(f->table_maddr, f->nr_slots * SLOT_SIZE);
    int rc;

    if (!table)
        return -XEN_ENOMEM;
    like.slot = (volatile uint32_t *)(table + r->index * SLOT_SIZE);
    rc = entry_new(&like, line);
    if (rc)
        return rc;
    slot_mask(&like, true);
    rc = irq_line_activate(*line, cpu);
    if (rc)
        entries_free(line, 1);
    return rc;
}

static int msix_check(const struct pci_fn *f, unsigned index)
{
    for (const struct msi_entry *e = f->entries; e; e = e->next) {
        if (!e->slot)
            return -XEN_EBUSY;
        if (e->index == index)
            return -XEN_EEXIST;
    }
    return 0;
}

static int msix_setup(struct pci_fn *f, const struct msi_request *r, unsigned cpu, struct irq_line **line)
{
    unsigned cap = pci_find_cap(f->addr, PCI_CAP_MSIX), ctrl;
    int rc = msix_check(f, r->index);

    if (rc)
        return rc;
    if (!cap)
        return -XEN_ENODEV;
    if (!(pci_read(f->addr, PCI_COMMAND, 2) & PCI_CMD_MEMORY))
        return -XEN_ENXIO;
    rc = table_locate(f, cap, r->table_base);
    if (!rc && r->index >= f->nr_slots)
        rc = -XEN_EINVAL;
    if (rc)
        return rc;
    /* Some devices have a table only while they are enabled: nothing is sent meanwhile. */
    ctrl = pci_read(f->addr, cap + MSI_CTRL, 2);
    if (!(ctrl & MSIX_ENABLE))
        pci_write(f->addr, cap + MSI_CTRL, 2, ctrl | MSIX_ENABLE | MSIX_MASK_ALL);
    rc = msix_entry_setup(f, r, cpu, line);
    if (!(ctrl & MSIX_ENABLE))
        pci_write(f->addr, cap + MSI_CTRL, 2, ctrl);
    return rc;
}

static int msi_entries_make(const struct msi_entry *like, struct irq_line **lines)
{
    struct msi_entry e = *like;
    int rc = 0;

    for (e.index = 0; !rc && e.index < e.count; e.index++)
        rc = entry_new(&e, &lines[e.index]);
    if (rc)
        entries_free(lines, e.index - 1u);
    return rc;
}

/* Off, everything masked, `order` as the number of messages. */
static void cap_prepare(const struct msi_entry *e, unsigned ctrl, unsigned order)
{
    pci_write(e->fn->addr, e->cap + MSI_CTRL, 2, (ctrl & ~(MSI_ENABLE | 0x70u)) | order << 4);
    if (e->maskable)
        pci_write(e->fn->addr, mask_reg(e), 4, ~0u);
}

static int msi_block_setup(struct pci_fn *f, const struct msi_request *r, unsigned cpu, struct irq_line **lines,
                           unsigned *available)
{
    unsigned cap = pci_find_cap(f->addr, PCI_CAP_MSI);
    unsigned ctrl = cap ? pci_read(f->addr, cap + MSI_CTRL, 2) : 0;
    struct msi_entry like = { .fn = f, .count = (uint16_t)r->count, .cap = (uint16_t)cap,
                              .wide = ctrl & MSI_64BIT, .maskable = ctrl & MSI_MASKABLE };
    int rc;

    if (f->entries)
        return f->entries->slot ? -XEN_EBUSY : -XEN_EEXIST;
    if (!cap)
        return -XEN_ENODEV;
    *available = 1u << MIN(ctrl >> 1 & 7, 5u);
    if (r->count > *available)
        return -XEN_ENFILE;
    cap_prepare(&like, ctrl, LOG2_UP(r->count));
    rc = msi_entries_make(&like, lines);
    if (rc)
        return rc;
    rc = irq_lines_activate_block(lines, r->count, cpu);
    if (rc)
        entries_free(lines, r->count);
    return rc;
}

int msi_setup(const struct msi_request *r, unsigned cpu, struct irq_line **lines, unsigned *available)
{
    struct pci_fn *f;
    int rc;

    if (!r->count || r->count > MSI_MAX_MESSAGES || (r->msix && r->count != 1))
        return -XEN_EINVAL;
    lock(&msi_lock);
    rc = fn_get(r->fn, false, &f);
    if (!rc) {
        rc = r->msix ? msix_setup(f, r, cpu, lines) : msi_block_setup(f, r, cpu, lines, available);
        fn_drop(f);
    }
    unlock(&msi_lock);
    return rc;
}

static void fn_disable(struct pci_fn *f, bool msix)
{
    unsigned cap = pci_find_cap(f->addr, msix ? PCI_CAP_MSIX : PCI_CAP_MSI);
    unsigned enable = msix ? MSIX_ENABLE : MSI_ENABLE;

    if (cap)
        pci_write(f->addr, cap + MSI_CTRL, 2, pci_read(f->addr, cap + MSI_CTRL, 2) & ~enable);
}

void msi_teardown(struct irq_line *l)
{
    struct msi_entry *e = l->msi;
    struct pci_fn *f = e->fn;
    bool msix = e->slot;

    lock(&msi_lock);
    entry_free(e);
    if (!f->entries)
        fn_disable(f, msix);
    fn_drop(f);
    unlock(&msi_lock);
}

unsigned msi_block(const struct irq_line *l, unsigned *index)
{
    const struct msi_entry *e = l->msi;

    *index = e && !e->slot ? e->index : 0;
    return e ? e->count : 1;
}

/* ---- What dom0 tells ---- */

/* Protect the table from the start where it can be found; else when the first message is set up. */
int msi_device_add(struct pci_addr a, bool is_virtual)
{
    struct pci_fn *f;
    unsigned cap;
    int rc;

    lock(&msi_lock);
    rc = fn_get(a, is_virtual, &f);
    if (!rc) {
        f->announced = true;
        cap = pci_find_cap(a, PCI_CAP_MSIX);
        if (cap && (pci_read(a, PCI_COMMAND, 2) & PCI_CMD_MEMORY))
            table_locate(f, cap, 0);
    }
    unlock(&msi_lock);
    return rc;
}

int msi_device_remove(struct pci_addr a)
{
    struct pci_fn *f;

    lock(&msi_lock);
    f = fn_find(a);
    if (f) {
        f->announced = false;
        fn_drop(f);
    }
    unlock(&msi_lock);
    return f ? 0 : -XEN_ENODEV;
}

static void entry_restore(struct msi_entry *e)
{
    uint64_t flags = lock_irqsave(&e->line->lock);

    if (e->line->cpu != CPU_NONE)
        line_route(e->line);
    entry_mask(e, e->line->masked);
    unlock_irqrestore(&e->line->lock, flags);
}

static void fn_restore(struct pci_fn *f)
{
    bool msix = f->entries->slot;
    unsigned cap = pci_find_cap(f->addr, msix ? PCI_CAP_MSIX : PCI_CAP_MSI);
    unsigned ctrl = cap ? pci_read(f->addr, cap + MSI_CTRL, 2) : 0;

    if (!cap)
        return;
    if (msix)
        pci_write(f->addr, cap + MSI_CTRL, 2, ctrl | MSIX_ENABLE | MSIX_MASK_ALL);
    else
        cap_prepare(f->entries, ctrl, LOG2_UP(f->entries->count));
    for (struct msi_entry *e = f->entries; e; e = e->next)
        entry_restore(e);
    ctrl = pci_read(f->addr, cap + MSI_CTRL, 2);
    pci_write(f->addr, cap + MSI_CTRL, 2, msix ? ctrl & ~MSIX_MASK_ALL : ctrl | MSI_ENABLE);
}

int msi_restore(struct pci_addr a)
{
    struct pci_fn *f;

    lock(&msi_lock);
    f = fn_find(a);
    if (f && f->entries)
        fn_restore(f);
    unlock(&msi_lock);
    return f ? 0 : -XEN_ENODEV;
}

int msix_prepare(struct pci_addr a)
{
    unsigned cap = pci_find_cap(a, PCI_CAP_MSIX);
    struct pci_fn *f;
    int rc = -XEN_ENODEV;

    lock(&msi_lock);
    if (cap)
        rc = fn_get(a, false, &f);
    if (!rc) {
        rc = pci_read(a, PCI_COMMAND, 2) & PCI_CMD_MEMORY ? table_locate(f, cap, 0) : -XEN_ENXIO;
        f->announced = true;
    }
    unlock(&msi_lock);
    return rc;
}

int msix_release(struct pci_addr a)
{
    struct pci_fn *f;
    int rc = -XEN_ENODEV;

    lock(&msi_lock);
    f = fn_find(a);
    if (f && f->entries)
        rc = -XEN_EBUSY;
    else if (f)
        rc = 0, table_forget(f);
    unlock(&msi_lock);
    return rc;
}

bool msix_table_frame(mfn_t m)
{
    bool yes;

    lock(&msi_lock);
    yes = ranges_overlap(&table_frames, m.n, m.n);
    unlock(&msi_lock);
    return yes;
}
