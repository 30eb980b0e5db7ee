/* SPDX-License-Identifier: MIT */
/* The system's <unistd.h>, QNX's delay(), and gettid() whatever is defined. */
#pragma GCC system_header
#include_next <unistd.h>

#ifndef __STPLR_QNX_UNISTD_H
#define __STPLR_QNX_UNISTD_H
#include <features.h>

__BEGIN_DECLS
/* Sleeps for milliseconds; what is left of them if a signal came. */
extern unsigned int delay(unsigned int __milliseconds);
__pid_t gettid(void) __THROW;
__END_DECLS
#endif
