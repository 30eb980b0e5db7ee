/* SPDX-License-Identifier: GPL-2.0 */
/* How a channel is found, and by whom. */
#ifndef STPLR_CORE_NAME_H
#define STPLR_CORE_NAME_H

#include <linux/types.h>

struct stplr_channel;
struct stplr_device;

int stplr_name_check(const char *name, size_t len);
int stplr_chid_reserve(struct stplr_channel *channel);
int stplr_name_register(struct stplr_channel *channel);
void stplr_name_unregister(struct stplr_channel *channel);
struct stplr_channel *stplr_name_wait(struct stplr_device *device, const char *name, s64 deadline,
				      clockid_t clock);
struct stplr_channel *stplr_chid_find(struct stplr_device *device, pid_t pid, s32 chid);

#endif /* STPLR_CORE_NAME_H */
