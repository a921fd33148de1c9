# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that end at any moment leave nothing behind."""
import os
import random
import subprocess

from guests import Server
from kit import HV, TOP, seconds, test

LIVES = seconds("LIVES", 40)
SEED = seconds("SEED", 1)

# life NAME KERNEL VCPUS DISK NET HOW DELAY: one guest, ended in that way after so many seconds; whatever happens, it is gone in the
# end. The kernel is Debian's or (tiny) one of tests/guest, whose guest is built sooner.
LIFE = r"""#!/bin/bash
name=$1 kernel=$2 vcpus=$3 disk=$4 net=$5 how=$6 delay=$7 hand=/usr/lib/hospes/guest
exec > /tmp/$name.log 2>&1
settings=("name=\"$name\"" "vcpus=$vcpus" 'memory=80' 'maxmem=80' 'on_crash="destroy"')
if [ $kernel = tiny ]; then settings+=('kernel="/run/tiny"' 'ramdisk=""')
else settings+=('kernel="/usr/lib/hospes/guests/cloud/vmlinuz"' 'ramdisk="/usr/lib/hospes/guests/cloud/initrd"')
fi
[ $net = 1 ] || settings+=('vif=[]')
if [ $disk = 1 ]; then
	truncate -s 16M /tmp/$name.img
	settings+=("disk=[\"/tmp/$name.img,raw,xvda,w\"]")
fi
xl create -q /etc/xen/small.cfg "${settings[@]}" &
creating=$!
case $how in
build)	sleep $delay; kill -9 $creating ;;	# as the operator's xl would die with his shell
boot | hang) wait $creating; sleep $delay ;;
*)	wait $creating; $hand ready $name 100 ;;
esac
case $how in
work)	$hand run $name '(while :; do dd if=/dev/xvda of=/dev/null; dd if=/dev/urandom of=/dev/xvda; done; ping -f 10.1.0.1) > /dev/null 2>&1 &'
	sleep $delay ;;
save)	xl save $name /tmp/$name.save &
	sleep $delay ;;
crash)	timeout 5 $hand run $name 'echo c > /proc/sysrq-trigger' 3 ;;
stop)	xl shutdown -w $name ;;
hang)	xl pause $name; sleep $delay ;;
esac
while [ -e /proc/$creating ] || xl domid $name; do xl destroy $name; sleep 0.3; done
wait
# Debian's /etc/xen/scripts/block sets a loop device up before it notes that in the store. If its xl was killed and the device destroyed in
# between, nobody knows of the loop any more.
if [ $how = build ] && [ $disk = 1 ]; then
	while pgrep -f '/etc/xen/scripts/block add' > /dev/null; do sleep 0.3; done
	losetup -n -O NAME -j /tmp/$name.img | xargs -r -n 1 losetup -d
fi
rm -f /tmp/$name.*
"""


def state(s):
    """What a guest could leave behind: processes of the toolstack, its store, event channels, interrupts, block devices."""
    return s.say("xl list | wc -l; ls /sys/bus/xen-backend/devices | wc -l; losetup -a | wc -l; ls /sys/class/net | wc -l; "
                 "xenstore-ls -f /local/domain | grep -c '^/local/domain/[1-9]'; /usr/lib/xen-4.17/bin/lsevtchn 0 | wc -l; "
                 "grep -c xen- /proc/interrupts; pgrep -c '^xl$'; true").split()


def settled(s, wanted=None):
    """The state when it stays, or is what is wanted."""
    last, now = None, state(s)
    for _ in range(20):
        if now == wanted or (not wanted and now == last):
            break
        s.say("sleep 1")
        last, now = now, state(s)
    return now


def life(choose):
    """A life's arguments. Most are of the tiny kernel, which cannot do much, but is soon there."""
    kernel = choose.choice(("tiny",) * 7 + ("cloud",))
    ways = ("build", "boot", "hang") if kernel == "tiny" else ("build", "boot", "work", "save", "crash", "stop")
    how = choose.choice(ways)
    return f"{kernel} {choose.randint(1, 3)} {choose.randint(0, 3) // 3} {choose.randint(0, 3) // 3} {how} {choose.uniform(0, 3):.2f}"


def tiny_kernel():
    subprocess.run(["make", "--no-print-directory", "-s", "guest-tests"], cwd=TOP, check=True)
    return os.path.join(TOP, "build", "guest", "timer")


@test(timeout=15 * max(LIVES, 100))
def random_lives():
    """LIVES guests (40), two at a time, each ended at a random moment of being built, booting, working or saved."""
    choose = random.Random(SEED)
    with open(tiny_kernel(), "rb") as kernel:
        files = {"run/life": LIFE.encode(), "run/tiny": kernel.read()}
    with Server(files=files) as s:
        s.say("/run/life first cloud 1 1 1 stop 0", 300)          # what is made once, for the first guest
        before, memory = settled(s), s.free_memory()
        for number in range(0, LIVES, 2):
            lives = [f"/run/life g{number + n} {life(choose)}" for n in (0, 1)]
            print("; ".join(lives), flush=True)
            s.say(" & ".join(lives) + " & wait", 300)
            s.say("xl list | awk '$1 == \"(null)\" { print $2 }' | xargs -r -n 1 xl destroy")      # its xl died before it had a name
        after = settled(s, before)
        assert after == before, (before, after, s.say("losetup -a"))
        s.memory_is_back(memory)
        s.healthy()
        if HV != "xen":
            s.say("xl dmesg -c > /dev/null; xl debug-keys q; sleep 1")
            assert "d1:" not in s.say("xl dmesg | sed 's/^(HOS)/:/'")
