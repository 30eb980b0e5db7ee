/* SPDX-License-Identifier: MIT */
/* The system's <stdlib.h>, and what QNX's has beyond it. */
#pragma GCC system_header
#include_next <stdlib.h>

#if !defined __STPLR_QNX_STDLIB_H && !defined __need_malloc_and_calloc
#define __STPLR_QNX_STDLIB_H
#include <features.h>

__BEGIN_DECLS
/* A number in the base, 2 to 36, with a sign where the base is 10; @__text is given back. */
extern char *itoa(int __value, char *__text, int __base);
extern char *ltoa(long __value, char *__text, int __base);
extern char *utoa(unsigned __value, char *__text, int __base);
extern char *ultoa(unsigned long __value, char *__text, int __base);
__END_DECLS

#ifndef __cplusplus
#ifndef min
#define min(__a, __b) ((__a) < (__b) ? (__a) : (__b))
#endif
#ifndef max
#define max(__a, __b) ((__a) > (__b) ? (__a) : (__b))
#endif
#endif
#endif
