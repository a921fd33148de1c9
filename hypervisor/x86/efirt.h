/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's runtime services (UEFI 2.9, ch. 8).
 *
 * They run in a page table of their own: our mappings, and below them the firmware's runtime regions at their machine
 * addresses, since nobody has called SetVirtualAddressMap.  One call at a time on all of the machine; interrupts stay
 * on. If the firmware faults, the call ends with EFI_DEVICE_ERROR and the services are not used again.
 */
#pragma once

#include "core/types.h"

struct fpu_vcpu;
struct cpu_user_regs;

/* Places in EFI_RUNTIME_SERVICES, behind its header. */
enum efirt_service {
    EFIRT_GET_TIME, EFIRT_SET_TIME, EFIRT_GET_WAKEUP_TIME, EFIRT_SET_WAKEUP_TIME, EFIRT_SET_VIRTUAL_ADDRESS_MAP,
    EFIRT_CONVERT_POINTER, EFIRT_GET_VARIABLE, EFIRT_GET_NEXT_VARIABLE_NAME, EFIRT_SET_VARIABLE,
    EFIRT_GET_NEXT_HIGH_MONOTONIC_COUNT, EFIRT_RESET_SYSTEM, EFIRT_UPDATE_CAPSULE, EFIRT_QUERY_CAPSULE_CAPABILITIES,
    EFIRT_QUERY_VARIABLE_INFO, EFIRT_SERVICES
};

struct efi_memory {
    uint32_t type, pad;
    uint64_t start, virtual_start, pages, attributes;
};

#define EFI_ERROR(n)         (0x8000000000000000ul | (n))
#define EFI_BUFFER_TOO_SMALL EFI_ERROR(5ul)

/* Option efi=: rs (as it is without the option), no-rs or rs=no: don't use the services. */
bool efirt_option(const char *name, const char *value);
/* Boot, when the heap is up.  `table`: machine address of the services' table; map: `size` bytes, an entry each `step`.
 * The reason why they can't be used goes to the log. */
void efirt_init(uint64_t table, const void *map, uint32_t size, uint32_t step);
/* Revision of the services' table; 0: there are no services. */
uint32_t efirt_revision(void);
/*
 * Call a service; what it returned.  Pointers among the arguments are to memory of ours.  fpu: whose state the FPU
 * holds (NULL: nobody's).  Interrupts on (or: boot), no lock held.  Call only if efirt_revision() != 0.
 */
uint64_t efirt_call(struct fpu_vcpu *fpu, enum efirt_service service, const uint64_t arg[6]);

/* For trap_from_hypervisor(): was that the firmware?  Then r goes on behind the call. */
bool efirt_fault(struct cpu_user_regs *r);
