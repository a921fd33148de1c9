# SPDX-License-Identifier: GPL-2.0-or-later
"""Has every allocation of the hypervisor failed in a test?

The calls of the allocators are found in the image of a checking build, where each goes by a wrapper (hypervisor/check/fail.c, heap.c); a test
says by lines `failed at ADDRESS` which of them failed.  What the compiler has copied is one place in the source.  The allocator's own
file is left out: it does not call the wrappers (docs/security.md).
"""
import os
import re
import subprocess

HYPERVISOR = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'hypervisor')
# Functions that allocate and that no hypercall reaches: all run before the first guest.
BOOT = {
    'buffer_get': "unpacking dom0's kernel",
    'cpu_start': "another CPU's data; CPUs that come back online have kept theirs",
    'domain_init': 'the list of idle vCPUs',
    'efirt_init': "page tables for the firmware's calls",
    'frames_for_p2m': "dom0's list of frames",
    'gate_build': "a CPU's way in from isolated page tables",
    'gdt_build': "a CPU's descriptor tables",
    'idle_vcpu_create': "a CPU's idle vCPU",
    'irq_lines_init': 'the list of interrupt lines',
    'log_grow': "the log's own buffer, as the command line says",
    'page_split': 'pages below stacks that are not mapped',
    'stack_alloc': "another CPU's stack",
    'table_alloc': "a CPU's isolated page tables",
}
CALL = re.compile(r'^\s*([0-9a-f]+):\s+(call|j\w+)\s.*<__wrap_(?:mem_alloc|pages_alloc|frames_alloc|frames_alloc_for)>', re.M)


def run(*command, given=None):
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def places(image, addresses):
    """{address: (file below hypervisor/, line)}"""
    out = run('addr2line', '-a', '-e', image, given=''.join('%#x\n' % a for a in addresses))
    return {int(a, 16): (path, int(line)) for a, path, line in re.findall(r'^0x([0-9a-f]+)\n\S*?hypervisor/(\S+):(\d+)', out, re.M)}


def function(path, line):
    """The name of the function that the line is in: its first line is the last one that begins at the margin before a brace."""
    with open(os.path.join(HYPERVISOR, path)) as f:
        above = ''.join(f.readlines()[:line])
    return re.findall(r'^\w[^;{}\n]*?\b(\w+)\([^;{}]*\)\n\{', above, re.M)[-1]


def judge(text, image, which):
    """(whether all calls in files that match `which` have failed, in words)."""
    found = CALL.findall(run('objdump', '-d', '--no-show-raw-insn', image))
    calls = [int(address, 16) for address, _ in found]
    failed = [int(a, 16) - 1 for a in re.findall(r'failed at ([0-9a-f]+)', text)]
    place = places(image, calls + failed)
    lost = [hex(a) for a in calls + failed if a not in place] + [address for address, how in found if how != 'call']
    if lost or not calls:
        return False, 'allocations whose place in the source is not known: ' + (', '.join(lost) or 'all')
    named = {p: function(*p) for p in (place[a] for a in calls) if not p[0].startswith(('check/', 'san/'))}
    stale = set(BOOT) - set(named.values())
    wanted = {p for p in named if re.match(which, p[0]) and named[p] not in BOOT}
    missing = wanted - {place[a] for a in failed}
    if stale or missing or not wanted:
        return False, 'never failed: %s; no allocation any more (sites.py): %s' % (
            ', '.join('%s:%d %s()' % (*p, named[p]) for p in sorted(missing)), ', '.join(sorted(stale)))
    return True, '%d allocations, each failed' % len(wanted)
