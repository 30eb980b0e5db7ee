/* SPDX-License-Identifier: MIT */
/* The system's <fcntl.h>, where all files are large. */
#pragma GCC system_header
#include_next <fcntl.h>

#ifndef O_LARGEFILE
#define O_LARGEFILE 0
#endif
