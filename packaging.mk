# SPDX-License-Identifier: MIT
# Distributions' packages: debian/, packaging/rpm, packaging/arch

.PHONY: packages-deb test-packages

# In a copy: building a package begins with cleaning.
packages-deb: ## Debian packages, below build/packages
	rm -rf $(B)/packages
	tools/tree source $(B)/packages/stplr
	cd $(B)/packages/stplr && dpkg-buildpackage -us -uc -b

test-packages: ## Debian packages on bare Debian 12 and 13: built, installed, used, upgraded, removed (as root; SUITES=)
	@tools/packages build check
	@tests/packages/run $(SUITES)
