/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the first line of C to the first guest: a list of calls, in the order in which each needs those before it.
 */
#include "boot/memory.h"
#include "boot/options.h"
#include "core/acpi.h"
#include "core/bootinfo.h"
#include "core/format.h"
#include "core/port.h"
#include "core/string.h"
#include "ctl/memory.h"
#include "ctl/platform.h"
#include "kern/console.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/keys.h"
#include "kern/mce.h"
#include "kern/nmi.h"
#include "kern/sched.h"
#include "kern/trace.h"
#include "kern/version.h"
#include "pv/audit.h"
#include "pv/dom0.h"
#include "pv/pti.h"
#include "x86/alloc.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/desc.h"
#include "x86/fpu.h"
#include "x86/ioapic.h"
#include "x86/layout.h"
#include "x86/log.h"
#include "x86/machine.h"
#include "x86/numa.h"
#include "x86/paging.h"
#include "x86/pci.h"
#include "x86/smp.h"
#include "x86/spec.h"
#include "x86/time.h"
#include "x86/timer.h"
#include "x86/traps.h"

static struct boot_info info;
static struct acpi_info acpi;

/* Firmware and loader tables: below 4 GiB they are in the boot map, above in the direct map later. */
static const void *map_low(uint64_t maddr, size_t len)
{
    return maddr + len >= maddr && maddr + len <= 0x100000000ul ? maddr_to_virt(maddr) : NULL;
}

static const void *map_any(uint64_t maddr, size_t len)
{
    if (maddr + len < maddr)
        return NULL;
    if (maddr + len <= 0x100000000ul)
        return maddr_to_virt(maddr);
    return maddr >> maddr_bits ? NULL : ioremap(maddr, len);
}

static void acpi_read(void)
{
    if (acpi_parse(&acpi, info.rsdp, info.rsdp_len, map_any))
        log_warn("no usable ACPI tables: one CPU, no I/O APIC\n");
}

/* The loader's tables stay where they are: dom0 asks for the memory map later. */
static void efi_read(void)
{
    const void *mmap = info.efi_mmap ? map_any(info.efi_mmap, info.efi_mmap_size) : NULL;

    if (info.efi_system_table)
        platform_set_efi(info.efi_system_table, mmap, info.efi_mmap_size, info.efi_desc_size);
}

static void clocks_init(void)
{
    struct time_hw hw = {
        .hpet = acpi.has_hpet ? acpi.hpet_addr : 0,
        .pm_timer = acpi.pm_tmr.space == 1 ? (uint16_t)acpi.pm_tmr.addr : 0,
        .pm_timer_32 = acpi.flags & ACPI_FADT_TMR_VAL_EXT,
        .no_cmos_rtc = acpi.boot_arch & ACPI_BOOT_NO_CMOS_RTC,
    };

    time_init(&hw);
}

static void interrupts_init(void)
{
    static struct ioapic_desc ioapics[ACPI_IOAPICS_MAX];
    static struct iso_desc isos[ACPI_OVERRIDES_MAX];

    for (unsigned i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpus[i].apic_id > 254 && opt_x2apic < 0)
            opt_x2apic = 1;
    apic_init_bsp();
    for (unsigned i = 0; i < acpi.nr_ioapics; i++)
        ioapics[i] = (struct ioapic_desc){ acpi.ioapics[i].id, acpi.ioapics[i].addr, acpi.ioapics[i].gsi_base };
    for (unsigned i = 0; i < acpi.nr_overrides; i++)
        isos[i] = (struct iso_desc){ acpi.overrides[i].irq, acpi.overrides[i].gsi,
                                     (uint16_t)(acpi.overrides[i].polarity | acpi.overrides[i].trigger << 2) };
    ioapic_init(ioapics, acpi.nr_ioapics, isos, acpi.nr_overrides);
    for (unsigned i = 0; i < acpi.nr_mcfg; i++)
        if (pci_mcfg_add(acpi.mcfg[i].base, acpi.mcfg[i].segment, acpi.mcfg[i].bus_first, acpi.mcfg[i].bus_last))
            log_warn("PCI segment %u: no room for its configuration space\n", acpi.mcfg[i].segment);
}

static uint16_t io_port(const struct acpi_reg *r)
{
    return r->space == 1 ? (uint16_t)r->addr : 0;
}

static void power_init(void)
{
    const struct acpi_table *dsdt = acpi_table_find(&acpi, "DSDT", 0);
    struct machine_acpi m = {
        .reset_space = acpi.reset.space, .has_reset = acpi.reset.addr != 0, .reset_address = acpi.reset.addr,
        .reset_value = acpi.reset_value, .pm1a_control = io_port(&acpi.pm1a_cnt),
        .pm1b_control = io_port(&acpi.pm1b_cnt),
    };

    if (dsdt && dsdt->len > 36) {
        m.dsdt = (const uint8_t *)map_any(dsdt->maddr, dsdt->len) + 36;
        m.dsdt_size = dsdt->len - 36;
    }
    machine_init(&m);
}

/* The boot CPU is number 0, then the others as ACPI lists them. */
static void cpus_name(void)
{
    static uint32_t apic_ids[MAX_CPUS], acpi_ids[MAX_CPUS];
    unsigned n = 1, limit = options.maxcpus ? MIN(options.maxcpus, (unsigned)MAX_CPUS) : MAX_CPUS;

    apic_ids[0] = apic_id();
    for (unsigned i = 0; i < acpi.nr_cpus; i++) {
        const struct acpi_cpu *c = &acpi.cpus[i];

        if (c->apic_id == apic_ids[0])
            acpi_ids[0] = c->acpi_id;
        else if (c->enabled && n < limit && !options.nosmp) {
            apic_ids[n] = c->apic_id;
            acpi_ids[n++] = c->acpi_id;
        }
    }
    smp_init(apic_ids, acpi_ids, n);
}

static void cpus_start(void)
{
    domain_init();
    sched_init();
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (idle_vcpu_create(cpu))
            panic("no memory for CPU %u's idle vCPU\n", cpu);
    cpu_block()->curr = idle_domain.vcpu[0];
    idle_domain.vcpu[0]->cpu_stack = cpu_block();
    sched_init_cpu();
    irq_enable();
    smp_boot_all();
}

/* Memory that may be plugged in later belongs to a node, but isn't there. */
static void numa_read(void)
{
    for (unsigned i = 0; i < acpi.nr_mems; i++) {
        const struct acpi_mem *m = &acpi.mems[i];

        if (!m->hotplug && !m->nonvolatile)
            numa_add_memory(m->node, m->start >> PAGE_SHIFT, (m->start + m->size) >> PAGE_SHIFT);
    }
    for (unsigned i = 0; i < acpi.nr_cpus; i++)
        if (acpi.cpus[i].has_node)
            numa_add_cpu(acpi.cpus[i].node, acpi.cpus[i].apic_id);
    numa_set_distances(acpi.distances, acpi.nr_distances);
    if (numa_nodes() > 1)
        heap_divide();
}

static void modules_done(void)
{
    boot_modules_release(&info);
}

/* Those of dom0_nodes= that there are, as we number them; 0: it may be anywhere. */
static uint64_t dom0_nodes(void)
{
    uint64_t nodes = 0;

    for (unsigned node = 0; node < numa_nodes(); node++)
        if (numa_proximity(node) < 64 && options.dom0_nodes >> numa_proximity(node) & 1)
            nodes |= 1ul << node;
    return nodes;
}

static void start_dom0(const char *extra)
{
    static char cmdline[MAX_GUEST_CMDLINE];
    uint64_t nodes = dom0_nodes();
    unsigned nr;
    cpumask_t cpus;
    const char *args;

    if (info.nr_mods == 0)
        panic("no dom0 kernel: the boot loader gave no module\n");
    nr = numa_cpus(nodes, &cpus);
    if (!nr)
        nr = numa_cpus(~0ul, &cpus);
    args = boot_args(&info, info.mods[0].cmdline);
    format_text(cmdline, sizeof(cmdline), "%s%s%s", args, *args && *extra ? " " : "", extra);
    dom0_build(&(struct dom0_config){
        .module_frames = boot_modules_frames(&info), .modules_done = modules_done,
        .kernel = maddr_to_virt(info.mods[0].start), .kernel_size = info.mods[0].end - info.mods[0].start,
        .initrd = info.nr_mods > 1 ? info.mods[1].start : 0,
        .initrd_size = info.nr_mods > 1 ? info.mods[1].end - info.mods[1].start : 0,
        .cmdline = cmdline, .pin_vcpus = options.dom0_vcpus_pin, .pages = options.dom0_mem >> PAGE_SHIFT,
        .min_pages = options.dom0_mem_min >> PAGE_SHIFT, .max_pages = options.dom0_mem_max >> PAGE_SHIFT,
        .vcpus = options.dom0_max_vcpus ? MIN(options.dom0_max_vcpus, (unsigned)MAX_VCPUS) : nr,
        .cpus = cpus, .nodes = nodes, .relaxed = options.dom0_nodes_relaxed,
    });
}

/* A new CPU, on its stack, still on the boot page tables: until it leaves them it has no memory above 4 GiB. */
void ap_main(void);
void ap_main(void)
{
    struct cpu_block *b = cpu_block();

    WRITE_CR(3, hv_l4_maddr);
    b->curr = idle_domain.vcpu[b->cpu];
    b->curr->cpu_stack = b;
    paging_init_cpu();
    desc_init_cpu();
    pti_init_cpu();
    spec_init_cpu();
    fpu_init_cpu();
    mce_init_cpu();
    apic_init_cpu();
    timer_init_cpu();
    time_init_cpu();
    sched_init_cpu();
    trace_init_cpu();
    smp_cpu_is_up();
    run_guests();
}

void boot_main(uint32_t magic, uint64_t table);
void boot_main(uint32_t magic, uint64_t table)
{
    const char *why = "?", *extra;

    smp_init_boot_cpu();
    if (bootinfo_parse(&info, magic, table, map_low, &why))
        extra = "";
    else
        extra = options_parse(boot_args(&info, info.cmdline));
    log_start();
    log_info("Hospes " HOSPES_VERSION " (Xen ABI 4.17), loaded by %s\n", info.loader ? info.loader : "?");
    if (!info.nr_e820)
        panic("the boot loader's information is of no use: %s\n", why);
    log_info("Command line: %s\n", boot_args(&info, info.cmdline));
    version_set_cmdline(boot_args(&info, info.cmdline));

    boot_memory_init(&info);
    paging_init_cpu();
    paging_init(&info);
    boot_memory_release(&info);
    paging_use_heap();
    m2p_share();
    log_grow();
    memory_map_set(&info);
    desc_init_cpu();
    spec_init();
    spec_init_cpu();
    pti_init();
    fpu_init_cpu();
    nmi_init();
    mce_init_cpu();

    acpi_read();
    efi_read();
    interrupts_init();
    cpus_name();
    numa_read();
    clocks_init();
    timer_init_cpu();
    power_init();
    keys_init();
    audit_init();
    cpus_start();
    mce_init();
    trace_init();
    log_async();
    console_init();
    log_info("%u CPUs, %lu MiB free\n", nr_cpus, frames_free_count() >> 8);

    start_dom0(extra);
    time_init_late(); /* as late as can be: it measures the TSC over the time since clocks_init() */
    console_to_dom0();
    irq_disable();
    run_guests();
}
