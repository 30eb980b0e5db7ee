# SPDX-License-Identifier: MIT
# The library's side of rings over memory that needs no module: build/tests/ring/memory_test, and the same for
# ThreadSanitizer. `make check-lib` runs both.

RING_MEMORY_TESTS := $(B)/tests/ring/memory_test $(B)/tests/ring/memory_test-tsan
TESTS_BINS += $(RING_MEMORY_TESTS)
check-lib: $(RING_MEMORY_TESTS)

RING_MEMORY_SOURCES := $(wildcard tests/ring/*.cc)
RING_MEMORY_HEADERS := $(wildcard tests/ring/*.h) $(LIBSTPLR_HEADERS) lib/name.h
RING_MEMORY_LIBRARY := -Dmmap=memory_mmap -Dmunmap=memory_munmap -Dioctl=memory_ioctl

$(B)/tests/ring/memory_test-tsan: RING_SANITIZE := -fsanitize=thread

$(RING_MEMORY_TESTS): lib/ring.c $(RING_MEMORY_SOURCES) $(RING_MEMORY_HEADERS) $(B)/lib/libstplr.a
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) $(RING_SANITIZE) $(RING_MEMORY_LIBRARY) -c -o $@.library.o lib/ring.c
	for source in $(RING_MEMORY_SOURCES); do \
		$(CXX) -std=c++17 $(CPPFLAGS) $(CXXFLAGS) -Wno-dangling-else $(RING_SANITIZE) -c -o $@.$$(basename $$source).o $$source || exit; done
	$(CXX) $(CXXFLAGS) $(RING_SANITIZE) $(LDFLAGS) -o $@ $@.*.o $(B)/lib/libstplr.a -lgtest -lgtest_main -lpthread
