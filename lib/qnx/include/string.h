/* SPDX-License-Identifier: MIT */
/* The system's <string.h>, and what QNX's has beyond it. */
#pragma GCC system_header
#include_next <string.h>

#ifndef __STPLR_QNX_STRING_H
#define __STPLR_QNX_STRING_H
#include <features.h>

__BEGIN_DECLS
/* Of the C library's own, if it has them. */
extern size_t strlcpy(char *__restrict __to, const char *__restrict __from, size_t __size) __THROW;
extern size_t strlcat(char *__restrict __to, const char *__restrict __from, size_t __size) __THROW;
/* In place; what was given. */
extern char *strupr(char *__text);
extern char *strlwr(char *__text);
__END_DECLS
#endif
