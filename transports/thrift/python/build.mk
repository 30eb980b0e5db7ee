# SPDX-License-Identifier: MIT
# The Thrift transport for Python: nothing to build, and installing is copying

TRANSPORT_PYTHON := transports/thrift/python
TRANSPORT_PYTHON_FILES := $(wildcard $(TRANSPORT_PYTHON)/stplr_thrift/*.py $(TRANSPORT_PYTHON)/stplr_thrift/py.typed)

.PHONY: install-transport-python uninstall-transport-python

install-transport-python: ## the Thrift transport for Python, a package (pythondir)
	$(call install_python,$(TRANSPORT_PYTHON_FILES),stplr_thrift)

uninstall-transport-python:
	$(call remove_python,stplr_thrift)
