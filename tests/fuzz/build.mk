# SPDX-License-Identifier: MIT
# The fuzzer of the module; tests/fuzz/README.md tells of it

FUZZ := $(B)/fuzz/stplr-fuzz
FUZZ_OBJECTS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%.o,$(wildcard tests/fuzz/*.c))

.PHONY: fuzz coverage
fuzz: $(FUZZ) ## random calls on the debug kernel in a VM: SECONDS=N (default 60), SEED=N to repeat
	@tests/fuzz/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

coverage: $(FUZZ) ## which of the module's blocks tests and fuzzer reach, and which not: an hour
	@tests/fuzz/coverage/run

# Static, so that the many processes it makes are made fast.
$(FUZZ): $(FUZZ_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^ -lpthread

$(B)/fuzz/%.o: tests/fuzz/%.c $(wildcard tests/fuzz/*.h tests/module/*.h include/uapi/linux/*.h)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(CPPFLAGS) -I tests/module $(CFLAGS) -c -o $@ $<

# What user space parses, by libFuzzer: no module is needed.
FUZZ_USER := $(addprefix $(B)/fuzz/user/,one_way address qnx)
FUZZ_CLANG = -O1 -g -D_GNU_SOURCE -I include/uapi -I lib $(TRANSPORT_GLIB_INCLUDE) -I $(TRANSPORT_GLIB)/src \
	$(TRANSPORT_GLIB_CFLAGS) -I transports/thrift/cpp -I transports/thrift/cpp/src -MMD -MP
FUZZ_SANITIZE := -fsanitize=fuzzer-no-link,address,undefined
FUZZ_QNX := $(patsubst lib/%.c,$(B)/fuzz/user/lib/%.c.o,$(wildcard lib/*.c lib/qnx/*.c))
FUZZ_OF_C := $(patsubst transports/thrift/c_glib/src/%.c,$(B)/fuzz/user/%.c.o,$(wildcard transports/thrift/c_glib/src/*.c))

.PHONY: fuzz-user
fuzz-user: $(FUZZ_USER) ## random bytes for what Thrift's transports and the QNX layer parse: SECONDS=N each (default 60)
	@for program in $^; do \
		mkdir -p $$program.corpus && $$program -max_total_time=$(or $(SECONDS),60) -max_len=300 -verbosity=0 \
			-print_final_stats=1 -artifact_prefix=$$program. $$program.corpus tests/fuzz/libfuzzer/seeds || exit 1; \
	done

$(B)/fuzz/user/%.c.o: transports/thrift/c_glib/src/%.c
	@mkdir -p $(@D)
	clang -std=c11 $(FUZZ_CLANG) $(FUZZ_SANITIZE) -c -o $@ $<

$(B)/fuzz/user/%.cpp.o: transports/thrift/cpp/src/%.cpp
	@mkdir -p $(@D)
	clang++ -std=c++17 $(FUZZ_CLANG) $(FUZZ_SANITIZE) -c -o $@ $<

$(B)/fuzz/user/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	clang -std=gnu11 $(FUZZ_CLANG) -I lib/qnx/include -fexceptions $(FUZZ_SANITIZE) -c -o $@ $<

$(B)/fuzz/user/%: tests/fuzz/libfuzzer/%.cc $(FUZZ_OF_C) $(B)/fuzz/user/CallKind.cpp.o \
		$(B)/fuzz/user/StaplerAddress.cpp.o $(B)/lib/libstplr.a
	clang++ -std=c++17 $(FUZZ_CLANG) -MF $@.d -fsanitize=fuzzer,address,undefined -o $@ $(filter %.cc %.o %.a,$^) \
		$(TRANSPORT_GLIB_LIBS) -lthrift

# Without a kernel: its calls end in the program itself.
$(B)/fuzz/user/qnx: tests/fuzz/libfuzzer/qnx.cc $(FUZZ_QNX)
	clang++ -std=c++17 -O1 -g -D_GNU_SOURCE -I include/uapi -I lib/qnx/include -MMD -MP -MF $@.d -Wl,--wrap=open -Wl,--wrap=ioctl \
		-fsanitize=fuzzer,address,undefined -o $@ $(filter %.cc %.o,$^)

-include $(wildcard $(B)/fuzz/user/lib/*.d $(B)/fuzz/user/lib/qnx/*.d)
-include $(wildcard $(B)/fuzz/user/*.d)
