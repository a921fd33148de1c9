# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the bench's scripts in dom0 (guests.sh, jobs.sh, io.sh): hands for small guests of Debian's.
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

# The toolstack, a guest's initrd and its disk; what is used later was used before, so nothing waits for the server's disk.
begin() {
	say mount -o remount,size=900M /tmp
	say mount -t tmpfs tmpfs /var/log/xen
	say mkdir -p /var/log/xen/console
	say /usr/lib/hospes/toolstack
	cp "$kernels/cloud/initrd" /tmp/initrd
	truncate -s %4 /tmp/initrd
	cat /run/bench/guest.cpio >> /tmp/initrd
	truncate -s 128M /tmp/disk
}
