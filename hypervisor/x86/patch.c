/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing our own code: see patch.h. */
#include "x86/patch.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/layout.h"

void text_patch(uint64_t at, const uint8_t *code, size_t len)
{
    memcpy(maddr_to_virt(virt_to_maddr((const void *)at)), code, len);
    cpuid_count(0, 0); /* serialises: what was fetched before is forgotten */
}
