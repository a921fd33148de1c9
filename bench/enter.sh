#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# enter.sh DEVICE: the bench's disk (rig/image bench) at /mnt, ready for chroot. In dom0 and, by busybox, in a small guest.
set -e
modprobe ext4 2> /dev/null || true
mount -t ext4 -o ro "$1" /mnt
for dir in proc sys dev; do mount -o bind /$dir /mnt/$dir; done
mount -t tmpfs tmpfs /mnt/tmp
mount -o bind /run/bench /mnt/bench
