/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder of x86-64 instructions: enough to say how long an instruction is, what its operands are and where in memory
 * they lie, for all one- and two-byte opcodes that we carry out for guests.  Pure: bytes in, a description out.
 * (SDM2 ch. 2, APM3 ch. 1.)
 */
#pragma once

#include "core/types.h"

#define INSN_MAX 15

struct insn {
    uint8_t length;
    uint8_t map;        /* 0: one-byte opcodes, 1: 0f xx */
    uint8_t opcode;
    uint8_t op_bytes;   /* 1 never: byte forms are told by the opcode; 2, 4 or 8 */
    uint8_t addr_bytes; /* 2, 4 or 8 */
    bool lock, rep, repne;
    uint8_t segment;    /* 0: none, else the prefix byte */
    uint8_t rex;
    bool has_modrm;
    uint8_t mod, reg, rm;   /* reg and rm with their REX bits; rm only if mod == 3 */
    uint8_t base, index;    /* register numbers, INSN_NONE: none, INSN_RIP */
    uint8_t scale;          /* shift */
    uint8_t rmw;            /* set by insn_rmw_known() for the other insn_rmw_*() */
    int64_t disp;
    uint64_t imm;           /* sign-extended */
};

#define INSN_NONE 0xff
#define INSN_RIP  0xfe

/* Decode at most n bytes, for 64-bit code or (compat) 32-bit code.  False: more bytes are needed than there are, or an
 * opcode that this decoder doesn't know. */
bool insn_decode(const uint8_t *bytes, size_t n, bool compat, struct insn *out);

/* The quick way for 64-bit code's mov or xchg of a 64-bit register to [register] or [register + 8 bits], the instruction's first 8
 * bytes in `code`: length, opcode and reg are set, no other field.  False: it is another instruction. */
#define INSN_XCHG 0x87
bool insn_decode_store(uint64_t code, struct cpu_user_regs *regs, struct insn *out, uint64_t *address);

/* The general register number nr (0 rax, 1 rcx, ... 15 r15) in a frame. */
uint64_t *insn_reg(struct cpu_user_regs *regs, unsigned nr);

/* Address of the memory operand, without segment base; regs are those before the instruction. */
uint64_t insn_address(const struct insn *i, struct cpu_user_regs *regs);

/* The bits of an operand. */
static inline uint64_t insn_mask(unsigned bytes)
{
    return bytes >= 8 ? ~0ul : (1ul << (8 * bytes)) - 1;
}

/* The value of register nr as an operand of `bytes` (1: with the ah..bh rule if there is no REX). */
uint64_t insn_reg_read(const struct insn *i, struct cpu_user_regs *regs, unsigned nr, unsigned bytes);
void insn_reg_write(const struct insn *i, struct cpu_user_regs *regs, unsigned nr, unsigned bytes, uint64_t value);

/* Does the instruction write its memory operand by a rule that insn_rmw_apply() knows?  bytes: operand size. */
bool insn_rmw_known(struct insn *i, unsigned *bytes);
/* Bit strings (bts, btr, btc with a register): what to add to the address. Else 0. */
int64_t insn_rmw_displacement(const struct insn *i, struct cpu_user_regs *regs, unsigned bytes);
/*
 * The new value of the memory operand, given the old; false: it isn't written (cmpxchg that differs).  Registers and flags
 * in *regs become what they are after the instruction (rip excepted).
 */
bool insn_rmw_apply(const struct insn *i, struct cpu_user_regs *regs, unsigned bytes, uint64_t old, uint64_t *next);
