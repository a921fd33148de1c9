/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/insn.c against an independent decoder (Zydis): what both know they must see alike. */
#ifndef INSN_COMPARE_H
#define INSN_COMPARE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <Zydis/Zydis.h>
#include "core/insn.h"

#define MUST_SAME(cond) \
    ((cond) ? (void)0 : (compare_report(#cond, bytes, n, compat, &i), abort()))

static inline void compare_report(const char *what, const uint8_t *bytes, size_t n, bool compat, const struct insn *i)
{
    fprintf(stderr, "%s: %s:", compat ? "compat" : "64", what);
    for (size_t k = 0; k < n; k++)
        fprintf(stderr, " %02x", bytes[k]);
    fprintf(stderr, " (length %u)\n", i->length);
}

/* The number of a general register of any width as the instruction encodes it; INSN_NONE: none, or not one of these. */
static inline unsigned reg_number(ZydisRegister r)
{
    if (r == ZYDIS_REGISTER_RIP || r == ZYDIS_REGISTER_EIP)
        return INSN_RIP;
    if (r >= ZYDIS_REGISTER_AX && r <= ZYDIS_REGISTER_R15)
        return (unsigned)ZydisRegisterGetId(r);
    return INSN_NONE;
}

/* Prefixed branches, on which AMD and Intel differ, and what are hints for us and bounds checks (MPX) for Zydis. */
static inline bool compare_skips(const ZydisDecodedInstruction *z, const struct insn *i)
{
    bool opsize = z->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE;
    bool branch = (i->map == 0 && ((i->opcode & 0xfe) == 0xe8)) || (i->map == 1 && (i->opcode & 0xf0) == 0x80);

    return z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || (branch && opsize) ||
           (i->map == 1 && (i->opcode & 0xfe) == 0x1a);
}

static inline uint64_t address_of(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *o,
                                  struct cpu_user_regs *regs)
{
    ZydisRegisterContext c = { { 0 } };
    ZyanU64 at = 0;

    for (unsigned r = 0; r < 16; r++)
        c.values[ZYDIS_REGISTER_RAX + r] = c.values[ZYDIS_REGISTER_EAX + r] = *insn_reg(regs, r);
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(z, o, regs->rip, &c, &at)))
        abort();
    return at;
}

/* How the memory operand is made up, and where it is for some registers. */
static inline void compare_memory(const uint8_t *bytes, size_t n, bool compat, struct insn i,
                                  const ZydisDecodedInstruction *z, const ZydisDecodedOperand *o)
{
    struct cpu_user_regs regs;
    uint64_t at;

    for (unsigned k = 0; k < sizeof(regs); k++)
        ((uint8_t *)&regs)[k] = (uint8_t)(k * 37 + bytes[0] * 11 + bytes[n - 1]);
    if (compat)
        regs.rip = (uint32_t)regs.rip;
    if (z->address_width == 32 && i.has_modrm && i.mod == 0 && z->raw.sib.base == 5 && z->raw.modrm.rm == 4)
        return; /* Zydis 4.0 adds r13d there; test_insn.c asks the processor */
    MUST_SAME(i.addr_bytes * 8 == z->address_width);
    if (i.has_modrm) {
        MUST_SAME(reg_number(o->mem.base) == i.base);
        MUST_SAME(reg_number(o->mem.index) == i.index);
        MUST_SAME(i.index == INSN_NONE || o->mem.scale == 1u << i.scale);
    }
    at = address_of(z, o, &regs);
    if (z->address_width == 32)
        at = (uint32_t)at;
    MUST_SAME(insn_address(&i, &regs) == at);
}

/* False: one of the two doesn't know it. */
static inline bool compare_decoders(const uint8_t *bytes, size_t n, bool compat)
{
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction z;
    ZydisDecoder d;
    struct insn i;
    unsigned width;
    bool known = insn_decode(bytes, n, compat, &i);

    ZydisDecoderInit(&d, compat ? ZYDIS_MACHINE_MODE_LONG_COMPAT_32 : ZYDIS_MACHINE_MODE_LONG_64,
                     compat ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_64);
    if (!known || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, bytes, n, &z, operands)) || compare_skips(&z, &i))
        return false;
    MUST_SAME(i.length == z.length);
    MUST_SAME(i.opcode == z.opcode);
    MUST_SAME(i.map == (z.opcode_map == ZYDIS_OPCODE_MAP_0F));
    MUST_SAME(i.has_modrm == !!(z.attributes & ZYDIS_ATTRIB_HAS_MODRM));
    if (i.has_modrm)
        MUST_SAME((i.reg & 7) == z.raw.modrm.reg);
    for (unsigned k = 0; k < z.operand_count_visible; k++) {
        const ZydisDecodedOperand *o = &operands[k];

        if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && (i.has_modrm || (i.opcode & 0xfc) == 0xa0) &&
            o->mem.type != ZYDIS_MEMOP_TYPE_MIB)
            compare_memory(bytes, i.length, compat, i, &z, o);
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && i.has_modrm && z.operand_count_visible == 2 &&
            ZydisRegisterGetClass(o->reg.value) >= ZYDIS_REGCLASS_GPR16 &&
            ZydisRegisterGetClass(o->reg.value) <= ZYDIS_REGCLASS_GPR64)
            MUST_SAME(reg_number(o->reg.value) == i.reg || (i.mod == 3 && reg_number(o->reg.value) == i.rm) ||
                      o->encoding == ZYDIS_OPERAND_ENCODING_NONE);
        if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->encoding != ZYDIS_OPERAND_ENCODING_NONE && !o->imm.is_relative)
            MUST_SAME(((o->imm.value.u ^ i.imm) & (o->size >= 64 ? ~0ul : (1ul << o->size) - 1)) == 0);
    }
    if (insn_rmw_known(&i, &width))
        MUST_SAME(operands[0].size == width * 8);
    return true;
}

#endif
