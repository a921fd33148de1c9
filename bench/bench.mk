# SPDX-License-Identifier: GPL-2.0-or-later
# What `make bench` runs inside the emulator. Included by the Makefile at the top; uses the kit of tests/guest/guest.mk.
BENCH_OUT   := $(BUILD)/bench
BENCH_PROGS := $(patsubst bench/progs/%.c,$(BENCH_OUT)/%,$(wildcard bench/progs/*.c))
BENCH_GUEST := $(patsubst bench/guest/%,$(BENCH_OUT)/guest/%.o,$(wildcard bench/guest/*.c bench/guest/*.S))

.PHONY: bench-build
bench-build: $(BENCH_OUT)/micro $(BENCH_PROGS)

$(BENCH_OUT)/guest/%.c.o: GUEST_CFLAGS += -include stdint.h
$(BENCH_OUT)/guest/%.S.o: GUEST_CFLAGS += -D__ASSEMBLY__
$(BENCH_OUT)/guest/%.o: bench/guest/% $(GUEST_SRC)/guest.mk bench/bench.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(BENCH_OUT)/micro: $(BENCH_GUEST) $(GUEST_LIB) $(GUEST_SRC)/lib/link.lds
	@$(GUEST_CC) $(GUEST_LDFLAGS) $(filter %.o,$^) -o $@
$(BENCH_OUT)/%: bench/progs/%.c bench/bench.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(GUEST_CC) -std=gnu17 -O2 -Wall -Wextra -Werror -static -pthread $< -o $@

-include $(BENCH_GUEST:.o=.d)
