# SPDX-License-Identifier: GPL-2.0-or-later
"""The longest ways between two points at which the hypervisor can be made to give way, operation by operation.

tests/guest/plugin/stretch.c counts them; the guest (test_bounds.c) says by jumping to bound_slots + n that the n-th operation
begins (0: ends), and by a line `bound N OPERATION | ARGUMENTS | RESULT` what it is.  Several lines of the same operation make one row.
A domain that it made jumps to domain_slots + n.

  python3 tests/guest/bounds.py     puts the table of the last run, build/bounds.md, into docs/security.md (`make bounds`: run and put)
"""
import os
import re
import struct
import subprocess

LIMIT = 200000      # instructions
BEYOND = {'memory_op: exchange': 1000000}       # whose step is a chunk of 2 MiB
SLOTS = 256
LINE = re.compile(r'bound (\d+) ([^|\r\n]*) \| ([^|\r\n]*) \| (-?\d+)')
HEAD = '| operation | longest with | instructions |\n|---|---|---:|\n'
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOC = os.path.join(ROOT, 'docs', 'security.md')


def symbols(path):
    out = subprocess.run(['nm', '-n', path], capture_output=True, text=True, check=True).stdout
    return {f[2]: int(f[0], 16) for f in map(str.split, out.splitlines()) if len(f) == 3}


def debug(hv):
    return hv + '.debug'


def plugin(tmp, build, hv, elf, points):
    """QEMU's options."""
    ours, theirs = symbols(debug(hv)), symbols(elf)
    words = [os.path.join(build, 'guest', 'stretch.so'), 'out=%s/stretch' % tmp]
    words += ['slots=%#x' % theirs[name] for name in ('bound_slots', 'domain_slots')]
    return ['-plugin', ','.join(words + ['%s=%#x' % (kind, ours[name]) for kind, name in (p.split('=') for p in points)])]


def documented():
    """(the document before its table, the table, after it)."""
    with open(DOC) as f:
        text = f.read()
    before, rest = text.split(HEAD)
    end = re.search('^[^|]', rest + '\n', re.M).start()
    return before, HEAD + rest[:end], rest[end:]


def judge(tmp, text, build, hv):
    """(whether all keep the bound, in words); the table goes to build/bounds.md, all ways to build/bounds.txt."""
    with open(tmp + '/stretch', 'rb') as f:
        found = list(struct.iter_unpack('<4Q', f.read()))
    ours = {address: name for name, address in symbols(debug(hv)).items()}
    rows, ways = {}, []
    for number, operation, arguments, result in LINE.findall(text):
        longest, start, end, points = found[int(number)]
        if points < 2:
            return False, 'nothing was counted for ' + operation
        rows[operation] = max(rows.get(operation, (0, '')), (longest, arguments))
        ways.append('%9d %s (%s): %s to %s, of %d points, result %s\n' % (
            longest, operation, arguments, ours.get(start, 'guest'), ours.get(end, 'guest'), points, result))
    with open(os.path.join(build, 'bounds.md'), 'w') as f:
        f.write(HEAD + ''.join('| %s | %s | %s |\n' % (name, how, format(n, ',')) for name, (n, how) in sorted(rows.items())))
    with open(os.path.join(build, 'bounds.txt'), 'w') as f:
        f.writelines(sorted(ways, reverse=True))
    above = ['%s (%s): %d' % (name, how, n) for name, (n, how) in sorted(rows.items()) if n > BEYOND.get(name, LIMIT)]
    if not rows or above:
        return False, 'above the bound of %d instructions: %s' % (LIMIT, ', '.join(above) or 'no operation was measured')
    if set(rows) != set(re.findall(r'^\| ([^|]+) \|.*\d \|$', documented()[1], re.M)):
        return False, 'docs/security.md has other operations in its table: make bounds'
    return True, '%d operations, at most %d instructions' % (len(rows), max(n for n, _ in rows.values()))


if __name__ == '__main__':
    with open(os.path.join(ROOT, 'build', 'bounds.md')) as f:
        table = f.read()
    before, _, after = documented()
    with open(DOC, 'w') as f:
        f.write(before + table + after)
