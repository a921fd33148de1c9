/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys of the para-virtual machine: registers, domains, the audit of page types. */
#pragma once

void audit_init(void);
