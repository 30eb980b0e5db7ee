// SPDX-License-Identifier: GPL-2.0
/* What a server asks about its clients, and attaches to them. */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>
#include <uapi/linux/stplr.h>

#include "call/client.h"
#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/message.h"
#include "core/messages.h"
#include "core/process.h"

/* What is known of a process, for the caller to see. */
static void stplr_client_describe(const struct stplr_process *process, const struct cred *cred,
				  struct stplr_client_info *info)
{
	struct pid_namespace *pid_ns = task_active_pid_ns(current);
	struct user_namespace *user_ns = current_user_ns();
	struct task_struct *task;

	info->pid = pid_nr_ns(process->pid, pid_ns);
	info->sid = 0;
	rcu_read_lock();
	task = pid_task(process->pid, PIDTYPE_TGID);
	if (task)
		info->sid = task_session_nr_ns(task, pid_ns);
	rcu_read_unlock();
	info->uid = from_kuid_munged(user_ns, cred->uid);
	info->euid = from_kuid_munged(user_ns, cred->euid);
	info->suid = from_kuid_munged(user_ns, cred->suid);
	info->gid = from_kgid_munged(user_ns, cred->gid);
	info->egid = from_kgid_munged(user_ns, cred->egid);
	info->sgid = from_kgid_munged(user_ns, cred->sgid);
}

/* Whose message it is, while the registry is held; NULL: it is none, or its client has left. */
static struct stplr_client *stplr_client_of(struct stplr_channel *channel, s32 rcvid)
{
	struct stplr_client *client = NULL;
	struct stplr_message *message;

	lockdep_assert_held(&channel->device->registry);
	spin_lock(&channel->lock);
	message = stplr_received_find(channel, task_tgid(current), rcvid);
	if (message)
		client = message->connection->client;
	spin_unlock(&channel->lock);
	return client;
}

/*
 * What is known of the client @info->scoid, or of who sent the message @info->rcvid; its
 * credentials, with a reference. ESRCH.
 */
const struct cred *stplr_client_info(struct stplr_channel *channel, struct stplr_client_info *info)
{
	struct stplr_device *device = channel->device;
	const struct cred *cred = ERR_PTR(-ESRCH);
	struct stplr_client *client;

	mutex_lock(&device->registry);
	client = info->rcvid ? stplr_client_of(channel, info->rcvid) :
			       xa_load(&channel->clients, info->scoid);
	if (client) {
		cred = get_cred(client->cred);
		info->scoid = client->process->scoid;
		info->connections = client->nr_connections;
		stplr_client_describe(client->process, cred, info);
	}
	mutex_unlock(&device->registry);
	return cred;
}

/* What the server attaches to one connection; ESRCH. */
int stplr_client_attach_cookie(struct stplr_channel *channel, u32 coid, u64 cookie)
{
	struct xarray *connections = &channel->device->connections;
	struct stplr_connection *connection;
	int err = 0;

	/* it leaves the array, under its lock, before it is freed */
	xa_lock(connections);
	connection = xa_load(connections, coid);
	if (connection && connection->channel == channel)
		WRITE_ONCE(connection->cookie, cookie);
	else
		err = -ESRCH;
	xa_unlock(connections);
	return err;
}

/* The same to the connection of a message; ESRCH. */
int stplr_message_attach_cookie(struct stplr_channel *channel, s32 rcvid, u64 cookie)
{
	struct stplr_message *message;

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, task_tgid(current), rcvid);
	if (message)
		WRITE_ONCE(message->connection->cookie, cookie);
	spin_unlock(&channel->lock);
	return message ? 0 : -ESRCH;
}
