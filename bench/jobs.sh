#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: whole jobs (job.sh) there and, if there is a toolstack ($1 is not "none"), in a guest.
. /run/bench/hands.sh
say sh /run/bench/enter.sh /dev/vdb
job() { chroot /mnt bash /bench/job.sh "$@" 2> /tmp/err || { echo "failed: job.sh $*"; tail -n 20 /tmp/err; exit 1; }; }
job all 'in dom0'
if [ "$1" != none ]; then
	begin
	words jobs 640 'vif=["bridge=xenbr0"]' 'disk=["phy:/dev/vdb,xvda,r"]'
	say xl create -q "${cfg[@]}"
	say "$hand" ready jobs
	inside jobs "sh /run/bench/enter.sh /dev/xvda; chroot /mnt bash /bench/job.sh all 'in a guest' 2>&1"
	job fetch 10.1.0.2 'web server in a guest, client in dom0, a request'
fi
echo done
