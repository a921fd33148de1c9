/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the toolstack may know of a domain: XEN_DOMCTL_getdomaininfo, XEN_SYSCTL_getdomaininfolist. */
#pragma once

struct domain;
struct xen_domctl_getdomaininfo;

/* All of *info, as d is now; d is held.  No lock. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
