/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text on the VGA screen: 80x25 cells of character and colour.  Locks: the console lock. */
#include "x86/vga.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/paging.h"

#define COLUMNS 80u
#define ROWS    25u
#define GREY    0x0700

static uint16_t *cells;
static unsigned row, column;

static void cells_clear(unsigned from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        cells[from + i] = GREY | ' ';
}

/* The cursor is put where the text goes on, so that whoever takes over the screen writes below it. */
static void cursor_show(void)
{
    unsigned at = row * COLUMNS + column;

    outb(0x3d4, 14);
    outb(0x3d5, (uint8_t)(at >> 8));
    outb(0x3d4, 15);
    outb(0x3d5, (uint8_t)at);
}

static void line_next(void)
{
    column = 0;
    if (++row < ROWS)
        return;
    row = ROWS - 1;
    memmove(cells, cells + COLUMNS, (ROWS - 1) * COLUMNS * sizeof(*cells));
    cells_clear(row * COLUMNS, COLUMNS);
}

static void char_put(char c)
{
    if (c == '\r') {
        column = 0;
        return;
    }
    if (c == '\n' || column == COLUMNS)
        line_next();
    if (c >= ' ' && c <= '~')
        cells[row * COLUMNS + column++] = (uint16_t)(GREY | c);
}

bool vga_start(void)
{
    if (cells)
        return true;
    /* Miscellaneous output and graphics registers: colour addresses, memory at 0xb8000, text. */
    outb(0x3ce, 6);
    if (!(inb(0x3cc) & 1) || (inb(0x3cf) & 0x0d) != 0x0c)
        return false;
    cells = ioremap(0xb8000, COLUMNS * ROWS * sizeof(*cells));
    if (!cells)
        return false;
    cells_clear(0, COLUMNS * ROWS);
    row = column = 0;
    return true;
}

void vga_stop(void)
{
    cells = NULL;
}

void vga_write(const char *s, size_t n)
{
    if (!cells || !n)
        return;
    for (size_t i = 0; i < n; i++)
        char_put(s[i]);
    cursor_show();
}
