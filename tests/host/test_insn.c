/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction decoder against an independent one, over all opcodes and operand bytes; and the arithmetic of
 * read-modify-write instructions against the processor this test runs on: each generated instruction is put into a page,
 * run with random registers, and memory, registers and flags compared.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/mman.h>
#include "insn_compare.h"

static uint64_t seed;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* ---- Decoding ---- */

/* Every opcode with every operand byte, under all prefixes that change how it is read. */
static void decode_all(bool compat, bool second_map)
{
    static const uint8_t prefixes[] = { 0, 0x66, 0x67, 0x48, 0x41, 0x46, 0xf0, 0xf3 };
    unsigned same = 0;

    for (unsigned op = 0; op < 256; op++)
        for (unsigned rm = 0; rm < 256; rm++)
            for (unsigned p = 0; p < ARRAY_SIZE(prefixes); p++)
                for (unsigned k = 0; k < 4; k++) {
                    uint8_t b[16], *at = b;

                    for (unsigned i = 0; i < 16; i++)
                        b[i] = (uint8_t)rnd();
                    if (p)
                        *at++ = prefixes[p];
                    if (second_map)
                        *at++ = 0x0f;
                    *at++ = (uint8_t)op;
                    *at = (uint8_t)rm;
                    same += compare_decoders(b, 15, compat);
                }
    assert_true(same > (second_map ? 200000 : 500000));
}

static void test_decode(void **state)
{
    (void)state;
    seed = 0x9e3779b97f4a7c15;
    for (unsigned how = 0; how < 4; how++)
        decode_all(how & 1, how & 2);
}

static void test_decode_random(void **state)
{
    unsigned same = 0;

    (void)state;
    seed = 0x1234567;
    for (unsigned n = 0; n < 500000; n++) {
        uint8_t b[15];

        for (unsigned i = 0; i < 15; i++)
            b[i] = (uint8_t)rnd();
        same += compare_decoders(b, 1 + rnd() % 15, n & 1);
    }
    assert_true(same > 100000);
}

/* What is decoded the quick way is a 64-bit mov or xchg to memory, and as the long way has it. */
static void test_store(void **state)
{
    struct cpu_user_regs regs;
    unsigned known = 0;

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        *insn_reg(&regs, i) = rnd();
    for (uint64_t code = 0; code < 1 << 24; code++) {
        uint64_t bytes = code | rnd() << 24, at;
        struct insn quick, whole;
        unsigned width = 0;

        if ((code & 0xff) > 0x4f || !insn_decode_store(bytes, &regs, &quick, &at))
            continue;
        known++;
        assert_true(insn_decode((uint8_t *)&bytes, 8, false, &whole) && insn_rmw_known(&whole, &width));
        assert_true(width == 8 && whole.map == 0 && (whole.opcode == 0x89 || whole.opcode == INSN_XCHG) && !whole.segment);
        assert_true(quick.length == whole.length && quick.opcode == whole.opcode && quick.reg == whole.reg);
        assert_true(at == insn_address(&whole, &regs));
    }
    assert_int_equal(known, 4 * 2 * 8 * (6 + 7)); /* REX, opcodes, registers, operands */
}

/* What we have to carry out for guests must be known; what is cut off or too long must not. */
static void test_known(void **state)
{
    static const struct { const char *bytes; unsigned n; } known[] = {
        { "\x0f\xa2", 2 },              /* cpuid */
        { "\x0f\x30", 2 }, { "\x0f\x32", 2 },                     /* wrmsr, rdmsr */
        { "\x0f\x20\xc0", 3 }, { "\x0f\x22\xd8", 3 },             /* mov %cr0,%rax; mov %rax,%cr3 */
        { "\x44\x0f\x20\xc0", 4 },                                /* mov %cr8,%rax */
        { "\x0f\x21\xf8", 3 }, { "\x0f\x23\xf8", 3 },             /* debug registers */
        { "\x0f\x22\x18", 3 },                                    /* the same with mod 0 */
        { "\x0f\x06", 2 }, { "\x0f\x09", 2 }, { "\x0f\x08", 2 },  /* clts, wbinvd, invd */
        { "\x0f\x01\xd0", 3 }, { "\x0f\x01\xd1", 3 },             /* xgetbv, xsetbv */
        { "\x0f\x01\xf9", 3 }, { "\x0f\x31", 2 }, { "\x0f\x33", 2 }, /* rdtscp, rdtsc, rdpmc */
        { "\xe4\x60", 2 }, { "\x66\xe7\x60", 3 }, { "\xec", 1 }, { "\xef", 1 }, /* in, out */
        { "\xf3\x6c", 2 }, { "\xf3\x66\x6f", 3 },                 /* rep insb, rep outsw */
        { "\xf4", 1 }, { "\xfa", 1 }, { "\xfb", 1 },              /* hlt, cli, sti */
        { "\xcd\x80", 2 }, { "\xcc", 1 }, { "\x48\xcf", 2 },      /* int, int3, iretq */
        { "\x48\x89\x07", 3 }, { "\xf0\x48\x0f\xb1\x0f", 5 },     /* mov, cmpxchg: page-table writes */
    };
    struct insn i;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(known); k++) {
        assert_true(insn_decode((const uint8_t *)known[k].bytes, known[k].n, false, &i));
        assert_int_equal(i.length, known[k].n);
        assert_false(insn_decode((const uint8_t *)known[k].bytes, known[k].n - 1, false, &i));
    }
    assert_true(insn_decode((const uint8_t *)"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 15, false, &i));
    assert_false(insn_decode((const uint8_t *)"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16, false, &i));
    assert_false(insn_decode((const uint8_t *)"", 0, false, &i));
}

/* ---- The processor ---- */

#define BUFFER 512

/* Below 4 GiB, so that 32-bit addresses reach it. */
static struct page {
    uint8_t code[2048];
    uint64_t in[16], out[16], in_flags, out_flags, stack;
    uint8_t buffer[BUFFER] __attribute__((aligned(64)));
} *P;

static uint8_t *emit_rip(uint8_t *at, uint8_t rex, uint8_t opcode, unsigned reg, const void *target)
{
    int32_t disp;

    if (rex)
        *at++ = (uint8_t)(rex | (reg & 8) >> 1);
    *at++ = opcode;
    *at++ = (uint8_t)(5 | (reg & 7) << 3);
    disp = (int32_t)((const uint8_t *)target - (at + 4));
    memcpy(at, &disp, 4);
    return at + 4;
}

static uint8_t *emit(uint8_t *at, const char *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return at + n;
}

/* Before the instruction: all registers but the flags' content are from P->in.  Where it goes. */
static uint8_t *emit_prologue(void)
{
    uint8_t *at = emit(P->code, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57\x9c", 11); /* push rbx rbp r12-r15, pushf */

    at = emit_rip(at, 0x48, 0x89, 4, &P->stack);
    at = emit_rip(at, 0, 0xff, 6, &P->in_flags); /* push */
    *at++ = 0x9d;
    for (unsigned r = 0; r < 16; r++)
        at = emit_rip(at, 0x48, 0x8b, r, &P->in[r]);
    return at;
}

static void emit_epilogue(uint8_t *at)
{
    for (unsigned r = 0; r < 16; r++)
        at = emit_rip(at, 0x48, 0x89, r, &P->out[r]);
    at = emit_rip(at, 0x48, 0x8b, 4, &P->stack);
    *at++ = 0x9c;
    at = emit_rip(at, 0, 0x8f, 0, &P->out_flags); /* pop */
    emit(at, "\x9d\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 12);
}

/* ---- Making instructions ---- */

struct form {
    uint8_t map, opcode, ext_first, ext_last; /* ext: values of the reg field that are meant, 0-7: a register */
    uint8_t imm;                              /* 0, 1, or 4: operand size, at most 32 bits */
    bool lockable;
    uint64_t undefined;                       /* flags that it leaves undefined */
};

#define AF 0x10ul
#define BT_UNDEFINED (0x800ul | 0x80 | 0x10 | 0x4)

static const struct form forms[] = {
#define ALU_FORMS(op, undef) { 0, op, 0, 7, 0, true, undef }, { 0, (op) + 1, 0, 7, 0, true, undef }
    ALU_FORMS(0x00, 0), ALU_FORMS(0x08, AF), ALU_FORMS(0x10, 0), ALU_FORMS(0x18, 0), ALU_FORMS(0x20, AF),
    ALU_FORMS(0x28, 0), ALU_FORMS(0x30, AF),
#define IMM_FORMS(ext, undef) { 0, 0x80, ext, ext, 1, true, undef }, { 0, 0x81, ext, ext, 4, true, undef }, \
                              { 0, 0x83, ext, ext, 1, true, undef }
    IMM_FORMS(0, 0), IMM_FORMS(1, AF), IMM_FORMS(2, 0), IMM_FORMS(3, 0), IMM_FORMS(4, AF), IMM_FORMS(5, 0),
    IMM_FORMS(6, AF),
    { 0, 0x86, 0, 7, 0, true, 0 }, { 0, 0x87, 0, 7, 0, true, 0 }, { 0, 0x88, 0, 7, 0, false, 0 },
    { 0, 0x89, 0, 7, 0, false, 0 }, { 0, 0xa2, 0, 0, 0, false, 0 }, { 0, 0xa3, 0, 0, 0, false, 0 },
    { 0, 0xc6, 0, 0, 1, false, 0 }, { 0, 0xc7, 0, 0, 4, false, 0 }, { 0, 0xf6, 2, 3, 0, true, 0 },
    { 0, 0xf7, 2, 3, 0, true, 0 }, { 0, 0xfe, 0, 1, 0, true, 0 }, { 0, 0xff, 0, 1, 0, true, 0 },
    { 1, 0xb0, 0, 7, 0, true, 0 }, { 1, 0xb1, 0, 7, 0, true, 0 }, { 1, 0xc0, 0, 7, 0, true, 0 },
    { 1, 0xc1, 0, 7, 0, true, 0 }, { 1, 0xab, 0, 7, 0, true, BT_UNDEFINED }, { 1, 0xb3, 0, 7, 0, true, BT_UNDEFINED },
    { 1, 0xbb, 0, 7, 0, true, BT_UNDEFINED }, { 1, 0xba, 5, 7, 1, true, BT_UNDEFINED }, { 1, 0xc3, 0, 7, 0, false, 0 },
};

static bool is_moffs(const struct form *f)
{
    return f->map == 0 && (f->opcode & 0xfe) == 0xa2;
}

/* The operand's place in the instruction: sets P->in so that it is `target`.  NULL: doesn't come out. */
static uint8_t *make_operand(uint8_t *at, uint8_t rex, unsigned reg, uint64_t target, bool addr32, unsigned imm_bytes)
{
    unsigned mod = rnd() % 3, base = rnd() % 16, index = rnd() % 16, scale = rnd() % 4, rm = base & 7;
    bool with_sib = rm == 4 || rnd() % 2, rip = false, no_base;
    int64_t disp = mod == 0 ? 0 : mod == 1 ? (int8_t)rnd() : (int32_t)(rnd() % 100000) - 50000;
    unsigned disp_bytes = mod == 0 ? 0 : mod == 1 ? 1 : 4;

    base = rm | (rex & 1) << 3;
    index = (index & 7) | (rex & 2) << 2;
    if (!with_sib && mod == 0 && rm == 5) {
        rip = true;
        disp_bytes = 4;
    }
    no_base = with_sib && mod == 0 && rm == 5;
    if (no_base)
        disp_bytes = 4;
    if (!with_sib || index == 4)
        index = 99;
    if (no_base && index == 99) {
        disp = (int64_t)target;
    } else if (no_base) {
        P->in[index] = (target >> scale) - rnd() % 64;
        disp = (int64_t)(target - (P->in[index] << scale));
    } else if (!rip && index == base) {
        uint64_t times = 1 + (1ul << scale);

        if ((target - (uint64_t)disp) % times)
            return NULL;
        P->in[base] = (target - (uint64_t)disp) / times;
    } else if (!rip) {
        if (index != 99)
            P->in[index] = rnd() % 1000;
        P->in[base] = target - (uint64_t)disp - (index != 99 ? P->in[index] << scale : 0);
    }
    if (addr32 && !rip) /* the upper half doesn't count */
        P->in[no_base ? (index == 99 ? 15 : index) : base] |= rnd() << 32;
    *at++ = (uint8_t)(mod << 6 | (reg & 7) << 3 | (with_sib ? 4 : rm));
    if (with_sib)
        *at++ = (uint8_t)(scale << 6 | (index == 99 ? 4 : index & 7) << 3 | rm);
    if (rip)
        disp = (int64_t)(target - (uint64_t)(at + 4 + imm_bytes));
    memcpy(at, &disp, disp_bytes);
    return at + disp_bytes;
}

/* Random registers, an instruction of this form behind the prologue, its operand in the buffer.  The end, or NULL. */
static uint8_t *make_insn(const struct form *f, uint8_t *at)
{
    bool opsize = rnd() % 4 == 0 && !(f->map == 1 && f->opcode == 0xc3), addr32 = rnd() % 8 == 0;
    uint8_t rex = rnd() % 4 ? (uint8_t)(0x40 | rnd() % 16) : 0;
    unsigned ext = f->ext_first + (unsigned)rnd() % (f->ext_last - f->ext_first + 1u), op_bytes = rex & 8 ? 8 : opsize ? 2 : 4;
    unsigned imm = f->imm == 4 && op_bytes == 2 ? 2 : f->imm;
    uint64_t target = (uint64_t)P->buffer + BUFFER / 4 + rnd() % (BUFFER / 2 - 16);
    bool bit_register = f->map == 1 && (f->opcode & 0xe7) == 0xa3;
    unsigned reg = ext | (rex & 4) << 1;
    const uint8_t *start = at;

    for (unsigned r = 0; r < 16; r++)
        P->in[r] = rnd() % 8 ? rnd() : (uint64_t)(int64_t)(int)(rnd() % 5) - 2;
    if (bit_register)
        P->in[reg] = (uint64_t)((int64_t)(rnd() % (BUFFER * 2)) - BUFFER) | (op_bytes < 8 ? rnd() << 32 : 0);
    if (bit_register && op_bytes == 2)
        P->in[reg] ^= (rnd() & 0xffff) << 16;
    if (f->lockable && rnd() % 4 == 0)
        *at++ = 0xf0;
    if (opsize)
        *at++ = 0x66;
    if (addr32)
        *at++ = 0x67;
    if (rnd() % 8 == 0)
        *at++ = 0x3e;
    if (rex)
        *at++ = rex;
    if (f->map)
        *at++ = 0x0f;
    *at++ = f->opcode;
    if (is_moffs(f)) {
        memcpy(at, &target, 8);
        at += addr32 ? 4 : 8;
    } else {
        uint64_t was = P->in[reg];

        at = make_operand(at, rex, reg, target, addr32, imm);
        if (!at || (bit_register && P->in[reg] != was))
            return NULL;
    }
    for (unsigned i = 0; i < imm; i++)
        *at++ = (uint8_t)rnd();
    return at - start > INSN_MAX ? NULL : at;
}

static struct cpu_user_regs regs_in(const uint8_t *rip)
{
    struct cpu_user_regs regs = { .rip = (uint64_t)rip, .rflags = P->in_flags };

    for (unsigned r = 0; r < 16; r++)
        *insn_reg(&regs, r) = P->in[r];
    return regs;
}

static void differs(const char *what, const struct insn *i, const uint8_t *code, uint64_t ours, uint64_t cpus)
{
    fprintf(stderr, "%s: ours %lx, the processor's %lx:", what, ours, cpus);
    for (unsigned k = 0; k < i->length; k++)
        fprintf(stderr, " %02x", code[k]);
    fprintf(stderr, "\n");
    fail();
}

#define ARITH (0x800ul | 0x80 | 0x40 | 0x10 | 0x4 | 0x1)

static bool run_one(const struct form *f)
{
    uint8_t *start = emit_prologue(), *end, buffer[BUFFER];
    unsigned bytes;
    uint64_t at, old = 0, next = 0;
    struct cpu_user_regs regs;
    struct insn i;

    P->in_flags = 0x202 | (rnd() & ARITH);
    end = make_insn(f, start);
    if (!end)
        return false;
    emit_epilogue(end);
    for (unsigned k = 0; k < BUFFER; k++)
        P->buffer[k] = (uint8_t)rnd();
    assert_true(insn_decode(start, INSN_MAX, false, &i));
    assert_ptr_equal(start + i.length, end);
    assert_true(insn_rmw_known(&i, &bytes));
    regs = regs_in(start);
    at = insn_address(&i, &regs) + (uint64_t)insn_rmw_displacement(&i, &regs, bytes);
    if (at < (uint64_t)P->buffer || at + bytes > (uint64_t)P->buffer + BUFFER) {
        differs("address", &i, start, at, (uint64_t)P->buffer);
        return false;
    }
    if (f->map == 1 && (f->opcode & 0xfe) == 0xb0 && rnd() % 2) /* cmpxchg that finds what it wants */
        memcpy((void *)at, &regs.rax, bytes);
    memcpy(buffer, P->buffer, BUFFER);
    memcpy(&old, (void *)at, bytes);
    if (insn_rmw_apply(&i, &regs, bytes, old, &next))
        memcpy(buffer + (at - (uint64_t)P->buffer), &next, bytes);
    ((void (*)(void))(void *)P->code)();
    for (unsigned k = 0; k < BUFFER; k++)
        if (buffer[k] != P->buffer[k])
            differs("memory", &i, start, buffer[k], P->buffer[k]);
    for (unsigned r = 0; r < 16; r++)
        if (*insn_reg(&regs, r) != P->out[r])
            differs("register", &i, start, *insn_reg(&regs, r), P->out[r]);
    if ((regs.rflags ^ P->out_flags) & ARITH & ~f->undefined)
        differs("flags", &i, start, regs.rflags & ARITH, P->out_flags & ARITH);
    return true;
}

static void test_rmw_as_the_processor(void **state)
{
    (void)state;
    seed = 0xfedcba987654321;
    P = mmap(NULL, sizeof(*P), PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    assert_ptr_not_equal(P, MAP_FAILED);
    for (unsigned k = 0; k < ARRAY_SIZE(forms); k++) {
        unsigned done = 0;

        for (unsigned n = 0; n < 4000; n++)
            done += run_one(&forms[k]);
        assert_true(done > 1000);
    }
    munmap(P, sizeof(*P));
}

/* Whatever insn_rmw_known() claims is one of the forms above: nothing is carried out that was not compared. */
static void test_rmw_claims(void **state)
{
    (void)state;
    for (unsigned op = 0; op < 512; op++)
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            uint8_t b[15] = { 0x0f, (uint8_t)op, (uint8_t)modrm };
            bool tested = false;
            unsigned bytes;
            struct insn i;

            if (!insn_decode(op & 256 ? b : b + 1, 12, false, &i) || !insn_rmw_known(&i, &bytes))
                continue;
            for (unsigned k = 0; k < ARRAY_SIZE(forms); k++)
                tested |= forms[k].map == i.map && forms[k].opcode == i.opcode &&
                          (is_moffs(&forms[k]) || ((i.reg & 7) >= forms[k].ext_first && (i.reg & 7) <= forms[k].ext_last));
            if (!tested)
                fail_msg("map %u opcode %02x /%u", i.map, i.opcode, i.reg);
            assert_true(is_moffs(&(struct form){ .map = i.map, .opcode = i.opcode }) || i.mod != 3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode), cmocka_unit_test(test_decode_random), cmocka_unit_test(test_known), cmocka_unit_test(test_store),
        cmocka_unit_test(test_rmw_as_the_processor), cmocka_unit_test(test_rmw_claims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
