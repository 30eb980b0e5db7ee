// SPDX-License-Identifier: MIT
/*
 * libstplr: a call is an ioctl
 *
 * Nothing is kept between calls. The plain and the vector form of a call differ in one flag, so
 * each pair shares one static function that fills the ioctl's structure. Pulses and events are in
 * pulse.c, the words for errors in strerror.c.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "name.h"
#include "stplr.h"

/* What this library cannot do without. */
#define FEATURES_NEEDED STPLR_FEATURE_MESSAGES

/* The timeout of the calls that have none. */
#define NO_LIMIT (-1)

static struct stplr_buffer memory(const void *address, size_t len)
{
	struct stplr_buffer buffer = {.addr = (uintptr_t)address, .len = len};

	return buffer;
}

/* Devices */

/* errno is what the caller of the library is to see: it survives. */
__attribute__((format(printf, 3, 4))) static void explain(char *why, size_t size,
							  const char *format, ...)
{
	int error = errno;
	va_list list;

	if (!why || !size)
		return;
	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	errno = error;
}

int stplr_version(int fd, struct stplr_version *version)
{
	return ioctl(fd, STPLR_VERSION, version);
}

int stplr_check_version(int fd, char *why, size_t size)
{
	struct stplr_version version;
	unsigned int major, minor, patch;

	if (stplr_version(fd, &version)) {
		if (errno == ENOTTY)
			explain(why, size, "descriptor %d does not belong to stplr", fd);
		else
			explain(why, size, "descriptor %d: %s", fd, strerror(errno));
		return -1;
	}
	major = version.version >> 16;
	minor = version.version >> 8 & 0xff;
	patch = version.version & 0xff;
	if (version.abi != STPLR_ABI) {
		errno = EPROTONOSUPPORT;
		explain(why, size,
			"the loaded module stplr %u.%u.%u has interface %u, this library knows %u: "
			"install module and library of one release",
			major, minor, patch, version.abi, STPLR_ABI);
		return -1;
	}
	if ((version.features & FEATURES_NEEDED) != FEATURES_NEEDED) {
		errno = EPROTONOSUPPORT;
		explain(why, size,
			"the loaded module stplr %u.%u.%u has features 0x%llx, this library needs "
			"0x%llx: "
			"install module and library of one release",
			major, minor, patch, (unsigned long long)version.features,
			(unsigned long long)FEATURES_NEEDED);
		return -1;
	}
	explain(why, size, "%s", "");
	return 0;
}

/* How many devices the loaded module has; 0: there is none, or it cannot be seen. */
static unsigned int module_devices(void)
{
	int fd = open("/sys/module/stplr/parameters/devices", O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t len;

	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	return len > 0 ? (unsigned int)strtoul(text, NULL, 10) : 0;
}

/* Only an unloaded module can be loaded with more devices. */
static void explain_no_device(char *why, size_t size, const char *path, unsigned int device)
{
	int error = errno;
	unsigned int devices = module_devices();

	errno = error;
	if (!devices)
		explain(why, size,
			"no device %s: load the module, with modprobe stplr devices=%llu or more",
			path, device + 1ULL);
	else if (device >= devices)
		explain(why, size,
			"no device %s: the module is loaded with devices=%u: remove it first, with "
			"rmmod stplr, then load it with modprobe stplr devices=%llu or more",
			path, devices, device + 1ULL);
	else
		explain(why, size,
			"no device %s: the module has it, but its file is missing here: see "
			"whether udev runs, or, in a container, whether the device was passed in",
			path);
}

int stplr_open_why(unsigned int device, unsigned int flags, char *why, size_t size)
{
	char path[32];
	int error, fd;

	snprintf(path, sizeof(path), "/dev/stplr-%u", device);
	if (flags) {
		errno = EINVAL;
		explain(why, size, "%s: unknown flags 0x%x", path, flags);
		return -1;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		switch (errno) {
		case ENOENT:
		case ENXIO:
		case ENODEV:
			explain_no_device(why, size, path, device);
			break;
		case EACCES:
			explain(why, size,
				"%s: permission denied: its owner, group and mode say who may use "
				"it",
				path);
			break;
		default:
			explain(why, size, "%s: %s", path, strerror(errno));
		}
		return -1;
	}
	if (stplr_check_version(fd, why, size)) {
		error = errno;
		if (error == ENOTTY)
			explain(why, size, "%s is not a device of the module stplr", path);
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int stplr_open(unsigned int device, unsigned int flags)
{
	return stplr_open_why(device, flags, NULL, 0);
}

/* Channels and connections */

int stplr_channel_create(int device, const char *name, struct stplr_channel_create *options)
{
	struct stplr_channel_create args = {0};
	int fd;

	if (options)
		args = *options;
	if (set_name(name, &args.name, &args.name_len))
		return -1;
	fd = ioctl(device, STPLR_CHANNEL_CREATE, &args);
	if (fd >= 0 && options)
		options->chid = args.chid;
	return fd;
}

int stplr_channel_destroy(int channel)
{
	return ioctl(channel, STPLR_CHANNEL_DESTROY, 0UL);
}

int stplr_channel_shutdown(int channel)
{
	return ioctl(channel, STPLR_CHANNEL_SHUTDOWN, 0UL);
}

int stplr_channel_info(int channel, struct stplr_channel_info *info)
{
	return ioctl(channel, STPLR_CHANNEL_INFO, info);
}

int stplr_channel_accept(int channel, struct stplr_channel_accept *args)
{
	return ioctl(channel, STPLR_CHANNEL_ACCEPT, args);
}

int stplr_accept(int channel, struct stplr_channel_accept *peer)
{
	struct stplr_channel_accept args = {.deadline = STPLR_DEADLINE_NONE};
	int fd = stplr_channel_accept(channel, &args);

	if (fd >= 0 && peer)
		*peer = args;
	return fd;
}

int stplr_connect_attach(int device, const char *name, struct stplr_connect_attach *options)
{
	struct stplr_connect_attach args = {0};
	int fd;

	if (options)
		args = *options;
	if (set_name(name, &args.name, &args.name_len))
		return -1;
	fd = ioctl(device, STPLR_CONNECT_ATTACH, &args);
	if (fd >= 0 && options)
		options->coid = args.coid;
	return fd;
}

int stplr_connect(int device, const char *name, int64_t deadline)
{
	struct stplr_connect_attach options = {.clock = CLOCK_MONOTONIC, .deadline = deadline};

	if (!name) {
		errno = EINVAL;
		return -1;
	}
	return stplr_connect_attach(device, name, &options);
}

int stplr_connect_timeout(int device, const char *name, int64_t timeout)
{
	return stplr_connect(device, name, stplr_deadline(timeout));
}

int stplr_connect_pid(int device, pid_t pid, int32_t chid)
{
	struct stplr_connect_attach options = {.pid = pid, .chid = chid};

	return stplr_connect_attach(device, NULL, &options);
}

/* The process of a pidfd by its number here; -1: EBADF: it is none; ESRCH: dead, or not seen. */
static pid_t pidfd_pid(int pidfd)
{
	char path[64], line[128];
	long pid = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file) {
		if (errno == ENOENT && fcntl(pidfd, F_GETFD) == -1)
			errno = EBADF;
		return -1;
	}
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Pid: %ld", &pid) == 1;
	fclose(file);
	if (!found || pid <= 0) {
		errno = found ? ESRCH : EBADF;
		return -1;
	}
	return (pid_t)pid;
}

int stplr_connect_pidfd(int device, int pidfd, int32_t chid)
{
	pid_t pid = pidfd_pid(pidfd);
	int connection = pid == -1 ? -1 : stplr_connect_pid(device, pid, chid);

	if (connection == -1)
		return -1;
	/* a number is nobody else's before its process is gone, and that this one is not yet */
	if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == -1 && errno == ESRCH) {
		close(connection);
		errno = ESRCH;
		return -1;
	}
	return connection;
}

int stplr_connect_detach(int connection)
{
	return ioctl(connection, STPLR_CONNECT_DETACH, 0UL);
}

int stplr_connect_info(int connection, struct stplr_connect_info *info)
{
	return ioctl(connection, STPLR_CONNECT_INFO, info);
}

/* Buffers and time */

struct stplr_iovec stplr_part(const void *base, size_t len)
{
	struct stplr_iovec part = {.base = (uintptr_t)base, .len = len};

	return part;
}

int64_t stplr_deadline(int64_t timeout)
{
	struct timespec now;
	int64_t ns;

	if (timeout < 0)
		return STPLR_DEADLINE_NONE;
	if (timeout == 0)
		return STPLR_DEADLINE_POLL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return timeout > INT64_MAX - ns ? INT64_MAX : ns + timeout;
}

/* Sending */

int stplr_msg_send(int connection, struct stplr_msg_send *args)
{
	return ioctl(connection, STPLR_MSG_SEND, args);
}

int stplr_msg_send_receive(int connection, struct stplr_msg_send *args)
{
	return ioctl(connection, STPLR_MSG_SEND_RECEIVE, args);
}

/* A token means that the server has the message: only calling again gets what becomes of it. */
static int interrupted_with_server(int ret, const struct stplr_msg_send *args)
{
	return ret < 0 && errno == EINTR && args->token;
}

static int send_one_way(int connection, struct stplr_buffer message, __u32 flags)
{
	struct stplr_msg_send args = {
		.send = message,
		.send_deadline = STPLR_DEADLINE_NONE,
		.flags = flags,
	};
	int ret;

	do
		ret = stplr_msg_send(connection, &args);
	while (interrupted_with_server(ret, &args));
	return ret;
}

int stplr_send(int connection, const void *message, size_t len)
{
	return send_one_way(connection, memory(message, len), 0);
}

int stplr_sendv(int connection, const struct stplr_iovec *parts, size_t count)
{
	return send_one_way(connection, memory(parts, count), STPLR_SEND_VECTOR);
}

int stplr_send_queued(int connection, const void *message, size_t len)
{
	return send_one_way(connection, memory(message, len), STPLR_SEND_QUEUED);
}

int stplr_send_queuedv(int connection, const struct stplr_iovec *parts, size_t count)
{
	return send_one_way(connection, memory(parts, count),
			    STPLR_SEND_QUEUED | STPLR_SEND_VECTOR);
}

static ssize_t send_two_way(int connection, struct stplr_buffer message, struct stplr_buffer reply,
			    __u32 flags, int64_t timeout, struct stplr_reply_info *info)
{
	int64_t deadline = stplr_deadline(timeout);
	struct stplr_msg_send args = {
		.send = message,
		.reply = reply,
		.send_deadline = deadline,
		.reply_deadline = deadline,
		.clock = CLOCK_MONOTONIC,
		.flags = flags,
	};
	int ret;

	do
		ret = stplr_msg_send_receive(connection, &args);
	while (interrupted_with_server(ret, &args));
	if (ret < 0)
		return -1;
	if (info) {
		info->len = args.reply_len;
		info->total = args.reply_total;
		info->status = args.status;
	}
	return (ssize_t)args.reply_len;
}

ssize_t stplr_send_receive(int connection, const void *message, size_t len, void *reply,
			   size_t size, struct stplr_reply_info *info)
{
	return send_two_way(connection, memory(message, len), memory(reply, size), 0, NO_LIMIT,
			    info);
}

ssize_t stplr_send_receivev(int connection, const struct stplr_iovec *message, size_t message_count,
			    const struct stplr_iovec *reply, size_t reply_count,
			    struct stplr_reply_info *info)
{
	return send_two_way(connection, memory(message, message_count), memory(reply, reply_count),
			    STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR, NO_LIMIT, info);
}

ssize_t stplr_call(int connection, const void *message, size_t len, void *reply, size_t size,
		   int64_t timeout)
{
	return send_two_way(connection, memory(message, len), memory(reply, size), 0, timeout,
			    NULL);
}

ssize_t stplr_callv(int connection, const struct stplr_iovec *message, size_t message_count,
		    const struct stplr_iovec *reply, size_t reply_count, int64_t timeout)
{
	return send_two_way(connection, memory(message, message_count), memory(reply, reply_count),
			    STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR, timeout, NULL);
}

/* Receiving */

int stplr_msg_receive(int channel, struct stplr_msg_receive *args)
{
	return ioctl(channel, STPLR_MSG_RECEIVE, args);
}

static int32_t receive(int channel, struct stplr_buffer buffer, __u32 flags, int64_t timeout,
		       struct stplr_msg_info *info)
{
	struct stplr_msg_receive args = {
		.buffer = buffer,
		.deadline = stplr_deadline(timeout),
		.clock = CLOCK_MONOTONIC,
		.flags = flags,
	};

	if (stplr_msg_receive(channel, &args))
		return -1;
	if (info)
		*info = args.info;
	return args.info.rcvid;
}

int32_t stplr_receive(int channel, void *buffer, size_t size, struct stplr_msg_info *info)
{
	return receive(channel, memory(buffer, size), 0, NO_LIMIT, info);
}

int32_t stplr_receivev(int channel, const struct stplr_iovec *parts, size_t count,
		       struct stplr_msg_info *info)
{
	return receive(channel, memory(parts, count), STPLR_RECEIVE_VECTOR, NO_LIMIT, info);
}

int32_t stplr_receive_timeout(int channel, void *buffer, size_t size, struct stplr_msg_info *info,
			      int64_t timeout)
{
	return receive(channel, memory(buffer, size), 0, timeout, info);
}

int32_t stplr_receive_timeoutv(int channel, const struct stplr_iovec *parts, size_t count,
			       struct stplr_msg_info *info, int64_t timeout)
{
	return receive(channel, memory(parts, count), STPLR_RECEIVE_VECTOR, timeout, info);
}

/* Replying */

int stplr_msg_reply(int channel, struct stplr_msg_reply *args)
{
	return ioctl(channel, STPLR_MSG_REPLY, args);
}

static ssize_t reply_with(int channel, int32_t rcvid, int32_t status, struct stplr_buffer reply,
			  __u32 flags)
{
	struct stplr_msg_reply args = {
		.reply = reply,
		.rcvid = rcvid,
		.status = status,
		.flags = flags,
	};

	return stplr_msg_reply(channel, &args) ? -1 : (ssize_t)args.len;
}

ssize_t stplr_reply(int channel, int32_t rcvid, int32_t status, const void *reply, size_t len)
{
	return reply_with(channel, rcvid, status, memory(reply, len), 0);
}

ssize_t stplr_replyv(int channel, int32_t rcvid, int32_t status, const struct stplr_iovec *parts,
		     size_t count)
{
	return reply_with(channel, rcvid, status, memory(parts, count), STPLR_REPLY_VECTOR);
}

int stplr_reply_error(int channel, int32_t rcvid, int error)
{
	struct stplr_msg_reply args = {.rcvid = rcvid, .error = (__u32)error};

	/* To the kernel 0 is an empty reply, that is success: nobody means that here. */
	if (error <= 0) {
		errno = EINVAL;
		return -1;
	}
	return stplr_msg_reply(channel, &args);
}

int stplr_msg_reply_receive(int channel, struct stplr_msg_reply_receive *args)
{
	return ioctl(channel, STPLR_MSG_REPLY_RECEIVE, args);
}

static int reply_receive(int channel, int32_t *rcvid, int32_t status, struct stplr_buffer reply,
			 __u32 reply_flags, struct stplr_buffer buffer, __u32 receive_flags,
			 struct stplr_msg_info *info)
{
	struct stplr_msg_reply_receive args = {
		.reply =
			{
				.rcvid = *rcvid,
			},
		.receive =
			{
				.buffer = buffer,
				.deadline = STPLR_DEADLINE_NONE,
				.flags = receive_flags,
			},
	};

	/* Fields that are not used must be zero: with nothing to answer the answer is not looked
	 * at. */
	if (*rcvid) {
		args.reply.reply = reply;
		args.reply.status = status;
		args.reply.flags = reply_flags;
	}
	if (stplr_msg_reply_receive(channel, &args)) {
		*rcvid = args.reply.rcvid;
		return -1;
	}
	*rcvid = args.receive.info.rcvid;
	if (info)
		*info = args.receive.info;
	return 0;
}

int stplr_reply_receive(int channel, int32_t *rcvid, int32_t status, const void *reply, size_t len,
			void *buffer, size_t size, struct stplr_msg_info *info)
{
	return reply_receive(channel, rcvid, status, memory(reply, len), 0, memory(buffer, size), 0,
			     info);
}

int stplr_reply_receivev(int channel, int32_t *rcvid, int32_t status,
			 const struct stplr_iovec *reply, size_t reply_count,
			 const struct stplr_iovec *parts, size_t count, struct stplr_msg_info *info)
{
	return reply_receive(channel, rcvid, status, memory(reply, reply_count), STPLR_REPLY_VECTOR,
			     memory(parts, count), STPLR_RECEIVE_VECTOR, info);
}

int stplr_msg_batch(int channel, struct stplr_msg_batch *args)
{
	return ioctl(channel, STPLR_MSG_BATCH, args);
}

/* More of a message */

int stplr_msg_read(int channel, struct stplr_msg_data *args)
{
	return ioctl(channel, STPLR_MSG_READ, args);
}

int stplr_msg_write(int channel, struct stplr_msg_data *args)
{
	return ioctl(channel, STPLR_MSG_WRITE, args);
}

static ssize_t transfer(int (*call)(int channel, struct stplr_msg_data *args), int channel,
			int32_t rcvid, struct stplr_buffer buffer, uint64_t offset, __u32 flags)
{
	struct stplr_msg_data args = {
		.buffer = buffer,
		.offset = offset,
		.rcvid = rcvid,
		.flags = flags,
	};

	return call(channel, &args) ? -1 : (ssize_t)args.len;
}

ssize_t stplr_read(int channel, int32_t rcvid, void *buffer, size_t size, uint64_t offset)
{
	return transfer(stplr_msg_read, channel, rcvid, memory(buffer, size), offset, 0);
}

ssize_t stplr_readv(int channel, int32_t rcvid, const struct stplr_iovec *parts, size_t count,
		    uint64_t offset)
{
	return transfer(stplr_msg_read, channel, rcvid, memory(parts, count), offset,
			STPLR_DATA_VECTOR);
}

ssize_t stplr_write(int channel, int32_t rcvid, const void *buffer, size_t len, uint64_t offset)
{
	return transfer(stplr_msg_write, channel, rcvid, memory(buffer, len), offset, 0);
}

ssize_t stplr_writev(int channel, int32_t rcvid, const struct stplr_iovec *parts, size_t count,
		     uint64_t offset)
{
	return transfer(stplr_msg_write, channel, rcvid, memory(parts, count), offset,
			STPLR_DATA_VECTOR);
}

/* What a server knows of a message and of its clients */

int stplr_msg_info(int channel, int32_t rcvid, struct stplr_msg_info *info)
{
	struct stplr_msg_info args = {.rcvid = rcvid};

	if (ioctl(channel, STPLR_MSG_INFO, &args))
		return -1;
	*info = args;
	return 0;
}

int stplr_client_info(int channel, struct stplr_client_info *info)
{
	return ioctl(channel, STPLR_CLIENT_INFO, info);
}

int stplr_client_cookie(int channel, uint32_t coid, uint64_t cookie)
{
	struct stplr_client_cookie args = {.cookie = cookie, .coid = coid};

	return ioctl(channel, STPLR_CLIENT_COOKIE, &args);
}

/* Registered buffers */

int stplr_buffer_register(int fd, const void *address, size_t len, uint32_t flags)
{
	struct stplr_buffer_register args = {
		.addr = (uintptr_t)address,
		.len = len,
		.flags = flags,
	};

	return ioctl(fd, STPLR_BUFFER_REGISTER, &args) ? -1 : (int)args.index;
}

int stplr_buffer_unregister(int fd, uint32_t index)
{
	return ioctl(fd, STPLR_BUFFER_UNREGISTER, &index);
}
