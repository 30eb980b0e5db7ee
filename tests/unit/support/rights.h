// SPDX-License-Identifier: MIT
// Descriptors that go to another process by a Unix socket.
#pragma once

#include <cstdint>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

/** Passes a descriptor, and a number with it; false if the socket does not take them. */
inline bool pass_fd(int socket, int fd, uint32_t number = 0, int flags = 0)
{
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {};
	iovec part = {&number, sizeof(number)};
	msghdr message = {};

	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, flags | MSG_NOSIGNAL) == sizeof(number);
}

/** The descriptor that was passed, closed on exec, and its number; -1 if there is none. */
inline int take_fd(int socket, uint32_t *number = nullptr, int flags = 0)
{
	uint32_t got;
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	iovec part = {&got, sizeof(got)};
	msghdr message = {};
	int fd;

	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	if (recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC) != sizeof(got))
		return -1;
	const cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (!header)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (number)
		*number = got;
	return fd;
}
