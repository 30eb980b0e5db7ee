# SPDX-License-Identifier: MIT
# The examples over D-Bus: dbus-SERVICE-server, dbus-SERVICE-client

DBUS_EXAMPLES := $(foreach service,example ping calculator timer,\
	$(B)/bin/dbus-$(service)-server $(B)/bin/dbus-$(service)-client)
DBUS_EXAMPLES_CFLAGS = $(shell pkg-config --cflags dbus-1)
DBUS_EXAMPLES_LIBS = $(shell pkg-config --libs dbus-1)
DBUS_EXAMPLES_OBJECTS := $(patsubst tests/examples/dbus/%.c,$(B)/examples/dbus/%.o,$(wildcard tests/examples/dbus/*.c))

ALL += examples-dbus

.PHONY: examples-dbus
examples-dbus: $(DBUS_EXAMPLES)

dbus_parts = $(patsubst %,$(B)/examples/dbus/%.o,$(1))
$(B)/bin/dbus-%-server: $(call dbus_parts,%_server server service bus)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(DBUS_EXAMPLES_LIBS)
$(B)/bin/dbus-%-client: $(call dbus_parts,%_client client service bus) $(B)/examples/common/measure.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pthread $(LDFLAGS) -o $@ $(filter %.o,$^) $(DBUS_EXAMPLES_LIBS)
$(B)/bin/dbus-ping-server $(B)/bin/dbus-ping-client: $(call dbus_parts,test_struct)
$(B)/bin/dbus-timer-server: $(call dbus_parts,timers)

$(DBUS_EXAMPLES_OBJECTS): $(B)/examples/dbus/%.o: tests/examples/dbus/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(DBUS_EXAMPLES_CFLAGS) -MMD -MP -c -o $@ $<

-include $(DBUS_EXAMPLES_OBJECTS:.o=.d)
