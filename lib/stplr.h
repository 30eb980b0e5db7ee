/* SPDX-License-Identifier: MIT */
/*
 * libstplr - synchronous message passing between processes, through the kernel module stplr
 *
 * The library is thin: a call is one ioctl of <linux/stplr.h>, which is the reference for what the
 * module does. Objects are file descriptors:
 *
 *	device		from stplr_open(): a domain of channels and names, /dev/stplr-N
 *	channel		from stplr_channel_create(): a server receives and replies on it
 *	connection	from stplr_connect(): a client sends on it
 *	ring		memory that two peers share, for data that flows all the time: stplr_ring.h,
 *			which this file includes
 *
 * All are close-on-exec, work with poll(2), and end with close(2) of their last copy: there is no
 * other call to free anything. The library keeps no state and allocates nothing, so any thread may
 * make any call.
 *
 * Calls come in three forms. Plain (stplr_send) takes one buffer; with a v at its end (stplr_sendv)
 * it takes parts. With msg (stplr_msg_send) it takes the ioctl's own structure, with deadlines and
 * flags, and does nothing but the ioctl. stplr_call(), stplr_receive_timeout() and
 * stplr_connect_timeout() have a time limit, the other plain ones none.
 *
 * All times are nanoseconds. A *timeout* counts from now (2 * STPLR_SECOND), a *deadline* is an
 * absolute time of a clock, as stplr_deadline() makes it: a timeout where a deadline is wanted is
 * long past, and the call fails with ETIMEDOUT at once. 0 does not wait, less than 0 is no limit,
 * in both.
 *
 * Errors: -1, and errno says which; stplr_strerror() has the words. Besides those named at each
 * call, every call may fail with EBADF (not an open descriptor), ENOTTY (not a descriptor of the
 * kind the call wants) and EFAULT (an address that is not the caller's).
 *
 * Where a call has the name of a structure (struct stplr_msg_send, stplr_msg_send()), C++ needs
 * "struct" to name the structure, or its other name there, stplr::msg_send.
 *
 * The caller owns every buffer. No call keeps an address after it has returned.
 */
#ifndef STPLR_H
#define STPLR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/stplr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Times */

/** STPLR_MICROSECOND, STPLR_MILLISECOND, STPLR_SECOND - in nanoseconds: 500 * STPLR_MILLISECOND. */
#define STPLR_MICROSECOND INT64_C(1000)
#define STPLR_MILLISECOND INT64_C(1000000)
#define STPLR_SECOND INT64_C(1000000000)

/**
 * stplr_deadline() - turn a timeout into a deadline
 * @timeout: nanoseconds from now; 0: poll; less than 0: no limit
 *
 * One deadline may bound several calls. The calls that take a structure want CLOCK_MONOTONIC in its
 * clock.
 *
 * Return: nanoseconds of CLOCK_MONOTONIC, STPLR_DEADLINE_POLL or STPLR_DEADLINE_NONE. What lies
 * beyond the clock's end (292 years) is cut to it.
 */
int64_t stplr_deadline(int64_t timeout);

/* Errors */

/**
 * stplr_strerror() - what an error means, in words
 * @call: the name of the call that failed, "stplr_call"; of another, or NULL: what it means to most
 * @error: its errno
 *
 * An error that a server chose (stplr_reply_error()) cannot be told from the call's own. What the
 * library does not know it leaves to the C library.
 *
 * Return: a few words, without a newline, for "stplr_call: %s". A constant: it is not to be freed,
 * any thread may ask. Never NULL.
 */
const char *stplr_strerror(const char *call, int error);

/* Devices */

/**
 * stplr_open() - open a device and check that its module is one the library knows
 * @device: the N of /dev/stplr-N
 * @flags: none are defined: 0
 *
 * Return: a new device descriptor; -1: EINVAL: a flag; ENOENT, ENXIO, ENODEV: no such device: the
 * module is not loaded, or with fewer devices; EACCES: not allowed to open it; EPROTONOSUPPORT: the
 * module speaks an interface that this library does not know; ENOTTY: the device is not stplr's;
 * and those of open(2).
 */
int stplr_open(unsigned int device, unsigned int flags);

/**
 * stplr_open_why() - stplr_open() that says in words what went wrong
 * @device: as for stplr_open()
 * @flags: as for stplr_open()
 * @why: gets one line without a newline that says what failed and what to do, "" on success; may be
 *	NULL
 * @size: bytes in @why; a longer text is cut
 *
 * Return: as stplr_open().
 */
int stplr_open_why(unsigned int device, unsigned int flags, char *why, size_t size);

/**
 * stplr_version() - ask a descriptor what module it belongs to
 * @fd: a device, channel or connection
 * @version: gets the answer, see struct stplr_version
 *
 * Return: 0; -1.
 */
int stplr_version(int fd, struct stplr_version *version);

/**
 * stplr_check_version() - can this library work with the module behind a descriptor?
 * @fd: a device, channel or connection, however it was come by
 * @why: gets the reason for a refusal in one line, "" on success; may be NULL
 * @size: bytes in @why; a longer text is cut
 *
 * stplr_open() has done this already. It is for descriptors that were inherited or received from
 * elsewhere.
 *
 * Return: 0; -1: EPROTONOSUPPORT: the module's STPLR_ABI is another than the one this library was
 * built for, or it lacks a feature that the library uses; ENOTTY: not a descriptor of stplr.
 */
int stplr_check_version(int fd, char *why, size_t size);

/**
 * stplr_activated() - a descriptor that whoever started this process has handed to it
 * @name: what it is called; NULL: there is just one
 *
 * A service manager, or a program that keeps to its convention (LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES: sd_listen_fds(3)), makes a channel before the service runs, and keeps it when
 * that ends: clients connect all the time. The descriptor is close-on-exec from now on, and the
 * caller's to close. What it is of was not looked at: stplr_channel_info(), stplr_connect_info().
 * The environment stays as it is, so a second call with this name gives the same number.
 *
 * Return: the descriptor; -1: ENOENT: there is none of that name, or none at all: the process was
 * not started so, or the variables are for the process that started it; ENOTUNIQ: there are
 * several; EINVAL: the variables make no sense; EBADF: it is not open.
 */
int stplr_activated(const char *name);

/* Names */

/**
 * stplr_id_name() - the name of an id
 * @id: any
 * @name: gets it, "@0" to "@4294967295", ended by a zero
 *
 * Where peers agree on numbers rather than words: the name can be given wherever one can, for
 * channels and for ring sets, and is found, listed, owned and refused like any other. STPLR_ID_NAME
 * is the same for printf().
 *
 * Return: @name.
 */
const char *stplr_id_name(uint32_t id, char name[STPLR_NAME_MAX + 1]);

/**
 * stplr_name_id() - the id that a name is of
 * @name: a name, or any text
 * @id: gets the id
 *
 * Each id has one name: what is not what stplr_id_name() makes ("@007", "@ 7") is none.
 *
 * Return: 0; -1: EINVAL: not the name of an id.
 */
int stplr_name_id(const char *name, uint32_t *id);

/* Channels */

/**
 * stplr_channel_create() - make a channel, the server's end (QNX ChannelCreate, name_attach)
 * @device: from stplr_open()
 * @name: 1 to STPLR_NAME_MAX bytes of [A-Za-z0-9._-]; or an id's, by stplr_id_name(); or NULL for a
 *	channel that is reached by (pid, chid) only
 * @options: in: flags, mode, gid, backlog, pulses, spin_us; out: chid. The library sets the name;
 *	the rest must be 0. NULL: no flags, mode 0600
 *
 * The name is free again as soon as the channel ends.
 *
 * Return: a new channel descriptor; -1: EINVAL: a bad name, flag, mode or backlog; EEXIST:
 * the name is taken; EPERM: not a member of the gid; EDQUOT: too many channels of this user;
 * EMFILE, ENFILE, ENOMEM.
 */
int stplr_channel_create(int device, const char *name, struct stplr_channel_create *options);

/**
 * stplr_channel_destroy() - end a channel now, whoever else holds a descriptor of it (QNX
 * ChannelDestroy)
 * @channel: the channel
 *
 * All clients that are blocked on it, and all threads that receive from it, wake with ESRCH. The
 * descriptor stays open and is good for close(2) only. May be called from a signal handler.
 *
 * Return: 0; -1: ESRCH: it had ended already.
 */
int stplr_channel_destroy(int channel);

/**
 * stplr_channel_shutdown() - receive nothing more, but still answer what was received
 * @channel: the channel
 *
 * Receives and accepts, those that wait and later ones, end with ESHUTDOWN; sends that were not
 * received, and later ones, with ESRCH. May be called from a signal handler: a receive that begins
 * after it fails at once, so no signal comes too early.
 *
 * Return: 0; -1: ESRCH: the channel had ended already.
 */
int stplr_channel_shutdown(int channel);

/**
 * stplr_accept() - take the next connection to a listening channel, waiting for one
 * @channel: from stplr_channel_create() with STPLR_CHANNEL_LISTEN
 * @peer: gets who connected, see struct stplr_channel_accept; may be NULL
 *
 * Return: a new channel descriptor that serves this one connection, until a receive on it gives
 * EPIPE: the client has closed it; -1: EINVAL: the channel does not listen; EAGAIN: the descriptor
 * has O_NONBLOCK and no connection waits; EINTR: a signal came; ESHUTDOWN: the channel was shut
 * down; ESRCH: it was destroyed; EMFILE, ENFILE, ENOMEM: the connection goes on waiting.
 */
int stplr_accept(int channel, struct stplr_channel_accept *peer);

/**
 * stplr_channel_accept() - STPLR_CHANNEL_ACCEPT, with deadline and flags
 * @channel: from stplr_channel_create() with STPLR_CHANNEL_LISTEN
 * @args: in and out, see struct stplr_channel_accept. A zeroed deadline polls; waiting without a
 *	limit is STPLR_DEADLINE_NONE
 *
 * Return: a new channel descriptor; -1: as struct stplr_channel_accept says.
 */
int stplr_channel_accept(int channel, struct stplr_channel_accept *args);

/**
 * stplr_channel_info() - what channel is this descriptor of?
 * @channel: a channel, however it was come by
 * @info: gets the answer, see struct stplr_channel_info
 *
 * For descriptors that were inherited or received: does it listen, is it an accepted client's, and
 * whose, what is its name? stplr_check_version() tells before whether the library knows the module.
 *
 * Return: 0; -1: ENOTTY: a descriptor, but not a channel's.
 */
int stplr_channel_info(int channel, struct stplr_channel_info *info);

/* Connections */

/**
 * stplr_connect_timeout() - connect to a channel by its name (QNX name_open)
 * @device: from stplr_open()
 * @name: the channel's name
 * @timeout: how long to wait for a name that does not exist yet, or for room in a listening
 *	channel's backlog: nanoseconds, 5 * STPLR_SECOND; 0: not at all; less than 0: without an end
 *
 * Return: a new connection descriptor; -1: EINVAL: a bad name; ENOENT: no such name, and not
 * waiting; EAGAIN: it listens, and its backlog is full, and not waiting; ETIMEDOUT: neither in
 * time; EINTR: a signal came while waiting; EACCES: the channel's mode forbids it; EDQUOT: too many
 * connections of this user; EMFILE, ENFILE, ENOMEM.
 */
int stplr_connect_timeout(int device, const char *name, int64_t timeout);

/**
 * stplr_connect() - stplr_connect_timeout() with a deadline
 * @device: from stplr_open()
 * @name: the channel's name
 * @deadline: until when to wait: nanoseconds of CLOCK_MONOTONIC, from stplr_deadline() (a timeout
 *	is no deadline); STPLR_DEADLINE_POLL: not at all; STPLR_DEADLINE_NONE: without an end
 *
 * Return: as stplr_connect_timeout(), and EINVAL: a bad deadline.
 */
int stplr_connect(int device, const char *name, int64_t deadline);

/**
 * stplr_connect_pid() - connect to a channel by its creator and number (QNX ConnectAttach)
 * @device: from stplr_open()
 * @pid: the process that made the channel, 0: the caller
 * @chid: the channel's number, from struct stplr_channel_create
 *
 * Return: a new connection descriptor; -1: EINVAL: a number out of range; ESRCH: no such process or
 * channel, or its creator is dead; EACCES: the channel is another user's, and does not have
 * STPLR_CHANNEL_ATTACH_ANY; EDQUOT: too many connections of this user; EMFILE, ENFILE, ENOMEM.
 */
int stplr_connect_pid(int device, pid_t pid, int32_t chid);

/**
 * stplr_connect_pidfd() - stplr_connect_pid(), by what names a process for good
 * @device: from stplr_open()
 * @pidfd: from pidfd_open(2), of the process that made the channel
 * @chid: the channel's number
 *
 * A pid is given again once its process is gone; this never connects to who got it then. It needs
 * /proc, of the caller's pid namespace.
 *
 * Return: as stplr_connect_pid(), and EBADF: not a pidfd; ENOENT: no /proc; ESRCH, too: the process
 * is gone, or not in the caller's pid namespace.
 */
int stplr_connect_pidfd(int device, int pidfd, int32_t chid);

/**
 * stplr_connect_attach() - connect with options (QNX ConnectAttach, name_open)
 * @device: from stplr_open()
 * @name: the channel's name, or NULL to use @options' pid and chid
 * @options: in: flags, uid, clock, deadline, without a name pid and chid; out: coid. The library
 *	sets the name; the rest must be 0. NULL: as if all were 0
 *
 * Return: as stplr_connect() and stplr_connect_pid(), and EPERM: the server's user is not @options'
 * uid.
 */
int stplr_connect_attach(int device, const char *name, struct stplr_connect_attach *options);

/**
 * stplr_connect_detach() - end a connection now, whoever else has a descriptor of it (QNX
 * ConnectDetach)
 * @connection: the connection
 *
 * Its blocked and later sends get EBADF, the server's replies to them ESRCH. The descriptor stays
 * open.
 *
 * Return: 0; -1: EBADF: it was detached before.
 */
int stplr_connect_detach(int connection);

/**
 * stplr_connect_info() - who is at the other end? (QNX ConnectServerInfo)
 * @connection: the connection
 * @info: gets the answer, see struct stplr_connect_info
 *
 * Return: 0; -1.
 */
int stplr_connect_info(int connection, struct stplr_connect_info *info);

/* Buffers */

/**
 * stplr_part() - describe one part of a scattered buffer
 * @base: its first byte
 * @len: its length in bytes, may be 0
 *
 * struct stplr_iovec is not struct iovec: it has the same layout in 32-bit programs as in 64-bit
 * ones. A call takes at most STPLR_PARTS_MAX parts.
 */
struct stplr_iovec stplr_part(const void *base, size_t len);

/* Sending */

/**
 * stplr_send() - send a message one way
 * @connection: from stplr_connect()
 * @message: the message
 * @len: its length in bytes, at most struct stplr_version.message_max
 *
 * Returns once a server has received the message, and where the server's buffer was too small, once
 * it has read the rest or released the message.
 *
 * A signal that comes before the message was received ends the call with EINTR, unless its handler
 * has SA_RESTART; the server then never sees the message. One that comes later never ends the call.
 *
 * Return: 0; -1: EINTR: withdrawn; EMSGSIZE: longer than message_max; EAGAIN: the descriptor has
 * O_NONBLOCK and nobody waits to receive; ESRCH: the channel is gone, or ended with the message in
 * it; ENOBUFS, EDQUOT: too much memory, too many messages of this user; ENOMEM; any error that the
 * server chose (stplr_reply_error()).
 */
int stplr_send(int connection, const void *message, size_t len);

/**
 * stplr_sendv() - stplr_send() of a message in parts
 * @connection: from stplr_connect()
 * @parts: the parts, sent one behind the other
 * @count: how many
 *
 * Return: as stplr_send(), and EINVAL: too many parts.
 */
int stplr_sendv(int connection, const struct stplr_iovec *parts, size_t count);

/**
 * stplr_send_queued() - send a message one way without waiting for a server
 * @connection: from stplr_connect()
 * @message: the message
 * @len: its length in bytes, at most struct stplr_version.message_max
 *
 * The kernel keeps a copy, which is received even after the connection was closed. How many bytes
 * and messages may wait is bounded: at the bound the call waits for room.
 *
 * Return: 0; -1: as stplr_send(); EAGAIN: the descriptor has O_NONBLOCK and there is no room;
 * ECONNRESET: messages that were queued before were lost with the channel, told once.
 */
int stplr_send_queued(int connection, const void *message, size_t len);

/**
 * stplr_send_queuedv() - stplr_send_queued() of a message in parts
 * @connection: from stplr_connect()
 * @parts: the parts, sent one behind the other
 * @count: how many
 *
 * Return: as stplr_send_queued(), and EINVAL: too many parts.
 */
int stplr_send_queuedv(int connection, const struct stplr_iovec *parts, size_t count);

/**
 * stplr_msg_send() - STPLR_MSG_SEND, with deadline and flags
 * @connection: from stplr_connect()
 * @args: in and out, see struct stplr_msg_send. A zeroed send_deadline polls; waiting without a
 *	limit is STPLR_DEADLINE_NONE
 *
 * Exactly one system call. After EINTR with a token that is not 0 the server has the message:
 * calling again with @args unchanged goes on waiting.
 *
 * Return: 0; -1: as struct stplr_msg_send says.
 */
int stplr_msg_send(int connection, struct stplr_msg_send *args);

/**
 * struct stplr_reply_info - what came with a reply
 * @len: bytes of the reply that are in the client's buffer
 * @total: bytes the server replied; more than @len: the reply was truncated
 * @status: the status the server gave, 0 unless client and server agree on something else
 */
struct stplr_reply_info {
	uint64_t len;
	uint64_t total;
	int32_t status;
};

/**
 * stplr_call() - send a message and wait for its reply, for a time (QNX MsgSend)
 * @connection: from stplr_connect_timeout()
 * @message: the message
 * @len: its length in bytes, at most struct stplr_version.message_max
 * @reply: where the reply goes; it may overlap @message
 * @size: bytes in @reply
 * @timeout: how long it may take in all, until the reply is there: nanoseconds, 2 * STPLR_SECOND;
 *	less than 0: as long as it takes; 0: see EAGAIN
 *
 * stplr_send_receive() with a time limit, and the same as to signals. Those that interrupt it and
 * its going on do not extend it. A server of a channel with STPLR_CHANNEL_UNBLOCK that has the
 * message is told when the time is up, and decides how the call ends.
 *
 * Return: bytes of the reply that are in @reply; -1: those of stplr_send_receive(), and ETIMEDOUT:
 * no reply in time, though the server may have the message (STPLR_SEND_TELL would say); EAGAIN:
 * @timeout is 0, and no server waits to receive. Where one does it gets the message, but its answer
 * is not waited for: ETIMEDOUT, unless it is there at once.
 */
ssize_t stplr_call(int connection, const void *message, size_t len, void *reply, size_t size,
		   int64_t timeout);

/**
 * stplr_callv() - stplr_call() with message and reply in parts
 * @connection: from stplr_connect_timeout()
 * @message: the message's parts
 * @message_count: how many
 * @reply: the parts that the reply fills, one after the other
 * @reply_count: how many
 * @timeout: as for stplr_call()
 *
 * Return: as stplr_call(), and EINVAL: too many parts.
 */
ssize_t stplr_callv(int connection, const struct stplr_iovec *message, size_t message_count,
		    const struct stplr_iovec *reply, size_t reply_count, int64_t timeout);

/**
 * stplr_send_receive() - send a message and wait for its reply (QNX MsgSend)
 * @connection: from stplr_connect()
 * @message: the message
 * @len: its length in bytes, at most struct stplr_version.message_max
 * @reply: where the reply goes; it may overlap @message
 * @size: bytes in @reply; 0: only the status is wanted
 * @info: gets what came with the reply, on success only; may be NULL
 *
 * Blocks until the server has received the message (SEND-blocked) and then until it has replied
 * (REPLY-blocked).
 *
 * A signal while SEND-blocked ends the call with EINTR, unless its handler has SA_RESTART; the
 * server then never sees the message. One while REPLY-blocked never ends it: handlers run, and the
 * call goes on waiting for the same reply; a fatal signal ends the process as ever. A handler must
 * not send on the same connection. stplr_msg_send_receive() leaves the choice to its caller.
 *
 * Return: bytes of the reply that are in @reply (where the server replied more, @info tells); -1:
 * those of stplr_send(), and ESRCH: the server died or ended the channel; EFAULT: @reply cannot be
 * written; any error that the server chose.
 */
ssize_t stplr_send_receive(int connection, const void *message, size_t len, void *reply,
			   size_t size, struct stplr_reply_info *info);

/**
 * stplr_send_receivev() - stplr_send_receive() with message and reply in parts (QNX MsgSendv)
 * @connection: from stplr_connect()
 * @message: the message's parts
 * @message_count: how many
 * @reply: the parts that the reply fills, one after the other
 * @reply_count: how many
 * @info: as for stplr_send_receive()
 *
 * Return: as stplr_send_receive(), and EINVAL: too many parts.
 */
ssize_t stplr_send_receivev(int connection, const struct stplr_iovec *message, size_t message_count,
			    const struct stplr_iovec *reply, size_t reply_count,
			    struct stplr_reply_info *info);

/**
 * stplr_msg_send_receive() - STPLR_MSG_SEND_RECEIVE, with deadlines and flags
 * @connection: from stplr_connect()
 * @args: in and out, see struct stplr_msg_send. Zeroed deadlines poll; waiting without a limit is
 *	STPLR_DEADLINE_NONE
 *
 * Exactly one system call. After EINTR with a token that is not 0 the server has the message:
 * calling again with @args unchanged goes on waiting for the same reply. Another send by the same
 * thread on this connection drops it.
 *
 * Return: 0; -1: as struct stplr_msg_send says.
 */
int stplr_msg_send_receive(int connection, struct stplr_msg_send *args);

/* Receiving */

/**
 * stplr_receive() - wait for a message and take it (QNX MsgReceive)
 * @channel: from stplr_channel_create()
 * @buffer: where the message goes
 * @size: bytes in @buffer; of a longer message the rest stays with its sender, see stplr_read()
 * @info: gets who sent it, how long it is, and whether a reply is due; may be NULL
 *
 * Return: the message's rcvid, greater than 0, which this process owes an answer unless @info has
 * STPLR_INFO_NO_REPLY without STPLR_INFO_TRUNCATED; 0: a pulse, @buffer holds a struct stplr_pulse;
 * -1: EMSGSIZE: a pulse that does not fit, which stays; EAGAIN: the descriptor has O_NONBLOCK and
 * there is none; EINTR: a signal came; EFAULT: @buffer cannot be written: the message stays first
 * in the queue; ESRCH: the channel was destroyed; ESHUTDOWN: it was shut down; EPIPE: the client of
 * an accepted channel has closed its connection; EINVAL: the channel listens.
 */
int32_t stplr_receive(int channel, void *buffer, size_t size, struct stplr_msg_info *info);

/**
 * stplr_receivev() - stplr_receive() into parts (QNX MsgReceivev)
 * @channel: from stplr_channel_create()
 * @parts: the parts that the message fills, one after the other
 * @count: how many
 * @info: as for stplr_receive()
 *
 * Return: as stplr_receive(), and EINVAL: too many parts.
 */
int32_t stplr_receivev(int channel, const struct stplr_iovec *parts, size_t count,
		       struct stplr_msg_info *info);

/**
 * stplr_receive_timeout() - stplr_receive() for a time
 * @channel: from stplr_channel_create()
 * @buffer: where the message goes
 * @size: bytes in @buffer
 * @info: as for stplr_receive(); may be NULL
 * @timeout: how long to wait for a message: nanoseconds, 2 * STPLR_SECOND; 0: not at all; less than
 *	0: as long as it takes
 *
 * Return: as stplr_receive(), and ETIMEDOUT: no message in time; EAGAIN: none, and not waiting.
 */
int32_t stplr_receive_timeout(int channel, void *buffer, size_t size, struct stplr_msg_info *info,
			      int64_t timeout);

/**
 * stplr_receive_timeoutv() - stplr_receive_timeout() into parts
 * @channel: from stplr_channel_create()
 * @parts: the parts that the message fills, one after the other
 * @count: how many
 * @info: as for stplr_receive(); may be NULL
 * @timeout: as for stplr_receive_timeout()
 *
 * Return: as stplr_receive_timeout(), and EINVAL: too many parts.
 */
int32_t stplr_receive_timeoutv(int channel, const struct stplr_iovec *parts, size_t count,
			       struct stplr_msg_info *info, int64_t timeout);

/**
 * stplr_msg_receive() - STPLR_MSG_RECEIVE, with deadline and flags
 * @channel: from stplr_channel_create()
 * @args: in and out, see struct stplr_msg_receive. A zeroed deadline polls; waiting without a limit
 *	is STPLR_DEADLINE_NONE
 *
 * Return: 0; -1: as struct stplr_msg_receive says.
 */
int stplr_msg_receive(int channel, struct stplr_msg_receive *args);

/* Replying */

/**
 * stplr_reply() - answer a message and wake its sender (QNX MsgReply)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @status: for the client, as it is; 0 unless client and server agree on something else
 * @reply: the answer
 * @len: its length in bytes, may be 0
 *
 * Never waits for the client. Any thread of the process that received the message may reply, in any
 * order, once. A one-way message that was truncated is released by it; then @len must be 0.
 *
 * Return: bytes that the client gets, less than @len where its buffer is smaller; -1: ESRCH: no
 * such message: never received by this process, already answered, or its client is gone (that is no
 * fault of the server's: go on); EINVAL: @rcvid is not positive; EFAULT: @reply cannot be read,
 * EMSGSIZE: it is longer than message_max: the message is still to be answered.
 */
ssize_t stplr_reply(int channel, int32_t rcvid, int32_t status, const void *reply, size_t len);

/**
 * stplr_replyv() - stplr_reply() with an answer in parts (QNX MsgReplyv)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @status: as for stplr_reply()
 * @parts: the parts of the answer
 * @count: how many
 *
 * Return: as stplr_reply(), and EINVAL: too many parts.
 */
ssize_t stplr_replyv(int channel, int32_t rcvid, int32_t status, const struct stplr_iovec *parts,
		     size_t count);

/**
 * stplr_reply_error() - make the sender's call fail (QNX MsgError)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @error: the errno that the client gets, 1 to 511
 *
 * Return: 0; -1: as stplr_reply(), and EINVAL: an error out of range.
 */
int stplr_reply_error(int channel, int32_t rcvid, int error);

/**
 * stplr_msg_reply() - STPLR_MSG_REPLY, with flags
 * @channel: the channel it was received on
 * @args: in and out, see struct stplr_msg_reply
 *
 * Return: 0; -1: as struct stplr_msg_reply says.
 */
int stplr_msg_reply(int channel, struct stplr_msg_reply *args);

/**
 * stplr_reply_receive() - answer a message and wait for the next, in one system call
 * @channel: the channel
 * @rcvid: in: the message to answer, 0: none; out: the message that was received. On failure: 0 if
 *	the answer was given, unchanged if it was not
 * @status: as for stplr_reply()
 * @reply: as for stplr_reply()
 * @len: as for stplr_reply()
 * @buffer: where the next message goes; it may be @reply
 * @size: bytes in @buffer
 * @info: as for stplr_receive(); may be NULL
 *
 * A failed call can be made again as it is, unless the answer was the fault. ESRCH with *@rcvid
 * unchanged: the client is gone: set *@rcvid to 0 and go on. ESRCH with *@rcvid 0: the channel was
 * destroyed.
 *
 * Return: 0; -1: as stplr_reply() and stplr_receive().
 */
int stplr_reply_receive(int channel, int32_t *rcvid, int32_t status, const void *reply, size_t len,
			void *buffer, size_t size, struct stplr_msg_info *info);

/**
 * stplr_reply_receivev() - stplr_reply_receive() with both buffers in parts
 * @channel: the channel
 * @rcvid: as for stplr_reply_receive()
 * @status: as for stplr_reply()
 * @reply: the parts of the answer
 * @reply_count: how many
 * @parts: the parts that the next message fills
 * @count: how many
 * @info: as for stplr_receive(); may be NULL
 *
 * Return: as stplr_reply_receive(), and EINVAL: too many parts.
 */
int stplr_reply_receivev(int channel, int32_t *rcvid, int32_t status,
			 const struct stplr_iovec *reply, size_t reply_count,
			 const struct stplr_iovec *parts, size_t count,
			 struct stplr_msg_info *info);

/**
 * stplr_msg_reply_receive() - STPLR_MSG_REPLY_RECEIVE, with deadline and flags
 * @channel: the channel
 * @args: in and out, see struct stplr_msg_reply_receive
 *
 * Return: 0; -1: as struct stplr_msg_reply_receive says.
 */
int stplr_msg_reply_receive(int channel, struct stplr_msg_reply_receive *args);

/**
 * stplr_msg_batch() - STPLR_MSG_BATCH: answer several messages, and receive several, in one system
 * call
 * @channel: the channel
 * @args: in and out, see struct stplr_msg_batch
 *
 * A failed call can be made again as it is: what was answered is not answered twice.
 *
 * Return: how many messages and pulses were received; -1: as struct stplr_msg_batch says.
 */
int stplr_msg_batch(int channel, struct stplr_msg_batch *args);

/* More of a message that was received and not yet answered */

/**
 * stplr_read() - read from the message (QNX MsgRead)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @buffer: where to
 * @size: bytes wanted
 * @offset: from which byte of the message on; what stplr_receive() delivered counts too
 *
 * Return: bytes read, fewer at the message's end, 0 beyond it; -1: ESRCH: as for stplr_reply();
 * EINVAL: @rcvid is not positive; EMSGSIZE: more than message_max at once; ENOBUFS: more of the
 * kernel's memory than the client's user may have.
 */
ssize_t stplr_read(int channel, int32_t rcvid, void *buffer, size_t size, uint64_t offset);

/**
 * stplr_readv() - stplr_read() into parts (QNX MsgReadv)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @parts: where to
 * @count: how many
 * @offset: as for stplr_read()
 *
 * Return: as stplr_read(), and EINVAL: too many parts.
 */
ssize_t stplr_readv(int channel, int32_t rcvid, const struct stplr_iovec *parts, size_t count,
		    uint64_t offset);

/**
 * stplr_write() - write to the client's reply buffer before the reply (QNX MsgWrite)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @buffer: from where
 * @len: bytes to write
 * @offset: to which byte of the client's buffer on
 *
 * The bytes are there when the client's call succeeds. The reply is written to offset 0, over them;
 * its length does not count them.
 *
 * Return: bytes written, fewer where the client's buffer ends, 0 beyond it; -1: as stplr_read().
 */
ssize_t stplr_write(int channel, int32_t rcvid, const void *buffer, size_t len, uint64_t offset);

/**
 * stplr_writev() - stplr_write() from parts (QNX MsgWritev)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @parts: from where
 * @count: how many
 * @offset: as for stplr_write()
 *
 * Return: as stplr_write(), and EINVAL: too many parts.
 */
ssize_t stplr_writev(int channel, int32_t rcvid, const struct stplr_iovec *parts, size_t count,
		     uint64_t offset);

/**
 * stplr_msg_read() - STPLR_MSG_READ
 * @channel: the channel it was received on
 * @args: in and out, see struct stplr_msg_data
 *
 * Return: 0; -1: as struct stplr_msg_data says.
 */
int stplr_msg_read(int channel, struct stplr_msg_data *args);

/**
 * stplr_msg_write() - STPLR_MSG_WRITE
 * @channel: the channel it was received on
 * @args: in and out, see struct stplr_msg_data
 *
 * Return: 0; -1: as struct stplr_msg_data says.
 */
int stplr_msg_write(int channel, struct stplr_msg_data *args);

/* What a server knows of a message and of its clients */

/**
 * stplr_msg_info() - the info of a received message again (QNX MsgInfo)
 * @channel: the channel it was received on
 * @rcvid: the message
 * @info: gets what stplr_receive() told, as it is now; STPLR_INFO_UNBLOCK: the client wants to be
 *	unblocked
 *
 * Return: 0; -1: ESRCH: as for stplr_reply(); EINVAL: @rcvid is not positive.
 */
int stplr_msg_info(int channel, int32_t rcvid, struct stplr_msg_info *info);

/**
 * stplr_client_info() - who is a client process (QNX ConnectClientInfo)
 * @channel: a channel that it has a connection to
 * @info: in: scoid, from struct stplr_msg_info, or rcvid, of a message that is to be answered, and
 *	groups and nr_groups, both may be 0; out: the rest, see struct stplr_client_info
 *
 * Return: 0; -1: ESRCH: no such client.
 */
int stplr_client_info(int channel, struct stplr_client_info *info);

/**
 * stplr_client_cookie() - attach a value to a client's connection
 * @channel: the channel
 * @coid: the connection, from struct stplr_msg_info
 * @cookie: comes in struct stplr_msg_info with every later message and pulse over the connection
 *
 * Return: 0; -1: ESRCH: no connection to this channel has this number.
 */
int stplr_client_cookie(int channel, uint32_t coid, uint64_t cookie);

/* Pulses: a code and a value, sent without waiting for anybody */

/**
 * stplr_pulse() - send a pulse (QNX MsgSendPulse)
 * @connection: from stplr_connect()
 * @priority: where it queues among messages and pulses, 0 to 140 as in struct stplr_msg_info, or
 *	STPLR_PRIORITY_OWN
 * @code: 0 to 127; -128 to -1 only to a channel of the process's own
 * @value: for the receiver
 *
 * Never waits. May be called from a signal handler.
 *
 * Return: 0; -1: EAGAIN: as many pulses are queued as may be; EINVAL: a bad priority or code;
 * ESRCH: the channel is gone or shut down; EBADF: the connection was detached; ENOBUFS, ENOMEM.
 */
int stplr_pulse(int connection, int priority, int code, uint64_t value);

/**
 * stplr_pulse_send() - STPLR_PULSE_SEND
 * @connection: from stplr_connect()
 * @args: see struct stplr_pulse_send
 *
 * Return: 0; -1: as struct stplr_pulse_send says.
 */
int stplr_pulse_send(int connection, struct stplr_pulse_send *args);

/**
 * stplr_receive_pulse() - wait for a pulse and take it, leaving messages in the queue (QNX
 * MsgReceivePulse)
 * @channel: from stplr_channel_create()
 * @pulse: gets the pulse
 * @info: as for stplr_receive(); may be NULL
 *
 * stplr_receive() takes pulses, too: it returns 0 then, and the buffer holds a struct stplr_pulse.
 *
 * Return: 0; -1: as stplr_receive().
 */
int stplr_receive_pulse(int channel, struct stplr_pulse *pulse, struct stplr_msg_info *info);

/**
 * stplr_connect_notify() - be told by a pulse when the server's channel ends (QNX
 * _NTO_CHF_COID_DISCONNECT)
 * @connection: whose channel
 * @args: which channel of the caller's gets what pulse, see struct stplr_connect_notify
 *
 * Return: 0; -1: as struct stplr_connect_notify says.
 */
int stplr_connect_notify(int connection, struct stplr_connect_notify *args);

/* Events: what a client allows a server to notify it by, at any time */

/**
 * stplr_event_register() - allow a server to notify the caller (QNX MsgRegisterEvent)
 * @fd: a connection: only its channel may deliver the event, which ends with the connection; or a
 *	device: any channel there that the process has a connection to
 * @args: in: what is to happen; out: id, to be told to the server; see struct stplr_event_register
 *
 * Return: 0; -1: as struct stplr_event_register says.
 */
int stplr_event_register(int fd, struct stplr_event_register *args);

/**
 * stplr_event_unregister() - take an event back (QNX MsgUnregisterEvent)
 * @fd: what it was registered on
 * @id: the event
 *
 * Return: 0; -1: ENOENT: there is none.
 */
int stplr_event_unregister(int fd, uint32_t id);

/**
 * stplr_event_deliver() - notify a client that is not blocked (QNX MsgDeliverEvent)
 * @channel: a channel that the event was allowed to
 * @args: the event's id, the client's scoid or 0; see struct stplr_event_deliver
 *
 * Never waits. May be called from a signal handler.
 *
 * Return: 0; -1: as struct stplr_event_deliver says.
 */
int stplr_event_deliver(int channel, struct stplr_event_deliver *args);

/* Registered buffers: memory that is pinned once and then named by an index */

/**
 * stplr_buffer_register() - pin memory for many messages
 * @fd: the connection or channel whose calls will name it
 * @address: its first byte
 * @len: how many bytes, 1 to 2^30
 * @flags: STPLR_BUFFER_WRITE: bytes may be put there
 *
 * The calls that take a structure use it: their buffer's addr is STPLR_REGISTERED(index, offset),
 * with STPLR_SEND_REGISTERED, STPLR_REPLY_REGISTERED, STPLR_RECEIVE_REGISTERED or
 * STPLR_DATA_REGISTERED in their flags.
 *
 * Return: the index; -1: EINVAL: a bad length or flag; EFAULT: not the caller's memory, or not
 * writable; ENOMEM: RLIMIT_MEMLOCK; EDQUOT: the descriptor has STPLR_BUFFERS_MAX; EOPNOTSUPP:
 * memory that cannot be pinned for long.
 */
int stplr_buffer_register(int fd, const void *address, size_t len, uint32_t flags);

/**
 * stplr_buffer_unregister() - unpin registered memory
 * @fd: what it was registered on
 * @index: from stplr_buffer_register()
 *
 * Messages that use it are finished first.
 *
 * Return: 0; -1: ENOENT: there is none.
 */
int stplr_buffer_unregister(int fd, uint32_t index);

#ifdef __cplusplus
} /* extern "C" */

/* Names in C++ for the structures that a call of the same name hides: stplr::msg_send args{}; */
namespace stplr
{
typedef struct ::stplr_version version;
typedef struct ::stplr_channel_create channel_create;
typedef struct ::stplr_channel_accept channel_accept;
typedef struct ::stplr_channel_info channel_info;
typedef struct ::stplr_connect_attach connect_attach;
typedef struct ::stplr_connect_info connect_info;
typedef struct ::stplr_connect_notify connect_notify;
typedef struct ::stplr_msg_send msg_send;
typedef struct ::stplr_msg_receive msg_receive;
typedef struct ::stplr_msg_reply msg_reply;
typedef struct ::stplr_msg_reply_receive msg_reply_receive;
typedef struct ::stplr_msg_batch msg_batch;
typedef struct ::stplr_msg_info msg_info;
typedef struct ::stplr_client_info client_info;
typedef struct ::stplr_client_cookie client_cookie;
typedef struct ::stplr_pulse pulse;
typedef struct ::stplr_pulse_send pulse_send;
typedef struct ::stplr_event_register event_register;
typedef struct ::stplr_event_deliver event_deliver;
typedef struct ::stplr_buffer_register buffer_register;
} /* namespace stplr */
#endif

#include <stplr_ring.h>

#endif /* STPLR_H */
