/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID tells guests.  The ABI's header says in a comment of each feature who may see it; this test reads that text
 * itself, and asks for every leaf of a machine that claims to have everything, or anything.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/cpuid.h"

#define HEADER "/usr/include/xen/arch-x86/cpufeatureset.h"
#define WORDS  19

/* Where each word of the ABI's list is. */
static const struct { uint32_t leaf, sub; unsigned reg; } place[WORDS] = {
    { 1, 0, 3 }, { 1, 0, 2 }, { 0x80000001, 0, 3 }, { 0x80000001, 0, 2 }, { 0xd, 1, 0 }, { 7, 0, 1 }, { 7, 0, 2 },
    { 0x80000007, 0, 3 }, { 0x80000008, 0, 1 }, { 7, 0, 3 }, { 7, 1, 0 }, { 0x80000021, 0, 0 }, { 7, 1, 1 },
    { 7, 2, 3 }, { 7, 1, 2 }, { 7, 1, 3 }, { ~0u, 0, 0 }, { ~0u, 0, 0 }, { 0x80000021, 0, 2 },
};
static struct { char name[40]; bool all; } feature[WORDS][32];
static uint32_t visible[WORDS];

static int read_header(void **state)
{
    FILE *f = fopen(HEADER, "r");
    char line[256], name[40], who[40];
    unsigned word, bit, n = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "XEN_CPUFEATURE(%39[A-Z0-9_a-z], %u*32+%u) /*%39[^ ]", name, &word, &bit, who) != 4 &&
            sscanf(line, "XEN_CPUFEATURE(%39[A-Z0-9_a-z], %u*32+%u)", name, &word, &bit) == 3)
            who[0] = '\0';
        else if (strncmp(line, "XEN_CPUFEATURE(", 15))
            continue;
        word += bit / 32;
        bit %= 32;
        assert_true(word < WORDS);
        strcpy(feature[word][bit].name, name);
        feature[word][bit].all = strchr(who, 'A');
        visible[word] |= strchr(who, 'A') ? 1u << bit : 0;
        n++;
    }
    fclose(f);
    assert_true(n > 200);
    return 0;
}

static uint32_t reg(struct cpuid_regs r, unsigned which)
{
    return which == 0 ? r.a : which == 1 ? r.b : which == 2 ? r.c : r.d;
}

static struct cpuid_host host_of(uint32_t all)
{
    return (struct cpuid_host){ .leaf = { all, all, all, all }, .max_basic = 0x20, .leaf1_d = all, .xsave_size = 0x340 };
}

static struct cpuid_guest plain(enum cpu_vendor vendor)
{
    return (struct cpuid_guest){ .vendor = vendor, .xcr0_mask = 0xe7, .maddr_bits = 40, .time = { .mode = 1, .khz = 2400000, .incarnation = 3, .machine_khz = 3000000, .emulated = true, .stable = true,
                                          .offset = 0x123456789a, .mul = 0xabcdef01, .shift = -1 } };
}

static uint32_t answer(const struct cpuid_guest *g, unsigned word, uint32_t all)
{
    struct cpuid_host h = host_of(all);

    return reg(cpuid_for_guest(g, place[word].leaf, place[word].sub, &h), place[word].reg);
}

/* What the rules of core/cpuid.c add to the header's list, for a guest that is not dom0. */
static uint32_t extra(unsigned word, enum cpu_vendor vendor)
{
    if (word == 1)
        return 1u << 31; /* HYPERVISOR */
    if (word == 2 && vendor == VENDOR_AMD)
        return 0x0183f3ff & visible[0]; /* AMD repeats leaf 1 */
    if (word == 5)
        return 1u << 6 | 1u << 13; /* facts about the FPU */
    return 0;
}

/* A machine that has everything shows exactly the features marked for all. */
static void test_all_features(void **state)
{
    (void)state;
    for (unsigned v = VENDOR_OTHER; v <= VENDOR_AMD; v++)
        for (unsigned w = 0; w < WORDS; w++) {
            struct cpuid_guest g = plain((enum cpu_vendor)v);
            uint32_t got, may;

            if (place[w].leaf == ~0u || (v == VENDOR_INTEL && place[w].leaf == 0x80000021))
                continue;
            got = answer(&g, w, ~0u);
            may = visible[w] | extra(w, (enum cpu_vendor)v);
            for (unsigned bit = 0; bit < 32; bit++)
                if ((got & ~may) >> bit & 1)
                    fail_msg("word %u bit %u (%s) leaks", w, bit, feature[w][bit].name);
                else if ((may & ~got) >> bit & 1 && !(w == 0 && bit == 11) && !(w == 1 && bit == 27) &&
                         !(w == 9 && bit == 29) && !(w == 2 && bit == 11 && v == VENDOR_AMD))
                    fail_msg("word %u bit %u (%s) is missing", w, bit, feature[w][bit].name);
        }
}

/* By name, in case the marks are misread. */
static void test_named(void **state)
{
    static const char *const never[] = { "VMX", "SVM", "MONITOR", "DCA", "DTES64", "PSE", "PGE", "VME", "X2APIC_", "PCID",
                                         "SMEP", "SMAP", "PKU", "UMIP", "CET_SS", "CET_IBT", "INVPCID", "XSAVES", "EPB",
                                         "SKINIT", "NPT", "MTRR", "MCE_", "PAGE1GB" },
                      *const always[] = { "FPU", "TSC", "CX8", "CMOV", "FXSR", "SSE2", "SSE3", "CX16", "POPCNT", "SYSCALL",
                                          "NX", "LM", "AVX", "AVX2", "XSAVE", "BMI1" };
    struct cpuid_guest g = plain(VENDOR_OTHER);

    (void)state;
    for (unsigned w = 0; w < WORDS; w++)
        for (unsigned bit = 0; bit < 32 && place[w].leaf != ~0u; bit++) {
            bool shown = answer(&g, w, ~0u) >> bit & 1;

            for (unsigned i = 0; i < ARRAY_SIZE(never); i++)
                if (!strcmp(feature[w][bit].name, never[i]) && shown)
                    fail_msg("%s is shown", never[i]);
            for (unsigned i = 0; i < ARRAY_SIZE(always); i++)
                if (!strcmp(feature[w][bit].name, always[i]) && !shown)
                    fail_msg("%s is hidden", always[i]);
        }
}

/* A machine without it doesn't get it; without AVX state nothing that needs it is shown. */
static void test_not_invented(void **state)
{
    struct cpuid_guest g = plain(VENDOR_OTHER);

    (void)state;
    for (unsigned w = 0; w < WORDS; w++)
        if (place[w].leaf != ~0u)
            assert_int_equal(answer(&g, w, 0), w == 1 ? 1u << 31 : 0);
    g.xcr0_mask = 3;
    assert_false(answer(&g, 1, ~0u) & (1u << 12 | 1u << 28 | 1u << 29));
    assert_false(answer(&g, 5, ~0u) & (1u << 5 | 0xdc230000u));
    assert_true(answer(&g, 1, ~0u) & 1u << 26);
    g.xcr0_mask = 7;
    assert_true(answer(&g, 5, ~0u) & 1u << 5);
    assert_false(answer(&g, 5, ~0u) & 0xdc230000u);
    g.xcr0_mask = 0;
    g.osxsave = true;
    assert_false(answer(&g, 1, ~0u) & 3u << 26);
    assert_false(answer(&g, 4, ~0u));
    g.xcr0_mask = 3;
    assert_true(answer(&g, 1, ~0u) & 1u << 27);
    g.osxsave = false;
    assert_false(answer(&g, 1, ~0u) & 1u << 27);
}

static bool leaf_known(uint32_t leaf)
{
    return leaf <= 2 || leaf == 4 || leaf == 7 || leaf == 0xd || (leaf >= 0x80000000 && leaf <= 0x80000008) ||
           leaf == 0x80000019 || leaf == 0x8000001a || leaf == 0x80000021;
}

/* All other leaves, whatever the machine has there: nothing. Among them another hypervisor's, under which we run. */
static void test_other_leaves(void **state)
{
    static const uint32_t from[] = { 0, 0x40000006, 0x400000f0, 0x7ffffff0, 0x80000000, 0x8fffff00, 0xc0000000, 0xfffffe00 };

    (void)state;
    for (unsigned v = VENDOR_OTHER; v <= VENDOR_AMD; v++)
        for (unsigned i = 0; i < ARRAY_SIZE(from); i++)
            for (uint32_t n = 0; n < 0x200; n++)
                for (uint32_t sub = 0; sub < 3; sub++) {
                    struct cpuid_host h = host_of(~0u);
                    struct cpuid_guest g = plain((enum cpu_vendor)v);
                    struct cpuid_regs r = cpuid_for_guest(&g, from[i] + n, sub, &h);

                    if (!leaf_known(from[i] + n) && (r.a | r.b | r.c | r.d))
                        fail_msg("leaf %x is not hidden", from[i] + n);
                }
}

/* No answer tells of more than the machine has, apart from what is said to be added. */
static void test_random(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15;

    (void)state;
    for (unsigned n = 0; n < 300000; n++) {
        uint32_t x[8], leaf;
        struct cpuid_host h;
        struct cpuid_guest g;

        for (unsigned i = 0; i < 8; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            x[i] = (uint32_t)(seed >> 16);
        }
        h = (struct cpuid_host){ .leaf = { x[0], x[1], x[2], x[3] }, .max_basic = x[4] % 0x20, .leaf1_d = x[3],
                                 .xsave_size = x[5] % 4096 };
        g = plain((enum cpu_vendor)(x[6] % 3));
        g.is_privileged = x[6] & 8;
        for (unsigned w = 0; w < WORDS; w++) {
            uint32_t got, own = reg(h.leaf, place[w].reg);

            if (place[w].leaf == ~0u)
                continue;
            got = reg(cpuid_for_guest(&g, place[w].leaf, place[w].sub, &h), place[w].reg);
            if (w == 1)
                got &= ~(1u << 31);
            if (got & ~own & ~(w == 2 ? x[3] : 0))
                fail_msg("word %u: %x of %x", w, got, own);
        }
        leaf = (x[7] & 1 ? 0x80000000 : 0) + (x[7] >> 8) % 0x30;
        cpuid_for_guest(&g, leaf, (x[7] >> 16) % 70, &h);
    }
}

static void test_basics(void **state)
{
    struct cpuid_host h = host_of(~0u);
    struct cpuid_guest g = plain(VENDOR_INTEL);
    struct cpuid_regs r;

    (void)state;
    h.leaf.a = 0x20;
    assert_int_equal(cpuid_for_guest(&g, 0, 0, &h).a, 0xd);
    h.leaf.a = 4;
    h.max_basic = 4;
    assert_int_equal(cpuid_for_guest(&g, 0, 0, &h).a, 4);
    assert_int_equal(cpuid_for_guest(&g, 7, 0, &h).b, 0); /* behind the last: nothing */
    h = host_of(~0u);
    assert_int_equal(cpuid_for_guest(&g, 1, 0, &h).b >> 24, 0); /* no APIC of its own */
    r = cpuid_for_guest(&g, 0x40000000, 0, &h);
    assert_int_equal(r.a, 0x40000005);
    assert_memory_equal(&r.b, "XenVMMXenVMM", 12);
    assert_int_equal(cpuid_for_guest(&g, 0x40000001, 0, &h).a, 4 << 16 | 17);
    r = cpuid_for_guest(&g, 0x40000003, 0, &h);
    assert_true(r.a == 3 && r.b == 1 && r.c == 2400000 && r.d == 3);
    r = cpuid_for_guest(&g, 0x40000003, 1, &h);
    assert_true(r.a == 0x3456789a && r.b == 0x12 && r.c == 0xabcdef01 && r.d == ~0u);
    r = cpuid_for_guest(&g, 0x40000003, 2, &h);
    assert_true(r.a == 3000000 && !r.b && !r.c && !r.d && !cpuid_for_guest(&g, 0x40000003, 3, &h).a);
    assert_int_equal(cpuid_for_guest(&g, 0x40000005, 0, &h).b, 40);
    assert_int_equal(cpuid_for_guest(&g, 0xd, 0, &h).a, 0xe7);
    assert_int_equal(cpuid_for_guest(&g, 0xd, 9, &h).a, 0); /* a component that it doesn't have */
    assert_int_not_equal(cpuid_for_guest(&g, 0xd, 2, &h).a, 0);
    for (uint32_t sub = 8; sub < 200; sub++)
        assert_int_equal(cpuid_for_guest(&g, 0xd, sub, &h).a, 0);
}

static void test_vendor(void **state)
{
    (void)state;
    assert_int_equal(cpuid_vendor((struct cpuid_regs){ 0, 0x756e6547, 0x6c65746e, 0x49656e69 }), VENDOR_INTEL);
    assert_int_equal(cpuid_vendor((struct cpuid_regs){ 0, 0x68747541, 0x444d4163, 0x69746e65 }), VENDOR_AMD);
    assert_int_equal(cpuid_vendor((struct cpuid_regs){ 0, 0x6f677948, 0x656e6975, 0x6e65476e }), VENDOR_AMD);
    assert_int_equal(cpuid_vendor((struct cpuid_regs){ 0, 0x756e6547, 0x6c65746e, 0 }), VENDOR_OTHER);
}

static void test_arch_caps(void **state)
{
    uint64_t may = visible[16] | (uint64_t)visible[17] << 32 | 1u << 2 | 1u << 19;

    (void)state;
    assert_true(arch_caps_for_guest(~0ul) == may);
    assert_true(arch_caps_for_guest(0) == 0);
    assert_false(arch_caps_for_guest(~0ul) & (1u << 3 | 1u << 7 | 1u << 18)); /* L1D flush, TSX_CTRL, FB_CLEAR_CTRL */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_features), cmocka_unit_test(test_named), cmocka_unit_test(test_not_invented),
        cmocka_unit_test(test_other_leaves), cmocka_unit_test(test_random), cmocka_unit_test(test_basics),
        cmocka_unit_test(test_vendor), cmocka_unit_test(test_arch_caps),
    };

    return cmocka_run_group_tests(tests, read_header, NULL);
}
