# SPDX-License-Identifier: MIT
# The Python transport's tests, tests/thrift/python/*_test.py, as one program: build/tests/thrift_python_test

PYTHON_THRIFT_GEN := $(B)/tests/thrift/gen-py

TESTS_BINS += $(B)/tests/thrift_python_test

$(PYTHON_THRIFT_GEN)/.made: tests/thrift/suite.thrift
	@mkdir -p $(@D)
	thrift -out $(@D) --gen py $<
	touch $@

# tests/python/build.mk, which is read later, says what runs them.
$(B)/tests/thrift_python_test: tests/thrift/python/build.mk $(PYTHON_THRIFT_GEN)/.made | \
		libstplr $(PYTHON_EXAMPLES_PROGRAMS) $(EXAMPLE_PROGRAMS) $(GLIB_EXAMPLES_PROGRAMS)
	$(call python_test,tests/thrift/python,$(TRANSPORT_PYTHON) $(PYTHON_THRIFT_GEN))
