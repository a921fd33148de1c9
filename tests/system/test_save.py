# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests saved and restored by Debian's xl: on one server, and from Debian's Xen to Hospes and back."""
import os
import subprocess
import tempfile

from guests import Server
from kit import HV, Skip, test

# The shared disk of the servers between which a guest goes: /dev/vdb, kept.
CARRIER = ("-device", "virtio-blk-pci,drive=carrier")
WORK = "dd if=/dev/urandom of=/tmp/noise bs=1M count=8 2>/dev/null; sha256sum < /tmp/noise > /tmp/sum"
SAME = "sha256sum < /tmp/noise | cmp - /tmp/sum && echo same"


def busy(s, name):
    """A guest at work: data in its memory, a clock that ticks into a file of its disk."""
    s.guest(name, WORK)
    s.guest(name, "mount /dev/xvda /mnt; (while :; do date +%s; sleep 0.2; done) > /mnt/ticks 2>/dev/null &")


def lives_on(s, name, cpus):
    """After its relocation: memory, time, disk, network, console and processors are as they were."""
    assert s.guest(name, SAME) == "same"
    first, last, now = map(int, s.guest(name, "head -n 1 /mnt/ticks; sleep 1; tail -n 1 /mnt/ticks; date +%s").split())
    assert first < last and now - last <= 2, (first, last, now)
    s.clock_is_right(name)
    assert s.guest(name, "nproc") == str(cpus)
    s.say("ping -c 3 10.1.0.2")
    trouble = s.guest(name, "dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|stall|lockup' || true")
    assert not trouble, trouble


@test(timeout=600)
def saved_and_restored():
    """xl save, restore, save -c and restore of that, under a disk, a network and two vCPUs."""
    with Server() as s:
        s.say("truncate -s 32M /tmp/d.img && mke2fs -q -F /tmp/d.img")
        before = s.free_memory()
        s.create("small", vcpus=2, disk=["/tmp/d.img,raw,xvda,w"])
        busy(s, "small")
        s.say("xl save small /tmp/save 2>&1", 200)
        assert not s.names()
        s.memory_is_back(before)
        s.say("xl restore /tmp/save 2>&1", 200)
        lives_on(s, "small", 2)
        s.say("xl save -c small /tmp/save 2>&1", 200)
        lives_on(s, "small", 2)
        s.say("xl save -p small /tmp/save 2>&1", 200)
        assert s.rows()["small"][3][2] == "p"
        s.say("xl destroy small; xl restore -p /tmp/save 2>&1 && xl unpause small", 200)
        lives_on(s, "small", 2)
        s.say("head -c 1000000 /tmp/save > /tmp/short; xl destroy small")
        s.refuses("xl restore /tmp/short")
        assert not s.names()
        s.memory_is_back(before)
        s.healthy()


def carried_from(hv, carrier, command):
    """A server under `hv` with the carrier at /carrier; `command` gets the Server."""
    disk = ("-drive", f"file={carrier},format=raw,if=none,id=carrier") + CARRIER
    with Server(hv=hv, cpus=1, qemu_args=disk) as s:
        s.say("mkdir /carrier && mount /dev/vdb /carrier")
        command(s)
        s.say("umount /carrier; sync")


def build(s):
    s.say("truncate -s 16M /carrier/d.img && mke2fs -q -F /carrier/d.img")
    s.create("small", disk=["/carrier/d.img,raw,xvda,w"])
    busy(s, "small")
    s.say("xl save small /carrier/save 2>&1", 200)


def take_over(s):
    s.say("xl restore /carrier/save 2>&1", 200)
    lives_on(s, "small", 1)
    s.say("xl save small /carrier/save 2>&1", 200)


@test(timeout=900)
def between_xen_and_hospes():
    """Saved on Debian's Xen, restored on Hospes, saved there, restored on Xen, and the other way round."""
    if HV == "xen":
        raise Skip("needs both")
    with tempfile.TemporaryDirectory() as scratch:
        carrier = os.path.join(scratch, "carrier")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", carrier, "400M"], check=True)
        for hv, command in (("xen", build), (HV, take_over), ("xen", take_over), (HV, take_over)):
            carried_from(hv, carrier, command)
