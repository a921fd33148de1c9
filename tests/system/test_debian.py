# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole Debian as a guest, on a disk of its own (rig/image: guest.ext4), under stock xl."""
import re

from kit import QUICK, audit, boot, no_complaints, patient, test

GRUB = "/usr/lib/grub-xen/grub-x86_64-xen.bin"
DRIVEN, DRIVEN_GENERIC = 1, 2       # entries of the guest's grub.cfg


def say(m, command, timeout=120):
    return m.run(command, timeout=timeout, check=True)[0]


def inside(m, command, timeout=120):
    """Runs a command without single quotes in the guest."""
    return say(m, f"/usr/lib/hospes/guest run debian '{command}' {patient(timeout)}", timeout + 30)


def start(m, entry, changes=""):
    """Chooses the menu's entry and the kernel's arguments as an operator would, in its file, and starts the guest."""
    say(m, "mount /dev/vdb /mnt && "
           f"sed -i 's/^set timeout=1/&\\nset default={entry}/; s/hospes.drive$/& {QUICK}/' /mnt/boot/grub/grub.cfg && umount /mnt")
    say(m, "/usr/lib/hospes/toolstack")
    say(m, f"sed '{changes}' /etc/xen/debian.cfg > /run/debian.cfg && xl create -q /run/debian.cfg")
    say(m, f"/usr/lib/hospes/guest ready debian {patient(200)}", 230)


def stop(m):
    """Shut down cleanly: dom0 finds the guest's file system so, and the hypervisor its own tables."""
    say(m, "xl shutdown -w debian")
    say(m, "while xl domid debian 2>/dev/null; do sleep 0.5; done")
    say(m, "e2fsck -fn /dev/vdb && dumpe2fs -h /dev/vdb 2>&1 | grep 'Filesystem state: *clean'")
    no_complaints(m)
    audit(m)


def waits(m, command, seconds=20):
    """Inside the guest, until the command holds."""
    inside(m, f"i=0; until {command}; do i=$((i + 1)); [ $i -lt {seconds * 2} ] || exit 1; sleep 0.5; done")


@test(timeout=600)
def pygrub():
    """From its own disk by pygrub: network, a package by apt, a file that both sides read alike."""
    with boot(cpus=2, mem="2G", dom0_mem="1G", guest_disk=True) as m:
        m.ready()
        start(m, DRIVEN)
        assert "0% packet loss" in inside(m, "ping -c 3 -i 0.3 10.1.0.1")
        assert "0% packet loss" in say(m, "ping -c 3 -i 0.3 10.1.0.3")
        inside(m, "apt-get -qq update && apt-get -qq install hello >/dev/null 2>&1 </dev/null")
        assert inside(m, "hello") == "Hello, world!"
        assert "control_d" not in inside(m, "cat /proc/xen/capabilities && ls /proc/xen/xenbus")
        inside(m, "dd if=/dev/urandom of=/root/data bs=1M count=32 conv=fsync 2>/dev/null")
        data = inside(m, "sha256sum < /root/data")
        inside(m, "echo 3 > /proc/sys/vm/drop_caches")
        assert inside(m, "sha256sum < /root/data") == data
        stop(m)
        assert say(m, "mount -o ro /dev/vdb /mnt && sha256sum < /mnt/root/data && umount /mnt") == data


@test(timeout=600)
def grub():
    """The same disk by GRUB, built as a para-virtual kernel, which starts the kernel that it finds there."""
    with boot(cpus=2, mem="2G", dom0_mem="1G", guest_disk=True) as m:
        m.ready()
        start(m, DRIVEN_GENERIC, f's,^bootloader.*,kernel = "{GRUB}",')
        assert "GNU GRUB" in say(m, "cat /var/log/xen/console/guest-debian.log")
        assert re.fullmatch(r"\d[\d.]*-\d+-amd64", inside(m, "uname -r"))
        stop(m)


def hotplug(m):
    for count in (4, 2):
        say(m, f"xl vcpu-set -i debian {count}")
        waits(m, f"[ $(nproc) = {count} ]")
        states = [line.split()[4] for line in say(m, "xl vcpu-list debian").splitlines()[1:]]
        assert [state.endswith("p") for state in states] == [n >= count for n in range(4)], states


def balloon(m):
    for size in (300, 700, 512):
        say(m, f"xl mem-set debian {size}")
        say(m, f"i=0; until [ $(xl list debian | awk 'END {{ print $3 }}') = {size} ]; do "
               "i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 0.5; done")
        total = int(inside(m, "free -m").splitlines()[1].split()[1])
        assert size - 70 < total < size, (size, total)


def save_and_restore(m):
    """With the disk and the network in use: what ran goes on."""
    inside(m, "dd if=/dev/urandom of=/root/data bs=1M count=16 2>/dev/null; sha256sum /root/data > /root/sum; "
              "(while :; do dd if=/dev/zero of=/root/junk bs=64k count=40 conv=fsync; echo x >> /run/rounds; done) "
              "> /dev/null 2>&1 & "
              "ping -i 0.2 10.1.0.1 > /run/ping 2>&1 & sleep 1")
    say(m, "xl save debian /var/tmp/debian.save")
    assert "debian" not in say(m, "xl list")
    say(m, "xl restore /var/tmp/debian.save")
    inside(m, "wc -l < /run/rounds > /run/before; wc -l < /run/ping > /run/answers; "
              "echo 3 > /proc/sys/vm/drop_caches; sha256sum -c /root/sum")
    waits(m, "[ $(wc -l < /run/rounds) -gt $(cat /run/before) ] && [ $(wc -l < /run/ping) -gt $(cat /run/answers) ]")
    assert inside(m, "nproc") == "2"


@test(timeout=700)
def resources():
    """vCPUs and memory come and go; the guest is saved and restored at work."""
    with boot(cpus=2, mem="2560M", dom0_mem="1G", guest_disk=True) as m:
        m.ready()
        start(m, DRIVEN, "s/^vcpus.*/vcpus = 1\\nmaxvcpus = 4\\nmaxmem = 768/")
        for part in (hotplug, balloon, save_and_restore):
            part(m)
        complaints = inside(m, "dmesg | grep -E \"WARNING:|BUG:|Oops|Call Trace|I/O error\" || :")
        assert not complaints, complaints
        stop(m)
