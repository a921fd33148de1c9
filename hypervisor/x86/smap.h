/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory is opened (stac) and closed (clac) to us where the processor has SMAP.  Each place where that happens is a
 * no-op of three bytes, listed in a section; smap_init() makes instructions of them if need be.
 */
#ifndef X86_SMAP_H
#define X86_SMAP_H

#ifdef __ASSEMBLER__

        .macro  SMAP_SITE list
661:    .byte   0x0f, 0x1f, 0x00
        .pushsection \list, "a"
        .long   661b - .
        .popsection
        .endm
#define GUEST_OPEN  SMAP_SITE .smap_open
#define GUEST_CLOSE SMAP_SITE .smap_close

#else

#define SMAP_SITE(list) \
    __asm__ volatile("661: .byte 0x0f, 0x1f, 0x00\n.pushsection " list ", \"a\"\n.long 661b - .\n.popsection" ::: "memory")

static inline void guest_access_begin(void)
{
    SMAP_SITE(".smap_open");
}

static inline void guest_access_end(void)
{
    SMAP_SITE(".smap_close");
}

/* Boot, before guest memory is touched. */
void smap_init(void);

#endif
#endif
