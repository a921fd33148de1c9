# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's xl, command by command, on para-virtual guests with Debian's kernels."""
import re

from guests import FILES, Server
from kit import HV, test

DISK = "truncate -s 32M /tmp/{0}.img && mke2fs -q -F /tmp/{0}.img"


def states(s, name):
    return s.rows()[name][3]


def shown(s):
    number, memory, cpus, _, used = s.rows()["small"]
    assert (memory, cpus) == ("128", "2") and float(used) > 0
    assert s.say("xl domid small") == number and s.say(f"xl domname {number}") == "small"
    assert re.search(rf"^small +{number} +0:", s.say("xl uptime small"), re.M)
    assert len(s.say("xl vcpu-list small").splitlines()) == 5       # maxvcpus = 4
    assert '"name": "small"' in s.say("xl list -l small") and "small" in s.say("xl list -v") and "small" in s.say("xl vm-list")
    assert "small" in s.say("xl list -c") and "small" in s.say("xl list -Z") and "small" in s.say("xl list -n")
    assert s.rows("xl claims")["small"][-1] == "0"
    assert re.search(r"^ *small .* 131072 ", s.say("xentop -b -i 1"), re.M)
    assert re.search(r"up +\d+:\d\d, small", s.say("xl uptime -s small")), s.say("xl uptime -s small")
    row = s.say("xl list -v -c -n -Z small").splitlines()[1].split()
    assert row[:1] == ["small"] and re.fullmatch(r"[0-9a-f-]{36}", row[6]) and row[-2:] == ["Pool-0", "all"], row
    s.say("(sleep 3; printf q) | TERM=linux script -qc 'stty rows 30 cols 100; xl top' /tmp/top > /dev/null; grep -aq small /tmp/top")
    assert "control_d" not in s.guest("small", "cat /proc/xen/capabilities")


def stored(s):
    """xenstored's own tools."""
    path = f"/local/domain/{s.say('xl domid small')}"
    assert s.say(f"xenstore-read {path}/name") == "small" and "name" in s.say(f"xenstore-list {path}").split()
    s.say("(timeout 20 xenstore-watch -n 2 /t > /tmp/seen &); sleep 1; xenstore-write /t/a one; xenstore-exists /t/a; xenstore-chmod /t/a n0 r1")
    assert re.fullmatch(r'a = "one"[ .]*\(n0,r1\)', s.say("xenstore-ls -p /t"))
    s.until("[ $(grep -c /t /tmp/seen) = 2 ]", "the watch has fired")
    s.say("xenstore-rm /t")
    s.refuses("xenstore-read /t/a")


def paused(s):
    s.say("xl pause small")
    assert states(s, "small")[2] == "p"
    before = s.rows()["small"][4]
    s.say("sleep 2")
    assert s.rows()["small"][4] == before
    s.say("xl unpause small")
    assert s.guest("small", "echo alive") == "alive" and states(s, "small")[2] == "-"
    s.say("xl rename small other")
    assert "other" in s.names()
    s.say("xl rename other small")


def cpus(s):
    s.say("xl vcpu-pin small 0 1")
    assert s.say("xl vcpu-list small").splitlines()[1].split()[-3:] == ["1", "/", "all"]
    s.say("xl vcpu-pin small 0 all 0")
    assert s.say("xl vcpu-list small").splitlines()[1].split()[-3:] == ["all", "/", "0"]
    assert s.guest("small", "nproc") == "2"
    s.say("xl vcpu-set -i small 4")
    s.guest("small", "for i in $(seq 300); do [ -e /sys/devices/system/cpu/cpu3 ] && break; sleep 0.2; done; "
            "for c in 2 3; do [ $(cat /sys/devices/system/cpu/cpu$c/online) = 1 ] || echo 1 > /sys/devices/system/cpu/cpu$c/online; done")
    assert s.guest("small", "nproc") == "4"
    s.say("xl vcpu-set small 1")
    s.guest("small", "for i in $(seq 300); do [ $(nproc) = 1 ] && exit 0; sleep 0.2; done; exit 1")
    assert s.rows()["small"][2] == "1"


def memory(s):
    for size in (100, 200):
        s.say(f"xl mem-set small {size}")
        s.until(f"[ $(xl list small | awk 'NR > 1 {{ print $3 }}') = {size} ]", f"{size} MiB")
        total = int(s.guest("small", "awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo"))
        assert size - 60 < total < size, total
    s.say("xl mem-max small 300")
    assert re.search(r"^ *small .* 30\d{4} ", s.say("xentop -b -i 1"), re.M)
    s.refuses("xl mem-set small 1000")


def disks(s):
    s.guest("small", "mount /dev/xvda /mnt && dd if=/dev/urandom of=/mnt/f bs=1M count=8 2>/dev/null && sync && "
            "sha256sum < /mnt/f > /mnt/sum && umount /mnt && echo 3 > /proc/sys/vm/drop_caches")
    s.guest("small", "mount /dev/xvda /mnt && sha256sum < /mnt/f | cmp - /mnt/sum && umount /mnt")
    assert len(s.say("xl block-list small").splitlines()) == 2
    s.say(DISK.format("second") + "; xl block-attach small /tmp/second.img,raw,xvdb,w")
    s.guest("small", "for i in $(seq 300); do [ -b /dev/xvdb ] && break; sleep 0.2; done; mount /dev/xvdb /mnt && echo hello > /mnt/x && umount /mnt")
    s.say("xl block-detach small xvdb")
    s.guest("small", "for i in $(seq 300); do [ -b /dev/xvdb ] || exit 0; sleep 0.2; done; exit 1")
    assert s.say("debugfs -R 'cat /x' /tmp/second.img 2>/dev/null") == "hello"
    assert s.machine.run("losetup -a | grep second.img")[1] != 0


def networks(s):
    s.say("ping -c 2 10.1.0.2")
    s.guest("small", "ping -c 2 10.1.0.1")
    s.say("xl network-attach small bridge=xenbr0")
    s.guest("small", "for i in $(seq 300); do [ -e /sys/class/net/eth1 ] && exit 0; sleep 0.2; done; exit 1")
    assert len(s.say("xl network-list small").splitlines()) == 3
    s.say("xl network-detach small 1")
    s.guest("small", "for i in $(seq 300); do [ -e /sys/class/net/eth1 ] || exit 0; sleep 0.2; done; exit 1")


def signals(s):
    s.say("xl sysrq small h")
    s.guest("small", "for i in $(seq 300); do dmesg | grep -q 'sysrq: HELP' && exit 0; sleep 0.2; done; exit 1")
    s.say("xl trigger small nmi")
    assert s.guest("small", "echo alive") == "alive"
    assert "failed" in s.say("xl trigger small power 2>&1")         # for hardware-assisted guests
    s.say("xl console -h; xl console -n 0 small < /dev/null > /dev/null 2>&1 & sleep 1; kill $!")
    s.say("xl dump-core small /tmp/core && [ $(stat -c %s /tmp/core) -gt 100000000 ] && readelf -S /tmp/core | grep -q xen_prstatus; rm /tmp/core")
    s.say("xl config-update small /etc/xen/small.cfg 2>&1")
    assert s.guest("small", "echo alive") == "alive"


@test(timeout=600)
def commands():
    """All that can be done to a running guest, and that it leaves nothing behind."""
    with Server() as s:
        before = s.free_memory()
        s.say(DISK.format("first"))
        s.refuses("xl create -q /etc/xen/small.cfg 'kernel=\"/nowhere\"'")
        s.refuses("xl create -q /etc/xen/small.cfg 'memory=100000'")
        s.create("small", flavour="generic", vcpus=2, maxvcpus=4, disk=["/tmp/first.img,raw,xvda,w"])
        s.refuses("xl create -q /etc/xen/small.cfg")
        for part in (shown, stored, paused, cpus, memory, disks, networks, signals):
            part(s)
        s.say("xl reboot -w small", 200)
        s.ready("small")
        s.say("xl shutdown -w small", 200)
        s.gone("small")
        assert not s.names()
        s.create("small", ready=False)
        s.say("xl destroy small")
        assert not s.names()
        s.memory_is_back(before)
        s.healthy()


def runs_well(s, flavour, count):
    """A guest with that kernel and so many vCPUs: they are there, its clock is right, its kernel does not complain."""
    s.create("g", flavour=flavour, vcpus=count, memory=160, maxmem=160)
    assert s.guest("g", "nproc") == str(count)
    assert ("cloud" in s.guest("g", "uname -r")) == (flavour == "cloud")
    complaints = s.guest("g", "dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|stall|lockup' || true")
    assert not complaints, complaints
    s.clock_is_right("g")
    s.say("xl shutdown -w g", 200)
    s.gone("g")


@test(timeout=900)
def kernels():
    """Debian's kernels as guests with 1, 2 and 8 vCPUs."""
    with Server() as s:
        before = s.free_memory()
        for flavour in FILES:
            for count in (1, 2, 8):
                runs_well(s, flavour, count)
        s.memory_is_back(before)
        s.healthy()


@test(timeout=600)
def crashes():
    """A guest that crashes is dumped and restarted, preserved or destroyed, as told; the other guest goes on."""
    with Server() as s:
        s.say("mkdir -p /var/lib/xen/dump; df /var/lib/xen/dump | tail -1")
        before = s.free_memory()
        s.create("bystander", memory=96, maxmem=96, address=9)
        s.guest("bystander", "(while :; do date +%s > /tmp/beat; sleep 1; done) > /dev/null 2>&1 &")
        s.create("g", on_crash="coredump-restart", memory=96, maxmem=96)
        number = s.say("xl domid g")
        crash(s, "g")
        s.until(f"[ \"$(xl domid g 2>/dev/null || echo {number})\" != {number} ]", "restarted")
        s.ready("g")
        s.say("ls /var/lib/xen/dump/*g* && readelf -S /var/lib/xen/dump/*g* | grep -q xen_pages; rm /var/lib/xen/dump/*")
        s.say("xl destroy g")
        s.create("g", on_crash="preserve", memory=96, maxmem=96)
        crash(s, "g")
        s.until("xl list g | grep -q ' ---.*c'", "kept as crashed")
        s.say("xl destroy g")
        s.create("g", on_crash="destroy", memory=96, maxmem=96)
        crash(s, "g")
        s.gone("g")
        s.guest("bystander", "[ $(($(date +%s) - $(cat /tmp/beat))) -le 3 ]")
        s.say("xl destroy bystander")
        s.memory_is_back(before)
        s.healthy()


def crash(s, name):
    s.machine.run(f"/usr/lib/hospes/guest run {name} 'echo c > /proc/sysrq-trigger' 3", 60)


@test(timeout=900)
def twenty_guests():
    """20 small guests at once on a server of 4 GiB."""
    names = [f"g{number}" for number in range(20)]
    with Server(mem="4G", dom0_mem="1G") as s:
        before = s.free_memory()
        for number, name in enumerate(names):
            s.create(name, ready=False, memory=96, maxmem=96, address=10 + number)
        for number, name in enumerate(names):
            assert s.guest(name, "hostname", 300) == "guest"
            s.say(f"ping -c 1 -W 10 10.1.0.{10 + number}")
        assert s.names() == set(names) and len(s.say("xl vcpu-list").splitlines()) == 1 + 2 + 20
        s.guest("g0", "for i in $(seq 11 29); do ping -c 1 -W 10 10.1.0.$i || exit 1; done", 120)
        s.say("xl shutdown -a -w", 600)
        for name in names:
            s.gone(name)
        s.memory_is_back(before)
        s.healthy()


def used(s, names, seconds=10):
    """How much processor time each guest got within so many seconds of dom0's clock, in seconds."""
    read = "date +%s.%N; xl list | awk '{ print $1, $NF }'"

    def sample():
        lines = s.say(read).splitlines()
        return float(lines[0]), {words[0]: float(words[1]) for words in map(str.split, lines[2:])}
    start, first = sample()
    s.say(f"sleep {seconds}")
    end, last = sample()
    return end - start, {name: last[name] - first[name] for name in names}


@test(timeout=400)
def shares():
    """Weights and caps of xl sched-credit2 hold between guests that compete for one processor."""
    with Server() as s:
        s.say("xl vcpu-pin 0 all 0")
        for number, name in enumerate(("a", "b")):
            s.create(name, memory=96, maxmem=96, cpus="1", address=10 + number)
            s.guest(name, "(while :; do :; done) > /dev/null 2>&1 &")
        for weight in (256, 768):
            s.say(f"xl sched-credit2 -d a -w {weight}; sleep 2")
            length, times = used(s, ("a", "b"))
            share = times["a"] / (times["a"] + times["b"])
            print(f"weight {weight} to 256: a has {share:.3f} of {times['a'] + times['b']:.1f} s in {length:.1f} s")
            assert abs(share - weight / (weight + 256)) < 0.05 and sum(times.values()) > 0.9 * length
        s.say("xl sched-credit2 -d a -w 256; xl sched-credit2 -d b -c 20; sleep 2")
        length, times = used(s, ("a", "b"))
        print(f"b capped at 20: {times['b'] / length:.3f} of {length:.1f} s, a {times['a'] / length:.3f}")
        assert times["b"] < 0.21 * length and times["a"] > 0.7 * length
        s.say("xl destroy a; sleep 2")
        length, times = used(s, ("b",))
        print(f"alone: {times['b'] / length:.3f}")
        assert 0.15 * length < times["b"] < 0.21 * length
        s.healthy()
