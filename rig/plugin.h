/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our plugins for QEMU's TCG share (plugin API 1 as in QEMU 7.2; its few declarations are here because Debian ships no header of it).
 * A plugin includes this once, says what it counts in block_translated(), and what its arguments mean in qemu_plugin_install().
 */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct qemu_plugin_tb;
typedef uint64_t plugin_id;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *counter, uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

enum { INLINE_ADD_U64 = 0, NO_REGISTERS = 0 };

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* A new file of zeros that a reader may map while the machine runs; NULL: it can't be made. */
static void *file_make(const char *path, size_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    void *at;

    if (fd < 0)
        return NULL;
    at = ftruncate(fd, (off_t)size) ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? NULL : at;
}
