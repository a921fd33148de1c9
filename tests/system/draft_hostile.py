# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that hang, flood or talk nonsense harm nobody: a guest beside them keeps its share of the processor, its disk, its network and
its clock, the toolstack goes on, and when they are destroyed all is back.  The attacker is tests/guest/domu_hostile.c.

A draft, not found by tests/run: hogs() has run on Hospes, floods() has not run as a whole, nothing on Xen. To run it, rename it to test_hostile.py.
"""
import os
import subprocess

from guests import Server, literal
from kit import TOP, test
from test_xl import used

WORK = ("while :; do dd if=/dev/zero of=/dev/xvda bs=64k count=16 conv=fsync 2>/dev/null && ping -c 1 -W 10 10.1.0.1 > /dev/null && "
        "n=$((n + 1)) && echo $n > /tmp/work; done > /dev/null 2>&1 &")


def kernel():
    subprocess.run(["make", "--no-print-directory", "-s", "guest-tests"], cwd=TOP, check=True)
    with open(os.path.join(TOP, "build", "guest", "domu_hostile"), "rb") as file:
        return file.read()


def attack(s, what, **settings):
    settings = {"name": what, "kernel": "/run/hostile", "memory": 24, "maxmem": 24, "extra": f"do={what}", **settings}
    text = "\n".join(f"{key}={literal(value)}" for key, value in settings.items())
    s.say(f"echo '{text}' > /tmp/{what}.cfg; xl create -q /tmp/{what}.cfg")


def told(s, name, node):
    return s.say(f"xenstore-read /local/domain/$(xl domid {name})/data/{node} 2>/dev/null || true")


def phase(s, name, *names, seconds=60):
    """Waits until the attacker says that it is in one of these phases."""
    pattern = "|".join(names)
    s.until(f"xenstore-read /local/domain/$(xl domid {name})/data/phase 2>/dev/null | grep -qxE '{pattern}'", f"{name}: {pattern}", seconds)


def works(s, times=3, seconds=60):
    """The bystander does its disk and network work so often more, and its clock is right."""
    done = int(s.guest("bystander", "cat /tmp/work"))
    s.guest("bystander", f"for i in $(seq {seconds * 5}); do [ $(cat /tmp/work) -ge {done + times} ] && exit 0; sleep 0.2; done; exit 1", seconds * 2)
    before, guest, after = (int(say("date +%s")) for say in (s.say, lambda command: s.guest("bystander", command), s.say))
    assert before - 2 <= guest <= after + 2, (before, guest, after)


def hogs(s):
    """Four vCPUs that never rest, and the bystander, for one processor: it gets its part."""
    attack(s, "spin", vcpus=2, cpus="1")
    attack(s, "calls", cpus="1")
    phase(s, "spin", "spinning")
    phase(s, "calls", "calls")
    works(s)
    s.guest("bystander", "(while :; do :; done) > /dev/null 2>&1 & echo $! > /tmp/spinner")
    s.say("sleep 1")
    length, times = used(s, ("bystander", "spin", "calls"))
    print(f"shares of {length:.1f} s: {times}")
    assert times["bystander"] > 0.8 * sum(times.values()) / 4 and sum(times.values()) > 0.3 * length, times
    s.guest("bystander", "kill $(cat /tmp/spinner)")
    assert int(told(s, "calls", "rounds")) > 0
    hang_is_handled(s)


def hang_is_handled(s):
    """A guest that hangs with its interrupts off: what can be done to it from outside."""
    assert s.rows("xl vcpu-list spin")
    s.say("xl pause spin")
    first = s.rows()["spin"][4]
    s.say("sleep 1")
    assert s.rows()["spin"][4] == first
    s.say("xl unpause spin; xl shutdown spin; xl sysrq spin h; xl trigger spin nmi 2>&1; sleep 1")
    assert "spin" in s.names()
    s.say("xl destroy calls; xl destroy spin")
    works(s)


def floods(s):
    """Rings that are full for ever, and then hold nonsense."""
    for what in ("console", "store"):
        attack(s, what)
    attack(s, "blk", disk=["/tmp/blk.img,raw,xvda,w"])
    attack(s, "net", vif=["bridge=xenbr0"])
    for what in ("console", "store", "blk", "net"):
        phase(s, what, "filling", "flooding", "attacking", "over")
    works(s)
    for what in ("console", "blk", "net"):
        phase(s, what, "over", seconds=240)
        rounds = int(told(s, what, "rounds"))
        print(f"{what}: {rounds}")
        assert rounds > 1000, (what, rounds)
    works(s)
    assert s.names() == {"bystander", "console", "store", "blk", "net"}
    size = int(s.say("stat -c %s /var/log/xen/console/guest-console.log"))
    print(f"console's log: {size} bytes")
    assert 1000 < size < 50e6, size
    s.say("for name in console store blk net; do xl destroy $name; done")
    works(s)


@test(timeout=900)
def hostile_guests():
    with Server(files={"run/hostile": kernel()}) as s:
        s.say("for name in by blk; do truncate -s 4M /tmp/$name.img; done")
        before = s.free_memory()
        s.create("bystander", memory=96, maxmem=96, cpus="1", disk=["/tmp/by.img,raw,xvda,w"])
        s.guest("bystander", f"n=0; echo 0 > /tmp/work; {WORK}")
        works(s)
        hogs(s)
        floods(s)
        s.say("xl destroy bystander")
        assert not s.names()
        s.memory_is_back(before)
        s.healthy()
