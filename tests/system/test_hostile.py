# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that hang, flood or talk nonsense harm nobody: a guest beside them keeps its share of the processor, its disk, its network and
its clock, the toolstack goes on, and when they are destroyed all is back.  The attacker is tests/guest/domu_hostile.c.
"""
import os
import subprocess

from guests import Server, literal
from kit import TOP, test
from test_xl import used

# The bystander writes to its disk again and again, and tells whoever asks over the network how often it has, and its uptime.
WORK = r"""mkdir -p /tmp/www/cgi-bin; cd /tmp/www; printf '#!/bin/sh\necho; cat /tmp/work /proc/uptime' > cgi-bin/work; chmod +x cgi-bin/work; httpd
n=0; echo 0 > /tmp/work
(while dd if=/dev/zero of=/dev/xvda bs=64k count=16 conv=fsync; do n=$((n + 1)); echo $n > /tmp/new; mv /tmp/new /tmp/work; sleep 0.1; done) \
> /dev/null 2>&1 &"""
# Until it has done so TIMES more; prints the last answer between dom0's uptimes before and after.
ASK = r"""ask() { read -r before _ < /proc/uptime; set -- $(timeout 20 busybox wget -q -O - http://10.1.0.2/cgi-bin/work); done=$1 inside=$2; }
ask; goal=$((TIMES + done))
while [ $done -lt $goal ]; do [ $SECONDS -lt LIMIT ] || { echo "only $done of $goal"; exit 1; }; sleep 0.2; ask; done
echo $done $before $inside $(cat /proc/uptime)"""
TOLD = "xenstore-read /local/domain/$(xl domid {})/data/{} 2>/dev/null || true"
TICKS = 0.1     # how far clocks of centiseconds may be apart, in seconds


def kernel():
    subprocess.run(["make", "--no-print-directory", "-s", "guest-tests"], cwd=TOP, check=True)
    with open(os.path.join(TOP, "build", "guest", "domu_hostile"), "rb") as file:
        return file.read()


def attack(what, **settings):
    """The command that starts an attacker."""
    settings = {"name": what, "kernel": "/run/hostile", "memory": 24, "maxmem": 24, "extra": f"do={what}", **settings}
    text = "\n".join(f"{key}={literal(value)}" for key, value in settings.items())
    return f"echo '{text}' > /tmp/{what}.cfg; xl create -q /tmp/{what}.cfg\n"


class Bystander:
    def __init__(self, s):
        self.s, self.least, self.most = s, -1e9, 1e9
        s.create("bystander", memory=96, maxmem=96, cpus="1", disk=["/tmp/by.img,raw,xvda,w"])
        s.guest("bystander", WORK)
        self.works()

    def works(self, times=3, limit=60):
        """It does its disk and network work so often more, and its clock goes as dom0's: both differ by the same as ever."""
        words = self.s.say(ASK.replace("TIMES", str(times)).replace("LIMIT", str(limit)), 3 * limit).split()
        before, inside, after = map(float, words[1:4])
        self.least, self.most = max(self.least, inside - after), min(self.most, inside - before)
        print(f"work done {words[0]} times; its uptime is dom0's and {inside - after:.2f} to {inside - before:.2f} s")
        assert self.least <= self.most + TICKS, f"its clock has changed against dom0's: {self.least}, {self.most}, {words}"


def hogs(s, bystander):
    """Three vCPUs that never rest, and the bystander, for one processor: it gets its part."""
    s.say(attack("spin", vcpus=2, cpus="1") + attack("calls", cpus="1"))
    s.until(f"[ \"$({TOLD.format('spin', 'phase')})$({TOLD.format('calls', 'phase')})\" = spinningcalls ]", "they are at it")
    bystander.works()
    s.guest("bystander", "(while :; do :; done) > /dev/null 2>&1 & echo $! > /tmp/spinner")
    length, times = used(s, ("bystander", "spin", "calls"), 6)
    print(f"shares of {length:.1f} s: {times}")
    assert times["bystander"] > 0.8 * sum(times.values()) / 4 and sum(times.values()) > 0.3 * length, times
    assert int(s.say(TOLD.format("calls", "rounds"))) > 0
    s.say("xl destroy calls")
    s.guest("bystander", "kill $(cat /tmp/spinner)")
    hang_is_handled(s)
    bystander.works()


def hang_is_handled(s):
    """A guest that hangs with its interrupts off: what can be done to it from outside."""
    used_up = "xl list spin | awk 'NR > 1 { print $NF }'"
    first, second = s.say(f"xl pause spin; {used_up}; sleep 1; {used_up}; xl unpause spin").split()
    assert first == second
    s.say("xl vcpu-list spin; ((xl shutdown spin; echo over) > /tmp/shutdown 2>&1 &); xl sysrq spin h; xl trigger spin nmi")
    s.until(f"[ \"$({TOLD.format('spin', 'nmis')})\" = 1 ]", "it has seen the NMI")
    s.until("grep -q 'Shutting down' /tmp/shutdown", "xl shutdown waits")
    s.say("xl destroy spin")
    s.until("grep -q over /tmp/shutdown", "xl shutdown waits no more")


def floods(s, bystander):
    """Rings that are full for ever, and then hold nonsense."""
    names = ("console", "blk", "net", "store")
    s.say(attack("console") + attack("blk", disk=["/tmp/blk.img,raw,xvda,w"]) + attack("net", vif=["bridge=xenbr0"]) + attack("store"), 300)
    bystander.works()
    for what in names[:-1]:
        s.until(f"[ \"$({TOLD.format(what, 'phase')})\" = over ]", f"{what}: over", 240)
    rounds = dict(zip(names, map(int, s.say("; ".join(TOLD.format(name, "rounds") for name in names[:-1])).split())))
    print(f"rounds: {rounds}")
    assert min(rounds.values()) > 1000, rounds
    bystander.works()
    assert s.names() == {"bystander", *names}
    size = int(s.say("stat -c %s /var/log/xen/console/guest-console.log"))
    print(f"console's log: {size} bytes")
    assert 1000 < size < 50e6, size
    s.say("; ".join(f"xl destroy {name}" for name in names))
    bystander.works()


@test(timeout=600)
def hostile_guests():
    with Server(files={"run/hostile": kernel()}) as s:
        s.say("for name in by blk; do truncate -s 4M /tmp/$name.img; done")
        before = s.free_memory()
        bystander = Bystander(s)
        hogs(s, bystander)
        floods(s, bystander)
        s.say("xl destroy bystander")
        assert not s.names()
        s.memory_is_back(before)
        s.healthy()
