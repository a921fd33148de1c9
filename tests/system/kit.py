# SPDX-License-Identifier: GPL-2.0-or-later
"""What the system tests share. A test is a function marked @test in tests/system/test_*.py; it takes one case
(a string) if it has cases. It fails by an exception, and tests/run gives each its own process and time limit.
"""
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "rig"))
from machine import PATIENCE, QEMU10, QEMU10_CPU, RIG, TOP, CommandLine, Config, Machine, MachineError, hypervisor_image, qemu10_missing  # noqa: E402,F401

HV = os.environ.get("HV", "hospes")


# For kernels whose boot is not what is tested: their tests of their own ciphers are a third of it; and where each process has its
# programs at other addresses, QEMU translates their code anew for each, a fifth of its time.
QUICK = "cryptomgr.notests norandmaps"


class Skip(Exception):
    """The test does not apply here, and why."""


def test(timeout=180, cases=None, beside=False):
    """Marks a test: its time limit in seconds and, if it has them, its cases (strings). beside: it hardly uses the
    processors, so it may run next to all others.
    """
    def mark(function):
        function.is_test, function.timeout, function.cases, function.beside = True, timeout, cases or [None], beside
        return function
    return mark


def boot(**choices):
    """A machine (to be used in `with`) under the hypervisor to be tested; its console goes to HOSPES_LOG.

    HOSPES_CLOCK=virtual in the environment: by instructions counted, so that no time limit inside depends on this computer's load.
    The kernel is Debian's, already unpacked (unless chosen), and QUICK: the processor's seconds that this saves are spent where the boot is
    the test (test_boot.py), and by `make run` (test_run.py).
    """
    number = boot.count = boot.count + 1
    prefix = os.environ.get("HOSPES_LOG")
    logfile = f"{prefix}.{number}.console" if prefix else ""
    virtual = os.environ.get("HOSPES_CLOCK") == "virtual"
    if choices.setdefault("kernel", "elf") in ("elf", "cloud"):
        choices["kernel_args"] = f"{choices.get('kernel_args', '')} {QUICK}"
    return Machine(Config(**{"hv": HV, "logfile": logfile, "icount": virtual, **choices}))


boot.count = 0


def patient(limit):
    """A limit in seconds that is waited for inside the machine, where Machine's own patience does not reach."""
    return round(limit * PATIENCE)


def seconds(name, default):
    """A length that the environment may change, e.g. STRESS_SECONDS=300."""
    return int(os.environ.get(name, default))


def audit(machine):
    """The hypervisor's own audit of page types and of its heap (debug key A) finds nothing. Hospes only."""
    if HV == "xen":
        return
    machine.send("\x01\x01\x01")
    machine.send("A")
    faults = machine.wait(r"audit: (\d+) faults", 120).group(1)
    machine.send("\x01\x01\x01")
    assert faults == "0", machine.error(f"audit: {faults} faults")


def stays_halted(machine):
    """Every processor is in hlt with interrupts off, from which only a reset wakes it; so it is a second later."""
    def halted():
        states = re.findall(r"RFL=([0-9a-f]+) .*HLT=([01])", machine.monitor("info registers -a"))
        return len(states) == machine.config.cpus and all(on == "1" and not int(flags, 16) & 0x200 for flags, on in states)
    for _ in range(200):
        if halted():
            break
        time.sleep(0.1)
    time.sleep(1)
    assert halted(), machine.error("not halted")


def no_complaints(machine):
    """The kernel's log shows no warning with a trace, bug, oops or stall."""
    signs = ("] WARNING:", "BUG:", "Oops", "Call Trace", "general protection", "rcu_sched self-detected", "soft lockup",
             "invalid opcode", "segfault", "hung task", "I/O error")
    bad = [line for line in machine.dmesg() if any(sign in line for sign in signs)]
    assert not bad, "the kernel complains:\n" + "\n".join(bad[:20])
