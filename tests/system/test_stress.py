# SPDX-License-Identifier: GPL-2.0-or-later
"""stress-ng's classes without a fault. STRESS_SECONDS is the length of each."""
from kit import boot, no_complaints, seconds, test

LENGTH = seconds("STRESS_SECONDS", 10)
CLASSES = {"cpu": "--cpu 2 --verify", "vm": "--vm 2 --vm-bytes 128M --verify", "fork": "--fork 2 --vfork 1",
           "mmap": "--mmap 2 --mmap-bytes 64M --verify", "switch": "--switch 2 --pipe 1", "signal": "--signal 1 --sigsegv 1 --kill 1",
           "futex": "--futex 2 --mutex 1"}


@test(timeout=200 + 8 * LENGTH, cases=list(CLASSES))
def stress(name):
    with boot(cpus=2) as m:
        m.ready()
        output, status = m.run(f"stress-ng --timeout {LENGTH}s --metrics-brief {CLASSES[name]} 2>&1", 120 + 6 * LENGTH)
        assert status == 0 and "successful run" in output, f"status {status}: {output}"
        no_complaints(m)
