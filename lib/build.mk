# SPDX-License-Identifier: MIT
# libstplr: shared and static library, pkg-config file, installing, checks of what is installed

B ?= build
prefix ?= /usr/local
exec_prefix ?= $(prefix)
libdir ?= $(exec_prefix)/lib
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man
pkgconfigdir ?= $(libdir)/pkgconfig
cmakedir ?= $(libdir)/cmake
INSTALL ?= install

# The library's release is the module's; the other number changes only when programs must be built anew.
LIBSTPLR_VERSION := $(STPLR_VERSION)
LIBSTPLR_SOVERSION := 0

LIBSTPLR_SO := $(B)/lib/libstplr.so.$(LIBSTPLR_VERSION)
LIBSTPLR_LINKS := $(B)/lib/libstplr.so.$(LIBSTPLR_SOVERSION) $(B)/lib/libstplr.so
LIBSTPLR_A := $(B)/lib/libstplr.a
LIBSTPLR_OBJECTS := $(patsubst lib/%.c,$(B)/lib/%.o,$(wildcard lib/*.c))
LIBSTPLR_HEADERS := lib/stplr.h lib/stplr_ring.h include/uapi/linux/stplr.h include/uapi/linux/stplr_ring.h
LIBSTPLR_MAN := $(wildcard lib/man/man[0-9]/*.[0-9])

ALL += libstplr

.PHONY: libstplr install-lib uninstall-lib check-lib check-man

libstplr: $(LIBSTPLR_SO) $(LIBSTPLR_LINKS) $(LIBSTPLR_A)

include lib/qnx/build.mk lib/python/build.mk

$(LIBSTPLR_OBJECTS): $(B)/lib/%.o: lib/%.c $(LIBSTPLR_HEADERS) lib/name.h
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CFLAGS) -fPIC -I include/uapi -I lib $(CPPFLAGS) -c -o $@ $<

$(LIBSTPLR_SO): $(LIBSTPLR_OBJECTS) lib/stplr.map
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libstplr.so.$(LIBSTPLR_SOVERSION) \
		-Wl,--version-script=lib/stplr.map -Wl,-z,defs -o $@ $(LIBSTPLR_OBJECTS)

$(LIBSTPLR_LINKS): $(LIBSTPLR_SO)
	ln -sfn $(<F) $@

$(LIBSTPLR_A): $(LIBSTPLR_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

install-lib: libstplr ## libraries, headers, man pages
	$(call install_library,$(LIBSTPLR_SO),$(LIBSTPLR_LINKS),$(LIBSTPLR_A))
	$(call install_library,$(LIBQNX_SO),$(LIBQNX_LINKS),$(LIBQNX_A))
	$(if $(LIBFILES_SO),$(call install_library,$(LIBFILES_SO),$(LIBFILES_LINKS)))
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(includedir) lib/stplr.h lib/stplr_ring.h
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(includedir)/linux include/uapi/linux/stplr.h \
		include/uapi/linux/stplr_ring.h
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(includedir)/stplr-kernel/linux include/linux/stplr_kernel.h \
		include/linux/stplr_ring.h include/linux/stplr_id.h
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(includedir)/stplr-kernel/uapi/linux include/uapi/linux/stplr.h \
		include/uapi/linux/stplr_ring.h
	for header in $(LIBQNX_INCLUDES:lib/qnx/include/%=%); do \
		$(INSTALL) -D -m 644 lib/qnx/include/$$header $(DESTDIR)$(includedir)/stplr-qnx/$$header || exit; done
	$(call install_filled,lib/stplr.pc.in,$(pkgconfigdir)/stplr.pc)
	$(call install_filled,lib/qnx/stplr-qnx.pc.in,$(pkgconfigdir)/stplr-qnx.pc)
	$(call install_cmake,lib,stplr)
	for page in $(LIBSTPLR_MAN); do \
		$(INSTALL) -D -m 644 -t $(DESTDIR)$(mandir)/$$(basename $$(dirname $$page)) $$page || exit; done
	$(run_ldconfig)

uninstall-lib:
	$(call remove_library,$(LIBSTPLR_SO),$(LIBSTPLR_LINKS),$(LIBSTPLR_A))
	$(call remove_library,$(LIBQNX_SO),$(LIBQNX_LINKS),$(LIBQNX_A))
	rm -f $(DESTDIR)$(libdir)/libstplr-qnx-files.so.*
	rm -f $(DESTDIR)$(pkgconfigdir)/stplr.pc $(DESTDIR)$(pkgconfigdir)/stplr-qnx.pc
	rm -rf $(addprefix $(DESTDIR),$(includedir)/stplr-qnx $(includedir)/stplr-kernel $(cmakedir)/stplr)
	rm -f $(addprefix $(DESTDIR)$(includedir)/,stplr.h stplr_ring.h linux/stplr.h linux/stplr_ring.h)
	rm -f $(patsubst lib/man/%,$(DESTDIR)$(mandir)/%,$(LIBSTPLR_MAN))
	$(run_ldconfig)

# What was installed must serve a C and a C++ program, the README's own examples among them. What needs no module of
# rings is tested here, too, and under ThreadSanitizer (tests/ring/).
check-lib: libstplr
	for program in $(RING_MEMORY_TESTS); do $$program --gtest_brief=1 || exit; done
	CC='$(CC)' CXX='$(CXX)' MAKE='$(MAKE)' lib/check-install $(B)/lib/installed

check-man:
	lib/check-man $(LIBSTPLR_MAN)
