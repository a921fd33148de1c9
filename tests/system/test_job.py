# SPDX-License-Identifier: GPL-2.0-or-later
"""Real work: a compressed archive of the installed system checked file by file, and a large C build."""
import glob
import hashlib
import os
import subprocess
import tempfile

from kit import TOP, audit, boot, no_complaints, test

WHOLE = os.environ.get("JOB") == "whole"


@test(timeout=900)
def archive():
    """Every installed program and library has the sum it had when the image was made, also after tar and xz."""
    with boot(cpus=2, mem="2G") as m:
        m.ready()
        m.run("cd / && sha256sum --quiet -c /usr/lib/hospes/usr.sums", 300, check=True)
        m.run("mkdir /tmp/out && tar -C /usr -c bin | xz -0 -T2 | xz -d | tar -C /tmp/out -x", 600, check=True)
        m.run("cd /tmp/out && grep '  usr/bin/' /usr/lib/hospes/usr.sums | sed 's#  usr/#  #' | sha256sum --quiet -c", 200, check=True)
        no_complaints(m)


TOOLS = "gcc --version | head -n 1; ld --version | head -n 1; cat /usr/lib/x86_64-linux-gnu/lib{lz4,lzma,zstd,z}.a | sha256sum"
SOURCE = ("Makefile", "hypervisor")
LEFT = ("build",) if WHOLE else ("build/hospes*", "build/obj/hypervisor/core")      # to the build inside


def tools():
    return subprocess.run(["bash", "-c", TOOLS], check=True, capture_output=True, text=True).stdout.strip()


def built_here(tree):
    """Copies the hypervisor's source to `tree` and builds it there, on this computer; the sum of what it becomes."""
    clean = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CC", "DEBUG")}
    os.mkdir(tree)
    subprocess.run(["cp", "-a", *(os.path.join(TOP, name) for name in SOURCE), tree], check=True)
    subprocess.run(["make", "-C", tree, "-j2", "build/hospes"], check=True, stdout=subprocess.DEVNULL, env=clean)
    with open(os.path.join(tree, "build", "hospes"), "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def source_disk(path, tree):
    """A tar of that tree, but for what is to be built inside, as a raw disk."""
    subprocess.run(["tar", "-C", tree, *(f"--exclude=./{name}" for name in LEFT), "-cf", path, "."], check=True)
    os.truncate(path, (os.path.getsize(path) + 1048575) >> 20 << 20)


@test(timeout=900)
def build():
    """The hypervisor builds itself inside, with Debian's gcc: core/ from its source, then all is linked (JOB=whole: all from its
    source). The result is the same as that of a build outside (by the same tools), and it boots.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree, disk = os.path.join(scratch, "source"), os.path.join(scratch, "source.tar")
        outside = built_here(tree)
        source_disk(disk, tree)
        result = os.path.join(scratch, "built")
        with open(result, "wb") as f:
            f.truncate(8 << 20)
        with boot(cpus=2, mem="2G", qemu_args=(
                "-drive", f"file={disk},format=raw,if=none,id=source,readonly=on", "-device", "virtio-blk-pci,drive=source",
                "-drive", f"file={result},format=raw,if=none,id=result", "-device", "virtio-blk-pci,drive=result")) as m:
            m.ready()
            m.run(f"mkdir -p {tree} && tar -C {tree} -xf /dev/vdb && cd {tree} && make -j2 build/hospes > log 2>&1 || "
                  "{ tail -n 30 log; false; }", 800, check=True)
            compiled = int(m.run(f"grep -c '^  CC ' {tree}/log")[0])
            assert compiled >= len(glob.glob(f"{tree}/hypervisor/core/*.c")), f"{compiled} files compiled"
            inside = m.run(f"sha256sum < {tree}/build/hospes", check=True)[0].split()[0]
            if m.run(TOOLS, check=True)[0].strip() == tools():
                assert inside == outside, f"built inside: {inside}, outside: {outside}"
            else:
                print("other tools outside: the results are not compared")
            m.run(f"dd if={tree}/build/hospes of=/dev/vdc bs=1M conv=fsync 2>/dev/null", check=True)
            size = int(m.run(f"stat -c %s {tree}/build/hospes", check=True)[0])
            audit(m)
            no_complaints(m)
        os.truncate(result, size)
        with boot(hv=result) as m:
            m.ready()
