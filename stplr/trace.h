/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what happens to a message, in the order in which it happens (see docs/tracing.md).
 *
 *	client		server
 *	send				its bytes are copied or its pages pinned: it is SEND-blocked
 *	wake				a thread that waited to receive is woken, if it slept
 *			receive		that thread has taken the message ...
 *			copy (send)	... and copied it
 *			reply		it has taken the rcvid to answer ...
 *			copy (reply)	... and copied the answer
 *			wake		the client is woken, if it slept
 *	spin		spin		either has looked for it before
 *	done				it has its result, and takes what is not in place yet
 *
 * What kernel code posts begins with a post and ends with a posted, told in whatever thread that
 * is, instead of a done.
 *
 * Where kernel code serves there is one event, serve, once its operation has returned; for what it
 * has kept there was a receive before that, and reply, copy and done follow.
 *
 * All of a message's events carry the channel's id and, once it is queued, its age, which together
 * name the message. Arguments are computed in TP_fast_assign() only, and so cost nothing where the
 * event is off; and it is in trace.c alone that this is expanded, so that whoever has something to
 * tell need not know what is told.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM stplr

#if !defined(STPLR_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define STPLR_TRACE_H

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

struct stplr_channel;
struct stplr_line;
struct stplr_link;
struct stplr_message;
struct stplr_msg_reply;
struct stplr_pulse_entry;
struct stplr_ring;
struct stplr_ring_end;
struct stplr_serving;

#ifndef STPLR_TRACE_ONCE
#define STPLR_TRACE_ONCE

/* Where bytes are that are on their way. */
#define STPLR_IN_MESSAGE	1 /* in the message itself */
#define STPLR_IN_BUFFER		2 /* in kernel memory made for the call */
#define STPLR_IN_PAGES		4 /* in the client's pinned pages */
#define STPLR_IN_CHUNK		8 /* in kernel memory, for the client to fetch */
#define STPLR_IN_REGISTERED	16 /* in a buffer that the client has registered */
#define STPLR_IN_KERNEL		32 /* in the memory of kernel code that is the client */

/* What has died. */
#define STPLR_DEATH_CHANNEL	0 /* the channel has ended */
#define STPLR_DEATH_SHUTDOWN	1 /* it receives nothing more */
#define STPLR_DEATH_SERVER	2 /* a process that received has closed it, or died */
#define STPLR_DEATH_CONNECTION	3 /* the connection's last descriptor was closed */
#define STPLR_DEATH_DETACH	4 /* it was detached */
#define STPLR_DEATH_CLIENT	5 /* a blocked client was killed */

/* Kinds of their own, of messages that nobody waits for. */
#define STPLR_KIND_QUEUED	16
#define STPLR_KIND_POSTED	17

#endif /* STPLR_TRACE_ONCE */

TRACE_DEFINE_ENUM(STPLR_PULSE_POOL);
TRACE_DEFINE_ENUM(STPLR_NOTICE_UNBLOCK);
TRACE_DEFINE_ENUM(STPLR_NOTICE_DISCONNECT);
TRACE_DEFINE_ENUM(STPLR_NOTICE_DEATH);

/* What names a message in every event. */
#define STPLR_TRACE_IDS							\
		__field(unsigned int,	device)				\
		__field(u32,		channel)			\
		__field(s32,		chid)				\
		__field(u32,		coid)				\
		__field(u64,		seq)

#define STPLR_TRACE_ASSIGN_IDS(message)					\
		do {							\
			const struct stplr_connection *c = (message)->connection; \
									\
			__entry->device = c->channel->device->index;	\
			__entry->channel = c->channel->id;		\
			__entry->chid = c->channel->chid;		\
			__entry->coid = c->coid;			\
			__entry->seq = (message)->entry.seq;		\
		} while (0)

#define STPLR_TRACE_PRINT_HOW						\
		__print_flags(__entry->how, "+",			\
			      { STPLR_IN_MESSAGE, "message" },		\
			      { STPLR_IN_BUFFER, "buffer" },		\
			      { STPLR_IN_PAGES, "pages" },		\
			      { STPLR_IN_CHUNK, "chunk" },		\
			      { STPLR_IN_REGISTERED, "registered" },	\
			      { STPLR_IN_KERNEL, "kernel" })

#define STPLR_TRACE_IDS_FORMAT "device=%u channel=%u chid=%d coid=%u seq=%llu"
#define STPLR_TRACE_IDS_ARGS						\
		__entry->device, __entry->channel, __entry->chid, __entry->coid, __entry->seq

TRACE_EVENT(stplr_send,

	TP_PROTO(const struct stplr_message *message),

	TP_ARGS(message),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(u32,	kind)
		__field(int,	priority)
		__field(u64,	len)
		__field(u64,	room)
		__field(unsigned int, how)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_IDS(message);
		__entry->kind = message->posted ? STPLR_KIND_POSTED :
				message->queued ? STPLR_KIND_QUEUED : message->kind;
		__entry->priority = message->entry.priority;
		__entry->len = message->sides.send.len;
		__entry->room = message->sides.reply.room;
		__entry->how = stplr_trace_send_how(message);
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " kind=%s priority=%d len=%llu room=%llu how=%s",
		  STPLR_TRACE_IDS_ARGS,
		  __print_symbolic(__entry->kind,
				   { STPLR_KIND_SEND, "send" },
				   { STPLR_KIND_SEND_RECEIVE, "send_receive" },
				   { STPLR_KIND_QUEUED, "queued" },
				   { STPLR_KIND_POSTED, "posted" }),
		  __entry->priority, __entry->len, __entry->room, STPLR_TRACE_PRINT_HOW)
);

TRACE_EVENT(stplr_receive,

	TP_PROTO(const struct stplr_message *message),

	TP_ARGS(message),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(s32,	rcvid)
		__field(pid_t,	client_pid)
		__field(pid_t,	client_tid)
		__field(int,	priority)
		__field(u64,	len)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_IDS(message);
		__entry->rcvid = message->rcvid;
		__entry->client_pid = message->queued ? pid_nr(message->tgid) :
							task_tgid_nr(message->client);
		__entry->client_tid = message->queued ? pid_nr(message->tid) :
							task_pid_nr(message->client);
		__entry->priority = message->entry.priority;
		__entry->len = message->sides.send.len;
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " rcvid=%d client_pid=%d client_tid=%d priority=%d len=%llu",
		  STPLR_TRACE_IDS_ARGS, __entry->rcvid, __entry->client_pid, __entry->client_tid,
		  __entry->priority, __entry->len)
);

TRACE_EVENT(stplr_reply,

	TP_PROTO(const struct stplr_message *message, const struct stplr_msg_reply *args,
		 size_t total),

	TP_ARGS(message, args, total),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(s32,	rcvid)
		__field(u32,	error)
		__field(s32,	status)
		__field(u64,	len)
		__field(u64,	total)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_IDS(message);
		__entry->rcvid = message->rcvid;
		__entry->error = args->error;
		__entry->status = args->status;
		__entry->len = min_t(u64, total, message->sides.reply.room);
		__entry->total = total;
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " rcvid=%d error=%u status=%d len=%llu total=%llu",
		  STPLR_TRACE_IDS_ARGS, __entry->rcvid, __entry->error, __entry->status,
		  __entry->len, __entry->total)
);

TRACE_EVENT(stplr_done,

	TP_PROTO(const struct stplr_message *message, int result),

	TP_ARGS(message, result),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(s32,	rcvid)
		__field(int,	result)
		__field(u64,	len)
		__field(unsigned int, how)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_IDS(message);
		__entry->rcvid = message->rcvid;
		__entry->result = result;
		__entry->len = result ? 0 : message->sides.reply.len;
		__entry->how = stplr_trace_reply_how(message);
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " rcvid=%d result=%d len=%llu how=%s",
		  STPLR_TRACE_IDS_ARGS, __entry->rcvid, __entry->result, __entry->len,
		  STPLR_TRACE_PRINT_HOW)
);

/* The server has copied the message, or its reply. @result: how many bytes, or why not. */
TRACE_EVENT(stplr_copy,

	TP_PROTO(const struct stplr_message *message, bool reply, ssize_t result),

	TP_ARGS(message, reply, result),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(s32,		rcvid)
		__field(bool,		reply)
		__field(unsigned int,	how)
		__field(s64,		result)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_IDS(message);
		__entry->rcvid = message->rcvid;
		__entry->reply = reply;
		__entry->how = reply ? stplr_trace_reply_how(message) :
				       stplr_trace_send_how(message);
		__entry->result = result;
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " rcvid=%d direction=%s how=%s result=%lld",
		  STPLR_TRACE_IDS_ARGS, __entry->rcvid, __entry->reply ? "reply" : "send",
		  STPLR_TRACE_PRINT_HOW, __entry->result)
);

TRACE_EVENT(stplr_wake,

	TP_PROTO(struct task_struct *task),

	TP_ARGS(task),

	TP_STRUCT__entry(
		__array(char,	comm, TASK_COMM_LEN)
		__field(pid_t,	pid)
		__field(pid_t,	tid)
	),

	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task_tgid_nr(task);
		__entry->tid = task_pid_nr(task);
	),

	TP_printk("pid=%d tid=%d comm=%s", __entry->pid, __entry->tid, __entry->comm)
);

/* A thread has looked since @begin for what it waits for, before it sleeps. */
TRACE_EVENT(stplr_spin,

	TP_PROTO(const struct stplr_channel *channel, u64 begin, bool hit),

	TP_ARGS(channel, begin, hit),

	TP_STRUCT__entry(
		__field(unsigned int,	device)
		__field(u32,		channel)
		__field(s32,		chid)
		__field(u64,		ns)
		__field(bool,		hit)
	),

	TP_fast_assign(
		__entry->device = channel->device->index;
		__entry->channel = channel->id;
		__entry->chid = channel->chid;
		__entry->ns = max_t(s64, local_clock() - begin, 0);
		__entry->hit = hit;
	),

	TP_printk("device=%u channel=%u chid=%d ns=%llu %s", __entry->device, __entry->channel,
		  __entry->chid, __entry->ns, __entry->hit ? "hit" : "miss")
);

/* Kernel code posts, in whatever context. @result: why not, or 0. */
TRACE_EVENT(stplr_post,

	TP_PROTO(const struct stplr_link *link, const struct stplr_line *line, u64 cookie,
		 size_t len, int result),

	TP_ARGS(link, line, cookie, len, result),

	TP_STRUCT__entry(
		__field(unsigned int,	device)
		__field(u32,		link)
		__field(u32,		coid)
		__field(u64,		cookie)
		__field(u64,		len)
		__field(int,		result)
	),

	TP_fast_assign(
		__entry->device = link->device->index;
		__entry->link = link->id;
		__entry->coid = line ? line->connection->coid : 0;
		__entry->cookie = cookie;
		__entry->len = len;
		__entry->result = result;
	),

	TP_printk("device=%u link=%u coid=%u cookie=%llu len=%llu result=%d", __entry->device,
		  __entry->link, __entry->coid, __entry->cookie, __entry->len, __entry->result)
);

/* What was posted has ended: kernel code is told. */
TRACE_EVENT(stplr_posted,

	TP_PROTO(const struct stplr_message *message, int result),

	TP_ARGS(message, result),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(u32,	link)
		__field(u64,	cookie)
		__field(int,	result)
		__field(s32,	status)
		__field(u64,	len)
	),

	TP_fast_assign(
		const struct stplr_slot *slot = stplr_message_slot(message);

		STPLR_TRACE_ASSIGN_IDS(message);
		__entry->link = slot->line->link->id;
		__entry->cookie = slot->cookie;
		__entry->result = result;
		__entry->status = message->status;
		__entry->len = result ? 0 : message->sides.reply.len;
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " link=%u cookie=%llu result=%d status=%d len=%llu",
		  STPLR_TRACE_IDS_ARGS, __entry->link, __entry->cookie, __entry->result,
		  __entry->status, __entry->len)
);

/* A pulse or notice is queued, or was received. What it says is its receiver's business. */
TRACE_EVENT(stplr_pulse,

	TP_PROTO(const struct stplr_channel *channel, const struct stplr_pulse_entry *pulse,
		 bool received),

	TP_ARGS(channel, pulse, received),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(u32,		scoid)
		__field(int,		priority)
		__field(int,		code)
		__field(unsigned int,	origin)
		__field(bool,		received)
	),

	TP_fast_assign(
		__entry->device = channel->device->index;
		__entry->channel = channel->id;
		__entry->chid = channel->chid;
		__entry->coid = pulse->coid;
		__entry->seq = pulse->entry.seq;
		__entry->scoid = pulse->scoid;
		__entry->priority = pulse->entry.priority;
		__entry->code = pulse->code;
		__entry->origin = pulse->origin;
		__entry->received = received;
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT " scoid=%u priority=%d code=%d origin=%s %s",
		  STPLR_TRACE_IDS_ARGS, __entry->scoid, __entry->priority, __entry->code,
		  __print_symbolic(__entry->origin,
				   { STPLR_PULSE_POOL, "pulse" },
				   { STPLR_NOTICE_UNBLOCK, "unblock" },
				   { STPLR_NOTICE_DISCONNECT, "disconnect" },
				   { STPLR_NOTICE_DEATH, "death" }),
		  __entry->received ? "received" : "queued")
);

/* A thread that serves was raised, or is itself again. */
TRACE_EVENT(stplr_priority,

	TP_PROTO(struct task_struct *task, int from, int to),

	TP_ARGS(task, from, to),

	TP_STRUCT__entry(
		__array(char,	comm, TASK_COMM_LEN)
		__field(pid_t,	pid)
		__field(pid_t,	tid)
		__field(int,	from)
		__field(int,	to)
	),

	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task_tgid_nr(task);
		__entry->tid = task_pid_nr(task);
		__entry->from = from;
		__entry->to = to;
	),

	TP_printk("pid=%d tid=%d comm=%s from=%d to=%d", __entry->pid, __entry->tid,
		  __entry->comm, __entry->from, __entry->to)
);

TRACE_EVENT(stplr_serve,

	TP_PROTO(const struct stplr_serving *serving, int result),

	TP_ARGS(serving, result),

	TP_STRUCT__entry(
		STPLR_TRACE_IDS
		__field(u32,	kind)
		__field(int,	priority)
		__field(u64,	len)
		__field(u64,	room)
		__field(u64,	reply_len)
		__field(int,	result)
		__field(bool,	kept)
		__array(char,	driver, MODULE_NAME_LEN)
	),

	TP_fast_assign(
		const struct stplr_channel *channel = serving->connection->channel;

		__entry->device = channel->device->index;
		__entry->channel = channel->id;
		__entry->chid = channel->chid;
		__entry->coid = serving->request.coid;
		__entry->seq = serving->seq;
		__entry->kind = serving->request.flags & STPLR_REQUEST_QUEUED ?
					STPLR_KIND_QUEUED :
					serving->request.kind;
		__entry->priority = serving->request.priority;
		__entry->len = serving->request.len;
		__entry->room = serving->request.room;
		__entry->reply_len = serving->end;
		__entry->result = result;
		__entry->kept = serving->kept;
		memcpy(__entry->driver, channel->server->module, MODULE_NAME_LEN);
	),

	TP_printk(STPLR_TRACE_IDS_FORMAT
		  " kind=%s priority=%d len=%llu room=%llu reply_len=%llu result=%d kept=%d driver=%s",
		  STPLR_TRACE_IDS_ARGS,
		  __print_symbolic(__entry->kind,
				   { STPLR_KIND_SEND, "send" },
				   { STPLR_KIND_SEND_RECEIVE, "send_receive" },
				   { STPLR_KIND_PULSE, "pulse" },
				   { STPLR_KIND_QUEUED, "queued" }),
		  __entry->priority, __entry->len, __entry->room, __entry->reply_len,
		  __entry->result, __entry->kept, __entry->driver)
);

TRACE_EVENT(stplr_death,

	TP_PROTO(unsigned int what, const struct stplr_channel *channel, u32 coid),

	TP_ARGS(what, channel, coid),

	TP_STRUCT__entry(
		__field(unsigned int,	what)
		__field(unsigned int,	device)
		__field(u32,		channel)
		__field(s32,		chid)
		__field(u32,		coid)
		__field(pid_t,		server)
	),

	TP_fast_assign(
		__entry->what = what;
		__entry->device = channel->device->index;
		__entry->channel = channel->id;
		__entry->chid = channel->chid;
		__entry->coid = coid;
		__entry->server = pid_nr(channel->creator->pid);
	),

	TP_printk("what=%s device=%u channel=%u chid=%d coid=%u server=%d",
		  __print_symbolic(__entry->what,
				   { STPLR_DEATH_CHANNEL, "channel" },
				   { STPLR_DEATH_SHUTDOWN, "shutdown" },
				   { STPLR_DEATH_SERVER, "server" },
				   { STPLR_DEATH_CONNECTION, "connection" },
				   { STPLR_DEATH_DETACH, "detach" },
				   { STPLR_DEATH_CLIENT, "client" }),
		  __entry->device, __entry->channel, __entry->chid, __entry->coid, __entry->server)
);

/* Rings: what names one in every event, and an end. */
#define STPLR_TRACE_RING						\
		__field(unsigned int,	device)				\
		__field(u32,		set)				\
		__field(u32,		number)

#define STPLR_TRACE_ASSIGN_RING(ring)					\
		do {							\
			__entry->device = (ring)->set->device->index;	\
			__entry->set = (ring)->set->id;			\
			__entry->number = (ring)->number;		\
		} while (0)

#define STPLR_TRACE_RING_FORMAT "device=%u set=%u ring=%u"
#define STPLR_TRACE_RING_ARGS __entry->device, __entry->set, __entry->number

DECLARE_EVENT_CLASS(stplr_ring_end_class,

	TP_PROTO(const struct stplr_ring_end *end),

	TP_ARGS(end),

	TP_STRUCT__entry(
		STPLR_TRACE_RING
		__field(unsigned int,	side)
		__field(u32,		end)
		__field(pid_t,		pid)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_RING(end->ring);
		__entry->side = end->side;
		__entry->end = end->number;
		__entry->pid = pid_nr(end->pid);
	),

	TP_printk(STPLR_TRACE_RING_FORMAT " end=%s:%u pid=%d", STPLR_TRACE_RING_ARGS,
		  __entry->side ? "attached" : "creator", __entry->end, __entry->pid)
);

/* Somebody has attached. */
DEFINE_EVENT(stplr_ring_end_class, stplr_ring_attach,
	TP_PROTO(const struct stplr_ring_end *end),
	TP_ARGS(end)
);

/* An end is told, whether it sleeps or not. */
DEFINE_EVENT(stplr_ring_end_class, stplr_ring_wake,
	TP_PROTO(const struct stplr_ring_end *end),
	TP_ARGS(end)
);

/* A ring has ended, with everything that was committed by then. */
TRACE_EVENT(stplr_ring_end,

	TP_PROTO(const struct stplr_ring *ring, int error),

	TP_ARGS(ring, error),

	TP_STRUCT__entry(
		STPLR_TRACE_RING
		__field(int,	error)
		__field(u32,	out)
		__field(u32,	in)
	),

	TP_fast_assign(
		STPLR_TRACE_ASSIGN_RING(ring);
		__entry->error = error;
		__entry->out = ring->final[0];
		__entry->in = ring->final[1];
	),

	TP_printk(STPLR_TRACE_RING_FORMAT " error=%d out=%u in=%u", STPLR_TRACE_RING_ARGS,
		  __entry->error, __entry->out, __entry->in)
);

#endif /* STPLR_TRACE_H */

/* The build of trace.c looks for this file in its own folder. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
