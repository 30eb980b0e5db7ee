/* SPDX-License-Identifier: GPL-2.0 */
/* Variables on the stack that kernels with INIT_STACK_ALL_ZERO need not zero. */
#ifndef STPLR_BASE_UNINITIALIZED_H
#define STPLR_BASE_UNINITIALIZED_H

#include <linux/compiler_attributes.h>

/*
 * For large structures of a call that is short, if what is read of them was written before, on
 * every way: zeroing takes an instruction for each 8 bytes.
 */
#if __has_attribute(__uninitialized__)
#define STPLR_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define STPLR_UNINITIALIZED
#endif

#endif /* STPLR_BASE_UNINITIALIZED_H */
