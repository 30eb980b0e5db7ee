# SPDX-License-Identifier: MIT
# Installing on a system, or below DESTDIR for a package: the module for one kernel, the library (lib/build.mk) and Python's package, the
# transports that are built here (transports/), the udev rule, the documents; or the module's sources, for DKMS to build
# it for every kernel

udevrulesdir ?= $(prefix)/lib/udev/rules.d
docdir ?= $(prefix)/share/doc/stplr

.PHONY: install install-module install-udev install-doc uninstall uninstall-module uninstall-udev uninstall-doc \
	dkms-install dkms-remove

# Who may not write there hears of it before anything is built.
installing := $(filter install install-% uninstall uninstall-%,$(MAKECMDGOALS))
places := $(if $(filter install uninstall %-module,$(installing)),$(DESTDIR)/lib/modules) \
	$(if $(filter-out %-module,$(installing)),$(DESTDIR)$(prefix))
refused := $(if $(installing),$(shell for place in $(places); do \
	while [ ! -e "$$place" ]; do place=$$(dirname "$$place"); done; [ -w "$$place" ] || echo "$$place"; done))
ifneq ($(refused),)
$(error you may not write in $(refused): sudo make $(MAKECMDGOALS))
endif

# What installs and removes a library with its links (SO, LINKS, A), a file that tells where things are (FROM, TO), a
# CMake package (its NAME-config.cmake.in's folder, NAME)
install_library = $(INSTALL) -D -m 644 -t $(DESTDIR)$(libdir) $(1) $(3) && for link in $(notdir $(2)); do \
	ln -sfn $(notdir $(1)) $(DESTDIR)$(libdir)/$$link || exit; done
remove_library = rm -f $(addprefix $(DESTDIR)$(libdir)/,$(notdir $(1) $(2) $(3)))
install_filled = $(INSTALL) -d $(DESTDIR)$(dir $(2)) && sed -e '/^\# SPDX/d' -e 's|@prefix@|$(prefix)|' \
	-e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' -e 's|@version@|$(STPLR_VERSION)|' \
	$(1) > $(DESTDIR)$(2) && chmod 644 $(DESTDIR)$(2)
install_cmake = $(call install_filled,$(1)/$(2)-config.cmake.in,$(cmakedir)/$(2)/$(2)-config.cmake) && \
	$(call install_filled,lib/config-version.cmake.in,$(cmakedir)/$(2)/$(2)-config-version.cmake)
run_ldconfig = [ -n "$(DESTDIR)" ] || ! [ -w /etc/ld.so.cache ] || PATH=$$PATH:/usr/sbin:/sbin ldconfig

# Whoever names no kernel means the running one if its build folder is here.
kernel_named := $(KVER)$(KDIR)
ifeq ($(kernel_named),)
running := $(shell uname -r)
ifneq ($(wildcard /lib/modules/$(running)/build/Makefile),)
KVER := $(running)
KDIR := /lib/modules/$(running)/build
endif
endif

# The kernel's build knows CROSS_COMPILE by itself.
ifneq ($(CROSS_COMPILE),)
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
endif

install: install-module install-lib $(if $(shell command -v $(PYTHON)),install-python) $(TRANSPORTS:%=install-transport-%) install-udev install-doc ## install all that is built (KVER, DESTDIR, prefix); or a part:

# Of the transports all, for what is built here may be less than it was.
uninstall: uninstall-module uninstall-lib uninstall-python uninstall-transport-cpp uninstall-transport-c-glib uninstall-transport-python uninstall-udev uninstall-doc ## remove all that an install-... put there (the module: for KVER, or every kernel)

# The kernel's own target compresses and signs as its configuration says; where the key is not here, as with a
# distribution's kernel, it would complain. Its depmod is left out, for it complains where System.map is elsewhere.
install-module: signing_key = $(shell sed -nE 's/^CONFIG_MODULE_SIG_KEY="?([^"]*)"?$$/\1/p' $(module_kdir)/include/config/auto.conf)
install-module: module ## the module
	@[ -n "$(DESTDIR)" ] || ! ls /lib/modules/$(module_release)/updates/dkms/stplr.ko* 2>/dev/null || \
		{ echo "DKMS has installed the module for $(module_release): make dkms-remove first" >&2; exit 1; }
	$(MAKE) -C $(module_kdir) M=$(CURDIR)/$(module_folder) INSTALL_MOD_PATH=$(abspath $(DESTDIR)) \
		INSTALL_MOD_DIR=updates cmd_depmod=true \
		$(if $(wildcard $(addprefix $(module_kdir)/,$(signing_key)) $(filter /%,$(signing_key))),,CONFIG_MODULE_SIG_ALL=) \
		modules_install
	$(if $(DESTDIR),,PATH=$$PATH:/usr/sbin:/sbin depmod $(module_release))

uninstall-module: updates = $(DESTDIR)/lib/modules/$(if $(kernel_named),$(module_release),*)/updates
uninstall-module: files = $(wildcard $(addprefix $(updates)/,stplr.ko stplr.ko.gz stplr.ko.xz stplr.ko.zst))
uninstall-module:
	rm -f $(files)
	$(if $(DESTDIR),,for release in $(files:/lib/modules/%/updates/$(notdir $(firstword $(files)))=%); do \
		PATH=$$PATH:/usr/sbin:/sbin depmod $$release || exit; done)

install-udev: ## the rule that says who may open the devices
	$(INSTALL) -D -m 644 packaging/60-stplr.rules $(DESTDIR)$(udevrulesdir)/60-stplr.rules

uninstall-udev:
	rm -f $(DESTDIR)$(udevrulesdir)/60-stplr.rules

install-doc: ## README, documents, licences
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(docdir) $(wildcard *.md COPYING)
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(docdir)/docs docs/*
	$(INSTALL) -D -m 644 -t $(DESTDIR)$(docdir)/LICENSES LICENSES/*

uninstall-doc:
	rm -rf $(DESTDIR)$(docdir)

dkms-install: ## have DKMS build and install the module for the running kernel (or KVER), and for those to come
	packaging/dkms install $(KVER)

dkms-remove: ## remove the module and its sources from DKMS
	packaging/dkms remove
