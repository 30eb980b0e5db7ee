# SPDX-License-Identifier: MIT
# stplr-bench

BENCH_OBJECTS := $(patsubst %.cpp,$(B)/%.o,$(wildcard bench/*.cpp bench/transports/*.cpp))

BENCH += $(B)/bench/stplr-bench
ALL += $(BENCH)

$(BENCH_OBJECTS): $(B)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) $(CXXFLAGS) -pthread -MMD -MP -c -o $@ $<

$(B)/bench/stplr-bench: $(BENCH_OBJECTS) $(B)/lib/libstplr.a
	$(CXX) $(CXXFLAGS) -pthread $(LDFLAGS) -o $@ $^

-include $(BENCH_OBJECTS:.o=.d)
