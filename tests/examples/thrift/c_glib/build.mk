# SPDX-License-Identifier: MIT
# The examples by Thrift's C/GLib library: thrift-glib-SERVICE-server, thrift-glib-SERVICE-client

GLIB_EXAMPLES := tests/examples/thrift/c_glib
GLIB_EXAMPLES_SERVICES := example ping calculator timer
GLIB_EXAMPLES_OUT := $(B)/examples/c_glib
GLIB_EXAMPLES_GEN := $(GLIB_EXAMPLES_OUT)/gen
GLIB_EXAMPLES_PROGRAMS := $(foreach service,$(GLIB_EXAMPLES_SERVICES),\
	$(B)/bin/thrift-glib-$(service)-server $(B)/bin/thrift-glib-$(service)-client)
GLIB_EXAMPLES_OBJECTS := $(patsubst $(GLIB_EXAMPLES)/%.c,$(GLIB_EXAMPLES_OUT)/%.o,$(wildcard $(GLIB_EXAMPLES)/*.c))
GLIB_EXAMPLES_GENERATED := $(foreach service,$(GLIB_EXAMPLES_SERVICES),\
	$(GLIB_EXAMPLES_GEN)/$(service).o $(GLIB_EXAMPLES_GEN)/$(service)_types.o)

ALL += examples-c-glib

.PHONY: examples-c-glib
examples-c-glib: $(GLIB_EXAMPLES_PROGRAMS)

# The program's own file and the service's own code; of example, which each service extends, once.
glib_parts = $(patsubst %,$(GLIB_EXAMPLES_OUT)/%.o,$(1) $(sort $(patsubst %,gen/%,example example_types $(2) $(2)_types)))
$(foreach service,$(GLIB_EXAMPLES_SERVICES),\
	$(eval $(B)/bin/thrift-glib-$(service)-server: $(call glib_parts,$(service)_server server,$(service)))\
	$(eval $(B)/bin/thrift-glib-$(service)-client: $(call glib_parts,$(service)_client client,$(service)) \
		$(B)/examples/common/measure.o))

$(GLIB_EXAMPLES_PROGRAMS): $(TRANSPORT_GLIB_A) $(LIBSTPLR_A)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pthread $(LDFLAGS) -o $@ $(filter %.o,$^) $(TRANSPORT_GLIB_A) $(LIBSTPLR_A) $(TRANSPORT_GLIB_LIBS)

$(GLIB_EXAMPLES_GEN)/.made: $(wildcard tests/examples/thrift/*.thrift)
	@mkdir -p $(@D)
	for idl in $^; do thrift --gen c_glib -out $(@D) $$idl || exit; done
	touch $@

$(GLIB_EXAMPLES_GENERATED:.o=.c): $(GLIB_EXAMPLES_GEN)/.made

# The compiler of Thrift leaves variables unused.
$(GLIB_EXAMPLES_GENERATED): %.o: %.c
	$(CC) -std=gnu11 -DG_DISABLE_CAST_CHECKS $(CFLAGS) -w $(TRANSPORT_GLIB_CFLAGS) -c -o $@ $<

$(GLIB_EXAMPLES_OBJECTS): $(GLIB_EXAMPLES_OUT)/%.o: $(GLIB_EXAMPLES)/%.c | $(GLIB_EXAMPLES_GEN)/.made
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -DG_DISABLE_CAST_CHECKS $(CFLAGS) -pthread $(TRANSPORT_GLIB_INCLUDE) -I $(GLIB_EXAMPLES_OUT) \
		$(TRANSPORT_GLIB_CFLAGS) -MMD -MP -c -o $@ $<

-include $(GLIB_EXAMPLES_OBJECTS:.o=.d)
