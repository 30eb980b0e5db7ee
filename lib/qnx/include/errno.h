/* SPDX-License-Identifier: MIT */
/* The system's <errno.h>, and what QNX's has beyond it. What both name has Linux's value. */
#pragma GCC system_header
#include_next <errno.h>

#ifndef EOK
#define EOK 0
#endif
/* The server's buffer is not its memory. */
#ifndef ESRVRFAULT
#define ESRVRFAULT 312
#endif
