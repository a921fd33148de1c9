#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: the same jobs (job.sh) in guests of one, two and four vCPUs.
. /run/bench/hands.sh
begin
for n in 1 2 4; do
	words "smp$n" 640 "vcpus=$n" 'disk=["phy:/dev/vdb,xvda,r"]'
	say xl create -q "${cfg[@]}"
	say "$hand" ready "smp$n"
	inside "smp$n" "sh /run/bench/enter.sh /dev/xvda; JOBS=$n chroot /mnt bash /bench/job.sh measure '$n vCPUs' \
		build hackbench hackbench_threads perf_messaging 2>&1"
	say xl destroy "smp$n"
	gone "smp$n"
done
echo done
