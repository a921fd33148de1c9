/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backtraces by frame pointers; the symbol table is linked in by boot/symbols.sh. */
#include "x86/backtrace.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/layout.h"
#include "x86/percpu.h"

extern const uint32_t symbol_count, symbol_offsets[];
extern const char symbol_names[];
extern char text_start[], text_end[];

const char *symbol_find(uint64_t addr, uint64_t *offset)
{
    const char *name = symbol_names;
    uint32_t at = (uint32_t)(addr - IMAGE_START), i = 0;

    if (addr < (uint64_t)text_start || addr >= (uint64_t)text_end || !symbol_count || at < symbol_offsets[0])
        return NULL;
    while (i + 1 < symbol_count && symbol_offsets[i + 1] <= at) {
        name += strlen(name) + 1;
        i++;
    }
    *offset = at - symbol_offsets[i];
    return name;
}

const char *symbol_nth(unsigned n, uint64_t *addr)
{
    const char *name = symbol_names;

    if (n >= symbol_count)
        return NULL;
    for (unsigned i = 0; i < n; i++)
        name += strlen(name) + 1;
    *addr = IMAGE_START + symbol_offsets[n];
    return name;
}

static void line_print(uint64_t rip)
{
    uint64_t off = 0;
    const char *name = symbol_find(rip, &off);

    if (name)
        log_err("   [%016lx] %s+0x%lx\n", rip, name, off);
    else
        log_err("   [%016lx] ?\n", rip);
}

void backtrace_print(uint64_t rip, uint64_t rbp)
{
    uint64_t block = (uint64_t)cpu_block(), low = ROUND_DOWN(block, CPU_STACK_SIZE);

    if (!rip) {
        rip = (uint64_t)__builtin_return_address(0);
        rbp = (uint64_t)__builtin_frame_address(0);
    }
    log_err("Call trace:\n");
    line_print(rip);
    for (unsigned i = 0; i < 32 && rbp >= low && rbp < block - 16 && !(rbp & 7); i++) {
        uint64_t *frame = (uint64_t *)rbp;

        if (!frame[1])
            break;
        line_print(frame[1]);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}
