// SPDX-License-Identifier: GPL-2.0
/* The same driver once more: another module, with a ring set of its own, beside the first. */
#include "echo.c"
