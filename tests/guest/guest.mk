# SPDX-License-Identifier: GPL-2.0-or-later
# Builds each tests/guest/test_NAME.c to build/guest/NAME, a plain PV ELF, and domu_NAME.c, a kernel for the system tests' guests,
# to build/guest/domu_NAME.  Include it, or `make -f tests/guest/guest.mk`.
# GUEST_CC chooses the compiler (gcc or clang), BUILD the output folder.
BUILD ?= build
GUEST_CC ?= $(CC)
GUEST_SRC := tests/guest
GUEST_OUT := $(BUILD)/guest
GUEST_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Wshadow -Wmissing-prototypes -Wswitch-enum -Werror \
    -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-builtin -fcf-protection=none -fno-strict-aliasing \
    -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ -I$(GUEST_SRC)/lib
GUEST_LDFLAGS := -nostdlib -static -Wl,-T,$(GUEST_SRC)/lib/link.lds -Wl,--build-id=none \
    -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments
GUEST_LIB := $(patsubst $(GUEST_SRC)/lib/%,$(GUEST_OUT)/lib/%.o,$(wildcard $(GUEST_SRC)/lib/*.c $(GUEST_SRC)/lib/*.S))
GUEST_NAMES := $(patsubst $(GUEST_SRC)/test_%.c,%,$(wildcard $(GUEST_SRC)/test_*.c))
GUEST_TESTS := $(addprefix $(GUEST_OUT)/,$(GUEST_NAMES))
GUEST_DOMUS := $(patsubst $(GUEST_SRC)/%.c,$(GUEST_OUT)/%,$(wildcard $(GUEST_SRC)/domu_*.c))

.PHONY: guest-tests
guest-tests: $(GUEST_TESTS) $(GUEST_DOMUS) $(GUEST_OUT)/stretch.so

## make bounds     the longest ways of hypercalls without a break, measured, and put into docs/security.md
bounds: all guest-tests
	-tests/guest/run bounds
	python3 tests/guest/bounds.py
.PHONY: bounds

# A plugin of the emulator: the host's compiler.
HOSTCC ?= cc
PLUGIN_BUILD = echo "  CC $<"; $(HOSTCC) -std=gnu17 -O2 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -Irig $< -o $@
$(GUEST_OUT)/stretch.so: $(GUEST_SRC)/plugin/stretch.c rig/plugin.h $(GUEST_SRC)/guest.mk
	@mkdir -p $(@D)
	@$(PLUGIN_BUILD)

# The public headers use stdint's names without including it.
$(GUEST_OUT)/%.c.o $(GUEST_OUT)/test_%.o $(GUEST_OUT)/domu_%.o: GUEST_CFLAGS += -include stdint.h
$(GUEST_OUT)/%.S.o: GUEST_CFLAGS += -D__ASSEMBLY__

$(GUEST_OUT)/lib/%.o: $(GUEST_SRC)/lib/% $(GUEST_SRC)/guest.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(GUEST_OUT)/%.o: $(GUEST_SRC)/%.c $(GUEST_SRC)/guest.mk
	@mkdir -p $(@D)
	@echo "  CC $<"; $(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(GUEST_DOMUS): %: %.o $(GUEST_LIB) $(GUEST_SRC)/lib/link.lds
	@$(GUEST_CC) $(GUEST_LDFLAGS) $(filter %.o,$^) -o $@

$(GUEST_TESTS): $(GUEST_OUT)/%: $(GUEST_OUT)/test_%.o $(GUEST_LIB) $(GUEST_SRC)/lib/link.lds
	@$(GUEST_CC) $(GUEST_LDFLAGS) $$(sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $(GUEST_SRC)/test_$*.c) $(filter %.o,$^) -o $@

.SECONDARY:
-include $(GUEST_LIB:.o=.d) $(GUEST_NAMES:%=$(GUEST_OUT)/test_%.d) $(GUEST_DOMUS:=.d)
