/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypfs_op (xen/hypfs.h), dom0 only: a small tree of facts and options.
 *
 *   /buildinfo/   what we are: constant
 *   /params/      options that may change while we run: writing one is as on the command line
 *
 * A node is an entry of a table; a directory is the entries that name it as their parent.
 */
#include "core/string.h"
#include "kern/domain.h"
#include "kern/grant.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/version.h"
#include "x86/log.h"
#include <xen/hypfs.h>

#define PATH_MAX     128
#define CONTENT_MAX  256
#define WRITE_MAX    16 /* bytes of a text, its end included */
#define NAME_AT      offsetof(struct xen_hypfs_dirlistentry, name)

enum node_id { ROOT, BUILDINFO, COMPILEINFO, VERSION_DIR, PARAMS, FILES };

struct node {
    const char *name;
    uint8_t parent; /* enum node_id; ROOT's is itself */
    uint8_t type;   /* XEN_HYPFS_TYPE_* */
    bool option;    /* its text is log_option_value(name), and may be written */
    const char *text;
    const unsigned *number;
};

static const unsigned major = VERSION_MAJOR, minor = VERSION_MINOR;

#define DIR(id, in, name_)       [id] = { .name = name_, .parent = in, .type = XEN_HYPFS_TYPE_DIR }
#define TEXT(in, name_, value)   { .name = name_, .parent = in, .type = XEN_HYPFS_TYPE_STRING, .text = value }
#define NUMBER(in, name_, where) { .name = name_, .parent = in, .type = XEN_HYPFS_TYPE_UINT, .number = where }
#define OPTION(name_)            { .name = name_, .parent = PARAMS, .type = XEN_HYPFS_TYPE_STRING, .option = true }

static const struct node nodes[] = {
    DIR(ROOT, ROOT, ""),
    DIR(BUILDINFO, ROOT, "buildinfo"),
    DIR(COMPILEINFO, BUILDINFO, "compileinfo"),
    DIR(VERSION_DIR, BUILDINFO, "version"),
    DIR(PARAMS, ROOT, "params"),
    [FILES] = TEXT(BUILDINFO, "changeset", version_changeset),
    TEXT(COMPILEINFO, "compile_by", version_compiled_by),
    TEXT(COMPILEINFO, "compile_date", ""),
    TEXT(COMPILEINFO, "compile_domain", ""),
    TEXT(COMPILEINFO, "compiler", version_compiler),
    TEXT(VERSION_DIR, "extra", version_extra),
    NUMBER(VERSION_DIR, "major", &major),
    NUMBER(VERSION_DIR, "minor", &minor),
    OPTION("console_timestamps"),
    NUMBER(PARAMS, "gnttab_max_frames", &grant_opt_max_frames),
    NUMBER(PARAMS, "gnttab_max_maptrack_frames", &grant_opt_max_maptrack),
    OPTION("guest_loglvl"),
    OPTION("loglvl"),
};

/* ---- Paths ---- */

static long path_in(char *path, uint64_t gva, uint64_t size)
{
    if (!size || size > PATH_MAX)
        return -XEN_EINVAL;
    if (copy_from_guest(path, gva, size))
        return -XEN_EFAULT;
    return path[0] == '/' && strnlen(path, size) == size - 1 ? 0 : -XEN_EINVAL;
}

static int child_find(unsigned dir, const char *name, size_t n)
{
    for (unsigned i = 1; i < ARRAY_SIZE(nodes); i++)
        if (nodes[i].parent == dir && strlen(nodes[i].name) == n && !memcmp(nodes[i].name, name, n))
            return (int)i;
    return -XEN_ENOENT;
}

/* A directory's name may end with a slash. */
static int node_find(const char *path)
{
    int at = ROOT;

    for (path++; *path && at >= 0;) {
        const char *slash = strchr(path, '/');
        size_t n = slash ? (size_t)(slash - path) : strlen(path);

        if (nodes[at].type != XEN_HYPFS_TYPE_DIR)
            return -XEN_ENOENT;
        at = child_find((unsigned)at, path, n);
        path += n + (slash ? 1 : 0);
    }
    return at > ROOT && path[-1] == '/' && nodes[at].type != XEN_HYPFS_TYPE_DIR ? -XEN_ENOENT : at;
}

/* ---- Reading ---- */

static const char *text_of(const struct node *n)
{
    return n->option ? log_option_value(n->name) : n->text;
}

static size_t entry_size(const struct node *n)
{
    return ROUND_UP(NAME_AT + strlen(n->name) + 1, 4ul);
}

static uint32_t content_length(unsigned id)
{
    const struct node *n = &nodes[id];
    size_t len = 0;

    if (n->type == XEN_HYPFS_TYPE_UINT)
        return sizeof(*n->number);
    if (n->type == XEN_HYPFS_TYPE_STRING)
        return (uint32_t)strlen(text_of(n)) + 1;
    for (unsigned i = 1; i < ARRAY_SIZE(nodes); i++)
        if (nodes[i].parent == id)
            len += entry_size(&nodes[i]);
    return (uint32_t)len;
}

static struct xen_hypfs_direntry entry_of(unsigned id)
{
    return (struct xen_hypfs_direntry){
        .type = nodes[id].type, .encoding = XEN_HYPFS_ENC_PLAIN, .content_len = content_length(id),
        .max_write_len = nodes[id].option ? WRITE_MAX : 0,
    };
}

static void directory_fill(unsigned id, char *to)
{
    struct xen_hypfs_dirlistentry *last = NULL;

    for (unsigned i = 1; i < ARRAY_SIZE(nodes); i++) {
        if (nodes[i].parent != id)
            continue;
        last = (struct xen_hypfs_dirlistentry *)(void *)to;
        last->e = entry_of(i);
        last->off_next = (uint16_t)entry_size(&nodes[i]);
        memcpy(last->name, nodes[i].name, strlen(nodes[i].name) + 1);
        to += entry_size(&nodes[i]);
    }
    if (last)
        last->off_next = 0;
}

static void content_fill(unsigned id, char *to, uint32_t len)
{
    const struct node *n = &nodes[id];
    const char *text;

    if (n->type == XEN_HYPFS_TYPE_DIR) {
        directory_fill(id, to);
    } else if (n->type == XEN_HYPFS_TYPE_UINT) {
        memcpy(to, n->number, len);
    } else { /* an option may have another text by now */
        text = text_of(n);
        memcpy(to, text, MIN(len, strlen(text) + 1));
    }
}

static long node_read(unsigned id, uint64_t gva, uint64_t room)
{
    struct xen_hypfs_direntry e = entry_of(id);
    char content[CONTENT_MAX] __attribute__((aligned(8))) = { 0 };

    if (room < sizeof(e))
        return -XEN_EINVAL;
    if (e.content_len > sizeof(content))
        e.content_len = sizeof(content);
    if (copy_to_guest(gva, &e, sizeof(e)))
        return -XEN_EFAULT;
    if (room - sizeof(e) < e.content_len)
        return -XEN_ENOBUFS;
    content_fill(id, content, e.content_len);
    return copy_to_guest(gva + sizeof(e), content, e.content_len);
}

/* ---- Writing ---- */

static long node_write(unsigned id, uint64_t gva, uint64_t len)
{
    char text[WRITE_MAX];

    if (!nodes[id].option)
        return -XEN_EACCES;
    if (!len || len > sizeof(text))
        return -XEN_ENOSPC;
    if (copy_from_guest(text, gva, len))
        return -XEN_EFAULT;
    if (strnlen(text, len) != len - 1)
        return -XEN_EINVAL;
    return log_option(nodes[id].name, text) ? 0 : -XEN_EINVAL;
}

long do_hypfs_op(struct hcall *c)
{
    char path[PATH_MAX];
    int id;
    long rc;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (c->arg[0] == XEN_HYPFS_OP_get_version)
        return c->arg[1] || c->arg[2] || c->arg[3] || c->arg[4] ? -XEN_EINVAL : 1;
    rc = path_in(path, c->arg[1], c->arg[2]);
    if (rc)
        return rc;
    id = node_find(path);
    if (id < 0)
        return id;
    if (c->arg[0] == XEN_HYPFS_OP_read)
        return node_read((unsigned)id, c->arg[3], c->arg[4]);
    return c->arg[0] == XEN_HYPFS_OP_write_contents ? node_write((unsigned)id, c->arg[3], c->arg[4]) : -XEN_EINVAL;
}
