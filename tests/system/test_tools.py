# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own tools in dom0, started by Debian's own script: what they say of the machine and of dom0."""
import os
import re

from kit import HV, RIG, boot, no_complaints, test

TOOLS = "/usr/lib/xen-4.17/bin"


def fields(text):
    """name: value lines as a dictionary."""
    return dict(re.findall(r"^(\w+) *: *(.*)$", text, re.M))


def hypervisor_log(m, command):
    """xl dmesg, with our prefix hidden: on the console such lines are the hypervisor's."""
    return m.run(f"{command} | sed 's/^(...)/:/'", check=True)[0]


def say(m, command):
    return m.run(command, timeout=120, check=True)[0]


def info(m):
    f = fields(say(m, "xl info"))
    assert (f["nr_cpus"], f["max_cpu_id"], f["nr_nodes"], f["threads_per_core"], f["cores_per_socket"]) == ("2", "1", "1", "1", "2"), f
    assert f["xen_version"].startswith("4.17.") and f["xen_scheduler"] == "credit2", f
    assert " pv " in f" {f['virt_caps']} " and "gnttab-v2" in f["virt_caps"], f
    assert 2000 < int(f["total_memory"]) <= 2048 and 0 < int(f["free_memory"]) < 2048 - 1536, f
    assert 100 < float(f["cpu_mhz"]) < 100000, f
    topology = say(m, "xl info -n")
    assert re.search(r"^ *0: +0 +0 +0$", topology, re.M) and re.search(r"^ *1: +1 +0 +0$", topology, re.M), topology
    assert re.search(r"^ *0: +20\d\d +\d+ +10$", topology, re.M), topology


def domains(m):
    name, number, mem, cpus, state, used = say(m, "xl list").splitlines()[1].split()
    assert (name, number, mem, cpus, state[0]) == ("Domain-0", "0", "1536", "2", "r") and float(used) > 0
    assert say(m, "xl list -c").splitlines()[1].split()[-1].startswith("Pool")
    assert '"domid": 0' in say(m, "xl list -l") and "Domain-0" in say(m, "xl list -v")
    assert len(say(m, "xl vcpu-list").splitlines()) == 3
    assert say(m, "xl claims").splitlines()[1].split()[-1] == "0"
    assert re.search(r"^ *Domain-0 +-+r +\d+ .* 1572864 ", say(m, "xentop -b -i 1"), re.M)


def log(m):
    text = hypervisor_log(m, "xl dmesg")
    assert "loglvl=all" in text, text
    say(m, "xl debug-keys h")
    text = hypervisor_log(m, "sleep 1; xl dmesg -c")
    assert re.search(r"'h'|key 'h'", text), text
    assert say(m, "xl dmesg | wc -c") == "0"


def scheduler(m):
    pool = say(m, "xl cpupool-list").splitlines()[1].split()
    assert pool[1:] == ["2", "credit2", "y", "1"], pool
    assert say(m, "xl cpupool-list -c").splitlines()[1].split()[1] in ("0,1", "0-1")
    say(m, "xl sched-credit2 -s -r 2000")
    assert "ratelimit=2000us" in say(m, "xl sched-credit2 -s")
    say(m, "xl sched-credit2 -d 0 -w 512")
    assert say(m, "xl sched-credit2 -d 0").splitlines()[-1].split()[2] == "512"
    assert m.run("xl sched-credit2 -s -r 99")[1] != 0


def power(m):
    rows = [line.split() for line in say(m, "xenpm get-cpu-topology").splitlines()[1:]]
    assert rows == [["CPU0", "0", "0", "0"], ["CPU1", "1", "0", "0"]], rows
    assert say(m, "xenpm get-cpuidle-states").count("residency") >= 4
    features = say(m, f"{TOOLS}/xen-cpuid -d")
    assert "nr_features: 19" in features and re.search(r"^PV Max +[0-9a-f]{8}:[0-9a-f:]+$", features, re.M), features
    assert m.run(f"{TOOLS}/xen-hptool cpu-online 1")[1] != 0


def tracing(m):
    """xentrace takes records of all that dom0 does, and xenalyze makes sense of them."""
    say(m, f"(sleep 1; for i in 1 2 3; do xl info; ls -lR /usr/lib; done >/dev/null) & {TOOLS}/xentrace -D -e all -T 2 /tmp/t")
    summary = say(m, "xenalyze --summary /tmp/t 2>/tmp/errors")
    for name in ("mmu_update", "iret", "sched_op"):
        assert int(re.search(rf"^ +{name} +\[ *\d+\]: +(\d+)", summary, re.M).group(1)) > 0, summary
    assert re.search(r"^ +page_fault +[1-9]", summary, re.M) and "|-- Domain 0 --|" in summary, summary
    events = say(m, "xenalyze -a /tmp/t 2>>/tmp/errors | grep -cE 'runstate_change|hypercall|page_fault|ptwr'")
    assert int(events) > 100, events
    assert m.run("grep -E 'ERROR|FATAL|Strange' /tmp/errors")[1] != 0, say(m, "cat /tmp/errors")


def counters(m):
    if HV == "xen":
        assert m.run(f"{TOOLS}/xenperf")[1] != 0
        return
    text = say(m, f"{TOOLS}/xenperf -p")
    assert int(re.search(r"^mmu_update +T= *(\d+)", text, re.M).group(1)) > 1000 and "event_channel_op" in text, text
    assert re.search(r"^exceptions +T= *[1-9]", text, re.M), text
    say(m, f"{TOOLS}/xenperf -r")


def looks(m):
    """Tools that look inside, and Xen's own small tests of its interfaces, as far as a machine without HVM guests goes."""
    assert re.search(r"^ +\d+: VCPU 0: Virtual IRQ 0$", say(m, f"{TOOLS}/lsevtchn 0"), re.M)
    assert re.search(r"^domid=0: nr_frames=\d+, max_nr_frames=\d+$", say(m, "xen-diag gnttab_query_size 0"), re.M)
    assert m.run("xencov read > /dev/null")[1] != 0
    for name in ("test-resource", "test-paging-mempool", "test-cpu-policy"):
        text = say(m, f"{TOOLS}/{name}")
        assert "Fail" not in text, text


@test(timeout=600)
def stock_tools():
    with boot(cpus=2, mem="2G", dom0_mem="1536M", hv_args="conring_size=64K") as m:
        m.ready()
        say(m, "/etc/init.d/xen start")
        assert "Domain-0" in say(m, "xenstore-read /local/domain/0/name")
        for part in (info, domains, log, scheduler, power, looks, tracing, counters):
            part(m)
        no_complaints(m)


def pool_rows(m):
    return {row.split()[0]: row.split()[1:] for row in say(m, "xl cpupool-list -c").splitlines()[1:]}


def pools_made(m):
    assert pool_rows(m) == {"Pool-0": ["0,1,2"]}, pool_rows(m)
    assert m.run("xl cpupool-create 'name=\"other\"' 'cpus=[\"2\"]'")[1] != 0  # it is not free
    say(m, "xl cpupool-cpu-remove Pool-0 2")
    say(m, "xl cpupool-create 'name=\"other\"' 'cpus=[\"2\"]'")
    assert pool_rows(m) == {"Pool-0": ["0,1"], "other": ["2"]}, pool_rows(m)
    say(m, "xl cpupool-rename other spare")
    assert say(m, "xl cpupool-list spare").splitlines()[1].split()[1:] == ["1", "credit2", "y", "0"]
    assert m.run("xl cpupool-migrate Domain-0 spare")[1] != 0  # dom0 stays
    assert m.run("xl cpupool-destroy Pool-0")[1] != 0
    assert m.run("xl cpupool-create 'name=\"third\"' 'sched=\"rtds\"' nodes=[] 'cpus=[\"2\"]'")[1] != 0


def pools_used(m):
    """A guest, not running, is moved to the pool and back; its pool's last CPU stays."""
    say(m, "printf 'name=\"g\"\\nkernel=\"/run/guest\"\\nmemory=128\\nvcpus=2\\n' >/tmp/g.cfg")
    say(m, "xl create -p /tmp/g.cfg")
    say(m, "xl cpupool-migrate g spare")
    assert say(m, "xl list -c g").splitlines()[1].split()[-1] == "spare"
    for command in "xl cpupool-cpu-remove spare 2", "xl cpupool-destroy spare":
        m.run(command)  # its status doesn't tell
    assert pool_rows(m) == {"Pool-0": ["0,1"], "spare": ["2"]}, pool_rows(m)
    assert m.run("xl vcpu-pin g 0 0")[1] != 0 and m.run("xl vcpu-pin g 0 2")[1] == 0
    say(m, "xl cpupool-migrate g Pool-0")
    say(m, "xl cpupool-migrate g spare")
    say(m, "xl destroy g")


def pools_ended(m):
    say(m, "xl cpupool-cpu-remove spare 2")
    say(m, "xl cpupool-cpu-add Pool-0 2")
    say(m, "xl cpupool-destroy spare")
    assert pool_rows(m) == {"Pool-0": ["0,1,2"]}, pool_rows(m)
    say(m, "xl cpupool-numa-split")
    assert pool_rows(m) == {"Pool-node0": ["0,1,2"]}, pool_rows(m)


def plugging(m):
    assert m.run(f"{TOOLS}/xen-hptool cpu-offline 0")[1] != 0 and m.run(f"{TOOLS}/xen-hptool cpu-offline 9")[1] != 0
    for cpu in (2, 1):
        say(m, f"{TOOLS}/xen-hptool cpu-offline {cpu}")
        assert m.run(f"{TOOLS}/xen-hptool cpu-offline {cpu}")[1] != 0
        assert fields(say(m, "xl info"))["nr_cpus"] == str(cpu), cpu
        say(m, "for i in 1 2 3 4; do (for k in 1 2 3 4 5 6 7 8 9; do :; done) & done; wait; sleep 0.1")
    assert say(m, "xl cpupool-list -c").splitlines()[1].split()[1] == "0"
    for cpu in (1, 2):
        say(m, f"{TOOLS}/xen-hptool cpu-online {cpu}")
    assert fields(say(m, "xl info"))["nr_cpus"] == "3"
    assert len(say(m, "xl vcpu-list").splitlines()) == 4
    assert m.run(f"{TOOLS}/xen-hptool smt-disable")[1] != 0


@test(timeout=600)
def stock_pools():
    with open(os.path.join(RIG, "cloud", "vmlinuz"), "rb") as kernel:
        files = {"/run/guest": kernel.read()}
    with boot(cpus=3, mem="2G", dom0_mem="1536M", files=files) as m:
        m.ready()
        say(m, "/etc/init.d/xen start")
        for part in (pools_made, pools_used, pools_ended, plugging):
            part(m)
        no_complaints(m)
