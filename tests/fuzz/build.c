/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain of our own image.  The module that came with us is the same ELF file; its segments, a frame list, a start-info page and
 * page tables are written into the new domain's frames, which we map in a window for that, all at once.
 *
 * Frame numbers in it: the image from 1 MiB on, behind it the frame list, start info, the tables, a stack; the rest is free.
 */
#include "build.h"
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include <xen/memory.h>

#define FRAMES  BUILD_FRAMES
#define SPARE   128u            /* it may have these besides */
#define WINDOWS 0x0000280000000000ul
#define REPORT_PAGES (sizeof(struct report) / PAGE_SIZE)
#define BATCH   128u

struct elf_header { uint8_t ident[16]; uint16_t type, machine; uint32_t version; uint64_t entry, phoff, shoff; uint32_t flags;
                    uint16_t ehsize, phentsize, phnum; };
struct elf_segment { uint32_t type, flags; uint64_t offset, vaddr, paddr, filesz, memsz, align; };

enum { FRAME_LIST, START_INFO = 2, L4, L3, L2, L1, STACK = L1 + 2, BOOT_FRAMES };

struct xen_domctl control;
static xen_pfn_t mfn[FRAMES];   /* of the domain that is being built */
extern char guest_start[];

void control_clear(void)
{
    memset(&control.u, 0, sizeof(control.u));
}

long control_call(uint32_t cmd, domid_t id)
{
    control.cmd = cmd;
    control.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    control.domain = id;
    return hypercall(domctl, &control);
}

unsigned long build_frame(unsigned i)
{
    return mfn[i];
}

static char *window(const struct subject *s)
{
    return (char *)(WINDOWS + s->slot * FRAMES * PAGE_SIZE);
}

static unsigned boot_pfn(unsigned what)
{
    return (unsigned)virt_to_pfn(guest_end) + what;
}

void build_init(void)
{
    const struct elf_header *e = (const void *)start_info->mod_start;

    if (start_info->mod_len < sizeof(*e) || memcmp(e->ident, "\177ELF", 4) || e->entry != (uint64_t)guest_start)
        test_abort("build: the module isn't this image");
    for (unsigned i = 0; i < SLOTS * FRAMES; i += 512)
        if (map_page(NULL, WINDOWS + i * PAGE_SIZE, 0, 0))
            test_abort("build: no window");
}

/* Ports that nothing happens at: so that some of its instructions reach a device. */
static long ports_allow(const struct subject *s)
{
    control_clear();
    control.u.ioport_permission.first_port = 0x80;
    control.u.ioport_permission.nr_ports = 16;
    control.u.ioport_permission.allow_access = 1;
    return control_call(XEN_DOMCTL_ioport_permission, s->id);
}

/* Map (or, without flags, unmap) n frames from pfn on in the domain's window. */
static long frames_map(const struct subject *s, unsigned pfn, unsigned n, unsigned long flags)
{
    struct mmu_update u[BATCH];
    long rc = 0;

    for (unsigned done = 0; done < n && !rc; done += BATCH) {
        unsigned now = n - done < BATCH ? n - done : BATCH;

        for (unsigned i = 0; i < now; i++) {
            u[i].ptr = pt_entry_maddr(NULL, (unsigned long)window(s) + (pfn + done + i) * PAGE_SIZE, 1);
            u[i].val = flags ? pte_make(mfn[pfn + done + i], flags) : 0;
        }
        rc = hypercall(mmu_update, u, now, NULL, flags ? s->id : DOMID_SELF);
    }
    return rc ? rc : mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0, 0);
}

static long create(struct subject *s, unsigned vcpus)
{
    struct xen_memory_reservation r = { .nr_extents = FRAMES };
    struct xen_domctl_createdomain *c = &control.u.createdomain;
    long rc;

    control_clear();
    c->flags = s->flags;
    c->max_vcpus = vcpus;
    c->max_evtchn_port = 4095;
    c->max_grant_frames = 4;
    c->max_maptrack_frames = 4;
    c->grant_opts = XEN_DOMCTL_GRANT_version(2);
    rc = control_call(XEN_DOMCTL_createdomain, 0);
    if (rc)
        return rc;
    s->id = control.domain;
    control.u.max_vcpus.max = vcpus;
    rc = control_call(XEN_DOMCTL_max_vcpus, s->id);
    control_clear();
    control.u.max_mem.max_memkb = 4 * (FRAMES + SPARE);
    rc = rc ? rc : control_call(XEN_DOMCTL_max_mem, s->id);
    for (unsigned i = 0; i < FRAMES; i++)
        mfn[i] = i;
    r.domid = s->id;
    set_xen_guest_handle(r.extent_start, mfn);
    if (!rc && hypercall(memory_op, XENMEM_populate_physmap, &r) != FRAMES)
        rc = -XEN_ENOMEM;
    return rc;
}

static void image_write(char *w)
{
    const char *file = (const char *)start_info->mod_start;
    const struct elf_header *e = (const void *)file;
    const struct elf_segment *p = (const void *)(file + e->phoff);

    for (unsigned i = 0; i < e->phnum; i++)
        if (p[i].type == 1)
            memcpy(w + p[i].paddr, file + p[i].offset, p[i].filesz);
}

static uint64_t *frame_at(char *w, unsigned what)
{
    return (uint64_t *)(w + boot_pfn(what) * PAGE_SIZE);
}

static void tables_write(char *w)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        bool table = i >= boot_pfn(L4) && i < boot_pfn(STACK);

        frame_at(w, L1)[i] = pte_make(mfn[i], table ? PTE_RO : PTE_RW); /* the two L1s are neighbours in the window */
    }
    for (unsigned i = 0; i < FRAMES / 512; i++)
        frame_at(w, L2)[i] = pte_make(mfn[boot_pfn(L1 + i)], PTE_TABLE);
    frame_at(w, L3)[510] = pte_make(mfn[boot_pfn(L2)], PTE_TABLE);
    frame_at(w, L4)[511] = pte_make(mfn[boot_pfn(L3)], PTE_TABLE);
}

static void start_info_write(char *w, uint64_t shared, const char *cmd_line)
{
    struct start_info *si = (void *)frame_at(w, START_INFO);

    memcpy(frame_at(w, FRAME_LIST), mfn, sizeof(mfn));
    si->nr_pages = FRAMES;
    si->shared_info = shared << PAGE_SHIFT;
    si->pt_base = (unsigned long)pfn_to_virt(boot_pfn(L4));
    si->nr_pt_frames = STACK - L4;
    si->mfn_list = (unsigned long)pfn_to_virt(boot_pfn(FRAME_LIST));
    memcpy(si->cmd_line, cmd_line, strlen(cmd_line) + 1);
}

static long vcpu_write(const struct subject *s)
{
    static vcpu_guest_context_t c;

    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = (uint64_t)guest_start;
    c.user_regs.rsi = (uint64_t)pfn_to_virt(boot_pfn(START_INFO));
    c.user_regs.rsp = c.kernel_sp = (uint64_t)pfn_to_virt(boot_pfn(BOOT_FRAMES));
    c.user_regs.rflags = 0x202;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = xen_pfn_to_cr3(mfn[boot_pfn(L4)]);
    control_clear();
    set_xen_guest_handle(control.u.vcpucontext.ctxt, &c);
    return control_call(XEN_DOMCTL_setvcpucontext, s->id);
}

static long pin_root(const struct subject *s)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE };

    op.arg1.mfn = mfn[boot_pfn(L4)];
    return hypercall(mmuext_op, &op, 1, NULL, s->id);
}

static long fill(struct subject *s, const char *cmd_line)
{
    char *w = window(s);
    uint64_t shared;
    long rc;

    rc = control_call(XEN_DOMCTL_getdomaininfo, s->id);
    shared = control.u.getdomaininfo.shared_info_frame;
    rc = rc ? rc : frames_map(s, 0, FRAMES, PTE_RW);
    if (rc)
        return rc;
    image_write(w);
    start_info_write(w, shared, cmd_line);
    tables_write(w);
    rc = frames_map(s, 0, FRAMES, 0);
    rc = rc ? rc : pin_root(s);
    control.u.hypercall_init.gmfn = mfn[virt_to_pfn(hypercall_page)];
    rc = rc ? rc : control_call(XEN_DOMCTL_hypercall_init, s->id);
    rc = rc ? rc : ports_allow(s);
    rc = rc ? rc : vcpu_write(s);
    return rc ? rc : frames_map(s, (unsigned)virt_to_pfn(&report), REPORT_PAGES, PTE_RW);
}

long build(struct subject *s, unsigned vcpus, const char *cmd_line)
{
    long rc = create(s, vcpus);

    rc = rc ? rc : fill(s, cmd_line);
    if (!rc) {
        s->report = (struct report *)(window(s) + virt_to_pfn(&report) * PAGE_SIZE);
        return s->id;
    }
    if (s->id)
        build_destroy(s);
    return rc;
}

long build_destroy(struct subject *s)
{
    long rc;

    s->report = NULL;
    if (frames_map(s, 0, FRAMES, 0))
        test_abort("build: frames can't be unmapped");
    rc = control_call(XEN_DOMCTL_destroydomain, s->id);
    s->id = 0;
    return rc;
}
