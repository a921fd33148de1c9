# SPDX-License-Identifier: GPL-2.0-or-later
"""Stock Debian kernels reach a prompt as dom0, with all processors and the memory they were given."""
import os
import struct
import subprocess
import tempfile

import kit
from kit import RIG, no_complaints, test


def boot(**choices):
    """Of Debian's bzImage."""
    return kit.boot(**{"kernel": "generic", **choices})


def up(patience=240, **choices):
    with boot(**choices) as m:
        m.ready(patience)
        assert int(m.run("nproc", check=True)[0]) == choices.get("cpus", 1)
        m.run("/usr/lib/hospes-test/smoke", check=True)
        no_complaints(m)


@test(cases=["1", "2", "4"])
def cpus(count):
    up(cpus=int(count))


@test(timeout=300)
def eight_cpus():
    up(cpus=8, mem="2G")


@test(timeout=400, cases=["2", "4"])
def cpus_in_parallel(count):
    """Each emulated CPU a host thread: real races."""
    up(cpus=int(count), threads="multi", patience=300)


@test()
def dom0_max_vcpus():
    with boot(cpus=4, hv_args="dom0_max_vcpus=2") as m:
        m.ready()
        assert m.run("nproc")[0] == "2"


@test(cases=["max,-smap", "qemu64,+x2apic", "Nehalem", "EPYC,-smap,-monitor"])
def cpu_model(model):
    up(cpu=model, cpus=2)


@test()
def elf_kernel():
    up(kernel="elf")


def repacked(path, command):
    """Writes Debian's bzImage with its payload compressed by another command (boot protocol 2.08's fields)."""
    with open(os.path.join(RIG, "generic", "vmlinuz"), "rb") as f:
        image = bytearray(f.read())
    with open(os.path.join(RIG, "generic", "vmlinux"), "rb") as f:
        elf = f.read()
    payload = subprocess.run(command, input=elf, stdout=subprocess.PIPE, check=True).stdout
    if command[0] != "gzip":                # the size stands behind it, as Linux's build puts it
        payload += struct.pack("<I", len(elf))
    setup = ((image[0x1f1] or 4) + 1) * 512
    struct.pack_into("<II", image, 0x248, len(image) - setup, len(payload))
    with open(path, "wb") as f:
        f.write(image + payload)


@test(cases=["gzip -1", "zstd -1", "lz4 -l"])
def other_compression(command):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "vmlinuz")
        repacked(path, command.split())
        up(kernel=path)


@test()
def older_machine():
    up(machine="pc", cpus=2)


@test()
def cloud_kernel_reaches_init():
    """The cloud flavour has XEN_DOM0 off: as the first domain it gets to user space, without devices."""
    with boot(kernel="cloud", disk="none", nic="none", mode="login",
              kernel_args="earlyprintk=xen,keep") as m:
        m.wait("hospes-initrd: no root disk", 120)


@test(timeout=300, cases=["512M", "4G", "16G"])
def memory(size):
    with boot(mem=size, dom0_mem="all", cpus=2) as m:
        m.ready(200)
        total = int(m.run("awk '/MemTotal/ { print $2 }' /proc/meminfo", check=True)[0]) >> 10
        given = int(size[:-1]) << (10 if size.endswith("G") else 0)
        assert given * 0.75 - 64 < total < given, f"{total} MiB of {size}"
        m.run(f"head -c {min(total // 2, 1024)}M /dev/zero | tail -c 1 | od -An -c", check=True, timeout=120)
        no_complaints(m)


@test()
def login_on_the_console():
    with boot(mode="login", nic="none") as m:
        m.wait(r"root@hospes:.*# ", 120)
        m.send("echo $((6*7)); tty\n")
        m.wait(r"42\s+/dev/hvc0", 20)


@test()
def console_switches_to_the_hypervisor():
    """Ctrl-A three times, as on Xen: then keys are the hypervisor's, and back again."""
    with boot() as m:
        m.ready()
        m.send("\x01\x01\x01")
        m.send("h")
        m.wait("(?i)key|help", 20)
        m.send("\x01\x01\x01")
        assert m.run("echo back")[0] == "back"
