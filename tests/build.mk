# SPDX-License-Identifier: MIT
# The tests. Each tests/unit/NAME_test.cc is a program of its own, build/tests/NAME_test, that runs as root in a
# machine with the module loaded for several devices (module_test asks for at least 2):
#
#	tools/vm --params "devices=3" -- build/tests/NAME_test
#
# STPLR_TEST_REPEAT=N lengthens the tests that gain by repetition, STPLR_TEST_TIMEOUT=S is how long one test may take.

UNIT_NAMES := $(patsubst tests/unit/%.cc,%,$(sort $(wildcard tests/unit/*_test.cc)))
UNIT_BINS := $(UNIT_NAMES:%=$(B)/tests/%)
UNIT_SUPPORT := $(patsubst tests/unit/support/%.cc,$(B)/tests/support/%.o,$(wildcard tests/unit/support/*.cc))

TESTS_BINS += $(UNIT_BINS)

$(UNIT_BINS): $(B)/tests/%: $(B)/tests/%.o $(UNIT_SUPPORT)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS) -lgtest -lpthread

$(B)/tests/%.o: tests/unit/%.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I tests/unit $(CXXFLAGS) -Wno-dangling-else -MMD -MP -c -o $@ $<

# The tests of the library are linked with it.
$(B)/tests/lib_test $(B)/tests/ring_lib_test: $(B)/lib/libstplr.a

# It has turns of the bench in itself, and runs the bench.
$(B)/tests/bench_test: $(B)/bench/error.o | $(B)/bench/stplr-bench

# It has the ways of the bench in itself.
$(B)/tests/bench_kernel_test: $(patsubst %.cpp,$(B)/%.o,$(filter-out bench/main.cpp,$(wildcard bench/*.cpp \
	bench/transports/*.cpp))) $(B)/lib/libstplr.a

# A client and server for compat_test; needs no 32-bit C library.
TESTS_BINS += $(B)/tests/compat_peer
$(B)/tests/compat_peer: tests/unit/compat/compat_peer.c $(wildcard include/uapi/linux/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -m32 -O2 -Wall -Wextra -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector \
		-I include/uapi -idirafter /usr/include/x86_64-linux-gnu -o $@ $<

.SECONDARY: $(UNIT_SUPPORT) $(UNIT_BINS:%=%.o)
-include $(wildcard $(B)/tests/*.d $(B)/tests/support/*.d)
-include tests/client-server/build.mk
-include tests/qnx/build.mk
-include tests/python/build.mk
-include tests/ring/build.mk
-include tests/stress/build.mk
-include tests/attack/build.mk
-include tests/hostile/build.mk
-include tests/mutants/build.mk
-include tests/fuzz/build.mk
