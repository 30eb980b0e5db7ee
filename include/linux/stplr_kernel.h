/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stplr for kernel code (see docs/kernel.md, which explains the objects first)
 *
 * A driver is a peer like any other. It *serves*: programs connect to a name that it has
 * registered, by the calls they know, and its operations take their messages and pulses. And it
 * sends *pulses* to a program that has handed it a connection.
 *
 * All of these are GPL exports. What may sleep takes mutexes and allocates with GFP_KERNEL; no call
 * is made with a lock of stplr's held but where that is said.
 */
#ifndef _LINUX_STPLR_KERNEL_H
#define _LINUX_STPLR_KERNEL_H

#include <linux/types.h>
#include <linux/uidgid.h>
#include <uapi/linux/stplr.h>

struct cred;
struct module;
struct pid;
struct stplr_server;
struct stplr_source;

/* Serving: by operations that run in the thread that sends, or in threads of the driver's */

/**
 * struct stplr_attached - a client process of a server
 * @pid: the process (its thread group); NULL: kernel code
 * @cred: who it was when it first connected
 * @scoid: its id as a client, as processes are told it
 * @data: the driver's own
 *
 * It lives from the attach operation to the return of the detach operation, however many
 * connections the process has; its children may use these.
 */
struct stplr_attached {
	struct pid *pid;
	const struct cred *cred;
	u32 scoid;
	void *data;
};

/* Nobody waits for this message: there is no room, and what receive returns is dropped. */
#define STPLR_REQUEST_QUEUED 1

/**
 * struct stplr_request - a message, as long as its receive operation runs; all of it is const
 * @server: whose
 * @client: over whose connection it came
 * @kind: STPLR_KIND_SEND or STPLR_KIND_SEND_RECEIVE, from <linux/stplr.h>
 * @flags: STPLR_REQUEST_*
 * @coid: the connection's id
 * @priority: the sender's, as in struct stplr_msg_info
 * @len: bytes that are sent
 * @room: for the answer, in bytes
 *
 * The sender is the current thread, with its credentials.
 */
struct stplr_request {
	struct stplr_server *server;
	struct stplr_attached *client;
	u32 kind;
	u32 flags;
	u32 coid;
	int priority;
	size_t len;
	size_t room;
};

/**
 * struct stplr_server_ops - what a driver does for its clients; all in process context
 * @owner: THIS_MODULE; held as long as a process is attached, so that the driver is not unloaded
 * @receive: a message has come. It is read and answered by stplr_request_read() and
 *	stplr_request_write(), and what is returned is the status that the program gets: 0 or more,
 *	or a negative error number up to -511 that its call fails with; ERESTARTSYS, where a signal
 *	is pending, starts the call over. Or the message is kept, see stplr_request_keep(). Runs in
 *	the thread that sends, in any number of them at once; may sleep, and then better
 *	interruptibly. NULL: the driver receives in threads of its own, by stplr_server_receive()
 * @pulse: a pulse has come, or NULL: they are refused with EOPNOTSUPP. Likewise in the thread that
 *	sends; of no use without @receive, for there pulses are received, too
 * @attach: a process connects that had no connection so far; before anything else of it. Or NULL.
 *	0, or a negative error number that its connecting fails with: then it was never here
 * @detach: it has none any more; after all else of it, though what the driver has kept of its
 *	messages may still be there, to be answered in vain; as may, in a server's queue, what
 *	nobody waits for. Or NULL. Once for each attach that
 *	returned 0, at the latest in stplr_server_shutdown()
 *
 * No two of attach and detach run at once: they are called with a mutex of the server's held, and
 * so must not shut it down, nor wait for who does.
 */
struct stplr_server_ops {
	struct module *owner;
	int (*receive)(struct stplr_request *request);
	void (*pulse)(struct stplr_server *server, struct stplr_attached *client, int priority,
		      s8 code, u64 value);
	int (*attach)(struct stplr_server *server, struct stplr_attached *client);
	void (*detach)(struct stplr_server *server, struct stplr_attached *client);
};

/**
 * struct stplr_server_params - how a server is to be found, and its limits
 * @device: N of /dev/stplr-N
 * @name: 1 to STPLR_NAME_MAX of A-Z a-z 0-9 . _ -
 * @mode: whose programs may connect: the write bits of owner, group, others; 0: 0600
 * @owner: the owner; 0, as it is if nothing is said: root
 * @group: the group, likewise
 * @exclusive: for one client process at a time: others get EBUSY
 * @message_max: bytes of the longest message, beyond which senders get EMSGSIZE; 0: what the module
 *	allows
 * @pending_max: how many messages the driver may have at a time, in its receive operation or kept;
 *	others wait, as long as their sender likes. 0: as many as come
 */
struct stplr_server_params {
	unsigned int device;
	const char *name;
	umode_t mode;
	kuid_t owner;
	kgid_t group;
	bool exclusive;
	size_t message_max;
	unsigned int pending_max;
};

/**
 * struct stplr_received - what a thread of the driver's has received
 * @rcvid: the message's id, positive; 0 for a pulse
 * @kind: STPLR_KIND_SEND, STPLR_KIND_SEND_RECEIVE, STPLR_KIND_PULSE
 * @flags: STPLR_REQUEST_*
 * @priority: the sender's
 * @scoid: the client's id
 * @coid: the connection's
 * @uid: the sender's effective user; invalid for a pulse, as is @gid
 * @gid: its effective group
 * @len: bytes that were sent
 * @room: for the answer, in bytes
 * @code: of a pulse
 * @value: of a pulse
 */
struct stplr_received {
	s32 rcvid;
	u32 kind;
	u32 flags;
	int priority;
	u32 scoid;
	u32 coid;
	kuid_t uid;
	kgid_t gid;
	size_t len;
	size_t room;
	s8 code;
	u64 value;
};

struct stplr_server *stplr_server_create(const struct stplr_server_params *params,
					 const struct stplr_server_ops *ops, void *data);
void *stplr_server_data(const struct stplr_server *server);
int stplr_server_shutdown(struct stplr_server *server);
void stplr_server_put(struct stplr_server *server);

ssize_t stplr_request_read(struct stplr_request *request, size_t offset, void *to, size_t len);
ssize_t stplr_request_write(struct stplr_request *request, size_t offset, const void *from,
			    size_t len);
s32 stplr_request_keep(struct stplr_request *request);

ssize_t stplr_server_receive(struct stplr_server *server, s64 deadline, void *bytes, size_t len,
			     struct stplr_received *received);
ssize_t stplr_server_read(struct stplr_server *server, s32 rcvid, size_t offset, void *to,
			  size_t len);
ssize_t stplr_server_write(struct stplr_server *server, s32 rcvid, size_t offset,
			   const void *from, size_t len);
ssize_t stplr_server_reply(struct stplr_server *server, s32 rcvid, int status, const void *from,
			   size_t len);

/*
 * Pulses to a program: it connects (a connection to a channel of its own will do) and hands the
 * descriptor to the driver, which takes a source from it and from then on sends in any context: the
 * pulse's place was allocated with the channel.
 */

struct stplr_source *stplr_source_get(int fd);
int stplr_source_pulse(struct stplr_source *source, int priority, s8 code, u64 value);
void stplr_source_put(struct stplr_source *source);

#endif
