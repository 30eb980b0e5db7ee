/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stplr for kernel code: a driver sends pulses to a program
 *
 * The program connects (a connection to a channel of its own will do) and hands the descriptor to
 * the driver, which takes a source from it and from then on sends in any context: the pulse's place
 * was allocated with the channel.
 */
#ifndef _LINUX_STPLR_KERNEL_H
#define _LINUX_STPLR_KERNEL_H

#include <linux/types.h>

struct stplr_source;

struct stplr_source *stplr_source_get(int fd);
int stplr_source_pulse(struct stplr_source *source, int priority, s8 code, u64 value);
void stplr_source_put(struct stplr_source *source);

#endif
