// SPDX-License-Identifier: GPL-2.0
/* The tracepoints' code, once. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#define CREATE_TRACE_POINTS
#include "trace.h"
