# SPDX-License-Identifier: MIT
# The Python package's tests, tests/python/*_test.py, as one program: build/tests/python_test

# What runs the tests of a folder, FOLDER, with what of the checkout they import, PATH.
define python_test
@mkdir -p $(@D)
printf '#!/bin/sh\nexec env LD_LIBRARY_PATH=%s PYTHONPATH=%s PYTHONDONTWRITEBYTECODE=1 %s %s %s "$$@"\n' \
	"$(CURDIR)/$(B)/lib" "$(subst $() ,:,$(addprefix $(CURDIR)/,lib/python tests/python $(2)))" \
	"$(PYTHON)" "$(CURDIR)/tests/python/main.py" "$(CURDIR)/$(1)" > $@
chmod +x $@
endef

TESTS_BINS += $(B)/tests/python_test

$(B)/tests/python_test: tests/python/build.mk | libstplr
	$(call python_test,tests/python)
