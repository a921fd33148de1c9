/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's NMIs for dom0. */
#ifndef KERN_NMI_H
#define KERN_NMI_H

/* Boot. */
void nmi_init(void);

#endif
