/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's command line, in Xen's syntax: options separated by blanks, as name or
 * name=value or no-name, up to a " -- ".  '-' and '_' in names are the same.
 * A value with blanks stands in double quotes.  The later of two equal options counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_OPTION_MAX 512 /* length of one option with its value */

/* One option: write these with the macros below. */
struct cmdline_option {
    const char *name;
    bool *flag;             /* one of these three */
    unsigned int *number;
    bool (*custom)(const char *value);
};

/* name, no-name, name=yes|on|true|enable|1|no|off|false|disable|0 */
#define CMDLINE_FLAG(n, p)   { .name = (n), .flag = (p) }
/* name=123, 0x7b or 0173 */
#define CMDLINE_NUMBER(n, p) { .name = (n), .number = (p) }
/* f gets the value: "" if there is none, "no" for no-name.  False: it makes no sense. */
#define CMDLINE_CALL(n, f)   { .name = (n), .custom = (f) }

/*
 * Set from line what the n options at table lead to.  What is not in the table, or has a
 * value that makes no sense, is reported by log_warn() and changes nothing; so is an option
 * longer than CMDLINE_OPTION_MAX.  ("placeholder" alone, which Debian's GRUB scripts put first,
 * is passed over.)  Returns what stands behind the " -- " for dom0's kernel, "" if nothing.
 */
const char *cmdline_parse(const char *line, const struct cmdline_option *table, unsigned int n);

/* For CMDLINE_CALL: read a number at *s and step over it.  Or a size, to bytes: a number with B, K, M, G or T behind it; K if there
 * is none, as for Xen.  False: there is none, or it's too big. */
bool cmdline_number(const char **s, uint64_t *v);
bool cmdline_size(const char **s, uint64_t *v);
/* Is s one of the words for yes ("" too) or for no?  False: neither. */
bool cmdline_bool(const char *s, bool *v);
