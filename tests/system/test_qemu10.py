# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian as dom0 on QEMU 10, where a CPU with SMAP works (on 7.2 it doesn't). The micro-guests: tests/run guest10."""
import re

from kit import QEMU10, QEMU10_CPU, Skip, audit, boot, no_complaints, qemu10_missing, test


@test(cases=["1", "2"])
def cpu_with_smap(cpus):
    if why := qemu10_missing():
        raise Skip(why)
    with boot(qemu=QEMU10, cpu=QEMU10_CPU, cpus=int(cpus), threads="multi", forwards=(3001,)) as m:
        m.ready()
        assert int(m.run("nproc", check=True)[0]) == int(cpus)
        assert m.qmp("query-version")["qemu"]["major"] >= 10
        cr4 = int(re.search(r"CR4=([0-9a-f]+)", m.monitor("info registers")).group(1), 16)
        assert cr4 & 1 << 21, f"SMAP is not on: CR4 {cr4:#x}"
        m.run("/usr/lib/hospes-test/smoke", check=True)
        m.run("stress-ng --timeout 8s --vm 1 --vm-bytes 64M --fork 1 --switch 1 --verify 2>&1", 120, check=True)
        audit(m)
        no_complaints(m)
