/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's NMIs for dom0. */
#pragma once

/* Boot. */
void nmi_init(void);
