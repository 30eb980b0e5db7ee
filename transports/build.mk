# SPDX-License-Identifier: MIT
# The RPC transports and their examples and tests: for each runtime that is installed (make packages), on this
# machine's own processor

include transports/thrift/cpp/build.mk transports/thrift/c_glib/build.mk transports/thrift/python/build.mk

ifeq ($(CROSS_COMPILE),)
runtimes := $(shell for runtime in dbus-1 $$(command -v thrift >/dev/null && echo thrift thrift_c_glib); do \
	pkg-config --exists $$runtime && echo $$runtime; done 2>/dev/null)
ifneq ($(filter thrift,$(runtimes)),)
ALL += stplr-thrift
TRANSPORTS += cpp
include tests/examples/thrift/build.mk
endif
ifneq ($(filter dbus-1,$(runtimes)),)
include tests/examples/common/build.mk tests/examples/dbus/build.mk
ifneq ($(filter thrift_c_glib,$(runtimes)),)
ALL += transport-c-glib
TRANSPORTS += c-glib
include tests/examples/thrift/c_glib/build.mk
include tests/thrift/c_glib/build.mk
endif
endif
ifneq ($(EXAMPLE_PROGRAMS),)
include tests/thrift/build.mk
endif
ifneq ($(shell command -v thrift >/dev/null && $(PYTHON) -c 'import thrift' 2>/dev/null && echo there),)
TRANSPORTS += python
include tests/examples/thrift/python/build.mk tests/thrift/python/build.mk
endif
endif
