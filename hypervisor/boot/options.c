/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all options, with Xen's names.  A room with options of its own has a foo_option(name, value).
 */
#include "boot/options.h"
#include "core/cmdline.h"
#include "core/string.h"
#include "kern/console.h"
#include "kern/grant.h"
#include "kern/trace.h"
#include "pv/pti.h"
#include "x86/apic.h"
#include "x86/efirt.h"
#include "x86/log.h"
#include "x86/machine.h"
#include "x86/spec.h"
#include "x86/time.h"
#include "x86/tlb.h"

struct options options;

/* dom0_mem=512M,min:256M,max:1G in any order; a bare size is the initial one. */
static bool dom0_mem_set(const char *s)
{
    while (*s) {
        uint64_t *to = &options.dom0_mem, v;

        if (!strncmp(s, "min:", 4))
            to = &options.dom0_mem_min, s += 4;
        else if (!strncmp(s, "max:", 4))
            to = &options.dom0_mem_max, s += 4;
        if (!cmdline_size(&s, &v))
            return false;
        *to = v;
        if (*s == ',')
            s++;
        else if (*s)
            return false;
    }
    return true;
}

/* dom0_max_vcpus=N or N-M: the most counts. */
static bool dom0_max_vcpus_set(const char *s)
{
    uint64_t n;

    if (!cmdline_number(&s, &n))
        return false;
    if (*s == '-') {
        s++;
        if (*s && !cmdline_number(&s, &n))
            return false;
    }
    options.dom0_max_vcpus = (unsigned)MIN(n, 8192ul);
    return *s == 0;
}

/* dom0_nodes=0,2,relaxed */
static bool dom0_nodes_set(const char *s)
{
    do {
        uint64_t n;

        if (!strncmp(s, "relaxed", 7))
            options.dom0_nodes_relaxed = true, s += 7;
        else if (!strncmp(s, "strict", 6))
            options.dom0_nodes_relaxed = false, s += 6;
        else if (cmdline_number(&s, &n) && n < 64)
            options.dom0_nodes |= 1ul << n;
        else
            return false;
    } while (*s++ == ',');
    return s[-1] == 0;
}

static bool x2apic_set(const char *s)
{
    bool on;

    if (!cmdline_bool(s, &on))
        return false;
    opt_x2apic = on;
    return true;
}

#define ROOM_OPTION(room, id, text)                 \
    static bool id##_set(const char *v)             \
    {                                               \
        return room##_option(text, v);              \
    }

ROOM_OPTION(log, console, "console")
ROOM_OPTION(log, com1, "com1")
ROOM_OPTION(log, com2, "com2")
ROOM_OPTION(log, loglvl, "loglvl")
ROOM_OPTION(log, guest_loglvl, "guest_loglvl")
ROOM_OPTION(log, conring_size, "conring_size")
ROOM_OPTION(log, console_timestamps, "console_timestamps")
ROOM_OPTION(log, sync_console, "sync_console")
ROOM_OPTION(log, noreboot, "noreboot")
ROOM_OPTION(log, console_to_ring, "console_to_ring")
ROOM_OPTION(log, vga, "vga")
ROOM_OPTION(console, conswitch, "conswitch")
ROOM_OPTION(time, clocksource, "clocksource")
ROOM_OPTION(time, tsc, "tsc")
ROOM_OPTION(efirt, efi, "efi")
ROOM_OPTION(machine, reboot, "reboot")
static bool spec_ctrl_set(const char *v)
{
    return spec_option(v);
}

static const struct cmdline_option table[] = {
    CMDLINE_CALL("clocksource", clocksource_set),
    CMDLINE_CALL("com1", com1_set),
    CMDLINE_CALL("com2", com2_set),
    CMDLINE_CALL("conring_size", conring_size_set),
    CMDLINE_CALL("console", console_set),
    CMDLINE_CALL("console_to_ring", console_to_ring_set),
    CMDLINE_CALL("console_timestamps", console_timestamps_set),
    CMDLINE_CALL("conswitch", conswitch_set),
    CMDLINE_CALL("dom0_max_vcpus", dom0_max_vcpus_set),
    CMDLINE_CALL("dom0_mem", dom0_mem_set),
    CMDLINE_CALL("dom0_nodes", dom0_nodes_set),
    CMDLINE_NUMBER("gnttab_max_frames", &grant_opt_max_frames),
    CMDLINE_NUMBER("gnttab_max_maptrack_frames", &grant_opt_max_maptrack),
    CMDLINE_FLAG("dom0_vcpus_pin", &options.dom0_vcpus_pin),
    CMDLINE_CALL("efi", efi_set),
    CMDLINE_CALL("guest_loglvl", guest_loglvl_set),
    CMDLINE_CALL("loglvl", loglvl_set),
    CMDLINE_NUMBER("maxcpus", &options.maxcpus),
    CMDLINE_CALL("noreboot", noreboot_set),
    CMDLINE_FLAG("nosmp", &options.nosmp),
    CMDLINE_FLAG("pcid", &tlb_opt_pcid),
    CMDLINE_CALL("reboot", reboot_set),
    CMDLINE_CALL("spec-ctrl", spec_ctrl_set),
    CMDLINE_CALL("sync_console", sync_console_set),
    CMDLINE_NUMBER("tbuf_size", &trace_opt_size),
    CMDLINE_NUMBER("tevt_mask", &trace_opt_mask),
    CMDLINE_CALL("tsc", tsc_set),
    CMDLINE_CALL("vga", vga_set),
    CMDLINE_CALL("x2apic", x2apic_set),
    CMDLINE_CALL("xpti", pti_option),
};

const char *options_parse(const char *line)
{
    return cmdline_parse(line, table, ARRAY_SIZE(table));
}
