// SPDX-License-Identifier: GPL-2.0
/*
 * Client processes as a channel knows them: how many connections each has, who it is, and that it
 * has disconnected.
 */

#include <linux/cred.h>
#include <linux/init_task.h>
#include <linux/slab.h>

#include "base/late.h"
#include "base/params.h"
#include "base/priority.h"
#include "base/quota.h"
#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/process.h"
#include "core/pulse.h"

/* Nobody pays for its notice any more, if somebody did. */
static void stplr_client_uncharge(struct stplr_client *client)
{
	if (!client->user)
		return;
	stplr_uncharge(&client->user->messages);
	stplr_user_put(client->user);
	client->user = NULL;
}

void stplr_client_free(struct stplr_client *client)
{
	stplr_process_put(client->process);
	put_cred(client->cred);
	stplr_client_uncharge(client);
	kfree(client);
}

static void stplr_client_late(struct work_struct *work)
{
	stplr_client_free(container_of(work, struct stplr_client, late));
}

/* The same, for who must not wait for the registry. */
void stplr_client_free_late(struct stplr_client *client)
{
	/* at once: its user may have another */
	stplr_client_uncharge(client);
	INIT_WORK(&client->late, stplr_client_late);
	stplr_queue_late(&client->late);
}

static struct stplr_client *stplr_client_new(const struct stplr_connection *connection,
					     const struct stplr_channel *channel)
{
	struct stplr_client *client;
	int err;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);
	/* its notice may wait for the server as long as that likes: bounded like messages */
	if (channel->flags & STPLR_CHANNEL_DISCONNECT) {
		err = stplr_charge(&connection->user->messages, READ_ONCE(stplr_user_messages));
		if (err) {
			kfree(client);
			return ERR_PTR(err);
		}
		client->user = stplr_user_hold(connection->user);
	}
	client->process = stplr_process_hold(connection->process);
	client->cred = stplr_connection_kernel(connection) ? get_task_cred(&init_task) :
							     get_current_cred();
	client->attachment.attached.pid = client->process->pid;
	client->attachment.attached.cred = client->cred;
	client->attachment.attached.scoid = client->process->scoid;
	INIT_LIST_HEAD(&client->attachment.link);
	return client;
}

/* The connection is one more of its process's, if that has one to @channel already. */
static bool stplr_client_join_known(struct stplr_connection *connection,
				    struct stplr_channel *channel)
{
	struct stplr_client *client;

	lockdep_assert_held(&channel->device->registry);
	client = xa_load(&channel->clients, connection->process->scoid);
	if (!client)
		return false;
	client->nr_connections++;
	connection->client = client;
	return true;
}

/* The connection is one more of its process to @channel. */
int stplr_client_join(struct stplr_connection *connection, struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;
	u32 scoid = connection->process->scoid;
	struct stplr_client *fresh;
	bool known;
	int err;

	mutex_lock(&device->registry);
	known = stplr_client_join_known(connection, channel);
	mutex_unlock(&device->registry);
	if (known)
		return 0;

	/* without the mutex, for memory may take its time */
	fresh = stplr_client_new(connection, channel);
	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	err = xa_reserve(&channel->clients, scoid, GFP_KERNEL_ACCOUNT);
	if (err)
		goto free_fresh;

	mutex_lock(&device->registry);
	known = stplr_client_join_known(connection, channel);
	if (!known) {
		/* needs memory only if another thread has come and gone meanwhile */
		err = xa_err(xa_store(&channel->clients, scoid, fresh, GFP_KERNEL_ACCOUNT));
		if (!err)
			stplr_client_join_known(connection, channel);
	}
	mutex_unlock(&device->registry);
	if (!known && !err)
		return 0;
	if (err)
		xa_release(&channel->clients, scoid);

free_fresh:
	stplr_client_free(fresh);
	return err;
}

/* From now on the server learns of the end of the connection. */
void stplr_client_announce(struct stplr_connection *connection)
{
	struct stplr_device *device = connection->channel->device;

	mutex_lock(&device->registry);
	connection->client->announced = true;
	mutex_unlock(&device->registry);
}

/* The connection was its process's, and is not any more; if it was the last, the server learns. */
void stplr_client_leave(struct stplr_connection *connection, struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;
	struct stplr_client *client;
	bool last;

	mutex_lock(&device->registry);
	client = connection->client;
	connection->client = NULL;
	last = client && !--client->nr_connections;
	if (last)
		xa_erase(&channel->clients, client->process->scoid);
	mutex_unlock(&device->registry);
	if (!last)
		return;

	if (channel->server) {
		stplr_server_detach(channel->server, &client->attachment);
		stplr_client_free(client);
		return;
	}
	client->disconnect.origin = STPLR_NOTICE_DISCONNECT;
	client->disconnect.entry.priority = stplr_priority_of(current);
	client->disconnect.code = STPLR_PULSE_DISCONNECT;
	client->disconnect.scoid = client->process->scoid;
	if (!client->announced || !(channel->flags & STPLR_CHANNEL_DISCONNECT) ||
	    stplr_pulse_deliver(channel, NULL, &client->disconnect))
		stplr_client_free(client);
}

/* Has the process a connection to the channel? */
bool stplr_client_known(struct stplr_channel *channel, const struct stplr_process *process)
{
	struct stplr_device *device = channel->device;
	struct stplr_client *client;
	bool known;

	mutex_lock(&device->registry);
	client = xa_load(&channel->clients, process->scoid);
	known = client && client->process == process;
	mutex_unlock(&device->registry);
	return known;
}
