# SPDX-License-Identifier: GPL-2.0-or-later
"""Time in dom0: no drift against the emulator's clock, settable, hardware clock, timers. DRIFT_SECONDS: how long."""
import socket
import time

from kit import boot, seconds, test

SERVER = "socat TCP-LISTEN:3003,reuseaddr EXEC:/usr/lib/hospes/clocks </dev/null >/dev/null 2>&1 &"


class Clocks:
    """Compares the guest's clocks with ours over TCP."""

    def __init__(self, m):
        m.run(SERVER + " i=0; until ss -ltn | grep -q :3003 || [ $i = 50 ]; do sleep 0.1; i=$((i + 1)); done", check=True)
        self.link = socket.create_connection(("127.0.0.1", m.port(3003)), 20)
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


@test(timeout=240 + seconds("DRIFT_SECONDS", 60), cases=["1", "2"])
def drift(cpus):
    """Below 100 ppm (and what the measurement itself is unsure of)."""
    length = seconds("DRIFT_SECONDS", 60)
    with boot(cpus=int(cpus), forwards=(3003,)) as m:
        m.ready()
        clocks = Clocks(m)
        first = clocks.ask()
        time.sleep(length)
        last = clocks.ask()
        ours = last[1] - first[1]
        unsure = (first[0] + last[0]) / 2
        for name, index in (("monotonic", 2), ("real", 3)):
            off = last[index] - first[index] - ours
            print(f"{name}: off by {off * 1e6:.0f} us in {ours:.1f} s, unsure by {unsure * 1e6:.0f} us")
            assert abs(off) < ours * 100e-6 + unsure, f"{name} drifts by {off / ours * 1e6:.0f} ppm"


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


@test()
def monotonic_on_each_cpu():
    """Time never goes back, also not for a process that moves between CPUs."""
    program = ("use Time::HiRes qw(clock_gettime); my $last = 0; for my $i (1..20000) { my $t = clock_gettime(1);"
               "die qq(back by ), $last - $t if $t < $last; $last = $t; }")
    with boot(cpus=2, threads="multi") as m:
        m.ready()
        m.run(f"(i=0; while [ $i -lt 40 ]; do taskset -p -c $((i % 2)) $$ >/dev/null; i=$((i + 1)); sleep 0.05; done) & "
              f"perl -e '{program}' && perl -e '{program}' & taskset -c 1 perl -e '{program}'; wait %2", 60, check=True)


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
