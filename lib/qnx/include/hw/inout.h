/* SPDX-License-Identifier: MIT */
/*
 * Registers of devices (QNX <hw/inout.h>), at what mmap_device_io() has given: on x86 the
 * processor's ports, elsewhere memory.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_HW_INOUT_H
#define __STPLR_QNX_HW_INOUT_H

#include <stdint.h>

#ifdef __x86_64__
#define __STPLR_QNX_INOUT(__bits, __suffix, __register)                                            \
	static inline uint##__bits##_t in##__bits(uintptr_t __port)                                \
	{                                                                                          \
		uint##__bits##_t __value;                                                          \
		__asm__ volatile("in" __suffix " %w1, %" __register "0"                            \
				 : "=a"(__value)                                                   \
				 : "Nd"((uint16_t)__port)                                          \
				 : "memory");                                                      \
		return __value;                                                                    \
	}                                                                                          \
	static inline void out##__bits(uintptr_t __port, uint##__bits##_t __value)                 \
	{                                                                                          \
		__asm__ volatile("out" __suffix " %" __register "0, %w1"                           \
				 :                                                                 \
				 : "a"(__value), "Nd"((uint16_t)__port)                            \
				 : "memory");                                                      \
	}
#else
#define __STPLR_QNX_INOUT(__bits, __suffix, __register)                                            \
	static inline uint##__bits##_t in##__bits(uintptr_t __port)                                \
	{                                                                                          \
		uint##__bits##_t __value = *(volatile uint##__bits##_t *)__port;                   \
		__sync_synchronize();                                                              \
		return __value;                                                                    \
	}                                                                                          \
	static inline void out##__bits(uintptr_t __port, uint##__bits##_t __value)                 \
	{                                                                                          \
		__sync_synchronize();                                                              \
		*(volatile uint##__bits##_t *)__port = __value;                                    \
	}
#endif
__STPLR_QNX_INOUT(8, "b", "b")
__STPLR_QNX_INOUT(16, "w", "w")
__STPLR_QNX_INOUT(32, "l", "k")
#undef __STPLR_QNX_INOUT

#endif
