# SPDX-License-Identifier: GPL-2.0-or-later
"""Real work: a compressed archive of the installed system checked file by file, and a large C build."""
import hashlib
import os
import subprocess
import tempfile

from kit import TOP, audit, boot, no_complaints, test


@test(timeout=900)
def archive():
    """Every installed program and library has the sum it had when the image was made, also after tar and xz."""
    with boot(cpus=2, mem="2G") as m:
        m.ready()
        m.run("cd / && sha256sum --quiet -c /usr/lib/hospes/usr.sums", 300, check=True)
        m.run("mkdir /tmp/out && tar -C /usr -c bin | xz -0 -T2 | xz -d | tar -C /tmp/out -x", 600, check=True)
        m.run("cd /tmp/out && grep '  usr/bin/' /usr/lib/hospes/usr.sums | sed 's#  usr/#  #' | sha256sum --quiet -c", 200, check=True)
        no_complaints(m)


def source_disk(path):
    """A tar of the tree's hypervisor and its build files, as a raw disk."""
    subprocess.run(["tar", "-C", TOP, "-cf", path, "Makefile", "hypervisor"], check=True)
    os.truncate(path, (os.path.getsize(path) + 1048575) >> 20 << 20)


TOOLS = "gcc --version | head -n 1; ld --version | head -n 1; cat /usr/lib/x86_64-linux-gnu/lib{lz4,lzma,zstd,z}.a | sha256sum"


def built_here(archive, scratch):
    """What the same source becomes on this computer, and with what tools."""
    source = os.path.join(scratch, "source")
    os.mkdir(source)
    clean = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CC", "DEBUG")}
    subprocess.run(["tar", "-C", source, "-xf", archive], check=True)
    subprocess.run(["make", "-C", source, "-j2", "build/hospes"], check=True, stdout=subprocess.DEVNULL, env=clean)
    tools = subprocess.run(["bash", "-c", TOOLS], check=True, capture_output=True, text=True).stdout.strip()
    with open(os.path.join(source, "build", "hospes"), "rb") as f:
        return hashlib.sha256(f.read()).hexdigest(), tools


@test(timeout=900)
def build():
    """The hypervisor builds itself: inside, from its source, with Debian's gcc. The result is the same as that of a
    build outside (by the same tools), and it boots.
    """
    with tempfile.TemporaryDirectory() as scratch:
        disk = os.path.join(scratch, "source.tar")
        source_disk(disk)
        outside, tools = built_here(disk, scratch)
        result = os.path.join(scratch, "built")
        with open(result, "wb") as f:
            f.truncate(8 << 20)
        with boot(cpus=2, mem="2G", qemu_args=(
                "-drive", f"file={disk},format=raw,if=none,id=source,readonly=on", "-device", "virtio-blk-pci,drive=source",
                "-drive", f"file={result},format=raw,if=none,id=result", "-device", "virtio-blk-pci,drive=result")) as m:
            m.ready()
            m.run("mkdir /tmp/src && tar -C /tmp/src -xf /dev/vdb && cd /tmp/src && make -j2 > log 2>&1 || { tail -n 30 log; "
                  "false; }", 800, check=True)
            inside = m.run("sha256sum < /tmp/src/build/hospes", check=True)[0].split()[0]
            if m.run(TOOLS, check=True)[0].strip() == tools:
                assert inside == outside, f"built inside: {inside}, outside: {outside}"
            else:
                print("other tools outside: the results are not compared")
            m.run("dd if=/tmp/src/build/hospes of=/dev/vdc bs=1M conv=fsync 2>/dev/null", check=True)
            size = int(m.run("stat -c %s /tmp/src/build/hospes", check=True)[0])
            audit(m)
            no_complaints(m)
        os.truncate(result, size)
        with boot(hv=result) as m:
            m.ready()
