# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's log has no warning, error or call trace that the same boot on Xen has not."""
import re

from kit import boot, test

# What depends on the host's load, not on the hypervisor.
LOAD = re.compile(r"hrtimer: interrupt took|Long readout interval|clocksource: .*(unstable|skew)|perf: interrupt took|"
                  r"NETDEV WATCHDOG|systemd-.*: (Time has been changed|Failed to start .* timeout)")
TRACE = re.compile(r"WARNING:|BUG|Oops|Call Trace|RIP:|stall|lockup")
SEVERE = ("warn", "err", "crit", "alert", "emerg")


def normal(line):
    """A message without what differs from boot to boot: numbers and addresses."""
    line = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b", "X", line)
    return re.sub(r"\d+(\.\d+)?", "N", line).strip()


def complaints(**choices):
    """{normalised message: the message} of all that the kernel says at level warning or worse."""
    with boot(**choices) as m:
        m.ready()
        output = m.run("dmesg -x | sed 's/^/:/'", check=True)[0]
    found = {}
    for line in output.splitlines():
        level = re.match(r":\w+ *:(\w+) *: \[ *[\d.]+\] (.*)", line)
        if level and (level.group(1) in SEVERE or TRACE.search(level.group(2))) and not LOAD.search(level.group(2)):
            found[normal(level.group(2))] = level.group(2)
    return found


@test(timeout=600, cases=["cpus=1", "cpus=2 machine=pc nic=e1000e disk=ahci", "cpus=4 disk=nvme", "init=systemd"])
def compared_with_xen(choices):
    chosen = dict(word.split("=") for word in choices.split())
    chosen["cpus"] = int(chosen.get("cpus", 1))
    known = {**complaints(hv="xen", **chosen)}
    new = {key: text for key, text in complaints(**chosen).items() if key not in known}
    assert known, "Xen's own log has no warning at all: the comparison reads nothing"
    assert not new, "not on Xen:\n" + "\n".join(new.values())
