/* SPDX-License-Identifier: MIT */
/* The numbers of received messages */
#ifndef STPLR_QNX_RCVID_H
#define STPLR_QNX_RCVID_H

#include <stdint.h>

#include "channels.h"
#include "stplr.h"

struct received {
	struct channel *channel; /* with a reference */
	int32_t rcvid;           /* the kernel's */
	uint32_t scoid;          /* the kernel's */
};

/* A number for a message that was received. */
int rcvid_add(struct channel *channel, const struct stplr_msg_info *info);
/* What a number stands for, with a reference to the channel: 0, -ESRCH. */
int rcvid_find(int rcvid, struct received *received);
/* The number that was given to the kernel's rcvid. */
int rcvid_of(struct channel *channel, int32_t kernel_rcvid);
/* The message was answered. */
void rcvid_remove(int rcvid);
/* The channel is gone. */
void rcvid_remove_channel(struct channel *channel);
/* To which client a number belonged, answered or not: 0 if that is forgotten. */
uint32_t rcvid_client(int rcvid, struct channel **channel, uint32_t *serial);

#endif
