#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whole jobs, inside the bench's disk (rig/image bench) as bench/enter.sh mounts it:
#   job.sh measure PLACE JOB...     prints "ROW JOB, PLACE: MICROSECONDS" and "OUTPUT JOB SUM" for each; what fails ends it
#   job.sh all PLACE        the same of all jobs, and of a web server
#   job.sh JOB              one of them, made by job_JOB below
#   job.sh fetch ADDRESS ROW    what a web server there costs: microseconds a request
# Each runs once before it is measured, so that nothing waits for a disk. JOBS=n lets the build use n processors.
set -e -o pipefail
bench=/bench/guests
objects="cpuid elf grant insn"
cd /tmp

prepare() {
	mkdir -p source www
	tar -C source -xmf /bench/source.tar
	{ tar -C /usr/lib/gcc --sort=name --mtime=@0 -c x86_64-linux-gnu 2> /dev/null || true; } | head -c 4M > data
	seq 40000 | awk 'BEGIN { print "create table t (n integer primary key, k text, v integer);begin;" }
		{ printf "insert into t values (%d, \047key-%d\047, %d);\n", $1, $1 * 7919 % 40000, $1 * $1 % 1009 }
		END { print "create index i on t (k);commit;"
			for (n = 0; n < 2000; n++) printf "select v from t where k = \047key-%d\047;\n", n * 31 % 40000
			print "select v, count(*), sum(n) from t group by v order by v; delete from t where v % 3 = 0; select count(*) from t;" }' > queries
	head -c 16384 data > www/page
	cat > nginx.conf <<-'C'
	worker_processes 1; pid /tmp/nginx.pid; error_log /tmp/nginx.err;
	events { worker_connections 64; }
	http { access_log off; client_body_temp_path /tmp/n1; proxy_temp_path /tmp/n2; fastcgi_temp_path /tmp/n3; uwsgi_temp_path /tmp/n4;
	scgi_temp_path /tmp/n5; keepalive_requests 1000000; server { listen 8080; root /tmp/www; } }
	C
	nginx -c /tmp/nginx.conf
}

job_build() {
	cd source
	rm -rf build/obj/hypervisor/core
	# shellcheck disable=SC2046,SC2086
	make -s -j"${JOBS-1}" LTO= $(printf 'build/obj/hypervisor/core/%s.o ' $objects)
	cat build/obj/hypervisor/core/*.o
}
job_compress() { sha256sum < data; xz -1 < data > data.xz; xz -dc data.xz | cmp - data; sha256sum < data.xz; }
job_database() { rm -f db; sqlite3 -batch db < queries; }
# What these print are times: that they end well is their output.
job_hackbench() { hackbench -g 1 -l 200 > /dev/null; }
job_hackbench_threads() { hackbench -T -p -g 1 -l 200 > /dev/null; }
job_perf_pipe() { perf bench -f simple sched pipe -l 20000 > /dev/null; }
job_perf_messaging() { perf bench -f simple sched messaging -g 1 -l 200 > /dev/null; }
jobs="build compress database hackbench hackbench_threads perf_pipe perf_messaging"

# wrk counts what it gets in a second; answers that are not the page, or none at all, are its errors.
fetch() {
	wrk -t 1 -c 4 -d "${3-1s}" "http://$1:8080/page" > wrk.out
	if grep -E 'Socket errors|Non-2xx' wrk.out; then exit 1; fi
	awk -v row="$2" '/requests in/ { n = $1; t = $4; f = t ~ /ms,$/ ? 1e3 : 1e6; printf "ROW %s: %.3f\n", row, t * f / n }' wrk.out | grep ROW
}

measure() {
	prepare
	for job in "${@:2}"; do
		bash "$0" "$job" > output
		"$bench" time "${job//_/ }, $1" 1 bash -c "bash $0 $job > again"
		cmp output again
		echo "OUTPUT $job $(sha256sum < output | cut -c1-16)"
	done
}

# futex PLACE: what it takes to wake 64 threads, or to move them to another futex; the waits before that are not in it.
futex() {
	for verb in wake requeue; do
		perf bench -r 20 futex $verb -s -t 64 > futex.out
		awk -v row="perf futex $verb, 64 threads, $1" '/ of 64 threads in / { printf "ROW %s: %.3f\n", row, $(NF - 2) * 1000; good = 1 }
			END { exit !good }' futex.out
	done
}

case $1 in
measure) measure "${@:2}" ;;
all)
	# shellcheck disable=SC2086
	measure "$2" $jobs
	futex "$2"
	fetch 127.0.0.1 warm > /dev/null
	fetch 127.0.0.1 "web server and client, a request, $2" 2s
	;;
fetch) fetch "$2" warm > /dev/null; fetch "$2" "$3" 2s ;;
*) "job_$1" ;;
esac
