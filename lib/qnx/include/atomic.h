/* SPDX-License-Identifier: MIT */
/* Operations that nothing comes between (QNX <atomic.h>); those with _value give what was before.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_ATOMIC_H
#define __STPLR_QNX_ATOMIC_H

#define __STPLR_QNX_ATOMIC(__name, __operation, __bits)                                            \
	static inline unsigned atomic_##__name##_value(volatile unsigned *__at, unsigned __value)  \
	{                                                                                          \
		return __atomic_fetch_##__operation(__at, __bits __value, __ATOMIC_SEQ_CST);       \
	}                                                                                          \
	static inline void atomic_##__name(volatile unsigned *__at, unsigned __value)              \
	{                                                                                          \
		atomic_##__name##_value(__at, __value);                                            \
	}
__STPLR_QNX_ATOMIC(add, add, )
__STPLR_QNX_ATOMIC(sub, sub, )
__STPLR_QNX_ATOMIC(set, or, )
__STPLR_QNX_ATOMIC(clr, and, ~)
__STPLR_QNX_ATOMIC(toggle, xor, )
#undef __STPLR_QNX_ATOMIC

#endif
