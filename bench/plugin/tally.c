/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU plugin (rig/plugin.h) that counts executed instructions, by address, into a file that the
 * reader (bench/tally.py) maps while the machine runs:
 *
 *   -plugin tally.so,out=FILE[,mark=ADDR]...
 *
 * The file: struct file below.  A place is a translated block: its first address, its length in instructions, and how many
 * instructions were executed in it.  A mark gives the total at the moment its address was executed first (it must be the
 * start of a block: a function called, an entry point jumped to), and each place what had been executed of it at the
 * last mark.  A block that an exception leaves in its middle counts
 * as if it had run to its end.  Meant for one virtual CPU; more make the counts approximate.
 */
#include "plugin.h"

enum { MARKS = 64, PLACES = 1 << 20 };

struct mark {
    uint64_t address, total;            /* total: instructions before it; all ones: not met yet */
};

struct place {
    uint64_t address, length, count, at_mark;   /* length 0: the slot is free */
};

static struct file {
    uint64_t total, nr_marks, nr_places, lost;  /* lost: blocks that found no slot (they are in total alone) */
    struct mark marks[MARKS];
    struct place places[PLACES];
} *file;

static void mark_met(unsigned cpu, void *data)
{
    struct mark *m = data;

    (void)cpu;
    if (m->total != UINT64_MAX)
        return;
    m->total = file->total;
    for (unsigned i = 0; i < PLACES; i++)
        file->places[i].at_mark = file->places[i].count;
}

/* The slot of a block, by open addressing; NULL: the table is full. */
static struct place *place_of(uint64_t address, uint64_t length)
{
    uint64_t h = (address * 0x9e3779b97f4a7c15u ^ length * 0xff51afd7ed558ccdu) >> 20;

    for (unsigned i = 0; i < PLACES; i++) {
        struct place *p = &file->places[(h + i) % PLACES];

        if (p->length == length && p->address == address)
            return p;
        if (!p->length) {
            p->address = address;
            p->length = length;
            file->nr_places++;
            return p;
        }
        if (i > 1000)
            break;
    }
    file->lost++;
    return NULL;
}

static void block_translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb), length = qemu_plugin_tb_n_insns(tb);
    struct place *p = place_of(address, length);

    (void)id;
    for (unsigned i = 0; i < file->nr_marks; i++)
        if (file->marks[i].address == address)
            qemu_plugin_register_vcpu_tb_exec_cb(tb, mark_met, NO_REGISTERS, &file->marks[i]);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &file->total, length);
    if (p)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &p->count, length);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4) && !(file = file_make(argv[i] + 4, sizeof(*file))))
            return -1;
        if (!strncmp(argv[i], "mark=", 5) && file && file->nr_marks < MARKS)
            file->marks[file->nr_marks++] = (struct mark){ strtoull(argv[i] + 5, NULL, 0), UINT64_MAX };
    }
    if (!file) {
        fprintf(stderr, "tally: out=FILE is missing\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    return 0;
}
