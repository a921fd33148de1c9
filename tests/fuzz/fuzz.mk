# SPDX-License-Identifier: GPL-2.0-or-later
# The hypercall fuzzer: build/fuzz/fuzz is a micro-guest made of tests/fuzz/*.c and the kit of tests/guest/lib.
FUZZ_SRC := tests/fuzz
FUZZ_OUT := $(BUILD)/fuzz
FUZZ_OBJS := $(patsubst $(FUZZ_SRC)/%.c,$(FUZZ_OUT)/%.o,$(wildcard $(FUZZ_SRC)/*.c))

$(FUZZ_OUT)/%.o: $(FUZZ_SRC)/%.c $(FUZZ_SRC)/fuzz.mk $(GUEST_SRC)/guest.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(GUEST_CC) $(GUEST_CFLAGS) -include stdint.h -D__XEN_TOOLS__ -I$(FUZZ_SRC) -MMD -MP -c $< -o $@

$(FUZZ_OUT)/fuzz: $(FUZZ_OBJS) $(GUEST_LIB) $(GUEST_SRC)/lib/link.lds
	@$(GUEST_CC) $(GUEST_LDFLAGS) -s $(filter %.o,$^) -o $@

# The hypervisors that are fuzzed, each in a place of its own: the checking build, and on QEMU 10 the sanitized one.
FUZZ_SAN := $(BUILD)/san/hospes
.PHONY: fuzz fuzz-build fuzz-hv fuzz-san
fuzz-hv:
	@$(MAKE) --no-print-directory DEBUG=1 B=$(BUILD)/fuzz-hv all
fuzz-san:
	@$(MAKE) --no-print-directory SAN=1 B=$(BUILD)/san all
fuzz-build: $(FUZZ_OUT)/fuzz fuzz-hv fuzz-san

# What the coverage is measured with, so that one score can be compared with another: the known ones are among them.
FUZZ_COVERED := 1 2 3 4 5 6 7 8 9 10

## make fuzz       hostile guests against the checking and the sanitized build (tests/fuzz/run), then the coverage; HOURS=n: for so long
fuzz: fuzz-build
	tests/fuzz/run --both --hv10 $(FUZZ_SAN) $(if $(HOURS),--hours $(HOURS),--seconds 600)
	tests/fuzz/run --coverage $(FUZZ_COVERED)

-include $(FUZZ_OBJS:.o=.d)
