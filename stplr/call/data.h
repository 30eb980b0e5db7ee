/* SPDX-License-Identifier: GPL-2.0 */
/* More of a message that was received. */
#ifndef STPLR_CALL_DATA_H
#define STPLR_CALL_DATA_H

#include <linux/types.h>

struct stplr_channel;
struct stplr_msg_data;

int stplr_data(struct stplr_channel *channel, bool write, const struct stplr_msg_data *args,
	       size_t *len);
ssize_t stplr_data_kernel(struct stplr_channel *channel, bool write, s32 rcvid, u64 offset,
			  void *bytes, size_t len);

#endif /* STPLR_CALL_DATA_H */
