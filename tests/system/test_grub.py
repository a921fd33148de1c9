# SPDX-License-Identifier: GPL-2.0-or-later
"""GRUB boots hypervisor and Debian from a CD made by grub-mkrescue, on BIOS and on UEFI."""
import os
import tempfile

from kit import HV, CommandLine, Config, boot, no_complaints, test


@test(timeout=300, cases=["bios multiboot", "bios multiboot2", "uefi multiboot2"])
def cd(case):
    firmware, protocol = case.split()
    with tempfile.TemporaryDirectory() as scratch:
        iso = CommandLine(Config(hv=HV), scratch).iso(os.path.join(scratch, "cd.iso"), protocol)
        with boot(boot_iso=iso, firmware=firmware, cpus=2) as m:
            m.ready()
            assert m.run("nproc")[0] == "2"
            assert m.run("test -d /sys/firmware/efi")[1] == (0 if firmware == "uefi" else 1), "dom0 misjudges the firmware"
            m.run("/usr/lib/hospes-test/smoke", check=True)
            no_complaints(m)
            m.send("=poweroff\n!x\n")
            assert m.wait_exit(60) == "guest-shutdown"
