/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each debug key that Xen knows, by sysctl (xl debug-keys): the log has an answer, or says that the key does nothing. */
#define __XEN_TOOLS__ 1
#include "check.h"
#include "console.h"
#include "sysctl.h"

/* Without those that end it all (C, R) or are for a debugger on a line of its own (%). */
static const char keys[] = "*+-0ADGHIMNOPQSVacdeghimnopqrstuvwxz";
static char text[65536];

/* What the log holds from now on is read by the next call. */
static void log_read(bool clear)
{
    memset(text, 0, sizeof(text));
    EXPECT_OK(SYSCTL(readconsole, ({
        set_xen_guest_handle(U.readconsole.buffer, text);
        U.readconsole.count = sizeof(text) - 1;
        U.readconsole.clear = clear;
    })));
}

static long press(const char *k, uint32_t n)
{
    return SYSCTL(debug_keys, ({
        set_xen_guest_handle(U.debug_keys.keys, k);
        U.debug_keys.nr_keys = n;
    }));
}

void test_main(void)
{
    for (unsigned i = 0; i < sizeof(keys) - 1; i++) {
        char quoted[] = { '\'', keys[i], '\'', '\0' };

        if (test_on_xen() && keys[i] == 'N')
            continue; /* the NMI that it makes would come to us */
        log_read(true);
        EXPECT_OK(press(&keys[i], 1));
        log_read(false);
        if (!test_on_xen() && !EXPECT_TRUE(strstr(text, quoted)))
            printf("key %c\n", keys[i]);
        if (!test_on_xen() && keys[i] == 'S') {
            EXPECT_TRUE(strstr(text, "Speculation: retpolines; SPEC_CTRL "));
            EXPECT_TRUE(strstr(text, "Page-table isolation: "));
        }
    }
    EXPECT_REFUSED(press((const char *)UNMAPPED, 1));
}
