# SPDX-License-Identifier: GPL-2.0-or-later
# What `make bench` runs inside the emulator. Included by the Makefile at the top; uses the kit of tests/guest/guest.mk.
BENCH_OUT    := $(BUILD)/bench
BENCH_GUESTS := $(addprefix $(BENCH_OUT)/,micro memory load)
BENCH_PROGS  := $(patsubst bench/progs/%.c,$(BENCH_OUT)/%,$(wildcard bench/progs/*.c))

.PHONY: bench-build
bench-build: $(BENCH_GUESTS) $(BENCH_PROGS) $(BENCH_OUT)/tally.so

$(BENCH_OUT)/guest/%.c.o: GUEST_CFLAGS += -include stdint.h
$(BENCH_OUT)/guest/%.S.o: GUEST_CFLAGS += -D__ASSEMBLY__
$(BENCH_OUT)/guest/%.o: bench/guest/% $(GUEST_SRC)/guest.mk bench/bench.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(BENCH_OUT)/micro: $(addprefix $(BENCH_OUT)/guest/,micro.c.o others.c.o entries.S.o)
$(BENCH_OUT)/memory: $(BENCH_OUT)/guest/memory.c.o
$(BENCH_OUT)/load: $(BENCH_OUT)/guest/load.c.o
$(BENCH_GUESTS): $(GUEST_LIB) $(GUEST_SRC)/lib/link.lds
	@$(GUEST_CC) $(GUEST_LDFLAGS) $(filter %.o,$^) -o $@
# These run on the host or in dom0's Debian: the host's compiler.  A process has an address that no other program has.
$(BENCH_PROGS): $(BENCH_OUT)/%: bench/progs/%.c bench/bench.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(HOSTCC) -std=gnu17 -O2 -Wall -Wextra -Werror -static -no-pie -pthread -Wl,-Ttext-segment=0x10000000 $< -o $@
$(BENCH_OUT)/tally.so: bench/plugin/tally.c rig/plugin.h bench/bench.mk
	@mkdir -p $(@D)
	@$(PLUGIN_BUILD)

-include $(wildcard $(BENCH_OUT)/guest/*.d)
