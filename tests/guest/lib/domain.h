/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other domains, made by this one, which must be the control domain.  Each gets a few frames, one vCPU and a piece of
 * position-independent code; it sees
 *
 *   DOMAIN_CODE   its code, read-only          DOMAIN_DATA   its data, one page; we see it too (data)
 *   DOMAIN_STACK  the top of its stack         DOMAIN_INFO   its shared info
 *
 * and all of it once more in its highest half, DOMAIN_HIGH above.
 *
 * The domain's file includes this first: it needs the toolstack's part of the headers.
 */
#ifndef GUEST_DOMAIN_H
#define GUEST_DOMAIN_H

#define __XEN_TOOLS__ 1
#include "types.h"
#include <xen/domctl.h>

#define DOMAIN_CODE  0x400000ul
#define DOMAIN_DATA  0x401000ul
#define DOMAIN_STACK 0x403000ul
#define DOMAIN_INFO  0x403000ul
#define DOMAIN_HIGH  0xffffff8000000000ul

struct domain {
    domid_t id;
    volatile unsigned long *data;
    unsigned long mfn[8]; /* 0 code, 1 data, 2 stack, 3-6 its tables L1-L4, 7 spare */
};

/* A domctl: the command's arguments are in, and its answers come in, domctl_op.u. */
extern struct xen_domctl domctl_op;
long domctl(uint32_t cmd, domid_t id);
/* All arguments are 0. */
void domctl_clear(void);

/* A new domain with its memory, paused.  Ends the test if that fails. */
void domain_make(struct domain *d, const char *code, const char *end);
/* Registers; it can run then. */
long domain_start(struct domain *d);
/* Wait up to ms milliseconds until it has shut down; its reason, or -1. */
int domain_wait(const struct domain *d, unsigned ms);
long domain_destroy(struct domain *d);
/* Map a frame of d's at va, with our own tables. */
long domain_map(const struct domain *d, unsigned long va, unsigned long mfn, unsigned long flags);
/* An mmuext_op for d. */
long domain_mmuext(const struct domain *d, unsigned cmd, unsigned long arg1);

/* Code for a domain: DOMAIN_ASM(name, "text"); DOMAIN_CODE_OF(name) gives the two arguments above. */
#define DOMAIN_ASM(name, text)                                  \
    extern const char name[], name##_end[];                     \
    __asm__(".pushsection .rodata\n" #name ":\n" text "\n"      \
            #name "_end:\n.popsection\n")
#define DOMAIN_CODE_OF(name) name, name##_end
/* SCHEDOP_shutdown, for such code; its argument lies on the stack. */
#define DOMAIN_SHUTDOWN(why) "push $" #why "\n mov %rsp, %rsi\n mov $2, %edi\n mov $29, %eax\n syscall\n"

#endif
