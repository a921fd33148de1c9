/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start of day: the start info page, the shared info page, the frame lists. */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include "types.h"

/* Where pseudo-physical page 0 is mapped at boot (link.lds). */
extern char virt_base[];
#define VIRT_BASE ((unsigned long)virt_base)

struct boot_regs { uint64_t rsp, rsi, cs, ss, ds, rflags, pad[2]; };

extern struct boot_regs boot_regs;          /* as the hypervisor set them at entry */
extern struct start_info *start_info;
extern struct shared_info shared_info;      /* the real one, mapped over this page */
extern char guest_end[];

/* vcpu_info of the vCPU we run on; tests that move it set vcpu_info_at[]. */
extern struct vcpu_info *vcpu_info_at[];
struct vcpu_info *vcpu_info_self(void);

#endif
