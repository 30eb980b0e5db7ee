# SPDX-License-Identifier: MIT
# The Thrift examples in Python: build/bin/thrift-python-SERVICE-server and -client, which run them from the checkout

PYTHON_EXAMPLES := tests/examples/thrift/python
PYTHON_EXAMPLES_GEN := $(B)/examples/thrift/gen-py
PYTHON_EXAMPLES_PROGRAMS := $(foreach service,example ping calculator timer,\
	$(addprefix $(B)/bin/thrift-python-$(service)-,server client))

ALL += examples-python

.PHONY: examples-python
examples-python: $(PYTHON_EXAMPLES_PROGRAMS)

# The compiler writes what a service extends, too.
$(PYTHON_EXAMPLES_GEN)/.made: $(wildcard tests/examples/thrift/*.thrift)
	@mkdir -p $(@D)
	$(foreach service,ping calculator timer,thrift -out $(@D) --gen py tests/examples/thrift/$(service).thrift &&) \
		thrift -out $(@D) --gen py tests/examples/thrift/example.thrift
	touch $@

$(PYTHON_EXAMPLES_PROGRAMS): $(PYTHON_EXAMPLES)/build.mk $(PYTHON_EXAMPLES_GEN)/.made | libstplr
	@mkdir -p $(@D)
	printf '#!/bin/sh\nexec env LD_LIBRARY_PATH=%s PYTHONPATH=%s PYTHONDONTWRITEBYTECODE=1 %s %s "$$@"\n' \
		"$(CURDIR)/$(B)/lib" "$(subst $() ,:,$(addprefix $(CURDIR)/,lib/python $(TRANSPORT_PYTHON) $(PYTHON_EXAMPLES_GEN)))" \
		"$(PYTHON)" "$(CURDIR)/$(PYTHON_EXAMPLES)/$(subst -,_,$(@:$(B)/bin/thrift-python-%=%)).py" > $@
	chmod +x $@
