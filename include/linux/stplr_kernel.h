/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stplr for kernel code (see docs/kernel.md, which explains the objects first)
 *
 * A driver is a peer like any other. It *serves*: programs connect to a name that it has
 * registered, by the calls they know, and its operations take their messages and pulses. It is a
 * *client*: by a link to a name it calls who serves there, and posts to it from any context. And it
 * sends *pulses* to a program that has handed it a connection.
 *
 * All of these are GPL exports. What may sleep takes mutexes and allocates with GFP_KERNEL; no call
 * is made with a lock of stplr's held but where that is said.
 */
#ifndef _LINUX_STPLR_KERNEL_H
#define _LINUX_STPLR_KERNEL_H

#include <linux/errno.h>
#include <linux/stplr_id.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <uapi/linux/stplr.h>

struct cred;
struct kvec;
struct module;
struct pid;
struct stplr_link;
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
 * @name: 1 to STPLR_NAME_MAX of A-Z a-z 0-9 . _ -, or an id's, by stplr_id_name()
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

ssize_t __stplr_request_read(struct stplr_request *request, size_t offset, void *to, size_t len);
ssize_t __stplr_request_write(struct stplr_request *request, size_t offset, const void *from,
			      size_t len);
s32 stplr_request_keep(struct stplr_request *request);

/**
 * stplr_request_read() - read of a message
 * @request: what the receive operation was given
 * @offset: from where on
 * @to: where to
 * @len: bytes
 *
 * As often as one likes, in any order; a program may change its bytes meanwhile, so what was
 * checked is not read again. As with copy_from_user(), a @len that is a constant is checked against
 * @to by the compiler, any other when it is used.
 *
 * Context: the receive operation, in its thread; may sleep, for a page of the program's. Return:
 * bytes, fewer than @len at the message's end; EFAULT: the program's memory is not there, which is
 * what the operation should return; EALREADY: the message was kept; EINVAL: bad lengths.
 */
static __always_inline ssize_t stplr_request_read(struct stplr_request *request, size_t offset,
						  void *to, size_t len)
{
	if (unlikely(len > SSIZE_MAX || !check_copy_size(to, len, false)))
		return -EINVAL;
	return __stplr_request_read(request, offset, to, len);
}

/**
 * stplr_request_write() - write into the answer
 * @request: what the receive operation was given
 * @offset: from where on
 * @from: what
 * @len: bytes
 *
 * As often as one likes, in any order. The program is told how far the answer reaches, and how far
 * it would with room enough. What lies before and was not written has what the program had there.
 *
 * Context: as stplr_request_read(). Return: bytes, fewer than @len at the end of the room; EFAULT,
 * EALREADY, EINVAL likewise.
 */
static __always_inline ssize_t stplr_request_write(struct stplr_request *request, size_t offset,
						   const void *from, size_t len)
{
	if (unlikely(len > SSIZE_MAX || !check_copy_size(from, len, true)))
		return -EINVAL;
	return __stplr_request_write(request, offset, from, len);
}

ssize_t stplr_server_receive(struct stplr_server *server, s64 deadline, void *bytes, size_t len,
			     struct stplr_received *received);
ssize_t stplr_server_read(struct stplr_server *server, s32 rcvid, size_t offset, void *to,
			  size_t len);
ssize_t stplr_server_write(struct stplr_server *server, s32 rcvid, size_t offset,
			   const void *from, size_t len);
ssize_t stplr_server_reply(struct stplr_server *server, s32 rcvid, int status, const void *from,
			   size_t len);

/*
 * Links: a driver is a client of whoever serves a name, a process or another driver, which sees a
 * client process with pid 0 and STPLR_INFO_KERNEL. A link is up while it has a connection to a
 * channel of that name. The modes of names, which say who may connect, do not matter to kernel
 * code; whose the channel is does, to a driver that says so (STPLR_LINK_UID).
 */

/**
 * struct stplr_posted - what became of a post
 * @cookie: its
 * @error: 0; or negative: what the server's error was, as it chose (up to -511); ESRCH: it has died
 *	or ended its channel; ECANCELED: the link was closed
 * @status: the server's; 0 with an error
 * @reply: the answer, as long as the operation runs
 * @reply_len: its bytes
 * @reply_total: and how many they would be with room enough
 */
struct stplr_posted {
	u64 cookie;
	int error;
	s32 status;
	const void *reply;
	size_t reply_len;
	size_t reply_total;
};

/**
 * struct stplr_link_ops - what a driver wants to be told of its link
 * @posted: the result of a post: once for each that stplr_link_post() has taken, any number at
 *	once, in no certain order. Process context, in the thread that answers or ends it: it may
 *	sleep, but that thread does nothing else meanwhile. It must not close any link, nor call
 *	the server that it is of. NULL: posts are one way, and nobody hears of them
 * @changed: with 1, the link has come up; with 0, it has gone down, and all of its posts have ended
 *	before; negative: the name is there, but connecting to it failed with this error, once for
 *	each other error, and is tried again every second. In this order, one at a time. Process
 *	context, in a thread of the kernel's; may sleep, and close the link, but no other. NULL:
 *	stplr_link_open() waits for the name, and what has gone down stays down
 */
struct stplr_link_ops {
	void (*posted)(struct stplr_link *link, const struct stplr_posted *posted);
	void (*changed)(struct stplr_link *link, int how);
};

/* Slots of a link, at most. */
#define STPLR_LINK_POSTS_MAX 65536

/* The link is to a server of the user @uid only: another's of the same name gets nothing. */
#define STPLR_LINK_UID 1

/**
 * struct stplr_link_params - to whom a link is to be, and what may be posted
 * @device: N of /dev/stplr-N
 * @name: the name, 1 to STPLR_NAME_MAX of A-Z a-z 0-9 . _ -, or an id's, by stplr_id_name()
 * @flags: STPLR_LINK_UID
 * @uid: with it, the effective user that the server's process had when it made the channel, as in
 *	struct stplr_connect_info; a driver's is root's
 * @module: THIS_MODULE, for who looks on; it is not held
 * @deadline: without a changed operation: until when to wait for the name, and for a place in a
 *	listening channel's backlog: nanoseconds of CLOCK_MONOTONIC (ktime_get_ns());
 *	STPLR_DEADLINE_NONE, STPLR_DEADLINE_POLL
 * @posts: how many may be on their way at a time, up to STPLR_LINK_POSTS_MAX; 0: none. Their memory
 *	is taken when the link comes up: 2 KiB each, and what @post_max and @reply_max have above 1
 *	KiB
 * @post_max: bytes of the longest post, at most the module's parameter message_max
 * @reply_max: bytes of the longest answer to one, likewise; with a posted operation only
 */
struct stplr_link_params {
	unsigned int device;
	const char *name;
	unsigned int flags;
	kuid_t uid;
	struct module *module;
	s64 deadline;
	unsigned int posts;
	size_t post_max;
	size_t reply_max;
};

/* Parts that a call sends, or has answered into, at most. */
#define STPLR_CALL_PARTS_MAX 1024

/**
 * struct stplr_call - a message that is sent and answered
 * @send: what is sent, in parts of kernel memory
 * @nr_send: how many parts
 * @reply: where the answer goes, likewise
 * @nr_reply: how many
 * @deadline: until when to wait, as in struct stplr_link_params; STPLR_DEADLINE_POLL: the message
 *	is sent only if it is received at once, and then answered when the server likes
 * @status: out: the server's
 * @reply_len: out: bytes of the answer
 * @reply_total: out: and how many they would be with room enough
 */
struct stplr_call {
	const struct kvec *send;
	unsigned int nr_send;
	const struct kvec *reply;
	unsigned int nr_reply;
	s64 deadline;
	s32 status;
	size_t reply_len;
	size_t reply_total;
};

/*
 * More posts follow at once: they are queued with the next that is without this, or is refused with
 * EAGAIN or ESRCH, or by stplr_link_kick().
 */
#define STPLR_POST_MORE 1

struct stplr_link *stplr_link_open(const struct stplr_link_params *params,
				   const struct stplr_link_ops *ops, void *data);
void *stplr_link_data(const struct stplr_link *link);
void stplr_link_close(struct stplr_link *link);
int stplr_link_call(struct stplr_link *link, struct stplr_call *call);
int stplr_link_post(struct stplr_link *link, int priority, unsigned int flags, u64 cookie,
		    const void *from, size_t len);
void stplr_link_kick(struct stplr_link *link);

/*
 * Pulses to a program: it connects (a connection to a channel of its own will do) and hands the
 * descriptor to the driver, which takes a source from it and from then on sends in any context: the
 * pulse's place was allocated with the channel.
 */

struct stplr_source *stplr_source_get(int fd);
int stplr_source_pulse(struct stplr_source *source, int priority, s8 code, u64 value);
void stplr_source_put(struct stplr_source *source);

#endif
