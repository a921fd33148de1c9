/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kit's basic types and constants, and the compiler's help.  No state. */
#ifndef GUEST_TYPES_H
#define GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/errno.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define STACK_SIZE 32768ul

#define PTE_P      0x001ul
#define PTE_W      0x002ul
#define PTE_U      0x004ul
#define PTE_A      0x020ul
#define PTE_D      0x040ul
#define PTE_PSE    0x080ul
#define PTE_G      0x100ul
#define PTE_NX     (1ul << 63)
#define PTE_ADDR   0x000ffffffffff000ul
#define PTE_RW     (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define PTE_RO     (PTE_P | PTE_U | PTE_A)
#define PTE_TABLE  (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)

#define FLAG_CF   0x00001ul
#define FLAG_ZF   0x00040ul
#define FLAG_TF   0x00100ul
#define FLAG_IF   0x00200ul
#define FLAG_DF   0x00400ul
#define FLAG_OF   0x00800ul
#define FLAG_IOPL 0x03000ul
#define FLAG_NT   0x04000ul
#define FLAG_RF   0x10000ul
#define FLAG_VM   0x20000ul
#define FLAG_AC   0x40000ul
#define FLAG_ID   0x200000ul

/* An address inside the hypervisor's part that no guest may touch (past the M2P area). */
#define HV_PRIVATE 0xffff828000000000ul
/* Canonical, a guest's own half, and never mapped by the kit. */
#define UNMAPPED   0x0000300000000000ul
#define NONCANON   0x0000900000000000ul

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define READ_ONCE(x)  (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()     __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
/* Does a NUL come within n bytes? */
bool memchr_nul(const char *s, size_t n);
char *strstr(const char *s, const char *what);

#endif
