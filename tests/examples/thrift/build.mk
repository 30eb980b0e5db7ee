# SPDX-License-Identifier: MIT
# The Thrift examples in C++: build/bin/thrift-SERVICE-server and -client

EXAMPLE_SERVICES := example ping calculator timer
EXAMPLE_GENERATED := $(EXAMPLE_SERVICES) example_types ping_types timer_types timer_constants
EXAMPLE_GEN := $(B)/examples/thrift/gen-cpp
EXAMPLE_LIB := $(B)/examples/thrift/libexamples.a
EXAMPLE_PROGRAMS := $(foreach service,$(EXAMPLE_SERVICES),$(addprefix $(B)/bin/thrift-$(service)-,server client))
EXAMPLE_SHARED := options server handlers rounds

ALL += examples-thrift

.PHONY: examples-thrift
examples-thrift: $(EXAMPLE_PROGRAMS)

# The compiler writes all files of a service at once, and those of what the service extends.
$(EXAMPLE_GEN)/.made: $(wildcard tests/examples/thrift/*.thrift)
	@mkdir -p $(@D)
	$(foreach service,$(EXAMPLE_SERVICES),$(THRIFT) -out $(@D) --gen cpp:no_skeleton tests/examples/thrift/$(service).thrift &&) touch $@

$(EXAMPLE_GENERATED:%=$(EXAMPLE_GEN)/%.cpp): $(EXAMPLE_GEN)/.made ;

$(B)/examples/thrift/%.o: $(EXAMPLE_GEN)/%.cpp
	$(CXX) -std=c++17 $(CXXFLAGS) -c -o $@ $<

$(B)/examples/thrift/%.o: tests/examples/thrift/cpp/%.cpp $(EXAMPLE_GEN)/.made
	$(CXX) -std=c++17 $(CPPFLAGS) -I transports/thrift/cpp -isystem $(EXAMPLE_GEN) $(CXXFLAGS) -pthread -MMD -MP -c -o $@ $<

$(EXAMPLE_LIB): $(patsubst %,$(B)/examples/thrift/%.o,$(EXAMPLE_GENERATED) $(EXAMPLE_SHARED))
	rm -f $@
	$(AR) rcs $@ $^

# A program's own code is SERVICE_server.cpp or SERVICE_client.cpp.
$(foreach program,$(EXAMPLE_PROGRAMS),$(eval $(program): \
	$(B)/examples/thrift/$(subst -,_,$(program:$(B)/bin/thrift-%=%)).o))

$(EXAMPLE_PROGRAMS): $(EXAMPLE_LIB) $(STAPLER_THRIFT_A) $(LIBSTPLR_A)
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(THRIFT_LIBS) -lpthread

.SECONDARY: $(EXAMPLE_GENERATED:%=$(EXAMPLE_GEN)/%.cpp)
-include $(wildcard $(B)/examples/thrift/*.d)
