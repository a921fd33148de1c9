/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dom0, made from its kernel's file.  What a para-virtual kernel finds when it starts (xen/xen.h, "start of day
 * memory layout"): everything contiguous in its virtual space from VIRT_BASE on, frame numbers counting from there,
 *
 *   kernel | [initrd] | [P2M list] | start_info | page tables | boot stack | padding to 4 MiB (at least 512 KiB)
 *
 * An initrd of a kernel with MOD_START_PFN, and a P2M list of one with INIT_P2M, get frames behind that and no
 * mapping, or a mapping of their own.  `pfn` here is dom0's frame number; p2m[] is the list itself, in dom0's frames.
 */
#include "pv/dom0.h"
#include "core/elf.h"
#include "core/format.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/grant.h"
#include "kern/ioaccess.h"
#include "kern/pages.h"
#include "kern/sched.h"
#include "pv/context.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "pv/unpack.h"
#include "x86/alloc.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include <xen/features.h>

struct build {
    struct domain *d;
    const struct dom0_config *cfg;
    struct elf_image elf;
    uint64_t nr_pages;
    uint64_t *p2m_frames;    /* mfn of each frame of the P2M list */
    uint64_t nr_p2m_frames;
    uint64_t base;           /* virt_base: pfn 0's address */
    uint64_t initrd_va, p2m_va, info_va, tables_va, stack_va, end_va;
    uint64_t initrd_pfn, p2m_pfn, p2m_tables_pfn;
    uint64_t nr_tables, nr_p2m_tables, table_next, p2m_table_next;
    uint64_t next_pfn;       /* behind everything that has a place */
    struct frames_where where;
};

/* ---- Frames ---- */

static uint64_t *p2m_slot(const struct build *b, uint64_t pfn)
{
    uint64_t *page = frame_map(MFN(b->p2m_frames[pfn / 512]));

    return &page[pfn % 512]; /* direct map: the pointer stays good */
}

static mfn_t mfn_of(const struct build *b, uint64_t pfn)
{
    return MFN(*p2m_slot(b, pfn));
}

static void pfn_set(const struct build *b, uint64_t pfn, uint64_t mfn)
{
    *p2m_slot(b, pfn) = mfn;
    ((uint64_t *)M2P_START)[mfn] = pfn;
}

static uint64_t pfn_at(const struct build *b, uint64_t va)
{
    return (va - b->base) >> PAGE_SHIFT;
}

static void *page_at(const struct build *b, uint64_t va)
{
    return frame_map(mfn_of(b, pfn_at(b, va)));
}

/* Copy into dom0's virtual space. */
static void load(const struct build *b, uint64_t va, const void *from, uint64_t n)
{
    const char *p = from;

    while (n) {
        uint64_t off = va & ~PAGE_MASK, step = MIN(PAGE_SIZE - off, n);

        memcpy((char *)page_at(b, va) + off, p, step);
        va += step;
        p += step;
        n -= step;
    }
}

static void clear(const struct build *b, uint64_t va, uint64_t n)
{
    while (n) {
        uint64_t off = va & ~PAGE_MASK, step = MIN(PAGE_SIZE - off, n);

        memset((char *)page_at(b, va) + off, 0, step);
        va += step;
        n -= step;
    }
}

/* ---- The kernel's file ---- */

static void check_kernel(struct build *b)
{
    const struct elf_image *e = &b->elf;

    if (e->has_supported_note && !(e->features & 1u << XENFEAT_dom0))
        log_warn("dom0's kernel doesn't say that it can be dom0 (CONFIG_XEN_DOM0); trying\n");
    if ((e->required & 1u << XENFEAT_auto_translated_physmap))
        panic("dom0's kernel needs auto-translated physical memory; only para-virtual dom0s are supported\n");
    if (e->virt_base & 0x3fffff)
        log_debug("dom0: VIRT_BASE %lx is not 4 MiB-aligned\n", e->virt_base);
    if (e->virt_start < e->virt_base || e->virt_end > e->virt_base + 0x40000000)
        panic("dom0's kernel lies at %lx-%lx, outside the first GiB of its base %lx\n", e->virt_start, e->virt_end,
              e->virt_base);
}

/* ---- Layout ---- */

/* Tables that map [base, end): one L4, and what is needed below. */
static uint64_t tables_for(uint64_t start, uint64_t end, bool with_l4)
{
    uint64_t n = with_l4 ? 1 : 0;

    for (unsigned shift = 21; shift <= 39; shift += 9)
        n += ((end - 1) >> shift) - (start >> shift) + 1;
    return n;
}

static void layout(struct build *b)
{
    const struct elf_image *e = &b->elf;
    uint64_t initrd = ROUND_UP(b->cfg->initrd_size, PAGE_SIZE), p2m = b->nr_pages * 8;
    uint64_t va = ROUND_UP(e->virt_end, PAGE_SIZE);

    b->base = e->virt_base;
    if (initrd && !e->mod_start_pfn) {
        b->initrd_va = va;
        va += initrd;
    }
    if (!e->has_init_p2m) {
        b->p2m_va = va;
        va += ROUND_UP(p2m, PAGE_SIZE);
    }
    b->info_va = va;
    b->tables_va = va + PAGE_SIZE;
    b->nr_tables = 4;
    for (;;) {
        b->stack_va = b->tables_va + b->nr_tables * PAGE_SIZE;
        b->end_va = ROUND_UP(b->stack_va + PAGE_SIZE + 0x80000, 0x400000);
        if (tables_for(b->base, b->end_va, true) <= b->nr_tables)
            break;
        b->nr_tables = tables_for(b->base, b->end_va, true);
    }
    b->next_pfn = pfn_at(b, b->end_va);
    if (initrd && e->mod_start_pfn) {
        b->initrd_pfn = b->next_pfn;
        b->next_pfn += initrd >> PAGE_SHIFT;
    }
    if (e->has_init_p2m) {
        b->p2m_va = e->init_p2m;
        b->p2m_pfn = b->next_pfn;
        b->next_pfn += DIV_UP(p2m, PAGE_SIZE);
        b->nr_p2m_tables = tables_for(b->p2m_va, b->p2m_va + p2m, false);
        b->p2m_tables_pfn = b->next_pfn;
        b->next_pfn += b->nr_p2m_tables;
    } else {
        b->p2m_pfn = pfn_at(b, b->p2m_va);
    }
    if (b->next_pfn > b->nr_pages)
        panic("dom0 has %lu MiB, but its kernel and initrd alone need %lu MiB: see dom0_mem=\n",
              b->nr_pages >> 8, (b->next_pfn >> 8) + 1);
}

/* ---- Memory ---- */

static void frames_for_p2m(struct build *b)
{
    b->nr_p2m_frames = DIV_UP(b->nr_pages, 512);
    b->p2m_frames = mem_alloc(b->nr_p2m_frames * 8);
    if (!b->p2m_frames)
        panic("no memory for dom0's P2M list\n");
    for (uint64_t i = 0; i < b->nr_p2m_frames; i++) {
        mfn_t m = domain_frames_alloc(b->d, 0, b->where, true);

        if (mfn_eq(m, MFN_NONE))
            panic("no memory for dom0's P2M list\n");
        memset(frame_map(m), 0xff, PAGE_SIZE);
        b->p2m_frames[i] = m.n;
    }
    for (uint64_t i = 0; i < b->nr_p2m_frames; i++)
        pfn_set(b, b->p2m_pfn + i, b->p2m_frames[i]);
}

/* Memory for dom0's frames [pfn, end) except those of the P2M list: in chunks of 2 MiB if there are such,
 * of which each of its nodes gives its part. */
static void frames_fill(struct build *b, uint64_t pfn, uint64_t end)
{
    unsigned order = 9;

    while (pfn < end) {
        mfn_t m;

        while (order && 1ul << order > end - pfn)
            order--;
        m = domain_frames_alloc(b->d, order, b->where, false);
        if (mfn_eq(m, MFN_NONE)) {
            if (order-- == 0)
                panic("not enough memory for dom0: %lu of %lu MiB there\n", pfn >> 8, b->nr_pages >> 8);
            continue;
        }
        for (uint64_t i = 0; i < 1ul << order; i++)
            pfn_set(b, pfn++, m.n + i);
    }
}

/* [pfn, end), less what is there already. */
static void frames_fill_around_p2m(struct build *b, uint64_t pfn, uint64_t end)
{
    frames_fill(b, pfn, MIN(end, MAX(pfn, b->p2m_pfn)));
    frames_fill(b, MAX(pfn, b->p2m_pfn + b->nr_p2m_frames), end);
}

/* ---- Page tables ---- */

static mfn_t table_alloc(struct build *b, bool for_p2m)
{
    uint64_t pfn = for_p2m ? b->p2m_tables_pfn + b->p2m_table_next++
                           : pfn_at(b, b->tables_va) + b->table_next++;
    mfn_t m = mfn_of(b, pfn);

    if (for_p2m ? b->p2m_table_next > b->nr_p2m_tables : b->table_next > b->nr_tables)
        panic("dom0's page tables were counted wrongly\n");
    memset(frame_map(m), 0, PAGE_SIZE);
    return m;
}

static void map(struct build *b, mfn_t l4, uint64_t va, mfn_t to, bool writable, bool for_p2m)
{
    mfn_t m = l4;

    for (unsigned level = 4; level > 1; level--) {
        uint64_t *e = &((uint64_t *)frame_map(m))[va >> (12 + 9 * (level - 1)) & 511];

        if (!(*e & PTE_P))
            *e = mfn_to_maddr(table_alloc(b, for_p2m)) | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D;
        m = pte_mfn(*e);
    }
    ((uint64_t *)frame_map(m))[va >> 12 & 511] =
        mfn_to_maddr(to) | PTE_P | PTE_US | PTE_A | PTE_D | (writable ? PTE_RW : 0);
}

static mfn_t tables(struct build *b)
{
    uint64_t first = pfn_at(b, b->tables_va), end = first + b->nr_tables, n = pfn_at(b, b->end_va);
    mfn_t l4 = table_alloc(b, false);

    for (uint64_t pfn = 0; pfn < n; pfn++)
        map(b, l4, b->base + (pfn << PAGE_SHIFT), mfn_of(b, pfn), pfn < first || pfn >= end, false);
    if (b->elf.has_init_p2m)
        for (uint64_t i = 0; i < b->nr_p2m_frames; i++)
            map(b, l4, b->p2m_va + (i << PAGE_SHIFT), MFN(b->p2m_frames[i]), true, true);
    return l4;
}

/* ---- Contents ---- */

static void load_kernel(struct build *b, const struct unpacked *u)
{
    for (unsigned i = 0; i < b->elf.nr_segs; i++) {
        const struct elf_seg *s = &b->elf.segs[i];

        load(b, s->virt, (const char *)u->image + s->offset, s->filesz);
        clear(b, s->virt + s->filesz, s->memsz - s->filesz);
    }
}

/* The page that calls us: at offset n * 32, hypercall n.  iret is a jump in, and doesn't come back. */
static void hypercall_page(struct build *b)
{
    uint8_t *page;

    if (!b->elf.has_hypercall_page)
        return;
    page = page_at(b, b->elf.hypercall_page);
    hypercall_page_fill(page);
}

void hypercall_page_fill(uint8_t *page)
{
    memset(page, 0xcc, PAGE_SIZE);
    for (uint32_t nr = 0; nr < PAGE_SIZE / 32; nr++) {
        uint8_t *p = page + nr * 32;

        if (nr == __HYPERVISOR_iret) {
            *p++ = 0x51;             /* push %rcx */
            *p++ = 0x41, *p++ = 0x53;/* push %r11 */
            *p++ = 0x50;             /* push %rax */
        } else {
            *p++ = 0x51;             /* push %rcx: the system call takes it and r11 */
            *p++ = 0x41, *p++ = 0x53;/* push %r11 */
        }
        *p++ = 0xb8;                 /* mov $nr, %eax */
        memcpy(p, &nr, 4);
        p += 4;
        *p++ = 0x0f, *p++ = 0x05;    /* syscall */
        if (nr == __HYPERVISOR_iret)
            continue;
        *p++ = 0x41, *p++ = 0x5b;    /* pop %r11 */
        *p++ = 0x59;                 /* pop %rcx */
        *p++ = 0xc3;                 /* ret */
    }
}

static void load_initrd(struct build *b)
{
    const char *from = maddr_to_virt(b->cfg->initrd);
    uint64_t pfn = b->initrd_va ? pfn_at(b, b->initrd_va) : b->initrd_pfn;

    for (uint64_t off = 0; off < b->cfg->initrd_size; off += PAGE_SIZE)
        memcpy(frame_map(mfn_of(b, pfn++)), from + off, MIN(PAGE_SIZE, b->cfg->initrd_size - off));
}

static void start_info(struct build *b)
{
    struct start_info *si = page_at(b, b->info_va);

    memset(si, 0, PAGE_SIZE);
    memcpy(si->magic, "xen-3.0-x86_64", 15);
    si->nr_pages = b->nr_pages;
    si->shared_info = virt_to_maddr(b->d->shared);
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = b->tables_va;
    si->nr_pt_frames = b->nr_tables;
    si->mfn_list = b->p2m_va;
    if (b->elf.has_init_p2m) {
        si->first_p2m_pfn = b->p2m_pfn;
        si->nr_p2m_frames = b->nr_p2m_frames + b->nr_p2m_tables;
    }
    if (b->cfg->initrd_size) {
        si->mod_start = b->initrd_va ? b->initrd_va : b->initrd_pfn;
        si->mod_len = b->cfg->initrd_size;
        if (!b->initrd_va)
            si->flags |= SIF_MOD_START_PFN;
    }
    format_text((char *)si->cmd_line, sizeof(si->cmd_line), "%s", b->cfg->cmdline);
}

static void start_vcpu(struct build *b, mfn_t l4)
{
    struct vcpu *v = b->d->vcpu[0];
    struct ptype_ctx ctx = { b->d->id, b->d->id };
    int rc;

    lock(&b->d->pv->pt_lock);
    while ((rc = ptype_pin(&ctx, l4, FT_L4)) == -XEN_EAGAIN)
        ;
    if (rc == 0)
        rc = ptype_get(&ctx, l4, FT_L4);
    unlock(&b->d->pv->pt_lock);
    if (rc)
        panic("dom0's first page tables are not valid (%d)\n", rc);
    pv_table_install(v, l4, false);
    pv_vcpu_set_start(v, b->elf.entry, b->stack_va + PAGE_SIZE, b->info_va);
}

/* ---- All of it ---- */

/* Pages for dom0: what dom0_mem= says, else all but a reserve for ourselves and for what guests need of us.  `coming`:
 * frames that are in use now, but will be free when dom0 is filled up. */
static uint64_t pages_wanted(const struct dom0_config *cfg, uint64_t coming)
{
    bool anywhere = !cfg->nodes || cfg->relaxed;
    uint64_t free = anywhere ? coming : 0, reserve, n;

    for (unsigned node = 0; node < 64; node++)
        if (anywhere || cfg->nodes >> node & 1)
            free += frames_free_between(node, 0, 64);
    reserve = MIN(MAX(free / 16, 4096ul), 32768ul);
    n = cfg->pages ? cfg->pages : free > reserve ? free - reserve : 0;
    if (cfg->max_pages)
        n = MIN(n, cfg->max_pages);
    n = MAX(n, cfg->min_pages);
    if (n > free)
        panic("dom0_mem= wants %lu MiB, only %lu MiB are free\n", n >> 8, free >> 8);
    return n;
}

/* On its CPU, if it is pinned; else on or near to those of dom0's nodes. */
static int vcpu_place(struct vcpu *v, unsigned cpu, const struct dom0_config *cfg)
{
    cpumask_t only = { { 0 } };

    cpumask_set(&only, cpu);
    if (cfg->pin_vcpus)
        return sched_vcpu_set_affinity(v, &only, NULL);
    if (!cfg->nodes)
        return 0;
    return sched_vcpu_set_affinity(v, cfg->relaxed ? NULL : &cfg->cpus, cfg->relaxed ? &cfg->cpus : NULL);
}

static struct domain *domain_make(const struct dom0_config *cfg)
{
    struct domain_config dc = {
        .id = 0, .is_privileged = true, .max_vcpus = cfg->vcpus,
        .max_pages = cfg->max_pages ? cfg->max_pages : ~0ul >> 16,
        .max_grant_frames = -1, .max_maptrack_frames = -1,
    };
    int rc = 0;
    struct domain *d = domain_create(&dc, &rc);

    for (unsigned i = 0, cpu = 0; d && i < cfg->vcpus && rc == 0; i++, cpu++) {
        cpu = cpumask_next(&cfg->cpus, cpu) < nr_cpus ? cpumask_next(&cfg->cpus, cpu) : cpumask_next(&cfg->cpus, 0);
        rc = vcpu_create(d, i);
        if (rc == 0)
            rc = vcpu_place(d->vcpu[i], cpu, cfg);
    }
    if (d && rc == 0 && cfg->nodes)
        rc = sched_domain_set_nodes(d, cfg->nodes);
    if (!d || rc)
        panic("dom0 can't be created (%d)\n", rc);
    rc = io_domain_setup_dom0(d);
    if (rc)
        panic("dom0 can't be given its devices (%d)\n", rc);
    domain_publish(d);
    return d;
}

void dom0_build(const struct dom0_config *cfg)
{
    static struct build b; /* big; once */
    struct unpacked u = { 0 };
    const char *why = "?";
    mfn_t l4;

    kernel_unpack(cfg->kernel, cfg->kernel_size, &u);
    if (elf_parse(&b.elf, u.image, u.size, &why))
        panic("dom0's kernel: %s\n", why);
    b.cfg = cfg;
    check_kernel(&b);
    b.d = dom0 = domain_make(cfg);
    b.where = FRAMES_ANYWHERE;
    b.where.exact = cfg->nodes && !cfg->relaxed;
    b.nr_pages = pages_wanted(cfg, cfg->module_frames + (u.buffer ? 1ul << u.order : 0));
    layout(&b);
    /* First what the files are copied to; then the files' own memory is free, and dom0 may have it, too. */
    frames_for_p2m(&b);
    frames_fill_around_p2m(&b, 0, b.next_pfn);
    load_kernel(&b, &u);
    load_initrd(&b);
    if (u.buffer)
        pages_free(u.image, u.order);
    cfg->modules_done();
    frames_fill_around_p2m(&b, b.next_pfn, b.nr_pages);
    hypercall_page(&b);
    start_info(&b);
    l4 = tables(&b);
    start_vcpu(&b, l4);
    mem_free(b.p2m_frames);
    log_info("dom0: %s %s, %lu MiB, %u vCPUs, kernel %lx-%lx, entry %lx\n", b.elf.guest_os, b.elf.guest_version,
             b.nr_pages >> 8, cfg->vcpus, b.elf.virt_start, b.elf.virt_end, b.elf.entry);
    vcpu_set_up(dom0->vcpu[0], true);
    domain_unpause(dom0);
}
