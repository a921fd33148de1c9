#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: what a small guest of Debian's costs under xl.  Prints ROW NAME: MILLISECONDS.
hand=/usr/lib/hospes/guest
now() { date +%s%N; }
row() { awk "BEGIN { printf \"ROW %s: %.3f\\n\", \"$1\", ($3 - $2) / 1e6 / ${4:-1} }"; }
must() { "$@" > /tmp/out 2>&1 || { echo "failed: $*"; cat /tmp/out; exit 1; }; }

/usr/lib/hospes/toolstack
mount -o remount,size=600M /tmp
dd if=/dev/zero of=/tmp/disk bs=1M count=128 2> /dev/null

start=$(now)
must xl create -q /etc/xen/small.cfg 'disk=["/tmp/disk,raw,xvda,w"]'
row "xl create" $start $(now)
until grep -q 'hospes-guest: up' /var/log/xen/console/guest-small.log; do sleep 0.02; done
row "xl create to the guest's first line" $start $(now)
must $hand ready small

start=$(now)
for i in 1 2 3 4 5 6 7 8 9 10; do must xl list; done
row "xl list" $start $(now) 10

# In the guest; its clock is the machine's.
inside() {
	must $hand run small "$2"
	row "$1" $(sed -n 's/^TIMES //p' /tmp/out) $3
}
disk() { echo "s=\$(date +%s%N); dd if=$1 of=$2 bs=$3 count=$4 $5=direct 2> /dev/null; echo TIMES \$s \$(date +%s%N)"; }
inside "disk: read 128 MiB by 1 MiB" "$(disk /dev/xvda /dev/null 1M 128 iflag)"
inside "disk: write 128 MiB by 1 MiB" "$(disk /dev/zero /dev/xvda 1M 128 oflag)"
inside "disk: read 4 KiB" "$(disk /dev/xvda /dev/null 4k 2000 iflag)" 2000
inside "disk: write 4 KiB" "$(disk /dev/zero /dev/xvda 4k 2000 oflag)" 2000

must $hand run small 'nc -l -p 5001 > /dev/null 2>&1 & sleep 0.5'
start=$(now)
dd if=/dev/zero bs=64k count=1600 2> /dev/null | must busybox nc 10.1.0.2 5001
row "network: 100 MiB to the guest" $start $(now)
(busybox nc -l -p 5002 > /dev/null; now > /tmp/end) &
sleep 0.5; start=$(now)
must $hand run small 'dd if=/dev/zero bs=64k count=1600 2> /dev/null | nc 10.1.0.1 5002'
wait
row "network: 100 MiB from the guest" $start $(cat /tmp/end)
ping -q -c 300 -i 0.01 10.1.0.2 | sed -n 's|^rtt .* = [^/]*/\([^/]*\)/.*|ROW network: ping: \1|p'

must xl shutdown -w small
while xl domid small > /dev/null 2>&1; do sleep 0.1; done
rm /tmp/disk
must xl create -q /etc/xen/small.cfg
must $hand ready small
start=$(now); must xl save small /tmp/save; row "xl save, 128 MiB" $start $(now)
start=$(now); must xl restore /tmp/save; row "xl restore, 128 MiB" $start $(now)
must $hand ready small
start=$(now); must xl pause small; row "xl pause" $start $(now)
start=$(now); must xl destroy small; row "xl destroy, 128 MiB" $start $(now)

must xl create -q /etc/xen/small.cfg 'vif=[]' memory=1024 maxmem=1024
start=$(now); must xl destroy small; row "xl destroy, 1 GiB" $start $(now)
