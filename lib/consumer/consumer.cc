// SPDX-License-Identifier: MIT
// The same program in C++: names, linkage and types must serve both.
#include "consumer.c"
