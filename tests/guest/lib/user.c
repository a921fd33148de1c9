/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User mode of a micro-guest; see user.h. */
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "user.h"

uint64_t *user_l4;
char *user_code, *user_data, *user_stack;

static void user_page(char **page, unsigned long va)
{
    *page = page_alloc();
    if (map_page(NULL, va, virt_to_mfn(*page), PTE_RW))
        test_abort("user page");
}

void user_init(void)
{
    user_page(&user_code, USER_CODE);
    user_page(&user_data, USER_DATA);
    user_page(&user_stack, USER_STACK - PAGE_SIZE);
    user_l4 = page_alloc();
    user_l4[0] = pt_root()[0];
    if (page_make_ro(user_l4) || pin(4, virt_to_mfn(user_l4)) ||
        mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(user_l4), 0))
        test_abort("user L4");
}

void user_code_set(const char *start, const char *end)
{
    memset(user_code, 0xcc, PAGE_SIZE);
    memcpy(user_code, start, (size_t)(end - start));
}

void user_regs(struct regs *r)
{
    memset(r, 0, sizeof(*r));
    r->rip = USER_CODE;
    r->cs = FLAT_USER_CS64;
    r->rsp = USER_STACK;
    r->ss = FLAT_USER_SS64;
    r->rflags = FLAG_IF | 2;
}

void user_regs32(struct regs *r)
{
    user_regs(r);
    r->cs = FLAT_USER_CS32;
    r->ss = FLAT_USER_SS32;
}

int user_run_flags(struct regs *r, uint64_t vgcf)
{
    struct cpu *c = cpu_self();
    unsigned long top = (unsigned long)user_trap_stack[c->id] + STACK_SIZE;

    if (!context_save(&c->user_context)) {
        if (hypercall(stack_switch, FLAT_KERNEL_SS, top))
            test_abort("stack_switch");
        c->user = r;
        regs_enter(r, vgcf);
    }
    return (int)r->vector;
}

int user_run(struct regs *r)
{
    return user_run_flags(r, 0);
}
