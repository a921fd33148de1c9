/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For a test in dom0: monotonic SECONDS [WHAT]. A thread on each CPU compares each reading of CLOCK_MONOTONIC with the latest that any of
 * them has seen: time never goes back, neither on one CPU nor from one to another. "rate" prints both clocks when the second of
 * /dev/rtc0 changes, SECONDS apart: the hardware clock against ours.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/rtc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static _Atomic long long latest, back, readings;
static long long end;

static long long now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void *watch(void *cpu)
{
    long long seen, t = 0, n = 0;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
        exit(2);
    for (; t < end; n++) {
        seen = atomic_load(&latest);
        t = now(CLOCK_MONOTONIC);
        if (t < seen && seen - t > atomic_load(&back))
            atomic_store(&back, seen - t);
        while (t > seen && !atomic_compare_exchange_weak(&latest, &seen, t))
            ;
    }
    atomic_fetch_add(&readings, n);
    return NULL;
}

static int monotonic(int seconds)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t thread[64];

    end = now(CLOCK_MONOTONIC) + seconds * 1000000000ll;
    for (long i = 0; i < cpus; i++)
        if (pthread_create(&thread[i], NULL, watch, (void *)i))
            return 2;
    for (long i = 0; i < cpus; i++)
        pthread_join(thread[i], NULL);
    printf("%ld CPUs, %lld readings, back by %lld ns\n", cpus, (long long)readings, (long long)back);
    return back ? 1 : 0;
}

static int second(int rtc)
{
    struct rtc_time t;

    if (ioctl(rtc, RTC_RD_TIME, &t)) {
        perror("rtc0");
        exit(2);
    }
    return t.tm_sec + 60 * (t.tm_min + 60 * (t.tm_hour + 24 * t.tm_mday));
}

static void tick(int rtc)
{
    int first = second(rtc);

    while (second(rtc) == first)
        ;
    printf("%d %lld %lld\n", second(rtc), now(CLOCK_MONOTONIC), now(CLOCK_REALTIME));
}

static int rate(int seconds)
{
    int rtc = open("/dev/rtc0", O_RDONLY);

    tick(rtc);
    sleep((unsigned)seconds);
    tick(rtc);
    return 0;
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 0;

    return argc > 2 && !strcmp(argv[2], "rate") ? rate(seconds) : monotonic(seconds);
}
