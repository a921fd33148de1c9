/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The current guest's memory, by the addresses that it gave in a hypercall.  Copies survive faults and
 * refuse hypervisor addresses; all give 0 or -XEN_EFAULT (and then have copied an unknown part).
 * Values in guest memory may change at any time: copy once, then check the copy.
 */
#pragma once

#include "core/types.h"

int copy_from_guest(void *dst, uint64_t gva, size_t n);
int copy_to_guest(uint64_t gva, const void *src, size_t n);
int clear_guest(uint64_t gva, size_t n);
/* One word, the quick way: it fails in the M2P, too, which copy_from_guest() reads. */
int word_from_guest(uint32_t *v, uint64_t gva);

/* An element of a guest's array: overflow in the address arithmetic is -XEN_EFAULT too. */
int copy_from_guest_at(void *dst, uint64_t gva, uint64_t index, size_t size);
int copy_to_guest_at(uint64_t gva, uint64_t index, const void *src, size_t size);

/* The address in a XEN_GUEST_HANDLE. */
#define guest_addr(handle) ((uint64_t)(handle).p)
