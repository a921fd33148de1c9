# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own init on the hypervisor, with its scripts xen and xendomains."""
from kit import boot, no_complaints, test

@test(timeout=400)
def systemd():
    with boot(cpus=2, mem="2G", init="systemd", open_net=True) as m:
        m.ready(300)
        m.run("timeout 120 systemctl is-system-running --wait", 130)
        failed = m.run("systemctl --failed --plain --no-legend | cut -d' ' -f1")[0].split()
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


def say(m, command, timeout=120):
    return m.run(command, timeout=timeout, check=True)[0]


def auto_guest(m):
    """What boot left: the services of script xen. Then a guest that starts by itself, if xendomains is started again."""
    say(m, "systemctl is-active xen xendomains && xenstore-exists /local/domain/0/name")
    say(m, "mkdir -p /etc/xen/auto && sed '/^vif/d; s/generic/cloud/' /etc/xen/small.cfg > /etc/xen/auto/small.cfg && systemctl restart xendomains")
    say(m, "/usr/lib/hospes/guest ready small 100")
    say(m, "/usr/lib/hospes/guest run small 'echo kept > /tmp/word'")


@test(timeout=700)
def xendomains():
    """Debian's xendomains starts the guests of /etc/xen/auto, saves and restores them, or shuts them down where told not to save."""
    with boot(cpus=2, mem="2G", dom0_mem="1G", init="systemd") as m:
        m.ready(300)
        auto_guest(m)
        say(m, "systemctl stop xendomains && [ -s /var/lib/xen/save/small ] && ! xl domid small")
        say(m, "systemctl start xendomains && [ ! -e /var/lib/xen/save/small ]")
        assert say(m, "/usr/lib/hospes/guest run small 'cat /tmp/word'") == "kept"
        say(m, "sed -i 's/^XENDOMAINS_SAVE=.*/XENDOMAINS_SAVE=/' /etc/default/xendomains && systemctl stop xendomains")
        say(m, "! xl domid small && [ ! -e /var/lib/xen/save/small ]")
        say(m, "systemctl start xendomains && /usr/lib/hospes/guest ready small 100")
        assert m.run("/usr/lib/hospes/guest run small 'cat /tmp/word'")[1] == 1
        no_complaints(m)
        m.send("=systemctl poweroff\n!x\n")
        assert m.wait_exit(120) == "guest-shutdown"
