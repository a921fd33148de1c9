# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's tools that look into a running guest: xenctx, xen-mfndump, gdbsx (with gdb's protocol spoken by rsp.py), xentrace_format.  dom0's
kernel and the guest's are the same, and so are their symbols.
"""
import os
import re

from guests import HAND, Server
from kit import HERE, HV, test

TOOLS = "export PATH=$PATH:/usr/lib/xen-4.17/bin;"
# Debian's xentrace_format is written for a Python that Debian no longer has; this puts it into today's words.
PORT = r'''
import re
text = open("/usr/bin/xentrace_format").read()
for old, new in ((r"print >> sys.stderr, \\\n", r"text = \\\n"), (r"print >> sys.stderr, (.*?) ;", r"sys.stderr.write(\1) ;"),
                 (r"(?m)\bprint (.+)$", r"print(\1)"), (r"except IOError, exn", "except IOError as exn"),
                 (r"except IOError, struct.error", "except (IOError, struct.error)"), (r"stdin\.read", "stdin.buffer.read"),
                 (r"defs\.has_key\((str\(\w+\))\)", r"\1 in defs")):
    text = re.sub(old, new, text)
open("/tmp/xentrace_format", "w").write(text)
'''
# <xen/trace.h>: events with what their words mean.
FORMATS = """\
0x0020100d CPU%(cpu)d %(tsc)d hypercall %(1)d
0x00201004 CPU%(cpu)d %(tsc)d page_fault %(1)x
0x0002800f CPU%(cpu)d %(tsc)d switch_infnext d%(1)d v%(2)d
"""
# Where an idle guest is, innermost first.
IDLE = ("xen_hypercall_pv", "xen_safe_halt", "default_idle_call", "do_idle", "cpu_startup_entry")

CLAIM = ("#include <stdlib.h>\n#include <xenctrl.h>\nint main(int n, char **a) "
         "{ return !!xc_domain_claim_pages(xc_interface_open(0, 0, 0), atoi(a[n - 2]), atol(a[n - 1])); }")


def tool(s, command, timeout=120):
    return s.say(f"{TOOLS} D=$(xl domid g); {command}", timeout)


def context(s):
    """Registers and a call trace of a guest at rest."""
    s.say(f"grep -E ' ({'|'.join(IDLE)}|_stext|_etext|_sinittext|_einittext)$' /proc/kallsyms > /tmp/symbols")
    s.until(f"xl pause g; [ $({TOOLS} xenctx -s /tmp/symbols -C $(xl domid g) | grep -c 'rip: .* xen_hypercall_pv') = 2 ] || "
            "{ xl unpause g; false; }", "both vCPUs are at rest")
    for vcpu in (0, 1):
        text = tool(s, f"xenctx -s /tmp/symbols -a $D {vcpu}")
        assert re.search(r"^rip: ffffffff8\w+ xen_hypercall_pv\+0x5$", text, re.M), text
        assert re.search(r"^ cs: e033\s+ss: e02b", text, re.M) and re.search(r"^cr3: 0000000\w+000$", text, re.M), text
        assert "cr0: 000000008005003" in text and re.search("^cr4: 0+[26]60$", text, re.M), text
        for name in IDLE:
            assert re.search(rf"\[<ffffffff8\w+>\] {name}\+0x", text), (name, text)
    assert tool(s, "xenctx -C $D").count("rip: ffffffff8") == 2
    trace = tool(s, "xenctx -s /tmp/symbols -S $D 1")
    assert "Stack Trace:" in trace and "cpu_startup_entry+0x" in trace, trace
    s.say("xl unpause g")


def frames(s):
    """The guest's frames, their types, and the entries that map one."""
    s.say("xl pause g")
    listing = tool(s, "xen-mfndump dump-p2m $D > /tmp/p2m; grep -c ==..mfn /tmp/p2m; grep Width /tmp/p2m")
    assert listing.splitlines()[1].split()[:6] == ["Guest", "Width:", "8,", "PT", "Levels:", "4"], listing
    assert int(listing.splitlines()[0]) >= 96 * 256, listing
    cr3 = int(re.search(r"^cr3: (\w+)$", tool(s, "xenctx -a $D 0"), re.M).group(1), 16) >> 12
    pfn, rest = re.search(r"pfn=(0x\w+) ==> mfn=0x\w+ (.*)$", tool(s, f"grep 'mfn=0x{cr3:x} ' /tmp/p2m")).groups()
    assert "L4" in rest and "pinned" in rest, rest
    entries = tool(s, f"xen-mfndump dump-ptes $D 0x{cr3:x}")
    assert len(re.findall(r"^ +pte\[\d+\]: 0x\w+", entries, re.M)) == 512, entries
    same = tool(s, f"xen-mfndump memcmp-mfns $D 0x{cr3:x} $D 0x{cr3:x}")
    assert "memcpy(1, 2) = 0" in same, same
    assert re.search(rf"0x{cr3:x} <-- \[0x\w+\]\[\d+\]: 0x\w*{cr3:x}\w{{3}}$", tool(s, f"xen-mfndump lookup-pte $D 0x{cr3:x} || true"), re.M)
    m2p = tool(s, f"xen-mfndump dump-m2p > /tmp/m2p; grep 'mfn=0x{cr3:x} ' /tmp/m2p; grep Max /tmp/m2p")
    assert f"pfn={pfn}" in m2p and int(m2p.split()[-1]) > 2048 * 200, m2p
    assert int(s.say("grep -c pfn=0xffffffffffffffff /tmp/m2p")) > 10000       # nobody's
    s.say("xl unpause g")


def debugger(s):
    """gdbsx shows registers; and stands between a guest and gdb: memory, a breakpoint, a step.  Debian's Xen is built without that."""
    if HV == "xen":
        assert "NOT enabled" in s.refuses(TOOLS + "gdbsx -c $(xl domid g) 64")
        return
    text = tool(s, "gdbsx -c $D 64 2>&1")
    assert text.count("rip:ffffffff8") == 2 and text.count("cs:0000e033") == 2 and text.count("Call Trace:") == 2, text
    # gdbsx steps one vCPU while the others stand: an event that is taken first may spin for ever on a lock that one of them holds.
    s.say("xl vcpu-set g 1")
    s.until("[ \"$(%s run g nproc 60)\" = 1 ]" % HAND, "the guest has one vCPU")
    where = s.say("awk '$3 == \"ksys_sync\" { print $1 }' /proc/kallsyms").strip()
    text = tool(s, f"python3 /run/rsp $D {where} 2>&1", 300)
    told = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    assert told["rip"].startswith("0xffffffff8") and len(told["code"]) == 32, text
    assert re.match(r"[ST]05", told["hit"]) and told["at"] in (f"0x{where}", f"{int(where, 16) + 1:#x}"), text
    assert re.match(r"[ST]05", told["stepped"]), text
    assert int(where, 16) < int(told["after"], 16) < int(where, 16) + 16, text
    assert told["work"] == "synced", text
    assert s.guest("g", "sync; echo alive") == "alive"


def formats(s):
    """Trace records by xentrace_format's rules."""
    s.say(f"(sleep 1; for i in 1 2 3; do xl info; ls -lR /usr/lib; done >/dev/null) & {TOOLS} xentrace -D -e all -T 2 /tmp/t")
    s.say("python3 /run/port && python3 /tmp/xentrace_format /run/formats < /tmp/t > /tmp/lines 2> /tmp/errors; cat /tmp/errors")
    counts = dict(line.split()[::-1] for line in s.say("awk '{ print $3 }' /tmp/lines | sort | uniq -c").splitlines())
    assert int(counts["hypercall"]) > 100 and int(counts["switch_infnext"]) > 10 and "backward" not in counts, counts
    calls = s.say("awk '$3 == \"hypercall\" { print $4 }' /tmp/lines | sort -n | uniq")
    assert {"1", "23", "29"} <= set(calls.split()), calls     # mmu_update, iret, sched_op
    assert s.say("awk '{ print $1 }' /tmp/lines | sort | uniq").split() == ["CPU0", "CPU1"]


def claimed(s):
    """Memory that is promised to a guest and not yet given."""
    s.say(f"echo '{CLAIM}' > /tmp/claim.c && gcc -o /tmp/claim /tmp/claim.c -lxenctrl")
    s.refuses("/tmp/claim $(xl domid g) 49152")                         # more than it may have
    s.say("xl mem-max g 256; /tmp/claim $(xl domid g) 49152")     # of 192 MiB it has 160
    assert s.rows("xl claims")["g"][-1] in ("31", "32") and re.search("^outstanding_claims *: 3[12]$", s.say("xl info"), re.M)
    s.say("/tmp/claim $(xl domid g) 0")
    assert s.rows("xl claims")["g"][-1] == "0"


@test(timeout=900)
def looked_into():
    with open(os.path.join(HERE, "rsp.py"), "rb") as file:
        files = {"run/rsp": file.read(), "run/port": PORT.encode(), "run/formats": FORMATS.encode()}
    with Server(files=files) as s:
        formats(s)
        before = s.free_memory()        # the trace buffers stay
        s.create("g", flavour="generic", vcpus=2, memory=160, maxmem=160)
        for part in (claimed, context, frames, debugger):
            part(s)
        assert s.guest("g", "echo alive") == "alive"
        s.say("xl destroy g")
        s.memory_is_back(before)
        s.healthy()
