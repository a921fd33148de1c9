/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FPU state: see fpu.h.  (SDM1 ch. 13, APM1 ch. 11 for the XSAVE area.) */
#include "x86/fpu.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/percpu.h"
#include "x86/uaccess.h"

#define XCR0_X87    1ul
#define XCR0_SSE    2ul
#define XCR0_AVX    4ul
#define XCR0_AVX512 0xe0ul

struct fpu_vcpu {
    void *area;        /* XSAVE or FXSAVE format, 64-byte aligned */
    uint64_t xcr0;
    unsigned last_cpu; /* whose registers got this state last */
};

static uint64_t xcr0_mask; /* what this machine and we can keep; 0: no XSAVE [const after boot] */
static size_t area_size = 512;
static uint32_t xsave_size; /* bytes of an XSAVE area with all of xcr0_mask */
static DEFINE_PERCPU(struct fpu_vcpu *, fpu_owner); /* whose state the registers hold */

void fpu_init_cpu(void)
{
    struct cpuid_leaf d;

    if (!(READ_CR(4) & CR4_OSXSAVE))
        return;
    d = cpuid_count(0xd, 0);
    xcr0_mask = d.a & (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
    if ((xcr0_mask & XCR0_AVX512) != XCR0_AVX512)
        xcr0_mask &= ~XCR0_AVX512;
    xsetbv_safe(0, xcr0_mask);
    xsave_size = cpuid_count(0xd, 0).b;
    area_size = ROUND_UP(xsave_size, 64);
}

uint32_t fpu_xsave_size(void)
{
    return xsave_size;
}

uint64_t fpu_xcr0_mask(void)
{
    return xcr0_mask;
}

/* FCW and MXCSR as after FNINIT. */
static void area_reset(void *area)
{
    memset(area, 0, area_size);
    *(uint16_t *)area = 0x37f;
    *(uint32_t *)(void *)((char *)area + 24) = 0x1f80;
}

void fpu_reset(struct fpu_vcpu *f)
{
    area_reset(f->area);
    f->xcr0 = XCR0_X87;
    f->last_cpu = ~0u;
}

int fpu_vcpu_create(struct fpu_vcpu **out)
{
    struct fpu_vcpu *f = mem_alloc(sizeof(*f));

    if (!f)
        return -XEN_ENOMEM;
    f->area = mem_alloc(area_size); /* FXSAVE and XSAVE want it aligned to 64 bytes */
    if (!f->area) {
        mem_free(f);
        return -XEN_ENOMEM;
    }
    fpu_reset(f);
    *out = f;
    return 0;
}

void fpu_vcpu_free(struct fpu_vcpu *f)
{
    if (!f)
        return;
    mem_free(f->area);
    mem_free(f);
}

void fpu_switch_from(struct fpu_vcpu *f)
{
    __asm__ volatile("clts");
    if (xcr0_mask) {
        xsetbv_safe(0, xcr0_mask);
        __asm__ volatile("xsave64 (%0)" :: "r"(f->area), "a"((uint32_t)xcr0_mask), "d"(0) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" :: "r"(f->area) : "memory");
    }
    f->last_cpu = cpu_id();
    this_cpu(fpu_owner) = f;
}

void fpu_lend(struct fpu_vcpu *f)
{
    const uint32_t mxcsr = 0x1f80;

    fpu_switch_from(f);
    this_cpu(fpu_owner) = NULL;
    __asm__ volatile("fninit; ldmxcsr %0" :: "m"(mxcsr));
}

void fpu_switch_to(struct fpu_vcpu *f)
{
    __asm__ volatile("clts");
    if (this_cpu(fpu_owner) != f || f->last_cpu != cpu_id()) {
        if (xcr0_mask)
            xsetbv_safe(0, xcr0_mask);
        if (fpu_restore_safe(f->area, xcr0_mask, xcr0_mask != 0)) {
            area_reset(f->area);
            fpu_restore_safe(f->area, xcr0_mask, xcr0_mask != 0);
        }
        this_cpu(fpu_owner) = f;
        f->last_cpu = cpu_id();
    }
    if (xcr0_mask)
        xsetbv_safe(0, f->xcr0);
}

uint64_t fpu_xcr0(const struct fpu_vcpu *f)
{
    return f->xcr0;
}

static bool xcr0_ok(uint64_t x)
{
    return xcr0_mask && !(x & ~xcr0_mask) && (x & XCR0_X87) && (!(x & XCR0_AVX) || (x & XCR0_SSE)) &&
           (!(x & XCR0_AVX512) || ((x & XCR0_AVX512) == XCR0_AVX512 && (x & XCR0_AVX)));
}

int fpu_set_xcr0(struct fpu_vcpu *f, uint64_t x)
{
    if (!xcr0_ok(x))
        return -XEN_EINVAL;
    f->xcr0 = x;
    return xsetbv_safe(0, x) ? -XEN_EINVAL : 0;
}

void fpu_set_fxsave(struct fpu_vcpu *f, const void *image)
{
    char *area = f->area;

    area_reset(area);
    memcpy(area, image, 512);
    memset(area + 464, 0, 48); /* software's bytes */
    if (xcr0_mask)
        *(uint64_t *)(void *)(area + 512) = XCR0_X87 | XCR0_SSE;
    f->last_cpu = ~0u;
}

void fpu_get_fxsave(const struct fpu_vcpu *f, void *image)
{
    memcpy(image, f->area, 512);
}

void fpu_get_xsave(const struct fpu_vcpu *f, void *area)
{
    memcpy(area, f->area, xsave_size);
}

/* The header, behind the 512 bytes of FXSAVE: which components are there, no compaction, zeroes. */
static bool xsave_header_ok(const uint64_t *header, uint64_t ever)
{
    for (unsigned i = 1; i < 8; i++)
        if (header[i])
            return false;
    return !(header[0] & ~ever);
}

int fpu_set_xsave(struct fpu_vcpu *f, uint64_t xcr0, uint64_t ever, const void *area, size_t size)
{
    if (!ever) /* it never used XSAVE: all is in the FXSAVE image */
        return 0;
    if (size < 576 || size > xsave_size || !xcr0_ok(xcr0) || (ever & ~xcr0_mask) || (xcr0 & ~ever) ||
        !xsave_header_ok((const uint64_t *)area + 64, ever))
        return -XEN_EINVAL;
    memset(f->area, 0, area_size);
    memcpy(f->area, area, size);
    f->xcr0 = xcr0;
    f->last_cpu = ~0u;
    return 0;
}
