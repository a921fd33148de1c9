# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the hypervisor; rig/ and tests/ add their own targets.  `make help` lists them.
.DEFAULT_GOAL := all
B       := build
O       := $(B)/obj
CC      ?= gcc
HOSTCC  ?= gcc
V       ?=
Q       := $(if $(V),,@)
VERSION := 0.1

CC_INC  := $(shell $(CC) -print-file-name=include)
XEN_INC := $(B)/include

# DEBUG=1: the checking build: assertions, and hypervisor/check/ (lock order, redzones, failing allocations).  SAN=1: that, by clang
# unless CC says otherwise, under UBSan and with a shadow of all memory: hypervisor/san/.  Both hook themselves in at the link.
DEBUG   ?=
SAN     ?=
override DEBUG := $(or $(DEBUG),$(SAN))
ifeq ($(SAN)$(origin CC),1default)
CC := clang
endif
CFLAGS  := -std=gnu17 -O2 -g -ffreestanding -fno-common -nostdinc -isystem $(CC_INC) -isystem $(XEN_INC) \
	-Ihypervisor -I$(B)/gen -D__XEN_TOOLS__ \
	-ffile-prefix-map=$(CURDIR)=. -DHOSPES_VERSION='"$(VERSION)"' $(if $(DEBUG),,-DNDEBUG) \
	-fpie -fvisibility=hidden -mcmodel=small -mno-red-zone -fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -ffunction-sections -fdata-sections -fcf-protection=none \
	-Wall -Wextra -Wno-unused-parameter -Wshadow -Wmissing-prototypes -Wswitch-enum -Wstrict-prototypes -Werror
ifneq ($(findstring clang,$(CC)),)
CFLAGS  += -fdirect-access-external-data -Wno-gnu-variable-sized-type-not-at-end -Wno-address-of-packed-member -mretpoline
else
CFLAGS  += -mindirect-branch=thunk-extern -mindirect-branch-register -fno-jump-tables
endif
ifneq ($(SAN),)
SANFLAGS := -fsanitize=undefined -fsanitize=kernel-address -fstack-protector-strong -mstack-protector-guard=global
ifneq ($(findstring clang,$(CC)),)
SANFLAGS += -fno-sanitize=function -mllvm -asan-instrumentation-with-call-threshold=0 -mllvm -asan-stack=0 -mllvm -asan-globals=0 \
	-ftrivial-auto-var-init=pattern
else
SANFLAGS += --param=asan-instrumentation-with-call-threshold=0 --param=asan-stack=0 --param=asan-globals=0
endif
endif
NOSIMD  := -mgeneral-regs-only
# gcc makes one piece of the image that is installed: what is called from another file is inlined, too.
LTO     := $(if $(or $(DEBUG),$(findstring clang,$(CC))),,-flto=auto)
LDFLAGS := -static -no-pie -nostdlib -z noexecstack -z max-page-size=0x1000 --gc-sections --build-id=sha1 --no-warn-rwx-segments \
	$(if $(SAN),--no-relax)

SRCS_C  := $(sort $(wildcard hypervisor/*/*.c))
SRCS_C  := $(filter-out hypervisor/pv/asm_offsets.c $(if $(DEBUG),,hypervisor/check/%) $(if $(SAN),,hypervisor/san/%),$(SRCS_C))
SRCS_S  := $(sort $(wildcard hypervisor/*/*.S))
OBJS    := $(SRCS_C:%.c=$(O)/%.o) $(SRCS_S:%.S=$(O)/%.S.o)
# A function __wrap_NAME there stands between NAME and those who call it from other files.
WRAPS   := $(shell sed -n 's/.*\<__wrap_\([a-z0-9_]*\).*/--wrap=\1/p' /dev/null $(filter hypervisor/check/% hypervisor/san/%,$(SRCS_C)) | sort -u)
PIECES  := $(if $(LTO),$(O)/whole.o,$(OBJS))
LIBDIR  := $(shell $(CC) -print-multiarch 2>/dev/null || echo x86_64-linux-gnu)
LIBS    := $(foreach l,lz4 lzma zstd z,$(shell $(CC) -print-file-name=lib$(l).a))

.PHONY: all clean help metrics lint
all: $(B)/hospes $(B)/hospes.gz $(B)/hospes.map

$(XEN_INC)/xen:
	$(Q)mkdir -p $(XEN_INC) && ln -sfn /usr/include/xen $@

$(B)/gen/asm_offsets.h: hypervisor/pv/asm_offsets.c $(wildcard hypervisor/*/*.h) | $(XEN_INC)/xen
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(NOSIMD) -S -o $(B)/gen/asm_offsets.s $<
	$(Q)sed -n 's/^.*->\([A-Za-z0-9_]*\) \$$*\(-\{0,1\}[0-9]*\).*/#define \1 \2/p' $(B)/gen/asm_offsets.s > $@

# Which CPU features para-virtual guests may see: the ABI's header marks them with an A (all kinds of guest).
$(B)/gen/cpuid_pv.h: /usr/include/xen/arch-x86/cpufeatureset.h Makefile | $(XEN_INC)/xen
	$(Q)mkdir -p $(@D) && awk -F'[(,*+)]' '/^XEN_CPUFEATURE\(.*\/\*[^ ]*A/ { w[$$3 + int($$5 / 32)] += 2 ^ ($$5 % 32) } \
		END { printf "#define CPUID_PV_FEATURES"; for (i = 0; i < 19; i++) printf "%s %uu", i ? "," : "", w[i]; print "" }' $< > $@

# core/ is strict about conversions.
$(O)/hypervisor/core/%.o: CFLAGS += -Wconversion
# The decompressors' headers want the C library's.
$(O)/hypervisor/core/decompress.o: CFLAGS := $(filter-out -nostdinc,$(CFLAGS)) -Wconversion
# The sanitizers' own files, and the one that keeps its lists in freed objects.
$(O)/hypervisor/%.o: CFLAGS += $(SANFLAGS)
$(O)/hypervisor/check/%.o $(O)/hypervisor/san/%.o $(O)/hypervisor/core/slab.o: CFLAGS := $(CFLAGS)
$(O)/hypervisor/san/provoke.o: CFLAGS += $(SANFLAGS)
# The flags decide too: a change of compiler or options rebuilds.
$(B)/flags: FORCE
	$(Q)mkdir -p $(B); echo '$(CC) $(CFLAGS) $(SANFLAGS) $(LTO)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(SANFLAGS) $(LTO)' > $@
.PHONY: FORCE
FORCE:

$(O)/%.o: %.c $(B)/flags | $(B)/gen/asm_offsets.h $(B)/gen/cpuid_pv.h
	@echo "  CC    $<"
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(NOSIMD) $(LTO) -MMD -MP -c -o $@ $<
$(O)/%.S.o: %.S $(B)/flags $(B)/gen/asm_offsets.h
	@echo "  AS    $<"
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $<
$(B)/hospes.lds: hypervisor/boot/hospes.lds.in $(B)/flags hypervisor/x86/layout.h
	$(Q)mkdir -p $(@D) && $(CC) -Ihypervisor -D__ASSEMBLER__ -E -P -x assembler-with-cpp -o $@ $<

$(O)/whole.o: $(OBJS)
	@echo "  LTO   $@"
	$(Q)$(CC) $(CFLAGS) $(NOSIMD) $(LTO) -w -r -flinker-output=nolto-rel -nostdlib -o $@ $(OBJS)

# Linked twice: the second time with the symbol table made from the first (for backtraces).
$(B)/hospes: $(PIECES) $(B)/hospes.lds hypervisor/boot/symbols.sh
	@echo "  LD    $@"
	$(Q)sh hypervisor/boot/symbols.sh /dev/null > $(B)/gen/symbols0.S
	$(Q)$(CC) -c -o $(O)/symbols0.o $(B)/gen/symbols0.S
	$(Q)ld $(LDFLAGS) $(WRAPS) -T $(B)/hospes.lds -o $(B)/hospes.1 $(PIECES) $(O)/symbols0.o --start-group $(LIBS) --end-group
	$(Q)sh hypervisor/boot/symbols.sh $(B)/hospes.1 > $(B)/gen/symbols1.S
	$(Q)$(CC) -c -o $(O)/symbols1.o $(B)/gen/symbols1.S
	$(Q)ld $(LDFLAGS) $(WRAPS) -T $(B)/hospes.lds -o $(B)/hospes.2 $(PIECES) $(O)/symbols1.o --start-group $(LIBS) --end-group
	$(Q)sh hypervisor/boot/symbols.sh $(B)/hospes.2 > $(B)/gen/symbols2.S
	$(Q)$(CC) -c -o $(O)/symbols2.o $(B)/gen/symbols2.S
	$(Q)ld $(LDFLAGS) $(WRAPS) -T $(B)/hospes.lds -Map=$(B)/hospes.link -o $(B)/hospes.debug $(PIECES) $(O)/symbols2.o --start-group $(LIBS) --end-group
	$(Q)objcopy --strip-all $(B)/hospes.debug $@
$(B)/hospes.gz: $(B)/hospes
	$(Q)gzip -9nc $< > $@
$(B)/hospes.map: $(B)/hospes
	$(Q)nm -n $(B)/hospes.debug > $@

clean:
	rm -rf $(O) $(B)/gen $(B)/hospes* $(B)/flags

metrics: all
	$(Q)python3 tools/metrics $(if $(CHECK),--check)

lint: $(B)/gen/asm_offsets.h $(B)/gen/cpuid_pv.h
	@tools/lint $(FILES) -- $(filter-out -DNDEBUG,$(CFLAGS)) $(NOSIMD)

help:
	@echo "make            build/hospes (multiboot 1 and 2), build/hospes.gz, build/hospes.map; DEBUG=1: with internal checks; SAN=1: under sanitizers, too"
	@echo "make metrics    sizes, function lengths, header closure, include direction; CHECK=1: fail where a limit is broken"
	@echo "make lint       sparse, cppcheck and clang-tidy find nothing; FILES='...': only in these files"
	@echo "make clean      remove what was built"
	@grep -hE '^## ' $(MAKEFILE_LIST) | sed 's/^## //'

-include $(OBJS:.o=.d)
-include rig/rig.mk tests/host/host.mk tests/guest/guest.mk tests/fuzz/fuzz.mk bench/bench.mk
