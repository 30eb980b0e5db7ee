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

ALL += transport-c-glib

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

install-transport-c-glib: transport-c-glib
	$(INSTALL) -d $(addprefix $(DESTDIR),$(libdir)/cmake/stplr-thrift-c-glib $(pkgconfigdir) \
		$(includedir)/thrift/c_glib/transport)
	$(INSTALL) -m 644 $(TRANSPORT_GLIB_SO) $(TRANSPORT_GLIB_A) $(DESTDIR)$(libdir)
	for link in $(notdir $(TRANSPORT_GLIB_LINKS)); do \
		ln -sfn $(notdir $(TRANSPORT_GLIB_SO)) $(DESTDIR)$(libdir)/$$link || exit; done
	$(INSTALL) -m 644 $(TRANSPORT_GLIB_HEADERS) $(DESTDIR)$(includedir)/thrift/c_glib/transport
	for file in stplr-thrift-c-glib.pc stplr-thrift-c-glib-config.cmake stplr-thrift-c-glib-config-version.cmake; do \
		case $$file in *.pc) folder=$(pkgconfigdir);; *) folder=$(libdir)/cmake/stplr-thrift-c-glib;; esac; \
		sed -e '/^# SPDX/d' -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' \
			-e 's|@includedir@|$(includedir)|' -e 's|@version@|$(STPLR_VERSION)|' \
			$(TRANSPORT_GLIB)/$$file.in > $(DESTDIR)$$folder/$$file && \
		chmod 644 $(DESTDIR)$$folder/$$file || exit; done
	[ -n "$(DESTDIR)" ] || ! [ -w /etc/ld.so.cache ] || ldconfig

uninstall-transport-c-glib:
	rm -f $(addprefix $(DESTDIR)$(libdir)/,$(notdir $(TRANSPORT_GLIB_SO) $(TRANSPORT_GLIB_LINKS) $(TRANSPORT_GLIB_A)))
	rm -f $(DESTDIR)$(pkgconfigdir)/stplr-thrift-c-glib.pc
	rm -rf $(DESTDIR)$(libdir)/cmake/stplr-thrift-c-glib
	rm -f $(addprefix $(DESTDIR)$(includedir)/thrift/c_glib/transport/,$(notdir $(TRANSPORT_GLIB_HEADERS)))
	cd $(DESTDIR)$(includedir) && rmdir -p thrift/c_glib/transport 2>/dev/null || true
	[ -n "$(DESTDIR)" ] || ! [ -w /etc/ld.so.cache ] || ldconfig

# What was installed must serve a program, by pkg-config and by CMake.
check-transport-c-glib: libstplr transport-c-glib
	CC='$(CC)' MAKE='$(MAKE)' $(TRANSPORT_GLIB)/check-install $(B)/transports/c_glib/installed

-include $(TRANSPORT_GLIB_OBJECTS:.o=.d)
