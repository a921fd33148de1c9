/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times basic operations of a process, as a static program without dependencies. Started by bench/run inside the
 * emulated server under -icount, where the TSC counts emulated instructions (one a nanosecond).
 *
 * Prints a line "NAME VALUE VALUE ..." for each operation: ticks per operation, one value a batch. The first batch of each
 * operation warms up and is not printed. "boot" gives the TSC and the monotonic clock at start.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
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

enum { BATCHES = 9, PAGE = 4096, PAGES = 64 };

static char *const self = "/proc/self/exe";
static int to_child[2], to_parent[2];
static int privcmd = -1;

struct op {
    const char *name;
    int count;                  /* operations in a batch */
    int units;                  /* what one call of run counts as */
    void (*run)(void);
};

static void op_getppid(void) { syscall(SYS_getppid); }

/* The hypercall xen_version(XENVER_version) by the kernel's pass-through (ioctl 0 of /dev/xen/privcmd). */
static void op_hypercall(void)
{
    struct { uint64_t op, arg[5]; } call = { 17, { 0 } };
    if (ioctl(privcmd, _IOC(_IOC_NONE, 'P', 0, sizeof(call)), &call) < 0)
        exit(1);
}

static char *map_pages(void)
{
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    return p;
}

static void touch(char *p)
{
    for (int i = 0; i < PAGES; i++)
        ((volatile char *)p)[i * PAGE] = 1;
}

static char *area;
static void op_fault(void)
{
    madvise(area, PAGES * PAGE, MADV_DONTNEED);
    touch(area);
}

static void op_map(void)
{
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)p = 1;
    munmap(p, PAGE);
}

static void op_mprotect(void)
{
    mprotect(area, PAGES * PAGE, PROT_READ);
    mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE);
    touch(area);
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
    printf("%s", op->name);
    for (int batch = 0; batch <= BATCHES; batch++) {
        uint64_t start = __rdtsc();
        for (int i = 0; i < op->count; i++)
            op->run();
        if (batch)
            printf(" %.1f", (double)(__rdtsc() - start) / op->count / op->units);
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

int main(int argc, char **argv)
{
    static const struct op alone[] = {
        { "getppid", 2000, 1, op_getppid }, { "page fault", 20, PAGES, op_fault }, { "map+touch+unmap", 200, 1, op_map },
        { "protect+refault", 20, PAGES, op_mprotect }, { "signal", 500, 1, op_signal }, { "fork+exit+wait", 10, 1, op_fork },
        { "fork+exec+wait", 10, 1, op_exec }, { "sleep 1 ms", 10, 1, op_sleep },
    };
    static const struct op hypercall = { "hypercall by ioctl", 2000, 1, op_hypercall };
    static const struct op pingpong = { "pipe round trip", 200, 1, op_pipe }, yield = { "yield switch", 500, 2, op_yield };
    struct timespec now;

    if (argc > 1 && !strcmp(argv[1], "exit"))
        return 0;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    printf("boot %llu %lld\n", __rdtsc(), now.tv_sec * 1000000000ll + now.tv_nsec);
    signal(SIGUSR1, on_signal);
    area = map_pages();
    for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
        measure(&alone[i]);
    privcmd = open("/dev/xen/privcmd", O_RDWR);
    if (privcmd >= 0)
        measure(&hypercall);
    if (pipe(to_child) || pipe(to_parent))
        return 1;
    measure_with(&pingpong, answer_pipe);
    /* In this class yielding always passes the CPU on. */
    if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 }))
        return 1;
    measure_with(&yield, op_yield);
    return 0;
}
