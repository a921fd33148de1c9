# SPDX-License-Identifier: GPL-2.0-or-later
"""Power off, reboot and a crash of dom0 do what they do on Xen."""
from kit import boot, stays_halted, test


@test(cases=["poweroff", "reboot"])
def ends(how):
    with boot(cpus=2) as m:
        m.ready()
        m.send(f"={how}\n!x\n")
        assert m.wait_exit(60) == {"poweroff": "guest-shutdown", "reboot": "guest-reset"}[how]


@test(timeout=240)
def comes_up_again():
    with boot(cpus=2, reboot=True) as m:
        m.ready()
        m.send("=reboot\n!x\n")
        m.ready()
        assert m.run("echo again")[0] == "again"


@test()
def crash_resets():
    """Dom0's crash is told on the console and the machine resets."""
    with boot() as m:
        m.ready()
        m.send("=echo c > /proc/sysrq-trigger\n!x\n")
        m.wait(r"sysrq triggered crash", 30)
        m.wait(r"(?i)(dom0|domain 0) (has )?crashed", 30)
        assert m.wait_exit(60) == "guest-reset"


@test()
def crash_with_noreboot_halts():
    with boot(hv_args="noreboot") as m:
        m.ready()
        m.send("=echo c > /proc/sysrq-trigger\n!x\n")
        m.wait(r"(?i)(dom0|domain 0) (has )?crashed", 30)
        stays_halted(m)


@test()
def power_button():
    """ACPI's power button reaches dom0."""
    with boot() as m:
        m.ready()
        m.run("modprobe button; modprobe evdev; ls /dev/input/event* >/dev/null", check=True)
        m.run("for e in /dev/input/event*; do timeout 15 head -c 24 $e > /tmp/${e##*/} 2>/dev/null & done; sleep 1")
        m.qmp("system_powerdown")
        output, _ = m.run("sleep 3; cat /tmp/event* | wc -c")
        assert int(output) >= 24, "no event from the power button"
