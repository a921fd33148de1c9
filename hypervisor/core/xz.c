/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .xz container (file format 1.1.0), LZMA2, and the x86 filter, for one block in memory: see xz.h.
 *
 * The output is its own dictionary, and a chunk is decoded by one small loop (chunk_symbols).  Small matters: a boot spends most
 * of its instructions here, and an emulator pays for each jump from one page of code to another.  So what is done for every symbol is
 * unrolled, and what is seldom done is not: nearly all of the time is spent in one page.
 *
 * X1: a symbol takes at most 20 bytes of input, so the loop looks once a symbol whether its chunk's input is used up; behind
 *     each chunk at least SLACK bytes can be read (else the chunk is copied to where that is so).
 * X2: nothing before dict_start, and nothing from `end` on, is read or written.
 */
#include "core/xz.h"
#include "core/string.h"
#include "core/types.h"

enum { STATES = 12, POS_STATES = 16, LEN_STATES = 4, SLACK = 24, CHUNK_MAX = 1 << 16, HALF = 1024 };

/* Probabilities of a match's length. */
struct lengths {
    uint16_t choice[2], low[POS_STATES][8], mid[POS_STATES][8], high[256];
};

/* All of them start at one half. */
struct model {
    uint16_t is_match[STATES][POS_STATES], is_rep[STATES], is_rep0[STATES], is_rep1[STATES], is_rep2[STATES];
    uint16_t is_rep0_long[STATES][POS_STATES];
    uint16_t slot[LEN_STATES][64], special[115], align[16];
    struct lengths match, rep;
    uint16_t literal[16][0x300];
};

/* The range decoder. */
struct range {
    const uint8_t *in;
    uint32_t range, code;
};

/* What the loop keeps in registers: so it is copied, and nobody has its address. */
struct hot {
    struct range r;
    uint8_t *out;                       /* where the next byte goes */
    uint32_t state, rep0, rep1, rep2, rep3;
};

struct lzma {
    struct model m;
    struct hot hot;
    uint8_t *dict_start, *end;          /* what a distance may reach; end of the room */
    uint32_t lc, lp_mask, pb_mask;
    bool ready;                         /* ... have been set */
    uint8_t tail[CHUNK_MAX + SLACK];
};

/* ---- Bits ---- */

static ALWAYS_INLINE void normalize(struct range *r)
{
    if (r->range < 1u << 24) {
        r->range <<= 8;
        r->code = r->code << 8 | *r->in++;
    }
}

static ALWAYS_INLINE unsigned bit(struct range *r, uint16_t *p)
{
    uint32_t bound;

    normalize(r);
    bound = (r->range >> 11) * *p;
    if (r->code < bound) {
        r->range = bound;
        *p = (uint16_t)(*p + ((2048u - *p) >> 5));
        return 0;
    }
    r->range -= bound;
    r->code -= bound;
    *p = (uint16_t)(*p - (*p >> 5));
    return 1;
}

/* A number of n bits, its upper bit first. */
static ALWAYS_INLINE unsigned tree(struct range *r, uint16_t *p, unsigned n)
{
    unsigned node = 1;

#pragma GCC unroll 8
    for (unsigned i = 0; i < n; i++)
        node = node << 1 | bit(r, &p[node]);
    return node - (1u << n);
}

/* The same where it is seldom needed. */
static ALWAYS_INLINE unsigned tree_long(struct range *r, uint16_t *p, unsigned n)
{
    unsigned node = 1;

    do
        node = node << 1 | bit(r, &p[node]);
    while (!(node >> n));
    return node - (1u << n);
}

/* n bits, the lowest first; node 1's probability is p[1]. */
static ALWAYS_INLINE unsigned tree_reverse(struct range *r, uint16_t *p, unsigned n)
{
    unsigned node = 1, value = 0;

#pragma GCC unroll 4
    for (unsigned i = 0; i < n; i++) {
        unsigned b = bit(r, &p[node]);

        node = node << 1 | b;
        value |= b << i;
    }
    return value;
}

/* n bits that have no probabilities. */
static ALWAYS_INLINE uint32_t direct(struct range *r, unsigned n)
{
    uint32_t value = 0;

    do {
        uint32_t negative;

        normalize(r);
        r->range >>= 1;
        r->code -= r->range;
        negative = 0u - (r->code >> 31);
        r->code += r->range & negative;
        value = (value << 1) + (negative + 1);
    } while (--n);
    return value;
}

/* ---- Symbols ---- */

/* A byte behind a match, which says what it probably is not: the byte that followed there. */
static ALWAYS_INLINE unsigned literal_beside(struct range *r, uint16_t *p, unsigned beside)
{
    unsigned node = 1, offset = 0x100;

    do {
        unsigned beside_bit, b;

        beside <<= 1;
        beside_bit = beside & offset;
        b = bit(r, &p[offset + beside_bit + node]);
        node = node << 1 | b;
        offset &= b ? beside_bit : ~beside_bit;
    } while (node < 0x100);
    return node;
}

static ALWAYS_INLINE unsigned length(struct range *r, struct lengths *l, unsigned pos)
{
    uint16_t *p = l->low[pos];
    unsigned base = 2;

    if (bit(r, &l->choice[0])) {
        p = l->mid[pos];
        base = 10;
        if (unlikely(bit(r, &l->choice[1])))
            return 18 + tree_long(r, l->high, 8);
    }
    return base + tree(r, p, 3);
}

/* The distance less one of a match of that length. */
static ALWAYS_INLINE uint32_t distance(struct range *r, struct model *m, unsigned len)
{
    unsigned slot = tree(r, m->slot[MIN(len - 2, LEN_STATES - 1u)], 6), bits = (slot >> 1) - 1;
    uint32_t base;

    if (slot < 4)
        return slot;
    base = (2 | (slot & 1)) << bits;
    if (slot < 14)
        return base + tree_reverse(r, &m->special[base - slot], bits);
    base += direct(r, bits - 4) << 4;
    return base + tree_reverse(r, m->align, 4);
}

/* len bytes from `back` before; both are checked.  Eight at a time where that is the same and there is room. */
static ALWAYS_INLINE uint8_t *copy_match(uint8_t *out, const uint8_t *end, size_t back, size_t len)
{
    uint8_t *stop = out + len;

    if (back >= 8 && len + 8 <= (size_t)(end - out)) {
        for (; out < stop; out += 8)
            __builtin_memcpy(out, out - back, 8);
        return stop;
    }
    for (; out < stop; out++)
        *out = *(out - back);
    return stop;
}

/* A repeated distance, moved to the front.  False: a single byte at the first one. */
static ALWAYS_INLINE bool repeated(struct hot *h, struct model *m, unsigned pos)
{
    uint32_t found = h->rep1;

    if (!bit(&h->r, &m->is_rep0[h->state]))
        return bit(&h->r, &m->is_rep0_long[h->state][pos]);
    if (bit(&h->r, &m->is_rep1[h->state])) {
        found = h->rep2;
        if (bit(&h->r, &m->is_rep2[h->state])) {
            found = h->rep3;
            h->rep3 = h->rep2;
        }
        h->rep2 = h->rep1;
    }
    h->rep1 = h->rep0;
    h->rep0 = found;
    return true;
}

/* A match of either kind: its length; the distance is rep0. */
static ALWAYS_INLINE unsigned match(struct hot *h, struct model *m, unsigned pos)
{
    bool again = bit(&h->r, &m->is_rep[h->state]), after_match = h->state >= 7;
    unsigned len;

    if (again && !repeated(h, m, pos)) {
        h->state = after_match ? 11 : 9;
        return 1;
    }
    len = length(&h->r, again ? &m->rep : &m->match, pos);
    h->state = (again ? 8u : 7u) + (after_match ? 3u : 0u);
    if (again)
        return len;
    h->rep3 = h->rep2;
    h->rep2 = h->rep1;
    h->rep1 = h->rep0;
    h->rep0 = distance(&h->r, m, len);
    return len;
}

/* The symbols of a chunk: `until` is where its output must end, in_end its input. */
static __attribute__((noinline, aligned(4096))) bool chunk_symbols(struct lzma *z, uint8_t *until, const uint8_t *in_end)
{
    struct hot h = z->hot;
    uint8_t *const dict_start = z->dict_start;
    const uint32_t pb_mask = z->pb_mask, lp_mask = z->lp_mask, lc = z->lc;

    while (h.out < until && h.r.in <= in_end) {
        size_t reach = (size_t)(h.out - dict_start);
        unsigned pos = (unsigned)reach & pb_mask;

        if (!bit(&h.r, &z->m.is_match[h.state][pos])) {
            unsigned before = reach ? h.out[-1] : 0, context = ((unsigned)reach & lp_mask) << lc | before >> (8 - lc);
            uint16_t *p = z->m.literal[context];

            if (h.state >= 7 && h.rep0 >= reach)
                return false;
            *h.out = (uint8_t)(h.state < 7 ? tree(&h.r, p, 8) : literal_beside(&h.r, p, *(h.out - h.rep0 - 1)));
            h.out++;
            h.state = h.state < 4 ? 0 : h.state - (h.state < 10 ? 3 : 6);
        } else {
            unsigned len = match(&h, &z->m, pos);

            if (h.rep0 >= reach || len > (size_t)(until - h.out))
                return false;
            h.out = copy_match(h.out, z->end, h.rep0 + 1ul, len);
        }
    }
    normalize(&h.r);
    z->hot = h;
    return h.out == until && h.r.in == in_end;
}

/* ---- Chunks (LZMA2) ---- */

static void model_reset(struct lzma *z)
{
    uint16_t *p = (uint16_t *)(void *)&z->m;

    for (size_t i = 0; i < sizeof(z->m) / sizeof(*p); i++)
        p[i] = HALF;
    z->hot.state = z->hot.rep0 = z->hot.rep1 = z->hot.rep2 = z->hot.rep3 = 0;
}

static bool properties(struct lzma *z, uint8_t byte)
{
    uint32_t lc = byte % 9u, lp = byte / 9u % 5u, pb = byte / 45u;

    if (pb > 4 || lc + lp > 4)
        return false;
    z->lc = lc;
    z->lp_mask = (1u << lp) - 1;
    z->pb_mask = (1u << pb) - 1;
    return true;
}

static size_t room(const struct lzma *z)
{
    return (size_t)(z->end - z->hot.out);
}

/* An LZMA chunk of packed.n bytes that makes `size`; more is the input from there on. */
static bool chunk_packed(struct lzma *z, struct blob packed, size_t size, size_t more)
{
    const uint8_t *in = packed.p;

    if (packed.n < 5 || size > room(z))
        return false;
    if (more < packed.n + SLACK) {
        memcpy(z->tail, packed.p, packed.n);
        memset(z->tail + packed.n, 0, SLACK);
        in = z->tail;
    }
    z->hot.r = (struct range){ in + 5, ~0u, 0 };
    for (unsigned i = 1; i < 5; i++)
        z->hot.r.code = z->hot.r.code << 8 | in[i];
    return in[0] == 0 && chunk_symbols(z, z->hot.out + size, in + packed.n);
}

static bool chunk_plain(struct lzma *z, struct blob bytes, size_t size)
{
    if (bytes.n != size || size > room(z))
        return false;
    memcpy(z->hot.out, bytes.p, size);
    z->hot.out += size;
    return true;
}

static uint64_t big_u16(struct blob b, uint64_t off)
{
    return (uint64_t)blob_u8(b, off) << 8 | blob_u8(b, off + 1);
}

/* The LZMA chunk at the start of `in`: its bytes, 0 if it is wrong. */
static uint64_t chunk_lzma(struct lzma *z, struct blob in, uint8_t control)
{
    uint64_t size = (uint64_t)(control & 0x1f) << 16 | big_u16(in, 1), packed = big_u16(in, 3) + 1;
    uint64_t header = control >= 0xc0 ? 6 : 5;

    if (control >= 0xc0)
        z->ready = properties(z, blob_u8(in, 5));
    if (control >= 0xa0)
        model_reset(z);
    if (!z->ready || !blob_has(in, header, packed) ||
        !chunk_packed(z, blob_cut(in, header, packed), size + 1, in.n - header))
        return 0;
    return header + packed;
}

/* Chunk after chunk, to the end mark: how many bytes of input they took, 0 if they are wrong. */
static uint64_t chunks(struct lzma *z, struct blob in)
{
    uint64_t off = 0, step;
    uint8_t control;

    while ((control = blob_u8(in, off)) != 0) {
        if (control > 2 && control < 0x80)
            return 0;
        if (control == 1 || control >= 0xe0)
            z->dict_start = z->hot.out;
        step = 3 + big_u16(in, off + 1) + 1;
        if (control >= 0x80)
            step = chunk_lzma(z, blob_from(in, off), control);
        else if (!chunk_plain(z, blob_cut(in, off + 3, step - 3), step - 3))
            return 0;
        if (!step)
            return 0;
        off += step;
    }
    return blob_has(in, off, 1) ? off + 1 : 0;
}

/* ---- The filter for x86 code ---- */

/*
 * Packing replaced the relative target of each call and jmp (e8, e9) by the absolute one, where its top byte is 0 or ff.
 * What looks like such an instruction inside another's operand must be told apart as the packer did: `mask` remembers
 * which of the three bytes before looked like an opcode but was left alone.
 */
static bool is_sign(uint8_t byte)
{
    return byte == 0 || byte == 0xff;
}

/* Which byte of the operand, counted from its top, an opcode so many bytes before would have had changed. */
static unsigned doubtful(unsigned mask)
{
    return mask >= 4 ? 3 : mask >= 2 ? 2 : mask;
}

static void operand_restore(uint8_t *p, uint32_t next, unsigned mask)
{
    uint32_t absolute = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24, relative;

    for (;;) {
        unsigned shift = doubtful(mask) * 8;

        relative = absolute - next;
        if (!mask || !is_sign((uint8_t)(relative >> (24 - shift))))
            break;
        absolute = relative ^ ((1u << (32 - shift)) - 1);
    }
    p[0] = (uint8_t)relative;
    p[1] = (uint8_t)(relative >> 8);
    p[2] = (uint8_t)(relative >> 16);
    p[3] = relative >> 24 & 1 ? 0xff : 0;
}

/* The first of them at or behind `at`; `stop`, or what is behind it, if there is none before.  Eight bytes a step. */
static size_t opcode_find(const uint8_t *data, size_t at, size_t stop)
{
    const uint64_t ones = ~0ul / 0xff;

    for (; at + 8 <= stop; at += 8) {
        uint64_t word;

        __builtin_memcpy(&word, data + at, 8);
        word = (word & 0xfe * ones) ^ 0xe8 * ones;      /* a byte that is 0 now was one */
        if ((word - ones) & ~word & 0x80 * ones)
            break;
    }
    while (at < stop && (data[at] & 0xfe) != 0xe8)
        at++;
    return at;
}

static void x86_restore(uint8_t *data, size_t n)
{
    size_t last = (size_t)0 - 4, stop = n < 4 ? 0 : n - 4; /* the last opcode; at first, far away */
    unsigned mask = 0;

    for (size_t at = 0; (at = opcode_find(data, at, stop)) < stop; at++) {
        size_t since = at - last;

        mask = since > 3 ? 0 : mask << (since - 1) & 7;
        last = at;
        if (!is_sign(data[at + 4]) || (mask && (mask == 3 || mask > 4 || is_sign(data[at + 4 - doubtful(mask)])))) {
            mask = (mask << 1 & 7) | 1;
            continue;
        }
        operand_restore(data + at + 1, (uint32_t)(at + 5), mask);
        at += 4;
        mask = 0;
        last = at;
    }
}

/* ---- The container ---- */

uint64_t xz_number(struct blob b, uint64_t *off)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte = blob_u8(b, (*off)++);

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return v;
}

/* Is it a header of a block of LZMA2, and behind which filter? */
static bool block_header(struct blob header, bool *x86)
{
    const uint64_t filter_x86 = 4, filter_lzma2 = 0x21;
    uint8_t flags = blob_u8(header, 1);
    uint64_t off = 2;

    if (flags & 0x40)
        xz_number(header, &off);
    if (flags & 0x80)
        xz_number(header, &off);
    *x86 = (flags & 3) == 1;
    if ((flags & 0x3c) || (flags & 3) > 1)
        return false;
    if (*x86 && (xz_number(header, &off) != filter_x86 || xz_number(header, &off) != 0))
        return false;
    return xz_number(header, &off) == filter_lzma2 && xz_number(header, &off) == 1;
}

/* Behind the block: an index of one record, of a block of so many bytes that makes len, and the stream's footer. */
static bool ending(struct blob in, uint64_t index, uint64_t block, uint64_t len)
{
    uint64_t off = index + 1, footer;

    if (!blob_has(in, index, 1) || blob_u8(in, index) || xz_number(in, &off) != 1 || xz_number(in, &off) != block ||
        xz_number(in, &off) != len)
        return false;
    footer = index + ROUND_UP(off - index, 4ul) + 4;
    return blob_has(in, footer, 12) && blob_u32(in, footer + 4) == (footer - index) / 4 - 1 &&
           blob_u16(in, footer + 8) == 0x100 /* CRC32 */ && blob_u16(in, footer + 10) == ('Y' | 'Z' << 8);
}

size_t xz_work_size(void)
{
    return sizeof(struct lzma);
}

bool xz_block_unpack(struct blob in, void *out, size_t outcap, void *work, struct xz_unpacked *result)
{
    static const uint8_t magic[8] = { 0xfd, '7', 'z', 'X', 'Z', 0, 0, 1 /* CRC32 */ };
    uint64_t header = 12, data = header + (blob_u8(in, header) + 1ul) * 4, used, check;
    struct lzma *z = work;
    bool x86;

    if (!blob_equals(in, 0, magic, sizeof(magic)) || !blob_u8(in, header) ||
        !block_header(blob_cut(in, header, data - header), &x86))
        return false;
    z->hot.out = z->dict_start = out;
    z->end = z->dict_start + outcap;
    z->ready = false;
    used = chunks(z, blob_from(in, data));
    result->len = (size_t)(z->hot.out - (uint8_t *)out);
    check = ROUND_UP(data + used, 4ul);
    if (!used || !ending(in, check + 4, data + used + 4 - header, result->len))
        return false;
    result->crc = blob_u32(in, check);
    if (x86)
        x86_restore(out, result->len);
    return true;
}
