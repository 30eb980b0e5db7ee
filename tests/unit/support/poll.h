// SPDX-License-Identifier: MIT
// What poll(2) tells of a descriptor.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

/** The events that are there now. */
inline int events(int fd, int wanted = POLLIN)
{
	pollfd one = {fd, short(wanted), 0};

	EXPECT_LE(0, ::poll(&one, 1, 0));
	return one.revents;
}

/**
 * The events that come. Without a time-out, at which poll() would look once more and find what it
 * was not woken for.
 */
inline long wait_events(int fd, int wanted = POLLIN)
{
	pollfd one = {fd, short(wanted), 0};

	return ::poll(&one, 1, -1) == 1 ? one.revents : 0;
}
