# SPDX-License-Identifier: MIT
# The C/GLib transport's tests: build/tests/thrift_glib_test, and with the sanitizers build/tests/thrift_glib_asan_test

GLIB_TESTS := $(patsubst tests/thrift/c_glib/%.cc,%,$(wildcard tests/thrift/c_glib/*.cc))
GLIB_TESTS_OUT := $(B)/tests/thrift_glib
# tests/build.mk, which is read later, builds them.
GLIB_TESTS_SUPPORT := $(patsubst tests/unit/support/%.cc,$(B)/tests/support/%.o,$(wildcard tests/unit/support/*.cc))
GLIB_TESTS_GENERATED := $(addprefix $(GLIB_TESTS_OUT)/gen-c_glib/,base.o suite.o suite_types.o)
GLIB_TESTS_FLAGS = $(CPPFLAGS) -I tests/thrift/c_glib -I tests/thrift -I tests/unit -I $(GLIB_TESTS_OUT) -I $(TRANSPORT_GLIB)/src \
	$(TRANSPORT_GLIB_INCLUDE) $(TRANSPORT_GLIB_CFLAGS) -Wno-dangling-else -pthread -MMD -MP
GLIB_TESTS_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

TESTS_BINS += $(B)/tests/thrift_glib_test $(B)/tests/thrift_glib_asan_test

$(GLIB_TESTS_OUT)/gen-c_glib/.made: tests/thrift/c_glib/suite.thrift
	@mkdir -p $(@D)
	thrift --gen c_glib -out $(@D) $<
	touch $@

$(GLIB_TESTS_GENERATED:.o=.c): $(GLIB_TESTS_OUT)/gen-c_glib/.made

$(GLIB_TESTS_GENERATED): %.o: %.c
	$(CC) -std=gnu11 $(CFLAGS) -w $(TRANSPORT_GLIB_CFLAGS) -c -o $@ $<

$(GLIB_TESTS_OUT)/plain/%.o: tests/thrift/c_glib/%.cc | $(GLIB_TESTS_OUT)/gen-c_glib/.made
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(GLIB_TESTS_FLAGS) $(CXXFLAGS) -c -o $@ $<

$(GLIB_TESTS_OUT)/asan/%.o: tests/thrift/c_glib/%.cc | $(GLIB_TESTS_OUT)/gen-c_glib/.made
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(GLIB_TESTS_FLAGS) $(CXXFLAGS) -O1 $(GLIB_TESTS_SANITIZE) -c -o $@ $<

# The transport and the library themselves, with GLib's checks of casts.
$(GLIB_TESTS_OUT)/asan/transport/%.o: $(TRANSPORT_GLIB)/src/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(GLIB_TESTS_FLAGS) $(CFLAGS) -O1 $(GLIB_TESTS_SANITIZE) -c -o $@ $<

$(GLIB_TESTS_OUT)/asan/stplr.o: lib/stplr.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) -O1 $(GLIB_TESTS_SANITIZE) -MMD -MP -c -o $@ $<

$(B)/tests/thrift_glib_test: $(GLIB_TESTS:%=$(GLIB_TESTS_OUT)/plain/%.o) $(TRANSPORT_GLIB_A) $(LIBSTPLR_A)
# What programs do is not what the sanitizers see.
$(B)/tests/thrift_glib_asan_test: $(patsubst %,$(GLIB_TESTS_OUT)/asan/%.o,$(filter-out program_test,$(GLIB_TESTS)) \
	$(patsubst $(TRANSPORT_GLIB)/src/%.c,transport/%,$(wildcard $(TRANSPORT_GLIB)/src/*.c)) stplr)
# For what of the library is not among them.
$(B)/tests/thrift_glib_asan_test: $(LIBSTPLR_A)
$(B)/tests/thrift_glib_asan_test: private LDFLAGS += $(GLIB_TESTS_SANITIZE)

$(B)/tests/thrift_glib_test $(B)/tests/thrift_glib_asan_test: $(GLIB_TESTS_GENERATED) $(GLIB_TESTS_SUPPORT) | \
		$(GLIB_EXAMPLES_PROGRAMS) $(DBUS_EXAMPLES) $(B)/bin/thrift-vector-player
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(TRANSPORT_GLIB_LIBS) -lgtest -lpthread

-include $(wildcard $(GLIB_TESTS_OUT)/*/*.d $(GLIB_TESTS_OUT)/asan/transport/*.d)
