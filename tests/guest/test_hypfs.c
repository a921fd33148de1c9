/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypfs_op (hypfs.h): the whole tree can be walked, each entry's length is right, the version is the one of
 * xen_version, an option can be written; refusals.
 */
#include <xen/hypfs.h>
#include <xen/version.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"

#define DEPTH 6
#define SIZE  4096u

static unsigned files;

static unsigned length(const char *s)
{
    unsigned n = 0;

    while (s[n])
        n++;
    return n;
}

static long read_to(const char *path, void *to, unsigned long size)
{
    return hypercall(hypfs_op, XEN_HYPFS_OP_read, path, length(path) + 1, to, size);
}

static long write(const char *path, const void *from, unsigned long size)
{
    return hypercall(hypfs_op, XEN_HYPFS_OP_write_contents, path, length(path) + 1, from, size);
}

static void path_join(char *to, const char *dir, const char *name)
{
    unsigned n = length(dir);

    memcpy(to, dir, n);
    if (to[n - 1] != '/')
        to[n++] = '/';
    memcpy(to + n, name, length(name) + 1);
}

static void check_file(const char *path, const struct xen_hypfs_direntry *e)
{
    const char *text = (const char *)(e + 1);

    files++;
    if (e->type == XEN_HYPFS_TYPE_STRING && e->encoding == XEN_HYPFS_ENC_PLAIN) {
        EXPECT_TRUE(e->content_len > 0 && text[e->content_len - 1] == 0);
        printf("%s = '%s'\n", path, text);
    } else if (e->type == XEN_HYPFS_TYPE_UINT || e->type == XEN_HYPFS_TYPE_INT) {
        EXPECT_TRUE(e->content_len == 1 || e->content_len == 2 || e->content_len == 4 || e->content_len == 8);
    }
}

static void walk(const char *path, unsigned depth)
{
    struct xen_hypfs_direntry *e = page_alloc();
    struct xen_hypfs_dirlistentry *d = (struct xen_hypfs_dirlistentry *)(e + 1);
    unsigned at = 0;

    if (!EXPECT_OK(read_to(path, e, SIZE)) || e->type != XEN_HYPFS_TYPE_DIR) {
        check_file(path, e);
        return;
    }
    REQUIRE(depth < DEPTH);
    EXPECT_ERR(read_to(path, page_alloc(), sizeof(*e) + e->content_len - 1), ENOBUFS);
    EXPECT_EQUAL(e->max_write_len, 0);
    while (at < e->content_len) {
        static char below[DEPTH][256];

        path_join(below[depth], path, d->name);
        walk(below[depth], depth + 1);
        at += d->off_next;
        if (!d->off_next)
            break;
        d = (struct xen_hypfs_dirlistentry *)((char *)d + d->off_next);
    }
    EXPECT_TRUE(at < e->content_len);
}

static void check_known(void)
{
    struct { struct xen_hypfs_direntry e; uint32_t number; } v;
    long version = hypercall(xen_version, XENVER_version, NULL);

    EXPECT_OK(read_to("/buildinfo/version/major", &v, sizeof(v)));
    EXPECT_EQUAL(v.number, version >> 16);
    EXPECT_OK(read_to("/buildinfo/version/minor", &v, sizeof(v)));
    EXPECT_EQUAL(v.number, version & 0xffff);
    EXPECT_EQUAL(v.e.type, XEN_HYPFS_TYPE_UINT);
    EXPECT_OK(read_to("/buildinfo/", page_alloc(), SIZE));
    EXPECT_ERR(read_to("/buildinfo/version/major/", &v, sizeof(v)), ENOENT);
    EXPECT_ERR(read_to("/buildinfo/version/major", &v, sizeof(v) - 1), ENOBUFS);
}

static void check_write(void)
{
    struct { struct xen_hypfs_direntry e; char text[64]; } v;

    EXPECT_OK(write("/params/guest_loglvl", "error", 6));
    EXPECT_OK(read_to("/params/guest_loglvl", &v, sizeof(v)));
    EXPECT_TRUE(v.text[0] == 'e' && v.text[1] == 'r');
    EXPECT_TRUE(v.e.max_write_len >= 6);
    EXPECT_REFUSED(write("/params/guest_loglvl", "nonsense", 9));
    EXPECT_REFUSED(write("/params/guest_loglvl", "errorx", 6)); /* no end */
    EXPECT_REFUSED(write("/params/guest_loglvl", (void *)UNMAPPED, 6));
    EXPECT_REFUSED(write("/params/guest_loglvl", page_alloc(), SIZE));
    EXPECT_OK(write("/params/guest_loglvl", "all", 4));
    EXPECT_ERR(write("/", "x", 2), EACCES);
    EXPECT_ERR(write("/buildinfo/version/major", "\4\0\0", 4), EACCES);
    EXPECT_ERR(write("/nothing", "x", 2), ENOENT);
}

static void check_refusals(void)
{
    static char buf[SIZE];

    EXPECT_EQUAL(hypercall(hypfs_op, XEN_HYPFS_OP_get_version), 1);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_get_version, buf), EINVAL);
    EXPECT_ERR(hypercall(hypfs_op, 3), EINVAL);
    EXPECT_ERR(read_to("/nothing", buf, SIZE), ENOENT);
    EXPECT_ERR(read_to("/buildinfo/version/major/more", buf, SIZE), ENOENT);
    EXPECT_ERR(read_to("//buildinfo", buf, SIZE), ENOENT);
    EXPECT_ERR(read_to("nothing", buf, SIZE), EINVAL);
    EXPECT_ERR(read_to("", buf, SIZE), EINVAL);
    EXPECT_ERR(read_to("/", buf, 4), EINVAL);
    EXPECT_ERR(read_to("/", (void *)UNMAPPED, SIZE), EFAULT);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_read, "/", 1, buf, SIZE), EINVAL);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_read, "/", 3, buf, SIZE), EINVAL);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_read, "/", 0, buf, SIZE), EINVAL);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_read, "/", 200000, buf, SIZE), EINVAL);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_read, UNMAPPED, 3, buf, SIZE), EFAULT);
    EXPECT_ERR(hypercall(hypfs_op, XEN_HYPFS_OP_read, HV_PRIVATE, 3, buf, SIZE), EFAULT);
}

void test_main(void)
{
    walk("/", 0);
    EXPECT_TRUE(files > 5);
    check_known();
    check_write();
    check_refusals();
}
