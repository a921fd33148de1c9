/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audits that only checking builds have.  Each gives the number of faults, and logs what they are; all must be at rest. */
#pragma once

/* Of grants and event channels. */
unsigned tables_audit(void);
/* Of where devices are mapped. */
unsigned devices_audit(void);
