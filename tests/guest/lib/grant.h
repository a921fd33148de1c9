/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A grant table of our own domain, mapped; entries are written directly. */
#ifndef GUEST_GRANT_H
#define GUEST_GRANT_H

#include <xen/grant_table.h>
#include "types.h"

/* The table's pages are mapped from here (v1 and v2 entries), the status pages behind them. */
#define GRANT_VA     0x0000110000000000ul
#define GRANT_STATUS (GRANT_VA + 0x100000ul)
#define grant_v1 ((volatile grant_entry_v1_t *)GRANT_VA)
#define grant_v2 ((volatile grant_entry_v2_t *)GRANT_VA)
#define grant_status_v2 ((volatile grant_status_t *)GRANT_STATUS)

/* Set up and map n frames; ends the test if it fails. */
void grant_init(unsigned n);
/* Grant frame mfn to domain dom (0: ourselves) by reference ref, version 1. */
void grant_v1_set(unsigned ref, domid_t dom, unsigned long mfn, unsigned flags);
void grant_v1_clear(unsigned ref);

/* These give the grant status; the handle goes to *handle. */
int grant_map(unsigned ref, unsigned long addr, unsigned flags, grant_handle_t *handle);
int grant_unmap(unsigned long addr, grant_handle_t handle);
long grant_set_version(unsigned v);

#endif
