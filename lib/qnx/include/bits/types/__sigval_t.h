/* SPDX-License-Identifier: MIT */
/* The C library's union sigval, with the third member that QNX's has. */
#pragma GCC system_header
#ifndef ____sigval_t_defined
#define sival_int                                                                                  \
	sival_int;                                                                                 \
	long sival_long
#define __sival_int                                                                                \
	__sival_int;                                                                               \
	long __sival_long
#include_next <bits/types/__sigval_t.h>
#undef sival_int
#undef __sival_int
#endif
