#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes the assembly of the symbol table that backtraces use: the text symbols of an ELF image, sorted by
# address, as offsets from the image's start, and their names.  Given /dev/null: an empty table.
export LC_ALL=C
nm -n "$1" 2>/dev/null | awk '
BEGIN { print "\t.section .rodata.symbols,\"a\"\n\t.globl symbol_count, symbol_offsets, symbol_names\n\t.hidden symbol_count, symbol_offsets, symbol_names\n\t.balign 4" }
$2 ~ /^[tT]$/ && $3 !~ /^(\.L|__text)/ && $1 ~ /^ffff82d0/ { n++; off[n] = substr($1, 9); name[n] = $3 }
END {
    print "symbol_count:\t.long " n + 0
    print "symbol_offsets:"
    for (i = 1; i <= n; i++) print "\t.long 0x" off[i] " - 0x80000000"
    print "symbol_names:"
    for (i = 1; i <= n; i++) print "\t.asciz \"" name[i] "\""
    print "\t.section .note.GNU-stack,\"\",@progbits"
}'
