/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/string.c against the C library, over many lengths, offsets and overlaps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

void *core_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *core_memmove(void *dst, const void *src, size_t n);
void *core_memset(void *dst, int c, size_t n);
int core_memcmp(const void *a, const void *b, size_t n);
void *core_memchr(const void *s, int c, size_t n);
size_t core_strlen(const char *s);
size_t core_strnlen(const char *s, size_t max);
int core_strcmp(const char *a, const char *b);
int core_strncmp(const char *a, const char *b, size_t n);
char *core_strchr(const char *s, int c);
char *core_strstr(const char *s, const char *what);

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void bytes_fill(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)rand();
}

static void test_copy_set(void **state)
{
    unsigned char src[64], a[80], b[80];

    (void)state;
    for (size_t n = 0; n <= sizeof(src); n++)
    {
        bytes_fill(src, sizeof(src));
        memset(a, 0x11, sizeof(a));
        memset(b, 0x11, sizeof(b));
        assert_ptr_equal(core_memcpy(a + 3, src, n), a + 3);
        memcpy(b + 3, src, n);
        assert_memory_equal(a, b, sizeof(a));
        assert_ptr_equal(core_memset(a + 5, 0x1234, n), a + 5);
        memset(b + 5, 0x34, n);
        assert_memory_equal(a, b, sizeof(a));
    }
}

static void test_move(void **state)
{
    unsigned char a[48], b[48];

    (void)state;
    for (size_t from = 0; from < 16; from++)
        for (size_t to = 0; to < 16; to++)
            for (size_t n = 0; n <= 32; n++)
            {
                bytes_fill(a, sizeof(a));
                memcpy(b, a, sizeof(a));
                assert_ptr_equal(core_memmove(a + to, a + from, n), a + to);
                memmove(b + to, b + from, n);
                assert_memory_equal(a, b, sizeof(a));
            }
}

static void test_compare(void **state)
{
    char a[8], b[8];

    (void)state;
    for (int i = 0; i < 50000; i++)
    {
        size_t n = (size_t)rand() % 8;

        for (int j = 0; j < 7; j++)
        {
            a[j] = (char)(rand() % 2 ? 'a' : 0xe0 + rand() % 2);
            b[j] = rand() % 4 ? a[j] : (char)(rand() % 3);
        }
        a[rand() % 8] = a[7] = b[7] = '\0';
        assert_int_equal(sign(core_memcmp(a, b, n)), sign(memcmp(a, b, n)));
        assert_int_equal(sign(core_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(core_strncmp(a, b, n)), sign(strncmp(a, b, n)));
    }
}

static void test_find(void **state)
{
    static const char *const texts[] = { "", "a", "aab", "abaabaab", "xyz", "\xff!" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        for (size_t j = 0; j < sizeof(texts) / sizeof(*texts); j++)
        {
            const char *s = texts[i], *t = texts[j];

            assert_ptr_equal(core_strstr(s, t), strstr(s, t));
            assert_ptr_equal(core_strchr(s, t[0]), strchr(s, t[0]));
            assert_ptr_equal(core_memchr(s, t[0], strlen(s)), memchr(s, t[0], strlen(s)));
            assert_int_equal(core_strlen(s), strlen(s));
            assert_int_equal(core_strnlen(s, j), strnlen(s, j));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_set),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_find),
    };

    srand(1);
    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
