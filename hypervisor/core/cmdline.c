/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line (see cmdline.h): cut into words, find each in the caller's
 * table, set what it leads to.  Any bytes may come in; what goes to the log is printable.
 */
#include <stdint.h>
#include "core/cmdline.h"
#include "core/port.h"
#include "core/string.h"
#include "core/types.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- values ---- */

static unsigned int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned int)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : UINT32_MAX;
}

bool cmdline_number(const char **s, uint64_t *v)
{
    const char *p = *s;
    unsigned int base = 10;
    uint64_t n = 0;

    if (p[0] == '0' && (p[1] | 0x20) == 'x' && digit_of(p[2]) < 16) {
        base = 16;
        p += 2;
    } else if (p[0] == '0')
        base = 8;
    if (digit_of(*p) >= base)
        return false;
    for (; digit_of(*p) < base; p++) {
        if (n > (UINT64_MAX - digit_of(*p)) / base)
            return false;
        n = n * base + digit_of(*p);
    }
    *s = p;
    *v = n;
    return true;
}

bool cmdline_size(const char **s, uint64_t *v)
{
    const char *p = *s;
    unsigned int shift = 10;
    uint64_t n;

    if (!cmdline_number(&p, &n))
        return false;
    switch (*p | 0x20) {
    case 'b': shift = 0; p++; break;
    case 'k': shift = 10; p++; break;
    case 'm': shift = 20; p++; break;
    case 'g': shift = 30; p++; break;
    case 't': shift = 40; p++; break;
    default: break;
    }
    if (n > UINT64_MAX >> shift)
        return false;
    *s = p;
    *v = n << shift;
    return true;
}

bool cmdline_bool(const char *s, bool *v)
{
    static const char *const words[2][5] = {
        { "no", "off", "false", "disable", "0" }, { "yes", "on", "true", "enable", "1" },
    };

    *v = true;
    if (!*s)
        return true;
    for (unsigned int yes = 0; yes < 2; yes++)
        for (unsigned int i = 0; i < ARRAY_SIZE(words[yes]); i++)
            if (!strcmp(s, words[yes][i])) {
                *v = yes;
                return true;
            }
    return false;
}

/* ---- one option ---- */

static bool uint_set(unsigned int *to, const char *value)
{
    uint64_t v;

    if (!cmdline_number(&value, &v) || *value || v > UINT32_MAX)
        return false;
    *to = (unsigned int)v;
    return true;
}

/* value NULL: none was given.  no: it was no-name. */
static bool option_set(const struct cmdline_option *o, const char *value, bool no)
{
    bool flag;

    if (o->custom)
        return o->custom(value ? value : no ? "no" : "");
    if (o->number)
        return value && !no && uint_set(o->number, value);
    if (!cmdline_bool(value ? value : "", &flag))
        return false;
    *o->flag = flag != no;
    return true;
}

static bool names_equal(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] && !((a[i] == '-' || a[i] == '_') && (b[i] == '-' || b[i] == '_')))
            return false;
    return true;
}

static const struct cmdline_option *option_find(const struct cmdline_option *table, unsigned int n,
                                                const char *name, size_t len)
{
    for (unsigned int i = 0; i < n; i++)
        if (strlen(table[i].name) == len && names_equal(table[i].name, name, len))
            return &table[i];
    return NULL;
}

static void word_take(const char *word, const struct cmdline_option *table, unsigned int n)
{
    const char *eq = strchr(word, '=');
    size_t len = eq ? (size_t)(eq - word) : strlen(word);
    const struct cmdline_option *o = option_find(table, n, word, len);
    bool no = !o && len > 3 && names_equal(word, "no-", 3);

    if (no)
        o = option_find(table, n, word + 3, len - 3);
    if (!o)
        log_warn("command line: unknown option \"%s\"\n", word);
    else if (!option_set(o, eq ? eq + 1 : NULL, no))
        log_warn("command line: bad value in \"%s\"\n", word);
}

/* ---- the line ---- */

/* Copy the word at line without its quotes; where it ends.  *len is how long it is, fitting or not. */
static const char *word_read(const char *line, char *word, size_t *len)
{
    bool quoted = false;
    size_t n = 0;

    for (; *line && (quoted || !is_blank(*line)); line++) {
        if (*line == '"')
            quoted = !quoted;
        else if (n++ < CMDLINE_OPTION_MAX)
            word[n - 1] = *line >= ' ' && *line <= '~' ? *line : '?';
    }
    word[MIN(n, (size_t)CMDLINE_OPTION_MAX)] = '\0';
    *len = n;
    return line;
}

const char *cmdline_parse(const char *line, const struct cmdline_option *table, unsigned int n)
{
    char word[CMDLINE_OPTION_MAX + 1];
    size_t len;

    for (;;) {
        while (is_blank(*line))
            line++;
        if (!*line)
            return line;
        line = word_read(line, word, &len);
        if (len > CMDLINE_OPTION_MAX)
            log_warn("command line: an option is too long: \"%.40s...\"\n", word);
        else if (!strcmp(word, "--"))
            break;
        else if (len && strcmp(word, "placeholder"))
            word_take(word, table, n);
    }
    while (is_blank(*line))
        line++;
    return line;
}
