/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains and vCPUs: the objects that everything hangs on.  They hold pointers to each subsystem's own
 * state and little else; the subsystem's header says what is behind a pointer.
 *
 * Life: domain_create() -> (vcpu_create) -> runs -> domain_kill() [preemptible; frees what the guest had]
 * -> last reference dropped -> freed.  A domain found by id is held by a reference until domain_put().
 */
#pragma once

#include "core/nospec.h"
#include "core/types.h"
#include "x86/cpumask.h"
#include "x86/lock.h"

#define MAX_VCPUS  8192
#define PAUSES_MAX 255             /* by the toolstack at a time: more are refused, so that no count wraps */
#define SHUTDOWN_CODE_INVALID 0xff /* not shut down */

struct domain {
    domid_t id;                /* [const] */
    bool is_privileged;        /* dom0: may call the control interfaces [const] */
    bool is_pv;                /* [const] */
    bool is_xenstore;          /* xenstored runs in it: it may look at all domains [const] */
    bool is_dying;             /* [ctl_lock], read anywhere */
    bool is_whole;             /* made to the end: can be found by id [atomic] */
    bool is_gone;              /* killed to the end: can't be found by id any more [atomic] */
    bool is_shut_down;         /* all vCPUs stopped by SCHEDOP_shutdown [ctl_lock] */
    uint8_t shutdown_code;     /* SHUTDOWN_* or SHUTDOWN_CODE_INVALID */
    uint32_t refs;             /* [atomic] */
    unsigned max_vcpus;        /* [const once created] */
    struct vcpu **vcpu;        /* [max_vcpus]; an entry is set once */
    struct domain *next;       /* among the dead [atomic] */
    spinlock_t ctl_lock;
    cpumask_t dirty_cpus;      /* CPUs that may hold translations of this domain's tables [atomic] */
    unsigned pause_count;      /* [atomic] */
    unsigned ctl_pauses;       /* those of them that are the toolstack's [atomic] */
    bool debugger_attached;    /* kern/debugger.h [changed while it is paused] */
    bool tsc_emulated;         /* its guest must not read the processor's TSC: kern/tsc.h [changed while it is paused] */
    bool ctl_busy;             /* a CPU is in a domctl that must have the domain for itself [atomic] */
    uint32_t suspend_port;     /* its event channel that tells of SHUTDOWN_suspend; 0: none [atomic] */

    struct shared_info *shared;        /* one frame, shared with the guest */
    struct domain_pages *pages;        /* frames it owns: kern/pages.h */
    struct evtchn_domain *evtchn;      /* kern/event.h */
    struct grant_domain *grant;        /* kern/grant.h */
    struct sched_domain *sched;        /* kern/sched.h */
    int64_t wall_offset;               /* seconds from UTC to its wall clock [atomic] */
    uint64_t wall_told;                /* the wallclock_base() that its shared page shows [atomic] */
    struct tsc_domain *tsc;            /* kern/tsc.h */
    struct pirq_domain *pirq;          /* kern/pirq.h */
    struct io_domain *io;              /* I/O ports and memory it may touch: kern/ioaccess.h */
    struct pv_domain *pv;              /* pv/pv.h */
    uint64_t vm_assist;                /* VMASST bits [ctl_lock] */
    struct memory_map *map;            /* ctl/memmap.c's; NULL: none [ctl_lock] */
    struct vnuma *vnuma;               /* ctl/vnuma.c's; NULL: none [ctl_lock] */
    uint8_t handle[16];                /* the toolstack's UUID */
    struct cpu_policy *cpu_policy;     /* CPUID as the toolstack wants it, NULL: all it may have [changed while it is paused] */
};

struct vcpu {
    /* A trap from this guest pushes its registers right here (TSS.RSP0 is &regs.es, which must be 16-byte
     * aligned); a fault of the very last instruction on the way out pushes below them. */
    uint8_t headroom[264] __attribute__((aligned(64)));
    struct cpu_user_regs regs;
    struct cpu_block *cpu_stack; /* the stack of the CPU that it runs on: set on each switch to it */
    uint64_t full_cr3;         /* with isolated page tables (pv/pti.c): what CR3 is to be once we are entered, and ... */
    uint64_t frame_delta;      /* ... from where a trap pushes to `regs` [const; 0: the same] */

    struct domain *domain;     /* [const] */
    unsigned id;               /* [const] */
    unsigned cpu;              /* where it runs or last ran [scheduler] */
    bool is_idle;              /* [const] */
    bool is_initialised;       /* has been given registers [RANK_VCPU lock] */
    bool kernel_mode;          /* its guest's kernel runs, not one of the kernel's processes (pv/) [by its own CPU] */
    spinlock_t lock;           /* RANK_VCPU */

    struct vcpu_info *own_info;/* for vCPUs that have no place in the shared info, else NULL [const] */
    struct vcpu_info *info;    /* in the shared info or where the guest registered it; never NULL */
    struct evtchn_vcpu *evtchn;
    struct sched_vcpu *sched;
    struct time_vcpu *time;
    struct pv_vcpu *pv;
    struct fpu_vcpu *fpu;

    uint8_t exit_work;             /* look at v before going back to it: VCPU_WORK_* [atomic] */
    uint8_t debug_event;           /* vector that stopped it for a debugger and has not been told yet, 0: none [atomic] */
    unsigned debug_pauses;         /* by a debugger [atomic] */
    bool nmi_pending, mce_pending; /* [atomic] for the guest; setting one needs exit_work too: vcpu_nmi() */
};

/* struct vcpu's exit_work: what is to be done before it goes on. */
#define VCPU_WORK_NMI      1u /* an NMI is pending */
#define VCPU_WORK_FAILSAFE 2u /* a segment register could not be loaded */
#define VCPU_WORK_RUNSTATE 4u /* its runstate area could not be written while one of its processes ran */

extern struct domain *dom0;
extern struct domain idle_domain;

struct domain_config {
    domid_t id;
    bool is_privileged;
    unsigned max_vcpus;
    uint64_t max_pages;
    int max_grant_frames, max_maptrack_frames; /* negative: the defaults */
    unsigned max_grant_version;                /* 0: the default */
    uint32_t cpupool;                  /* its CPU pool */
};

/* A new para-virtual domain, paused once, without memory or vCPUs; nobody else finds it until domain_publish().  NULL: *rc says why. */
struct domain *domain_create(const struct domain_config *cfg, int *rc);
void domain_publish(struct domain *d);
/* vCPU `id` of d, down and without registers.  0 or -XEN_E. */
int vcpu_create(struct domain *d, unsigned id);
/* The idle domain and its vCPUs (one a CPU). Boot. */
void domain_init(void);
int idle_vcpu_create(unsigned cpu);
void vcpu_free(struct vcpu *v);

/* Provided by the guest kind (pv/setup.c): its part of a domain and of a vCPU. */
int pv_domain_create(struct domain *d);
void pv_domain_free(struct domain *d);
int pv_vcpu_create(struct vcpu *v);
/* Drop the references that v's page tables and descriptor tables hold.  -XEN_EAGAIN: call again. */
int pv_vcpu_kill(struct vcpu *v);
/* v as it was made, without registers and tables; it doesn't run and won't.  -XEN_EAGAIN: call again. */
int pv_vcpu_reset(struct vcpu *v);
/* Drop the pin, or the parked use, of page table m of dying d, under its page-table lock.  0, or -XEN_EAGAIN: call again. */
int pv_table_kill(struct domain *d, mfn_t m);
void pv_vcpu_free(struct vcpu *v);

/* The data segment registers, as they are now, to v->regs; v == current. */
void pv_selectors_save(struct vcpu *v);

/* Give back what a dying domain has; it must be paused.  Preemptible: -XEN_EAGAIN = call again; 0: only references are left. */
int domain_kill(struct domain *d);
/* The domain of that id while the caller knows that it can't go (it owns a frame that the caller has a reference to). */
struct domain *domain_peek(domid_t id);
/* Walk all domains: d and NULL end; each is held while it is looked at. `domain_next(NULL)` is the first; drops d. */
struct domain *domain_next(struct domain *d);
/* A reference to the domain with the lowest number from `id` on, or NULL.  Looks without a lock: listing holds up nobody. */
struct domain *domain_from(unsigned id);

/* A reference to domain `id` (DOMID_SELF: the caller's), or NULL. */
struct domain *domain_get(domid_t id);
/* The same, if the caller may act on it: itself, or any if it is privileged.  NULL: *rc is -XEN_ESRCH or -XEN_EPERM, else 0. */
struct domain *domain_target(domid_t id, int *rc);
void domain_put(struct domain *d);
/* One more reference to a domain already held. */
void domain_hold(struct domain *d);

/* An NMI for the guest: pending until its NMI callback can run. Any context. */
void vcpu_nmi(struct vcpu *v);

/* The domain is to have asked for these (VMASST_TYPE bits; unknown ones are ignored): kern/vmassist.c. */
void vm_assist_set(struct domain *d, uint64_t types);

/* The guest broke its contract beyond an error code: stop all its vCPUs with SHUTDOWN_crash.
 * The first reason is logged.  Any context without locks above RANK_CTL. Returns; the caller unwinds. */
void domain_crash(struct domain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* SCHEDOP_shutdown; for dom0: power off, reboot or halt the machine as Xen does. */
void domain_shutdown(struct domain *d, uint8_t reason);
/* The shutdown is taken back: its vCPUs go on (after a suspend that did not happen, or on a copy). */
void domain_resume(struct domain *d);

/* vCPU `id` of d, or NULL. */
static inline struct vcpu *domain_vcpu(const struct domain *d, unsigned id)
{
    return id < d->max_vcpus ? READ_ONCE(d->vcpu[index_clamp(id, d->max_vcpus)]) : NULL;
}

#define domain_each_vcpu(d, v) \
    for (unsigned v##_i = 0; v##_i < (d)->max_vcpus; v##_i++) \
        for (struct vcpu *v = (d)->vcpu[v##_i]; v; v = NULL)
