# SPDX-License-Identifier: MIT
# Mutants (tests/mutants/README.md)

.PHONY: mutants
mutants: ## is each lock, reference, bound, wake-up and check of the module missed by a test? Hours
	@tests/mutants/run $(if $(JOBS),--jobs $(JOBS)) $(NAMES)
