# SPDX-License-Identifier: MIT
# Installing on a system, or below DESTDIR for a package: the module for one kernel, the library (lib/build.mk), the
# udev rule; or the module's sources, for DKMS to build it for every kernel

udevrulesdir ?= $(prefix)/lib/udev/rules.d

.PHONY: install install-module install-udev uninstall uninstall-module uninstall-udev dkms-install dkms-remove

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

install: install-module install-lib install-udev ## install module, library, headers, man pages, udev rule (DESTDIR, prefix)

uninstall: uninstall-module uninstall-lib uninstall-udev ## remove what install put there (the module: for KVER, or every kernel)

# The kernel's own target compresses and signs as its configuration says; where the key is not here, as with a
# distribution's kernel, it would complain. Its depmod is left out, for it complains where System.map is elsewhere.
install-module: signing_key = $(shell sed -nE 's/^CONFIG_MODULE_SIG_KEY="?([^"]*)"?$$/\1/p' $(module_kdir)/include/config/auto.conf)
install-module: module
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

install-udev:
	$(INSTALL) -D -m 644 packaging/60-stplr.rules $(DESTDIR)$(udevrulesdir)/60-stplr.rules

uninstall-udev:
	rm -f $(DESTDIR)$(udevrulesdir)/60-stplr.rules

dkms-install: ## have DKMS build and install the module for the running kernel (or KVER), and for those to come
	packaging/dkms install $(KVER)

dkms-remove: ## remove the module and its sources from DKMS
	packaging/dkms remove
