# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads what bench/plugin/tally.c counts, also while the machine runs.

    t = Tally(path, {"kernel": 0xffffffff830791c0})
    with Machine(Config(icount=True, qemu_args=t.qemu_args)) as m: ...
    now = t.read();  now.total, now.marks["kernel"], now.places
"""
import bisect
import collections
import os
import re
import struct
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLUGIN = os.path.join(TOP, "build", "bench", "tally.so")
NONE = 2 ** 64 - 1
MARKS, PLACE = 64, struct.Struct("<4Q")
Snapshot = collections.namedtuple("Snapshot", "total marks places lost")
Place = collections.namedtuple("Place", "address length count at_mark")
HYPERVISOR = range(0xffff800000000000, 0xffff880000000000)      # the ABI's area of the hypervisor


class Tally:
    """marks: {name: address}; at most 64."""

    def __init__(self, path, marks):
        self.path, self.names = path, list(marks)
        words = [f"out={path}"] + [f"mark={address:#x}" for address in marks.values()]
        self.qemu_args = ("-plugin", ",".join([PLUGIN] + words))

    def read(self):
        with open(self.path, "rb") as f:
            data = f.read()
        total, nr_marks, _, lost = struct.unpack_from("<4Q", data)
        marks = {}
        for i, name in enumerate(self.names[:nr_marks]):
            marks[name] = struct.unpack_from("<2Q", data, 32 + 16 * i)[1]
        places = [Place(*p) for p in PLACE.iter_unpack(data[32 + 16 * MARKS:]) if p[1]]
        return Snapshot(total, {name: at for name, at in marks.items() if at != NONE}, places, lost)


def elf_entry(path):
    with open(path, "rb") as f:
        head = f.read(64)
    return struct.unpack_from("<Q", head, 24)[0] if head[4] == 2 else struct.unpack_from("<I", head, 24)[0]


def xen_entry(path):
    """Where a para-virtual kernel begins: its Xen note ENTRY (type 1)."""
    notes = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True).stdout
    found = re.search(r"Xen\s+0x00000008\s+(?:NT_VERSION.*|Unknown note type: \(0x00000001\))\s+description data: ([0-9a-f ]+)", notes)
    return int.from_bytes(bytes.fromhex(found.group(1)), "little")


class Symbols:
    """Functions by address, from an ELF file that has its symbols."""

    def __init__(self, path, offset=0):
        out = subprocess.run(["nm", "-n", path], capture_output=True, text=True, check=True).stdout
        found = [line.split() for line in out.splitlines()]
        kept = [(int(f[0], 16) + offset, f[2]) for f in found if len(f) == 3 and f[1] in "tTwW" and not f[2].startswith(".L")]
        self.starts, self.names = [a for a, _ in kept], [n for _, n in kept]

    def find(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return self.names[i] if i >= 0 and address - self.starts[i] < 1 << 20 else "?"

    def address(self, name):
        return self.starts[self.names.index(name)]
