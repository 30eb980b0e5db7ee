# SPDX-License-Identifier: MIT
# QNX's programs: built by what an installation's pkg-config says of stplr-qnx, and by nothing else of this tree

QNX_PROGRAMS := $(patsubst tests/qnx/%.c,$(B)/tests/qnx/%,$(wildcard tests/qnx/*.c))
QNX_INSTALLED := $(CURDIR)/$(B)/tests/qnx/installed
TESTS_BINS += $(QNX_PROGRAMS)

$(QNX_INSTALLED)/.done: $(LIBSTPLR_SO) $(LIBSTPLR_LINKS) $(LIBSTPLR_A) $(LIBQNX_SO) $(LIBQNX_LINKS) $(LIBQNX_A) $(LIBFILES_SO) $(LIBFILES_LINKS) \
		$(LIBQNX_INCLUDES) lib/qnx/stplr-qnx.pc.in
	rm -rf $(@D)
	mkdir -p $(@D)
	$(MAKE) --no-print-directory -s install-lib DESTDIR= prefix=$(@D)
	touch $@

$(QNX_PROGRAMS): $(B)/tests/qnx/%: tests/qnx/%.c $(wildcard tests/qnx/*.h) $(QNX_INSTALLED)/.done
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -o $@ $< \
		$$(PKG_CONFIG_PATH=$(QNX_INSTALLED)/lib/pkgconfig pkg-config --cflags --libs stplr-qnx)

# They are run by their test, which is itself a program of QNX's calls.
$(B)/tests/qnx_test.o: private CPPFLAGS := -I lib/qnx/include $(CPPFLAGS)
$(B)/tests/qnx_test: $(B)/lib/libstplr-qnx.a | $(QNX_PROGRAMS)
$(B)/tests/resmgr_test: | $(QNX_PROGRAMS)
# It is a resource manager itself, and finds the file server's library beside it.
$(B)/tests/iofunc_test.o: private CPPFLAGS := -I lib/qnx/include $(CPPFLAGS)
$(B)/tests/iofunc_test: $(B)/lib/libstplr-qnx.a | $(B)/tests/libstplr-qnx-files.so.0
$(B)/tests/libstplr-qnx-files.so.0: $(LIBFILES_SO)
	@mkdir -p $(@D)
	ln -sfn ../lib/$(<F) $@
