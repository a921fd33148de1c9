#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: what small guests of Debian's cost under xl. Prints what /run/bench/guests (see there) prints,
# and ends with "done"; whatever fails, or leaves a guest behind, ends it before that.
hand=/usr/lib/hospes/guest
bench=/run/bench/guests
kernels=/usr/lib/hospes/guests
# quiet: xenconsoled reads only so often in a second, and a kernel that has more to say waits, on any hypervisor.
extra='console=hvc0 quiet hospes.drive hospes.ip=10.1.0.2'
say() { "$@" > /tmp/out 2>&1 || { echo "failed: $*"; cat /tmp/out; exit 1; }; }
row() { "$bench" "$@" 2> /tmp/err || { echo "failed: $*"; cat /tmp/err; exit 1; }; }
# The words for xl create: the guest $1 with $2 MiB, Debian's cloud kernel and no device, but for what else is given.
words() { cfg=(/etc/xen/small.cfg "name=\"$1\"" "memory=$2" "maxmem=$2" "kernel=\"$kernels/cloud/vmlinuz\"" 'ramdisk="/tmp/initrd"' 'vif=[]' "extra=\"$extra\"" "${@:3}"); }
first_line() { row line "$2" "/var/log/xen/console/guest-$1.log" 'hospes-guest: up' xl create -q "${cfg[@]}"; }
gone() { for i in $(seq 100); do xl domid "$1" > /dev/null 2>&1 || return 0; sleep 0.1; done; echo "$1 is still there"; exit 1; }
inside() { "$hand" run "$1" "$2" 600 || { echo "failed in the guest: $2" >&2; exit 1; }; }
clock=${BENCH_CLOCK:+BENCH_CLOCK=$BENCH_CLOCK }

# Nothing below waits for the disk of the server: what is used was used before.
say mount -o remount,size=900M /tmp
say mount -t tmpfs tmpfs /var/log/xen
say mkdir -p /var/log/xen/console
say /usr/lib/hospes/toolstack
cp "$kernels/cloud/initrd" /tmp/initrd
truncate -s %4 /tmp/initrd
cat /run/bench/guest.cpio >> /tmp/initrd
truncate -s 128M /tmp/disk
devices=('vif=["bridge=xenbr0"]' 'disk=["/tmp/disk,raw,xvda,w"]')

words warm 128 "${devices[@]}"; say xl create -q "${cfg[@]}"
say "$hand" ready warm
say xl destroy warm
gone warm

# Making and ending
for n in 1 2; do
	words "plain$n" 128
	row time 'xl create, paused, no devices' 1 xl create -q -p "${cfg[@]}"
	row time 'xl destroy, 128 MiB' 1 xl destroy "plain$n"
	gone "plain$n"
done
for n in 1 2; do
	words "line$n" 128
	first_line "line$n" "xl create to the guest's first line"
	say xl destroy "line$n"
	gone "line$n"
done
extra=${extra/quiet /} words loud 128
first_line loud "the same, all of the kernel's messages"
say xl destroy loud
gone loud
words xz 128 "kernel=\"$kernels/generic/vmlinuz\"" "ramdisk=\"$kernels/generic/initrd\""
first_line xz 'the same, generic kernel (XZ)'
say xl destroy xz
gone xz

# At work
words io 128 "${devices[@]}"
first_line io 'the same, disk and network'
say "$hand" ready io
for n in 1 2 3; do
	row time 'xl pause' 1 xl pause io
	row time 'xl unpause' 1 xl unpause io
done
row time 'xl list' 5 xl list
inside io "${clock}guests disk /dev/xvda"
inside io 'guests serve > /dev/null 2>&1'
row net 10.1.0.2

# Saving: two devices, and memory that is used
inside io 'dd if=/dev/urandom of=/tmp/noise bs=1M count=48 2> /dev/null; md5sum < /tmp/noise' > /tmp/sum
for n in 1 2; do
	row mib 'xl save, a MiB of 128' 128 xl save io /tmp/save
	gone io
	row mib 'xl restore, a MiB of 128' 128 xl restore /tmp/save
	inside io 'md5sum < /tmp/noise' | cmp - /tmp/sum || { echo "restored: other memory"; exit 1; }
done
say xl destroy io
gone io
rm /tmp/save

# Much memory
for n in 1 2; do
	words "big$n" 1024
	first_line "big$n" 'xl create to the first line, 1 GiB'
	row time 'xl destroy, 1 GiB' 1 xl destroy "big$n"
	gone "big$n"
done
echo done
