# SPDX-License-Identifier: MIT
# libstplr-qnx: QNX's calls on libstplr's, which is linked into it; 64-bit only

LIBQNX_SO := $(B)/lib/libstplr-qnx.so.$(LIBSTPLR_VERSION)
LIBQNX_LINKS := $(B)/lib/libstplr-qnx.so.$(LIBSTPLR_SOVERSION) $(B)/lib/libstplr-qnx.so
LIBQNX_A := $(B)/lib/libstplr-qnx.a
LIBQNX_OBJECTS := $(patsubst lib/qnx/%.c,$(B)/lib/qnx/%.o,$(wildcard lib/qnx/*.c))
LIBQNX_INCLUDES := $(shell find lib/qnx/include -name '*.h')

# Cancelling a thread runs the clean-up of the library's functions that it is in: -fexceptions.
$(LIBQNX_OBJECTS): $(B)/lib/qnx/%.o: lib/qnx/%.c $(LIBQNX_INCLUDES) $(wildcard lib/qnx/*.h) $(LIBSTPLR_HEADERS)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) -fPIC -fexceptions -I lib/qnx/include -I include/uapi -I lib $(CPPFLAGS) \
		-c -o $@ $<

$(LIBQNX_SO): $(LIBQNX_OBJECTS) $(LIBSTPLR_OBJECTS) lib/qnx/stplr-qnx.map
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -pthread -Wl,-soname,libstplr-qnx.so.$(LIBSTPLR_SOVERSION) \
		-Wl,--version-script=lib/qnx/stplr-qnx.map -Wl,-z,defs -o $@ $(filter %.o,$^)

$(LIBQNX_LINKS): $(LIBQNX_SO)
	ln -sfn $(<F) $@

$(LIBQNX_A): $(LIBQNX_OBJECTS) $(LIBSTPLR_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

# The file server, which libstplr-qnx loads when a program serves files: it alone needs libfuse3.
ifneq ($(shell pkg-config --exists 'fuse3 >= 3.2' 2>/dev/null && echo found),)
LIBFILES_SO := $(B)/lib/libstplr-qnx-files.so.$(LIBSTPLR_VERSION)
LIBFILES_LINKS := $(B)/lib/libstplr-qnx-files.so.$(LIBSTPLR_SOVERSION)
endif
LIBFILES_OBJECTS := $(patsubst lib/qnx/files/%.c,$(B)/lib/qnx/files/%.o,$(wildcard lib/qnx/files/*.c))

$(LIBFILES_OBJECTS): $(B)/lib/qnx/files/%.o: lib/qnx/files/%.c $(LIBQNX_INCLUDES) $(wildcard lib/qnx/*.h lib/qnx/files/*.h)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(CFLAGS) -fPIC -I lib/qnx/include -I lib/qnx -I lib/qnx/files -DFUSE_USE_VERSION=35 $(CPPFLAGS) \
		$$(pkg-config --cflags fuse3) -c -o $@ $<

$(LIBFILES_SO): $(LIBFILES_OBJECTS) lib/qnx/files/files.map
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -pthread -Wl,-soname,libstplr-qnx-files.so.$(LIBSTPLR_SOVERSION) \
		-Wl,--version-script=lib/qnx/files/files.map -Wl,-z,defs -o $@ $(filter %.o,$^) $$(pkg-config --libs fuse3)

$(LIBFILES_LINKS): $(LIBFILES_SO)
	ln -sfn $(<F) $@

libstplr: $(LIBQNX_SO) $(LIBQNX_LINKS) $(LIBQNX_A) $(LIBFILES_SO) $(LIBFILES_LINKS)
