/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that may fault on a guest's account: see uaccess.S. */
#ifndef X86_UACCESS_H
#define X86_UACCESS_H

#include "core/types.h"

uint64_t uaccess_copy(void *dst, const void *src, size_t n);
uint64_t uaccess_clear(void *dst, size_t n);
int uaccess_cmpxchg(void *p, uint64_t *old, uint64_t next, unsigned bytes);
int rdmsr_safe(uint32_t nr, uint64_t *v);
int wrmsr_safe(uint32_t nr, uint64_t v);
int xsetbv_safe(uint32_t nr, uint64_t v);
int seg_load_ds(unsigned sel);
int seg_load_es(unsigned sel);
int seg_load_fs(unsigned sel);
int seg_load_gs(unsigned sel);
int fpu_restore_safe(const void *area, uint64_t mask, int xsave);

/* May the current guest mean this range?  (Not ours, no wrap-around, canonical.) */
bool guest_range_ok(uint64_t gva, uint64_t n);

/* SMAP: guest memory may be touched between these.  Patched out (no-ops) on CPUs without it. */
void guest_access_begin(void);
void guest_access_end(void);

/* Where to go on after a fault at rip; 0: no fix-up. */
uint64_t extable_find(uint64_t rip);

#endif
