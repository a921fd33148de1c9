# SPDX-License-Identifier: GPL-2.0-or-later
"""stress-ng's classes without a fault, then the hypervisor's own audit. STRESS_SECONDS is the length of each class."""
from kit import audit, boot, no_complaints, seconds, test

LENGTH = seconds("STRESS_SECONDS", 12)
TOGETHER = 4 * LENGTH
CLASSES = {"cpu": "--cpu 2", "vm": "--vm 2 --vm-bytes 128M", "fork": "--fork 2 --vfork 1",
           "mmap": "--mmap 2 --mmap-bytes 64M", "switch": "--switch 2 --pipe 1", "signal": "--signal 1 --sigsegv 1 --kill 1",
           "futex": "--futex 2 --mutex 1"}


def stress(m, name, what, length):
    output, status = m.run(f"stress-ng --timeout {length}s --verify --metrics-brief {what} 2>&1", 120 + 6 * length)
    assert status == 0 and "successful run" in output, f"{name}: status {status}: {output}"
    no_complaints(m)


@test(timeout=500 + 24 * LENGTH, cases=["single", "multi"])
def classes(threads):
    """Each class by itself, then all at once: with 12 s for each class that is more than two minutes.

    multi: the two CPUs are host threads, so they race in earnest; then all at once only.
    """
    with boot(cpus=2, threads=threads) as m:
        m.ready()
        m.run("echo 2 > /proc/sys/kernel/randomize_va_space", check=True)      # kit.QUICK has no random addresses; page tables are the point here
        if threads == "single":
            for name, what in CLASSES.items():
                stress(m, name, what, LENGTH)
                audit(m)
        stress(m, "together", " ".join(CLASSES.values()), TOGETHER)
        audit(m)
        m.run("/usr/lib/hospes-test/smoke", check=True)
        no_complaints(m)
