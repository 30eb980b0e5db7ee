// SPDX-License-Identifier: MIT
// The same program in C++, beside the standard library.
#ifdef AFTER
#include "qnx.c"
#endif
#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>
#ifndef AFTER
#include "qnx.c"
#endif
