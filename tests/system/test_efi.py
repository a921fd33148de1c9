# SPDX-License-Identifier: GPL-2.0-or-later
"""dom0 on UEFI firmware: Linux lists, makes, reads and removes the firmware's variables, and reads the clock."""
import os
import tempfile

from kit import HV, CommandLine, Config, boot, no_complaints, test

NAME = "/sys/firmware/efi/efivars/HospesTest-4f3a1c22-1b7d-4e0a-9c31-550d7e184266"


@test(timeout=300)
def variables():
    with tempfile.TemporaryDirectory() as scratch:
        iso = CommandLine(Config(hv=HV), scratch).iso(os.path.join(scratch, "cd.iso"), "multiboot2")
        with boot(boot_iso=iso, firmware="uefi", cpus=2) as m:
            m.ready()
            m.run("modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars", check=True)
            listed = m.run("ls /sys/firmware/efi/efivars")[0].split()
            assert any(name.startswith("BootOrder-") for name in listed), f"no BootOrder among {listed}"
            assert len(listed) > 10, listed
            m.run(f"printf '\\007\\000\\000\\000hello' > {NAME}", check=True)
            out = m.run(f"cat {NAME} | tail -c +5; echo")[0]
            assert out == "hello", out
            m.run(f"chattr -i {NAME}; rm {NAME}", check=True)
            assert m.run(f"test -e {NAME}")[1] == 1
            out, status = m.run("modprobe rtc_cmos; hwclock --utc --show")
            assert status == 0 and out.startswith("20"), out
            no_complaints(m)
