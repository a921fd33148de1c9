/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: SYSCTL(physinfo) and SYSCTL(getcpuinfo, U.getcpuinfo.max_cpus = 2) fill a zeroed struct, make the call and give its
 * result; U is what it left in the union.  One file of a test includes this.
 */
#ifndef GUEST_SYSCTL_H
#define GUEST_SYSCTL_H

#include <xen/sysctl.h>
#include "hypercall.h"
#include "types.h"

static struct xen_sysctl s;
#define U s.u

static inline void sysctl_begin(void)
{
    memset(&s, 0, sizeof(s));
    s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
}

static inline long sysctl_go(uint32_t cmd)
{
    s.cmd = cmd;
    return hypercall(sysctl, &s);
}

#define SYSCTL(name, ...) ({ sysctl_begin(); __VA_ARGS__; sysctl_go(XEN_SYSCTL_##name); })

#endif
