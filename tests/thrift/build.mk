# SPDX-License-Identifier: MIT
# The Thrift transports' tests: build/tests/thrift_test, and the same with the sanitizers, build/tests/thrift_asan_test

THRIFT_TESTS := $(patsubst tests/thrift/%.cc,%,$(wildcard tests/thrift/*_test.cc tests/thrift/support/*.cc))
THRIFT_TESTS_GEN := $(B)/tests/thrift/gen-cpp
THRIFT_TESTS_GENERATED := suite base suite_types
THRIFT_TESTS_FLAGS := -std=c++17 $(CPPFLAGS) -I tests/thrift -I tests/unit -I transports/thrift/cpp \
	-isystem $(THRIFT_TESTS_GEN) -isystem $(EXAMPLE_GEN) -Wno-dangling-else -pthread
THRIFT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

TESTS_BINS += $(B)/tests/thrift_test $(B)/tests/thrift_asan_test

$(THRIFT_TESTS_GEN)/.made: tests/thrift/suite.thrift
	@mkdir -p $(@D)
	$(THRIFT) -out $(@D) --gen cpp:no_skeleton $<
	touch $@

$(THRIFT_TESTS_GENERATED:%=$(THRIFT_TESTS_GEN)/%.cpp): $(THRIFT_TESTS_GEN)/.made ;

# What takes long to compile and is not what is tested is compiled once, for both.
$(B)/tests/thrift/gen/%.o: $(THRIFT_TESTS_GEN)/%.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O1 -g0 -pthread -c -o $@ $<

# The tests' own code is the same in both programs, too; what the sanitizers look at is the transport.
$(B)/tests/thrift/plain/%.o: tests/thrift/%.cc $(THRIFT_TESTS_GEN)/.made $(EXAMPLE_GEN)/.made
	@mkdir -p $(@D)
	$(CXX) $(THRIFT_TESTS_FLAGS) $(CXXFLAGS) -O1 -MMD -MP -c -o $@ $<

$(B)/tests/thrift/asan/%.o: tests/thrift/%.cc $(THRIFT_TESTS_GEN)/.made $(EXAMPLE_GEN)/.made
	@mkdir -p $(@D)
	$(CXX) $(THRIFT_TESTS_FLAGS) $(CXXFLAGS) -O1 $(THRIFT_SANITIZE) -MMD -MP -c -o $@ $<

$(B)/tests/thrift/asan/%.o: transports/thrift/cpp/src/%.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I transports/thrift/cpp $(CXXFLAGS) -O1 $(THRIFT_SANITIZE) -pthread -MMD -MP -c -o $@ $<

THRIFT_TESTS_COMMON := $(patsubst %,$(B)/tests/thrift/gen/%.o,$(THRIFT_TESTS_GENERATED)) $(UNIT_SUPPORT) $(EXAMPLE_LIB)

$(B)/tests/thrift_test: $(patsubst %,$(B)/tests/thrift/plain/%.o,$(THRIFT_TESTS)) $(STAPLER_THRIFT_A)
$(B)/tests/thrift_asan_test: $(patsubst %,$(B)/tests/thrift/asan/%.o,$(filter-out program_test,$(THRIFT_TESTS)) \
	$(patsubst transports/thrift/cpp/src/%.cpp,%,$(wildcard transports/thrift/cpp/src/*.cpp)))
$(B)/tests/thrift_asan_test: LDFLAGS += $(THRIFT_SANITIZE)

$(B)/tests/thrift_test $(B)/tests/thrift_asan_test: $(THRIFT_TESTS_COMMON) $(LIBSTPLR_A) | $(EXAMPLE_PROGRAMS)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(THRIFT_LIBS) -lgtest -lpthread

.SECONDARY: $(THRIFT_TESTS_GENERATED:%=$(THRIFT_TESTS_GEN)/%.cpp)
-include $(wildcard $(B)/tests/thrift/*/*.d $(B)/tests/thrift/*/support/*.d)
