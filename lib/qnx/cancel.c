// SPDX-License-Identifier: MIT
/*
 * Calls that a thread may be cancelled in
 *
 * ioctl(2) is none, so cancelling is made asynchronous for the system call alone, as the C library
 * does it for its own. A thread that is cancelled in a send drops its message: the server's reply
 * fails with ESRCH.
 */
#include <errno.h>
#include <pthread.h>

#include "cancel.h"
#include "stplr.h"

/*
 * A signal came, and the server has the message. As in QNX the call ends then, and the server's
 * reply finds nobody. Going on with a deadline that has passed drops the message, unless it was
 * answered meanwhile.
 */
int send_drop(int fd, struct stplr_msg_send *args)
{
	int ret;

	args->reply_deadline = 1;
	args->clock = CLOCK_MONOTONIC;
	do
		ret = stplr_msg_send_receive(fd, args);
	while (ret && errno == EINTR && args->token);
	if (ret && (errno == ETIMEDOUT || errno == ENOENT))
		errno = EINTR;
	return ret;
}

struct sending {
	int connection;
	struct stplr_msg_send *args;
};

/* Runs when the thread is cancelled, and at the end of every call, when there is no token. */
static void drop_cancelled(struct sending *sending)
{
	if (sending->args && sending->args->token)
		send_drop(sending->connection, sending->args);
}

int cancellable_send(int connection, struct stplr_msg_send *args)
{
	__attribute__((cleanup(drop_cancelled))) struct sending sending = {connection, args};
	int type, ret, error;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = stplr_msg_send_receive(connection, args);
	error = errno;
	sending.args = NULL; /* what becomes of the token is the caller's affair */
	pthread_setcanceltype(type, NULL);
	errno = error;
	return ret;
}

struct receiving {
	int channel;
	struct stplr_msg_receive *args;
};

/*
 * Runs when the thread is cancelled, too: perhaps just as the kernel had given it a message, which
 * nobody would know of. Its client sends it again, to whoever receives then.
 */
static void return_received(struct receiving *receiving)
{
	struct stplr_msg_reply again = {.error = ERESTART};

	if (!receiving->args || receiving->args->info.rcvid <= 0)
		return;
	again.rcvid = receiving->args->info.rcvid;
	stplr_msg_reply(receiving->channel, &again);
}

int cancellable_receive(int channel, struct stplr_msg_receive *args)
{
	__attribute__((cleanup(return_received))) struct receiving receiving = {channel, args};
	int type, ret, error;

	args->info.rcvid = 0;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = stplr_msg_receive(channel, args);
	error = errno;
	pthread_setcanceltype(type, NULL);
	receiving.args = NULL; /* it is the caller's now */
	errno = error;
	return ret;
}
