# SPDX-License-Identifier: MIT
# The Python package stplr on libstplr: there is nothing to build, and installing is copying

PYTHON ?= /usr/bin/python3
PYTHON_STPLR := $(wildcard lib/python/stplr/*.py lib/python/stplr/py.typed)

# Where Python looks for it: Debian's Python has places of its own.
ifeq ($(prefix),/usr)
pythondir ?= /usr/lib/python3/dist-packages
else
pythondir ?= $(prefix)/lib/python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')/$(if \
	$(wildcard /etc/debian_version),dist,site)-packages
endif

# What installs and removes a package (FILES, NAME); the compiled files come by its first use.
install_python = $(INSTALL) -D -m 644 -t $(DESTDIR)$(pythondir)/$(2) $(1)
remove_python = rm -rf $(DESTDIR)$(pythondir)/$(1)

.PHONY: install-python uninstall-python

install-python: ## the Python package stplr (pythondir)
	$(call install_python,$(PYTHON_STPLR),stplr)

uninstall-python:
	$(call remove_python,stplr)
