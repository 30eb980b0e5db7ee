# SPDX-License-Identifier: MIT
# Hostile processes at the rings of a driver; it shares what the unit tests have

TESTS_BINS += $(B)/tests/hostile

$(B)/tests/hostile: $(B)/tests/hostile.o $(filter-out %/main.o,$(UNIT_SUPPORT))
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lgtest -lpthread

$(B)/tests/hostile.o: tests/hostile/main.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I tests/unit $(CXXFLAGS) -Wno-dangling-else -MMD -MP -c -o $@ $<

-include $(wildcard $(B)/tests/hostile.d)

.PHONY: hostile
hostile: ## processes that rewrite the rings they share with a driver, on the debug kernel: SECONDS=60, SEED=N
	@tests/hostile/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))
