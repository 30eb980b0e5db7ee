// SPDX-License-Identifier: MIT
// No test hangs for ever: one that takes longer than STPLR_TEST_TIMEOUT seconds (default 90) ends
// the program, with what every thread of it and of its children was doing.
#pragma once

#include <sys/types.h>

void watchdog_start();
void watchdog_add_child(pid_t pid);
void watchdog_remove_child(pid_t pid);

// STPLR_TEST_REPEAT, at least 1: how many times longer than usual the repeating tests run.
int test_repeat();
