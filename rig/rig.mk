# SPDX-License-Identifier: GPL-2.0-or-later
# Running and testing on emulated servers. Included by the Makefile at the top; `all` builds the hypervisor.

## make run        an emulated server with Debian and a guest, its console here (Ctrl-\ ends it); variables:
##                 CPUS=2 MEM=4G DOM0_MEM=1G GUEST=debian|small|none INIT=small|systemd HV=hospes|xen|none KERNEL=generic|cloud|elf CPU=MODEL
##                 DISK=virtio-blk|ahci|nvme NIC=virtio-net|e1000e|none MACHINE=q35|pc
##                 HVARGS='for the hypervisor' ARGS='for the kernel'
## make test       every test; TESTS='lint host guest guestsan guest10 fuzz system bochs' chooses groups (bochs only if asked), HV=xen runs on Xen what can;
##                 STRESS_SECONDS=60 DRIFT_SECONDS=60 LIVES=10 change lengths (12 for each class, 600, 40 guests);
##                 JOB=whole: the hypervisor is compiled inside as a whole, not only core/
## make mutants    checks taken out of our own code, one at a time: do the tests see it?
## make host-test guest-tests    the tests of core/ only; build the micro-guests (docs/hacking.md)
## make bench      the same work on Xen and on Hospes, and the ratios; PARTS='micro process entry boot smp guests guests_smp io jobs vcpus
##                 many memory size' chooses, RUNS=3 says how often, STORE=1 puts the figures into bench/results and renews docs/benchmarks.md
## make image      Debian's kernels and userland for the emulated server, below build/rig
## make install    the Debian packages that all of this needs

HV      ?= hospes
CPUS    ?= 1
MEM     ?= 2G
DOM0_MEM ?= $(if $(filter none,$(GUEST)),,1G)
GUEST   ?= $(if $(filter none,$(HV)),none,debian)
INIT    ?= small
KERNEL  ?= generic
DISK    ?= virtio-blk
NIC     ?= virtio-net
MACHINE ?= q35
CPU     ?= qemu64
HVARGS  ?=
ARGS    ?=
TESTS   ?= lint host guest guestsan guest10 fuzz system
PARTS   ?=
RUNS    ?= 3
STORE   ?=

rig_build = $(if $(filter hospes,$(HV)),+$(MAKE) --no-print-directory -j$(shell nproc) all,@true)
rig_image = rig/image $(if $(filter xen,$(HV)),all,root)

.PHONY: run test mutants image bench install
install:
	@rig/install build run test

image:
	@rig/install run
	@rig/image root

run:
	@rig/install build run
	$(rig_build)
	@$(rig_image)
	@rig/host --hv $(HV) --cpus $(CPUS) --mem $(MEM) --init $(INIT) --kernel $(KERNEL) --disk $(DISK) --nic $(NIC) \
		--machine $(MACHINE) --cpu $(CPU) --guest $(GUEST) $(if $(DOM0_MEM),--dom0-mem $(DOM0_MEM)) --hv-args '$(HVARGS)' --kernel-args '$(ARGS)'

test:
	@rig/install build run test $(filter bochs,$(TESTS))
	$(rig_build)
	@tests/run $(TESTS) --hv $(HV) --make-image

mutants:
	@rig/install build run test
	@tests/mutants

bench:
	@rig/install build run test
	+$(MAKE) --no-print-directory all bench-build
	@rig/image all
	$(if $(filter io jobs vcpus,$(or $(PARTS),jobs)),@rig/image bench)
	@bench/run --runs $(RUNS) $(if $(STORE),--store) $(PARTS)
	$(if $(STORE),@bench/report)
