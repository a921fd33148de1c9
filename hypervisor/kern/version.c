/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_version.  The numbers are those of the ABI that we speak (libxen-dev's, 4.17), for the toolstack compares them
 * with its own; the extra version and the change set name us.
 */
#include "kern/version.h"
#include "kern/hypercall.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/layout.h"
#include <xen/features.h>
#include <xen/version.h>

static char cmdline[sizeof(xen_commandline_t)];

extern const char build_id_start[], build_id_end[]; /* an ELF note that the linker made */

const char version_extra[sizeof(xen_extraversion_t)] = ".hospes-" HOSPES_VERSION;
const char version_compiled_by[] = "hospes", version_compiler[] = __VERSION__;
const char version_changeset[] = "hospes " HOSPES_VERSION;

static void text_set(char *to, size_t n, const char *from)
{
    size_t len = strnlen(from, n - 1);

    memset(to, 0, n);
    memcpy(to, from, len);
}

void version_set_cmdline(const char *line)
{
    text_set(cmdline, sizeof(cmdline), line);
}

static long compile_info(uint64_t arg)
{
    struct xen_compile_info info;

    text_set(info.compiler, sizeof(info.compiler), version_compiler);
    text_set(info.compile_by, sizeof(info.compile_by), version_compiled_by);
    text_set(info.compile_domain, sizeof(info.compile_domain), "");
    text_set(info.compile_date, sizeof(info.compile_date), "");
    return copy_to_guest(arg, &info, sizeof(info));
}

static uint32_t features_of(const struct domain *d)
{
    uint32_t f = 1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_mmu_pt_update_preserve_ad |
        1u << XENFEAT_highmem_assist | 1u << XENFEAT_gnttab_map_avail_bits;
    if (d->is_privileged)
        f |= 1u << XENFEAT_dom0;
    if (d->vm_assist & 1ul << VMASST_TYPE_pae_extended_cr3)
        f |= 1u << XENFEAT_pae_pgdir_above_4gb;
    return f | 1u << XENFEAT_not_direct_mapped;
}

static long get_features(uint64_t arg)
{
    struct xen_feature_info fi;

    if (copy_from_guest(&fi, arg, sizeof(fi)))
        return -XEN_EFAULT;
    if (fi.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -XEN_EINVAL;
    fi.submap = features_of(current->domain);
    return copy_to_guest(arg, &fi, sizeof(fi));
}

static long copy_text(uint64_t arg, const char *from, size_t n)
{
    char text[sizeof(xen_commandline_t)];

    text_set(text, n, from);
    return copy_to_guest(arg, text, n);
}

#define NOTE_HEADER 16 /* three words, "GNU" */

/* How long it is, and, if the guest gives room, what it is. */
static long build_id(uint64_t arg)
{
    const char *id = build_id_start + NOTE_HEADER;
    size_t len = (size_t)(build_id_end - build_id_start) - NOTE_HEADER;
    uint32_t room;

    if (build_id_end - build_id_start <= NOTE_HEADER)
        return -XEN_ENODATA;
    if (!arg)
        return (long)len;
    if (copy_from_guest(&room, arg, sizeof(room)))
        return -XEN_EFAULT;
    if (room < len)
        return room ? -XEN_ENOBUFS : -XEN_EINVAL;
    return copy_to_guest(arg + offsetof(struct xen_build_id, buf), id, len) ? -XEN_EFAULT : (long)len;
}

long do_xen_version(struct hcall *c)
{
    uint64_t arg = c->arg[1];
    xen_platform_parameters_t params = { .virt_start = M2P_RO_START };
    xen_domain_handle_t handle;

    switch ((uint32_t)c->arg[0]) {
    case XENVER_version:
        return VERSION_MAJOR << 16 | VERSION_MINOR;
    case XENVER_extraversion:
        return copy_text(arg, version_extra, sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return compile_info(arg);
    case XENVER_capabilities:
        return copy_text(arg, "xen-3.0-x86_64", sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return copy_text(arg, version_changeset, sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return copy_to_guest(arg, &params, sizeof(params));
    case XENVER_get_features:
        return get_features(arg);
    case XENVER_pagesize:
        return arg ? -XEN_EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        memcpy(handle, current->domain->handle, sizeof(handle));
        return copy_to_guest(arg, handle, sizeof(handle));
    case XENVER_commandline:
        return copy_text(arg, current->domain->is_privileged ? cmdline : "<denied>", sizeof(xen_commandline_t));
    case XENVER_build_id:
        return build_id(arg);
    default:
        return -XEN_ENOSYS;
    }
}
