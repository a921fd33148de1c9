# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the hypervisor's instructions an emulated machine executed, as functions and lines.

The emulator's plugin bench/plugin/tally.c counts translated blocks by their address; here those become instructions (objdump),
functions and source lines (addr2line) of the same image, which is built as always. With several CPUs the plugin's counts are
approximate: only whether a block ran at all is used.
"""
import bisect
import collections
import os
import re
import subprocess

from tally import HYPERVISOR, PLUGIN, TOP, Tally

# What runs at boot, or not for a guest: not counted as missed.
ELSEWHERE = re.compile(r"hypervisor/(boot|check|san)/|^\?")


class Coverage:
    def __init__(self, image):
        """image: with symbols and lines."""
        subprocess.run(["make", "--no-print-directory", "-s", os.path.relpath(PLUGIN, TOP)], cwd=TOP, check=True)
        self.image, self.blocks = image, set()

    @staticmethod
    def tally(scratch):
        return Tally(os.path.join(scratch, "tally"), {})

    def take(self, tally):
        self.blocks |= {(p.address, p.length) for p in tally.read().places if p.address in HYPERVISOR and p.count}
        os.unlink(tally.path)

    def _instructions(self):
        """[(address, function)], ascending."""
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", self.image], capture_output=True, text=True, check=True).stdout
        found, function = [], "?"
        for line in text.splitlines():
            if head := re.match(r"[0-9a-f]+ <(.+)>:$", line):
                function = head.group(1)
            elif body := re.match(r" *([0-9a-f]+):\t", line):
                found.append((int(body.group(1), 16), function))
        return found

    def _lines(self, addresses):
        """file:line of each address."""
        text = subprocess.run(["addr2line", "-e", self.image], input="\n".join(f"{a:#x}" for a in addresses), capture_output=True,
                              text=True, check=True).stdout
        return [re.sub(r" \(discriminator.*", "", line).removeprefix("./") for line in text.splitlines()]

    def _executed(self, addresses):
        done = set()
        for start, length in self.blocks:
            at = bisect.bisect_left(addresses, start)
            if at < len(addresses) and addresses[at] == start:
                done.update(addresses[at:at + length])
        return done

    def report(self):
        code = self._instructions()
        addresses = [a for a, _ in code]
        done, lines = self._executed(addresses), self._lines(addresses)
        files = collections.defaultdict(lambda: [set(), set()])     # file: lines, lines executed
        functions = collections.defaultdict(lambda: [False, "?"])   # (file, name): executed
        for (address, name), line in zip(code, lines):
            where = line.rsplit(":", 1)[0]
            if "hypervisor/" not in where or ELSEWHERE.search(where):
                continue
            where = where[where.index("hypervisor/") + len("hypervisor/"):]
            files[where][0].add(line)
            entry = functions[name]
            entry[1] = where if entry[1] == "?" else entry[1]
            if address in done:
                files[where][1].add(line)
                entry[0] = True
        self._print(files, functions)

    @staticmethod
    def _print(files, functions):
        folders, missed = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(list)
        for name, (ran, where) in functions.items():
            if not ran and where.endswith((".c", ".S")):
                missed[where].append(name)
        print("coverage, lines executed:")
        for where, (all_lines, ran) in sorted(files.items()):
            folder = folders[where.split("/")[0]]
            folder[0] += len(all_lines)
            folder[1] += len(ran)
            print(f"  {100 * len(ran) / len(all_lines):5.1f} %  {len(ran):5} of {len(all_lines):5}  {where}")
        for folder, (count, ran) in sorted(folders.items()):
            print(f"  {100 * ran / count:5.1f} %  {ran:5} of {count:5}  {folder}/ in all")
        print("functions never executed:")
        for where, names in sorted(missed.items()):
            print(f"  {where}: {' '.join(sorted(names))}")
        print(f"functions executed: {sum(ran for ran, _ in functions.values())} of {len(functions)}")
