# SPDX-License-Identifier: MIT
# libstplr-thrift: the transport for Thrift's C++ library, shared and static, and its installation

STAPLER_THRIFT_SOVERSION := 0
STAPLER_THRIFT_SO := $(B)/lib/libstplr-thrift.so.$(STPLR_VERSION)
STAPLER_THRIFT_LINKS := $(B)/lib/libstplr-thrift.so.$(STAPLER_THRIFT_SOVERSION) $(B)/lib/libstplr-thrift.so
STAPLER_THRIFT_A := $(B)/lib/libstplr-thrift.a
STAPLER_THRIFT_HEADERS := $(wildcard transports/thrift/cpp/stplr/thrift/*.h)
STAPLER_THRIFT_OBJECTS := $(patsubst transports/thrift/cpp/src/%.cpp,$(B)/thrift/cpp/%.o,$(wildcard transports/thrift/cpp/src/*.cpp))
THRIFT ?= thrift
THRIFT_LIBS := -lthrift

.PHONY: stplr-thrift install-transport-cpp uninstall-transport-cpp check-transport-cpp

stplr-thrift: $(STAPLER_THRIFT_SO) $(STAPLER_THRIFT_LINKS) $(STAPLER_THRIFT_A)

$(B)/thrift/cpp/%.o: transports/thrift/cpp/src/%.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CPPFLAGS) -I transports/thrift/cpp $(CXXFLAGS) -fPIC -pthread -MMD -MP -c -o $@ $<

$(STAPLER_THRIFT_SO): $(STAPLER_THRIFT_OBJECTS) $(B)/lib/libstplr.so
	$(CXX) $(CXXFLAGS) $(LDFLAGS) -shared -Wl,-soname,libstplr-thrift.so.$(STAPLER_THRIFT_SOVERSION) -Wl,-z,defs \
		-o $@ $(filter %.o,$^) -L $(B)/lib -lstplr $(THRIFT_LIBS) -lpthread

$(STAPLER_THRIFT_LINKS): $(STAPLER_THRIFT_SO)
	ln -sfn $(<F) $@

$(STAPLER_THRIFT_A): $(STAPLER_THRIFT_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

install-transport-cpp: stplr-thrift ## the transport for Thrift in C++
	$(call install_library,$(STAPLER_THRIFT_SO),$(STAPLER_THRIFT_LINKS),$(STAPLER_THRIFT_A))
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(includedir)/stplr/thrift $(STAPLER_THRIFT_HEADERS)
	$(call install_filled,transports/thrift/cpp/stplr-thrift.pc.in,$(pkgconfigdir)/stplr-thrift.pc)
	$(call install_cmake,transports/thrift/cpp,stplr-thrift)
	$(run_ldconfig)

uninstall-transport-cpp:
	$(call remove_library,$(STAPLER_THRIFT_SO),$(STAPLER_THRIFT_LINKS),$(STAPLER_THRIFT_A))
	rm -f $(DESTDIR)$(pkgconfigdir)/stplr-thrift.pc
	rm -rf $(DESTDIR)$(cmakedir)/stplr-thrift $(DESTDIR)$(includedir)/stplr
	$(run_ldconfig)

# What was installed must serve a program, by pkg-config and by CMake.
check-transport-cpp: libstplr stplr-thrift
	CXX='$(CXX)' MAKE='$(MAKE)' transports/thrift/cpp/check-install $(B)/thrift/installed

-include $(STAPLER_THRIFT_OBJECTS:.o=.d)
