#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: so many guests ($1) that do nothing but to wake now and then (idle), or run all the time (busy: $2).
. /run/bench/hands.sh
say /usr/lib/hospes/toolstack
for n in $(seq "$1"); do
	words "$2$n" 16 'kernel="/run/bench/load"' 'ramdisk=""' "extra=\"$2\""
	say xl create -q "${cfg[@]}"
done
[ "$(xl list | grep -c "^$2")" = "$1" ] || { echo "not all are there"; exit 1; }
echo done
