build_PKGS := libarchive jansson

# Goes into builders as it is: static, and never with sanitizers, whose run time no image has.
COMPILER_MEMORY := $(OUT)/images/compiler_memory
$(COMPILER_MEMORY): images/compiler_memory.c orchestrator/build/rules.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -D_GNU_SOURCE -std=gnu17 $(WARNINGS) -O2 -static -s -o $@ $<
$(OUT)/orchestrator/build/compiler_memory.o: $(COMPILER_MEMORY) images/compiler_memory.c
OUR_CPPFLAGS += -DCOMPILER_MEMORY_PROGRAM='"$(COMPILER_MEMORY)"' -DCOMPILER_MEMORY_SOURCE='"images/compiler_memory.c"'
