# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own tools in dom0, started by Debian's own script: what they say of the machine and of dom0."""
import re

from kit import HV, boot, no_complaints, test

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
    assert m.run(f"{TOOLS}/xenperf")[1] != 0 and m.run(f"{TOOLS}/xen-hptool cpu-online 1")[1] != 0


@test(timeout=600)
def stock_tools():
    with boot(cpus=2, mem="2G", dom0_mem="1536M", hv_args="conring_size=64K") as m:
        m.ready()
        say(m, "/etc/init.d/xen start")
        assert "Domain-0" in say(m, "xenstore-read /local/domain/0/name")
        for part in (info, domains, log, scheduler, power):
            part(m)
        if HV != "xen":
            assert m.run("xl cpupool-create name=\\\"other\\\"")[1] != 0
        no_complaints(m)
