/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of the checking builds find what they are for: each wrong, done on purpose, is answered with the message it must have. */
/* build: checks */
#include "check.h"
#include "checks.h"
#include "console.h"

static const struct {
    enum check_provoke what;
    const char *text;
} wrongs[] = {
    { PROVOKE_FRAME_FREED, "faults more" },
    { PROVOKE_LOCK_ORDER, "lock order: rank" },
    { PROVOKE_LOCK_KEPT, "a hypercall ends with a lock of rank" },
    { PROVOKE_IRQS_OFF, "a hypercall ends with interrupts off" },
    { PROVOKE_COPY_LOCKED, "guest memory is touched with a lock of rank" },
    { PROVOKE_PAST_END, "was written past its end" },
    { PROVOKE_DOUBLE_FREE, "is free already" },
    { PROVOKE_WRITE_FREED, "was written" },
    { PROVOKE_REFS, "references are stuck at 0xc0000000" },
};

static const struct {
    enum check_provoke what;
    const char *text;
} san_wrongs[] = {
    { PROVOKE_READ_FREED, "read of 1 bytes" },
    { PROVOKE_READ_PAST, "past the end of an object" },
    { PROVOKE_COPY_PAST, "past the end of an object" },
    { PROVOKE_OVERFLOW, "2147483647 + 1 in type 'int'" },
    { PROVOKE_SHIFT, "1 of type 'unsigned int' shifted by 32" },
    { PROVOKE_INDEX, "index 5 of 'uint8_t" },
    { PROVOKE_BOOL, "3 is no value of type" },
    { PROVOKE_SMASH, "overran its stack frame" },
    { PROVOKE_LEAK, "leak: 16 bytes without a value, 8 bytes into 32" },
};

static bool provoked(enum check_provoke what, const char *text)
{
    static char said[256];

    memset(said, 0, sizeof(said));
    if (!EXPECT_EQUAL(check_call(CHECK_PROVOKE, what, said), 1)) {
        printf("  not found: %u\n", what);
        return false;
    }
    printf("  %s", said);
    if (!EXPECT_TRUE(strstr(said, text)))
        printf("  wanted: %s\n", text);
    return true;
}

/* 7 bytes of padding, once clang's variables hold the pattern; the stack's own filling is seen, too. */
static void check_padding(void)
{
    EXPECT_TRUE(provoked(PROVOKE_LEAK_PADDING, "leak: 7 bytes without a value, 1 bytes into 16"));
}

void test_main(void)
{
    long build = check_call(CHECK_BUILD, 0, NULL);

    REQUIRE(build >= 0);
    for (unsigned i = 0; i < ARRAY_SIZE(wrongs); i++)
        provoked(wrongs[i].what, wrongs[i].text);
    if (!(build & CHECK_HAS_SAN))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(san_wrongs); i++)
        provoked(san_wrongs[i].what, san_wrongs[i].text);
    check_padding();
}
