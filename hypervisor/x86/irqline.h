/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt lines: one for each input of the I/O APICs (irq = GSI) and one for each message that a PCI function
 * may send (irq above the GSIs).  A line has a vector on one CPU, and either a handler of the hypervisor's own or
 * guests to whom its interrupts go as events.
 */
#pragma once

#include "x86/lock.h"
#include "x86/timer.h"

struct domain;
struct irq_line;
struct msi_entry;

#define IRQ_MAX_GUESTS 16
#define CPU_NONE 0xffffu

/* What drives a line; called with the line's lock held, interrupts off. */
struct irq_chip {
    const char *name;
    void (*mask)(struct irq_line *l);
    void (*unmask)(struct irq_line *l);
    /* Point the device at l->cpu, l->vector (and l->level, l->active_low). Leaves the line masked if it was. */
    void (*route)(struct irq_line *l);
    /* May it be re-routed now without losing an interrupt?  in_irq: its handler runs, so the next edge is some way off. */
    bool (*may_move)(struct irq_line *l, bool same_vector, bool in_irq);
};

struct irq_guest {
    struct domain *domain;
    uint16_t domid;
    uint32_t pirq;
    bool owes_eoi; /* level: it was told, and has not said PHYSDEVOP_eoi yet */
};

struct irq_line {
    spinlock_t lock;             /* RANK_IRQ; guards all below except [const] */
    uint32_t irq;                /* [const] */
    uint32_t claimed;            /* [atomic] message lines: in use */
    const struct irq_chip *chip; /* [const while claimed] NULL: no such input */
    struct msi_entry *msi;       /* [const while claimed] message lines */
    uint16_t ioapic;             /* [const] I/O APIC inputs: which one */
    uint16_t pin;                /* [const] and which input */
    bool level, active_low;
    bool is_configured;          /* trigger mode was set explicitly (firmware's override, dom0) */
    bool masked;                 /* in the device */
    bool throttled;              /* masked by us, flooding; the timer unmasks */
    bool can_share;              /* all guests so far agreed to share */
    uint16_t cpu, wanted_cpu;    /* CPU_NONE: no vector yet / no move asked for */
    uint16_t vector;
    uint16_t old_cpu, old_vector; /* where it pointed before a move; CPU_NONE once given back */
    bool old_asked;              /* that CPU has been asked to give it back */
    uint64_t moved_at;           /* ns */
    void (*fn)(void *);          /* the hypervisor's own handler: excludes guests */
    void *data;
    uint32_t nr_guests, nr_owing;
    struct irq_guest guests[IRQ_MAX_GUESTS];
    uint64_t count;              /* interrupts since boot */
    uint64_t window_start;       /* ns: flood detection */
    struct timer timer;          /* end of a throttle, or of waiting for a sharer's EOI */
};

/* Boot: room for nr lines, of which the first nr_gsis are I/O APIC inputs. */
void irq_lines_init(unsigned nr_gsis, unsigned nr);
unsigned irq_nr_gsis(void);
unsigned irq_nr_lines(void);
/* Line `irq`, or NULL if it was never set up. */
struct irq_line *irq_line(unsigned irq);
/* Boot: the line of an I/O APIC input. */
struct irq_line *irq_line_create_gsi(unsigned gsi, const struct irq_chip *chip);
/* A line for a message: masked, without vector.  Give back with irq_line_release(). NULL: none free. */
struct irq_line *irq_line_claim(const struct irq_chip *chip, struct msi_entry *msi);
/* Mask, give back vectors and the line; no guest may be bound. */
void irq_line_release(struct irq_line *l);

/* A vector, near `cpu` if it can be; nothing if it has one. 0 or -XEN_ENOSPC. */
int irq_line_activate(struct irq_line *l, unsigned cpu);
/* n lines one after another in vectors on one CPU, the first aligned to the next power of two: for multi-message MSI.
 * 0 or -XEN_ENOSPC. */
int irq_lines_activate_block(struct irq_line **l, unsigned n, unsigned cpu);
/* Called by irq_dispatch().  False: the line does not own that vector here. */
bool irq_line_interrupt(struct irq_line *l, unsigned vector);
/* VECTOR_VACATE: if l has moved away from that vector of this CPU and nothing waits there, give it back. */
void irq_line_vacate(struct irq_line *l, unsigned vector);

/* Interrupts of l go to *who (owes_eoi is false), unmasked from now on; the line's first CPU is `cpu`, if it can be.  0, -XEN_EBUSY (not shareable), -XEN_EINVAL (no such input),
 * -XEN_ENOSPC. */
int irq_line_bind(struct irq_line *l, const struct irq_guest *who, unsigned cpu, bool will_share);
/* Port, provided by kern/event.c.  A physical interrupt for the domain's pirq: set the bound port pending.  Any context.
 * Gives false if no port is bound. */
bool event_send_pirq(struct domain *d, unsigned pirq);
/* After this no interrupt of l touches d. */
void irq_line_unbind(struct irq_line *l, struct domain *d);
/* The guest has served its device. */
void irq_line_eoi(struct irq_line *l, struct domain *d);
/* A hint: deliver on that CPU from now on, or from the next interrupt on. */
void irq_line_move(struct irq_line *l, unsigned cpu);
/* A CPU goes out of use (it is not in cpu_online any more): its lines move to others as soon as each can; those that can move only with
 * their next interrupt get that there. */
void irq_lines_leave(unsigned cpu);
/* Trigger mode of an I/O APIC input.  0, -XEN_EEXIST if in use with another mode (left alone). */
int irq_line_set_trigger(struct irq_line *l, bool level, bool active_low);
bool irq_line_is_shared(struct irq_line *l);

/* Debug key: all lines. */
void irq_lines_dump(void);
