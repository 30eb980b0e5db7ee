# SPDX-License-Identifier: MIT
#
# Everything built goes below build/. Each folder's build.mk says how its part is built and adds it to ALL.

comma := ,
ifneq ($(words $(subst :, ,$(subst $(comma), ,$(CURDIR)))),1)
$(error make and the kernel's build cannot work in a folder with a space, comma or colon in its path: $(CURDIR))
endif

B := build
CFLAGS ?= -O2 -g -Wall -Wextra
CXXFLAGS ?= -O2 -g -Wall -Wextra
CPPFLAGS += -I include/uapi -I lib
ALL := module
STPLR_VERSION := $(shell sed -n 's/^.define STPLR_MODULE_VERSION "\(.*\)"/\1/p' stplr/version.h)

all: ## the module, the library, the programs (default)

include lib/build.mk tests/build.mk transports/build.mk bench/build.mk install.mk packaging.mk

.PHONY: all module test-modules tests demo check check-full check-fresh test lint bench compare packages dist clean help
.DELETE_ON_ERROR:

all: $(ALL)

# The kernel to build the module for: KVER is a release, how one begins, or debug (see tools/kernels --help);
# KDIR is a kernel's build folder. Where there is none, only the module's own rule has something to say about it.
ifeq ($(KDIR),)
kernel := $(shell tools/kernels show $(KVER) 2>/dev/null)
module_release := $(firstword $(kernel))
module_kdir := $(word 4,$(kernel))
else
module_release := $(or $(KVER),$(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h))
module_kdir := $(KDIR)
endif
module_folder := $(B)/module/$(module_release)

no_headers = echo "$(module_kdir) has no headers: install linux-headers-$(module_release)" >&2

module: $(module_folder)/stplr.ko ## the module, for KVER or KDIR (default: the distribution's kernel)

# Built in a copy made of links, so that several kernels' builds stand side by side.
$(module_folder)/stplr.ko: Kbuild $(shell find stplr include -name '*.[ch]') \
		$(wildcard $(module_kdir)/.config $(module_kdir)/Module.symvers)
	@[ -e "$(module_kdir)/Makefile" ] || { $(if $(module_kdir),$(no_headers),tools/kernels show $(KVER)); false; }
	@mkdir -p $(@D)
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/stplr $(CURDIR)/include $(@D)
	@find $(@D) -xtype l -delete
	$(MAKE) -C $(module_kdir) M=$(CURDIR)/$(@D) modules
	@touch $@

test_module := $(module_folder)/tests/stplr_pulser.ko
test-modules: $(test_module) ## modules for tests only, for KVER or KDIR

$(test_module): $(wildcard tests/module/*) $(wildcard include/linux/*) $(module_folder)/stplr.ko
	@mkdir -p $(@D)
	@cp -rsf $(CURDIR)/tests/module/. $(CURDIR)/include $(@D)
	@rm -f $(@D)/Module.symvers # or they would keep the versions of stplr's symbols that they were linked for
	$(MAKE) -C $(module_kdir) M=$(CURDIR)/$(@D) \
		KBUILD_EXTRA_SYMBOLS=$(CURDIR)/$(module_folder)/Module.symvers modules
	@touch $@

demo: ## a server and its clients on a real file, and the round trips' table, in a VM (HOST=1: in this kernel)
	@tools/packages build
	@tools/demo $(if $(HOST),--host)

check: ## build for every kernel, run all tests in VMs
	@tools/packages build check
	@tools/check $(KERNELS)

test: check ## the same as check

check-full: ## check, then repeatedly under load, installing, DKMS, and the benchmark's bars: hours
	@tools/packages build check
	@tools/check --full $(KERNELS)

check-fresh: ## demo and check on a bare Debian 12 and 13, as a newcomer runs them (as root): hours
	@tools/packages build check
	@tests/fresh/run --full

lint: ## the checkers of style: of the module, the programs, the scripts, the man pages, the spelling
	@tools/packages build lint
	@tools/lint

bench: ## the benchmark's table, in a VM whose clock counts instructions (HOST=1: all that processors tell, in this kernel)
	@tools/packages build $(if $(HOST),compare)
	@tools/bench $(if $(HOST),--host)

compare: ## a call over D-Bus, Thrift's sockets and stplr: table and plot, in a VM (HOST=1: in this kernel; CHECK=1: bars)
	@tools/packages build compare
	@tools/compare $(if $(HOST),--host) $(if $(CHECK),--check) $(if $(COUNT),--count $(COUNT))

tests: $(TESTS_BINS) ## the tests' programs

packages: ## install what the build, the checks and the checkers need (as root)
	@tools/packages build check lint compare

dist: ## the sources, as they are committed, in build/stplr-VERSION.tar.gz, and their digest
	@tools/release --tarball HEAD $(B)

clean: ## remove all that was built
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-24s  %s\n", $$1, $$2 }' \
		Makefile $(filter tests/%.mk,$(MAKEFILE_LIST)) install.mk packaging.mk $(filter lib/%.mk transports/%.mk,$(MAKEFILE_LIST))
