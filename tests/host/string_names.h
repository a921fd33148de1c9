/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On the host, core/string.c's functions stand beside the C library's: each is called core_NAME. */
#ifndef STRING_NAMES_H
#define STRING_NAMES_H

#define memcpy  core_memcpy
#define memmove core_memmove
#define memset  core_memset
#define memcmp  core_memcmp
#define memchr  core_memchr
#define strlen  core_strlen
#define strnlen core_strnlen
#define strcmp  core_strcmp
#define strncmp core_strncmp
#define strchr  core_strchr
#define strstr  core_strstr

#endif
