/* SPDX-License-Identifier: GPL-2.0 */
/* How channels and connections are made, and freed. */
#ifndef STPLR_CORE_OBJECT_H
#define STPLR_CORE_OBJECT_H

#include <linux/types.h>

struct stplr_channel;
struct stplr_connection;
struct stplr_device;

void stplr_channel_uncharge(struct stplr_channel *channel);
int stplr_channel_list(struct stplr_channel *channel);
void stplr_channel_put(struct stplr_channel *channel);
struct stplr_channel *stplr_channel_alloc(struct stplr_device *device,
					  struct stplr_channel *parent, bool kernel);
int stplr_connection_cache_init(void);
void stplr_connection_cache_exit(void);
void stplr_connection_free(struct stplr_connection *connection);
void stplr_connection_put(struct stplr_connection *connection);
void stplr_connection_put_late(struct stplr_connection *connection);
struct stplr_connection *stplr_connection_alloc(struct stplr_device *device, bool kernel);
void stplr_connection_list(struct stplr_connection *connection);

#endif /* STPLR_CORE_OBJECT_H */
