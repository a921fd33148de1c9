/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real ctl/hypfs.c: paths of any bytes and lengths, reads into any room, writes of any text, with guest memory that ends where the input
 * says.  What a second reader of the path finds is what the call must find; a read gives the node's own size and stays in its room, a
 * written option reads back.
 */
/* fuzz-options: -max_len=160 */
/* fuzz-weight: 2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "port_host.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"

static struct vcpu *the_vcpu;

#undef current
#define current the_vcpu
#include "../../hypervisor/ctl/hypfs.c"

#define MUST(cond) \
    ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

#define PATH_AT 0x1000u /* guest addresses: the path, */
#define DATA_AT 0x2000u /* and what is read or written */
#define OPTION_ROOM 32

const char version_changeset[] = "", version_compiled_by[] = "me", version_compiler[] = "a compiler", version_extra[] = ".4";
unsigned grant_opt_max_frames = 64, grant_opt_max_maptrack = 1024;

static char option[OPTION_ROOM];
static const uint8_t *path_bytes;
static size_t path_n;
static char *memory;     /* at DATA_AT */
static size_t memory_n;

int copy_from_guest(void *to, uint64_t gva, size_t n)
{
    if (gva >= DATA_AT) {
        if (n > memory_n)
            return -XEN_EFAULT;
        memcpy(to, memory, n);
        return 0;
    }
    MUST(gva == PATH_AT);
    if (n > path_n)
        return -XEN_EFAULT;
    memcpy(to, path_bytes, n);
    return 0;
}

int copy_to_guest(uint64_t gva, const void *from, size_t n)
{
    MUST(gva >= DATA_AT);
    if (gva - DATA_AT > memory_n || n > memory_n - (gva - DATA_AT))
        return -XEN_EFAULT;
    memcpy(memory + (gva - DATA_AT), from, n);
    return 0;
}

const char *log_option_value(const char *name)
{
    MUST(!strcmp(name, "loglvl") || !strcmp(name, "guest_loglvl") || !strcmp(name, "console_timestamps"));
    return option;
}

bool log_option(const char *name, const char *value)
{
    MUST(*log_option_value(name) || !*option);
    if (value[0] == 'x')
        return false;
    snprintf(option, sizeof(option), "%s", value);
    return true;
}

/* Does the path name this node?  From its end: the last name, and its parent before that. */
static bool names(const char *path, size_t n, unsigned id)
{
    size_t len = strlen(nodes[id].name);

    if (n && path[n - 1] == '/' && nodes[id].type == XEN_HYPFS_TYPE_DIR)
        n--;
    if (id == ROOT)
        return n == 0;
    if (n <= len || memcmp(path + n - len, nodes[id].name, len) || path[n - len - 1] != '/')
        return false;
    n -= len + 1; /* what is before the slash: the parent, without one more */
    return n ? path[n - 1] != '/' && names(path, n, nodes[id].parent) : nodes[id].parent == ROOT;
}

static int find(const char *path, size_t n)
{
    for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
        if (names(path, n, i))
            return (int)i;
    return -XEN_ENOENT;
}

static long call(unsigned op, uint64_t size, uint64_t len)
{
    struct hcall c = { .arg = { op, PATH_AT, size, DATA_AT, len } };

    return do_hypfs_op(&c);
}

static void check(unsigned op, uint64_t size, uint64_t len, long rc)
{
    bool good = size && size <= PATH_MAX && size <= path_n && path_bytes[0] == '/' && path_bytes[size - 1] == 0 &&
                !memchr(path_bytes, 0, size - 1);
    int id = good ? find((const char *)path_bytes, size - 1) : -1;
    const struct xen_hypfs_direntry *e = (const void *)memory;

    if (!good)
        MUST(rc == -XEN_EINVAL || rc == -XEN_EFAULT);
    else if (id < 0)
        MUST(rc == id);
    else if (op == XEN_HYPFS_OP_read)
        MUST(rc ? rc == -XEN_EINVAL || rc == -XEN_EFAULT || rc == -XEN_ENOBUFS
                : e->type == nodes[id].type && sizeof(*e) + e->content_len <= len && e->content_len == content_length((unsigned)id));
    else
        MUST(rc == 0 ? nodes[id].option && !strcmp(option, memory) : nodes[id].option || rc == -XEN_EACCES);
}

/* A byte from 0x90 on stands for a node's name, mostly with a slash before, sometimes with one behind. */
static size_t unfold(uint8_t *path, const uint8_t *from, size_t size)
{
    static const char *const forms[] = { "/%s", "/%s", "/%s", "%s", "/%s/", "%s/", "//%s" };
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned x = from[i] - 0x90u;

        if (from[i] < 0x90)
            path[n++] = from[i];
        else
            n += (size_t)sprintf((char *)path + n, forms[x / ARRAY_SIZE(nodes) % ARRAY_SIZE(forms)], nodes[x % ARRAY_SIZE(nodes)].name);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct domain d = { .is_privileged = true };
    static struct vcpu v = { .domain = &d };
    uint64_t len, room;
    unsigned op;
    uint8_t *path;
    long rc;

    if (size < 4)
        return 0;
    the_vcpu = &v;
    strcpy(option, "all");
    op = data[0] & 1 ? XEN_HYPFS_OP_read : XEN_HYPFS_OP_write_contents;
    len = data[1] * (data[0] & 2 ? 3u : 1u);
    memory_n = data[0] & 4 ? len : data[2];
    path = calloc(size, 40);
    path_n = unfold(path, data + 3, size - 3);
    path[path_n] = 0;
    path_n += data[0] & 8 ? 0 : 1; /* a zero more, mostly */
    path_bytes = path;
    memory = malloc(memory_n + 1);
    for (size_t i = 0; i < memory_n; i++)
        memory[i] = i + 1 == len ? 0 : (char)data[i % size];
    room = data[0] & 16 ? data[2] : path_n;
    rc = call(op, room, len);
    check(op, room, len, rc);
    free(memory);
    free(path);
    return 0;
}
