# SPDX-License-Identifier: MIT
# Attackers (tests/attack/README.md): one program, which shares what the unit tests have

ATTACK := $(B)/tests/attack
ATTACK_OBJECTS := $(patsubst tests/attack/%.cc,$(B)/tests/attackers/%.o,$(wildcard tests/attack/*.cc))

TESTS_BINS += $(ATTACK)

$(ATTACK): $(ATTACK_OBJECTS) $(filter-out %/main.o,$(UNIT_SUPPORT))
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lgtest -lpthread

$(ATTACK_OBJECTS): $(B)/tests/attackers/%.o: tests/attack/%.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I tests/unit $(CXXFLAGS) -Wno-dangling-else -MMD -MP -c -o $@ $<

-include $(wildcard $(B)/tests/attackers/*.d)

.PHONY: attack
attack: $(ATTACK) ## what an ordinary user can do to others: attackers, each with a victim, on the debug kernel
	@tests/attack/run
