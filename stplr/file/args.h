/* SPDX-License-Identifier: GPL-2.0 */
/* Arguments in and out of the calling process. */
#ifndef STPLR_FILE_ARGS_H
#define STPLR_FILE_ARGS_H

#include <linux/minmax.h>
#include <linux/uaccess.h>

/*
 * Arguments come in the size the caller knows. The usual one, exactly ours, is copied with a
 * constant size, which hardened usercopy need not look up; and no more of it than the first
 * @inputs bytes, where all that follows is an answer.
 */
static __always_inline int stplr_args_get_first(void *args, size_t known, size_t inputs,
						const void __user *from, unsigned int size)
{
	if (likely(size == known))
		return copy_from_user(args, from, inputs) ? -EFAULT : 0;
	if (size < known)
		return -EINVAL;
	return copy_struct_from_user(args, known, from, size);
}

static __always_inline int stplr_args_get(void *args, size_t known, const void __user *from,
					  unsigned int size)
{
	return stplr_args_get_first(args, known, known, from, size);
}

/* An answer that is all output, in the size the caller knows: cut, or followed by zeros. */
static inline int stplr_args_put(void __user *to, unsigned int size, const void *args, size_t known)
{
	if (copy_to_user(to, args, min_t(size_t, size, known)))
		return -EFAULT;
	if (size > known && clear_user(to + known, size - known))
		return -EFAULT;
	return 0;
}

#endif /* STPLR_FILE_ARGS_H */
