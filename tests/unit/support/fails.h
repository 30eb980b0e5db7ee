// SPDX-License-Identifier: MIT
// Calls that are to fail
#pragma once

#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>

// -1, and that errno.
#define EXPECT_FAILS(expected, call)                                                               \
	do {                                                                                       \
		errno = 0;                                                                         \
		EXPECT_EQ(-1, (call));                                                             \
		EXPECT_EQ(expected, errno) << strerror(errno);                                     \
	} while (0)
