#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 for bench/run: fio on a guest's disk, which is a file in dom0's memory by loop, and iperf3 between a guest and dom0 and
# between two guests. fio and iperf3 time themselves; what they say they moved must be what was asked for.
. /run/bench/hands.sh
begin
say sh /run/bench/enter.sh /dev/vdb
for n in 1 2; do
	extra="console=hvc0 quiet hospes.drive hospes.ip=10.1.0.$((n + 1))"
	disk='"phy:/dev/vdb,xvda,r"'
	[ $n = 2 ] || disk+=',"/tmp/disk,raw,xvdb,w"'
	words "io$n" 256 'vif=["bridge=xenbr0"]' "disk=[$disk]"
	say xl create -q "${cfg[@]}"
	say "$hand" ready "io$n"
	inside "io$n" 'sh /run/bench/enter.sh /dev/xvda'
done

# disk ROW WAY SIZE DEPTH MIB: microseconds an I/O. fio's terse line: 5 error; of reads 6 KiB and 9 milliseconds, of writes 47 and 50.
disk() {
	inside io1 "chroot /mnt fio --name=x --filename=/dev/xvdb --direct=1 --ioengine=libaio --rw=$2 --bs=$3k --iodepth=$4 --size=$5m \
		--randrepeat=1 --randseed=7 --minimal | cut -d';' -f5,6,9,47,50" > /tmp/fio
	awk -F';' -v row="$1" -v kib=$(($5 * 1024)) -v size="$3" '
		$1 == 0 && $2 + $4 == kib { printf "ROW %s: %.3f\n", row, ($3 + $5) * 1000 / (kib / size); good = 1 }
		END { exit !good }' /tmp/fio || { { echo "failed: fio $*"; cat /tmp/fio; } >&2; exit 1; }
}
disk warm write 128 32 128 > /dev/null
for depth in 1 32; do
	for way in read write; do
		disk "fio: 4 KiB rand$way, $depth at once" "rand$way" 4 $depth 64
		disk "fio: 128 KiB $way, $depth at once" "$way" 128 $depth 128
	done
done
# The data are right: written with sums, read again.
inside io1 'chroot /mnt fio --name=x --filename=/dev/xvdb --direct=1 --ioengine=libaio --rw=randwrite --bs=4k --iodepth=32 --size=32m \
	--verify=crc32c --do_verify=1 --verify_fatal=1 --verify_state_save=0 --minimal | cut -d";" -f5' > /tmp/fio
[ "$(cat /tmp/fio)" = 0 ] || { echo "failed: fio's own check"; cat /tmp/fio; exit 1; }

# net ROW STREAMS MIB CLIENT SERVER-ADDRESS [-R]: microseconds a MiB, as it is received; what is still on its way when all is sent does not
# count. CLIENT runs a command where iperf3 begins.
net() {
	$4 "iperf3 -c $5 -P $2 -n $3M -J $6 > /tmp/iperf.json; tr -d ' \t,' < /tmp/iperf.json | grep -A 4 -E 'sum_(sent|received)'" > /tmp/iperf
	awk -F: -v row="$1" -v mib="$3" '/sum_/ { sum = $1 } /^"seconds"/ { seconds[sum] = $2 } /^"bytes"/ { bytes[sum] = $2 }
		END { sent = bytes["\"sum_sent\""] / 1048576; got = bytes["\"sum_received\""] / 1048576; if (sent < mib || got < mib / 2) exit 1
			printf "ROW %s: %.3f\n", row, seconds["\"sum_received\""] * 1e6 / got }' /tmp/iperf ||
		{ { echo "failed: iperf3 $*"; cat /tmp/iperf; } >&2; exit 1; }
}
guest() { inside io1 "chroot /mnt sh -c \"$1\""; }
iperf3 -s -D > /dev/null
inside io2 'chroot /mnt iperf3 -s -D > /dev/null'
net warm 1 8 guest 10.1.0.1 > /dev/null
net warm 1 8 guest 10.1.0.3 > /dev/null
for streams in 1 4; do
	net "iperf3: a MiB to dom0, $streams at once" $streams 128 guest 10.1.0.1
	net "iperf3: a MiB from dom0, $streams at once" $streams 128 guest 10.1.0.1 -R
	net "iperf3: a MiB between guests, $streams at once" $streams 128 guest 10.1.0.3
done
echo done
