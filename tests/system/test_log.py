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
        return severe(m.run("dmesg -x | sed 's/^/:/'", check=True)[0])


def severe(output):
    """The same of dmesg's output, each line with its level in words."""
    found = {}
    for line in output.splitlines():
        level = re.match(r":\w+ *:(\w+) *: \[ *[\d.]+\] (.*)", line)
        if level and (level.group(1) in SEVERE or TRACE.search(level.group(2))) and not LOAD.search(level.group(2)):
            found[normal(level.group(2))] = level.group(2)
    return found


@test(timeout=600, cases=["cpus=1 kernel=generic", "cpus=2", "cpus=2 machine=pc nic=e1000e disk=ahci", "cpus=4 disk=nvme", "init=systemd"])
def compared_with_xen(choices):
    chosen = dict(word.split("=") for word in choices.split())
    chosen["cpus"] = int(chosen.get("cpus", 1))
    known = {**complaints(hv="xen", **chosen)}
    new = {key: text for key, text in complaints(**chosen).items() if key not in known}
    assert known, "Xen's own log has no warning at all: the comparison reads nothing"
    assert not new, "not on Xen:\n" + "\n".join(new.values())


# The cloud flavour can't be dom0 to its end (no devices, no console): an init of ours prints the log to where printk goes.
CLOUD_INIT = b"""#!/bin/busybox sh
dmesg -r > /run/log
while IFS= read -r line; do echo "log:$line" > /dev/kmsg; done < /run/log
echo "log over" > /dev/kmsg
exec sleep 1000
"""
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")


def cloud_complaints(cpus, **choices):
    with boot(kernel="cloud", disk="none", nic="none", mode="login", cpus=cpus, files={"/run/init": CLOUD_INIT},
              kernel_args="earlyprintk=xen,keep printk.devkmsg=on ignore_loglevel log_buf_len=1M", **choices) as m:
        m.wait("log over", 120)
        text = m.text()
    lines = re.findall(r"log:<(\d+)>(\[[^\n]*)", text)
    assert len(lines) > 100, f"only {len(lines)} lines of the kernel's log"
    return severe("\n".join(f":kern :{LEVELS[int(level) & 7]} : {line}" for level, line in lines))


@test(timeout=400, cases=["1", "2"])
def cloud_flavour(cpus):
    """As far as a kernel without XEN_DOM0 gets as the first domain: user space."""
    known = cloud_complaints(int(cpus), hv="xen")
    new = {key: text for key, text in cloud_complaints(int(cpus)).items() if key not in known}
    assert not new, "not on Xen:\n" + "\n".join(new.values())
