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

# The hypervisor that is fuzzed: the checking build, in a place of its own.
FUZZ_HV := $(BUILD)/fuzz-hv/hospes
.PHONY: fuzz fuzz-build fuzz-hv
fuzz-hv:
	@$(MAKE) --no-print-directory DEBUG=1 B=$(BUILD)/fuzz-hv all
fuzz-build: $(FUZZ_OUT)/fuzz fuzz-hv

## make fuzz       hostile guests against the checking build (tests/fuzz/run); HOURS=n: for so long
fuzz: fuzz-build
	tests/fuzz/run --both $(if $(HOURS),--hours $(HOURS),--seconds 600)

-include $(FUZZ_OBJS:.o=.d)
