# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks and network cards with Debian's own drivers: transfers both ways, checked by their sums."""
import hashlib
import os
import re
import socket
import tempfile

from kit import boot, no_complaints, test

SIZE = 32 << 20
SECOND = {"virtio-blk": ("-device", "virtio-blk-pci,drive=second"),
          "ahci": ("-device", "ide-hd,bus=sata.1,drive=second"),
          "nvme": ("-device", "nvme,serial=second,drive=second")}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def disk_transfers(m, path, content):
    """Reads what the host wrote; writes something else, which the host then reads."""
    size = f"grep -lx {SIZE // 512} /sys/block/*/size"          # names may come in any order
    device = "/dev/" + m.run(size, check=True)[0].split("/")[3]
    output = m.run(f"dd if={device} bs=1M iflag=direct 2>/dev/null | sha256sum", timeout=120, check=True)[0]
    assert output.split()[0] == digest(content), "read from the disk: wrong content"
    output = m.run(f"head -c {SIZE} /dev/urandom > /tmp/new && dd if=/tmp/new of={device} bs=256k oflag=direct "
                   f"2>/dev/null && sync && sha256sum < /tmp/new && rm /tmp/new", timeout=120, check=True)[0]
    with open(path, "rb") as f:
        assert digest(f.read()) == output.split()[0], "written to the disk: wrong content"
    m.run(f"for i in 1 2 3 4; do dd if={device} of=/dev/null bs=4k count=500 skip=$((i * 1000)) iflag=direct 2>/dev/null & "
          "done; wait", check=True)


def receive(port):
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        s.settimeout(60)
        parts = []
        while part := s.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def network_transfers(m, content):
    """16 MiB to the guest and 16 MiB from it, over TCP."""
    m.run("ip -4 addr show scope global | grep -q 10.0.2.15", check=True)
    content = content[:16 << 20]
    m.run("socat -u TCP-LISTEN:3001,reuseaddr CREATE:/tmp/in </dev/null >/dev/null 2>&1 & "
          "i=0; until ss -ltn | grep -q :3001 || [ $i = 50 ]; do sleep 0.1; i=$((i + 1)); done")
    with socket.create_connection(("127.0.0.1", m.port(3001)), 20) as s:
        s.settimeout(60)
        s.sendall(content)
    wait_for = f"i=0; until [ $(stat -c %s /tmp/in) = {len(content)} ] || [ $i = 300 ]; do sleep 0.2; i=$((i + 1)); done; "
    output = m.run(wait_for + "sha256sum < /tmp/in", timeout=90, check=True)[0]
    assert output.split()[0] == digest(content), "received by the guest: wrong content"
    output = m.run("head -c 16M /dev/urandom > /tmp/out; (socat -u OPEN:/tmp/out TCP-LISTEN:3002,reuseaddr </dev/null "
                   ">/dev/null 2>&1 &); i=0; until ss -ltn | grep -q :3002 || [ $i = 50 ]; do sleep 0.1; i=$((i + 1)); done; "
                   "sha256sum < /tmp/out", check=True)[0]
    assert digest(receive(m.port(3002))) == output.split()[0], "sent by the guest: wrong content"


# How each driver wants its interrupts where it may have them, as /proc/interrupts calls it.
KINDS = {"virtio-blk": ("virtio", "msi-x"), "virtio-net": ("virtio", "msi-x"), "ahci": ("ahci", "msi"), "nvme": ("nvme", "msi-x"),
         "e1000e": (r"eth|enp|ens", "msi-x")}


def interrupts(m, devices, wanted):
    """Each device's interrupts come in the way wanted, and do come. wanted: own (the driver's choice) or intx."""
    table = m.run("cat /proc/interrupts", check=True)[0].splitlines()
    for device in devices:
        name, own = KINDS[device]
        lines = [line for line in table if re.search(name, line)]
        assert lines, f"no interrupts of {device}:\n" + "\n".join(table)
        for line in lines:
            kind = (re.search(r"-(msi-x|msi)\b", line) or [None, "intx"])[1]
            expected = own if wanted == "own" else wanted
            assert kind == expected, f"{device}: not {expected}: {line}"
        counts = sum(int(number) for line in lines for number in re.findall(r"(?<= )\d+(?= )", line.split(":", 1)[1]))
        assert counts, f"{device}: never interrupts:\n" + "\n".join(lines)


# One NVMe command at a time: with more, QEMU 7.2 (not 10) leaves the INTx line up after the driver took the completions by
# its shadow doorbells; the storm of interrupts comes without a hypervisor, too.
ARGUMENTS = {"intx": "pci=nomsi nvme.io_queue_depth=2", "own": ""}


@test(timeout=300, cases=[
    "q35 virtio-blk virtio-net own", "q35 ahci e1000e own", "q35 nvme virtio-net own",
    "pc virtio-blk e1000e own", "pc ahci virtio-net own", "pc nvme e1000e own",
    "q35 virtio-blk virtio-net intx", "q35 ahci e1000e intx", "q35 nvme virtio-net intx", "pc virtio-blk e1000e intx",
    "pc ahci virtio-net intx", "pc nvme virtio-net intx"])
def transfers(case):
    """own: as the drivers choose, that is MSI for AHCI and MSI-X for all others (e1000e finds no MSI in QEMU)."""
    machine, disk, nic, kind = case.split()
    content = os.urandom(SIZE)
    with tempfile.NamedTemporaryFile(suffix=".disk") as second:
        second.write(content)
        second.flush()
        drive = ("-drive", f"file={second.name},format=raw,if=none,id=second,cache=writethrough")
        with boot(machine=machine, disk=disk, nic=nic, forwards=(3001, 3002), qemu_args=drive + SECOND[disk], cpus=2,
                  kernel_args=ARGUMENTS[kind]) as m:
            m.ready()
            disk_transfers(m, second.name, content)
            network_transfers(m, content)
            interrupts(m, (disk, nic), kind)
            no_complaints(m)
