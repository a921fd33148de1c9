/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies for the toolstack: see cpupolicy.h.  No loop goes on for longer than the constants below say, whatever a policy answers. */
#include "core/cpupolicy.h"

#define LAST_BASIC    0xdu
#define LAST_EXTENDED 0x80000021u
#define CACHE_SUBS    6u
#define FEATURE_SUBS  3u
#define TOPOLOGY_SUBS 2u
#define XSTATE_SUBS   63u

struct row {
    cpupolicy_fn *get;
    const void *of;
    xen_cpuid_leaf_t *out;
    unsigned n;
};

static struct cpuid_regs put(struct row *r, uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs a = r->get(r->of, leaf, sub == XEN_CPUID_NO_SUBLEAF ? 0 : sub);

    r->out[r->n++] = (xen_cpuid_leaf_t){ leaf, sub, a.a, a.b, a.c, a.d };
    return a;
}

/* Sub-leaves that a last one without a type ends. */
static void put_typed(struct row *r, uint32_t leaf, unsigned most)
{
    for (uint32_t sub = 0; sub < most; sub++) {
        struct cpuid_regs a = put(r, leaf, sub);

        if (!(leaf == 0xb ? a.c & 0xff00 : a.a & 0x1f))
            break;
    }
}

static void put_features(struct row *r)
{
    uint32_t last = put(r, 7, 0).a;

    for (uint32_t sub = 1; sub <= last && sub < FEATURE_SUBS; sub++)
        put(r, 7, sub);
}

static void put_xstates(struct row *r)
{
    struct cpuid_regs xcr0 = put(r, 0xd, 0), xss = put(r, 0xd, 1);
    uint64_t states = (xcr0.a | xss.c) | (uint64_t)(xcr0.d | xss.d) << 32;

    for (uint32_t sub = 2; sub < XSTATE_SUBS; sub++)
        if (states >> sub & 1)
            put(r, 0xd, sub);
}

static void put_basic(struct row *r, uint32_t leaf)
{
    switch (leaf) {
    case 0x4:
        put_typed(r, leaf, CACHE_SUBS);
        break;
    case 0x7:
        put_features(r);
        break;
    case 0xb:
        put_typed(r, leaf, TOPOLOGY_SUBS);
        break;
    case 0xd:
        put_xstates(r);
        break;
    default:
        put(r, leaf, XEN_CPUID_NO_SUBLEAF);
    }
}

unsigned cpupolicy_leaves(cpupolicy_fn *get, const void *of, xen_cpuid_leaf_t *out)
{
    struct row r = { get, of, out, 0 };
    uint32_t last = get(of, 0, 0).a, last_extended = get(of, 0x80000000, 0).a;

    for (uint32_t leaf = 0; leaf <= last && leaf <= LAST_BASIC; leaf++)
        put_basic(&r, leaf);
    /* The hypervisor's own are not a matter of policy: the places are there, empty. */
    out[r.n++] = (xen_cpuid_leaf_t){ .leaf = CPUID_XEN_BASE, .subleaf = XEN_CPUID_NO_SUBLEAF };
    out[r.n++] = (xen_cpuid_leaf_t){ .leaf = CPUID_XEN_BASE + 0x100, .subleaf = XEN_CPUID_NO_SUBLEAF };
    if (last_extended >> 16 == 0x8000)
        for (uint32_t leaf = 0x80000000; leaf <= last_extended && leaf <= LAST_EXTENDED; leaf++)
            put(&r, leaf, XEN_CPUID_NO_SUBLEAF);
    return r.n;
}

/* Where each word of a featureset comes from, but for ARCH_CAPABILITIES. */
static const struct {
    uint32_t leaf;
    uint8_t sub, word_of; /* 0 EAX ... 3 EDX */
    uint8_t word;
} sources[] = {
    { 0x1, 0, 3, 0 }, { 0x1, 0, 2, 1 }, { 0x80000001, 0, 3, 2 }, { 0x80000001, 0, 2, 3 }, { 0xd, 1, 0, 4 }, { 0x7, 0, 1, 5 },
    { 0x7, 0, 2, 6 }, { 0x80000007, 0, 3, 7 }, { 0x80000008, 0, 1, 8 }, { 0x7, 0, 3, 9 }, { 0x7, 1, 0, 10 },
    { 0x80000021, 0, 0, 11 }, { 0x7, 1, 1, 12 }, { 0x7, 2, 3, 13 }, { 0x7, 1, 2, 14 }, { 0x7, 1, 3, 15 },
    { 0x80000021, 0, 2, 18 },
};
#define WORD_CAPS 16

void cpupolicy_features(cpupolicy_fn *get, const void *of, uint64_t arch_caps, uint32_t *words)
{
    for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
        struct cpuid_regs a = get(of, sources[i].leaf, sources[i].sub);
        uint32_t regs[4] = { a.a, a.b, a.c, a.d };

        words[sources[i].word] = regs[sources[i].word_of];
    }
    words[WORD_CAPS] = (uint32_t)arch_caps;
    words[WORD_CAPS + 1] = (uint32_t)(arch_caps >> 32);
}

/* ---- A domain's own ---- */

#define F1C_OSXSAVE (1u << 27) /* not a matter of policy: what the guest has turned on */

static const xen_cpuid_leaf_t *leaf_find(const struct cpu_policy *p, uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->leaf[i].leaf == leaf && (p->leaf[i].subleaf == sub || p->leaf[i].subleaf == XEN_CPUID_NO_SUBLEAF))
            return &p->leaf[i];
    return NULL;
}

static uint32_t reg_of(const xen_cpuid_leaf_t *l, unsigned reg)
{
    return reg == 0 ? l->a : reg == 1 ? l->b : reg == 2 ? l->c : l->d;
}

/* Bits that policies don't decide, of a feature word. */
static uint32_t undecided(uint32_t leaf, unsigned reg)
{
    if (leaf == 0x1 && reg == 2)
        return F1C_OSXSAVE;
    return leaf == 0x80000001 && reg == 3 ? CPUPOLICY_E1D_COPIES : 0;
}

int cpupolicy_set(struct cpu_policy *p, const struct cpu_policy *most, const xen_cpuid_leaf_t *l)
{
    uint32_t sub = l->subleaf == XEN_CPUID_NO_SUBLEAF ? 0 : l->subleaf;
    const xen_cpuid_leaf_t *m = leaf_find(most, l->leaf, sub), *to = leaf_find(p, l->leaf, sub);

    if (!m || !to || to->subleaf != l->subleaf)
        return -XEN_ERANGE;
    for (unsigned i = 0; i < ARRAY_SIZE(sources); i++)
        if (sources[i].leaf == l->leaf && sources[i].sub == sub &&
            (reg_of(l, sources[i].word_of) & ~reg_of(m, sources[i].word_of) & ~undecided(l->leaf, sources[i].word_of)))
            return -XEN_EINVAL;
    p->leaf[to - p->leaf] = *l;
    return 0;
}

/* Names and numbers that software shows or goes by: the policy's word counts. */
static struct cpuid_regs identity_apply(const xen_cpuid_leaf_t *l, struct cpuid_regs r)
{
    switch (l->leaf) {
    case 0x0:
    case 0x80000000:
        r.a = MIN(r.a, l->a);
        return r;
    case 0x1:
        r.a = l->a;
        return r;
    case 0x80000002 ... 0x80000004:
        return (struct cpuid_regs){ l->a, l->b, l->c, l->d };
    default:
        return r;
    }
}

struct cpuid_regs cpupolicy_apply(const struct cpu_policy *p, uint32_t leaf, uint32_t sub, struct cpuid_regs r)
{
    const xen_cpuid_leaf_t *l = leaf >> 16 == CPUID_XEN_BASE >> 16 ? NULL : leaf_find(p, leaf, sub);
    uint32_t mask[4] = { ~0u, ~0u, ~0u, ~0u };

    if (!l)
        return r;
    for (unsigned i = 0; i < ARRAY_SIZE(sources); i++)
        if (sources[i].leaf == leaf && sources[i].sub == sub)
            mask[sources[i].word_of] = reg_of(l, sources[i].word_of) | undecided(leaf, sources[i].word_of);
    r = identity_apply(l, r);
    return (struct cpuid_regs){ r.a & mask[0], r.b & mask[1], r.c & mask[2], r.d & mask[3] };
}
