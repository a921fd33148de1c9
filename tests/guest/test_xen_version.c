/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_version (version.h): every subcommand's answer, strings terminated and the rest of each buffer free of
 * leftovers; unknown subcommands -ENOSYS, bad pointers -EFAULT.
 */
#include <xen/version.h>
#include "boot.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"

static union { char text[2048]; struct xen_compile_info info; struct xen_feature_info feature;
               struct xen_platform_parameters platform; struct xen_build_id id; } u;

/* The answer is a string that ends inside size bytes, and nothing was written behind size. */
static void check_string(unsigned op, size_t size)
{
    size_t n = 0;

    memset(&u, 0x7e, sizeof(u));
    EXPECT_OK(hypercall(xen_version, op, &u));
    while (n < size && u.text[n])
        n++;
    EXPECT_TRUE(n < size);
    EXPECT_EQUAL(u.text[size], 0x7e);
}

static void check_strings(void)
{
    check_string(XENVER_extraversion, XEN_EXTRAVERSION_LEN);
    check_string(XENVER_capabilities, XEN_CAPABILITIES_INFO_LEN);
    EXPECT_TRUE(strstr(u.text, "xen-3.0-x86_64"));
    check_string(XENVER_changeset, XEN_CHANGESET_INFO_LEN);
    check_string(XENVER_commandline, sizeof(xen_commandline_t));
    EXPECT_TRUE(strstr(u.text, "dom0_mem=64M"));    /* dom0 may see it; the runner gives it */
    check_string(XENVER_compile_info, sizeof(struct xen_compile_info));
    EXPECT_TRUE(memchr_nul(u.info.compiler, sizeof(u.info.compiler)));
    EXPECT_TRUE(memchr_nul(u.info.compile_by, sizeof(u.info.compile_by)));
    EXPECT_TRUE(memchr_nul(u.info.compile_domain, sizeof(u.info.compile_domain)));
    EXPECT_TRUE(memchr_nul(u.info.compile_date, sizeof(u.info.compile_date)));
}

static bool has(unsigned feature)
{
    return u.feature.submap >> feature & 1;
}

static void check_features(void)
{
    u.feature = (struct xen_feature_info){ .submap_idx = 0 };
    EXPECT_OK(hypercall(xen_version, XENVER_get_features, &u));
    printf("features %x\n", u.feature.submap);
    EXPECT_TRUE(has(XENFEAT_mmu_pt_update_preserve_ad));
    EXPECT_TRUE(has(XENFEAT_highmem_assist));
    EXPECT_TRUE(has(XENFEAT_gnttab_map_avail_bits));
    EXPECT_TRUE(has(XENFEAT_dom0));
    EXPECT_TRUE(!has(XENFEAT_writable_page_tables));
    EXPECT_TRUE(!has(XENFEAT_auto_translated_physmap));
    EXPECT_TRUE(!has(XENFEAT_supervisor_mode_kernel));
    EXPECT_TRUE(!has(XENFEAT_hvm_callback_vector));
    u.feature.submap_idx = XENFEAT_NR_SUBMAPS;
    EXPECT_ERR(hypercall(xen_version, XENVER_get_features, &u), EINVAL);
    u.feature.submap_idx = ~0u;
    EXPECT_ERR(hypercall(xen_version, XENVER_get_features, &u), EINVAL);
}

static void check_build_id(void)
{
    long size = hypercall(xen_version, XENVER_build_id, NULL);

    if (size == -XEN_ENODATA)
        return;
    EXPECT_TRUE(size > 0 && size < 256);
    memset(&u, 0x7e, sizeof(u));
    u.id.len = (uint32_t)size;
    EXPECT_EQUAL(hypercall(xen_version, XENVER_build_id, &u), size);
    EXPECT_EQUAL(u.text[4 + size], 0x7e);
    u.id.len = (uint32_t)size - 1;
    EXPECT_REFUSED(hypercall(xen_version, XENVER_build_id, &u));
    u.id.len = 0;
    EXPECT_REFUSED(hypercall(xen_version, XENVER_build_id, &u));
}

static void check_pointers(void)
{
    static const unsigned ops[] = { XENVER_extraversion, XENVER_compile_info, XENVER_capabilities, XENVER_changeset,
                                    XENVER_platform_parameters, XENVER_get_features, XENVER_guest_handle,
                                    XENVER_commandline };

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        EXPECT_ERR(hypercall(xen_version, ops[i], UNMAPPED), EFAULT);
        EXPECT_ERR(hypercall(xen_version, ops[i], HV_PRIVATE), EFAULT);
        EXPECT_ERR(hypercall(xen_version, ops[i], NONCANON), EFAULT);
        if (ops[i] != XENVER_get_features) /* reads first, which is allowed there: what it finds decides */
            EXPECT_ERR(hypercall(xen_version, ops[i], MACH2PHYS_VIRT_START), EFAULT);
        EXPECT_ERR(hypercall(xen_version, ops[i], start_info->pt_base), EFAULT);
    }
}

void test_main(void)
{
    xen_domain_handle_t handle;

    EXPECT_EQUAL(hypercall(xen_version, XENVER_version, NULL) >> 16, 4);
    check_strings();
    printf("compiled by %s@%s, %s\n", u.info.compile_by, u.info.compile_domain, u.info.compiler);
    EXPECT_OK(hypercall(xen_version, XENVER_platform_parameters, &u));
    EXPECT_EQUAL(u.platform.virt_start, HYPERVISOR_VIRT_START);
    check_features();
    EXPECT_EQUAL(hypercall(xen_version, XENVER_pagesize, NULL), 4096);
    EXPECT_OK(hypercall(xen_version, XENVER_guest_handle, &handle));
    check_build_id();
    check_pointers();
    EXPECT_ERR(hypercall(xen_version, 11, &u), ENOSYS);
    EXPECT_ERR(hypercall(xen_version, 12345, &u), ENOSYS);
}
