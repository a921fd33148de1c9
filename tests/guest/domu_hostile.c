/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel for a guest of the toolstack's that does harm as far as its rings and hypercalls reach.  Its command line says what:
 *
 *   do=spin      all its vCPUs spin, with events masked: a kernel that hangs with interrupts off; data/nmis counts the NMIs seen
 *   do=calls     hypercalls without end, one after the other: events for xenstored and xenconsoled, timers, text, nonsense
 *   do=console   a full console ring, always; then indices that make no sense
 *   do=store     requests to xenstored without end: nodes, watches, transactions that never finish; then nonsense
 *   do=blk       a block device's ring full of requests with random grants, then of random bytes, then indices that make no sense
 *   do=net       the same for a network interface
 *
 * How far it is it says in xenstore: data/rounds counts, data/phase names what it does (the last: "over").
 */
#include "boot.h"
#include "check.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "store.h"
#include "time.h"
#include "trap.h"
#include "xorshift.h"
#include <xen/io/console.h>
#include <xen/sched.h>
#define xen_mb()  __asm__ volatile("mfence" ::: "memory")
#define xen_rmb() barrier()
#define xen_wmb() barrier()
#include <xen/io/blkif.h>
#include <xen/io/netif.h>

#define FIRST_REF  16 /* what is before is the toolstack's */
#define BACKEND_MS 120000
#define ANSWERS    2000u /* to requests that look right: then come those that don't */
#define NONSENSE   300u  /* times that the ring is filled with those */

static uint32_t chance(void)
{
    static uint64_t state = 0x12345678;

    return (uint32_t)xorshift(&state);
}

static void fill(void *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)chance();
}

static bool told(const char *what)
{
    return strstr((const char *)start_info->cmd_line, what);
}

static void phase(const char *name)
{
    store_write("data/phase", name);
}

static void nap(unsigned ms)
{
    struct sched_poll p = { .timeout = time_now() + ms * 1000000ul };

    hypercall(sched_op, SCHEDOP_poll, &p);
}

static _Noreturn void rest(void)
{
    for (;;)
        nap(1000);
}

/* ---- CPU time ---- */

static bool on_nmi(struct regs *r)
{
    static unsigned long nmis;

    (void)r;
    store_write_number("data/nmis", ++nmis);
    return true;
}

static _Noreturn void spin(void)
{
    events_off();
    for (;;)
        __asm__ volatile("pause");
}

static void spin_all(void)
{
    for (unsigned i = 1; i < vcpu_count(); i++)
        vcpu_start(i, spin);
    trap_handle(2, on_nmi);
    phase("spinning");
    spin();
}

static void call_any(unsigned turn)
{
    static char line[64];

    switch (turn % 8) {
    case 0: event_send(store_port()); break;
    case 1: event_send(start_info->console.domU.evtchn); break;
    case 2: hypercall(set_timer_op, 1); break;
    case 3: hypercall(console_io, CONSOLEIO_write, sizeof(line), line); break;
    case 4: hypercall(sched_op, SCHEDOP_yield); break;
    case 5: hypercall(mmu_update, UNMAPPED, 1000000, NULL, chance()); break;
    case 6: hypercall(grant_table_op, chance() % 16, UNMAPPED, 1000000); break;
    default: hypercall(memory_op, chance() % 32, UNMAPPED); break;
    }
}

static void calls(void)
{
    phase("calls");
    for (unsigned turn = 0;; turn++) {
        call_any(turn);
        if (turn % 5000 == 4999)
            store_write_number("data/rounds", turn);
    }
}

/* ---- The console ---- */

static void console(void)
{
    struct xencons_interface *ring = pfn_to_virt(mfn_to_pfn(start_info->console.domU.mfn));
    unsigned port = start_info->console.domU.evtchn;
    uint64_t end = time_now() + 6000000000ul;

    phase("filling");
    for (unsigned long written = 0; time_now() < end;) {
        uint32_t room = (uint32_t)sizeof(ring->out) - (ring->out_prod - READ_ONCE(ring->out_cons));

        for (uint32_t i = 0; i < room; i++)
            ring->out[(ring->out_prod + i) % sizeof(ring->out)] = i % 64 ? (char)(' ' + chance() % 95) : '\n';
        barrier();
        WRITE_ONCE(ring->out_prod, ring->out_prod + room);
        event_send(port);
        written += room;
        if (room)
            store_write_number("data/rounds", written);
    }
    for (unsigned i = 0; i < 200; i++) {
        WRITE_ONCE(ring->out_prod, chance());
        WRITE_ONCE(ring->in_cons, chance());
        event_send(port);
        nap(1);
    }
}

/* ---- xenstore ---- */

static void store_send(uint32_t type, const char *body, unsigned n)
{
    struct xsd_sockmsg m = { .type = type, .len = n };

    store_push(&m, sizeof(m));
    store_push(body, n);
    store_drop();
}

/* A new node, one more transaction and one more watch, and a list of what there isn't. */
static void store_round(void)
{
    static char write[] = "data/xabc\0value", watch[] = "data/x\0ab";

    for (unsigned i = 0; i < 3; i++)
        write[6 + i] = (char)('a' + chance() % 26);
    watch[7] = write[7];
    watch[8] = write[8];
    store_send(XS_WRITE, write, sizeof(write) - 1);
    store_send(XS_TRANSACTION_START, "", 1);
    store_send(XS_WATCH, watch, sizeof(watch));
    store_send(XS_DIRECTORY, "data/y", 7);
}

static void flood_store(void)
{
    phase("flooding");
    for (unsigned round = 0; round < 1000; round++)
        store_round();
    nap(1000);
    store_drop();
    for (unsigned i = 0; i < 200; i++) {
        char noise[64];

        fill(noise, sizeof(noise));
        store_push(noise, sizeof(noise) / 2 + chance() % 32);
        store_drop();
    }
}

/* ---- Devices ---- */

static char path[128];

static const char *join(const char *a, const char *b)
{
    memcpy(path, a, strlen(a));
    memcpy(path + strlen(a), b, strlen(b) + 1);
    return path;
}

struct device {
    const char *node;
    char backend[96];
    unsigned port;
};

static void set(const struct device *v, const char *name, unsigned long n)
{
    if (!store_write_number(join(v->node, name), n))
        phase("refused");
}

/* One page of a ring for the backend, by the next reference. */
static void *ring_make(const struct device *v, const char *name)
{
    static unsigned ref = FIRST_REF;
    void *ring = page_alloc();

    grant_v1_set(ref, 0, virt_to_mfn(ring), GTF_permit_access);
    set(v, name, ref++);
    return ring;
}

static bool backend_is(const struct device *v, const char *what)
{
    return store_wait(join(v->backend, "/state"), what, BACKEND_MS);
}

static bool device_find(struct device *v)
{
    const char *text = store_read(join(v->node, "/backend"));

    if (text)
        memcpy(v->backend, text, sizeof(v->backend) - 1); /* it is shorter, and its end among these */
    v->port = (unsigned)event_alloc_unbound(DOMID_SELF, 0);
    return text && backend_is(v, "2");
}

static void blk_fill(blkif_request_t *r, bool right)
{
    fill(r, sizeof(*r));
    if (!right)
        return;
    r->operation = chance() % 2;
    r->nr_segments = (uint8_t)(1 + chance() % BLKIF_MAX_SEGMENTS_PER_REQUEST);
    r->sector_number %= 1024;
    for (unsigned i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++) {
        r->seg[i].first_sect = 0;
        r->seg[i].last_sect = 7;
    }
}

/* The sring of both kinds begins alike. */
static void ring_push(blkif_sring_t *s, RING_IDX prod, unsigned port)
{
    barrier();
    WRITE_ONCE(s->req_prod, prod);
    event_send(port);
    nap(1);
}

static void disk(void)
{
    struct device v = { .node = "device/vbd/51712" };
    blkif_sring_t *s;
    RING_IDX prod = 0;

    if (!device_find(&v))
        return phase("no disk");
    s = ring_make(&v, "/ring-ref");
    SHARED_RING_INIT(s);
    set(&v, "/event-channel", v.port);
    store_write(join(v.node, "/protocol"), "x86_64-abi");
    set(&v, "/state", 3);
    if (!backend_is(&v, "4"))
        return phase("no backend");
    set(&v, "/state", 4);
    phase("attacking");
    for (unsigned nonsense = 0; nonsense < NONSENSE; nonsense += s->rsp_prod >= ANSWERS) {
        for (; prod - READ_ONCE(s->rsp_prod) < 32; prod++)
            blk_fill(&s->ring[prod % 32].req, prod < ANSWERS + 32);
        ring_push(s, prod, v.port);
    }
    store_write_number("data/rounds", READ_ONCE(s->rsp_prod));
    ring_push(s, prod + 1000000, v.port);
}

static void net_fill(netif_tx_request_t *r, bool right)
{
    fill(r, sizeof(*r));
    if (!right)
        return;
    r->flags = 0;
    r->offset = 0;
    r->size = (uint16_t)(60 + chance() % 1400);
}

static void network(void)
{
    struct device v = { .node = "device/vif/0" };
    netif_tx_sring_t *tx;
    netif_rx_sring_t *rx;
    RING_IDX prod = 0;

    if (!device_find(&v))
        return phase("no interface");
    tx = ring_make(&v, "/tx-ring-ref");
    rx = ring_make(&v, "/rx-ring-ref");
    SHARED_RING_INIT(tx);
    SHARED_RING_INIT(rx);
    set(&v, "/event-channel", v.port);
    set(&v, "/request-rx-copy", 1);
    set(&v, "/feature-rx-notify", 1);
    set(&v, "/state", 4);
    if (!backend_is(&v, "4"))
        return phase("no backend");
    phase("attacking");
    for (unsigned nonsense = 0; nonsense < NONSENSE; nonsense += tx->rsp_prod >= ANSWERS) {
        for (; prod - READ_ONCE(tx->rsp_prod) < 256; prod++)
            net_fill(&tx->ring[prod % 256].req, prod < ANSWERS + 256);
        fill(rx->ring, sizeof(rx->ring[0]) * 64);
        WRITE_ONCE(rx->req_prod, rx->req_prod + chance() % 8);
        ring_push((blkif_sring_t *)tx, prod, v.port);
    }
    store_write_number("data/rounds", READ_ONCE(tx->rsp_prod));
    WRITE_ONCE(rx->req_prod, chance());
    ring_push((blkif_sring_t *)tx, prod + 1000000, v.port);
}

void test_main(void)
{
    events_on();
    store_init();
    grant_init(1);
    if (told("do=spin"))
        spin_all();
    if (told("do=calls"))
        calls();
    if (told("do=console"))
        console();
    if (told("do=store")) {
        flood_store();
        rest(); /* xenstored may not listen any more */
    }
    if (told("do=blk"))
        disk();
    if (told("do=net"))
        network();
    phase("over");
    rest();
}
