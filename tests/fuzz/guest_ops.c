/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of what a guest may call: every operation of the public headers that isn't the control domain's alone.  tools/check-docs
 * wants each of them, and each of those, in a line of the grammars, or in the list of control_ops.c, or here, where it says how it is made
 * all the same.  A name with a * holds for the operations that docs/abi.md says no of.
 *
 *   __HYPERVISOR_multicall                          multicall_step() of hostile.c
 *   __HYPERVISOR_iret                               each step of instruction.c, with a frame by chance
 *   __HYPERVISOR_arch_*                             the line arch_1; arch_0 is mca
 *   MMU_NORMAL_PT_UPDATE, MMU_MACHPHYS_UPDATE       mmu_update's command is a part of an a
 *   MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE  the same
 *   MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE  an o
 *   MMUEXT_TLB_FLUSH_ALL, MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL  mmuext_op's command is an i: these need no argument
 *   MMUEXT_*                                        the same
 *   CALLBACKTYPE_event, CALLBACKTYPE_failsafe       the type in callback_op's structure is an n
 *   CALLBACKTYPE_syscall, CALLBACKTYPE_nmi          the same
 *   CALLBACKTYPE_sysenter, CALLBACKTYPE_syscall32   the same
 *   CALLBACKTYPE_*                                  the same
 *   VMASST_TYPE_4gb_segments, VMASST_TYPE_4gb_segments_notify  vm_assist's type is an n
 *   VMASST_TYPE_writable_pagetables, VMASST_TYPE_pae_extended_cr3  the same
 *   VMASST_TYPE_architectural_iopl, VMASST_TYPE_runstate_update_flag  the same
 *   HVMOP_*                                         hvm_op's command is an i
 *   XENPMU_*, XEN_DMOP_*, XENOPROF_*                these calls' lines choose a command
 *   FLASK_*, KEXEC_CMD_*, TMEM_*, XEN_ARGO_OP_*     the same
 *   EVTCHNOP_reset_cont                             the line 14: its name is for the hypervisor's eyes
 */
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hypfs.h>
#include <xen/pmu.h>
#include <xen/arch-x86/xen-mca.h>
#include "grammar.h"

static const struct op ops[] = {
    /* page tables and frames */
    OP0(30, mmu_update, "[a8e8] k8 b8 d8"),
    OP0(6, mmu_update, "[a8e8] k8 z8 =7ff0.8"),
    OP0(20, update_va_mapping, "w8 e8 q8"),
    OP0(1, update_va_mapping, "v8 e8 q8"),
    OP0(3, update_va_mapping_otherdomain, "w8 e8 q8 d8"),
    OP0(16, mmuext_op, "[o4m8z8] k8 z8 =7ff0.8"),
    OP0(4, mmuext_op, "[i4m8x8] k8 b8 d8"),
    OP0(0, mmuext_op, "[" NR(MMUEXT_NEW_BASEPTR) "4m8z8] k8 z8 =7ff0.8"),     /* an empty table is one, and nobody lives on it */
    OP0(6, mmuext_op, "[" NR(MMUEXT_INVLPG_LOCAL) "4v8z8] k8 z8 =7ff0.8"),
    OP0(2, mmuext_op, "[" NR(MMUEXT_TLB_FLUSH_MULTI) "4z8b8] k8 z8 =7ff0.8"),
    OP0(3, mmuext_op, "[" NR(MMUEXT_INVLPG_MULTI) "4v8b8] k8 z8 =7ff0.8"),
    OP0(3, mmuext_op, "[" NR(MMUEXT_INVLPG_ALL) "4v8z8] k8 z8 =7ff0.8"),
    OP0(2, mmuext_op, "[" NR(MMUEXT_TLB_FLUSH_LOCAL) "4z8z8] k8 z8 =7ff0.8"),
    OP0(4, mmuext_op, "[" NR(MMUEXT_SET_LDT) "4v8i8] k8 z8 =7ff0.8"),
    OP0(3, mmuext_op, "[" NR(MMUEXT_NEW_USER_BASEPTR) "4m8z8] k8 z8 =7ff0.8"),
    OP0(6, mmuext_op, "[" NR(MMUEXT_CLEAR_PAGE) "4m8z8] k8 z8 =7ff0.8"),
    OP0(6, mmuext_op, "[" NR(MMUEXT_COPY_PAGE) "4m8m8] k8 z8 =7ff0.8"),
    OP(4, memory_op, XENMEM_increase_reservation, "(b8n8r4f4d2)"),
    OP(6, memory_op, XENMEM_decrease_reservation, "([m8]k8z4z4=7ff0.2)"),
    OP(2, memory_op, XENMEM_decrease_reservation, "([m8]k8r4f4d2)"),
    OP(8, memory_op, XENMEM_populate_physmap, "([i8]k8r4z4=7ff0.2)"),
    OP(2, memory_op, XENMEM_populate_physmap, "(b8n8r4f4d2)"),
    OP(8, memory_op, XENMEM_exchange, "([m8]k8z4z4=7ff0.2 [i8]k8z4z4=7ff0.2 z8)"),
    OP(3, memory_op, XENMEM_exchange, "(b8n8r4f4d2 b8n8r4f4d2 n8)"),
    OP(1, memory_op, XENMEM_maximum_ram_page, "z8"),
    OP(1, memory_op, XENMEM_current_reservation, "(d2)"),
    OP(1, memory_op, XENMEM_maximum_reservation, "(d2)"),
    OP(1, memory_op, XENMEM_maximum_gpfn, "(d2)"),
    OP(1, memory_op, XENMEM_machphys_mfn_list, "(n4b8O4)"),
    OP(1, memory_op, XENMEM_machphys_compat_mfn_list, "(n4b8O4)"),
    OP(1, memory_op, XENMEM_machphys_mapping, "(O8O8O8)"),
    OP(1, memory_op, XENMEM_add_to_physmap, "(d2n2n4x8m8)"),
    OP(1, memory_op, XENMEM_add_to_physmap_batch, "(d2n2n2d2b8b8b8)"),
    OP(1, memory_op, XENMEM_remove_from_physmap, "(d2m8)"),
    OP(1, memory_op, XENMEM_memory_map, "(n4b8)"),
    OP(1, memory_op, XENMEM_machine_memory_map, "(n4b8)"),
    OP(1, memory_op, XENMEM_set_memory_map, "(d2z2z4n4z4b8)"),
    OP(1, memory_op, XENMEM_set_pod_target, "(x8x8x8x8d2)"),
    OP(1, memory_op, XENMEM_get_pod_target, "(x8x8x8x8d2)"),
    OP(1, memory_op, XENMEM_get_sharing_freed_pages, "z8"),
    OP(1, memory_op, XENMEM_get_sharing_shared_pages, "z8"),
    OP(1, memory_op, XENMEM_paging_op, "(n1d2b8m8)"),
    OP(1, memory_op, XENMEM_access_op, "(n1n1d2n4m8b8b8)"),
    OP(1, memory_op, XENMEM_sharing_op, "(i1d2x8x8x8x8)"),
    OP(1, memory_op, XENMEM_claim_pages, "(z8x8z4z4d2)"),
    OP(1, memory_op, XENMEM_get_vnumainfo, "(d2z2n4n4n4b8b8b8)"),
    OP(1, memory_op, XENMEM_reserved_device_memory_map, "(n4n4b8x4x4)"),
    OP(2, memory_op, XENMEM_acquire_resource, "(d2n2n4n4z4x8b8)"),

    /* processor state */
    OP0(3, set_trap_table, "[x1n1u2v8]"),
    OP0(4, set_gdt, "[m8] x8"),
    OP0(2, set_gdt, "(m8m8m8m8) =800.8"),
    OP0(6, update_descriptor, "M8 y8"),
    OP0(2, stack_switch, "u8 v8"),
    OP0(1, set_callbacks, "v8 v8 v8"),
    OP(1, callback_op, CALLBACKOP_register, "(n2f2v8)"),
    OP(1, callback_op, CALLBACKOP_unregister, "(n2z2)"),
    OP0(3, fpu_taskswitch, "n8"),
    OP0(4, set_debugreg, "n8 v8"),
    OP0(2, set_debugreg, "=7.8 x8"),
    OP0(1, get_debugreg, "n8"),
    OP0(4, set_segment_base, "n8 v8"),
    OP0(2, vm_assist, "n8 n8"),
    OP0(1, vm_assist, "n8 " NR(VMASST_TYPE_m2p_strict) "8"),
    OP(1, nmi_op, XENNMI_register_callback, "v8"),
    OP(1, nmi_op, XENNMI_unregister_callback, "z8"),

    /* vCPUs, scheduling, time */
    OP(3, vcpu_op, VCPUOP_initialise, "c8 b8"),
    OP(8, vcpu_op, VCPUOP_up, "c8"),
    OP(1, vcpu_op, VCPUOP_down, "c8"),
    OP(2, vcpu_op, VCPUOP_is_up, "c8"),
    OP(2, vcpu_op, VCPUOP_get_runstate_info, "c8 b8"),
    OP(2, vcpu_op, VCPUOP_register_runstate_memory_area, "c8 (v8)"),
    OP(2, vcpu_op, VCPUOP_register_runstate_memory_area, "c8 (b8)"),
    OP(2, vcpu_op, VCPUOP_set_periodic_timer, "c8 (x8)"),
    OP(1, vcpu_op, VCPUOP_stop_periodic_timer, "c8"),
    OP(4, vcpu_op, VCPUOP_set_singleshot_timer, "c8 (t8n4)"),
    OP(2, vcpu_op, VCPUOP_stop_singleshot_timer, "c8"),
    OP(1, vcpu_op, VCPUOP_register_vcpu_info, "c8 (m8x4z4)"),
    OP(4, vcpu_op, VCPUOP_send_nmi, "c8"),
    OP(1, vcpu_op, VCPUOP_get_physid, "c8 b8"),
    OP(2, vcpu_op, VCPUOP_register_vcpu_time_memory_area, "c8 (v8)"),
    OP(2, vcpu_op, VCPUOP_register_vcpu_time_memory_area, "c8 (b8)"),
    OP0(4, set_timer_op, "t8"),
    OP(6, sched_op, SCHEDOP_yield, "z8"),
    OP(1, sched_op, SCHEDOP_block, "z8"),
    OP(5, sched_op, SCHEDOP_poll, "([p4]k4t8)"),
    OP(1, sched_op, SCHEDOP_poll, "(b8n4x8)"),
    OP(0, sched_op, SCHEDOP_shutdown, "(n4)"),
    OP(1, sched_op, SCHEDOP_shutdown_code, "(n4)"),
    OP(1, sched_op, SCHEDOP_remote_shutdown, "(d2n4)"),
    OP(2, sched_op, SCHEDOP_watchdog, "(n4=78.4)"),
    OP(1, sched_op, SCHEDOP_watchdog, "(n4x4)"),
    OP(1, sched_op, SCHEDOP_pin_override, "(n4)"),
    OP0(2, sched_op_compat, "n8 t8"),

    /* event channels */
    OP(6, event_channel_op, EVTCHNOP_alloc_unbound, "(=7ff0.2d2P4)"),
    OP(1, event_channel_op, EVTCHNOP_alloc_unbound, "(d2d2P4)"),
    OP(10, event_channel_op, EVTCHNOP_bind_interdomain, "(d2p4P4)"),
    OP(4, event_channel_op, EVTCHNOP_bind_virq, "(i4c4P4)"),
    OP(2, event_channel_op, EVTCHNOP_bind_pirq, "(i4n4P4)"),
    OP(5, event_channel_op, EVTCHNOP_bind_ipi, "(c4P4)"),
    OP(5, event_channel_op, EVTCHNOP_close, "(p4)"),
    OP(16, event_channel_op, EVTCHNOP_send, "(p4)"),
    OP(4, event_channel_op, EVTCHNOP_status, "(d2p4O4O4O8)"),
    OP(4, event_channel_op, EVTCHNOP_bind_vcpu, "(p4c4)"),
    OP(6, event_channel_op, EVTCHNOP_unmask, "(p4)"),
    OP(1, event_channel_op, EVTCHNOP_reset, "(d2)"),
    OP(1, event_channel_op, 14, "(d2)"),      /* EVTCHNOP_reset_cont, which is not a guest's to call */
    OP(4, event_channel_op, EVTCHNOP_init_control, "(m8=0.4c4O1z1z2z4)"),
    OP(1, event_channel_op, EVTCHNOP_init_control, "(m8x4c4n1n1z2z4)"),
    OP(4, event_channel_op, EVTCHNOP_expand_array, "(m8)"),
    OP(3, event_channel_op, EVTCHNOP_set_priority, "(p4i4)"),
    OP0(2, event_channel_op_compat, "(n4p4p4p4x8)"),

    /* grants */
    OP(14, grant_table_op, GNTTABOP_map_grant_ref, "[C8=2.4R4G2S2H4Y8] k8"),
    OP(8, grant_table_op, GNTTABOP_map_grant_ref, "[C8=6.4Q4G2S2H4Y8] k8"),
    OP(4, grant_table_op, GNTTABOP_map_grant_ref, "[C8=3.4R4G2S2H4Y8] k8"),
    OP(2, grant_table_op, GNTTABOP_map_grant_ref, "[z8=1.4R4G2S2H4Y8] k8"),
    OP(2, grant_table_op, GNTTABOP_map_grant_ref, "[C8=2.4J4I2S2H4Y8] k8"),
    OP(6, grant_table_op, GNTTABOP_map_grant_ref, "[X8=12.4R4G2S2H4Y8] k8"),
    OP(3, grant_table_op, GNTTABOP_map_grant_ref, "[X8=17.4Q4G2S2H4Y8] k8"),
    OP(2, grant_table_op, GNTTABOP_map_grant_ref, "[a8=12.4g4d2S2H4Y8] k8"),
    OP(3, grant_table_op, GNTTABOP_map_grant_ref, "[w8f4g4d2S2H4Y8] k8"),
    OP(16, grant_table_op, GNTTABOP_unmap_grant_ref, "[A8U8h4S2] k8"),
    OP(2, grant_table_op, GNTTABOP_unmap_grant_ref, "[A8x8h4S2] k8"),
    OP(6, grant_table_op, GNTTABOP_unmap_and_replace, "[A8w8h4S2] k8"),
    OP(1, grant_table_op, GNTTABOP_unmap_and_replace, "[A8v8h4S2] k8"),
    OP(2, grant_table_op, GNTTABOP_setup_table, "(d2n4S2b8) =1.8"),
    OP(1, grant_table_op, GNTTABOP_setup_table, "[d2x4S2b8] k8"),
    OP(1, grant_table_op, GNTTABOP_dump_table, "(d2S2) =1.8"),
    OP(3, grant_table_op, GNTTABOP_transfer, "[m8G2T4S2] k8"),
    OP(6, grant_table_op, GNTTABOP_copy, "[Q8G2L2z4 j8=7ff0.2L2z4 L2=1.2S2] k8"),
    OP(6, grant_table_op, GNTTABOP_copy, "[j8=7ff0.2L2z4 R8G2L2z4 L2=2.2S2] k8"),
    OP(4, grant_table_op, GNTTABOP_copy, "[Q8G2L2z4 R8G2L2z4 L2=3.2S2] k8"),
    OP(3, grant_table_op, GNTTABOP_copy, "[B8G2L2z4 R8G2L2z4 L2=3.2S2] k8"),
    OP(4, grant_table_op, GNTTABOP_copy, "[V8G2L2z4 j8=7ff0.2L2z4 L2=1.2S2] k8"),
    OP(3, grant_table_op, GNTTABOP_copy, "[j8=7ff0.2L2z4 V8G2L2z4 L2=2.2S2] k8"),
    OP(2, grant_table_op, GNTTABOP_copy, "[g8d2i2z4 g8d2i2z4 i2=3.2S2] k8"),
    OP(2, grant_table_op, GNTTABOP_copy, "[m8d2l2z4 m8d2l2z4 l2n2S2] k8"),
    OP(1, grant_table_op, GNTTABOP_query_size, "(d2O4O4S2) =1.8"),
    OP(1, grant_table_op, GNTTABOP_set_version, "(n4) =1.8"),
    OP(1, grant_table_op, GNTTABOP_get_status_frames, "(n4d2S2b8) =1.8"),
    OP(1, grant_table_op, GNTTABOP_get_status_frames, "(i4=7ff0.2S2b8) =1.8"),
    OP(2, grant_table_op, GNTTABOP_get_version, "(d2z2O4) =1.8"),
    OP(3, grant_table_op, GNTTABOP_swap_grant_ref, "[g4g4S2] k8"),
    OP(2, grant_table_op, GNTTABOP_cache_flush, "[s8L2L2n4] k8"),
    OP(1, grant_table_op, GNTTABOP_cache_flush, "[J8L2L2=80000001.4] k8"),
    OP(1, grant_table_op, GNTTABOP_cache_flush, "[m8l2l2x4] k8"),

    /* the rest */
    OP(1, xen_version, XENVER_version, "z8"),
    OP(1, xen_version, XENVER_extraversion, "b8"),
    OP(1, xen_version, XENVER_compile_info, "b8"),
    OP(1, xen_version, XENVER_capabilities, "b8"),
    OP(1, xen_version, XENVER_changeset, "b8"),
    OP(1, xen_version, XENVER_platform_parameters, "b8"),
    OP(1, xen_version, XENVER_get_features, "(n4O4)"),
    OP(1, xen_version, XENVER_pagesize, "z8"),
    OP(1, xen_version, XENVER_guest_handle, "b8"),
    OP(1, xen_version, XENVER_commandline, "b8"),
    OP(1, xen_version, XENVER_build_id, "(x4x4)"),
    OP(1, console_io, CONSOLEIO_write, "l8 v8"),
    OP(1, console_io, CONSOLEIO_read, "l8 v8"),
    OP0(1, xsm_op, "b8"),
    OP0(1, xenoprof_op, "i8 b8"),
    OP0(1, kexec_op, "n8 b8"),
    OP0(1, tmem_op, "b8"),
    OP0(1, argo_op, "n8 b8 b8 x8 x8"),
    OP0(2, xenpmu_op, "n8 b8"),
    OP0(1, dm_op, "d8 n8 b8"),
    OP0(2, hypfs_op, "n8 b8 l8 b8 l8"),
    OP(1, hypfs_op, XEN_HYPFS_OP_get_version, "z8 z8 z8 z8"),
    OP(1, hypfs_op, XEN_HYPFS_OP_read, "N8 #8 b8 =400.8"),
    OP(1, hypfs_op, XEN_HYPFS_OP_write_contents, "N8 #8 b8 l8"),
    OP0(2, hvm_op, "i8 b8"),
    OP(1, hvm_op, HVMOP_get_time, "(O8)"),
    OP(1, hvm_op, HVMOP_xentrace, "(x2n2 x8x8x8x8)"),
    OP(1, hvm_op, HVMOP_guest_request_vm_event, "z8"),
    OP0(1, mca, "(n4" MCA_VERSION "x8x8x8x8)"),
    OP0(1, arch_1, "b8"),
    OP(1, physdev_op, PHYSDEVOP_eoi, "(i4)"),
    OP(1, physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v1, "(m8)"),
    OP(1, physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, "(m8)"),
    OP(1, physdev_op, PHYSDEVOP_irq_status_query, "(i4O4)"),
    OP(3, physdev_op, PHYSDEVOP_set_iopl, "(z4)"),
    OP(1, physdev_op, PHYSDEVOP_set_iopl, "(n4)"),
    OP(3, physdev_op, PHYSDEVOP_set_iobitmap, "(b8l4)"),
    OP(2, physdev_op, PHYSDEVOP_set_iobitmap, "(v8=10000.4)"),
    OP(1, physdev_op, PHYSDEVOP_get_free_pirq, "(n4O4)"),
    OP(1, physdev_op, PHYSDEVOP_IRQ_UNMASK_NOTIFY, "z8"),
    OP0(3, physdev_op, "i8 (n4n4x8x8x8)"),
    OP0(1, physdev_op_compat, "(i4 x4x8)"),
    OP0(1, domctl, "(i4=15.4d2z2z4 x8x8x8x8)"),
    OP0(2, domctl, "(" NR(XEN_DOMCTL_getdomaininfo) "4=15.4d2z2z4 x8x8x8x8x8x8x8x8x8x8x8x8x8x8x8)"),    /* xenstore's domain may */
    OP0(1, sysctl, "(i4=15.4 x8x8x8x8)"),
    OP0(1, platform_op, "(i4=3000001.4 x8x8x8x8)"),
};

struct grammar guest_grammar = { .op = ops, .nr = ARRAY_SIZE(ops) };
