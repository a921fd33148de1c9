/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU plugin (rig/plugin.h) that finds how many instructions are executed at most between two points:
 *
 *   -plugin stretch.so,out=FILE,slots=ADDR...,point=ADDR...,raise=ADDR...,serve=ADDR...
 *
 * A point is an address that is called or jumped to.  `raise` is where something begins to wait, `serve` where it is served: between
 * the two a point doesn't count, for who asked there and went on all the same has not given way; `serve` is a point.  So are the SLOTS
 * addresses from each `slots` on, each a byte long: whoever jumps to the n-th says that what comes counts for slot n (0: for nobody), and
 * that is a point, too.  The file, which the reader may map while the machine runs, is struct stretch for each slot: its longest way from
 * point to point.
 * Each turn of a rep instruction counts as an instruction.  For one virtual CPU.
 */
#include "plugin.h"
#include <stdbool.h>

enum { SLOTS = 1024, POINTS = 16 };

static struct stretch {
    uint64_t longest, from, to, points; /* instructions; the points that it went from and to; how many points were met */
} *file;

enum kind { POINT, RAISE, SERVE, SLOT, KINDS };

static const char *const words[KINDS] = { [POINT] = "point=", [RAISE] = "raise=", [SERVE] = "serve=", [SLOT] = "slots=" };
static uint64_t points[KINDS][POINTS], total, last_total, last_point;
static unsigned nr_points[KINDS], slot;
static bool waiting;

static void way_ends(void *data)
{
    uint64_t address = (uintptr_t)data, length = total - last_total;
    struct stretch *s = &file[slot];

    s->points++;
    if (length > s->longest) {
        s->longest = length;
        s->from = last_point;
        s->to = address;
    }
    last_total = total;
    last_point = address;
}

static void point_met(unsigned cpu, void *data)
{
    (void)cpu;
    if (!waiting)
        way_ends(data);
}

static void raise_met(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    waiting = true;
}

static void serve_met(unsigned cpu, void *data)
{
    (void)cpu;
    waiting = false;
    way_ends(data);
}

static void slot_met(unsigned cpu, void *data)
{
    (void)cpu;
    way_ends(data);
    for (unsigned i = 0; i < nr_points[SLOT]; i++)
        if ((uintptr_t)data - points[SLOT][i] < SLOTS)
            slot = (unsigned)((uintptr_t)data - points[SLOT][i]);
}

static void (*const met[KINDS])(unsigned, void *) = { [POINT] = point_met, [RAISE] = raise_met, [SERVE] = serve_met, [SLOT] = slot_met };

static void block_translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb);

    (void)id;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned i = 0; i < nr_points[kind]; i++)
            if (address - points[kind][i] < (kind == SLOT ? SLOTS : 1))
                qemu_plugin_register_vcpu_tb_exec_cb(tb, met[kind], NO_REGISTERS, (void *)(uintptr_t)address);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &total, qemu_plugin_tb_n_insns(tb));
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4) && !(file = file_make(argv[i] + 4, SLOTS * sizeof(*file))))
            return -1;
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (!strncmp(argv[i], words[kind], 6) && nr_points[kind] < POINTS)
                points[kind][nr_points[kind]++] = strtoull(argv[i] + 6, NULL, 0);
    }
    if (!file || !nr_points[SLOT]) {
        fprintf(stderr, "stretch: out=FILE or slots=ADDR is missing\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    return 0;
}
