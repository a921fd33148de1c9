/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sleep types for "off" from ACPI's DSDT, without an interpreter. */
#pragma once

#include "core/types.h"

/*
 * Find the package \_S5_ in the byte code of a DSDT or SSDT (ACPI 7.4.2.6, 20.2): SLP_TYPa and SLP_TYPb, 0..7.
 * False if there is none, or it isn't a package of plain numbers.
 */
bool s5_find(const uint8_t *aml, size_t n, uint8_t *type_a, uint8_t *type_b);
