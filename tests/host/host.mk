# SPDX-License-Identifier: GPL-2.0-or-later
#
# Host tests: the pure code of hypervisor/core/ under ASan and UBSan (or, for those with threads, TSan: make test does both).
#
#   make host-test                  everything; one line a test case, counts at the end
#   make host-test NAMES="elf acpi" only tests/host/{test,fuzz}_{elf,acpi}.c
#   make host-test KINDS=test       without the fuzzers
#   make host-test HOST_CC=gcc      the same built by gcc, without the fuzzers
#   make host-test HOST_SANITIZE=thread NAMES="*_threads"   those with threads, under the thread sanitizer
#   FUZZ_RUNS=N                     inputs tried by each fuzzer (fixed seed)
#   HOST_B=DIR                      build there (two runs must not share one)
#   CORE_SKIP="foo.c"               leave files of core/ out (while they don't build)
#
# Each test_NAME.c (cmocka) and fuzz_NAME.c (LLVMFuzzerTestOneInput) becomes a
# program, linked with an archive of hypervisor/core/*.c and port_host.c.  A fuzzer
# may carry options of libFuzzer's in a comment line "fuzz-options: -max_len=4096", and
# "fuzz-weight: 5" to run FUZZ_RUNS times 5 inputs (if fast) instead of FUZZ_RUNS.
# Starting inputs, if any, are in corpus/NAME/.

HOST_CC ?= clang
HOST_SANITIZE ?= address,undefined
HOST_B ?= build/host-$(notdir $(firstword $(HOST_CC)))$(if $(filter thread,$(HOST_SANITIZE)),-thread)
FUZZ_RUNS ?= 100000
NAMES ?= *
KINDS ?= test fuzz
CORE_SKIP ?=
HOST_JOBS ?= $(shell nproc)

host_names := $(foreach n,$(NAMES),$(KINDS:%=%_$(n)))
host_all := $(sort $(basename $(notdir $(foreach n,$(host_names),$(wildcard tests/host/$(n).c)))))
ifneq ($(findstring clang,$(HOST_CC))$(filter thread,$(HOST_SANITIZE)),clang)
host_all := $(filter test_%,$(host_all))
host_cov :=
else
host_cov := -fsanitize=fuzzer-no-link
endif
# A fuzzer's own comparisons (a naive model, an audit after each step) are no hint at what to try next, and cost most of its time.
host_cov_own := $(host_cov) -fno-sanitize-coverage=trace-cmp

host_core := $(filter-out $(addprefix hypervisor/core/,$(CORE_SKIP)),$(wildcard hypervisor/core/*.c))
host_raws := $(host_core:hypervisor/core/%.c=$(HOST_B)/core/%.raw)
host_libs := -lcmocka -llz4 -llzma -lzstd -lz

host_warn := -Wall -Wextra -Wno-unused-parameter -Wshadow -Wmissing-prototypes -Wswitch-enum -Werror
host_cflags := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Ihypervisor -Itests/host -Ibuild/gen $(host_warn) \
               -D__XEN_TOOLS__ -D__XEN_INTERFACE_VERSION__=0x00040e00 \
               -fsanitize=$(HOST_SANITIZE) -fno-sanitize-recover=all -MMD -MP
ifeq ($(HOST_SANITIZE),thread)
# It does not see what assembly does, nor what volatile is for.
host_cflags += -DSHAREDBITS_GENERIC -D_GNU_SOURCE= -include tests/host/once_atomic.h
endif

# string.c has the names of the C library's functions: here each is called core_NAME.
$(HOST_B)/core/string.raw: host_extra := -include tests/host/string_names.h -fno-builtin

# A generated header, made by the top Makefile.
$(HOST_B)/core/cpuid.raw: build/gen/cpuid_pv.h
build/gen/%.h:
	@$(MAKE) --no-print-directory -f Makefile $@

# A file of core/ that does not build is a failure of its own (count.sh sees the .bad),
# and empty for the others, so that theirs still run.  Its age makes it be tried again.
$(HOST_B)/core/%.raw: hypervisor/core/%.c tests/host/host.mk
	@mkdir -p $(@D); rm -f $@.bad; echo "  HOSTCC $<"
	@$(HOST_CC) $(host_cflags) -Wconversion -Wno-sign-conversion $(host_cov) $(host_extra) -c -o $@ $< || \
	    { : > $@.bad; $(HOST_CC) -x c -c -o $@ /dev/null; touch -t 197001020000 $@; }

$(HOST_B)/%.raw: tests/host/%.c tests/host/host.mk
	@mkdir -p $(@D); echo "  HOSTCC $<"
	@$(HOST_CC) $(host_cflags) $(if $(filter fuzz_%,$*),-Wno-missing-prototypes $(host_cov_own)) -c -o $@ $<

# Functions of core/ that a host library has too (sched_yield ...) would be called by
# that library or the sanitizers: the linker sees each as core_NAME.
$(HOST_B)/clashes: $(host_raws)
	@for lib in libc.so.6 libm.so.6 liblz4.so liblzma.so libzstd.so libz.so; do \
	    nm -D --defined-only $$($(HOST_CC) -print-file-name=$$lib); done | \
	    awk '{ sub(/@.*/, "", $$3); print $$3 }' | sort -u > $@.host
	@nm -g --defined-only $(host_raws) | awk 'NF == 3 { print $$3 }' | sort -u | \
	    comm -12 - $@.host | awk '{ print $$1, "core_" $$1 }' > $@

$(HOST_B)/%.o: $(HOST_B)/%.raw $(HOST_B)/clashes
	@objcopy --redefine-syms=$(HOST_B)/clashes $< $@

$(HOST_B)/libcore.a: $(host_raws:.raw=.o) $(HOST_B)/port_host.o
	@rm -f $@
	@ar rcs $@ $^

$(HOST_B)/test_%: $(HOST_B)/test_%.o $(HOST_B)/libcore.a
	@$(HOST_CC) -fsanitize=$(HOST_SANITIZE) -o $@ $^ $(host_libs)

# The decoder is compared with an independent one.
$(HOST_B)/test_insn $(HOST_B)/fuzz_insn: host_libs += -lZydis

$(HOST_B)/fuzz_%: $(HOST_B)/fuzz_%.o $(HOST_B)/libcore.a
	@$(HOST_CC) -fsanitize=address,undefined,fuzzer -o $@ $^ $(host_libs)

$(HOST_B)/%.result: $(HOST_B)/% FORCE
	@FUZZ_RUNS=$(FUZZ_RUNS) sh tests/host/run.sh $< > $@ 2>&1; cat $@

.PHONY: host-test host-results FORCE
.SECONDARY:
FORCE:

host-results: $(host_all:%=$(HOST_B)/%.result)

# A program that does not build fails its tests, it does not hide the others'.
host-test:
	@mkdir -p $(HOST_B); rm -f $(HOST_B)/*.result
	@$(MAKE) --no-print-directory -k -j$(HOST_JOBS) -f tests/host/host.mk host-results HOST_CC="$(HOST_CC)" \
	    HOST_B="$(HOST_B)" FUZZ_RUNS="$(FUZZ_RUNS)" NAMES="$(NAMES)" HOST_SANITIZE="$(HOST_SANITIZE)" CORE_SKIP="$(CORE_SKIP)" || true
	@sh tests/host/count.sh $(HOST_B) $(host_all)

-include $(wildcard $(HOST_B)/*.d $(HOST_B)/core/*.d)
