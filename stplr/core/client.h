/* SPDX-License-Identifier: GPL-2.0 */
/* Client processes as a channel knows them. */
#ifndef STPLR_CORE_CLIENT_H
#define STPLR_CORE_CLIENT_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "core/pool.h"
#include "core/server.h"

struct cred;
struct stplr_channel;
struct stplr_connection;
struct stplr_process;
struct stplr_user;

/**
 * struct stplr_client - a process with connections to a channel; under device->registry until the
 * last has gone, then its notice's
 * @process: who; holds a reference
 * @cred: who it was when it first connected
 * @user: who is charged for the notice, if there will be one, with a reference
 * @nr_connections: how many
 * @announced: one of them has been handed out
 * @attachment: how the channel's server in the kernel knows it
 * @disconnect: the notice that the last has gone
 * @late: frees it once that was received
 */
struct stplr_client {
	struct stplr_process *process;
	const struct cred *cred;
	struct stplr_user *user;
	unsigned int nr_connections;
	bool announced;
	struct stplr_attachment attachment;
	struct stplr_pulse_entry disconnect;
	struct work_struct late;
};

void stplr_client_free(struct stplr_client *client);
void stplr_client_free_late(struct stplr_client *client);
int stplr_client_join(struct stplr_connection *connection, struct stplr_channel *channel);
void stplr_client_announce(struct stplr_connection *connection);
void stplr_client_leave(struct stplr_connection *connection, struct stplr_channel *channel);
bool stplr_client_known(struct stplr_channel *channel, const struct stplr_process *process);

#endif /* STPLR_CORE_CLIENT_H */
