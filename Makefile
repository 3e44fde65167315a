# orchestrate: kernel modules and eBPF probes for every published kernel.
# `make` builds build/orchestrate, `make help` lists what else there is.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

# Rooms in their order: a room includes only rooms before it, rooms of one rank don't know each other (ci/check-rooms).
ROOMS := base stream kernel package engine oci fetch index descriptor cache gate ledger toolchain crawl sign build lint prove cmd

VARIANT  ?= release
SANITIZE ?=
ifneq ($(SANITIZE),)
comma := ,
override VARIANT := sanitize-$(subst $(comma),-,$(SANITIZE))
endif
OUT := build/$(VARIANT)

CC ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings
ifneq ($(CI),)
WARNINGS += -Werror
endif
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS_debug   := -O0 -g3
VERSION := $(shell cat MODULE_VERSION 2>/dev/null)
OUR_CPPFLAGS = -D_GNU_SOURCE -Iorchestrator $(PKG_CPPFLAGS) -DORCHESTRATE_VERSION='"$(VERSION)"'
OUR_CFLAGS = -std=gnu17 -pthread $(WARNINGS) $(CFLAGS_$(VARIANT))
OUR_LDFLAGS = -pthread
ifneq ($(SANITIZE),)
OUR_CFLAGS += -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined
OUR_LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifeq ($(VARIANT),release)
OUR_LDFLAGS += -pie -Wl,-z,relro,-z,now
endif

# Short lines; V=1 shows the commands.
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2); )

.PHONY: orchestrate
orchestrate: build/orchestrate

# What each room asks of pkg-config stands in its rules.mk as <room>_PKGS.
include $(wildcard $(ROOMS:%=orchestrator/%/rules.mk))
PKGS := $(sort $(foreach r,$(ROOMS),$($(r)_PKGS)))
LIBS = $(shell $(PKG_CONFIG) --libs $(PKGS))
# For libraries whose headers lie in a directory of their own.
PKG_CPPFLAGS := $(shell $(PKG_CONFIG) --cflags-only-I $(PKGS))

define room_rules
$(1)_SRCS := $$(wildcard orchestrator/$(1)/*.c)
$(1)_OBJS := $$($(1)_SRCS:%.c=$(OUT)/%.o)
$(OUT)/lib$(1).a: $$($(1)_OBJS)
	@rm -f $$@
	$$(call say,AR,$$@)ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What the command line says is nothing make compares: these few are compiled again when the version changes.
VERSIONED := $(shell grep -l ORCHESTRATE_VERSION orchestrator/*/*.c tests/*/*.c)
$(VERSIONED:%.c=$(OUT)/%.o): $(wildcard MODULE_VERSION)

# Later rooms first, so that the linker finds what they need in the earlier ones.
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
ROOM_LIBS := $(patsubst %,$(OUT)/lib%.a,$(call reverse,$(ROOMS)))

$(OUT)/orchestrate: $(ROOM_LIBS) | $(OUT)/guest-init
	$(call say,LD,$@)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(LIBS)

# The only program of the guests that `orchestrate prove` boots: static, never sanitized, found beside orchestrate.
GUEST_SRCS := $(wildcard probe/guest/*.c)
$(OUT)/guest-init: $(GUEST_SRCS) $(wildcard probe/guest/*.h) probe/event.h probe/reader/ring.h Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 $(WARNINGS) -static -s -Wl,--build-id=none -o $@ $(GUEST_SRCS) \
	    $(shell $(PKG_CONFIG) --static --libs libbpf)

# Always the variant that was asked for last.
build/orchestrate: $(OUT)/orchestrate FORCE
	@ln -sfn $(VARIANT)/orchestrate $@
.PHONY: FORCE

include tests/rules.mk
include $(wildcard tests/fuzz/rules.mk)
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

# --- the jobs ---
ORCHESTRATE = build/orchestrate
DISTROS := $(patsubst distros/%.yaml,%,$(wildcard distros/*.yaml))

.PHONY: all crawl image $(DISTROS:%=build-%) toolchains download-package-cache upload-package-cache delete-package-cache clean bench lint help
all: build/orchestrate
	$(ORCHESTRATE) build
# CRAWL=... for options: make crawl CRAWL='--distro debian --summary crawl.md'
crawl: build/orchestrate
	$(ORCHESTRATE) crawl $(CRAWL)
image: build/orchestrate
	$(ORCHESTRATE) image
$(DISTROS:%=build-%): build-%: build/orchestrate
	$(ORCHESTRATE) build --distro $*
toolchains: build/orchestrate
	$(ORCHESTRATE) toolchain build
download-package-cache: build/orchestrate
	$(ORCHESTRATE) cache fetch
# $PACKAGE_BUCKET says where to.
upload-package-cache: build/orchestrate
	$(ORCHESTRATE) cache push
delete-package-cache: build/orchestrate
	$(ORCHESTRATE) cache delete --yes
# The checkout's own files: lists, descriptors, recipes, probe.
lint: build/orchestrate
	$(ORCHESTRATE) lint
BENCHES := $(OUT)/tests/bench/measure $(OUT)/tests/bench/unpack
bench: build/orchestrate $(BENCHES)
	BENCH=$(OUT)/tests/bench tests/bench/run
	BENCH=$(OUT)/tests/bench tests/bench/crawl
	BENCH=$(OUT)/tests/bench tests/bench/plan
	BENCH=$(OUT)/tests/bench tests/bench/cache
$(BENCHES): %: %.o $(ROOM_LIBS)
	$(call say,LD,$@)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group $(LIBS)
# Keeps what costs hours to get again: packages, artifacts and logs of earlier builds stay in cache/ and container/failures.
clean:
	rm -rf build container/kernel-modules

# --- the code itself ---
C_FILES := $(wildcard orchestrator/*/*.[ch] images/*.c tests/*/*.[ch] tests/*.[ch])
.PHONY: format format-check hdr-check rooms-check analyze
format:
	clang-format -i $(C_FILES)
format-check:
	clang-format --dry-run -Werror $(C_FILES)
hdr-check: $(patsubst %.h,$(OUT)/%.h.ok,$(wildcard orchestrator/*/*.h))
$(OUT)/%.h.ok: %.h Makefile
	@mkdir -p $(@D)
	@$(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -fsyntax-only -include $< -x c /dev/null && touch $@
rooms-check:
	ci/check-rooms
# The checkers don't know cleanup attributes: leaks are LeakSanitizer's to find (check SANITIZE=address,undefined).
analyze:
	cppcheck --quiet --std=c11 --enable=warning,portability --error-exitcode=1 --inline-suppr -Iorchestrator \
	    --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=memleak --suppress=internalAstError $(ROOMS:%=orchestrator/%)
	clang-tidy --quiet $(wildcard orchestrator/*/*.c) -- $(OUR_CPPFLAGS) -std=gnu17 $(shell $(PKG_CONFIG) --cflags $(PKGS))

# `##` lines are what `make help` prints.
##
##   make                         build/orchestrate
##   make all                     build every listed kernel, load the base image
##   make crawl                   bring the lists up to date with what is published; CRAWL=... for options
##   make build-<distro>          the same for one distro
##   make image                   the base image from what the output tree holds
##   make toolchains              the builder images
##   make download-package-cache  every package that the lists name, from the bucket ($PACKAGE_BUCKET) or the mirrors
##   make upload-package-cache    what the bucket lacks
##   make delete-package-cache    remove the packages
##   make clean                   remove build/ and the output tree; packages and artifacts stay
##   make check                   all tests; check-unit without building kernels; check-<room> one room
##   make lint                    what is wrong with descriptors, lists, block list, recipes, probe
##   make bench                   figures, as ratios against a baseline in the same run
##   make format, format-check, hdr-check, rooms-check, analyze, fuzz-<parser>
##
##   VARIANT=release|debug  SANITIZE=address,undefined  V=1  CI=1 (warnings are errors)
help:
	@sed -n 's/^##//p' Makefile
