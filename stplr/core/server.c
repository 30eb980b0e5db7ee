// SPDX-License-Identifier: GPL-2.0
/* A channel that kernel code serves: how it is made, and the clients that its driver knows. */

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/channel.h"
#include "core/server.h"

/* The server of a channel that nobody finds yet, and that frees it. */
struct stplr_server *stplr_server_new(struct stplr_channel *channel,
				      const struct stplr_server_ops *ops, void *data)
{
	struct stplr_server *server = kzalloc(sizeof(*server), GFP_KERNEL);

	if (!server)
		return ERR_PTR(-ENOMEM);
	server->channel = channel;
	server->ops = ops;
	server->data = data;
	strscpy(server->module, ops->owner ? module_name(ops->owner) : "vmlinux",
		sizeof(server->module));
	INIT_LIST_HEAD(&server->hands.changed);
	init_waitqueue_head(&server->idle);
	mutex_init(&server->attaching);
	INIT_LIST_HEAD(&server->clients);
	channel->server = server;
	if (ops->receive)
		channel->direct = server;
	return server;
}

/* Tells the driver of a client, and holds the driver for it. */
static int stplr_server_attach_locked(struct stplr_server *server, struct stplr_attachment *client)
{
	const struct stplr_server_ops *ops = server->ops;
	int err;

	lockdep_assert_held(&server->attaching);
	if (server->ended)
		return -ESRCH;
	/* another of its connections was first */
	if (!list_empty(&client->link))
		return 0;
	if (server->exclusive && !list_empty(&server->clients))
		return -EBUSY;
	if (!try_module_get(ops->owner))
		return -ESRCH;
	err = ops->attach ? ops->attach(server, &client->attached) : 0;
	if (err) {
		module_put(ops->owner);
		return err;
	}
	list_add(&client->link, &server->clients);
	WRITE_ONCE(server->nr_clients, server->nr_clients + 1);
	return 0;
}

/*
 * A connection of the client's is about to be handed out; ESRCH, EBUSY, EINTR, or what the driver
 * says.
 */
int stplr_server_attach(struct stplr_server *server, struct stplr_attachment *client)
{
	int err;

	if (mutex_lock_killable(&server->attaching))
		return -EINTR;
	err = stplr_server_attach_locked(server, client);
	mutex_unlock(&server->attaching);
	return err;
}

static void stplr_server_detach_locked(struct stplr_server *server, struct stplr_attachment *client)
{
	const struct stplr_server_ops *ops = server->ops;

	lockdep_assert_held(&server->attaching);
	list_del_init(&client->link);
	WRITE_ONCE(server->nr_clients, server->nr_clients - 1);
	if (ops->detach)
		ops->detach(server, &client->attached);
}

/* The client has no connection any more, and none of its calls runs. */
void stplr_server_detach(struct stplr_server *server, struct stplr_attachment *client)
{
	struct module *owner = NULL;

	mutex_lock(&server->attaching);
	if (!list_empty(&client->link)) {
		owner = server->ops->owner;
		stplr_server_detach_locked(server, client);
	}
	mutex_unlock(&server->attaching);
	/* from here on the driver may be gone */
	module_put(owner);
}

/* The channel is dead, and no call runs: the driver hears the last of its clients. */
void stplr_server_detach_all(struct stplr_server *server)
{
	struct stplr_attachment *client, *next;

	mutex_lock(&server->attaching);
	server->ended = true;
	list_for_each_entry_safe(client, next, &server->clients, link) {
		stplr_server_detach_locked(server, client);
		/* the caller is the driver's */
		module_put(server->ops->owner);
	}
	mutex_unlock(&server->attaching);
}
