/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC.  One mode for all CPUs, chosen by the BSP:
 *   x2APIC (registers are MSRs) if the CPU has it and the machine wants it: firmware left it on, a hypervisor below us
 *   says by CPUID that it is one (it routes 8-bit device interrupts to x2APIC CPUs), or boot code saw an APIC id that
 *   needs it (opt_x2apic); `x2apic=` decides otherwise.  Else xAPIC (one uncached page).
 * No locks: each CPU touches its own registers only.  In xAPIC mode sending is two writes, so interrupts are off meanwhile;
 * an NMI handler must not send.
 * Manual: SDM 3A chapter 11 (APIC), 11.12 (x2APIC).  Next: x86/irq.c.
 */
#include "x86/apic.h"
#include "core/port.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/paging.h"
#include "x86/time.h"

#define MSR_APIC_BASE    0x1b
#define BASE_X2APIC      0x400u
#define BASE_ENABLE      0x800u
#define BASE_ADDRESS     0x000ffffffffff000ul
#define MSR_X2APIC       0x800
#define MSR_TSC_DEADLINE 0x6e0

/* Register offsets of the page; the MSR is 0x800 + offset / 16. */
enum apic_reg {
    REG_ID = 0x20,
    REG_VERSION = 0x30,
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_LDR = 0xd0,
    REG_DFR = 0xe0,
    REG_SPURIOUS = 0xf0,
    REG_ISR = 0x100,
    REG_IRR = 0x200,
    REG_ESR = 0x280,
    REG_LVT_CMCI = 0x2f0,
    REG_ICR = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_THERMAL = 0x330,
    REG_LVT_PMU = 0x340,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_LVT_ERROR = 0x370,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};

#define SPURIOUS_ENABLE  0x100u
#define LVT_MASKED       0x10000u
#define LVT_NMI          0x400u
#define LVT_EXTINT       0x700u
#define TIMER_DEADLINE   0x40000u
#define DIVIDE_BY_1      0xbu
#define ICR_PENDING      0x1000u
#define ICR_ASSERT       0x4000u
#define ICR_NMI          0x400u
#define ICR_INIT         0x500u
#define ICR_STARTUP      0x600u

int opt_x2apic = -1;

static bool x2apic;          /* [const after boot] */
static bool timer_deadline;  /* [const after boot] */
static volatile char *regs;  /* [const after boot] xAPIC page */
static uint64_t errors;      /* [atomic] */

static uint32_t reg_read(enum apic_reg r)
{
    if (x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC + (uint32_t)r / 16);
    return *(volatile uint32_t *)(regs + r);
}

static void reg_write(enum apic_reg r, uint32_t v)
{
    if (x2apic)
        wrmsr(MSR_X2APIC + (uint32_t)r / 16, v);
    else
        *(volatile uint32_t *)(regs + r) = v;
}

uint32_t apic_id(void)
{
    uint32_t id = reg_read(REG_ID);

    return x2apic ? id : id >> 24;
}

void apic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

static bool bit_read(enum apic_reg first, unsigned vector)
{
    return reg_read((enum apic_reg)(first + vector / 32 * 16)) >> (vector % 32) & 1;
}

bool apic_in_service(unsigned vector)
{
    return bit_read(REG_ISR, vector);
}

bool apic_requested(unsigned vector)
{
    return bit_read(REG_IRR, vector);
}

uint64_t apic_error_count(void)
{
    return READ_ONCE(errors);
}

/* VECTOR_ERROR.  Says so a few times only: a broken line may repeat it for ever. */
static void error_handler(void)
{
    uint32_t esr;

    reg_write(REG_ESR, 0); /* latches */
    esr = reg_read(REG_ESR);
    if (__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED) < 10)
        log_warn("APIC error on APIC id %u: %#x\n", apic_id(), esr);
}

/* Silence the two 8259s; should one still say something (IRQ 7, 15), it says it in 0xe0-0xef, where nobody listens. */
static void pic_disable(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    outb(0x20, 0x11); /* ICW1: edge, cascade, ICW4 follows */
    outb(0x21, 0xe0); /* ICW2: vector base */
    outb(0x21, 0x04); /* ICW3: slave on line 2 */
    outb(0x21, 0x01); /* ICW4: 8086 */
    outb(0xa0, 0x11);
    outb(0xa1, 0xe8);
    outb(0xa1, 0x02);
    outb(0xa1, 0x01);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

static bool x2apic_wanted(uint64_t base)
{
    struct cpuid_leaf l = cpuid_count(1, 0);

    if (base & BASE_X2APIC)
        return true;
    if (!(l.c & 1u << 21) || opt_x2apic == 0)
        return false;
    return opt_x2apic > 0 || (l.c & 1u << 31);
}

static void mode_enter(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    /* From off or xAPIC to x2APIC by way of xAPIC: SDM 11.12.5. */
    if (!(base & BASE_ENABLE))
        wrmsr(MSR_APIC_BASE, base |= BASE_ENABLE);
    if (x2apic && !(base & BASE_X2APIC))
        wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
}

/* Interrupts that firmware or a former kernel left in service would block all below them. */
static void in_service_drain(void)
{
    for (unsigned v = 0; v < 256; v++)
        if (apic_in_service(v))
            apic_eoi();
}

static void lvt_setup(bool bsp)
{
    unsigned max_lvt = reg_read(REG_VERSION) >> 16 & 0xff;

    reg_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    reg_write(REG_LVT_LINT0, LVT_MASKED | LVT_EXTINT);
    reg_write(REG_LVT_LINT1, (bsp ? 0 : LVT_MASKED) | LVT_NMI);
    if (max_lvt >= 4)
        reg_write(REG_LVT_PMU, LVT_MASKED | VECTOR_PMU);
    if (max_lvt >= 6)
        reg_write(REG_LVT_CMCI, LVT_MASKED | VECTOR_CMCI);
    reg_write(REG_ESR, 0);
    reg_write(REG_LVT_ERROR, VECTOR_ERROR);
    reg_write(REG_ESR, 0);
}

static void cpu_setup(bool bsp)
{
    mode_enter();
    reg_write(REG_TPR, 0);
    if (!x2apic) {
        reg_write(REG_DFR, 0xffffffff);
        reg_write(REG_LDR, 0); /* logical destinations are not used */
    }
    reg_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    in_service_drain();
    lvt_setup(bsp);
}

void apic_init_cpu(void)
{
    cpu_setup(false);
}

void apic_init_bsp(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    pic_disable();
    x2apic = x2apic_wanted(base);
    if (!x2apic)
        regs = ioremap(base & BASE_ADDRESS, PAGE_SIZE);
    if (!x2apic && !regs)
        panic("no memory to map the local APIC\n");
    timer_deadline = cpuid_count(1, 0).c >> 24 & 1;
    vector_register(VECTOR_ERROR, error_handler);
    cpu_setup(true);
    log_info("APIC: %s mode, BSP has id %u, timer by %s\n", x2apic ? "x2APIC" : "xAPIC", apic_id(),
             timer_deadline ? "TSC deadline" : "counter");
}

/* The APIC takes at most microseconds to accept an interrupt; don't hang on one that is broken. */
static void icr_wait(void)
{
    for (unsigned i = 0; i < 1000000 && (reg_read(REG_ICR) & ICR_PENDING); i++)
        cpu_relax();
}

static void icr_send(uint32_t apicid, uint32_t command)
{
    uint64_t flags;

    if (x2apic) {
        /* An MSR write does not wait for earlier stores by itself: SDM 11.12.3. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC + REG_ICR / 16, (uint64_t)apicid << 32 | command);
        return;
    }
    flags = irq_save();
    icr_wait();
    reg_write(REG_ICR_HIGH, apicid << 24);
    reg_write(REG_ICR, command);
    irq_restore(flags);
}

void apic_send_ipi(uint32_t apicid, uint8_t vector)
{
    icr_send(apicid, ICR_ASSERT | vector);
}

void apic_start_cpu(uint32_t apicid, uint8_t startup_vector)
{
    icr_send(apicid, ICR_ASSERT | ICR_INIT);
    delay_us(10000);
    for (int i = 0; i < 2; i++) {
        icr_send(apicid, ICR_ASSERT | ICR_STARTUP | startup_vector);
        delay_us(200);
    }
}

void apic_timer_init(void)
{
    reg_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(REG_TIMER_INITIAL, 0);
    reg_write(REG_LVT_TIMER, VECTOR_TIMER | (timer_deadline ? TIMER_DEADLINE : 0));
    /* The mode must have changed before the first deadline is written: SDM 11.5.4.1. */
    __asm__ volatile("mfence" ::: "memory");
}

bool apic_timer_is_deadline(void)
{
    return timer_deadline;
}

void apic_timer_oneshot(uint64_t v)
{
    if (timer_deadline)
        wrmsr(MSR_TSC_DEADLINE, v);
    else
        reg_write(REG_TIMER_INITIAL, (uint32_t)MIN(v, 0xfffffffful));
}

uint32_t apic_timer_count(void)
{
    return reg_read(REG_TIMER_CURRENT);
}

void apic_timer_count_from(uint32_t ticks)
{
    reg_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    reg_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    reg_write(REG_TIMER_INITIAL, ticks);
}
