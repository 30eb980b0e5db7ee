/* SPDX-License-Identifier: GPL-2.0 */
/* A client connects to a channel, and leaves it. */
#ifndef STPLR_CALL_ATTACH_H
#define STPLR_CALL_ATTACH_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct stplr_channel;
struct stplr_connect_attach;
struct stplr_connection;
struct stplr_device;

struct stplr_connection *stplr_attach(struct stplr_device *device,
				      const struct stplr_connect_attach *args, const char *name);
struct stplr_connection *stplr_attach_kernel(struct stplr_channel *channel, kuid_t expected);
int stplr_attach_enter(struct stplr_connection *connection, s64 deadline, clockid_t clock);
void stplr_attach_undo(struct stplr_connection *connection);
int stplr_detach(struct stplr_connection *connection);
void stplr_attach_end(struct stplr_connection *connection);

#endif /* STPLR_CALL_ATTACH_H */
