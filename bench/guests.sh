#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: what small guests of Debian's cost under xl. Prints what /run/bench/guests (see there) prints,
# and ends with "done"; whatever fails, or leaves a guest behind, ends it before that.
. /run/bench/hands.sh

begin
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

# Many
create_all() { for n in $(seq 50); do words "small$n" 16 'kernel="/run/bench/load"' 'ramdisk=""' 'extra="idle"'; xl create -q "${cfg[@]}" || return 1; done; }
destroy_all() { for n in $(seq 50); do xl destroy "small$n" || return 1; done; }
export -f create_all destroy_all words
export extra kernels
row mib 'xl create, one of 50 small guests' 50 bash -c create_all
row time 'xl list of 50' 3 xl list
row mib 'xl destroy, one of 50' 50 bash -c destroy_all
gone small50
echo done
