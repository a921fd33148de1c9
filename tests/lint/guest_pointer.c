/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tools/lint must find: a guest's pointer followed without uaccess.S.  Three of them. */
#include "core/types.h"
#include <xen/sysctl.h>

uint64_t followed(const uint64_t __guest *p);
uint64_t followed(const uint64_t __guest *p)
{
    return *p;
}

uint64_t turned(uint64_t __guest *p);
uint64_t turned(uint64_t __guest *p)
{
    return *(uint64_t *)p;
}

char handle(const struct xen_sysctl_readconsole *r);
char handle(const struct xen_sysctl_readconsole *r)
{
    return r->buffer.p[0];
}
