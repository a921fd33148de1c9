# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's daemon and its Xen driver, as packaged, over a small guest."""
import re

from kit import audit, boot, no_complaints, test

GUESTS = "/usr/lib/hospes/guests/cloud"
DOMAIN = f"""<domain type="xen"><name>virt</name><memory unit="MiB">128</memory><vcpu>1</vcpu>
<os><type arch="x86_64" machine="xenpv">linux</type><kernel>{GUESTS}/vmlinuz</kernel><initrd>{GUESTS}/initrd</initrd>
<cmdline>console=hvc0 hospes.drive hospes.ip=10.1.0.9</cmdline></os>
<devices><interface type="bridge"><source bridge="xenbr0"/></interface>
<console type="pty"><target type="xen" port="0"/></console></devices></domain>"""

# libvirt 9.0's driver for Xen has no such call: its refusal, and virsh's status, on Xen as on Hospes.
DOMSTATS = ("error: this function is not supported by the connection driver: virDomainListGetStats", 1)


def say(m, command, timeout=120):
    return m.run(command, timeout=timeout, check=True)[0]


def virsh(m, command):
    return say(m, f"virsh -q -c xen:///system {command}")


def ends(m, seconds=100):
    """The guest is off, and libvirt has cleared away what it had."""
    say(m, "i=0; until virsh -c xen:///system domstate virt | grep -q 'shut off' && ! xl domid virt 2>/dev/null; do "
           f"i=$((i + 1)); [ $i -lt {seconds} ] || exit 1; sleep 1; done; sleep 2", seconds * 3)


def daemon(m):
    say(m, "/usr/lib/hospes/toolstack")
    # libvirt-daemon-system would make these, and drag in the services of a whole desktop.
    say(m, "useradd -r -U libvirt-qemu && mkdir -p /var/log/libvirt && libvirtd -d")
    say(m, "i=0; until virsh -q -c xen:///system uri; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 1; done")
    text = virsh(m, "capabilities")
    assert "<arch>x86_64</arch>" in text and "xenpv" in text and "<domain type='xen'" in text, text
    assert re.search(r"CPU\(s\): +2\b", virsh(m, "nodeinfo"))


def look(m):
    assert re.search(r"\bvirt +running\b", virsh(m, "list"))
    text = virsh(m, "dominfo virt")
    assert re.search(r"State: +running", text) and re.search(r"CPU\(s\): +1\b", text) and "131072 KiB" in text, text
    assert m.run("virsh -c xen:///system domstats virt 2>&1") == DOMSTATS
    assert re.search(r"actual 131072\b", virsh(m, "dommemstat virt"))
    assert re.search(r"CPU Affinity: +yy", virsh(m, "vcpuinfo virt"))
    assert re.search(r"^/dev/pts/\d+$", virsh(m, "ttyconsole virt"))
    say(m, "/usr/lib/hospes/guest log virt 'hospes-guest: up' 60")


@test(timeout=600)
def libvirt():
    """On a processor of Intel's: libvirt finds no model for the usual one, with features as Xen shows them."""
    with boot(cpus=2, mem="2G", dom0_mem="1G", cpu="Penryn") as m:
        m.ready()
        daemon(m)
        say(m, f"printf '%s' '{DOMAIN}' > /run/virt.xml")
        virsh(m, "define /run/virt.xml")
        virsh(m, "start virt")
        say(m, "/usr/lib/hospes/guest ready virt 100")
        look(m)
        virsh(m, "suspend virt")
        assert "paused" in virsh(m, "domstate virt")
        virsh(m, "resume virt")
        assert "running" in virsh(m, "domstate virt")
        say(m, "/usr/lib/hospes/guest run virt 'echo kept > /tmp/word'")
        virsh(m, "save virt /var/tmp/virt.save")
        assert "shut off" in virsh(m, "domstate virt")
        virsh(m, "restore /var/tmp/virt.save")
        assert say(m, "/usr/lib/hospes/guest run virt 'cat /tmp/word && ping -c 1 10.1.0.1 > /dev/null'") == "kept"
        virsh(m, "shutdown virt")
        ends(m)
        virsh(m, "start virt")
        virsh(m, "destroy virt")
        ends(m)
        virsh(m, "undefine virt")
        assert "virt" not in virsh(m, "list --all")
        no_complaints(m)
        audit(m)
