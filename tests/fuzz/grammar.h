/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls from a grammar.  A line of it names an operation and describes its arguments as a C declaration would, by a string of
 * fields, each a kind (a letter) and a size in bytes:
 *
 *   d domid      p event port   g grant reference   h grant handle   m frame number   c vCPU
 *   v address    b buffer       w address to map at A the address of the mapping that the next h names
 *   e page-table entry          a its machine address, with mmu_update's command
 *   M machine address of data   y descriptor        u selector       q UVMF flags     o one of mmuext's pins and unpin
 *   D a hostile domain, or none  F a frame of such a one     E an entry for it    W a window's entry, its machine address
 *   K pointer to a debug key      N to a path of hypfs      # its length
 *   t time       l length       n small count       r order          f flags          i 0 to 31        x anything
 *   G the other hostile domain, and what by agreement (grants.h) its references are good for:   R to write   Q to read, at least
 *     B part of a page   V another's page (transitive)   T a transfer;   J our own, for ourselves, who are I
 *   C like w, in the part that is kept for grants    X machine address of an L1 entry    U bus address of what A has chosen
 *   j a frame that is always data    s its machine address    L up to half a page
 *   k how many elements the array has               =5.4 the constant 5 (hex), of 4 bytes; NR(NAME) "4" a number by its name      z zero
 *   ( ) pointer to a structure  [ ] pointer to an array of structures
 *   P H Y O S    what the call gives back: a port, a handle and the bus address behind it, something, a grant status
 *
 * Fields are aligned as C aligns them.  Most values are good ones; each kind has its bad ones too.  Ports and handles
 * that a call gave are used by later ones.  The text behind "kind" in grammar.c is the place to look for what a letter means exactly.
 */
#ifndef FUZZ_GRAMMAR_H
#define FUZZ_GRAMMAR_H

#include "hypercall.h"
#include "types.h"

struct op {
    const char *name;
    uint8_t nr, weight;     /* weight: how often, 1 to 255; 0: an eighth of 1, for what ends a life */
    bool self;
    int cmd;                /* the sub-operation, which is the first argument; -1: there is none */
    const char *args;
};

/* domctl, sysctl and platform_op have their command in the structure that the argument points to: `args` is what follows its head. */
#define OP(weight, call, cmd, args)      { #cmd, __HYPERVISOR_##call, weight, false, cmd, args }
#define OP0(weight, call, args)          { #call, __HYPERVISOR_##call, weight, false, -1, args }
/* A domctl that dom0 may also do to itself without ending thereby. */
#define OP_SELF(weight, call, cmd, args) { #cmd, __HYPERVISOR_##call, weight, true, cmd, args }
/* In a string of fields: an operation's number, by the name that the headers have for it. */
#define NR(name)  NR_(name)
#define NR_(number) "!" #number "."
/* XEN_MCA_INTERFACE_VERSION, a field of its own: "(n4" MCA_VERSION "x8)". */
#define MCA_VERSION "=1ecc003.4"

struct grammar {
    const struct op *op;
    unsigned nr, total;     /* total: of weights; grammar_check() fills it in */
};

#define VICTIM_HIGH 0x7000      /* a domain that the control domain's calls name, and may make */

extern struct grammar guest_grammar, control_grammar, machine_grammar;

#define OUTS 32
struct call {
    uint64_t nr, arg[6];
    unsigned op;            /* line of the grammar */
    unsigned nr_outs;
    struct { char kind; void *at; uint64_t with; } out[OUTS];
};

/* Parses every line; ends the test at a bad one. */
void grammar_check(struct grammar *g);
/* Per-vCPU memory; once. */
void grammar_init(unsigned vcpus);

/* A random call of the grammar's, its structures in this vCPU's buffer, which begins anew if `first`. */
void call_make(const struct grammar *g, struct call *c, bool first);
void call_do(struct call *c);
/* Count the result; learn from it what later calls can use. */
void call_done(const struct call *c, long rc);
/* Count the status of one grant operation. */
void grant_count(unsigned long cmd, int16_t status);

/* A value of that kind. */
uint64_t value(char kind);
/* ... and of bad numbers. */
uint64_t wild(void);

/* One of the domains there are. */
domid_t domain_any(void);

#endif
