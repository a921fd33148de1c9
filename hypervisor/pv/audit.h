/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys of the para-virtual machine: registers, domains, the audit of page types. */
#ifndef PV_AUDIT_H
#define PV_AUDIT_H

void audit_init(void);

#endif
