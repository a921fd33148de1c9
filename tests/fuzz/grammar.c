/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls from a grammar: see grammar.h.  Pools of ports and handles are shared by the vCPUs without locks: a mixed-up entry is one more bad value. */
#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/platform.h>
#include <xen/sysctl.h>
#include "build.h"
#include "check.h"
#include "fuzz.h"
#include "grammar.h"
#include "grants.h"
#include "mem.h"
#include "pages.h"
#include "random.h"
#include "time.h"

#define BUF_PAGES 4
#define POOL      128u

uint64_t random_state[CPUS_MAX];

static uint32_t ports[POOL];
/* Mappings of grants; live: not given back yet, as far as known. */
static struct map { uint64_t addr, bus; uint32_t handle; bool live; } maps[POOL];
static unsigned nr_ports, nr_maps;

/* What a call is being written with. */
struct gen {
    struct call *call;
    unsigned elements;          /* of its arrays */
    uint64_t last_window;       /* the address that is mapped at; goes with the handle */
    const char *path;           /* the last one */
    int map;                    /* entry of maps[] that an A has chosen; -1: none */
};

static char *buf[CPUS_MAX];
static unsigned buf_used[CPUS_MAX];

void grammar_init(unsigned vcpus)
{
    for (unsigned c = 0; c < vcpus; c++) {
        buf[c] = page_alloc();
        for (unsigned i = 1; i < BUF_PAGES; i++)
            page_alloc();
    }
}

static void *buf_take(unsigned size)
{
    unsigned cpu = cpu_self()->id, at = (buf_used[cpu] + 15) & ~15u;

    if (at + size > BUF_PAGES * PAGE_SIZE)
        at = 0;
    buf_used[cpu] = at + size;
    return buf[cpu] + at;
}

/* ---- values, by kind ---- */

uint64_t wild(void)
{
    static const uint64_t pool[] = {
        0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 127, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 0x7ff0, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff4,
        0xffff, 0x10000, 0x1ffff, 0x20000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000, 0xfffffffffffff,
        0x7fffffffffffffff, 0x8000000000000000, ~0ull, ~0ull - 1, 0xffff800000000000, 0xffff880000000000, 0x800000000000,
    };

    if (one_in(4))
        return rnd64() >> rnd(64);
    return pool[rnd(ARRAY_SIZE(pool))] + (one_in(8) ? (uint64_t)rnd(5) - 2 : 0);
}

domid_t domain_any(void)
{
    return report.known[rnd(8) ? rnd(2) : rnd(KNOWN)];     /* the hostile two mostly */
}

static domid_t any_domain(void)
{
    static const domid_t odd[] = { 0, DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE, 1, 2, 3, 0xffff };

    if (one_in(8))
        return odd[rnd(ARRAY_SIZE(odd))];
    return one_in(3) ? DOMID_SELF : domain_any();
}

/* Never dom0, nor the bystander. */
static domid_t victim(void)
{
    static const domid_t odd[] = { DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE, VICTIM_HIGH, 0xffff };
    domid_t id = one_in(16) ? odd[rnd(ARRAY_SIZE(odd))] : one_in(16) ? 1 + rnd(200) : report.known[rnd(2)];

    return !id || id == report.known[2] ? VICTIM_HIGH : id;
}

static uint64_t debug_key(void)
{
    static const char keys[] = "hqregaiptSA?dn" "hqr"; /* up to four are taken */

    return (uint64_t)&keys[rnd(sizeof(keys) - 4)];
}

static const char *hypfs_path(void)
{
    static const char *const paths[] = { "/", "/params", "/params/", "/params/gnttab_max_frames", "/params/guest_loglvl", "/buildinfo/compileinfo",
                                         "/buildinfo/version/major", "/buildinfo/changeset", "/buildinfo/nothing_there", "//" };

    return paths[rnd(ARRAY_SIZE(paths))];
}

/* The controller lives on: nothing that it owns but the arena may be written to by chance, or taken for a structure. */
static uint64_t harmless_address(void)
{
    switch (rnd(6)) {
    case 0:  return UNMAPPED + rnd(64) * 8;
    case 1:  return NONCANON;
    case 2:  return HV_PRIVATE + (rnd64() & 0x7fffffffff);
    case 3:  return (uint64_t)pt_root() + rnd(512) * 8;
    default: return (uint64_t)arena_va[rnd(ARENA - 1)] + rnd(512) * 8;
    }
}

static uint64_t any_address(void)
{
    if (start_info->flags & SIF_PRIVILEGED)
        return harmless_address();
    switch (rnd(16)) {
    case 0:  return UNMAPPED + rnd(64) * 8;
    case 1:  return NONCANON;
    case 2:  return HV_PRIVATE + (rnd64() & 0x7fffffffff);
    case 3:  return 0xffff800000000000 + (rnd64() & 0xfffffff8);              /* the M2P */
    case 4:  return (uint64_t)pt_root() + rnd(512) * 8;
    case 5:  return (uint64_t)hypercall_page + rnd(4096);
    case 6:  return (uint64_t)arena_va[rnd(ARENA)] + PAGE_SIZE - rnd(64);      /* crossing */
    case 7:  return WINDOW + (WINDOW_SLOTS + 1) * PAGE_SIZE - rnd(128);
    case 8:  return wild();
    case 9:  return window_address() + rnd(4096);
    default: return (uint64_t)arena_va[rnd(ARENA)] + rnd(512) * 8;
    }
}

static uint64_t buffer(void)
{
    uint64_t p;

    if (one_in(24))
        return any_address();
    p = (uint64_t)buf_take(1024);
    if (one_in(4))
        for (unsigned i = 0; i < 128; i++)
            ((volatile uint64_t *)p)[i] = one_in(3) ? any_mfn() : rnd(64);
    return p;
}

static uint64_t any_port(void)
{
    if (nr_ports && rnd(4))
        return ports[rnd(nr_ports < POOL ? nr_ports : POOL)];
    return one_in(8) ? wild() : rnd(48);
}

static uint64_t any_time(void)
{
    switch (rnd(8)) {
    case 0:  return wild();
    case 1:  return 0;
    case 2:  return time_now() - rnd(1000000);
    default: return time_now() + rnd(2000000);
    }
}

static uint64_t descriptor(void)
{
    static const uint64_t good[] = { 0, 0x00cff3000000ffff, 0x00affb000000ffff, 0x00cffb000000ffff, 0x0000ec0000000000, 0x0000820000000000,
                                     0x00008b0000000000, 0x00cf92000000ffff };

    return one_in(4) ? rnd64() : good[rnd(ARRAY_SIZE(good))] ^ (one_in(4) ? 1ull << rnd(64) : 0);
}

static uint64_t flush_flags(void)
{
    static uint64_t mask[2] = { 3, ~0ull };
    uint64_t flags = rnd(8);

    return flags | (flags & UVMF_MULTI && rnd(4) ? (uint64_t)&mask[rnd(2)] : 0) | (one_in(64) ? wild() : 0);
}

static uint64_t small(unsigned n)
{
    return one_in(24) ? wild() : rnd(n);
}

uint64_t value(char kind)
{
    switch (kind) {
    case 'd': return any_domain();
    case 'p': return any_port();
    case 'g': return one_in(16) ? wild() : 8 + rnd(GRANT_REFS - 8);
    case 'm': return any_mfn();
    case 'c': return small(FUZZ_VCPUS + 1);
    case 'v': return any_address();
    case 'b': return buffer();
    case 'w': return window_address();
    case 'e': return any_entry();
    case 'a': return any_entry_address();
    case 'M': return (arena_any() << PAGE_SHIFT) + rnd(512) * 8;
    case 'y': return descriptor();
    case 'u': return one_in(4) ? wild() & 0xffff : (rnd(2) ? 0xe008u + rnd(8) * 8 : rnd(64) * 4u) + rnd(4);
    case 'q': return flush_flags();
    case 'o': return one_in(3) ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L1_TABLE + rnd(4);
    case 't': return any_time();
    case 'l': return one_in(4) ? wild() : rnd(4097);
    case 'n': return small(9);
    case 'r': return one_in(6) ? rnd(20) : 0;
    case 'f': return one_in(8) ? wild() : (1ull << rnd(8)) | (rnd(2) ? 1ull << rnd(8) : 0);
    case 'i': return small(32);
    case 'x': return one_in(3) ? rnd(16) : wild();
    case 'D': return victim();
    case 'F': return one_in(8) ? any_mfn() : build_frame(rnd(BUILD_FRAMES));
    case 'E': return one_in(4) ? 0 : pte_make(value('F'), rnd(2) ? PTE_RO : PTE_RW);
    case 'W': return pt_entry_maddr(NULL, WINDOW + rnd(WINDOW_SLOTS) * PAGE_SIZE, 1);
    case 'K': return debug_key();
    case 'G': return one_in(16) ? any_domain() : grant_peer();
    case 'I': return one_in(16) ? any_domain() : grant_self();
    case 'R': case 'Q': case 'B': case 'V': case 'T': case 'J':
        return one_in(16) ? value('g') : grant_ref(kind);
    case 'j': return one_in(16) ? any_mfn() : grant_data();
    case 's': return (uint64_t)grant_data() << PAGE_SHIFT;
    case 'L': return one_in(32) ? wild() : rnd(2048);
    case 'z': return 0;
    default:  test_abort("grammar: unknown kind");
    }
}

/* ---- writing a call ---- */

static void put(void *at, unsigned size, uint64_t v)
{
    memcpy(at, &v, size);
}

static uint64_t handle(struct gen *g)
{
    if (g->map < 0 || one_in(32))
        return one_in(4) ? wild() : rnd(32);
    return maps[g->map].handle;
}

/* A mapping that is there; now and then one that was. */
static uint64_t map_address(struct gen *g)
{
    unsigned n = nr_maps < POOL ? nr_maps : POOL, start = n ? rnd(n) : 0;

    g->map = n ? (int)start : -1;
    for (unsigned i = 0, end = one_in(16) ? 0 : n; i < end; i++)
        if (maps[(start + i) % n].live) {
            g->map = (int)((start + i) % n);
            break;
        }
    return g->map < 0 || one_in(32) ? window_address() : maps[g->map].addr;
}

/* A place where nothing is mapped, if one is soon found. */
static uint64_t grant_window(void)
{
    uint64_t at = WINDOW;

    for (unsigned i = 0; i < 8; i++) {
        at = WINDOW + (WINDOW_SLOTS / 2 + rnd(WINDOW_SLOTS / 4)) * PAGE_SIZE;
        if (!*pt_entry(NULL, at, 1))
            break;
    }
    return at;
}

/* An L1 entry: of the window's tables, or of one that is soon taken apart. */
static uint64_t leaf_address(void)
{
    return rnd(2) ? pt_entry_maddr(NULL, grant_window(), 1) : (arena_mfn[table_any(1)] << PAGE_SHIFT) + rnd(512) * 8;
}

static uint64_t count(const struct gen *g)
{
    return one_in(24) ? wild() : g->elements;
}

static uint64_t constant(const char **s, unsigned base)
{
    uint64_t v = 0;

    for (; **s != '.'; ++*s)
        v = v * base + (unsigned)(**s <= '9' ? **s - '0' : **s - 'a' + 10);
    ++*s;
    return v;
}

static void expect_out(struct gen *g, char kind, void *at)
{
    struct call *c = g->call;

    if (c->nr_outs < OUTS) {
        c->out[c->nr_outs].kind = kind;
        c->out[c->nr_outs].at = at;
        c->out[c->nr_outs++].with = kind == 'h' ? (uint64_t)g->map : g->last_window;
    }
}

static uint64_t field(struct gen *g, char kind, const char **s)
{
    switch (kind) {
    case '=': return constant(s, 16);
    case '!': return constant(s, 10);
    case 'k': return count(g);
    case 'h': return handle(g);
    case 'A': return map_address(g);
    case 'w': return g->last_window = window_address();
    case 'C': return g->last_window = grant_window();
    case 'X': return g->last_window = leaf_address();
    case 'N': return (uint64_t)(g->path = hypfs_path());
    case '#': return one_in(16) ? value('l') : strlen(g->path) + 1;
    case 'U': return g->map < 0 || one_in(32) ? wild() : maps[g->map].bus;
    case 'P': case 'H': case 'Y': case 'O': case 'S': return 0;
    default:  return value(kind);
    }
}

static const char *structure(struct gen *g, const char *s, char *base, unsigned *size);

/* A pointer to what is described between the brackets; *s is behind the closing one then. */
static uint64_t pointer(struct gen *g, char open, const char **s)
{
    unsigned n = open == '[' ? g->elements : 1, size = 0;
    const char *start = *s;
    char *p = buf_take(n * 192), *at = p;

    for (unsigned i = 0; i < n; i++, at += size) {
        g->map = -1;
        *s = structure(g, start, at, &size);
    }
    if (one_in(48))
        return start_info->flags & SIF_PRIVILEGED ? UNMAPPED : any_address();
    return (uint64_t)p;
}

/* One field at *at, which is aligned for it first and then moved behind it; gives its size. */
static unsigned one(struct gen *g, const char **s, char *base, unsigned *at)
{
    char kind = *(*s)++;
    uint64_t v = kind == '(' || kind == '[' ? pointer(g, kind, s) : field(g, kind, s);
    unsigned size = kind == '(' || kind == '[' ? 8 : (unsigned)(*(*s)++ - '0');

    if (size != 1 && size != 2 && size != 4 && size != 8)
        test_abort("grammar: bad size");
    *at = (*at + size - 1) & ~(size - 1);
    put(base + *at, size, v);
    if (kind == 'P' || kind == 'H' || kind == 'O' || kind == 'S' || (kind == 'h' && g->map >= 0))
        expect_out(g, kind, base + *at);
    *at += size;
    return size;
}

/* Fields up to the closing bracket or the end; gives what is behind. */
static const char *structure(struct gen *g, const char *s, char *base, unsigned *size)
{
    unsigned at = 0, align = 1;

    while (*s && *s != ')' && *s != ']') {
        unsigned n;

        if (*s == ' ') {
            s++;
            continue;
        }
        n = one(g, &s, base, &at);
        align = n > align ? n : align;
    }
    *size = (at + align - 1) & ~(align - 1);
    return *s ? s + 1 : s;
}

/* The head of a control call's structure. */
static unsigned control_head(const struct op *o, char *p)
{
    static const struct { unsigned nr; uint32_t version; } heads[] = {
        { __HYPERVISOR_domctl, XEN_DOMCTL_INTERFACE_VERSION }, { __HYPERVISOR_sysctl, XEN_SYSCTL_INTERFACE_VERSION },
        { __HYPERVISOR_platform_op, XENPF_INTERFACE_VERSION },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(heads); i++)
        if (heads[i].nr == o->nr) {
            put(p, 4, (uint64_t)o->cmd);
            put(p + 4, 4, one_in(200) ? wild() : heads[i].version);
            put(p + 8, 8, o->nr != __HYPERVISOR_domctl ? 0 : o->self && one_in(4) ? 0 : victim());
            return o->nr == __HYPERVISOR_domctl ? 16 : 8;
        }
    return 0;
}

static void arguments(struct gen *g, const struct op *o)
{
    struct call *c = g->call;
    char *p = (char *)c->arg;
    unsigned head, size;

    if (o->cmd >= 0 && o->nr != __HYPERVISOR_domctl && o->nr != __HYPERVISOR_sysctl && o->nr != __HYPERVISOR_platform_op) {
        c->arg[0] = (uint64_t)o->cmd;
        structure(g, o->args, p + 8, &size);
    } else if (o->cmd >= 0) {
        char *at = memset(buf_take(256), 0, 256);

        head = control_head(o, at);
        structure(g, o->args, at + head, &size);
        c->arg[0] = one_in(100) ? UNMAPPED : (uint64_t)at;
    } else {
        structure(g, o->args, p, &size);
    }
}

static unsigned weight(const struct op *o)
{
    return o->weight ? 8u * o->weight : 1;
}

static unsigned op_any(const struct grammar *g)
{
    unsigned at = rnd(g->total), i = 0;

    while (at >= weight(&g->op[i]))
        at -= weight(&g->op[i++]);
    return i;
}

static void call_write(const struct grammar *gr, unsigned i, struct call *c)
{
    struct gen g = { .call = c, .elements = one_in(4) ? 1 + rnd(8) : 1, .map = -1 };

    memset(c, 0, sizeof(*c));
    c->op = i;
    c->nr = gr->op[i].nr;
    arguments(&g, &gr->op[i]);
}

void call_make(const struct grammar *g, struct call *c, bool first)
{
    if (first)
        buf_used[cpu_self()->id] = 0;
    call_write(g, op_any(g), c);
}

void grammar_check(struct grammar *g)
{
    struct call c;

    if (g->nr > OPS_MAX)
        test_abort("grammar: more lines than the report holds");
    g->total = 0;
    for (unsigned i = 0; i < g->nr; i++) {
        g->total += weight(&g->op[i]);
        call_write(g, i, &c);
    }
}

/* ---- results ---- */

static enum result class_of(long rc)
{
    switch (rc) {
    case -XEN_EINVAL: return RESULT_INVAL;
    case -XEN_EPERM: case -XEN_EACCES: return RESULT_PERM;
    case -XEN_EFAULT: return RESULT_FAULT;
    case -XEN_ENOSYS: case -XEN_EOPNOTSUPP: return RESULT_ABSENT;
    default: return rc >= 0 ? RESULT_OK : RESULT_OTHER;
    }
}

void grant_count(unsigned long cmd, int16_t status)
{
    if (cmd < GRANT_OPS && status <= 0 && status > -STATUSES)
        __atomic_add_fetch(&report.grant[cmd][-status], 1, __ATOMIC_RELAXED);
}

static void map_learn(const gnttab_map_grant_ref_t *m, uint64_t addr)
{
    if (m->status == GNTST_okay)
        maps[nr_maps++ % POOL] = (struct map){ .addr = addr, .bus = m->flags & GNTMAP_device_map ? m->dev_bus_addr : 0,
                                               .handle = m->handle, .live = true };
}

/* What an element of the call gave, or gave back. */
static void learn(const struct call *c, unsigned i)
{
    char *at = c->out[i].at;

    if (c->out[i].kind == 'P')
        ports[nr_ports++ % POOL] = *(uint32_t *)at;
    if (c->out[i].kind == 'S' && c->nr == __HYPERVISOR_grant_table_op)
        grant_count(c->arg[0], *(volatile int16_t *)at);
    if (c->out[i].kind == 'H')
        map_learn((void *)(at - offsetof(gnttab_map_grant_ref_t, handle)), c->out[i].with);
    if (c->out[i].kind == 'h' && *(volatile int16_t *)(at + 4) == GNTST_okay)   /* the status is behind the handle */
        maps[c->out[i].with].live = false;
}

void call_done(const struct call *c, long rc)
{
    bool good = rc >= 0;

    for (unsigned i = 0; i < c->nr_outs && rc >= 0; i++) {
        if (c->out[i].kind == 'S' && *(volatile int16_t *)c->out[i].at)
            good = false;
        if (c->out[i].kind != 'P' || good)
            learn(c, i);
    }
    __atomic_add_fetch(&report.result[c->nr % 64][rc >= 0 && !good ? RESULT_OTHER : class_of(rc)], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&report.op[c->op][0], 1, __ATOMIC_RELAXED);
    if (good)
        __atomic_add_fetch(&report.op[c->op][1], 1, __ATOMIC_RELAXED);
}

void call_do(struct call *c)
{
    struct report_vcpu *r = &report.vcpu[cpu_self()->id % FUZZ_VCPUS];
    struct trail *t = &r->trail[++r->calls % TRAIL];

    t->nr = c->nr;
    memcpy(t->arg, c->arg, sizeof(t->arg));
    call_done(c, hypercall5((unsigned)c->nr, (long)c->arg[0], (long)c->arg[1], (long)c->arg[2], (long)c->arg[3], (long)c->arg[4]));
}
