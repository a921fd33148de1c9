/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times basic operations of a process, as a static program without dependencies. Started by bench/run inside the
 * emulated server. Under -icount the TSC counts emulated instructions (one a nanosecond); "process clock" uses the
 * monotonic clock instead, for runs by the wall clock.
 *
 * Prints a line "ROW NAME: VALUE VALUE ..." for each operation: ticks per operation, one value a batch. The first batch
 * of each operation warms up and is not printed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { BATCHES = 9, PAGE = 4096, PAGES = 64, LARGE = 64 << 20, RING_MAX = 64 };

static char *const self = "/proc/self/exe";
static int to_child[2], to_parent[2];
static int privcmd = -1;
static bool by_clock;

struct op {
    const char *name;
    int count;                  /* operations in a batch */
    int units;                  /* what one call of run counts as */
    void (*run)(void);
};

static uint64_t ticks(void)
{
    struct timespec now;

    if (!by_clock)
        return __rdtsc();
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void op_getppid(void) { syscall(SYS_getppid); }

/* The hypercall xen_version(XENVER_version) by the kernel's pass-through (ioctl 0 of /dev/xen/privcmd). */
static void op_hypercall(void)
{
    struct { uint64_t op, arg[5]; } call = { 17, { 0 } };
    if (ioctl(privcmd, _IOC(_IOC_NONE, 'P', 0, sizeof(call)), &call) < 0)
        exit(1);
}

static char *map_new(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    return p;
}

static void touch(char *p, size_t size)
{
    for (size_t i = 0; i < size; i += PAGE)
        ((volatile char *)p)[i] = 1;
}

static char *area;
static void op_fault(void)
{
    madvise(area, PAGES * PAGE, MADV_DONTNEED);
    touch(area, PAGES * PAGE);
}

static void op_map(void) { munmap(map_new(PAGE), PAGE); }

static void map_touch(size_t size)
{
    char *p = map_new(size);
    touch(p, size);
    munmap(p, size);
}

static void op_map_touch(void) { map_touch(PAGE); }
static void op_map_large(void) { map_touch(LARGE); }

static void op_mprotect(void)
{
    mprotect(area, PAGES * PAGE, PROT_READ);
    mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE);
    touch(area, PAGES * PAGE);
}

static void reap(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status)
        exit(1);
}

static void op_fork(void)
{
    pid_t child = fork();
    if (!child)
        _exit(0);
    reap(child);
}

static void op_exec(void)
{
    pid_t child = fork();
    if (!child) {
        execl(self, self, "exit", NULL);
        _exit(1);
    }
    reap(child);
}

/* One round trip over two pipes: two switches of process. */
static void op_pipe(void)
{
    char byte = 0;
    if (write(to_child[1], &byte, 1) != 1 || read(to_parent[0], &byte, 1) != 1)
        exit(1);
}

/* Processes in a ring pass a byte on, each to the next by a pipe; the first one is the one that measures. */
static int ring[RING_MAX][2];
static int ring_size;

static void ring_pass(int from, int to)
{
    char byte = 0;
    if (read(ring[from][0], &byte, 1) != 1 || write(ring[to][1], &byte, 1) != 1)
        exit(1);
}

static void op_ring(void) { ring_pass(0, 1 % ring_size); }

static void *no_work(void *unused) { return unused; }

static void op_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, no_work, NULL) || pthread_join(thread, NULL))
        exit(1);
}

/* Two threads pass a word to and fro; each waits until it has the other's value. */
static uint32_t turn;

static void turn_pass(uint32_t from, uint32_t to)
{
    while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != from)
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, to, NULL, NULL, 0);
    __atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void op_futex(void) { turn_pass(0, 1); }

static void *futex_other(void *unused)
{
    for (;;)
        turn_pass(1, 0);
    return unused;
}

static void op_yield(void) { sched_yield(); }

static void on_signal(int number) { (void)number; }
static void op_signal(void) { raise(SIGUSR1); }

static void op_sleep(void)
{
    struct timespec ms = { .tv_nsec = 1000000 };
    nanosleep(&ms, NULL);
}

static void measure(const struct op *op)
{
    printf("ROW %s:", op->name);
    for (int batch = 0; batch <= BATCHES; batch++) {
        uint64_t start = ticks();
        for (int i = 0; i < op->count; i++)
            op->run();
        if (batch)
            printf(" %.1f", (double)(ticks() - start) / op->count / op->units);
    }
    printf("\n");
    fflush(stdout);
}

/* Runs op beside a child that does the other half. */
static void measure_with(const struct op *op, void (*other)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (!child)
        for (;;)
            other();
    measure(op);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void answer_pipe(void)
{
    char byte;
    if (read(to_child[0], &byte, 1) != 1 || write(to_parent[1], &byte, 1) != 1)
        _exit(1);
}

static void measure_ring(const char *name, int size)
{
    const struct op op = { name, 6400 / size, size, op_ring };
    pid_t members[RING_MAX];

    fflush(stdout);
    ring_size = size;
    for (int i = 0; i < size; i++)
        if (pipe(ring[i]))
            exit(1);
    for (int i = 1; i < size; i++) {
        members[i] = fork();
        if (!members[i])
            for (;;)
                ring_pass(i, (i + 1) % size);
    }
    if (write(ring[0][1], "", 1) != 1)
        exit(1);
    measure(&op);
    for (int i = 1; i < size; i++) {
        kill(members[i], SIGKILL);
        waitpid(members[i], NULL, 0);
    }
    for (int i = 0; i < size; i++) {
        close(ring[i][0]);
        close(ring[i][1]);
    }
}

static void measure_pairs(void)
{
    static const struct op pingpong = { "context switch by pipe", 200, 2, op_pipe };
    static const struct op futex = { "thread switch by futex", 500, 2, op_futex };
    static const struct op yield = { "switch by sched_yield", 500, 2, op_yield };
    pthread_t thread;

    if (pipe(to_child) || pipe(to_parent))
        exit(1);
    measure_with(&pingpong, answer_pipe);
    measure_ring("switch in a ring of 2", 2);
    measure_ring("switch in a ring of 16", 16);
    measure_ring("switch in a ring of 64", 64);
    if (sysconf(_SC_NPROCESSORS_ONLN) == 1) {
        /* In this class yielding always passes the CPU on. */
        if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 }))
            exit(1);
        measure_with(&yield, op_yield);
        sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
    }
    if (pthread_create(&thread, NULL, futex_other, NULL))
        exit(1);
    measure(&futex);
}

int main(int argc, char **argv)
{
    static const struct op alone[] = {
        { "null system call", 2000, 1, op_getppid }, { "page fault, anonymous", 20, PAGES, op_fault },
        { "mmap+munmap", 500, 1, op_map }, { "mmap+touch+munmap", 200, 1, op_map_touch },
        { "mmap+touch+munmap of 64 MiB, a page", 1, LARGE / PAGE, op_map_large },
        { "mprotect+refault", 20, PAGES, op_mprotect }, { "signal", 500, 1, op_signal },
        { "fork+exit+wait", 10, 1, op_fork }, { "fork+exec+wait", 10, 1, op_exec },
        { "thread create+join", 50, 1, op_thread }, { "sleep 1 ms", 10, 1, op_sleep },
    };
    static const struct op hypercall = { "hypercall by ioctl", 2000, 1, op_hypercall };

    if (argc > 1 && !strcmp(argv[1], "exit"))
        return 0;
    by_clock = argc > 1 && !strcmp(argv[1], "clock");
    signal(SIGUSR1, on_signal);
    area = map_new(PAGES * PAGE);
    for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
        measure(&alone[i]);
    privcmd = open("/dev/xen/privcmd", O_RDWR);
    if (privcmd >= 0)
        measure(&hypercall);
    measure_pairs();
    return 0;
}
