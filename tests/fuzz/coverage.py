# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the hypervisor's instructions an emulated machine executed, as functions and lines.

The emulator's plugin bench/plugin/tally.c counts translated blocks by their address; here those become instructions (objdump),
functions and source lines (addr2line) of the same image, which is built as always. With several CPUs the plugin's counts are
approximate: only whether a block ran at all is used, and since dom0's first instruction: what the boot alone executes is told apart.
"""
import bisect
import collections
import os
import re
import subprocess

from tally import HYPERVISOR, PLUGIN, TOP, Tally, elf_entry

LARGEST = 25    # that are named

# What runs at boot, or not for a guest: not counted as missed.
ELSEWHERE = re.compile(r"hypervisor/(boot|check|san)/|^\?")


class Coverage:
    def __init__(self, image, guest):
        """image: with symbols and lines; guest: dom0's kernel."""
        subprocess.run(["make", "--no-print-directory", "-s", os.path.relpath(PLUGIN, TOP)], cwd=TOP, check=True)
        self.image, self.start = image, elf_entry(guest)
        self.blocks, self.booted, self.runs = set(), set(), 0

    def tally(self, scratch):
        return Tally(os.path.join(scratch, "tally"), {"dom0": self.start})

    def take(self, tally):
        """Of a run of this image."""
        counted = tally.read()
        ours = [p for p in counted.places if p.address in HYPERVISOR and p.count]
        self.booted |= {(p.address, p.length) for p in ours}
        if "dom0" in counted.marks:
            self.blocks |= {(p.address, p.length) for p in ours if p.count > p.at_mark}
        self.runs += 1
        os.unlink(tally.path)

    def _instructions(self):
        """[(address, (function's address, its name, whether it is but a part that the compiler has split off))], ascending."""
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", self.image], capture_output=True, text=True, check=True).stdout
        found, function = [], ("0", "?", False)
        for line in text.splitlines():
            if head := re.match(r"([0-9a-f]+) <([^.>]+)(.*)>:$", line):
                function = (head.group(1), head.group(2), head.group(3) != "")
            elif body := re.match(r" *([0-9a-f]+):\t", line):
                found.append((int(body.group(1), 16), function))
        return found

    def _lines(self, addresses):
        """file:line of each address."""
        text = subprocess.run(["addr2line", "-e", self.image], input="\n".join(f"{a:#x}" for a in addresses), capture_output=True,
                              text=True, check=True).stdout
        return [re.sub(r" \(discriminator.*", "", line).removeprefix("./") for line in text.splitlines()]

    @staticmethod
    def _executed(addresses, blocks):
        done = set()
        for start, length in blocks:
            at = bisect.bisect_left(addresses, start)
            if at < len(addresses) and addresses[at] == start:
                done.update(addresses[at:at + length])
        return done

    def report(self):
        code = self._instructions()
        addresses = [a for a, _ in code]
        done, booted, lines = self._executed(addresses, self.blocks), self._executed(addresses, self.booted), self._lines(addresses)
        files = collections.defaultdict(lambda: [set(), set()])     # file: lines, lines executed
        begins, whole = {}, collections.defaultdict(set)            # function: the file that it begins in; name: those of what isn't but a part
        functions = collections.defaultdict(lambda: [False, False, 0])  # (file, name): executed, executed at boot, instructions
        places = []
        for (address, function), line in zip(code, lines):
            where = line.rsplit(":", 1)[0]
            if "hypervisor/" not in where or ELSEWHERE.search(where):
                continue
            where = where[where.index("hypervisor/") + len("hypervisor/"):]
            files[where][0].add(line)
            if address in done:
                files[where][1].add(line)
            places.append((address, function))
            if function not in begins:
                begins[function] = where
                whole[function[1]] |= set() if function[2] else {where}
        for address, function in places:
            homes = whole[function[1]]
            entry = functions[next(iter(homes)) if function[2] and len(homes) == 1 else begins[function], function[1]]
            entry[0] |= address in done
            entry[1] |= address in booted
            entry[2] += 1
        self._print(files, functions)

    def _print(self, files, functions):
        folders, missed, never = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(list), []
        for (where, name), (ran, booted, size) in functions.items():
            if not ran and where.endswith((".c", ".S")):
                missed[where].append(name)
                never += [] if booted else [(size, where, name)]
        print("coverage, lines executed:")
        for where, (all_lines, ran) in sorted(files.items()):
            folder = folders[where.split("/")[0]]
            folder[0] += len(all_lines)
            folder[1] += len(ran)
            print(f"  {100 * len(ran) / len(all_lines):5.1f} %  {len(ran):5} of {len(all_lines):5}  {where}")
        for folder, (count, ran) in sorted(folders.items()):
            print(f"  {100 * ran / count:5.1f} %  {ran:5} of {count:5}  {folder}/ in all")
        print("functions never executed since dom0's first instruction:")
        for where, names in sorted(missed.items()):
            print(f"  {where}: {' '.join(sorted(names))}")
        print("the largest of them that the boot didn't execute either, in instructions:")
        for size, where, name in sorted(never, reverse=True)[:LARGEST]:
            print(f"  {size:5}  {where}: {name}")
        total, ran = (sum(folder[i] for folder in folders.values()) for i in (0, 1))
        at_boot = sum(1 for done, booted, _ in functions.values() if booted and not done)
        done = sum(1 for done, _, _ in functions.values() if done)
        print(f"coverage of {self.runs} runs: {done} of {len(functions)} functions ({100 * done / len(functions):.0f} %; {at_boot} more at boot alone), "
              f"{ran} of {total} lines ({100 * ran / total:.0f} %)")
