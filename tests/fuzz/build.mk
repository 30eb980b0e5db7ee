# SPDX-License-Identifier: MIT
# The fuzzer of the module; tests/fuzz/README.md tells of it

FUZZ := $(B)/fuzz/stplr-fuzz
FUZZ_OBJECTS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%.o,$(wildcard tests/fuzz/*.c))

.PHONY: fuzz
fuzz: $(FUZZ) ## random calls on the debug kernel in a VM: SECONDS=N (default 60), SEED=N to repeat
	@tests/fuzz/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

# Static, so that the many processes it makes are made fast.
$(FUZZ): $(FUZZ_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^ -lpthread

$(B)/fuzz/%.o: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) include/uapi/linux/stplr.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
