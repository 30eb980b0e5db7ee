/* SPDX-License-Identifier: GPL-2.0 */
/* A client wants to be told of the end of its server's channel. */
#ifndef STPLR_CALL_NOTIFY_H
#define STPLR_CALL_NOTIFY_H

struct stplr_channel;
struct stplr_connect_notify;
struct stplr_connection;

int stplr_notify(struct stplr_connection *connection, struct stplr_channel *target,
		 const struct stplr_connect_notify *args);

#endif /* STPLR_CALL_NOTIFY_H */
