/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speculation controls: see spec.h.  (Intel: "Speculative Execution Side Channel Mitigations"; AMD: APM2 3.2.9 and 7.6.) */
#include "x86/spec.h"
#include "core/cmdline.h"
#include "core/format.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/percpu.h"
#include "x86/uaccess.h"

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49
#define MSR_ARCH_CAPS 0x10a
#define MSR_AMD_DE_CFG 0xc0011029
#define DE_CFG_LFENCE_SERIALISES 2ul
#define EFER_AUTO_IBRS (1ul << 21)

#define SPEC_IBRS  1ul
#define SPEC_STIBP 2ul
#define SPEC_SSBD  4ul
#define SPEC_PSFD  0x80ul

#define CAPS_RDCL_NO      (1ul << 0)
#define CAPS_EIBRS        (1ul << 1)
#define CAPS_RSBA         (1ul << 2)
#define CAPS_SSB_NO       (1ul << 4)
#define CAPS_MDS_NO       (1ul << 5)
#define CAPS_TAA_NO       (1ul << 8)
#define CAPS_SBDR_NO      (1ul << 13)
#define CAPS_FBSDP_NO     (1ul << 14)
#define CAPS_PSDP_NO      (1ul << 15)
#define CAPS_FB_CLEAR     (1ul << 17)
#define CAPS_BHI_NO       (1ul << 20)
#define CAPS_GDS_NO       (1ul << 26)
#define CAPS_RFDS_NO      (1ul << 27)
#define CAPS_RFDS_CLEAR   (1ul << 28)
#define CAPS_MMIO_NO      (CAPS_SBDR_NO | CAPS_FBSDP_NO | CAPS_PSDP_NO)

/* What the processor has [const after boot] */
static struct {
    bool is_intel, is_amd;
    bool ibrs, ibpb, stibp, ssbd, psfd, auto_ibrs, has_caps, md_clear, amd_verw, lfence_msr;
    uint64_t caps;
} cpu;

enum choice { CHOICE_AUTO, CHOICE_NO, CHOICE_YES };

/* What the command line says, then (spec_init()) what is done [const after boot] */
static struct {
    enum choice ibrs, ibpb, stibp, ssbd, psfd, verw, rsb;
} opt;

static bool use_ibpb, use_verw, use_rsb;
static bool lfence_serialises; /* AMD: all CPUs do the same */
static uint64_t host_value; /* in SPEC_CTRL whatever the guest wants */

static DEFINE_PERCPU(uint64_t, spec_now);  /* what SPEC_CTRL holds */
static DEFINE_PERCPU(uint64_t, spec_last); /* the domain whose guest ran here last; 0: none yet */

/* ---- Options ---- */

static enum choice *choice_named(const char *name, size_t n)
{
    static const struct { const char *name; enum choice *to; } names[] = {
        { "ibrs", &opt.ibrs }, { "ibpb", &opt.ibpb }, { "stibp", &opt.stibp }, { "ssbd", &opt.ssbd },
        { "psfd", &opt.psfd }, { "verw", &opt.verw }, { "md-clear", &opt.verw }, { "rsb", &opt.rsb },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (strlen(names[i].name) == n && !memcmp(names[i].name, name, n))
            return names[i].to;
    return NULL;
}

static void all_set(enum choice c)
{
    opt.ibrs = opt.ibpb = opt.stibp = opt.ssbd = opt.psfd = opt.verw = opt.rsb = c;
}

/* One of the comma-separated parts, NUL-terminated. */
static bool part_set(const char *s)
{
    const char *eq = s;
    bool negated = !strncmp(s, "no-", 3), on;
    enum choice *c;

    if (cmdline_bool(s, &on)) {
        all_set(on ? CHOICE_AUTO : CHOICE_NO);
        return true;
    }
    if (!strncmp(s, "xen=", 4) && cmdline_bool(s + 4, &on)) {
        all_set(on ? CHOICE_AUTO : CHOICE_NO);
        return true;
    }
    if (!strncmp(s, "bti-thunk=retpoline", 20) || !strncmp(s, "eager-fpu", 10) || !strncmp(s, "eager-fpu=yes", 14))
        return true; /* so it is */
    s += negated ? 3 : 0;
    for (eq = s; *eq && *eq != '='; eq++)
        ;
    c = choice_named(s, (size_t)(eq - s));
    if (!c || !cmdline_bool(*eq ? eq + 1 : "", &on))
        return false;
    *c = on != negated ? CHOICE_YES : CHOICE_NO;
    return true;
}

bool spec_option(const char *value)
{
    char part[32];
    bool all = true;

    do {
        size_t n = 0;

        for (; *value && *value != ','; value++)
            if (n < sizeof(part) - 1)
                part[n++] = *value;
        part[n] = 0;
        if (!part_set(part)) {
            log_warn("spec-ctrl: \"%s\" is unknown here\n", part);
            all = false;
        }
    } while (*value++ == ',');
    return all;
}

/* ---- What there is ---- */

/* Skylake to Cannon Lake: a return may be predicted from the branch target buffer.  Microcode that says so itself
 * (ARCH_CAPS) came later, so we tell guests. */
static bool rsb_may_run_dry(void)
{
    uint32_t sig = cpuid_count(1, 0).a, model = (sig >> 4 & 15) | (sig >> 12 & 0xf0);

    if ((sig >> 8 & 15) != 6)
        return false;
    return model == 0x4e || model == 0x5e || model == 0x55 || model == 0x8e || model == 0x9e || model == 0x66;
}

static void look_intel(void)
{
    struct cpuid_leaf l7 = { 0 };

    if (cpuid_count(0, 0).a >= 7)
        l7 = cpuid_count(7, 0);
    cpu.ibrs |= l7.d >> 26 & 1;
    cpu.ibpb |= l7.d >> 26 & 1;
    cpu.stibp |= l7.d >> 27 & 1;
    cpu.ssbd |= l7.d >> 31 & 1;
    cpu.md_clear = l7.d >> 10 & 1;
    cpu.has_caps = (l7.d >> 29 & 1) && !rdmsr_safe(MSR_ARCH_CAPS, &cpu.caps);
    if (!cpu.has_caps && cpu.is_intel) { /* as if it were there: it has nothing good to say */
        cpu.has_caps = true;
        cpu.caps = rsb_may_run_dry() ? CAPS_RSBA : 0;
    }
    if (l7.a >= 2)
        cpu.psfd |= cpuid_count(7, 2).d & 1;
}

static void look_amd(void)
{
    uint32_t max = cpuid_count(0x80000000, 0).a;
    struct cpuid_leaf l8 = { 0 }, l21 = { 0 };

    if (max >> 16 != 0x8000)
        return;
    if (max >= 0x80000008)
        l8 = cpuid_count(0x80000008, 0);
    if (max >= 0x80000021)
        l21 = cpuid_count(0x80000021, 0);
    cpu.ibpb |= l8.b >> 12 & 1;
    cpu.ibrs |= l8.b >> 14 & 1;
    cpu.stibp |= l8.b >> 15 & 1;
    cpu.ssbd |= l8.b >> 24 & 1;
    cpu.psfd |= l8.b >> 28 & 1;
    cpu.auto_ibrs = l21.a >> 8 & 1;
    cpu.amd_verw = (l21.a >> 5 & 1) && (l21.c & 6) != 6;
    cpu.lfence_msr = !(l21.a >> 2 & 1);
    lfence_serialises = !cpu.lfence_msr;
}

static bool mds_affected(void)
{
    if (cpu.md_clear && !(cpu.caps & CAPS_MDS_NO))
        return true;
    if ((cpu.caps & CAPS_FB_CLEAR) && (cpu.caps & CAPS_MMIO_NO) != CAPS_MMIO_NO)
        return true;
    return cpu.caps & CAPS_RFDS_CLEAR || cpu.amd_verw;
}

static void decide(void)
{
    bool eibrs = cpu.caps & CAPS_EIBRS;

    use_ibpb = cpu.ibpb && opt.ibpb != CHOICE_NO;
    use_rsb = opt.rsb != CHOICE_NO;
    use_verw = opt.verw == CHOICE_YES || (opt.verw == CHOICE_AUTO && mds_affected());
    host_value = 0;
    if (cpu.ibrs && (opt.ibrs == CHOICE_YES || (opt.ibrs == CHOICE_AUTO && eibrs)))
        host_value |= SPEC_IBRS;
    if (cpu.stibp && opt.stibp == CHOICE_YES)
        host_value |= SPEC_STIBP;
    if (cpu.ssbd && opt.ssbd == CHOICE_YES)
        host_value |= SPEC_SSBD;
    if (cpu.psfd && opt.psfd == CHOICE_YES)
        host_value |= SPEC_PSFD;
}

static void show_words(const char *what, const bool *have, const char *const *names, unsigned n)
{
    char line[160];
    size_t at = 0;

    line[0] = 0;
    for (unsigned i = 0; i < n; i++)
        if (have[i])
            at += (size_t)format_text(line + at, sizeof(line) - at, " %s", names[i]);
    log_info("Speculation: %s:%s\n", what, at ? line : " none");
}

void spec_dump(void)
{
    static const char *const have_names[] = { "IBRS", "IBPB", "STIBP", "SSBD", "PSFD", "AUTO_IBRS", "MD_CLEAR", "VERW_CLEAR" };
    static const char *const caps_names[] = { "RDCL_NO", "EIBRS", "SSB_NO", "MDS_NO", "TAA_NO", "BHI_NO", "GDS_NO",
                                              "RFDS_NO" };
    const bool have[] = { cpu.ibrs, cpu.ibpb, cpu.stibp, cpu.ssbd, cpu.psfd, cpu.auto_ibrs, cpu.md_clear, cpu.amd_verw };
    const bool caps[] = { cpu.caps & CAPS_RDCL_NO, cpu.caps & CAPS_EIBRS, cpu.caps & CAPS_SSB_NO,
                          cpu.caps & CAPS_MDS_NO, cpu.caps & CAPS_TAA_NO, cpu.caps & CAPS_BHI_NO,
                          cpu.caps & CAPS_GDS_NO, cpu.caps & CAPS_RFDS_NO };

    show_words("the processor has", have, have_names, ARRAY_SIZE(have));
    show_words("it says of itself", caps, caps_names, ARRAY_SIZE(caps));
    log_info("Speculation: retpolines; SPEC_CTRL %lx%s; between domains:%s%s%s; to guests: %s\n", host_value,
             cpu.auto_ibrs && opt.ibrs != CHOICE_NO ? ", automatic IBRS" : "", use_ibpb ? " IBPB" : "",
             use_rsb ? " RSB" : "", use_ibpb || use_rsb ? "" : " nothing", use_verw ? "VERW" : "no buffers cleared");
}

bool spec_has_meltdown(void)
{
    return cpu.is_intel && !(cpu.caps & CAPS_RDCL_NO);
}

void spec_init(void)
{
    struct cpuid_leaf l0 = cpuid_count(0, 0);

    cpu.is_intel = l0.b == 0x756e6547;
    cpu.is_amd = l0.b == 0x68747541 || l0.b == 0x6f677948; /* AMD, Hygon */
    look_intel();
    look_amd();
    decide();
    spec_dump();
}

void spec_init_cpu(void)
{
    uint64_t v;

    if (cpu.ibrs || cpu.stibp || cpu.ssbd)
        wrmsr(MSR_SPEC_CTRL, host_value);
    this_cpu(spec_now) = host_value;
    if (cpu.auto_ibrs && opt.ibrs != CHOICE_NO)
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTO_IBRS);
    if (cpu.is_amd && cpu.lfence_msr && !rdmsr_safe(MSR_AMD_DE_CFG, &v))
        lfence_serialises = (v & DE_CFG_LFENCE_SERIALISES) || !wrmsr_safe(MSR_AMD_DE_CFG, v | DE_CFG_LFENCE_SERIALISES);
    if (use_verw)
        cpu_block()->exit_flags |= EXIT_VERW;
}

/* ---- The switch ---- */

uint64_t spec_new_tag(void)
{
    static uint64_t last; /* [atomic] */

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static void spec_ctrl_load(uint64_t v)
{
    if (this_cpu(spec_now) == v)
        return;
    this_cpu(spec_now) = v;
    wrmsr(MSR_SPEC_CTRL, v);
}

/* 32 calls whose returns lead nowhere: no prediction of a return that the last guest left behind is used. */
static void rsb_overwrite(void)
{
    uint64_t n = 16, sp;

    __asm__ volatile("movq %%rsp, %1\n"
                     "1: call 2f; 3: pause; lfence; jmp 3b\n"
                     "2: call 4f; 5: pause; lfence; jmp 5b\n"
                     "4: decq %0; jnz 1b\n"
                     "movq %1, %%rsp"
                     : "+r"(n), "=&r"(sp) :: "memory", "cc");
}

void spec_ibpb(void)
{
    COUNT(ibpb);
    wrmsr(MSR_PRED_CMD, 1);
}

void spec_switch_to(uint64_t tag, uint64_t guest_value)
{
    uint64_t *last = &this_cpu(spec_last);

    if (*last != tag && *last) {
        if (use_ibpb)
            spec_ibpb();
        if (use_rsb)
            rsb_overwrite();
    }
    *last = tag;
    spec_ctrl_load(host_value | guest_value);
}

/* ---- What guests see ---- */

uint64_t spec_guest_mask(void)
{
    if (!cpu.ibrs || !cpu.is_intel)
        return 0;
    return SPEC_IBRS | SPEC_STIBP | (cpu.ssbd ? SPEC_SSBD : 0) | (cpu.psfd ? SPEC_PSFD : 0);
}

void spec_set_guest(uint64_t guest_value)
{
    spec_ctrl_load(host_value | guest_value);
}

bool spec_has_ibpb(void)
{
    return cpu.ibpb;
}

bool spec_has_arch_caps(void)
{
    return cpu.has_caps;
}

uint64_t spec_arch_caps(void)
{
    return cpu.caps;
}

bool spec_lfence_serialises(void)
{
    return cpu.is_amd && lfence_serialises;
}
