// SPDX-License-Identifier: MIT
// The same program in C++: names, linkage and types must serve both.
#include "consumer.c"

// The structures that a call of the same name hides.
static_assert(sizeof(stplr::msg_send{}) == sizeof(struct stplr_msg_send), "");
