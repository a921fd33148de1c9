/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h.  vCPU 0 only. */
#include "store.h"
#include "boot.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"
#include <xen/sched.h>

static struct xenstore_domain_interface *ring;
static uint32_t request_id = 1;
static char text[STORE_TEXT];

void store_init(void)
{
    ring = pfn_to_virt(mfn_to_pfn(start_info->store_mfn));
}

unsigned store_port(void)
{
    return start_info->store_evtchn;
}

/* Until xenstored tells something, or a moment has passed. */
static void wait(void)
{
    evtchn_port_t port = store_port();
    struct sched_poll p = { .nr_ports = 1, .timeout = time_now() + 10000000 };

    set_xen_guest_handle(p.ports, &port);
    hypercall(sched_op, SCHEDOP_poll, &p);
    event_clear(port);
}

void store_push(const void *bytes, unsigned n)
{
    const char *b = bytes;

    for (unsigned i = 0; i < n; i++) {
        while (ring->req_prod - READ_ONCE(ring->req_cons) >= XENSTORE_RING_SIZE)
            wait();
        ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = b[i];
        barrier();
        WRITE_ONCE(ring->req_prod, ring->req_prod + 1);
    }
    event_send(store_port());
}

void store_drop(void)
{
    WRITE_ONCE(ring->rsp_cons, READ_ONCE(ring->rsp_prod));
    event_send(store_port());
}

/* The next n bytes of what is answered; what has no room in `to` is dropped. */
static void pull(void *to, unsigned n, unsigned room)
{
    char *t = to;

    for (unsigned i = 0; i < n; i++) {
        while (READ_ONCE(ring->rsp_prod) == ring->rsp_cons)
            wait();
        barrier();
        if (i < room)
            t[i] = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
        WRITE_ONCE(ring->rsp_cons, ring->rsp_cons + 1);
    }
    event_send(store_port());
}

/* A request of one or two strings, the second without its end; its answer is in text.  False: refused. */
static bool ask(uint32_t type, const char *path, const char *value)
{
    unsigned first = (unsigned)strlen(path) + 1, second = value ? (unsigned)strlen(value) : 0;
    struct xsd_sockmsg m = { .type = type, .req_id = ++request_id, .len = first + second };

    store_push(&m, sizeof(m));
    store_push(path, first);
    store_push(value, second);
    do {
        pull(&m, sizeof(m), sizeof(m));
        memset(text, 0, sizeof(text));
        pull(text, m.len, sizeof(text) - 1);
    } while (m.req_id != request_id);
    return m.type != XS_ERROR;
}

const char *store_read(const char *path)
{
    return ask(XS_READ, path, NULL) ? text : NULL;
}

bool store_write(const char *path, const char *value)
{
    return ask(XS_WRITE, path, value);
}

bool store_write_number(const char *path, unsigned long n)
{
    char digits[24], *p = digits + sizeof(digits);

    *--p = '\0';
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    return store_write(path, p);
}

bool store_wait(const char *path, const char *value, unsigned ms)
{
    uint64_t end = time_now() + ms * 1000000ul;
    const char *now;

    while (!(now = store_read(path)) || strcmp(now, value)) {
        if (time_now() > end)
            return false;
        wait();
    }
    return true;
}
