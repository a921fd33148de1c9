# SPDX-License-Identifier: GPL-2.0-or-later
"""Time in dom0: no drift against the emulator's clock, settable, hardware clock, timers. DRIFT_SECONDS: how long."""
import os
import socket
import subprocess
import tempfile
import time

from kit import HERE, boot, seconds, test

DRIFT = seconds("DRIFT_SECONDS", 600)


class Clocks:
    """Compares the guest's clocks with ours over TCP."""

    def __init__(self, m, cpu, port):
        m.run(f"taskset -c {cpu} socat TCP-LISTEN:{port},reuseaddr EXEC:/usr/lib/hospes/clocks </dev/null >/dev/null 2>&1 & "
              f"i=0; until ss -ltn | grep -q :{port} || [ $i = 50 ]; do sleep 0.1; i=$((i + 1)); done", check=True)
        self.link = socket.create_connection(("127.0.0.1", m.port(port)), 20)
        self.link.settimeout(30)
        self.file = self.link.makefile("rw")

    def ask(self):
        """(round trip, our time in its middle, guest's monotonic, guest's real), of the quickest of many."""
        best = None
        for _ in range(100):
            sent = time.monotonic()
            self.file.write("\n")
            self.file.flush()
            answer = self.file.readline().split()
            took = time.monotonic() - sent
            if best is None or took < best[0]:
                best = (took, sent + took / 2, *map(float, answer))
        return best


def below_100_ppm(name, first, last):
    """And what the measurement itself is unsure of."""
    ours = last[1] - first[1]
    unsure = (first[0] + last[0]) / 2
    for clock, index in (("monotonic", 2), ("real", 3)):
        off = last[index] - first[index] - ours
        print(f"{name}, {clock}: off by {off * 1e6:.0f} us in {ours:.1f} s, unsure by {unsure * 1e6:.0f} us")
        assert abs(off) < ours * 100e-6 + unsure, f"{name}, {clock}: drifts by {off / ours * 1e6:.0f} ppm"


@test(timeout=400 + DRIFT, beside=True)
def drift():
    """Ten minutes against the emulator's clock (the host's), on each of two vCPUs."""
    with boot(cpus=2, threads="multi", forwards=(3003, 3004), exclusive=False) as m:
        m.ready()
        clocks = [Clocks(m, cpu, 3003 + cpu) for cpu in (0, 1)]
        first = [clock.ask() for clock in clocks]
        time.sleep(DRIFT)
        for cpu, clock in enumerate(clocks):
            below_100_ppm(f"vCPU {cpu}", first[cpu], clock.ask())


def program():
    """monotonic.c, built here for there: /run/monotonic."""
    with tempfile.NamedTemporaryFile(suffix=".elf") as out:
        subprocess.run(["gcc", "-O2", "-static", "-pthread", "-o", out.name, os.path.join(HERE, "monotonic.c")], check=True)
        with open(out.name, "rb") as f:
            return {"/run/monotonic": f.read()}


@test(timeout=600)
def drift_against_the_hardware_clock():
    """Ten minutes of the emulator's virtual time, which idle time passes quickly, by its hardware clock."""
    with boot(icount=True, files=program(), nic="none") as m:
        m.ready()
        m.run("modprobe rtc_cmos; [ -c /dev/rtc0 ]", check=True)
        output = m.run("/run/monotonic 600 rate", 400, check=True)[0]
        first, last = (list(map(int, line.split())) for line in output.splitlines())
        ours = last[0] - first[0]
        assert 599 <= ours <= 603, output
        for name, index in (("monotonic", 1), ("real", 2)):
            off = (last[index] - first[index]) / 1e9 - ours
            print(f"{name}: off by {off * 1e6:.0f} us in {ours} s")
            assert abs(off) < ours * 100e-6, f"{name} drifts by {off / ours * 1e6:.0f} ppm"


@test()
def set_and_hwclock():
    with boot() as m:
        m.ready()
        now = int(m.run("date -u +%s", check=True)[0])
        assert abs(now - time.time()) < 5, f"the guest's date is {now - time.time():.0f} s off"
        m.run("date -u -s '2031-02-03 04:05:06'", check=True)
        text = m.run("sleep 2; date -u '+%F %H:%M'", check=True)[0]
        assert text == "2031-02-03 04:05", text
        m.run("modprobe rtc_cmos; hwclock --systohc --utc", check=True)
        text = m.run("hwclock --show --utc", check=True)[0]
        assert text.startswith("2031-02-03 04:05"), text
        rtc = m.qmp("qom-get", path="/machine", property="rtc-time")
        assert (rtc["tm_year"] + 1900, rtc["tm_mon"] + 1, rtc["tm_mday"]) == (2031, 2, 3), rtc
        m.run("hwclock --hctosys --utc", check=True)
        assert m.run("date -u +%F")[0] == "2031-02-03"


@test(cases=["2", "4"])
def monotonic(cpus):
    """Time never goes back on any vCPU or from one to another, also while the date and the hardware clock are set."""
    with boot(cpus=int(cpus), threads="multi", files=program()) as m:
        m.ready()
        m.run("modprobe rtc_cmos")
        output, status = m.run("/run/monotonic 15 & date -s '+1 hour'; sleep 2; date -s '-2 hours'; sleep 2; "
                               "hwclock --systohc --utc; date -s '+1 day'; hwclock --hctosys --utc; sleep 2; wait $!", 100)
        assert status == 0 and f"{cpus} CPUs" in output, output


@test()
def timers():
    """Sleeps of several lengths end not before their time, and not long after."""
    program = ("use Time::HiRes qw(clock_gettime usleep); my $late = 0; for my $us (100, 1000, 10000, 50000) { for (1..20) {"
               "my $a = clock_gettime(1); usleep($us); my $d = (clock_gettime(1) - $a) * 1e6 - $us;"
               "die qq(early by $d) if $d < 0; $late++ if $d > 20000; } } print $late;")
    with boot() as m:
        m.ready()
        late = int(m.run(f"perl -e '{program}'", 60, check=True)[0])
        assert late <= 8, f"{late} of 80 sleeps were more than 20 ms late"
