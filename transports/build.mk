# SPDX-License-Identifier: MIT
# The RPC transports and their examples and tests: for each runtime that is installed (tools/packages build), on this
# machine's own processor

ifeq ($(CROSS_COMPILE),)
ifeq ($(shell pkg-config --exists thrift && command -v thrift >/dev/null && echo yes),yes)
include transports/thrift/cpp/build.mk tests/examples/thrift/build.mk
endif
ifeq ($(shell pkg-config --exists dbus-1 && echo yes),yes)
include tests/examples/common/build.mk tests/examples/dbus/build.mk
ifeq ($(shell pkg-config --exists thrift_c_glib && command -v thrift >/dev/null && echo yes),yes)
include transports/thrift/c_glib/build.mk tests/examples/thrift/c_glib/build.mk
include tests/thrift/c_glib/build.mk
endif
endif
ifneq ($(EXAMPLE_PROGRAMS),)
include tests/thrift/build.mk
endif
endif
