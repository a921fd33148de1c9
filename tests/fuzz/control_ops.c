/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of the control domain's calls. What is left out, and why:
 *
 *   debug keys but for those that only look     'R' and 'C' end the machine by right
 *   page_offline, offlining                     takes memory away for good: it could not be counted at the end
 *   XENPF enter_acpi_sleep, mem_hotadd          end the machine, or give it memory that isn't there
 *   XENPF add_memtype, microcode_update         are told to change the processor, and do
 *   mca with an injection                       stops the machine by right
 *   PHYSDEVOP_apic_write                        writes to a device
 *   kexec                                       there is none
 *   remote shutdown, destruction, contexts of dom0 itself, or access for it taken away: the caller's own end
 *   anything at the bystander                   it is the measure
 */
#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/arch-x86/xen-mca.h>
#include "grammar.h"

#define BITMAP "b8l4z4"

static const struct op ops[] = {
    /* lives */
    OP_SELF(3, domctl, XEN_DOMCTL_createdomain, "z4 x8x8 z4 z4 n4 =fff.4 =4.4=4.4 =2.4 z4 z4 z4z4"),
    OP_SELF(1, domctl, XEN_DOMCTL_createdomain, "z4 x8x8 f4 n4 n4 x4 n4n4 n4 z4 n4 i4i4"),
    OP(1, domctl, XEN_DOMCTL_destroydomain, ""),
    OP(2, domctl, XEN_DOMCTL_pausedomain, ""),
    OP(16, domctl, XEN_DOMCTL_unpausedomain, ""),
    OP(2, domctl, XEN_DOMCTL_resumedomain, ""),
    OP(2, domctl, XEN_DOMCTL_max_mem, "l8"),
    OP(3, domctl, XEN_DOMCTL_max_vcpus, "n4"),
    OP(1, domctl, XEN_DOMCTL_soft_reset, ""),
    OP(1, domctl, 23, ""),
    OP(1, domctl, XEN_DOMCTL_setdomainhandle, "x8x8"),
    OP(1, domctl, XEN_DOMCTL_hypercall_init, "F8"),
    OP_SELF(2, domctl, XEN_DOMCTL_getdomaininfo, ""),
    OP(1, domctl, XEN_DOMCTL_set_target, "d2"),
    OP_SELF(1, domctl, XEN_DOMCTL_subscribe, "p4"),
    /* vCPUs and their state */
    OP(1, domctl, XEN_DOMCTL_setvcpucontext, "c4b8"),
    OP(1, domctl, XEN_DOMCTL_setvcpucontext, "c4z8"),
    OP_SELF(4, domctl, XEN_DOMCTL_getvcpucontext, "c4b8"),
    OP_SELF(2, domctl, XEN_DOMCTL_getvcpuinfo, "c4O1O1O1O8O4"),
    OP(3, domctl, XEN_DOMCTL_setvcpuaffinity, "c4n4" BITMAP BITMAP),
    OP_SELF(2, domctl, XEN_DOMCTL_getvcpuaffinity, "c4n4" BITMAP BITMAP),
    OP(1, domctl, XEN_DOMCTL_setnodeaffinity, BITMAP),
    OP_SELF(1, domctl, XEN_DOMCTL_getnodeaffinity, BITMAP),
    OP(3, domctl, XEN_DOMCTL_scheduler_op, "=6.4 n4 x2x2 x8"),
    OP(2, domctl, XEN_DOMCTL_scheduler_op, "=8.4 n4 x4x4x4"),
    OP_SELF(3, domctl, XEN_DOMCTL_scheduler_op, "i4 n4 b8n4z4"),
    OP(2, domctl, XEN_DOMCTL_set_ext_vcpucontext, "c4l4v8v8u2u2n1n1z2 x8x8x8"),
    OP_SELF(2, domctl, XEN_DOMCTL_get_ext_vcpucontext, "c4l4"),
    OP(3, domctl, XEN_DOMCTL_setvcpuextstate, "c4x8l8b8"),
    OP_SELF(3, domctl, XEN_DOMCTL_getvcpuextstate, "c4x8l8b8"),
    OP_SELF(2, domctl, XEN_DOMCTL_get_vcpu_msrs, "c4n4b8"),
    OP(2, domctl, XEN_DOMCTL_set_vcpu_msrs, "c4n4b8"),
    OP(2, domctl, XEN_DOMCTL_sendtrigger, "n4c4"),
    OP(2, domctl, XEN_DOMCTL_settscinfo, "n4x4n4z4x8"),
    OP_SELF(1, domctl, XEN_DOMCTL_gettscinfo, ""),
    OP(1, domctl, XEN_DOMCTL_settimeoffset, "x8"),
    OP_SELF(2, domctl, XEN_DOMCTL_get_cpu_policy, "x4x4b8b8"),
    OP(2, domctl, XEN_DOMCTL_set_cpu_policy, "n4n4b8b8"),
    /* memory and devices */
    OP_SELF(4, domctl, XEN_DOMCTL_getpageframeinfo3, "n8[F8]"),
    OP_SELF(1, domctl, XEN_DOMCTL_getpageframeinfo3, "x8b8"),
    OP(1, domctl, XEN_DOMCTL_shadow_op, "i4n4x4b8x8"),
    OP(3, domctl, XEN_DOMCTL_iomem_permission, "m8n8n1"),
    OP(2, domctl, XEN_DOMCTL_ioport_permission, "l4n4n1"),
    OP(2, domctl, XEN_DOMCTL_irq_permission, "i4n1"),
    OP(1, domctl, XEN_DOMCTL_memory_mapping, "m8m8n8n4z4"),
    OP(1, domctl, XEN_DOMCTL_ioport_mapping, "l4l4n4n4"),
    OP(1, domctl, XEN_DOMCTL_assign_device, "n4n4x4"),
    OP(1, domctl, XEN_DOMCTL_deassign_device, "n4n4x4"),
    OP(1, domctl, XEN_DOMCTL_test_assign_device, "n4n4x4"),
    OP(1, domctl, XEN_DOMCTL_get_device_group, "x4n4n4b8"),
    OP(1, domctl, XEN_DOMCTL_bind_pt_irq, "i4n4x8x8"),
    OP(1, domctl, XEN_DOMCTL_unbind_pt_irq, "i4n4x8x8"),
    OP(1, domctl, XEN_DOMCTL_set_address_size, "x4"),
    OP_SELF(1, domctl, XEN_DOMCTL_get_address_size, ""),
    OP(1, domctl, XEN_DOMCTL_cacheflush, "m8x8"),
    OP(2, domctl, XEN_DOMCTL_setvnumainfo, "n4n4n4z4b8b8b8b8"),
    OP(1, domctl, XEN_DOMCTL_set_virq_handler, "i4"),
    OP(1, domctl, XEN_DOMCTL_set_broken_page_p2m, "m8"),
    OP(1, domctl, XEN_DOMCTL_get_paging_mempool_size, ""),
    OP(1, domctl, XEN_DOMCTL_set_paging_mempool_size, "x8"),
    OP(1, domctl, XEN_DOMCTL_gethvmcontext, "l4b8"),
    OP(1, domctl, XEN_DOMCTL_sethvmcontext, "l4b8"),
    OP(1, domctl, XEN_DOMCTL_gethvmcontext_partial, "n4n4l8b8"),
    OP(1, domctl, XEN_DOMCTL_audit_p2m, ""),
    OP(1, domctl, XEN_DOMCTL_vm_event_op, "n4n4n4"),
    OP(1, domctl, XEN_DOMCTL_mem_sharing_op, "n1n1"),
    OP(1, domctl, XEN_DOMCTL_monitor_op, "n4n4x8x8"),
    OP(1, domctl, XEN_DOMCTL_psr_cmt_op, "n4n4"),
    OP(1, domctl, XEN_DOMCTL_psr_alloc, "n4n4x8"),
    OP(1, domctl, XEN_DOMCTL_vuart_op, "n4n4x8x8"),
    OP(1, domctl, XEN_DOMCTL_vmtrace_op, "n4n4x8x8"),
    OP(1, domctl, XEN_DOMCTL_set_access_required, "n1"),
    /* debugging */
    OP(2, domctl, XEN_DOMCTL_setdebugging, "n1"),
    OP(1, domctl, XEN_DOMCTL_debug_op, "n4c4"),
    OP(4, domctl, XEN_DOMCTL_gdbsx_guestmemio, "z8v8b8l4n1z4"),
    OP(1, domctl, XEN_DOMCTL_gdbsx_guestmemio, "m8v8b8l4n1z4"),
    OP(2, domctl, XEN_DOMCTL_gdbsx_pausevcpu, "c4"),
    OP(8, domctl, XEN_DOMCTL_gdbsx_unpausevcpu, "c4"),
    OP(1, domctl, XEN_DOMCTL_gdbsx_domstatus, ""),
    OP_SELF(1, domctl, 99, "x8x8x8x8"),      /* no such command */

    OP(1, sysctl, XEN_SYSCTL_readconsole, "z1n1z2x4b8l4"),
    OP(2, sysctl, XEN_SYSCTL_tbuf_op, "n4" BITMAP "x4x8i4"),
    OP(1, sysctl, XEN_SYSCTL_physinfo, ""),
    OP(1, sysctl, XEN_SYSCTL_sched_id, ""),
    OP(2, sysctl, XEN_SYSCTL_perfc_op, "n4x4x4b8b8"),
    OP(3, sysctl, XEN_SYSCTL_getdomaininfolist, "i2n4b8"),
    OP(1, sysctl, XEN_SYSCTL_debug_keys, "K8=1.4"),
    OP(1, sysctl, XEN_SYSCTL_getcpuinfo, "n4b8"),
    OP(1, sysctl, XEN_SYSCTL_availheap, "i4i4n4"),
    OP(1, sysctl, XEN_SYSCTL_get_pmstat, "x4n4x8b8b8"),
    OP(2, sysctl, XEN_SYSCTL_cpu_hotplug, "n4=0.4"),
    OP(1, sysctl, XEN_SYSCTL_cpu_hotplug, "n4n4"),
    OP(1, sysctl, XEN_SYSCTL_pm_op, "x4n4x8b8b8b8"),
    OP(1, sysctl, XEN_SYSCTL_page_offline_op, "=3.4l4l4b8"),
    OP(1, sysctl, XEN_SYSCTL_lockprof_op, "n4n4n4x8b8"),
    OP(1, sysctl, XEN_SYSCTL_cputopoinfo, "n4b8"),
    OP(1, sysctl, XEN_SYSCTL_numainfo, "n4b8b8"),
    OP(5, sysctl, XEN_SYSCTL_cpupool_op, "=1.4n4=6.4z4n4"),
    OP(4, sysctl, XEN_SYSCTL_cpupool_op, "i4n4i4D4n4n4" BITMAP),
    OP(2, sysctl, XEN_SYSCTL_scheduler_op, "n4i4n4x4x4x4"),
    OP(1, sysctl, XEN_SYSCTL_coverage_op, "n4l4b8"),
    OP(1, sysctl, XEN_SYSCTL_psr_cmt_op, "n4n4x8"),
    OP(1, sysctl, XEN_SYSCTL_pcitopoinfo, "n4b8b8"),
    OP(1, sysctl, XEN_SYSCTL_psr_alloc, "n4n4x8"),
    OP(1, sysctl, XEN_SYSCTL_get_cpu_levelling_caps, ""),
    OP(1, sysctl, XEN_SYSCTL_get_cpu_featureset, "n4n4b8"),
    OP(1, sysctl, XEN_SYSCTL_livepatch_op, "n4z4x8x8x8"),
    OP(1, sysctl, XEN_SYSCTL_get_cpu_policy, "n4z4x4x4b8b8"),
    OP(1, sysctl, 99, "x8x8x8x8"),

    OP(1, platform_op, XENPF_settime64, "x8x4n4x8"),
    OP(1, platform_op, XENPF_read_memtype, "i4"),
    OP(1, platform_op, XENPF_del_memtype, "i4i4"),
    OP(1, platform_op, XENPF_platform_quirk, "n4"),
    OP(2, platform_op, XENPF_efi_runtime_call, "i4n4x8x8x8x8"),
    OP(3, platform_op, XENPF_firmware_info, "n4n4 x2z2z4 b8x8"),
    OP(1, platform_op, XENPF_change_freq, "n4n4x8"),
    OP(1, platform_op, XENPF_getidletime, "b8n4b8"),
    OP(2, platform_op, XENPF_set_processor_pminfo, "n4n4n4z4b8x8b8x8"),
    OP(2, platform_op, XENPF_get_cpuinfo, "c4"),
    OP(1, platform_op, XENPF_get_cpu_version, "c4"),
    OP(1, platform_op, XENPF_cpu_online, "n4"),
    OP(1, platform_op, XENPF_cpu_offline, "n4"),
    OP(1, platform_op, XENPF_cpu_hotadd, "n4n4n4"),
    OP(1, platform_op, XENPF_core_parking, "n4n4"),
    OP(1, platform_op, XENPF_resource_op, "n4n4b8"),
    OP(1, platform_op, XENPF_get_symbol, "l4x4b8x8"),
    OP(1, platform_op, 64, "x8x8"),
    OP(1, platform_op, 99, "x8x8x8x8"),

    OP(1, physdev_op, PHYSDEVOP_eoi, "(i4)"),
    OP(1, physdev_op, PHYSDEVOP_irq_status_query, "(i4O4)"),
    OP(1, physdev_op, PHYSDEVOP_set_iopl, "(n4)"),
    OP(1, physdev_op, PHYSDEVOP_set_iobitmap, "(b8l4)"),
    OP(1, physdev_op, PHYSDEVOP_apic_read, "(=fec00000.8 i4O4)"),
    OP(1, physdev_op, PHYSDEVOP_alloc_irq_vector, "(i4O4)"),
    OP(3, physdev_op, PHYSDEVOP_map_pirq, "(D2n4i4=ffffffff.4n4n4n4x8)"),
    OP(2, physdev_op, PHYSDEVOP_map_pirq, "(D2=1.4i4i4n4n4n4x8)"),
    OP(3, physdev_op, PHYSDEVOP_unmap_pirq, "(D2i4)"),
    OP(1, physdev_op, PHYSDEVOP_restore_msi, "(x1x1)"),
    OP(1, physdev_op, PHYSDEVOP_restore_msi_ext, "(z2z1x1)"),
    OP(1, physdev_op, PHYSDEVOP_dbgp_op, "(n1n1x8)"),

    OP(3, memory_op, XENMEM_populate_physmap, "([i8]k8r4z4D2)"),
    OP(3, memory_op, XENMEM_increase_reservation, "(b8n8r4f4D2)"),
    OP(4, memory_op, XENMEM_decrease_reservation, "([F8]k8z4z4D2)"),
    OP(2, memory_op, XENMEM_exchange, "([F8]k8z4z4D2 [i8]k8z4z4D2 z8)"),
    OP(2, memory_op, XENMEM_claim_pages, "(z8l8z4z4D2)"),
    OP(2, memory_op, XENMEM_set_memory_map, "(D2n4b8)"),
    OP(1, memory_op, XENMEM_machine_memory_map, "(n4b8)"),
    OP(2, memory_op, XENMEM_get_vnumainfo, "(D2z2n4n4n4b8b8b8)"),
    OP(3, memory_op, XENMEM_acquire_resource, "(D2n2n4n4z4n8b8)"),
    OP(1, memory_op, XENMEM_current_reservation, "(D2)"),
    OP(1, memory_op, XENMEM_maximum_gpfn, "(D2)"),
    OP(1, sched_op, SCHEDOP_remote_shutdown, "(D2n4)"),
    OP(1, sched_op, SCHEDOP_pin_override, "(n4)"),
    OP(2, event_channel_op, EVTCHNOP_alloc_unbound, "(D2d2P4)"),
    OP(2, event_channel_op, EVTCHNOP_reset, "(D2)"),
    OP(2, event_channel_op, EVTCHNOP_status, "(D2p4O4O4O8)"),
    OP0(3, mmuext_op, "[o4F8z8] k8 z8 D8"),
    OP0(4, mmu_update, "[W8=0.8] k8 z8 =7ff0.8"),
    OP0(6, mmu_update, "[W8E8] k8 b8 D8"),
    OP0(1, hypfs_op, "n8 b8 l8 b8 l8"),
    OP0(1, mca, "(=1.4=3000003.4 n4x4b8x8)"),
    OP0(1, mca, "(=2.4=3000003.4 n4n4b8x8)"),
    OP0(1, hvm_op, "i8 b8"),
};

/* What dom0 tells of the machine, or reserves for itself, is kept for ever: these come before memory is counted. */
static const struct op machine_ops[] = {
    OP(1, physdev_op, PHYSDEVOP_get_free_pirq, "(n4O4)"),
    OP(1, physdev_op, PHYSDEVOP_manage_pci_add, "(x1x1)"),
    OP(1, physdev_op, PHYSDEVOP_manage_pci_remove, "(x1x1)"),
    OP(1, physdev_op, PHYSDEVOP_manage_pci_add_ext, "(x1x1n4n4x1x1)"),
    OP(1, physdev_op, PHYSDEVOP_pci_mmcfg_reserved, "(x8x2x1x1n4)"),
    OP(2, physdev_op, PHYSDEVOP_pci_device_add, "(z2z1x1n4x1x1)"),
    OP(1, physdev_op, PHYSDEVOP_pci_device_remove, "(z2z1x1)"),
    OP(1, physdev_op, PHYSDEVOP_prepare_msix, "(z2z1x1)"),
    OP(1, physdev_op, PHYSDEVOP_release_msix, "(z2z1x1)"),
    OP(1, sysctl, XEN_SYSCTL_tbuf_op, "=3.4" BITMAP "x4x8i4"),
    OP(1, sysctl, XEN_SYSCTL_tbuf_op, "i4" BITMAP "x4x8i4"),
};

struct grammar machine_grammar = { .op = machine_ops, .nr = ARRAY_SIZE(machine_ops) };
struct grammar control_grammar = { .op = ops, .nr = ARRAY_SIZE(ops) };
