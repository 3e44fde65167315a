# One Criterion program per room: tests/<room>/*_test.c with the room and all that stands above it.
# tests/probe is about the probe's own headers, tests/integration runs the program as users do, on a real engine.
TESTED := $(ROOMS) probe integration
TEST_ROOMS := $(filter $(patsubst tests/%/,%,$(sort $(dir $(wildcard tests/*/*_test.c)))),$(TESTED))
TESTS := $(TEST_ROOMS:%=$(OUT)/tests/%_test)


# A room is tested with those up to it. What is no room has all but cmd, whose main() a test program must not get.
rooms_of = $(if $(filter $(1),$(ROOMS)),$(call upto,$(1),$(ROOMS)),$(filter-out cmd,$(ROOMS)))
upto = $(if $(2),$(if $(filter $(1),$(firstword $(2))),$(1),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,$(words $(2)),$(2)))))

# What some make for themselves is of use to others.
sign_FIXTURES := tests/gate/fixture.c
cmd_FIXTURES := tests/gate/fixture.c tests/sign/key_pair.c
integration_FIXTURES := tests/gate/fixture.c tests/sign/key_pair.c

define test_rules
tests_$(1)_OBJS := $$(patsubst %.c,$(OUT)/%.o,$$(wildcard tests/$(1)/*.c) $$(wildcard tests/support/*.c) $$($(1)_FIXTURES))
tests_$(1)_LIBS := $$(patsubst %,$(OUT)/lib%.a,$$(call reverse,$$(call rooms_of,$(1))))
$(OUT)/tests/$(1)_test: $$(tests_$(1)_OBJS) $$(tests_$(1)_LIBS)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $$@ $$(tests_$(1)_OBJS) -Wl,--start-group $$(tests_$(1)_LIBS) -Wl,--end-group \
	    $$(shell $(PKG_CONFIG) --libs $$(sort $$(foreach r,$$(call rooms_of,$(1)),$$($$(r)_PKGS)) criterion))
.PHONY: check-$(1)
check-$(1): $(OUT)/tests/$(1)_test $(if $(filter base,$(1)),,$(if $(wildcard orchestrator/cmd/main.c),$(OUT)/orchestrate))
	ci/run-tests $(OUT) $(1)
endef
$(foreach r,$(TEST_ROOMS),$(eval $(call test_rules,$(r))))

# Everything. The closing line is `N passed, N failed`.
.PHONY: check check-unit
check: $(TESTS) $(OUT)/orchestrate
	ci/run-tests $(OUT) $(TEST_ROOMS)
# Without what builds kernels.
check-unit: $(TESTS) $(OUT)/orchestrate
	ci/run-tests $(OUT) $(filter-out integration,$(TEST_ROOMS))
