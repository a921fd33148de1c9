# SPDX-License-Identifier: GPL-2.0-or-later
"""What cannot be booted gets one clear message on the console and a halt: no silence, no reset loop."""
import os
import re
import tempfile

from kit import RIG, boot, stays_halted, test

KERNEL = os.path.join(RIG, "generic", "vmlinuz")
HEADING = r"Panic on CPU \d+:"


def damaged(case, scratch):
    """The module list and memory for a case."""
    with open(KERNEL, "rb") as f:
        image = bytearray(f.read())
    if case == "truncated":
        image = image[:len(image) // 2]
    elif case == "damaged":
        middle = len(image) // 2
        image[middle:middle + 4096] = bytes(4096)
    elif case == "garbage":
        image = bytearray(os.urandom(1 << 20))
    elif case == "no PV note":
        with open("/bin/busybox", "rb") as f:
            image = bytearray(f.read())
    path = os.path.join(scratch, "kernel")
    with open(path, "wb") as f:
        f.write(image)
    return (f"{path} console=hvc0",)


def refused(message=HEADING, **choices):
    """Boots; wants the message once, no reset, and a halt."""
    with boot(disk="none", nic="none", hv_args="noreboot", **choices) as m:
        m.wait(message, 60)
        stays_halted(m)
        text = bytes(m.log[m.seen:]).decode(errors="replace")
        assert not re.search(f"{message}|RESET|SeaBIOS|Reboot in", text), text


@test(cases=["truncated", "damaged", "garbage", "no PV note"])
def kernel(case):
    with tempfile.TemporaryDirectory() as scratch:
        refused(modules=damaged(case, scratch))


@test()
def no_module():
    refused(modules=())


@test()
def too_little_memory_for_dom0():
    refused(dom0_mem="8M")


@test()
def too_little_memory_in_the_machine():
    """A server smaller than what dom0 was promised."""
    refused(mem="160M", dom0_mem="1G")
