# SPDX-License-Identifier: GPL-2.0-or-later
"""The longest ways between two points at which the hypervisor can be made to give way, operation by operation.

tests/guest/plugin/stretch.c counts them; the guest (test_bounds.c) says by jumping to bound_slots + n that the n-th operation
begins (0: ends), and by a line `bound N OPERATION | ARGUMENTS | RESULT` what it is.  Several lines of the same operation make one row.
Lines `zeros CALL: others NUMBER` say which operations succeed with zeros as argument.
A domain that it made jumps to domain_slots + n.  An operation that docs/abi.md says is there must have a row, or a reason below.

  python3 tests/guest/bounds.py     puts the table of the last run, build/bounds.md, into docs/security.md (`make bounds`: run and put)
"""
import os
import re
import struct
import subprocess

LIMIT = 200000      # instructions
# Operations of docs/abi.md without a row of their own.  Constant work, measured by zeros: in the row "others", which makes each operation of
# the hypercall with zeros as argument; these must succeed with it.  Why it is constant:
BY_ZEROS = {
    'a text or a few words that are there are copied': """
        xen_version: version, extraversion, compile_info, capabilities, changeset, platform_parameters, get_features, guest_handle,
        commandline
        memory_op: maximum_ram_page, current_reservation, maximum_reservation, maximum_gpfn, get_sharing_freed_pages, get_sharing_shared_pages,
        reserved_device_memory_map""",
    'a flag of the domain is set': """
        vm_assist: 4gb_segments, 4gb_segments_notify, pae_extended_cr3, architectural_iopl, runstate_update_flag, m2p_strict""",
}
# Not measured, and why:
NOT_MEASURED = {
    'ends the caller: what it does is what sched_op: remote_shutdown does': 'sched_op: shutdown',
    'ends the machine': 'platform_op: enter_acpi_sleep',
    'another time of the first call of it, which pirq_eoi_gmfn_v2 is': 'physdev_op: pirq_eoi_gmfn_v1',
    "takes processors or the firmware out of use for a while (docs/security.md, what is not in the table)": """
        platform_op: microcode_update, efi_runtime_call, cpu_offline
        sysctl: cpu_hotplug""",
    "for a debugger's eyes: goes through all there is (docs/security.md, what is not in the table)": """
        grant_table_op: dump_table
        sysctl: debug_keys""",
}
CALLS = {       # the ABI's prefixes of operations
    'XENVER_': 'xen_version', 'MMU_': 'mmu_update', 'MMUEXT_': 'mmuext_op', 'XENMEM_': 'memory_op', 'EVTCHNOP_': 'event_channel_op',
    'GNTTABOP_': 'grant_table_op', 'VCPUOP_': 'vcpu_op', 'SCHEDOP_': 'sched_op', 'CALLBACKTYPE_': 'callback_op', 'XENNMI_': 'nmi_op',
    'VMASST_TYPE_': 'vm_assist', 'CONSOLEIO_': 'console_io', 'PHYSDEVOP_': 'physdev_op', 'XENPF_': 'platform_op', 'HVMOP_': 'hvm_op',
    'XEN_MC_': 'mca', 'XEN_SYSCTL_': 'sysctl', 'XEN_DOMCTL_': 'domctl', 'XEN_HYPFS_OP_': 'hypfs_op',
}
BEYOND = {'memory_op: exchange': 1000000}       # whose step is a chunk of 2 MiB
LINE = re.compile(r'bound (\d+) ([^|\r\n]*) \| ([^|\r\n]*) \| (-?\d+)')
HEAD = '| operation | longest with | instructions |\n|---|---|---:|\n'
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOC = os.path.join(ROOT, 'docs', 'security.md')
ABI = os.path.join(ROOT, 'docs', 'abi.md')


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


def operations():
    """The rows that docs/abi.md asks for, and their numbers there: its hypercalls, or, where they have them, their operations."""
    with open(ABI) as f:
        text = f.read()
    names = re.findall(r'^\| `(\w+)`[^|]*\| (\d+) \| (?:yes|part)\b', text, re.M) + re.findall(r'`(XEN_HYPFS_OP_\w+)` \((\d+)\)', text)
    rows = {}
    for name, number in names:
        prefix = max((p for p in CALLS if name.startswith(p)), key=len, default='__HYPERVISOR_')
        if not name.startswith(prefix):
            raise ValueError('docs/abi.md has an operation of unknown kind: ' + name)
        rows[(CALLS[prefix] + ': ' if prefix in CALLS else '') + name[len(prefix):].lower()] = number
    return {row: number for row, number in rows.items() if row not in CALLS.values() or not any(r.startswith(row + ': ') for r in rows)}


def listed(reasons):
    """The operations in BY_ZEROS or NOT_MEASURED."""
    found = set()
    for lines in reasons.values():
        for call, names in re.findall(r'(\w+): ([^:]*?)(?=\w+:|$)', ' '.join(lines.split())):
            found |= {call + ': ' + name for name in re.split(r'[, ]+', names.strip())}
    return found


def uncovered(rows, text):
    """What is wrong with the rows, and with what the guest said, beside docs/abi.md; in words, '' if nothing is."""
    number, have, zeros = operations(), {row.split(', a guest')[0] for row in rows}, listed(BY_ZEROS)
    asked, excused, succeeded = set(number), zeros | listed(NOT_MEASURED), set(re.findall(r'zeros (\w+): others (\d+)', text))
    faults = {
        'without a row': asked - have - excused,
        'excused for nothing': excused - asked | excused & have,
        'refused with zeros': {row for row in zeros if (row.split(':')[0], number.get(row)) not in succeeded},
    }
    return '; '.join('%s: %s' % (why, ', '.join(sorted(which))) for why, which in faults.items() if which)


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
    missing = uncovered(rows, text)
    if missing:
        return False, 'docs/abi.md has operations ' + missing
    if set(rows) != set(re.findall(r'^\| ([^|]+) \|.*\d \|$', documented()[1], re.M)):
        return False, 'docs/security.md has other operations in its table: make bounds'
    return True, '%d operations, at most %d instructions' % (len(rows), max(n for n, _ in rows.values()))


if __name__ == '__main__':
    with open(os.path.join(ROOT, 'build', 'bounds.md')) as f:
        table = f.read()
    before, _, after = documented()
    with open(DOC, 'w') as f:
        f.write(before + table + after)
