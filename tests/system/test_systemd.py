# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own init on the hypervisor."""
from kit import boot, no_complaints, test

# Units that need the toolstack's control interface.
TOOLSTACK = ("xen", "xendomains", "xenstored", "xenconsoled")


@test(timeout=400)
def systemd():
    with boot(cpus=2, mem="2G", init="systemd", open_net=True) as m:
        m.ready(300)
        m.run("timeout 120 systemctl is-system-running --wait", 130)
        failed = [unit for unit in m.run("systemctl --failed --plain --no-legend | cut -d' ' -f1")[0].split()
                  if not unit.startswith(TOOLSTACK)]
        assert not failed, f"failed units: {failed}"
        m.run("i=0; until ip -4 addr | grep -q 10.0.2 || [ $i = 100 ]; do sleep 0.3; i=$((i + 1)); done; "
              "ip -4 addr | grep -q 10.0.2.15", 60, check=True)
        no_complaints(m)
        m.send("=systemctl poweroff\n!x\n")
        assert m.wait_exit(90) == "guest-shutdown"


@test(timeout=300)
def systemd_login():
    with boot(cpus=1, mode="login", init="systemd") as m:
        m.wait(r"root@hospes:.*# ", 250)
        m.send("echo $((6*7)); tty\n")
        m.wait(r"42\s+/dev/hvc0", 20)
