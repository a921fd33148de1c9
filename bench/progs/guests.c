/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times what is done to and by a guest; started by bench/guests.sh in dom0 and, for the disk, in the guest:
 *
 *   guests time NAME TIMES COMMAND...           each run of a command, one after the other
 *   guests line NAME FILE TEXT COMMAND...       from a command's start until FILE, which grows, holds TEXT
 *   guests mib NAME MIB COMMAND...              a command that moves so many MiB; for each of them
 *   guests disk DEVICE                          overwrites it
 *   guests serve                                the guest's half of:
 *   guests net ADDRESS
 *
 * Prints "ROW NAME: VALUE..." with microseconds, one value a batch. Under -icount the TSC counts emulated nanoseconds, idle
 * ones included; with BENCH_CLOCK in the environment the monotonic clock is used. Whatever does not do its work,
 * or brings other data than were sent, ends the program with an error. Data are stamped: the first and the
 * last word of each 4 KiB say where they belong and to which writing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { BLOCK = 4096, MIB = 1 << 20, PORT = 5001, MESSAGE = 64 };

static double microseconds(void)
{
    struct timespec now;

    if (!getenv("BENCH_CLOCK"))
        return (double)__rdtsc() / 1e3;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void check(int good, const char *what)
{
    if (!good)
        err(1, "%s", what);
}

/* Commands */

static void command_run(char **words)
{
    int status;
    pid_t child = fork();

    if (!child) {
        execvp(words[0], words);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status)
        errx(1, "%s %s: failed", words[0], words[1]);
}

static double command_time(char **words)
{
    double start = microseconds();

    command_run(words);
    return microseconds() - start;
}

static int do_time(char **arg)
{
    printf("ROW %s:", arg[0]);
    for (int i = atoi(arg[1]); i > 0; i--)
        printf(" %.3f", command_time(arg + 2));
    printf("\n");
    return 0;
}

static int do_mib(char **arg)
{
    printf("ROW %s: %.3f\n", arg[0], command_time(arg + 2) / atof(arg[1]));
    return 0;
}

static int file_holds(const char *path, const char *text)
{
    static char content[MIB];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, content, sizeof(content) - 1);

    if (fd >= 0)
        close(fd);
    content[size > 0 ? size : 0] = 0;
    return strstr(content, text) != NULL;
}

static int do_line(char **arg)
{
    char event[4096], *folder = strdup(arg[1]);
    int watch = inotify_init();
    double start;

    *strrchr(folder, '/') = 0;
    check(inotify_add_watch(watch, folder, IN_MODIFY | IN_CREATE) >= 0, folder);
    check(!file_holds(arg[1], arg[2]), "the line is there already");
    start = microseconds();
    command_run(arg + 3);
    while (!file_holds(arg[1], arg[2]))
        check(read(watch, event, sizeof(event)) > 0, "inotify");
    printf("ROW %s: %.3f\n", arg[0], microseconds() - start);
    return 0;
}

/* Stamps */

static void stamp(char *data, size_t size, uint64_t where, uint64_t writing)
{
    for (size_t at = 0; at < size; at += BLOCK) {
        uint64_t word = (where + at) * 0x9e3779b97f4a7c15 + writing;

        memcpy(data + at, &word, 8);
        memcpy(data + at + BLOCK - 8, &word, 8);
    }
}

static void stamp_check(const char *data, size_t size, uint64_t where, uint64_t writing)
{
    for (size_t at = 0; at < size; at += BLOCK) {
        uint64_t word = (where + at) * 0x9e3779b97f4a7c15 + writing;

        if (memcmp(data + at, &word, 8) || memcmp(data + at + BLOCK - 8, &word, 8))
            errx(1, "other data than were written, at %#lx", where + at);
    }
}

/* The disk: sequential by the MiB, then single blocks all over it. */

static struct disk {
    int fd;
    uint64_t blocks, random;
    uint64_t *writing;          /* of each block: which one was last */
    char *buffer;
    aio_context_t aio;
} disk;

static void disk_transfer(int write, uint64_t block, size_t size)
{
    off_t at = (off_t)(block * BLOCK);

    if (write) {
        for (uint64_t i = 0; i < size / BLOCK; i++)
            stamp(disk.buffer + i * BLOCK, BLOCK, (block + i) * BLOCK, ++disk.writing[block + i]);
        check(pwrite(disk.fd, disk.buffer, size, at) == (ssize_t)size, "write");
        return;
    }
    check(pread(disk.fd, disk.buffer, size, at) == (ssize_t)size, "read");
    for (uint64_t i = 0; i < size / BLOCK; i++)
        stamp_check(disk.buffer + i * BLOCK, BLOCK, (block + i) * BLOCK, disk.writing[block + i]);
}

static void disk_sequential(const char *name, int write, int show)
{
    double start = microseconds();

    if (show)
        printf("ROW %s:", name);
    for (uint64_t mib = 0; mib < disk.blocks * BLOCK / MIB; mib++) {
        disk_transfer(write, mib * (MIB / BLOCK), MIB);
        if (mib % 16 == 15 && show)
            printf(" %.3f", (microseconds() - start) / 16);
        if (mib % 16 == 15)
            start = microseconds();
    }
    if (show)
        printf("\n");
}

static uint64_t disk_somewhere(void)
{
    disk.random = disk.random * 6364136223846793005 + 1442695040888963407;
    return (disk.random >> 33) % disk.blocks;
}

static void disk_random(const char *name, int write)
{
    enum { BATCHES = 5, COUNT = 200 };

    printf("ROW %s:", name);
    for (int batch = 0; batch < BATCHES; batch++) {
        double start = microseconds();

        for (int i = 0; i < COUNT; i++)
            disk_transfer(write, disk_somewhere(), BLOCK);
        printf(" %.3f", (microseconds() - start) / COUNT);
    }
    printf("\n");
}

enum { DEPTH = 32 };            /* how many are on their way at once */

/* One block to be read or written, in the slot's part of the buffer, at a random place that no other slot uses. */
static void aio_submit(struct iocb *slot, unsigned number, int write)
{
    char *data = disk.buffer + number * BLOCK;
    uint64_t block = disk_somewhere() / DEPTH * DEPTH + number;

    if (write)
        stamp(data, BLOCK, block * BLOCK, ++disk.writing[block]);
    *slot = (struct iocb){ .aio_data = number, .aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD, .aio_fildes = (uint32_t)disk.fd,
                           .aio_buf = (uintptr_t)data, .aio_nbytes = BLOCK, .aio_offset = (int64_t)(block * BLOCK) };
    check(syscall(SYS_io_submit, disk.aio, 1, &slot) == 1, "io_submit");
}

static unsigned aio_finish(struct iocb *slots, int write)
{
    struct io_event event;

    check(syscall(SYS_io_getevents, disk.aio, 1, 1, &event, NULL) == 1 && event.res == BLOCK, "io_getevents");
    if (!write) {
        uint64_t at = (uint64_t)slots[event.data].aio_offset;

        stamp_check(disk.buffer + event.data * BLOCK, BLOCK, at, disk.writing[at / BLOCK]);
    }
    return (unsigned)event.data;
}

static void disk_many(const char *name, int write)
{
    enum { BATCHES = 5, COUNT = 640 };
    struct iocb slots[DEPTH];

    printf("ROW %s:", name);
    for (int batch = 0; batch < BATCHES; batch++) {
        double start = microseconds();

        for (unsigned i = 0; i < DEPTH; i++)
            aio_submit(&slots[i], i, write);
        for (int i = 0; i < COUNT - DEPTH; i++) {
            unsigned free = aio_finish(slots, write);

            aio_submit(&slots[free], free, write);
        }
        for (unsigned i = 0; i < DEPTH; i++)
            aio_finish(slots, write);
        printf(" %.3f", (microseconds() - start) / COUNT);
    }
    printf("\n");
}

static int do_disk(char **arg)
{
    uint64_t bytes;

    disk.fd = open(arg[0], O_RDWR | O_DIRECT);
    check(disk.fd >= 0 && !ioctl(disk.fd, BLKGETSIZE64, &bytes), arg[0]);
    disk.blocks = bytes / MIB * (MIB / BLOCK);
    disk.writing = calloc(disk.blocks, sizeof(*disk.writing));
    check(disk.writing && !posix_memalign((void **)&disk.buffer, BLOCK, MIB), "memory");
    check(!syscall(SYS_io_setup, 64, &disk.aio), "io_setup");
    memset(disk.buffer, 0x5a, MIB);
    disk_sequential("", 1, 0);
    disk_sequential("disk: write a MiB, sequential", 1, 1);
    disk_sequential("disk: read a MiB, sequential", 0, 1);
    disk_random("disk: write 4 KiB at random", 1);
    disk_random("disk: read 4 KiB at random", 0);
    disk_sequential("", 0, 0);
    disk_many("disk: read 4 KiB, 32 at once", 0);
    disk_many("disk: write 4 KiB, 32 at once", 1);
    disk_sequential("", 0, 0);
    return 0;
}

/* The network */

static char stream[16 * BLOCK];

static void receive(int fd, void *data, size_t size)
{
    check(recv(fd, data, size, MSG_WAITALL) == (ssize_t)size, "receive");
}

static void transmit(int fd, const void *data, size_t size)
{
    check(send(fd, data, size, 0) == (ssize_t)size, "send");
}

static void stream_receive(int fd, uint64_t size)
{
    for (uint64_t at = 0; at < size; at += sizeof(stream)) {
        receive(fd, stream, sizeof(stream));
        stamp_check(stream, sizeof(stream), at, size);
    }
}

static void stream_transmit(int fd, uint64_t size)
{
    for (uint64_t at = 0; at < size; at += sizeof(stream)) {
        stamp(stream, sizeof(stream), at, size);
        transmit(fd, stream, sizeof(stream));
    }
}

static void without_delay(int fd)
{
    int on = 1;

    check(fd >= 0 && !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "socket");
}

/* Asked for: a letter and a size. Takes the stream and says that all is there; or sends it; or answers each message. */
struct order {
    uint64_t letter, size;
};

static void serve_one(int fd)
{
    struct order order;
    char message[MESSAGE];

    while (recv(fd, &order, sizeof(order), MSG_WAITALL) == sizeof(order)) {
        if (order.letter == 'r') {
            stream_receive(fd, order.size);
            transmit(fd, &order.size, sizeof(order.size));
        }
        if (order.letter == 't')
            stream_transmit(fd, order.size);
        for (uint64_t i = 0; order.letter == 'e' && i < order.size; i++) {
            receive(fd, message, MESSAGE);
            transmit(fd, message, MESSAGE);
        }
    }
    close(fd);
}

static int do_serve(char **arg)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    (void)arg;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    check(!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 4), "listen");
    if (fork())
        return 0;
    for (;;) {
        int peer = accept(fd, NULL, NULL);

        without_delay(peer);
        serve_one(peer);
    }
}

static void net_to(int fd, uint64_t size)
{
    struct order order = { 'r', size };
    uint64_t arrived;

    transmit(fd, &order, sizeof(order));
    stream_transmit(fd, size);
    receive(fd, &arrived, sizeof(arrived));
    check(arrived == size, "not all has arrived");
}

static void net_from(int fd, uint64_t size)
{
    struct order order = { 't', size };

    transmit(fd, &order, sizeof(order));
    stream_receive(fd, size);
}

static void net_echo(int fd, uint64_t times)
{
    struct order order = { 'e', times };
    char message[MESSAGE] = "", answer[MESSAGE];

    transmit(fd, &order, sizeof(order));
    for (uint64_t i = 0; i < times; i++) {
        memcpy(message, &i, sizeof(i));
        transmit(fd, message, MESSAGE);
        receive(fd, answer, MESSAGE);
        check(!memcmp(message, answer, MESSAGE), "another message came back");
    }
}

static void net_row(const char *name, int fd, void (*work)(int, uint64_t), uint64_t size, double units)
{
    enum { BATCHES = 5 };

    work(fd, size);
    printf("ROW %s:", name);
    for (int batch = 0; batch < BATCHES; batch++) {
        double start = microseconds();

        work(fd, size);
        printf(" %.3f", (microseconds() - start) / units);
    }
    printf("\n");
}

static int do_net(char **arg)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = inet_addr(arg[0]) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    check(!connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
    without_delay(fd);
    net_row("network: a MiB to the guest", fd, net_to, 16 * MIB, 16);
    net_row("network: a MiB from the guest", fd, net_from, 16 * MIB, 16);
    net_row("network: 64 bytes there and back", fd, net_echo, 200, 200);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; int (*run)(char **); int words; } verbs[] = {
        { "time", do_time, 3 }, { "line", do_line, 4 }, { "mib", do_mib, 3 }, { "disk", do_disk, 1 }, { "serve", do_serve, 0 }, { "net", do_net, 1 },
    };

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++)
        if (!strcmp(argv[1], verbs[i].name) && argc >= 2 + verbs[i].words)
            return verbs[i].run(argv + 2);
    errx(2, "see the top of bench/progs/guests.c");
}
