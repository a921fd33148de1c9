/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550 serial lines.  All output goes through a ring; serial_write() moves what the UART's FIFO takes at once
 * and leaves the rest to the "transmitter empty" interrupt, which is on only while the ring holds something.
 * Invariant: tx_head - tx_tail <= TX_SIZE.  Locks: the console lock, held by the callers.
 */
#include "x86/serial.h"
#include "core/cmdline.h"
#include "x86/cpu.h"
#include "x86/ioapic.h"
#include "x86/irq.h"

#define TX_SIZE    16384u /* a power of two */
#define FIFO_SIZE  16
#define SPIN_LIMIT 200000 /* reads of the status register: some 0.1 s */

enum { THR, IER, FCR, LCR, MCR, LSR, MSR, SCR };
enum {
    IER_RX = 1, IER_TX = 2,
    FCR_ON = 1, FCR_CLEAR = 6, FCR_TRIGGER8 = 0x80,
    LCR_DLAB = 0x80,
    MCR_ON = 0x0b, /* DTR, RTS, and OUT2: the gate of the interrupt line */
    LSR_DATA = 1, LSR_EMPTY = 0x20,
};

struct line {
    uint32_t baud;  /* 0: as the firmware left it */
    uint32_t clock;
    uint16_t base;
    uint8_t irq;
    uint8_t format; /* LCR */
};

struct uart {
    struct line line;
    bool started, irq_on, stuck, after_cr;
    uint8_t ier;
    uint32_t tx_head, tx_tail;
    char tx[TX_SIZE];
};

static struct uart uarts[SERIAL_PORTS] = {
    [SERIAL_COM1] = { .line = { .base = 0x3f8, .irq = 4, .baud = 115200, .clock = 1843200, .format = 3 } },
    [SERIAL_COM2] = { .line = { .base = 0x2f8, .irq = 3, .baud = 115200, .clock = 1843200, .format = 3 } },
};

static uint8_t uart_get(const struct uart *u, unsigned reg)
{
    return inb((uint16_t)(u->line.base + reg));
}

static void uart_set(const struct uart *u, unsigned reg, unsigned v)
{
    outb((uint16_t)(u->line.base + reg), (uint8_t)v);
}

/* A number at *s; moves *s behind it. */
static bool spec_number(const char **s, uint32_t max, uint32_t *out)
{
    uint64_t v;

    if (!cmdline_number(s, &v) || v > max)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool spec_speed(struct line *u, const char **s)
{
    const char *p = *s;

    if (p[0] == 'a' && p[1] == 'u' && p[2] == 't' && p[3] == 'o') {
        u->baud = 0;
        *s = p + 4;
        return true;
    }
    if (!spec_number(s, 4000000, &u->baud) || !u->baud)
        return false;
    if (**s != '/')
        return true;
    ++*s;
    return spec_number(s, 100000000, &u->clock) && u->clock / 16 >= u->baud;
}

/* Data bits, parity, stop bits: "8n1". */
static bool spec_format(struct line *u, const char **s)
{
    static const char kinds[] = "noems"; /* none, odd, even, mark, space */
    unsigned bits = (unsigned)(*s)[0] - '5', parity = 0, stop;

    if (bits > 3 || !(*s)[1] || !(*s)[2])
        return false;
    while (kinds[parity] && kinds[parity] != (*s)[1])
        parity++;
    stop = (unsigned)(*s)[2] - '1';
    if (!kinds[parity] || stop > 1)
        return false;
    u->format = (uint8_t)(bits | stop << 2 | (parity ? (2 * parity - 1) << 3 : 0));
    *s += 3;
    return true;
}

/* At a comma: skip it and give true if a value follows. */
static bool spec_field(const char **s, bool *ok)
{
    if (!*ok || !**s)
        return false;
    if (**s != ',') {
        *ok = false;
        return false;
    }
    ++*s;
    return **s && **s != ',';
}

int serial_spec(unsigned com, const char *spec)
{
    struct line new;
    uint32_t v = 0;
    bool ok = true;

    if (com >= SERIAL_PORTS)
        return -XEN_EINVAL;
    new = uarts[com].line;
    ok = spec_speed(&new, &spec);
    if (spec_field(&spec, &ok))
        ok = spec_format(&new, &spec);
    if (spec_field(&spec, &ok)) {
        ok = spec_number(&spec, 0xfff8, &v);
        new.base = (uint16_t)v;
    }
    if (spec_field(&spec, &ok)) {
        ok = spec_number(&spec, 255, &v);
        new.irq = (uint8_t)v;
    }
    if (!ok || *spec)
        return -XEN_EINVAL;
    uarts[com].line = new;
    return 0;
}

static void uart_set_speed(const struct uart *u)
{
    unsigned divisor = MAX(u->line.clock / (16 * MAX(u->line.baud, 1u)), 1u);

    uart_set(u, LCR, u->line.format | LCR_DLAB);
    uart_set(u, THR, divisor & 0xff);
    uart_set(u, IER, divisor >> 8 & 0xff);
}

bool serial_start(unsigned com)
{
    struct uart *u = &uarts[com];

    if (uart_get(u, LSR) == 0xff)
        return false;
    if (u->line.baud)
        uart_set_speed(u);
    uart_set(u, LCR, u->line.format);
    uart_set(u, IER, 0);
    if (uart_get(u, IER))
        return false;
    uart_set(u, MCR, MCR_ON);
    uart_set(u, FCR, FCR_ON | FCR_CLEAR | FCR_TRIGGER8);
    u->started = true;
    return true;
}

bool serial_started(unsigned com)
{
    return com < SERIAL_PORTS && uarts[com].started;
}

/* The transmitter takes a FIFO full when it is empty. */
static bool tx_empty(const struct uart *u)
{
    return uart_get(u, LSR) & LSR_EMPTY;
}

static void tx_interrupt(struct uart *u, bool on)
{
    uint8_t ier = (uint8_t)(on ? u->ier | IER_TX : u->ier & ~IER_TX);

    if (ier == u->ier || !u->irq_on)
        return;
    u->ier = ier;
    uart_set(u, IER, ier);
}

static void tx_pump(struct uart *u)
{
    while (u->tx_head != u->tx_tail && tx_empty(u)) {
        u->stuck = false;
        for (unsigned i = 0; i < FIFO_SIZE && u->tx_head != u->tx_tail; i++)
            uart_set(u, THR, (uint8_t)u->tx[u->tx_tail++ % TX_SIZE]);
    }
    tx_interrupt(u, u->tx_head != u->tx_tail);
}

/* False: no room (then nothing of c was taken). */
static bool tx_push(struct uart *u, char c)
{
    bool add_cr = c == '\n' && !u->after_cr;

    if (TX_SIZE - (u->tx_head - u->tx_tail) < 1u + add_cr)
        return false;
    if (add_cr)
        u->tx[u->tx_head++ % TX_SIZE] = '\r';
    u->tx[u->tx_head++ % TX_SIZE] = c;
    u->after_cr = c == '\r';
    return true;
}

size_t serial_write(unsigned com, const char *s, size_t n)
{
    struct uart *u = &uarts[com];
    size_t i = 0;

    if (!u->started)
        return n;
    while (i < n && tx_push(u, s[i]))
        i++;
    tx_pump(u);
    return i;
}

size_t serial_room(unsigned com)
{
    const struct uart *u = &uarts[com];

    return TX_SIZE - (u->tx_head - u->tx_tail);
}

bool serial_idle(unsigned com)
{
    return uarts[com].tx_head == uarts[com].tx_tail;
}

/* Wait until the ring is empty.  A line that is stuck is waited for once; its bytes are lost. */
static void tx_drain(struct uart *u)
{
    for (unsigned spins = 0; u->tx_head != u->tx_tail; spins++) {
        uint32_t tail = u->tx_tail;

        tx_pump(u);
        if (u->tx_tail != tail)
            spins = 0;
        if (u->stuck || spins > SPIN_LIMIT) {
            u->stuck = true;
            u->tx_tail = u->tx_head;
        }
        cpu_relax();
    }
}

void serial_write_sync(unsigned com, const char *s, size_t n)
{
    struct uart *u = &uarts[com];

    if (!u->started)
        return;
    for (;;) {
        size_t took = serial_write(com, s, n);

        tx_drain(u);
        if (took == n)
            return;
        s += took;
        n -= took;
    }
}

unsigned serial_service(unsigned com, char *buf, unsigned max)
{
    struct uart *u = &uarts[com];
    unsigned n = 0;

    if (!u->started)
        return 0;
    /* An edge-triggered line tells once: until nothing is left. */
    for (unsigned round = 0; round < 16 && n < max; round++) {
        while (n < max && (uart_get(u, LSR) & LSR_DATA))
            buf[n++] = (char)uart_get(u, THR);
        tx_pump(u);
        if (uart_get(u, FCR) & 1)
            break;
    }
    return n;
}

int serial_irq_start(unsigned com, void (*fn)(void *), void *data)
{
    struct uart *u = &uarts[com];
    int rc;

    if (!u->started || !u->line.irq)
        return -XEN_ENODEV;
    rc = irq_request_gsi(u->line.irq < 16 ? ioapic_isa_gsi(u->line.irq) : u->line.irq, fn, data);
    if (rc)
        return rc;
    u->irq_on = true;
    u->ier = IER_RX | IER_TX;
    uart_set(u, IER, u->ier);
    return 0;
}

unsigned serial_port(unsigned com)
{
    return uarts[com].line.base;
}
