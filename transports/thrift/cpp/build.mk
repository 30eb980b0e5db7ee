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

ALL += stplr-thrift

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

install-transport-cpp: stplr-thrift
	$(INSTALL) -d $(addprefix $(DESTDIR),$(libdir)/cmake/stplr-thrift $(pkgconfigdir) $(includedir)/stplr/thrift)
	$(INSTALL) -m 644 $(STAPLER_THRIFT_SO) $(STAPLER_THRIFT_A) $(DESTDIR)$(libdir)
	for link in $(notdir $(STAPLER_THRIFT_LINKS)); do \
		ln -sfn $(notdir $(STAPLER_THRIFT_SO)) $(DESTDIR)$(libdir)/$$link || exit; done
	$(INSTALL) -m 644 $(STAPLER_THRIFT_HEADERS) $(DESTDIR)$(includedir)/stplr/thrift
	for file in stplr-thrift.pc stplr-thrift-config.cmake stplr-thrift-config-version.cmake; do \
		case $$file in *.pc) folder=$(pkgconfigdir);; *) folder=$(libdir)/cmake/stplr-thrift;; esac; \
		sed -e '/^# SPDX/d' -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' \
			-e 's|@includedir@|$(includedir)|' -e 's|@version@|$(STPLR_VERSION)|' \
			transports/thrift/cpp/$$file.in > $(DESTDIR)$$folder/$$file && \
		chmod 644 $(DESTDIR)$$folder/$$file || exit; done
	[ -n "$(DESTDIR)" ] || ! [ -w /etc/ld.so.cache ] || ldconfig

uninstall-transport-cpp:
	rm -f $(addprefix $(DESTDIR)$(libdir)/,$(notdir $(STAPLER_THRIFT_SO) $(STAPLER_THRIFT_LINKS) $(STAPLER_THRIFT_A)))
	rm -f $(DESTDIR)$(pkgconfigdir)/stplr-thrift.pc $(addprefix $(DESTDIR)$(includedir)/stplr/thrift/,$(notdir $(STAPLER_THRIFT_HEADERS)))
	rm -rf $(DESTDIR)$(libdir)/cmake/stplr-thrift
	rmdir $(DESTDIR)$(includedir)/stplr/thrift $(DESTDIR)$(includedir)/stplr 2>/dev/null || true
	[ -n "$(DESTDIR)" ] || ! [ -w /etc/ld.so.cache ] || ldconfig

# What was installed must serve a program, by pkg-config and by CMake.
check-transport-cpp: libstplr stplr-thrift
	CXX='$(CXX)' MAKE='$(MAKE)' transports/thrift/cpp/check-install $(B)/thrift/installed

-include $(STAPLER_THRIFT_OBJECTS:.o=.d)
