# SPDX-License-Identifier: MIT
# libstplr-thrift-c-glib: Thrift's transport over stplr for C/GLib; shared and static library, pkg-config and CMake
# package files, installing

TRANSPORT_GLIB := transports/thrift/c_glib
TRANSPORT_GLIB_SOVERSION := 0
TRANSPORT_GLIB_CFLAGS = $(shell pkg-config --cflags thrift_c_glib)
TRANSPORT_GLIB_LIBS = $(shell pkg-config --libs thrift_c_glib)
TRANSPORT_GLIB_INCLUDE := -I $(TRANSPORT_GLIB)/include
TRANSPORT_GLIB_HEADERS := $(wildcard $(TRANSPORT_GLIB)/include/thrift/c_glib/transport/*.h)
TRANSPORT_GLIB_OBJECTS := $(patsubst $(TRANSPORT_GLIB)/src/%.c,$(B)/transports/c_glib/%.o, \
	$(wildcard $(TRANSPORT_GLIB)/src/*.c))
TRANSPORT_GLIB_SO := $(B)/lib/libstplr-thrift-c-glib.so.$(STPLR_VERSION)
TRANSPORT_GLIB_LINKS := $(B)/lib/libstplr-thrift-c-glib.so.$(TRANSPORT_GLIB_SOVERSION) \
	$(B)/lib/libstplr-thrift-c-glib.so
TRANSPORT_GLIB_A := $(B)/lib/libstplr-thrift-c-glib.a

.PHONY: transport-c-glib install-transport-c-glib uninstall-transport-c-glib check-transport-c-glib

transport-c-glib: $(TRANSPORT_GLIB_SO) $(TRANSPORT_GLIB_LINKS) $(TRANSPORT_GLIB_A)

$(TRANSPORT_GLIB_OBJECTS): $(B)/transports/c_glib/%.o: $(TRANSPORT_GLIB)/src/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -DG_DISABLE_CAST_CHECKS $(CFLAGS) -fPIC $(CPPFLAGS) $(TRANSPORT_GLIB_INCLUDE) $(TRANSPORT_GLIB_CFLAGS) -MMD -MP -c -o $@ $<

$(TRANSPORT_GLIB_SO): $(TRANSPORT_GLIB_OBJECTS) $(TRANSPORT_GLIB)/exported.map | $(LIBSTPLR_LINKS)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libstplr-thrift-c-glib.so.$(TRANSPORT_GLIB_SOVERSION) \
		-Wl,--version-script=$(TRANSPORT_GLIB)/exported.map -Wl,-z,defs -o $@ $(filter %.o,$^) \
		-L $(B)/lib -lstplr $(TRANSPORT_GLIB_LIBS)

$(TRANSPORT_GLIB_LINKS): $(TRANSPORT_GLIB_SO)
	ln -sfn $(<F) $@

$(TRANSPORT_GLIB_A): $(TRANSPORT_GLIB_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

install-transport-c-glib: transport-c-glib ## the transport for Thrift in C/GLib
	$(call install_library,$(TRANSPORT_GLIB_SO),$(TRANSPORT_GLIB_LINKS),$(TRANSPORT_GLIB_A))
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(includedir)/thrift/c_glib/transport $(TRANSPORT_GLIB_HEADERS)
	$(call install_filled,$(TRANSPORT_GLIB)/stplr-thrift-c-glib.pc.in,$(pkgconfigdir)/stplr-thrift-c-glib.pc)
	$(call install_cmake,$(TRANSPORT_GLIB),stplr-thrift-c-glib)
	$(run_ldconfig)

uninstall-transport-c-glib:
	$(call remove_library,$(TRANSPORT_GLIB_SO),$(TRANSPORT_GLIB_LINKS),$(TRANSPORT_GLIB_A))
	rm -f $(DESTDIR)$(pkgconfigdir)/stplr-thrift-c-glib.pc
	rm -f $(addprefix $(DESTDIR)$(includedir)/thrift/c_glib/transport/,$(notdir $(TRANSPORT_GLIB_HEADERS)))
	rm -rf $(DESTDIR)$(cmakedir)/stplr-thrift-c-glib
	cd $(DESTDIR)$(includedir) 2>/dev/null && rmdir -p thrift/c_glib/transport 2>/dev/null || :
	$(run_ldconfig)

# What was installed must serve a program, by pkg-config and by CMake.
check-transport-c-glib: libstplr transport-c-glib
	CC='$(CC)' MAKE='$(MAKE)' $(TRANSPORT_GLIB)/check-install $(B)/transports/c_glib/installed

-include $(TRANSPORT_GLIB_OBJECTS:.o=.d)
