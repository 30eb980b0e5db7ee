/* SPDX-License-Identifier: GPL-2.0 */
/* A server makes a channel. */
#ifndef STPLR_CALL_CREATE_H
#define STPLR_CALL_CREATE_H

struct stplr_channel;
struct stplr_channel_create;
struct stplr_device;

struct stplr_channel *stplr_create(struct stplr_device *device,
				   const struct stplr_channel_create *args);
int stplr_create_finish(struct stplr_channel *channel, const struct stplr_channel_create *args);

#endif /* STPLR_CALL_CREATE_H */
