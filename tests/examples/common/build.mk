# SPDX-License-Identifier: MIT
# What the clients in C have in common

EXAMPLES_COMMON_OBJECTS := $(patsubst tests/examples/common/%.c,$(B)/examples/common/%.o,$(wildcard tests/examples/common/*.c))

$(EXAMPLES_COMMON_OBJECTS): $(B)/examples/common/%.o: tests/examples/common/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) -pthread -MMD -MP -c -o $@ $<

-include $(EXAMPLES_COMMON_OBJECTS:.o=.d)
