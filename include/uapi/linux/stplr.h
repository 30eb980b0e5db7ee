/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * stplr - synchronous message passing between processes, after QNX
 *
 * Objects are file descriptors. open("/dev/stplr-N") gives a *device*: a domain of channels and
 * names. STPLR_CHANNEL_CREATE on a device gives a *channel*, the server's end,
 * STPLR_CONNECT_ATTACH a *connection*, the client's end. What each descriptor answers:
 *
 *	device		STPLR_VERSION, STPLR_CHANNEL_CREATE, STPLR_CONNECT_ATTACH,
 *			STPLR_EVENT_REGISTER, STPLR_EVENT_UNREGISTER
 *	channel		STPLR_VERSION, STPLR_CHANNEL_DESTROY, STPLR_CHANNEL_SHUTDOWN,
 *			STPLR_CHANNEL_ACCEPT, STPLR_CHANNEL_INFO, STPLR_MSG_RECEIVE,
 *			STPLR_MSG_REPLY, STPLR_MSG_REPLY_RECEIVE, STPLR_MSG_BATCH, STPLR_MSG_READ,
 *			STPLR_MSG_WRITE, STPLR_MSG_INFO, STPLR_CLIENT_INFO, STPLR_CLIENT_COOKIE,
 *			STPLR_EVENT_DELIVER, STPLR_BUFFER_REGISTER, STPLR_BUFFER_UNREGISTER
 *	connection	STPLR_VERSION, STPLR_CONNECT_DETACH, STPLR_CONNECT_INFO,
 *			STPLR_CONNECT_NOTIFY, STPLR_MSG_SEND, STPLR_MSG_SEND_RECEIVE,
 *			STPLR_PULSE_SEND, STPLR_EVENT_REGISTER, STPLR_EVENT_UNREGISTER,
 *			STPLR_BUFFER_REGISTER, STPLR_BUFFER_UNREGISTER
 *
 * Descriptors are shared by dup(2), fork(2) and SCM_RIGHTS; the last close ends the object. A
 * channel that ends (last close, STPLR_CHANNEL_DESTROY, death of its process) wakes every client
 * blocked on it with ESRCH. A channel made to listen hands out channels instead of messages:
 * STPLR_CHANNEL_ACCEPT gives one for each connection, for a server with a thread or a session a
 * client. A received message belongs to the process that received it; when that process dies, or
 * closes its last descriptor of the channel, the clients of its messages wake with ESRCH.
 *
 * Rules for every ioctl:
 *  - All fields are fixed-size and naturally aligned, the same for 32-bit programs; pointers are
 *    __u64.
 *  - Fields a call does not use and reserved fields must be zero, unknown flags are refused:
 *    EINVAL.
 *  - The size in the ioctl's number is the size the caller knows. A longer structure from a newer
 *    header is accepted while the part this kernel does not know is zero (else E2BIG); one shorter
 *    than its first version is refused (EINVAL). STPLR_VERSION takes any size.
 *  - An ioctl this kernel does not know, one whose number has another direction (or a size, where
 *    there is no argument), or one sent to the wrong kind of descriptor: ENOTTY.
 *  - An argument that cannot be read or written: EFAULT. On any failure before a message was given
 *    to the other side, the other side does not notice.
 */
#ifndef _UAPI_LINUX_STPLR_H
#define _UAPI_LINUX_STPLR_H

#include <linux/ioctl.h>
#include <linux/types.h>

/** STPLR_ABI - the version of this interface; changes only when an old program would misbehave. */
#define STPLR_ABI 2

/** STPLR_NAME_MAX - longest name of a channel, in bytes, without a terminator. */
#define STPLR_NAME_MAX 63

/**
 * STPLR_ID_NAME - an id of 32 bits as a name, for printf(3): "@0" to "@4294967295"
 *
 * Peers that agree on a number rather than a word have this as their name. It is a name like any
 * other, and the only one of its id: what begins with @ and is written otherwise, with a zero
 * before the number or beyond 32 bits, is a bad name.
 */
#define STPLR_ID_NAME "@%u"

/** STPLR_PARTS_MAX - most parts of a vector (the kernel's UIO_MAXIOV). */
#define STPLR_PARTS_MAX 1024

/** STPLR_DEADLINE_NONE - wait as long as it takes. */
#define STPLR_DEADLINE_NONE (-1)

/** STPLR_DEADLINE_POLL - do not wait: EAGAIN instead of blocking. */
#define STPLR_DEADLINE_POLL 0

/*
 * Deadlines are absolute nanoseconds of the clock named beside them: CLOCK_REALTIME (0),
 * CLOCK_MONOTONIC (1) or CLOCK_BOOTTIME (7), as the caller's time namespace has it. One that has
 * passed gives ETIMEDOUT, unless nothing had to be waited for. Values below STPLR_DEADLINE_NONE and
 * other clocks: EINVAL.
 */

/**
 * struct stplr_iovec - one part of a scattered buffer
 * @base: address of the bytes
 * @len: number of bytes; may be 0
 */
struct stplr_iovec {
	__u64 base;
	__u64 len;
};

/**
 * struct stplr_buffer - memory of the caller, in one piece or in parts
 * @addr: address of the bytes; with the call's vector flag, of an array of struct stplr_iovec
 * @len: number of bytes; with the vector flag, of parts (0 to STPLR_PARTS_MAX)
 *
 * More than STPLR_PARTS_MAX parts or a part of 2^63 bytes or more: EINVAL. An address that cannot
 * be the caller's: EFAULT, at once. @addr is not looked at where there are no bytes. What lies
 * beyond 2^31-4096 bytes is not used (as in readv(2)).
 */
struct stplr_buffer {
	__u64 addr;
	__u64 len;
};

/**
 * struct stplr_version - STPLR_VERSION: what module this is
 * @abi: out: STPLR_ABI of the module
 * @version: out: major << 16 | minor << 8 | patch of the module
 * @features: out: mask of STPLR_FEATURE_*
 * @message_max: out: longest message the module takes, in bytes (module parameter message_max)
 * @inline_max: out: messages up to this many bytes, both ways together, need no memory beyond
 *	their connection's
 * @parts_max: out: STPLR_PARTS_MAX of the module
 *
 * Answered by every stplr descriptor.
 */
struct stplr_version {
	__u32 abi;
	__u32 version;
	__u64 features;
	__u64 message_max;
	__u32 inline_max;
	__u32 parts_max;
};

/** STPLR_FEATURE_MESSAGES - send, receive, reply, read and write, by name and by (pid, chid). */
#define STPLR_FEATURE_MESSAGES (1ULL << 0)
/**
 * STPLR_FEATURE_ACCEPT - listening channels, STPLR_CHANNEL_ACCEPT, STPLR_CHANNEL_SHUTDOWN,
 * STPLR_CONNECT_DETACH, _INFO.
 */
#define STPLR_FEATURE_ACCEPT (1ULL << 1)
/** STPLR_FEATURE_QUEUED - STPLR_SEND_QUEUED. */
#define STPLR_FEATURE_QUEUED (1ULL << 2)
/**
 * STPLR_FEATURE_PULSES - pulses, notices, events; STPLR_MSG_INFO, STPLR_CLIENT_INFO and _COOKIE.
 */
#define STPLR_FEATURE_PULSES (1ULL << 3)
/** STPLR_FEATURE_INHERITANCE - servers work at their clients' priority. */
#define STPLR_FEATURE_INHERITANCE (1ULL << 4)
/** STPLR_FEATURE_REGISTERED - buffers that are registered once and named by an index. */
#define STPLR_FEATURE_REGISTERED (1ULL << 5)
/** STPLR_FEATURE_TELL - STPLR_SEND_TELL. */
#define STPLR_FEATURE_TELL (1ULL << 6)
/** STPLR_FEATURE_PARK - STPLR_SEND_PARK. */
#define STPLR_FEATURE_PARK (1ULL << 7)
/** STPLR_FEATURE_RINGS - rings: <linux/stplr_ring.h>. */
#define STPLR_FEATURE_RINGS (1ULL << 8)
/** STPLR_FEATURE_SPIN - waits begin with a look: STPLR_CHANNEL_SPIN, STPLR_CONNECT_SPIN. */
#define STPLR_FEATURE_SPIN (1ULL << 9)
/** STPLR_FEATURE_BATCH - STPLR_MSG_BATCH. */
#define STPLR_FEATURE_BATCH (1ULL << 10)
/** STPLR_FEATURE_WAKE_HERE - STPLR_CHANNEL_WAKE_HERE means something: from Linux 6.6 on, so far. */
#define STPLR_FEATURE_WAKE_HERE (1ULL << 11)

/** STPLR_CHANNEL_ATTACH_ANY - whoever may open the device may attach by (pid, chid). */
#define STPLR_CHANNEL_ATTACH_ANY (1U << 0)

/**
 * STPLR_CHANNEL_CREATOR - the channel ends with the process that made it, whoever else holds it
 * (QNX).
 */
#define STPLR_CHANNEL_CREATOR (1U << 1)

/** STPLR_CHANNEL_GROUP - the name belongs to @gid, not to the caller's effective group. */
#define STPLR_CHANNEL_GROUP (1U << 2)

/**
 * STPLR_CHANNEL_NONBLOCK - create the descriptor with O_NONBLOCK: receives do not wait (EAGAIN).
 */
#define STPLR_CHANNEL_NONBLOCK (1U << 3)

/**
 * STPLR_CHANNEL_LISTEN - connections to it wait to be accepted: STPLR_CHANNEL_ACCEPT, and no
 * messages (EINVAL). A client may send as soon as it is connected; its messages wait with it.
 */
#define STPLR_CHANNEL_LISTEN (1U << 4)

/**
 * STPLR_CHANNEL_UNBLOCK - a REPLY-blocked client that a signal or its reply deadline hits stays
 * blocked until the server answers, or it is killed; the server is told by a pulse
 * (STPLR_PULSE_UNBLOCK) and by STPLR_INFO_UNBLOCK (QNX _NTO_CHF_UNBLOCK). From then on stopping,
 * tracing and other signals wait for the answer, too.
 */
#define STPLR_CHANNEL_UNBLOCK (1U << 5)

/**
 * STPLR_CHANNEL_DISCONNECT - a pulse (STPLR_PULSE_DISCONNECT) when a client process has closed the
 * last of its connections to the channel (QNX _NTO_CHF_DISCONNECT). Those that the server has not
 * received yet count as messages of the client's user (user_messages). Not for listening channels.
 */
#define STPLR_CHANNEL_DISCONNECT (1U << 6)

/**
 * STPLR_CHANNEL_PRIVATE - only the process that made it may connect to it (QNX _NTO_CHF_PRIVATE).
 */
#define STPLR_CHANNEL_PRIVATE (1U << 7)

/**
 * STPLR_CHANNEL_FIXED_PRIORITY - its threads keep their own priority, whoever sends (QNX
 * _NTO_CHF_FIXED_PRIORITY).
 *
 * Without it, a thread that has received a message runs at the higher of its own and the sender's
 * real-time priority, until the message ends: it is answered, or given up by its client, or its
 * client dies. To a thread of SCHED_DEADLINE nothing is lent, nor are nice values and
 * SCHED_DEADLINE to others. If no thread waits, those that are busy (up to 32) are raised already
 * when a message queues, until it is taken; and if they are themselves blocked on another channel,
 * so are that channel's. What nobody waits for, since it was sent with STPLR_SEND_QUEUED or its
 * client is in a signal handler, lends nothing.
 *
 * The priority that the channel's creator could take (RLIMIT_RTPRIO, CAP_SYS_NICE) is the highest
 * that is lent, unless the client consents to more (STPLR_CONNECT_LEND). What a thread's owner
 * sets while it is raised stays if the thread could have set that without being raised, else it is
 * undone with the loan. A sender's priority is looked at when it sends; what is changed while it
 * waits is not noticed.
 */
#define STPLR_CHANNEL_FIXED_PRIORITY (1U << 8)

/**
 * STPLR_CHANNEL_SPIN - @spin_us says for how long its threads and, unless they say so themselves
 * (STPLR_CONNECT_SPIN), its clients look for what they wait for before they sleep.
 *
 * Without it, the module's parameter spin_us does. A look is only taken with more than one
 * processor, while nothing else wants the one it is taken on, by a client only as long as the
 * server runs, and by all only if looking has paid lately.
 */
#define STPLR_CHANNEL_SPIN (1U << 9)

/**
 * STPLR_CHANNEL_WAKE_HERE - a client that wakes the server's thread and then waits for it, and a
 * server's thread that answers and then waits to receive (STPLR_MSG_REPLY_RECEIVE), wake the other
 * on their own processor.
 *
 * For programs of which one waits while the other works: their messages stay in one cache, and no
 * processor that sleeps is woken. It is done where nothing else wants this processor, it is not
 * isolated, the other may run there, and neither has a real-time priority or SCHED_DEADLINE; and
 * only with STPLR_FEATURE_WAKE_HERE: without, the flag is accepted and means nothing. Elsewhere the
 * scheduler finds a processor, as without the flag. Who looks for what it waits for is not woken at
 * all (STPLR_CHANNEL_SPIN), wherever it runs; and who has woken the other so does not look.
 *
 * Without the flag the module's parameter wake_here decides.
 */
#define STPLR_CHANNEL_WAKE_HERE (1U << 10)

/** STPLR_SPIN_MAX - the longest look before a sleep, in microseconds. */
#define STPLR_SPIN_MAX 1000

/** STPLR_PULSES_MAX - most pulses that a channel may have queued. */
#define STPLR_PULSES_MAX 100000

/** STPLR_PULSES_DEFAULT - how many of a channel that does not say. */
#define STPLR_PULSES_DEFAULT 128

/** STPLR_BACKLOG_MAX - most connections that may wait to be accepted on one channel. */
#define STPLR_BACKLOG_MAX 4096

/**
 * struct stplr_channel_create - STPLR_CHANNEL_CREATE: make a channel (QNX ChannelCreate,
 * name_attach)
 * @name: address of the name, not terminated; ignored when @name_len is 0
 * @name_len: length of the name, 1 to STPLR_NAME_MAX bytes of [A-Za-z0-9._-] or an id's
 *	(STPLR_ID_NAME), or 0 for a channel without one
 * @flags: STPLR_CHANNEL_*
 * @mode: who may connect by name: write bits for owner, group and others as for a Unix socket's
 *	file
 *	(0200, 0020, 0002; other permission bits are allowed and mean nothing); 0 stands for 0600
 * @gid: with STPLR_CHANNEL_GROUP: the group of the name, in the caller's user namespace
 * @chid: out: id of the channel, the smallest from 1 that is free in the calling process
 * @backlog: with STPLR_CHANNEL_LISTEN: how many connections may wait to be accepted, up to
 *	STPLR_BACKLOG_MAX; 0 stands for 128
 * @pulses: how many pulses may be queued, up to STPLR_PULSES_MAX: a pool of the channel's own, made
 *	now and charged to the user (user_memory); 0: STPLR_PULSES_DEFAULT, made with the first
 * @spin_us: with STPLR_CHANNEL_SPIN: microseconds, up to STPLR_SPIN_MAX; 0: no looks
 *
 * Returns a new descriptor, close-on-exec. The name's owner is the caller's effective user. The
 * name is free again as soon as the channel ends.
 *
 * EINVAL: a bad name, flag, mode, backlog, number of pulses or @spin_us; EEXIST: the name is taken
 * on this device; EPERM: not a member of @gid; ENOBUFS: the user has too much memory in messages;
 * EDQUOT: the user has too many channels (module parameter user_channels; one that has ended does
 * not count, nor does an accepted one); EMFILE, ENFILE, ENOMEM as for open(2).
 */
struct stplr_channel_create {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__u32 mode;
	__u32 gid;
	__s32 chid;
	__u32 backlog;
	__u32 pulses;
	__u32 spin_us;
};

/**
 * STPLR_ACCEPT_NONBLOCK - create the descriptor with O_NONBLOCK: receives do not wait (EAGAIN).
 */
#define STPLR_ACCEPT_NONBLOCK (1U << 0)

/**
 * struct stplr_channel_accept - STPLR_CHANNEL_ACCEPT: take the next connection to a listening
 * channel
 * @deadline: until when to wait; O_NONBLOCK on the descriptor is STPLR_DEADLINE_POLL
 * @clock: clock of @deadline
 * @flags: STPLR_ACCEPT_*
 * @pid: out: the process that connected, in the caller's pid namespace; 0 if it has none there
 * @uid: out: its effective user when it connected, in the caller's user namespace
 * @gid: out: its effective group, likewise
 * @scoid: out: id of the process, as in struct stplr_msg_info
 * @coid: out: id of the connection
 * @reserved: must be 0
 *
 * Returns a new descriptor, close-on-exec, of a channel that serves this one connection: it has no
 * name and no chid, and outlives the listening channel. Once the client's last descriptor is
 * closed and all its messages are received, STPLR_MSG_RECEIVE on it gives EPIPE, and poll(2)
 * EPOLLHUP. Connections come first come first served; one that is closed before it was accepted is
 * not seen.
 *
 * EINVAL: a bad flag, clock, deadline or reserved field, or the channel does not listen; EAGAIN:
 * none, and not waiting; ETIMEDOUT; EINTR: a signal came; ESHUTDOWN: the channel was shut down;
 * ESRCH: it was destroyed; EMFILE, ENFILE, ENOMEM as for open(2): the connection can still be
 * accepted.
 */
struct stplr_channel_accept {
	__s64 deadline;
	__u32 clock;
	__u32 flags;
	__s32 pid;
	__u32 uid;
	__u32 gid;
	__u32 scoid;
	__u32 coid;
	__u32 reserved;
};

/** STPLR_STATE_ACCEPTED - from STPLR_CHANNEL_ACCEPT: it serves one connection. */
#define STPLR_STATE_ACCEPTED (1U << 0)
/** STPLR_STATE_SHUTDOWN - it was shut down: receives and accepts get ESHUTDOWN. */
#define STPLR_STATE_SHUTDOWN (1U << 1)
/** STPLR_STATE_ENDED - it was destroyed: its calls get ESRCH. */
#define STPLR_STATE_ENDED (1U << 2)
/** STPLR_STATE_CLOSED - the one client of an accepted channel has closed its connection. */
#define STPLR_STATE_CLOSED (1U << 3)

/**
 * struct stplr_channel_info - STPLR_CHANNEL_INFO: what channel a descriptor is of, which was
 * inherited or received
 * @pid: out: the process that made it, or of an accepted channel the listening one it comes from,
 *	in the caller's pid namespace; 0 if it has none there
 * @chid: out: the channel's id there; 0 for an accepted channel
 * @flags: out: STPLR_CHANNEL_* that it was made with, but STPLR_CHANNEL_NONBLOCK, which is the
 *	descriptor's
 * @state: out: STPLR_STATE_*
 * @device: out: the N of /dev/stplr-N
 * @client_pid: out: of an accepted channel, as in struct stplr_channel_accept; else 0, as the next
 *	four
 * @client_uid: out: likewise
 * @client_gid: out: likewise
 * @client_scoid: out: likewise
 * @client_coid: out: likewise
 * @reserved: out: 0
 * @name: out: its name, or that of the listening channel it was accepted from, ended by a zero and
 *	filled with zeros; empty: none
 */
struct stplr_channel_info {
	__s32 pid;
	__s32 chid;
	__u32 flags;
	__u32 state;
	__u32 device;
	__s32 client_pid;
	__u32 client_uid;
	__u32 client_gid;
	__u32 client_scoid;
	__u32 client_coid;
	__u32 reserved[2];
	char name[STPLR_NAME_MAX + 1];
};

/** STPLR_CONNECT_UID - connect only if the channel's creator has the effective user @uid. */
#define STPLR_CONNECT_UID (1U << 0)

/**
 * STPLR_CONNECT_NONBLOCK - create the descriptor with O_NONBLOCK: sends fail rather than queue
 * (EAGAIN).
 */
#define STPLR_CONNECT_NONBLOCK (1U << 1)

/**
 * STPLR_CONNECT_LEND - the server works at its clients' real-time priority even where its own
 * limits would not let it (see STPLR_CHANNEL_FIXED_PRIORITY, which it does not override). For
 * servers that are trusted: with the time of a real-time thread, and not to pass it on at will.
 */
#define STPLR_CONNECT_LEND (1U << 2)

/**
 * STPLR_CONNECT_SPIN - @spin_us says for how long those who send over it look for the answer before
 * they sleep, whatever the channel (STPLR_CHANNEL_SPIN) or the module's parameter says.
 */
#define STPLR_CONNECT_SPIN (1U << 3)

/**
 * struct stplr_connect_attach - STPLR_CONNECT_ATTACH: connect to a channel (QNX ConnectAttach,
 * name_open)
 * @name: address of the channel's name, not terminated; ignored when @name_len is 0
 * @name_len: length of the name; 0: attach by @pid and @chid
 * @flags: STPLR_CONNECT_*
 * @pid: process that made the channel, in the caller's pid namespace; 0 the caller itself; 0 with
 *	a name
 * @chid: the channel's id; 0 with a name
 * @uid: with STPLR_CONNECT_UID: the user the server must have, in the caller's user namespace
 * @clock: clock of @deadline
 * @deadline: how long to wait for a name that does not exist yet, or for a listening channel's
 *	backlog to have room; 0 (STPLR_DEADLINE_POLL): not at all
 * @coid: out: id of the connection, unique on the device among those that live
 * @spin_us: with STPLR_CONNECT_SPIN: microseconds, up to STPLR_SPIN_MAX; 0: no looks
 *
 * Returns a new descriptor, close-on-exec. By name, the name's mode decides (CAP_DAC_OVERRIDE
 * passes). By (pid, chid), the caller must have the creator's effective user, or CAP_SYS_PTRACE in
 * the creator's user namespace, unless the channel has STPLR_CHANNEL_ATTACH_ANY. A channel with
 * STPLR_CHANNEL_PRIVATE is its creator's only (EACCES).
 *
 * EINVAL: a bad name, flag, clock, deadline or @spin_us, a negative @pid, a @chid that is
 * not positive; ENOENT: no such name, and not waiting; EAGAIN: the backlog is full, and not
 * waiting; ETIMEDOUT: neither by the deadline; EINTR: a signal came while waiting; EACCES: the
 * mode or the creator's user forbids it; EPERM: the server's user is not @uid; ESRCH: no such
 * process or channel, or its creator is dead; EDQUOT: the user has too many connections (module
 * parameter user_connections), or disconnects that were not received (user_messages); EMFILE,
 * ENFILE, ENOMEM as for open(2).
 */
struct stplr_connect_attach {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__s32 pid;
	__s32 chid;
	__u32 uid;
	__u32 clock;
	__s64 deadline;
	__u32 coid;
	__u32 spin_us;
};

/** STPLR_CONNECT_ENDED - the channel is gone: sends get ESRCH. */
#define STPLR_CONNECT_ENDED (1U << 0)
/** STPLR_CONNECT_DETACHED - the connection was detached: sends get EBADF. */
#define STPLR_CONNECT_DETACHED (1U << 1)

/**
 * struct stplr_connect_info - STPLR_CONNECT_INFO: who is at the other end (QNX ConnectServerInfo)
 * @pid: out: the process that made the channel, in the caller's pid namespace; 0 if it has none
 *	there
 * @chid: out: the channel's id there; 0 for an accepted channel
 * @uid: out: the effective user of that process when it made the channel, in the caller's user
 *	namespace
 * @gid: out: its effective group, likewise
 * @coid: out: id of the connection
 * @flags: out: STPLR_CONNECT_ENDED, STPLR_CONNECT_DETACHED
 * @queued: out: messages sent with STPLR_SEND_QUEUED that were not received yet
 * @reserved: out: 0
 * @dropped: out: such messages that were lost with the channel, in all
 */
struct stplr_connect_info {
	__s32 pid;
	__s32 chid;
	__u32 uid;
	__u32 gid;
	__u32 coid;
	__u32 flags;
	__u32 queued;
	__u32 reserved;
	__u64 dropped;
};

/**
 * struct stplr_connect_notify - STPLR_CONNECT_NOTIFY: be told when the server's channel ends (QNX
 * _NTO_CHF_COID_DISCONNECT)
 * @channel: descriptor of a channel, which gets a pulse (STPLR_PULSE_CONNECTION_DEATH) as soon as
 *	the connection's channel has ended, at once if it has; -1: not any more, and the rest is 0
 * @priority: of the pulse, 0 to 140, or STPLR_PRIORITY_OWN
 * @value: of the pulse
 * @flags: none are defined: 0
 * @reserved: must be 0
 *
 * One pulse at most; a full pool cannot lose it. Closing or detaching the connection takes back one
 * that was not received yet. The connection keeps the notified channel's object, not its
 * descriptor: a channel that ends is not told any more.
 *
 * EINVAL: a bad priority, flag or reserved field, a channel of another device or one that listens;
 * EBADF, ENOTTY: @channel is no descriptor, or none of a channel; EBADF: the connection was
 * detached; ENOMEM.
 */
struct stplr_connect_notify {
	__s32 channel;
	__s32 priority;
	__u64 value;
	__u32 flags;
	__u32 reserved;
};

/** STPLR_SEND_VECTOR - struct stplr_msg_send.send is an array of parts. */
#define STPLR_SEND_VECTOR (1U << 0)

/**
 * STPLR_REPLY_VECTOR - the reply buffer (the client's, or the server's in a reply) is an array of
 * parts.
 */
#define STPLR_REPLY_VECTOR (1U << 1)

/**
 * STPLR_SEND_QUEUED - STPLR_MSG_SEND only: do not wait for a server. The kernel keeps a copy of
 * the message, which is received even if the sender has closed the connection by then.
 *
 * What a connection and a channel may have queued is bounded (module parameters
 * connection_queued, channel_queued): at the bound the call waits for room until the send deadline,
 * EAGAIN if it must not wait. Of the channel's places its own user may take all, another as many as
 * it leaves free for others. So is what a user may have (user_messages: EDQUOT, user_memory:
 * ENOBUFS). If the channel ends, or the process that has received part of a message, what was not
 * read is lost; the connection's next call then fails with ECONNRESET, once, and
 * STPLR_CONNECT_INFO tells how many.
 */
#define STPLR_SEND_QUEUED (1U << 2)

/**
 * STPLR_SEND_REGISTERED, STPLR_REPLY_REGISTERED - the buffer lies in a registered one:
 * stplr_buffer.addr is STPLR_REGISTERED(index, offset). Not with STPLR_SEND_QUEUED, nor with the
 * vector flag of the same buffer.
 */
#define STPLR_SEND_REGISTERED (1U << 3)
#define STPLR_REPLY_REGISTERED (1U << 4)

/**
 * STPLR_SEND_TELL - a call that fails tells whether the server had received the message: then
 * @status becomes 1, otherwise it is left as it is. So a client knows what it may safely send
 * again. Not with STPLR_SEND_QUEUED.
 */
#define STPLR_SEND_TELL (1U << 5)

/**
 * STPLR_SEND_PARK - STPLR_MSG_SEND_RECEIVE only: when the server has had the message for a moment,
 * 10 to 20 ms, and not answered, leave it there, *parked* as by a signal (see struct
 * stplr_msg_send), and return: EINPROGRESS, with a @token. So the caller can do something else, ask
 * another server for one, while this one works. Calling again without the flag waits for the reply,
 * calling again with it asks whether it has come: if not, EINPROGRESS and a new @token, at once. An
 * answer within the moment costs no more than without the flag. Until the message has been received
 * the call stays SEND-blocked, whatever that takes.
 */
#define STPLR_SEND_PARK (1U << 6)

/**
 * struct stplr_msg_send - STPLR_MSG_SEND and STPLR_MSG_SEND_RECEIVE: send a message (QNX MsgSend)
 * @send: the message; at most message_max bytes
 * @reply: STPLR_MSG_SEND_RECEIVE: where the reply goes; may be larger than any reply. Zero for
 *	STPLR_MSG_SEND
 * @send_deadline: until when to stay SEND-blocked, that is until a server has received the
 *	message.
 *	STPLR_DEADLINE_POLL, and O_NONBLOCK on the descriptor: only if a server waits to receive.
 *	For STPLR_MSG_SEND also until the rest of a message that did not fit was read (ETIMEDOUT;
 *	O_NONBLOCK does not speak for that)
 * @reply_deadline: until when to stay REPLY-blocked, that is until the reply; must be 0 for
 *	STPLR_MSG_SEND
 * @clock: clock of both deadlines
 * @flags: STPLR_SEND_VECTOR, STPLR_REPLY_VECTOR, STPLR_SEND_QUEUED, STPLR_SEND_REGISTERED,
 *	STPLR_REPLY_REGISTERED, STPLR_SEND_TELL, STPLR_SEND_PARK
 * @token: 0 to send; see below
 * @reply_len: out: bytes of the reply that are in @reply
 * @reply_total: out: bytes the server replied; more than @reply_len: the reply was truncated
 * @status: out: the status the server gave to its reply
 * @reserved: must be 0
 *
 * STPLR_MSG_SEND is one way: it returns once the message was received, and where the receiver's
 * buffer was too small, once the rest was read with STPLR_MSG_READ or the message released with
 * STPLR_MSG_REPLY. STPLR_MSG_SEND_RECEIVE returns with the server's reply. Nothing but the outputs
 * is changed; they are written on success only, @token and STPLR_SEND_TELL excepted.
 *
 * A connection may be used by many threads at once, each blocked send is a message of its own.
 *
 * The memory of @send and @reply must stay mapped until the call returns: what another thread
 * unmaps meanwhile is read and written as it was (like O_DIRECT), not as it is after. While a
 * message is parked (see below) that memory is still the server's to read and write.
 *
 * Signals. While SEND-blocked the message is withdrawn: EINTR, or the system call starts over
 * (SA_RESTART, stop and continue, tracing). While REPLY-blocked the message stays with the server,
 * *parked*, and @token in the caller's structure becomes non-zero. A system call that starts over
 * finds it there by itself. After EINTR the caller goes on waiting for the same reply by calling
 * again with the structure unchanged, also from another thread of its memory; any other send by the
 * same thread on this connection drops the parked message (the server's reply then gets ESRCH), and
 * so does the end of its process. A fatal signal ends every wait at once.
 *
 * Errors before the message was received: EINVAL: a bad flag, clock, deadline or reserved field,
 * too many parts; EFAULT: @send cannot be read; EMSGSIZE: longer than message_max; EAGAIN: nobody
 * is waiting to receive, and the caller does not wait; ETIMEDOUT: not received by @send_deadline;
 * EINTR: a signal came; ESRCH: the channel is gone or shut down; ECONNRESET: messages this
 * connection had queued were lost with the channel; EBADF: the connection was detached; ENOBUFS:
 * the user has too much memory in messages (module parameter user_memory); EDQUOT: too many
 * messages (user_messages); ENOMEM. Errors after: ESRCH: the server died or ended the channel with
 * the message unanswered; ETIMEDOUT: no reply by @reply_deadline; EINTR: a signal came (see
 * @token); EINPROGRESS: see STPLR_SEND_PARK; EFAULT: @reply cannot be written; ENOBUFS: the reply
 * needs more of the kernel's memory than the user may have; ENOENT: no parked message has this
 * @token; any error the server chose (struct stplr_msg_reply.error).
 */
struct stplr_msg_send {
	struct stplr_buffer send;
	struct stplr_buffer reply;
	__s64 send_deadline;
	__s64 reply_deadline;
	__u32 clock;
	__u32 flags;
	__u64 token;
	__u64 reply_len;
	__u64 reply_total;
	__s32 status;
	__u32 reserved;
};

/** STPLR_KIND_SEND - a one-way message: nobody waits for a reply. */
#define STPLR_KIND_SEND 1
/** STPLR_KIND_SEND_RECEIVE - the sender waits for a reply. */
#define STPLR_KIND_SEND_RECEIVE 2
/** STPLR_KIND_PULSE - no message: the buffer holds a struct stplr_pulse. */
#define STPLR_KIND_PULSE 3

/** STPLR_INFO_NO_REPLY - the message wants no reply (STPLR_KIND_SEND). */
#define STPLR_INFO_NO_REPLY (1U << 0)
/** STPLR_INFO_TRUNCATED - more was sent than fitted; fetch the rest with STPLR_MSG_READ. */
#define STPLR_INFO_TRUNCATED (1U << 1)
/**
 * STPLR_INFO_UNBLOCK - the client wants to be unblocked (QNX _NTO_MI_UNBLOCK_REQ): a signal or its
 * reply deadline came, on a channel with STPLR_CHANNEL_UNBLOCK. Told by STPLR_MSG_INFO.
 */
#define STPLR_INFO_UNBLOCK (1U << 2)
/** STPLR_INFO_QUEUED - a one-way message sent with STPLR_SEND_QUEUED: its sender does not wait. */
#define STPLR_INFO_QUEUED (1U << 3)
/** STPLR_INFO_KERNEL - a driver sent it, no process did: @pid and @tid are 0. */
#define STPLR_INFO_KERNEL (1U << 4)

/**
 * struct stplr_msg_info - what comes with a received message (QNX struct _msg_info)
 * @rcvid: the message's id for reply, read and write: positive, not used again before 2^31-1
 *	further receives; 0 for a pulse
 * @kind: STPLR_KIND_*
 * @flags: STPLR_INFO_*
 * @priority: the sender's when it queued: 0 to 39 for nice 19 to -20 (SCHED_OTHER, BATCH, IDLE),
 *	41 to 139 for SCHED_FIFO and SCHED_RR 1 to 99, 140 for SCHED_DEADLINE
 * @len: bytes put into the receive buffer; from STPLR_MSG_INFO: bytes read so far without a gap
 * @src_len: bytes the sender sends
 * @dst_len: room in the sender's reply buffer, in bytes
 * @pid: the sender's process, in the receiver's pid namespace; 0 if it has none there, and for a
 *	pulse
 * @tid: the sender's thread, likewise; 0, as is @pid, if the message was queued and that is gone
 * @uid: the sender's effective user, in the receiver's user namespace (overflowuid if it has none
 *	there); 2^32-1 for a pulse, as @gid
 * @gid: the sender's effective group, likewise
 * @scoid: id of the client process, the same for all its connections on the device
 * @coid: id of the connection, struct stplr_connect_attach.coid
 * @cookie: what the server attached to the connection (STPLR_CLIENT_COOKIE), or 0
 * @reserved: out: 0; for what may come with a message one day
 */
struct stplr_msg_info {
	__s32 rcvid;
	__u32 kind;
	__u32 flags;
	__s32 priority;
	__u64 len;
	__u64 src_len;
	__u64 dst_len;
	__s32 pid;
	__s32 tid;
	__u32 uid;
	__u32 gid;
	__u32 scoid;
	__u32 coid;
	__u64 cookie;
	__u64 reserved[2];
};

/** STPLR_RECEIVE_VECTOR - struct stplr_msg_receive.buffer is an array of parts. */
#define STPLR_RECEIVE_VECTOR (1U << 0)

/** STPLR_RECEIVE_NO_TRUNC - do not take a message that does not fit: EMSGSIZE. */
#define STPLR_RECEIVE_NO_TRUNC (1U << 1)

/** STPLR_RECEIVE_PULSE - take pulses only (QNX MsgReceivePulse). */
#define STPLR_RECEIVE_PULSE (1U << 2)

/**
 * STPLR_RECEIVE_REGISTERED - as STPLR_SEND_REGISTERED; the buffer must be registered for writing.
 */
#define STPLR_RECEIVE_REGISTERED (1U << 3)

/**
 * struct stplr_msg_receive - STPLR_MSG_RECEIVE: wait for a message and take it (QNX MsgReceive)
 * @buffer: where the message goes; what does not fit stays with the sender (STPLR_INFO_TRUNCATED)
 * @deadline: until when to wait; O_NONBLOCK on the descriptor is STPLR_DEADLINE_POLL
 * @clock: clock of @deadline
 * @flags: STPLR_RECEIVE_*
 * @reserved: must be 0
 * @info: out: who sent, how much, and the rcvid. Written on success, and on EMSGSIZE with
 *	@info.rcvid 0 and @info.src_len the room needed. Other errors leave it as it was, or, where
 *	a message went at the last moment, all zero
 *
 * Messages come by priority, then first come first served; of several waiting threads the last
 * that came is served first. A message that could not be delivered (EFAULT, EMSGSIZE) stays at the
 * head.
 *
 * Pulses come with messages, by their priority. @info.kind tells one (STPLR_KIND_PULSE),
 * @info.rcvid is 0, and the buffer holds a struct stplr_pulse. One that finds no room for all of
 * that stays (EMSGSIZE, whatever the flags). A pulse wakes a thread that takes pulses only before
 * others.
 *
 * EINVAL: a bad flag, clock, deadline or reserved field, too many parts, a listening channel;
 * EFAULT: @buffer or the structure cannot be written; EMSGSIZE: see STPLR_RECEIVE_NO_TRUNC;
 * EAGAIN: no message, and not waiting; ETIMEDOUT; EINTR: a signal came (system calls start over as
 * signal(7) says); ESRCH: the channel was destroyed; ESHUTDOWN: it was shut down; EPIPE: an
 * accepted channel's client has closed its connection; ENOMEM: for more parts than 8.
 */
struct stplr_msg_receive {
	struct stplr_buffer buffer;
	__s64 deadline;
	__u32 clock;
	__u32 flags;
	__u64 reserved;
	struct stplr_msg_info info;
};

/**
 * STPLR_REPLY_NO_TRUNC - do not shorten a reply to the client's room: EMSGSIZE, the client goes on
 * waiting.
 */
#define STPLR_REPLY_NO_TRUNC (1U << 2)

/**
 * struct stplr_msg_reply - STPLR_MSG_REPLY: answer a message and wake its sender (QNX MsgReply,
 * MsgError)
 * @reply: the answer; may be empty. At most message_max bytes
 * @rcvid: which message, from struct stplr_msg_info
 * @status: handed to the client as it is
 * @error: 0, or the errno (1 to 511) that the client's call fails with; then no data is passed and
 *	@reply must be empty
 * @flags: STPLR_REPLY_VECTOR, STPLR_REPLY_REGISTERED, STPLR_REPLY_NO_TRUNC
 * @result: out, of STPLR_MSG_BATCH only; must be 0 elsewhere
 * @reserved: must be 0
 * @len: out: bytes the client gets
 *
 * Never waits for the client. Any thread of the process that received the message may reply, once,
 * in any order. For a one-way message that was truncated it releases the sender, whose room is 0
 * bytes.
 *
 * EINVAL: a bad flag or reserved field, an @error above 511, an @rcvid that is not positive, too
 * many parts; ESRCH: no such message: never received here, received by another process, already
 * answered, or its client is gone; EFAULT: @reply cannot be read: the message is still to be
 * answered; EMSGSIZE: longer than message_max, or see STPLR_REPLY_NO_TRUNC; ENOBUFS, ENOMEM: the
 * server's user has no memory to take over a reply longer than the client expected: still to be
 * answered. (Where the client's user has none, the client gets the ENOBUFS.)
 */
struct stplr_msg_reply {
	struct stplr_buffer reply;
	__s32 rcvid;
	__s32 status;
	__u32 error;
	__u32 flags;
	__u32 result;
	__u32 reserved;
	__u64 len;
};

/**
 * struct stplr_msg_reply_receive - STPLR_MSG_REPLY_RECEIVE: answer one message, wait for the next,
 * in one call
 * @reply: the answer, as for STPLR_MSG_REPLY; @reply.rcvid 0: there is nothing to answer yet. Once
 *	the reply
 *	was given @reply.rcvid is set to 0, so the call can be made again after an error of its
 *	receive part
 * @receive: as for STPLR_MSG_RECEIVE
 *
 * The two structures within keep this size; this one grows at its end.
 *
 * A reply that fails returns its error with @reply.rcvid unchanged, and nothing is received; ESRCH
 * with @reply.rcvid 0 is the channel's end.
 */
struct stplr_msg_reply_receive {
	struct stplr_msg_reply reply;
	struct stplr_msg_receive receive;
};

/** STPLR_BATCH_MAX - most answers, and most places for messages, of one STPLR_MSG_BATCH. */
#define STPLR_BATCH_MAX 1024

/**
 * struct stplr_msg_place - where one message of STPLR_MSG_BATCH goes
 * @buffer: as in struct stplr_msg_receive
 * @info: out: likewise
 *
 * Keeps this size, as does struct stplr_msg_reply.
 */
struct stplr_msg_place {
	struct stplr_buffer buffer;
	struct stplr_msg_info info;
};

/**
 * struct stplr_msg_batch - STPLR_MSG_BATCH: answer several messages, then receive several, in one
 * call
 * @replies: address of an array of struct stplr_msg_reply: the answers. One with rcvid 0 is passed
 *	over
 * @places: address of an array of struct stplr_msg_place, which are filled from the first on
 * @nr_replies: how many answers, 0 to STPLR_BATCH_MAX; with 0, @replies is not looked at
 * @nr_places: how many places, 0 to STPLR_BATCH_MAX; with 0, @places is not looked at, and the
 *	call does not receive
 * @deadline: until when to wait for the first message, as in struct stplr_msg_receive. Nothing
 *	waits for further ones: what has come by then is taken
 * @clock: clock of @deadline
 * @flags: STPLR_RECEIVE_*, for each place
 * @failed: out: how many answers failed
 * @reserved: must be 0
 *
 * Returns how many messages and pulses were received.
 *
 * The answers are given in their order. Each stands for itself: one that was given gets rcvid 0, so
 * that the call can be made again as it is, or start over after a signal; one that fails keeps its
 * rcvid, gets its error as STPLR_MSG_REPLY would return it in its result, and counts in @failed.
 * The usual one is ESRCH: its client has gone. Where answers failed the call does not wait for a
 * message, so that its caller learns of them: it returns 0 if none is there.
 *
 * The messages come in their order, as if received one after the other by one thread, and all are
 * to be answered, in any order, by this call or others. What threads come for that wait to receive
 * and were woken is left to them. An error of the first is the call's; one of a later one, or a
 * signal, ends the batch, and the error is the next call's to tell.
 *
 * EINVAL: a bad flag, clock, deadline, count or reserved field, a listening channel (if there are
 * places); EFAULT: the structure or an array cannot be read or written: what was answered has
 * rcvid 0, unless that was what could not be written; EINTR: a signal came between two answers; the
 * others as for STPLR_MSG_RECEIVE.
 */
struct stplr_msg_batch {
	__u64 replies;
	__u64 places;
	__u32 nr_replies;
	__u32 nr_places;
	__s64 deadline;
	__u32 clock;
	__u32 flags;
	__u32 failed;
	__u32 reserved;
};

/** STPLR_DATA_VECTOR - struct stplr_msg_data.buffer is an array of parts. */
#define STPLR_DATA_VECTOR (1U << 0)
/** STPLR_DATA_REGISTERED - as STPLR_SEND_REGISTERED. */
#define STPLR_DATA_REGISTERED (1U << 1)

/**
 * struct stplr_msg_data - STPLR_MSG_READ, STPLR_MSG_WRITE: more of a message that was received
 * (QNX MsgRead, MsgWrite)
 * @buffer: where to (READ) or from where (WRITE)
 * @offset: from where in the sent message, or to where in the client's reply buffer
 * @rcvid: which message, from struct stplr_msg_info
 * @flags: STPLR_DATA_VECTOR, STPLR_DATA_REGISTERED
 * @len: out: bytes copied: less than the buffer where the message, or the client's room, ends; 0
 *	beyond it
 *
 * The client stays REPLY-blocked. Neither call waits for the client. Bytes written are in the
 * client's buffer when its call returns successfully, whatever the reply's length.
 *
 * EINVAL: a bad flag, or an @rcvid that is not positive, too many parts; ESRCH: as for
 * STPLR_MSG_REPLY; EFAULT: @buffer; EMSGSIZE: more than message_max at once; ENOBUFS: more of the
 * kernel's memory than the client's user may have; ENOMEM: for more parts than 8, or what ENOBUFS
 * counts.
 */
struct stplr_msg_data {
	struct stplr_buffer buffer;
	__u64 offset;
	__s32 rcvid;
	__u32 flags;
	__u64 len;
};

/* Pulses: a code and a value, sent without waiting for anybody */

/** STPLR_PRIORITY_OWN - the calling thread's priority. */
#define STPLR_PRIORITY_OWN (-1)

/*
 * Codes of the pulses that the module sends (QNX _PULSE_CODE_*, with QNX's values). 0 to 127 are
 * the user's.
 */
/** STPLR_PULSE_UNBLOCK - a client wants to be unblocked; the value is its message's rcvid. */
#define STPLR_PULSE_UNBLOCK (-32)
/** STPLR_PULSE_DISCONNECT - a client has closed all its connections; scoid tells which. */
#define STPLR_PULSE_DISCONNECT (-33)
/** STPLR_PULSE_THREAD_DEATH - a thread died; sent by the library. */
#define STPLR_PULSE_THREAD_DEATH (-34)
/** STPLR_PULSE_CONNECTION_DEATH - a server's channel ended; the value is STPLR_CONNECT_NOTIFY's. */
#define STPLR_PULSE_CONNECTION_DEATH (-35)

/**
 * struct stplr_pulse - a received pulse (QNX struct _pulse, and laid out like it)
 * @type: 0
 * @subtype: 0
 * @code: the sender's, or STPLR_PULSE_*
 * @zero: 0
 * @value: the sender's
 * @scoid: id of the process that made the sender's connection, a kernel driver's (stplr_source_get)
 *	included
 * @zero2: 0
 */
struct stplr_pulse {
	__u16 type;
	__u16 subtype;
	__s8 code;
	__u8 zero[3];
	__u64 value;
	__s32 scoid;
	__u32 zero2;
};

/**
 * struct stplr_pulse_send - STPLR_PULSE_SEND: send a pulse (QNX MsgSendPulse)
 * @value: for the receiver
 * @priority: where it queues, 0 to 140 as in struct stplr_msg_info, or STPLR_PRIORITY_OWN. It lends
 *	the receiver nothing. In a channel of another process no more counts than the caller could
 *	run at itself (its own priority, RLIMIT_NICE, RLIMIT_RTPRIO, CAP_SYS_NICE)
 * @code: 0 to 127; -128 to -1 only from the process that made the channel
 * @flags: none are defined: 0
 * @reserved: must be 0
 *
 * Never waits. Pulses of one priority are received in the order sent.
 *
 * EINVAL: a bad priority, code, flag or reserved field, or a listening channel; EAGAIN: as many
 * pulses are queued as may be (struct stplr_channel_create.pulses), or as many of another user than
 * the channel's as it leaves free for others; ESRCH: the channel is gone or
 * shut down; EBADF: the connection was detached; ENOBUFS, ENOMEM: no memory for the channel's pool.
 */
struct stplr_pulse_send {
	__u64 value;
	__s32 priority;
	__s32 code;
	__u32 flags;
	__u32 reserved;
};

/* Events: what a client allows a server to notify it by, at any time */

/** STPLR_EVENT_PULSE - a pulse over @fd, a connection (to a channel of the client's own). */
#define STPLR_EVENT_PULSE 1
/** STPLR_EVENT_EVENTFD - 1 is added to @fd, an eventfd. */
#define STPLR_EVENT_EVENTFD 2
/** STPLR_EVENT_SIGNAL - @signo for the process: si_code is SI_ASYNCIO, si_addr the value. */
#define STPLR_EVENT_SIGNAL 3
/**
 * STPLR_EVENT_SIGNAL_THREAD - @signo for the thread that registered it: si_value is the value,
 * si_code @code, if that is negative, or SI_QUEUE.
 */
#define STPLR_EVENT_SIGNAL_THREAD 4

/** STPLR_EVENT_UPDATE - the server may replace the value (QNX SIGEV_FLAG_UPDATEABLE). */
#define STPLR_EVENT_UPDATE (1U << 0)

/**
 * struct stplr_event_register - STPLR_EVENT_REGISTER: allow a server to notify the caller (QNX
 * MsgRegisterEvent)
 * @type: STPLR_EVENT_*
 * @flags: STPLR_EVENT_UPDATE
 * @fd: what to notify; -1 for signals
 * @signo: which signal, 1 to 64; 0 for others
 * @priority: of a pulse, as in struct stplr_pulse_send; 0 for others
 * @code: of a pulse, as in struct stplr_pulse_send; of STPLR_EVENT_SIGNAL_THREAD, 0 or -128 to -1;
 *	0 for others
 * @value: goes with it; 0 for STPLR_EVENT_EVENTFD
 * @id: out: names the event, to be told to the server; unique on the device among those that live
 * @reserved: must be 0
 *
 * On a connection: only the connection's channel may deliver it; it ends with the connection. On a
 * device: any channel on it that the caller's process has a connection to when it is delivered; it
 * ends with the device's descriptor. The event refers to what @fd is now, not to the descriptor. A
 * signal is sent with the credentials that the caller has now.
 *
 * EINVAL: a bad type, flag, signal, priority, code, value or reserved field, an @fd that is not an
 * eventfd, or a connection to a listening channel; EBADF, ENOTTY: @fd is no descriptor, or none of
 * a connection; EBADF: the connection was detached; EDQUOT: too many events of this user (module
 * parameter user_events); ENOMEM.
 */
struct stplr_event_register {
	__u32 type;
	__u32 flags;
	__s32 fd;
	__s32 signo;
	__s32 priority;
	__s32 code;
	__u64 value;
	__u32 id;
	__u32 reserved;
};

/** STPLR_DELIVER_VALUE - with @value instead of the event's own. */
#define STPLR_DELIVER_VALUE (1U << 0)

/**
 * struct stplr_event_deliver - STPLR_EVENT_DELIVER: notify a client (QNX MsgDeliverEvent)
 * @id: the event, as the client told it
 * @scoid: the client process it must be of; 0: any that allowed it to this channel
 * @value: with STPLR_DELIVER_VALUE: the value
 * @flags: STPLR_DELIVER_VALUE
 * @reserved: must be 0
 *
 * Never waits.
 *
 * EINVAL: a bad flag, value or reserved field; ENOENT: no such event; EACCES: it was not allowed to
 * this channel, is another client's, or its value is not to be replaced; ESRCH: what it notifies is
 * gone; EAGAIN: a full pool of pulses, too many pending signals; EPERM: the process runs for
 * another user now; ENOBUFS, ENOMEM: no memory for the pulse's pool.
 */
struct stplr_event_deliver {
	__u32 id;
	__u32 scoid;
	__u64 value;
	__u32 flags;
	__u32 reserved;
};

/* What a server knows of its clients */

/**
 * struct stplr_client_cookie - STPLR_CLIENT_COOKIE: attach a value to a connection
 * @cookie: comes with every later message and pulse over the connection
 * @coid: the connection, as in struct stplr_msg_info; 0 with @rcvid
 * @rcvid: 0, or instead of @coid: a message that was received and not yet answered, over the
 *	connection that is meant
 *
 * EINVAL: a negative @rcvid, or both; ESRCH: no connection to this channel has this id, or no such
 * message (as for STPLR_MSG_REPLY).
 */
struct stplr_client_cookie {
	__u64 cookie;
	__u32 coid;
	__s32 rcvid;
};

/**
 * struct stplr_client_info - STPLR_CLIENT_INFO: who is a client process (QNX ConnectClientInfo)
 * @scoid: which, as in struct stplr_msg_info; with @rcvid: out
 * @pid: out: the process, in the caller's pid namespace; 0 if it has none there
 * @sid: out: its session, likewise; 0 once it is dead
 * @connections: out: how many it has to this channel
 * @uid: out: its real user when it first connected to this channel, in the caller's user namespace;
 *	so the following
 * @euid: out: effective user
 * @suid: out: saved user
 * @gid: out: real group
 * @egid: out: effective group
 * @sgid: out: saved group
 * @groups: address of an array of __u32, which gets the supplementary groups; ignored if
 *	@nr_groups is 0
 * @nr_groups: in: room in @groups; out: how many there are, of which the first were stored
 * @rcvid: 0, or instead of @scoid: a message that was received and not yet answered: who sent it
 *
 * A message may be received when its client's connections are closed, and be answered by who knows
 * no more than its rcvid. Ids of clients and connections come again only after 2^29-1 others.
 *
 * EINVAL: a negative @rcvid; ESRCH: no such client has a connection to this channel, or no such
 * message (as for STPLR_MSG_REPLY), or its client has left.
 */
struct stplr_client_info {
	__u32 scoid;
	__s32 pid;
	__s32 sid;
	__u32 connections;
	__u32 uid;
	__u32 euid;
	__u32 suid;
	__u32 gid;
	__u32 egid;
	__u32 sgid;
	__u64 groups;
	__u32 nr_groups;
	__s32 rcvid;
};

/* Registered buffers: memory that is pinned once and then named by an index */

/** STPLR_BUFFERS_MAX - most that a descriptor may have. */
#define STPLR_BUFFERS_MAX 256

/** STPLR_REGISTERED - names the byte at @offset of the registered buffer @index. */
#define STPLR_REGISTERED(index, offset) ((__u64)(index) << 48 | (__u64)(offset))

/** STPLR_BUFFER_WRITE - bytes may be put there: replies (client), messages (server). */
#define STPLR_BUFFER_WRITE (1U << 0)

/**
 * struct stplr_buffer_register - STPLR_BUFFER_REGISTER: pin memory for many messages
 * @addr: address of the bytes
 * @len: how many, 1 to 2^30
 * @flags: STPLR_BUFFER_WRITE
 * @index: out: names the buffer for calls on this connection or channel
 *
 * Its pages are charged to RLIMIT_MEMLOCK (without CAP_IPC_LOCK), which bounds those of all the
 * user's processes together, and stay pinned until the buffer is unregistered or the descriptor's
 * last copy closed, and the messages that use it are through. Whatever is mapped at @addr later,
 * the pages are those of now (O_DIRECT's rule, too). Only the process that registered it can use
 * it; after exec(2) nobody can. Whoever has the descriptor can unregister it.
 *
 * EINVAL: a bad length or flag; EFAULT: not the caller's memory, or not writable with
 * STPLR_BUFFER_WRITE; ENOMEM: RLIMIT_MEMLOCK; EDQUOT: STPLR_BUFFERS_MAX; EOPNOTSUPP: memory that
 * cannot be pinned for long (files, devices); EINTR: a signal came while memory was to come.
 *
 * What names a registered buffer: EINVAL: no such buffer, another process's, bytes beyond its end,
 * or one not for writing.
 */
struct stplr_buffer_register {
	__u64 addr;
	__u64 len;
	__u32 flags;
	__u32 index;
};

/** STPLR_IOC_MAGIC - not in the kernel's list of ioctl numbers as of 6.12. */
#define STPLR_IOC_MAGIC 0xD5

/* any descriptor */
#define STPLR_VERSION _IOR(STPLR_IOC_MAGIC, 0x00, struct stplr_version)

/* device */
#define STPLR_CHANNEL_CREATE _IOWR(STPLR_IOC_MAGIC, 0x01, struct stplr_channel_create)
#define STPLR_CONNECT_ATTACH _IOWR(STPLR_IOC_MAGIC, 0x02, struct stplr_connect_attach)

/* channel */
/**
 * STPLR_CHANNEL_DESTROY - end the channel now: all its clients and receivers wake with ESRCH.
 * ESRCH if it has ended. The argument is not looked at.
 */
#define STPLR_CHANNEL_DESTROY _IO(STPLR_IOC_MAGIC, 0x10)
/**
 * STPLR_CHANNEL_SHUTDOWN - receive nothing more: present and future receives and accepts end with
 * ESHUTDOWN, sends not yet received and later ones with ESRCH. What was received can still be
 * answered. The argument is not looked at.
 */
#define STPLR_CHANNEL_SHUTDOWN _IO(STPLR_IOC_MAGIC, 0x11)
#define STPLR_CHANNEL_ACCEPT _IOWR(STPLR_IOC_MAGIC, 0x12, struct stplr_channel_accept)
#define STPLR_CHANNEL_INFO _IOR(STPLR_IOC_MAGIC, 0x13, struct stplr_channel_info)
#define STPLR_MSG_RECEIVE _IOWR(STPLR_IOC_MAGIC, 0x20, struct stplr_msg_receive)
#define STPLR_MSG_REPLY _IOWR(STPLR_IOC_MAGIC, 0x21, struct stplr_msg_reply)
#define STPLR_MSG_REPLY_RECEIVE _IOWR(STPLR_IOC_MAGIC, 0x22, struct stplr_msg_reply_receive)
#define STPLR_MSG_READ _IOWR(STPLR_IOC_MAGIC, 0x23, struct stplr_msg_data)
#define STPLR_MSG_WRITE _IOWR(STPLR_IOC_MAGIC, 0x24, struct stplr_msg_data)
/**
 * STPLR_MSG_INFO - the info of a received message again (QNX MsgInfo). In: rcvid; the rest is not
 * looked at. EINVAL: an rcvid that is not positive; ESRCH: as for STPLR_MSG_REPLY.
 */
#define STPLR_MSG_INFO _IOWR(STPLR_IOC_MAGIC, 0x25, struct stplr_msg_info)
#define STPLR_CLIENT_INFO _IOWR(STPLR_IOC_MAGIC, 0x26, struct stplr_client_info)
#define STPLR_CLIENT_COOKIE _IOW(STPLR_IOC_MAGIC, 0x27, struct stplr_client_cookie)
#define STPLR_EVENT_DELIVER _IOW(STPLR_IOC_MAGIC, 0x28, struct stplr_event_deliver)
#define STPLR_MSG_BATCH _IOWR(STPLR_IOC_MAGIC, 0x29, struct stplr_msg_batch)

/* connection */
/**
 * STPLR_CONNECT_DETACH - end the connection now, whoever else has it: its blocked and later sends
 * get EBADF, the server's replies ESRCH. EBADF if it was detached before. The argument is not
 * looked at.
 */
#define STPLR_CONNECT_DETACH _IO(STPLR_IOC_MAGIC, 0x30)
#define STPLR_CONNECT_INFO _IOR(STPLR_IOC_MAGIC, 0x31, struct stplr_connect_info)
#define STPLR_CONNECT_NOTIFY _IOW(STPLR_IOC_MAGIC, 0x32, struct stplr_connect_notify)
#define STPLR_MSG_SEND _IOWR(STPLR_IOC_MAGIC, 0x40, struct stplr_msg_send)
#define STPLR_MSG_SEND_RECEIVE _IOWR(STPLR_IOC_MAGIC, 0x41, struct stplr_msg_send)
#define STPLR_PULSE_SEND _IOW(STPLR_IOC_MAGIC, 0x42, struct stplr_pulse_send)

/* connection, device */
#define STPLR_EVENT_REGISTER _IOWR(STPLR_IOC_MAGIC, 0x50, struct stplr_event_register)
/** STPLR_EVENT_UNREGISTER - the argument is the address of the id. ENOENT: none here. */
#define STPLR_EVENT_UNREGISTER _IOW(STPLR_IOC_MAGIC, 0x51, __u32)

/* connection, channel */
#define STPLR_BUFFER_REGISTER _IOWR(STPLR_IOC_MAGIC, 0x60, struct stplr_buffer_register)
/** STPLR_BUFFER_UNREGISTER - the argument is the address of the index. ENOENT: none here. */
#define STPLR_BUFFER_UNREGISTER _IOW(STPLR_IOC_MAGIC, 0x61, __u32)

/*
 * poll(2), epoll(7). Channel: EPOLLIN while a message or pulse waits to be received, or a
 * connection to be accepted, and EPOLLPRI while a pulse waits; EPOLLHUP once it was destroyed or
 * shut down, or an accepted channel's client has
 * closed. Connection: EPOLLOUT, and EPOLLHUP | EPOLLERR once its channel is gone or it was
 * detached. Device: nothing to wait for.
 */

#endif /* _UAPI_LINUX_STPLR_H */
