# libFuzzer on the parsers of foreign bytes: `make fuzz-deb FUZZ_SECONDS=600` runs tests/fuzz/deb_fuzz.c. What it finds new goes
# to a copy of the corpus below build/; a crash is left beside it, to be committed to the corpus with its mend.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ := build/fuzz
FUZZ_FLAGS := -std=gnu17 -pthread -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined

fuzz_deb_CORPUS := tests/data/package/deb-corpus
fuzz_elf_CORPUS := tests/data/gate/elf-corpus
fuzz_bpf_CORPUS := tests/data/gate/bpf-corpus
fuzz_reference_CORPUS := tests/data/gate/reference-corpus
fuzz_signature_CORPUS := tests/data/sign/signature-corpus
fuzz_packages_CORPUS := $(addprefix tests/data/index/,packages release mirror-list signed)
fuzz_primary_CORPUS := tests/data/index/primary
fuzz_listing_CORPUS := tests/data/index/listing
fuzz_bucket_CORPUS := tests/data/index/bucket

# All targets are linked with the rooms up to the last one that parses.
FUZZ_ROOMS := $(call upto,sign,$(ROOMS))
FUZZ_OBJS := $(foreach r,$(FUZZ_ROOMS),$($(r)_SRCS:%.c=$(FUZZ)/%.o))
FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))

$(FUZZ)/%.o: %.c Makefile tests/fuzz/rules.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(FUZZ_CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(FUZZ_TARGETS:%=$(FUZZ)/%_fuzz): $(FUZZ)/%_fuzz: $(FUZZ)/tests/fuzz/%_fuzz.o $(FUZZ_OBJS)
	$(call say,LD,$@)$(FUZZ_CC) -pthread -fsanitize=fuzzer,address,undefined -o $@ $^ \
	    $(shell $(PKG_CONFIG) --libs $(sort $(foreach r,$(FUZZ_ROOMS),$($(r)_PKGS))))

.PHONY: $(FUZZ_TARGETS:%=fuzz-%)
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: $(FUZZ)/%_fuzz
	@mkdir -p $(FUZZ)/corpus-$*
	cp -r $(addsuffix /.,$(or $(fuzz_$*_CORPUS),$(error fuzz_$*_CORPUS is not set in tests/fuzz/rules.mk))) $(FUZZ)/corpus-$*
	$(FUZZ)/$*_fuzz -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(FUZZ)/$*- $(FUZZ)/corpus-$*

-include $(FUZZ_OBJS:.o=.d) $(FUZZ_TARGETS:%=$(FUZZ)/tests/fuzz/%_fuzz.d)
