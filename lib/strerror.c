// SPDX-License-Identifier: MIT
/*
 * libstplr: errors in words
 *
 * One errno means different things to different calls: ESRCH is a server that has died to who
 * sends, and a client that has given up to who replies. The table goes from the particular call to
 * all calls, and its first row that matches has the words. A row's call is how the name of a call
 * begins, without stplr_ and msg_; so "send" is stplr_sendv() and stplr_msg_send(), too. Each error
 * that a man page names has words: lib/check-install sees to it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <string.h>

#include "stplr.h"

struct row {
	const char *call;
	int error;
	const char *words;
};

static const struct row rows[] = {
	{"open", ENOENT, "no such device: the module is not loaded, or has fewer devices"},
	{"open", ENXIO, "no such device: the module is not loaded, or has fewer devices"},
	{"open", ENODEV, "no such device: the module is not loaded, or has fewer devices"},
	{"open", EACCES, "the device's owner, group and mode do not let this user open it"},
	{"open", EINVAL, "a flag, of which none are defined"},
	{"open", ENOTTY, "not a device of the module stplr"},
	{"version", ENOTTY, "not a descriptor of stplr"},
	{"check_version", ENOTTY, "not a descriptor of stplr"},

	{"name_id", EINVAL, "not the name of an id"},

	{"activated", EBADF, "what the process was to be started with is not open"},
	{"activated", EINVAL, "LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES do not fit each other"},
	{"activated", ENOENT, "the process was not started with a descriptor of this name"},
	{"activated", ENOTUNIQ, "the process was started with several descriptors: ask by a name"},

	{"channel_create", EDQUOT, "this user has as many channels as one user may have"},
	{"channel_create", EEXIST, "another channel has this name"},
	{"channel_create", EINVAL,
	 "a bad name, flag, mode, backlog, number of pulses or length of looks"},
	{"channel_create", ENOTTY, "not a device"},
	{"channel_create", EPERM, "the caller is not a member of the group"},
	{"channel_accept", EAGAIN, "no connection waits to be accepted"},
	{"channel_accept", EINVAL, "the channel does not listen; or a bad flag, clock or deadline"},
	{"channel_accept", ENOTTY, "not a channel"},
	{"channel_accept", ESRCH, "the channel was destroyed"},
	{"channel_accept", ETIMEDOUT, "no connection came in time"},
	{"channel", ENOTTY, "not a channel"},
	{"channel", ESRCH, "the channel had ended already"},

	{"connect_detach", EBADF, "the connection is not open, or was detached before"},
	{"connect_detach", ENOTTY, "not a connection"},
	{"connect_info", ENOTTY, "not a connection"},
	{"connect_notify", EBADF,
	 "a descriptor that is not open, or a connection that was detached"},
	{"connect_notify", EINVAL,
	 "a bad priority or flag; or a channel that listens, or is on another device"},
	{"connect_notify", ENOTTY, "not a connection, or not a channel to be told"},
	{"connect", EACCES, "the channel's mode, or its creator's user, does not let this user in"},
	{"connect", EAGAIN, "the channel listens, and its backlog is full"},
	{"connect", EDQUOT, "this user has as many connections as one user may have"},
	{"connect", EINVAL, "a bad name, number, flag, clock, deadline or length of looks"},
	{"connect", ENOENT, "no channel has this name: is the server running?"},
	{"connect", ENOTTY, "not a device"},
	{"connect", EPERM, "the server is not of the user that was asked for"},
	{"connect", ESRCH, "no such process or channel, or its creator is dead"},
	{"connect", ETIMEDOUT, "no channel of this name, or no room in its backlog, in time"},

	{"send_queued", EAGAIN, "there is no room to queue the message"},
	{"send_receive", EFAULT, "message or reply buffer is not the caller's memory"},
	{"send_receive", EINPROGRESS, "the server has the message, and works"},
	{"send_receive", ENOBUFS,
	 "message or reply needs more of the kernel's memory than one user may have"},
	{"send_receive", ESRCH,
	 "the server is gone: its channel has ended, or it died before it replied"},
	{"send_receive", ETIMEDOUT, "no reply in time"},
	{"send", EAGAIN, "no server waits to receive"},
	{"send", EBADF, "the connection is not open, or was detached"},
	{"send", EDQUOT, "this user has as many messages on their way as one user may have"},
	{"send", EFAULT, "the message is not in the caller's memory"},
	{"send", EINTR, "a signal came before the message was received"},
	{"send", EINVAL, "too many parts; or a bad flag, clock, deadline or buffer"},
	{"send", EMSGSIZE, "the message is longer than the module takes"},
	{"send", ENOENT, "no message of this call is parked with that token"},
	{"send", ENOTTY, "not a connection"},
	{"send", ESRCH, "the server is gone: its channel has ended"},
	{"send", ETIMEDOUT, "no server received the message in time"},

	{"receive", EAGAIN, "no message waits to be received"},
	{"receive", EFAULT, "the buffer is not the caller's memory; the message stays"},
	{"receive", EINVAL,
	 "the channel listens; or too many parts, a bad flag, clock, deadline or buffer"},
	{"receive", EMSGSIZE, "what is to be received does not fit into the buffer; it stays"},
	{"receive", ENOTTY, "not a channel"},
	{"receive", ESRCH, "the channel was destroyed"},
	{"receive", ETIMEDOUT, "no message came in time"},

	{"reply_receive", EAGAIN, "no message waits to be received"},
	{"reply_receive", EFAULT,
	 "the reply, or the receive buffer, is not in the caller's memory"},
	{"reply_receive", EINVAL,
	 "the channel listens; or a bad rcvid, flag, clock, deadline or buffer"},
	{"reply_receive", EMSGSIZE,
	 "the reply is too long; or what is to be received does not fit and stays"},
	{"reply_receive", ESRCH,
	 "nobody waits for this reply (rcvid unchanged), or the channel was destroyed (rcvid 0)"},
	{"reply_receive", ETIMEDOUT, "no message came in time"},
	{"batch", EAGAIN, "no message waits to be received"},
	{"batch", EFAULT, "an array, or the first buffer, is not in the caller's memory"},
	{"batch", EINVAL, "the channel listens; or a bad count, flag, clock, deadline or buffer"},
	{"batch", EMSGSIZE, "what is to be received does not fit into the first buffer; it stays"},
	{"batch", ENOTTY, "not a channel"},
	{"batch", ESRCH, "the channel was destroyed"},
	{"batch", ETIMEDOUT, "no message came in time"},
	{"reply", EFAULT, "the reply is not in the caller's memory; it is still due"},
	{"reply", EINVAL, "a bad rcvid, error, flag or buffer"},
	{"reply", EMSGSIZE,
	 "the reply is longer than the module takes, or than the client's buffer; it is still "
	 "due"},
	{"reply", ENOTTY, "not a channel"},
	{"reply", ESRCH,
	 "nobody waits for this reply: the client has given up or died, or it was given before"},

	{"read", EFAULT, "the buffer is not the caller's memory"},
	{"read", EINVAL, "a bad rcvid, flag or buffer"},
	{"read", EMSGSIZE, "more at once than a message may be long"},
	{"read", ENOTTY, "not a channel"},
	{"read", ESRCH, "no such message: the client has given up or died, or it was answered"},
	{"write", EFAULT, "the bytes are not in the caller's memory"},
	{"write", EINVAL, "a bad rcvid, flag or buffer"},
	{"write", EMSGSIZE, "more at once than a message may be long"},
	{"write", ENOTTY, "not a channel"},
	{"write", ESRCH, "no such message: the client has given up or died, or it was answered"},

	{"info", EINVAL, "a bad rcvid"},
	{"info", ENOTTY, "not a channel"},
	{"info", ESRCH, "no such message: the client has given up or died, or it was answered"},
	{"client", ENOTTY, "not a channel"},
	{"client_info", ESRCH, "no such client has a connection to this channel"},
	{"client_cookie", ESRCH, "no such connection leads to this channel"},

	{"pulse", EAGAIN, "as many pulses are queued as may be"},
	{"pulse", EBADF, "the connection is not open, or was detached"},
	{"pulse", EINVAL, "a bad priority, code or flag; or the channel listens"},
	{"pulse", ENOTTY, "not a connection"},
	{"pulse", ESRCH, "the server is gone: its channel has ended"},

	{"event_deliver", EACCES,
	 "the client did not allow this event to this channel, or not this value"},
	{"event_deliver", EAGAIN, "as many pulses are queued, or signals pending, as may be"},
	{"event_deliver", ENOENT, "the client has taken the event back, or there never was one"},
	{"event_deliver", EPERM, "the client runs for another user now"},
	{"event_deliver", ESRCH, "what the event notifies is gone"},
	{"event", EBADF, "a descriptor that is not open, or a connection that was detached"},
	{"event", EDQUOT, "this user has as many events as one user may have"},
	{"event", EINVAL, "a bad type, flag, signal, priority, code or value, or not an eventfd"},
	{"event", ENOENT, "no such event on this descriptor"},
	{"event", ENOTTY, "a descriptor of another kind than is wanted"},

	{"buffer", EDQUOT, "the descriptor has as many buffers as it may have"},
	{"buffer", EFAULT, "not the caller's memory, or not writable"},
	{"buffer", EINVAL, "a bad length or flag"},
	{"buffer", ENOENT, "no such buffer on this descriptor"},
	{"buffer", ENOMEM, "more memory than RLIMIT_MEMLOCK lets this user lock"},
	{"buffer", ENOTTY, "neither a connection nor a channel"},
	{"buffer", EOPNOTSUPP, "memory that cannot be pinned for long, as that of files"},

	{"rings_create", EEXIST, "another ring set has this name"},
	{"rings_create", EINVAL, "a bad name, flag, mode, number of rings or of pages"},
	{"rings_create", ENOTTY, "not a device"},
	{"rings_create", EPERM, "the caller is not a member of the group"},
	{"rings_attached", EAGAIN, "nobody has attached"},
	{"rings_attached", EINVAL, "a number that the set does not have"},
	{"rings_attached", ENOTTY, "not a ring set"},
	{"rings_attached", ETIMEDOUT, "nobody attached in time"},
	{"ring_open", EBUSY, "this ring, or every ring, is open and has not ended"},
	{"ring_open", EINVAL, "a flag, or a number that the set does not have"},
	{"ring_open", ENOTTY, "not a ring set"},
	{"ring_attach", EACCES, "the ring set's mode does not let this user in"},
	{"ring_attach", EAGAIN, "the ring is not open, or somebody else is attached to it"},
	{"ring_attach", EINVAL,
	 "a bad name, flag, clock or deadline, or a number that the set does not have"},
	{"ring_attach", ENOENT, "no ring set has this name: is its creator running?"},
	{"ring_attach", ENOTTY, "not a device"},
	{"ring_attach", EPERM, "the ring set's creator is not of the user that was asked for"},
	{"ring_attach", ETIMEDOUT, "no ring set of this name, or no free ring, in time"},
	{"ring_eventfd", EBADF, "the ring's end, or the eventfd, is not open"},
	{"ring_eventfd", EINVAL, "a bad flag, or not an eventfd"},
	{"ring_arm", EINVAL, "neither data nor room, or this end has no such direction"},
	{"ring_end", EINVAL, "an error other than EPROTO"},
	{"ring_wait", EAGAIN, "no data, or no room, and not waiting"},
	{"ring_wait", EINVAL, "neither data nor room, or this end has no such direction"},
	{"ring_wait", ETIMEDOUT, "no data, or no room, in time"},
	{"ring_commit", EINVAL, "nothing, or less, was reserved; or a bad flag"},
	{"ring_flush", EINVAL, "this end does not write"},
	{"ring_pass", EAGAIN, "the ring has no room now"},
	{"ring_pass", EINVAL, "the ring is not turn by turn, or a bad flag"},
	{"ring_peek", EAGAIN, "there is no record now"},
	{"ring_peek", EINVAL, "this end does not read"},
	{"ring", EOPNOTSUPP, "records may be overwritten here, and can only be copied"},
	{"ring_release", EINVAL, "no record was peeked at, or a bad flag"},
	{"ring_reserve", EAGAIN, "the ring has no room now"},
	{"ring_reserve", EINVAL, "this end does not write"},
	{"ring_read", EAGAIN, "there is no record now"},
	{"ring_read", EINVAL, "this end does not read"},
	{"ring_read", EMSGSIZE, "the record does not fit into the buffer; it stays"},
	{"ring_write", EAGAIN, "the ring has no room now"},
	{"ring_write", EINVAL, "this end does not write, or a bad flag"},
	{"ring", EBUSY, "it is the peer's turn to write"},
	{"ring", EMSGSIZE, "more than the ring can take at all"},
	{"ring", ENOBUFS, "this user's rings and messages take as much memory as one user's may"},
	{"ring", ENOTTY, "not an end of a ring"},
	{"ring", EPIPE, "the ring has ended: the peer has closed it, or died"},
	{"ring", EPROTO, "the ring has ended, for a peer broke its rules"},
	{"ring", ESHUTDOWN, "the ring has ended, for the driver at the other end was shut down"},

	{"", 0, "no error"},
	{"", EACCES, "permission denied, by a mode or to a user"},
	{"", EAGAIN, "the call would have to wait, and may not"},
	{"", EBADF, "a descriptor that is not open, or a connection that was detached"},
	{"", ECONNRESET, "messages that were queued earlier were lost with their channel"},
	{"", EDQUOT, "this user has as many of them as one user may have"},
	{"", EEXIST, "another channel has this name"},
	{"", EFAULT, "a buffer is not the caller's memory"},
	{"", EINTR, "a signal came"},
	{"", EINVAL, "an argument that is not allowed"},
	{"", EMFILE, "this process has too many files open"},
	{"", EMSGSIZE, "longer than the module takes, or than the buffer"},
	{"", ENFILE, "the system has too many files open"},
	{"", ENODEV, "no such device"},
	{"", ENOBUFS, "this user's messages take as much memory as one user's may"},
	{"", ENOENT, "no channel has this name, or no message this token"},
	{"", ENOMEM, "the kernel has no memory for it"},
	{"", ENOTTY, "a descriptor of another kind than is wanted"},
	{"", ENXIO, "no such device"},
	{"", EPERM, "not of the user or group that was asked for"},
	{"", EPIPE, "the client has closed its connection"},
	{"", EPROTONOSUPPORT, "module and library are not of one release"},
	{"", ESHUTDOWN, "the channel was shut down"},
	{"", ESRCH, "there is nobody at the other end, or not any more"},
	{"", ETIMEDOUT, "the time was up"},
};

/* Those that begin otherwise than the calls that fail as they do. */
static const char *const aliases[][2] = {
	{"accept", "channel_accept"},
	{"call", "send_receive"},
};

static int begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static const char *stem(const char *call)
{
	static const char *const prefixes[] = {"stplr_", "msg_"};
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (begins(call, prefixes[i]))
			call += strlen(prefixes[i]);
	for (i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (begins(call, aliases[i][0]))
			return aliases[i][1];
	return call;
}

const char *stplr_strerror(const char *call, int error)
{
	const char *begin = stem(call ? call : ""), *words;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].error == error && begins(begin, rows[i].call))
			return rows[i].words;
#ifdef __GLIBC__
	words = strerrordesc_np(error); /* strerror() translates, and not always into a constant */
#else
	words = strerror(error);
#endif
	return words ? words : "an error that has no name";
}
