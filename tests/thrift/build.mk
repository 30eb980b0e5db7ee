# SPDX-License-Identifier: MIT
# The Thrift transports' tests: build/tests/thrift_test, and the same with the sanitizers, build/tests/thrift_asan_test

THRIFT_TESTS := $(patsubst tests/thrift/%.cc,%,$(wildcard tests/thrift/*_test.cc tests/thrift/support/*.cc))
# C/GLib's programs are needed for two of them, and programs are not what the sanitizers look at.
THRIFT_TESTS := $(filter-out $(if $(GLIB_EXAMPLES_PROGRAMS),,cost_test interop_test),$(THRIFT_TESTS))
# Nor are processes whose memory is counted, locked or bounded: the sanitizers map terabytes of their own.
THRIFT_ASAN_TESTS := $(filter-out cost_test interop_test program_test memory_test,$(THRIFT_TESTS))
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

$(B)/tests/thrift/%.o: tests/thrift/%.cc $(THRIFT_TESTS_GEN)/.made $(EXAMPLE_GEN)/.made
	@mkdir -p $(@D)
	$(CXX) $(THRIFT_TESTS_FLAGS) $(CXXFLAGS) -O1 -MMD -MP -c -o $@ $<

# What the sanitizers look at is the transport; the tests' own code is compiled once, for both.
$(B)/tests/thrift/asan/%.o: transports/thrift/cpp/src/%.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I transports/thrift/cpp $(CXXFLAGS) -O1 $(THRIFT_SANITIZE) -pthread -MMD -MP -c -o $@ $<

THRIFT_TESTS_COMMON := $(patsubst %,$(B)/tests/thrift/gen/%.o,$(THRIFT_TESTS_GENERATED)) $(UNIT_SUPPORT) $(EXAMPLE_LIB)

$(B)/tests/thrift_test: $(THRIFT_TESTS:%=$(B)/tests/thrift/%.o) $(STAPLER_THRIFT_A)
$(B)/tests/thrift_asan_test: $(THRIFT_ASAN_TESTS:%=$(B)/tests/thrift/%.o) \
	$(patsubst transports/thrift/cpp/src/%.cpp,$(B)/tests/thrift/asan/%.o,$(wildcard transports/thrift/cpp/src/*.cpp))
$(B)/tests/thrift_asan_test: private LDFLAGS += $(THRIFT_SANITIZE)

$(B)/tests/thrift_test $(B)/tests/thrift_asan_test: $(THRIFT_TESTS_COMMON) $(LIBSTPLR_A) | $(EXAMPLE_PROGRAMS) $(GLIB_EXAMPLES_PROGRAMS)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter-out $(LIBSTPLR_A),$(filter %.a,$^)) \
		$(LIBSTPLR_A) $(THRIFT_LIBS) -lgtest -lpthread

# Plays the other side of a vector, for these and for other runtimes' tests.
$(B)/bin/thrift-vector-player: transports/thrift/vectors/player.c $(LIBSTPLR_A)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/tests/thrift_test $(B)/tests/thrift_asan_test: | $(B)/bin/thrift-vector-player

.SECONDARY: $(THRIFT_TESTS_GENERATED:%=$(THRIFT_TESTS_GEN)/%.cpp)
-include $(wildcard $(B)/tests/thrift/*.d $(B)/tests/thrift/support/*.d $(B)/tests/thrift/asan/*.d)
