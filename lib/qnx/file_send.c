// SPDX-License-Identifier: MIT
/*
 * Messages to files that programs serve
 *
 * The message goes through a buffer of this call, for an ioctl has one piece of memory. What the
 * program names is read and written by the kernel, so that a bad address is an error here, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bytes.h"
#include "file_message.h"
#include "file_send.h"

/* Its bytes, or an error. */
static ssize_t length_of(const iov_t *iov, size_t parts)
{
	return parts > IOV_MAX ? -EINVAL : vector_len(iov, parts);
}

bool file_may_be_served(int fd)
{
	struct statx stat;

	/* what the kernel knows; fstat() would ask the server */
	return !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stat) &&
	       (S_ISCHR(stat.stx_mode) || S_ISREG(stat.stx_mode) || S_ISDIR(stat.stx_mode));
}

static int ask(int fd, struct file_message *message, size_t bytes, bool cancel)
{
	int type, ret, error;

	if (!cancel)
		return ioctl(fd, FILE_MESSAGE(bytes), message) ? errno : 0;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = ioctl(fd, FILE_MESSAGE(bytes), message);
	error = errno;
	pthread_setcanceltype(type, NULL);
	return ret ? error : 0;
}

/* What the kernel says of a file whose server has not answered. */
static int error_of(int error)
{
	switch (error) {
	case ECONNABORTED: /* it has ended meanwhile */
		return ESRCH;
	case EINTR:
	case ENOMEM:
		return error;
	}
	return EBADF;
}

int file_send(int fd, const iov_t *siov, size_t sparts, const iov_t *riov, size_t rparts,
	      bool cancel, long *status)
{
	union {
		struct file_message head;
		char bytes[1U << _IOC_SIZEBITS];
	} buffer;
	struct iovec within = {&buffer.head + 1, 0};
	ssize_t len = length_of(siov, sparts), room = length_of(riov, rparts);
	int error;

	if (!file_may_be_served(fd))
		return EBADF;
	if (len < 0)
		return (int)-len;
	if (len > (ssize_t)FILE_MESSAGE_MAX)
		return EMSGSIZE;
	if (room == -EINVAL)
		return EINVAL;
	if (room < 0 || room > (ssize_t)FILE_MESSAGE_MAX)
		room = FILE_MESSAGE_MAX;
	within.iov_len = (size_t)len;
	if (len && process_vm_readv(getpid(), &within, 1, siov, sparts, 0) != len)
		return EFAULT;
	buffer.head = (struct file_message){.len = (uint32_t)len, .room = (uint32_t)room};
	if (room > len) /* which goes to the server, too */
		memset(buffer.bytes + sizeof(buffer.head) + len, 0, (size_t)(room - len));
	error = ask(fd, &buffer.head, (size_t)(len > room ? len : room), cancel);
	if (error)
		return error_of(error);
	if (buffer.head.error)
		return buffer.head.error;
	*status = buffer.head.status;
	within.iov_len = buffer.head.len < (size_t)room ? buffer.head.len : (size_t)room;
	if (within.iov_len &&
	    process_vm_writev(getpid(), &within, 1, riov, rparts, 0) != (ssize_t)within.iov_len)
		return EFAULT;
	return 0;
}
