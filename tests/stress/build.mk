# SPDX-License-Identifier: MIT
# The storm: processes that are killed while they pass messages, and an account of every message

STORM_OBJECTS := $(patsubst tests/stress/%.cc,$(B)/tests/stress/%.o,$(wildcard tests/stress/*.cc))
TESTS_BINS += $(B)/tests/storm

$(B)/tests/storm: $(STORM_OBJECTS)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lpthread

$(B)/tests/stress/%.o: tests/stress/%.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I tests/unit $(CXXFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(B)/tests/stress/*.d)

.PHONY: storm
storm: ## processes killed at random for SECONDS=60, every message accounted for; SEED=N, KERNEL=debug
	@tools/packages build
	@tests/stress/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(KERNEL),--kernel $(KERNEL))
