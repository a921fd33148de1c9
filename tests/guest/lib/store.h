/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest of the toolstack's talks to xenstored, by the ring of <xen/io/xs_wire.h>.  Paths are its own unless they begin with '/'. */
#ifndef GUEST_STORE_H
#define GUEST_STORE_H

#include "types.h"
#include <xen/io/xs_wire.h>

#define STORE_TEXT 512u

void store_init(void);
/* The event channel to xenstored. */
unsigned store_port(void);
/* A node's text (at most STORE_TEXT - 1 bytes), or NULL.  The text stays until the next read. */
const char *store_read(const char *path);
bool store_write(const char *path, const char *text);
bool store_write_number(const char *path, unsigned long n);
/* Wait up to ms milliseconds until a node is `text`. */
bool store_wait(const char *path, const char *text, unsigned ms);

/* Send n bytes as they are, with no regard to what they mean; drop what has been answered. */
void store_push(const void *bytes, unsigned n);
void store_drop(void);

#endif
