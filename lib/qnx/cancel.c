// SPDX-License-Identifier: MIT
/*
 * Calls that a thread may be cancelled in
 *
 * ioctl(2) is none, so cancelling is made asynchronous for the system call alone, as the C library
 * does it for its own. A thread that is cancelled in a send drops its message: the server's reply
 * fails with ESRCH.
 */
#include "qnx.h"

int cancellable_send(int connection, struct stplr_msg_send *args)
{
	int type, ret, error;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = stplr_msg_send_receive(connection, args);
	error = errno;
	pthread_setcanceltype(type, NULL);
	errno = error;
	return ret;
}

int cancellable_receive(int channel, struct stplr_msg_receive *args)
{
	int type, ret, error;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = stplr_msg_receive(channel, args);
	error = errno;
	pthread_setcanceltype(type, NULL);
	errno = error;
	return ret;
}
