/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction decoder and the arithmetic of read-modify-write instructions: see insn.h. */
#include "core/insn.h"

/* What follows an opcode. */
enum {
    M = 1,      /* ModRM */
    I1 = 2,     /* 8-bit immediate */
    I4 = 4,     /* immediate of operand size, at most 32 bits */
    I8 = 8,     /* immediate of the full operand size */
    A8 = 16,    /* absolute address of address size */
    G3 = 32,    /* group 3: an immediate only with /0 and /1 */
    OK = 64,    /* known, nothing follows */
    W64 = 128,  /* operand size is 64 bits by itself */
};

static const uint8_t one_byte[256] = {
#define ALU(op) [op] = M, [(op) + 1] = M, [(op) + 2] = M, [(op) + 3] = M, [(op) + 4] = I1, [(op) + 5] = I4
    ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18), ALU(0x20), ALU(0x28), ALU(0x30), ALU(0x38),
    [0x50 ... 0x5f] = OK | W64, [0x63] = M, [0x68] = I4 | W64, [0x69] = M | I4, [0x6a] = I1 | W64, [0x6b] = M | I1,
    [0x6c ... 0x6f] = OK, [0x70 ... 0x7f] = I1, [0x80] = M | I1, [0x81] = M | I4, [0x83] = M | I1,
    [0x84 ... 0x8b] = M, [0x8c] = M, [0x8d] = M, [0x8e] = M, [0x8f] = M | W64, [0x90 ... 0x99] = OK,
    [0x9c] = OK | W64, [0x9d] = OK | W64, [0x9e] = OK, [0x9f] = OK,
    [0xa0 ... 0xa3] = A8, [0xa4 ... 0xa7] = OK, [0xa8] = I1, [0xa9] = I4, [0xaa ... 0xaf] = OK,
    [0xb0 ... 0xb7] = I1, [0xb8 ... 0xbf] = I8, [0xc0] = M | I1, [0xc1] = M | I1, [0xc3] = OK | W64,
    [0xc6] = M | I1, [0xc7] = M | I4, [0xc9] = OK | W64, [0xcc] = OK, [0xcd] = I1, [0xcf] = OK,
    [0xd0 ... 0xd3] = M, [0xe4] = I1, [0xe5] = I1, [0xe6] = I1, [0xe7] = I1, [0xe8] = I4 | W64, [0xe9] = I4 | W64,
    [0xeb] = I1, [0xec ... 0xef] = OK, [0xf1] = OK, [0xf4] = OK, [0xf5] = OK, [0xf6] = M | G3, [0xf7] = M | G3,
    [0xf8 ... 0xfd] = OK, [0xfe] = M, [0xff] = M,
};

static const uint8_t two_byte[256] = {
    [0x00] = M, [0x01] = M, [0x02] = M, [0x03] = M, [0x05] = OK, [0x06] = OK, [0x07] = OK, [0x08] = OK, [0x09] = OK,
    [0x0b] = OK, [0x0d] = M, [0x10 ... 0x17] = M, [0x18 ... 0x1f] = M, [0x20 ... 0x23] = M, [0x28 ... 0x2f] = M,
    [0x30 ... 0x33] = OK, [0x34] = OK, [0x35] = OK, [0x40 ... 0x4f] = M, [0x6e] = M, [0x6f] = M, [0x7e] = M,
    [0x7f] = M, [0x80 ... 0x8f] = I4 | W64, [0x90 ... 0x9f] = M, [0xa0] = OK, [0xa1] = OK, [0xa2] = OK, [0xa3] = M,
    [0xa4] = M | I1, [0xa5] = M, [0xa8] = OK, [0xa9] = OK, [0xab] = M, [0xac] = M | I1, [0xad] = M, [0xae] = M,
    [0xaf] = M, [0xb0] = M, [0xb1] = M, [0xb3] = M, [0xb6] = M, [0xb7] = M, [0xb8] = M, [0xba] = M | I1,
    [0xbb ... 0xbf] = M, [0xc0] = M, [0xc1] = M, [0xc3] = M, [0xc7] = M, [0xc8 ... 0xcf] = OK,
};

struct reader {
    const uint8_t *p;
    size_t left;
    bool short_read;
};

static uint64_t take(struct reader *r, unsigned n)
{
    uint64_t v = 0;

    if (r->left < n) {
        r->short_read = true;
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)r->p[i] << (8 * i);
    r->p += n;
    r->left -= n;
    return v;
}

static int64_t take_signed(struct reader *r, unsigned n)
{
    unsigned shift = 64 - 8 * n;

    return n ? (int64_t)(take(r, n) << shift) >> shift : 0;
}

/* Legacy prefixes.  The byte behind them. */
static uint8_t prefixes(struct reader *r, struct insn *i, bool *opsize, bool *adsize)
{
    for (;;) {
        uint8_t b = (uint8_t)take(r, 1);

        switch (b) {
        case 0x66:
            *opsize = true;
            break;
        case 0x67:
            *adsize = true;
            break;
        case 0xf0:
            i->lock = true;
            break;
        case 0xf2:
            i->repne = true;
            i->rep = false;
            break;
        case 0xf3:
            i->rep = true;
            i->repne = false;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
            i->segment = b;
            break;
        default:
            return b;
        }
        if (r->short_read)
            return 0;
    }
}

static void sib(struct reader *r, struct insn *i)
{
    uint8_t b = (uint8_t)take(r, 1);
    uint8_t index = (uint8_t)((b >> 3 & 7) | (i->rex & 2) << 2);

    i->scale = b >> 6;
    i->index = index == 4 ? INSN_NONE : index;
    i->base = (uint8_t)((b & 7) | (i->rex & 1) << 3);
    if ((b & 7) == 5 && i->mod == 0) {
        i->base = INSN_NONE;
        i->disp = take_signed(r, 4);
    }
}

static void modrm(struct reader *r, struct insn *i, bool compat)
{
    uint8_t b = (uint8_t)take(r, 1);

    i->has_modrm = true;
    i->mod = b >> 6;
    i->reg = (uint8_t)((b >> 3 & 7) | (i->rex & 4) << 1);
    i->rm = (uint8_t)((b & 7) | (i->rex & 1) << 3);
    if (i->map == 1 && (i->opcode & 0xfc) == 0x20)
        i->mod = 3; /* mov of control and debug registers: whatever it says */
    if (i->mod == 3)
        return;
    if ((b & 7) == 4) {
        sib(r, i);
    } else if (i->mod == 0 && (b & 7) == 5) {
        i->base = compat ? INSN_NONE : INSN_RIP;
        i->disp = take_signed(r, 4);
    } else {
        i->base = i->rm;
    }
    if (i->mod == 1)
        i->disp = take_signed(r, 1);
    if (i->mod == 2)
        i->disp = take_signed(r, 4);
}

static void immediate(struct reader *r, struct insn *i, unsigned what)
{
    if ((what & G3) && (i->reg & 7) <= 1)
        what |= i->opcode & 1 ? I4 : I1;
    if (what & I1)
        i->imm = (uint64_t)take_signed(r, 1);
    if (what & I4)
        i->imm = (uint64_t)take_signed(r, MIN(i->op_bytes, (uint8_t)4));
    if (what & I8)
        i->imm = (uint64_t)take_signed(r, i->op_bytes);
    if (what & A8)
        i->disp = (int64_t)take(r, i->addr_bytes);
}

bool insn_decode(const uint8_t *bytes, size_t n, bool compat, struct insn *i)
{
    struct reader r = { .p = bytes, .left = MIN(n, (size_t)INSN_MAX) };
    bool opsize = false, adsize = false;
    unsigned what;
    uint8_t b;

    *i = (struct insn){ .base = INSN_NONE, .index = INSN_NONE };
    b = prefixes(&r, i, &opsize, &adsize);
    if (!compat && (b & 0xf0) == 0x40) {
        i->rex = b;
        b = (uint8_t)take(&r, 1);
    }
    if (b == 0x0f) {
        i->map = 1;
        b = (uint8_t)take(&r, 1);
    }
    i->opcode = b;
    what = i->map ? two_byte[b] : one_byte[b];
    if (!what || r.short_read)
        return false;
    i->op_bytes = i->rex & 8 ? 8 : opsize ? 2 : (what & W64) && !compat ? 8 : 4;
    i->addr_bytes = compat ? (adsize ? 2 : 4) : adsize ? 4 : 8;
    if (i->addr_bytes == 2 && (what & M))
        return false; /* 16-bit addressing: nobody's kernel or driver uses it here */
    if (what & M)
        modrm(&r, i, compat);
    immediate(&r, i, what);
    i->length = (uint8_t)(r.p - bytes);
    return !r.short_read;
}

/* ---- Operands ---- */

uint64_t *insn_reg(struct cpu_user_regs *r, unsigned nr)
{
    static const uint8_t at[16] = {
#define AT(f) offsetof(struct cpu_user_regs, f)
        AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsp), AT(rbp), AT(rsi), AT(rdi),
        AT(r8), AT(r9), AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15),
    };

    return (uint64_t *)(void *)((char *)r + at[nr & 15]);
}

uint64_t insn_address(const struct insn *i, struct cpu_user_regs *regs)
{
    uint64_t a = (uint64_t)i->disp;

    if (i->base == INSN_RIP)
        a += regs->rip + i->length;
    else if (i->base != INSN_NONE)
        a += *insn_reg(regs, i->base);
    if (i->index != INSN_NONE)
        a += *insn_reg(regs, i->index) << i->scale;
    return i->addr_bytes == 8 ? a : (uint32_t)a;
}

bool insn_decode_store(uint64_t code, struct cpu_user_regs *regs, struct insn *i, uint64_t *address)
{
    uint8_t rex = (uint8_t)code, opcode = (uint8_t)(code >> 8), b = (uint8_t)(code >> 16), mod = b >> 6, rm = b & 7;

    if ((rex & 0xfa) != 0x48 || (opcode != 0x89 && opcode != INSN_XCHG) || mod > 1 || rm == 4 || (mod == 0 && rm == 5))
        return false;
    i->length = (uint8_t)(3 + mod);
    i->opcode = opcode;
    i->reg = (uint8_t)((b >> 3 & 7) | (rex & 4) << 1);
    *address = *insn_reg(regs, rm | (rex & 1u) << 3) + (uint64_t)(mod ? (int8_t)(code >> 24) : 0);
    return true;
}

static bool is_high_byte(const struct insn *i, unsigned nr, unsigned bytes)
{
    return bytes == 1 && !i->rex && nr >= 4 && nr < 8;
}

uint64_t insn_reg_read(const struct insn *i, struct cpu_user_regs *regs, unsigned nr, unsigned bytes)
{
    if (is_high_byte(i, nr, bytes))
        return *insn_reg(regs, nr - 4) >> 8 & 0xff;
    return *insn_reg(regs, nr) & insn_mask(bytes);
}

void insn_reg_write(const struct insn *i, struct cpu_user_regs *regs, unsigned nr, unsigned bytes, uint64_t v)
{
    uint64_t *r;

    if (is_high_byte(i, nr, bytes)) {
        r = insn_reg(regs, nr - 4);
        *r = (*r & ~0xff00ul) | (v & 0xff) << 8;
        return;
    }
    r = insn_reg(regs, nr);
    *r = bytes == 4 ? (uint32_t)v : (*r & ~insn_mask(bytes)) | (v & insn_mask(bytes));
}

/* ---- Read-modify-write ---- */

enum rmw {
    RMW_NONE, RMW_MOV, RMW_MOV_IMM, RMW_MOV_ACC, RMW_ALU, RMW_ALU_IMM, RMW_XCHG, RMW_CMPXCHG, RMW_XADD, RMW_BIT, RMW_BIT_IMM,
    RMW_NOT_NEG, RMW_INC_DEC,
};

static enum rmw rmw_kind0(const struct insn *i)
{
    uint8_t op = i->opcode;

    if (op < 0x38 && (op & 7) <= 1)
        return RMW_ALU;
    switch (op) {
    case 0x80:
    case 0x81:
    case 0x83:
        return (i->reg & 7) == 7 ? RMW_NONE : RMW_ALU_IMM;
    case 0x86:
    case 0x87:
        return RMW_XCHG;
    case 0x88:
    case 0x89:
        return RMW_MOV;
    case 0xa2:
    case 0xa3:
        return RMW_MOV_ACC;
    case 0xc6:
    case 0xc7:
        return (i->reg & 7) == 0 ? RMW_MOV_IMM : RMW_NONE;
    case 0xf6:
    case 0xf7:
        return (i->reg & 7) == 2 || (i->reg & 7) == 3 ? RMW_NOT_NEG : RMW_NONE;
    case 0xfe:
    case 0xff:
        return (i->reg & 7) <= 1 ? RMW_INC_DEC : RMW_NONE;
    default:
        return RMW_NONE;
    }
}

static enum rmw rmw_kind(const struct insn *i)
{
    if (i->has_modrm && i->mod == 3)
        return RMW_NONE;
    if (i->map == 0)
        return rmw_kind0(i);
    switch (i->opcode) {
    case 0xb0:
    case 0xb1:
        return RMW_CMPXCHG;
    case 0xc0:
    case 0xc1:
        return RMW_XADD;
    case 0xab:
    case 0xb3:
    case 0xbb:
        return RMW_BIT;
    case 0xba:
        return (i->reg & 7) >= 5 ? RMW_BIT_IMM : RMW_NONE;
    case 0xc3: /* movnti */
        return i->op_bytes >= 4 ? RMW_MOV : RMW_NONE;
    default:
        return RMW_NONE;
    }
}

bool insn_rmw_known(struct insn *i, unsigned *bytes)
{
    enum rmw k = rmw_kind(i);
    bool always_wide = k == RMW_BIT || k == RMW_BIT_IMM || (i->map == 1 && i->opcode == 0xc3);

    *bytes = !always_wide && !(i->opcode & 1) ? 1 : i->op_bytes;
    if (i->opcode == 0x83)
        *bytes = i->op_bytes;
    i->rmw = (uint8_t)k;
    return k != RMW_NONE;
}

int64_t insn_rmw_displacement(const struct insn *i, struct cpu_user_regs *regs, unsigned bytes)
{
    int64_t bit;

    if (i->rmw != RMW_BIT)
        return 0;
    bit = (int64_t)*insn_reg(regs, i->reg);
    if (bytes == 4)
        bit = (int32_t)bit;
    if (bytes == 2)
        bit = (int16_t)bit;
    return (bit >> (bytes == 8 ? 6 : bytes == 4 ? 5 : 4)) * (int64_t)bytes;
}

#define F_CF 0x001ul
#define F_PF 0x004ul
#define F_AF 0x010ul
#define F_ZF 0x040ul
#define F_SF 0x080ul
#define F_OF 0x800ul
#define F_ARITH (F_CF | F_PF | F_AF | F_ZF | F_SF | F_OF)

static uint64_t flags_result(uint64_t v, unsigned bytes)
{
    uint64_t f = 0;

    v &= insn_mask(bytes);
    if (v == 0)
        f |= F_ZF;
    if (v >> (8 * bytes - 1))
        f |= F_SF;
    if (!(__builtin_popcountl(v & 0xff) & 1))
        f |= F_PF;
    return f;
}

static void flags_set(struct cpu_user_regs *regs, uint64_t mask, uint64_t f)
{
    regs->rflags = (regs->rflags & ~mask) | f;
}

/* a + b + carry (sub: a - b - carry), with flags. */
static uint64_t add_flags(struct cpu_user_regs *regs, uint64_t a, uint64_t b, unsigned carry, bool sub, unsigned bytes,
                          uint64_t which)
{
    uint64_t m = insn_mask(bytes), top = 1ul << (8 * bytes - 1), v, carries;

    a &= m;
    b &= m;
    v = (sub ? a - b - carry : a + b + carry) & m;
    /* The carry (borrow) out of each bit. */
    carries = sub ? (~a & b) | ((~a | b) & v) : (a & b) | ((a | b) & ~v);
    flags_set(regs, which, which & (flags_result(v, bytes) | (carries & top ? F_CF : 0) | (carries & 8 ? F_AF : 0) |
                                    ((sub ? (a ^ b) & (a ^ v) : ~(a ^ b) & (a ^ v)) & top ? F_OF : 0)));
    return v;
}

static uint64_t alu(struct cpu_user_regs *regs, unsigned op, uint64_t a, uint64_t b, unsigned bytes)
{
    unsigned carry = (unsigned)(regs->rflags & F_CF);
    uint64_t v;

    switch (op & 7) {
    case 0:
        return add_flags(regs, a, b, 0, false, bytes, F_ARITH);
    case 2:
        return add_flags(regs, a, b, carry, false, bytes, F_ARITH);
    case 3:
        return add_flags(regs, a, b, carry, true, bytes, F_ARITH);
    case 5:
    case 7:
        return add_flags(regs, a, b, 0, true, bytes, F_ARITH);
    case 1:
        v = a | b;
        break;
    case 4:
        v = a & b;
        break;
    default:
        v = a ^ b;
        break;
    }
    flags_set(regs, F_ARITH, flags_result(v, bytes));
    return v & insn_mask(bytes);
}

static uint64_t bit_op(struct cpu_user_regs *regs, unsigned op, uint64_t old, uint64_t bit, unsigned bytes)
{
    uint64_t m = 1ul << (bit & (8 * bytes - 1));

    flags_set(regs, F_CF, old & m ? F_CF : 0);
    return op == 5 ? old | m : op == 6 ? old & ~m : old ^ m; /* bts, btr, btc */
}

static bool cmpxchg(const struct insn *i, struct cpu_user_regs *regs, unsigned bytes, uint64_t old, uint64_t *next)
{
    uint64_t acc = insn_reg_read(i, regs, 0, bytes);

    add_flags(regs, acc, old, 0, true, bytes, F_ARITH);
    if (acc != (old & insn_mask(bytes))) {
        insn_reg_write(i, regs, 0, bytes, old);
        return false;
    }
    *next = insn_reg_read(i, regs, i->reg, bytes);
    return true;
}

bool insn_rmw_apply(const struct insn *i, struct cpu_user_regs *regs, unsigned bytes, uint64_t old, uint64_t *next)
{
    uint64_t reg = i->has_modrm ? insn_reg_read(i, regs, i->reg, bytes) : 0;

    switch ((enum rmw)i->rmw) {
    case RMW_MOV:
        *next = reg;
        return true;
    case RMW_MOV_IMM:
        *next = i->imm & insn_mask(bytes);
        return true;
    case RMW_MOV_ACC:
        *next = insn_reg_read(i, regs, 0, bytes);
        return true;
    case RMW_ALU:
        *next = alu(regs, i->opcode >> 3, old, reg, bytes);
        return true;
    case RMW_ALU_IMM:
        *next = alu(regs, i->reg, old, i->imm, bytes);
        return true;
    case RMW_XCHG:
        insn_reg_write(i, regs, i->reg, bytes, old);
        *next = reg;
        return true;
    case RMW_CMPXCHG:
        return cmpxchg(i, regs, bytes, old, next);
    case RMW_XADD:
        *next = add_flags(regs, old, reg, 0, false, bytes, F_ARITH);
        insn_reg_write(i, regs, i->reg, bytes, old);
        return true;
    case RMW_BIT:
        *next = bit_op(regs, i->opcode == 0xab ? 5 : i->opcode == 0xb3 ? 6 : 7, old, *insn_reg(regs, i->reg), bytes);
        return true;
    case RMW_BIT_IMM:
        *next = bit_op(regs, i->reg & 7, old, i->imm, bytes);
        return true;
    case RMW_NOT_NEG:
        *next = (i->reg & 7) == 2 ? ~old & insn_mask(bytes) : add_flags(regs, 0, old, 0, true, bytes, F_ARITH);
        return true;
    case RMW_INC_DEC:
        *next = add_flags(regs, old, 1, 0, (i->reg & 7) == 1, bytes, F_ARITH & ~F_CF);
        return true;
    case RMW_NONE:
    default:
        return false;
    }
}
