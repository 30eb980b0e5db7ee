// SPDX-License-Identifier: MIT
/*
 * Devices, by CUSE
 *
 * The kernel makes the device when it has been told what it is called, and the system its file in
 * /dev; that it is its owner's and has its mode is asked of the manager, as soon as that answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call.h"
#include "device.h"
#include "own.h"

#include <fuse3/cuse_lowlevel.h>

#define INIT_MS 10000

static void device_open(fuse_req_t fuse, struct fuse_file_info *info)
{
	file_open(fuse_req_userdata(fuse), fuse, "", info);
}

static void device_read(fuse_req_t fuse, size_t size, off_t offset, struct fuse_file_info *info)
{
	file_read(fuse_req_userdata(fuse), fuse, size, offset, info);
}

static void device_write(fuse_req_t fuse, const char *bytes, size_t size, off_t offset,
			 struct fuse_file_info *info)
{
	file_write(fuse_req_userdata(fuse), fuse, bytes, size, offset, info);
}

static void device_flush(fuse_req_t fuse, struct fuse_file_info *info)
{
	file_flush(fuse_req_userdata(fuse), fuse, info);
}

static void device_release(fuse_req_t fuse, struct fuse_file_info *info)
{
	file_close(fuse_req_userdata(fuse), fuse, file_of(info));
}

static void device_fsync(fuse_req_t fuse, int datasync, struct fuse_file_info *info)
{
	file_sync(fuse_req_userdata(fuse), fuse, datasync, info);
}

static void device_ioctl(fuse_req_t fuse, int cmd, void *arg, struct fuse_file_info *info,
			 unsigned flags, const void *in, size_t in_len, size_t out_len)
{
	(void)arg;
	file_ioctl(fuse_req_userdata(fuse), fuse, (unsigned)cmd, info, flags, in, in_len, out_len);
}

static void device_poll(fuse_req_t fuse, struct fuse_file_info *info, struct fuse_pollhandle *poll)
{
	file_poll(fuse_req_userdata(fuse), fuse, info, poll);
}

static const struct cuse_lowlevel_ops operations = {
	.open = device_open,
	.read = device_read,
	.write = device_write,
	.flush = device_flush,
	.release = device_release,
	.fsync = device_fsync,
	.ioctl = device_ioctl,
	.poll = device_poll,
};

/* What the manager says of its file becomes the device's. */
static void reply_stat(struct call *call, int error, long status, size_t len)
{
	const struct stat *stat = call->request.request.room;

	(void)status;
	if (error || len < sizeof(*stat))
		return;
	if (chown(call->session->path, stat->st_uid, stat->st_gid) ||
	    chmod(call->session->path, stat->st_mode & 07777))
		return; /* it stays root's */
}

static void ask_mode(struct session *session)
{
	const struct connect connect = {.subtype = _IO_CONNECT_COMBINE_CLOSE, .path = ""};
	struct call *call = call_make(session, NULL, NULL, &connect, sizeof(struct _io_stat),
				      _IO_STAT, sizeof(struct stat));

	if (!call)
		return;
	call->request.close = true;
	call->reply = reply_stat;
	call_post(call);
}

/* Answers the kernel's first request, with which the device comes to be. */
static int make_device(struct session *session)
{
	struct pollfd wait = {.fd = fuse_session_fd(session->fuse), .events = POLLIN};
	int n;

	if (poll(&wait, 1, INIT_MS) != 1)
		return -EIO;
	n = fuse_session_receive_buf(session->fuse, &session->buffer);
	if (n <= 0)
		return n ? n : -EIO;
	fuse_session_process_buf(session->fuse, &session->buffer);
	return access(session->path, F_OK) ? -errno : 0;
}

int device_attach(struct session *session, const char *name)
{
	char text[PATH_MAX + sizeof("DEVNAME=")], at[32];
	const char *device_info[] = {text};
	struct cuse_info info = {.dev_info_argc = 1, .dev_info_argv = device_info};
	char *argv[] = {(char *)"stplr-qnx", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int fd, ret;

	if (!access(session->path, F_OK))
		return -EEXIST;
	fd = own_open("/dev/cuse");
	if (fd < 0) /* it is not the path that is not there */
		return errno == ENOENT ? -ENODEV : -errno;
	session->device = true;
	snprintf(text, sizeof(text), "DEVNAME=%s", name);
	session->fuse = cuse_lowlevel_new(&args, &info, &operations, session);
	fuse_opt_free_args(&args);
	if (!session->fuse) {
		own_close(fd);
		return -ENOMEM;
	}
	/* so is a descriptor given that is open already */
	snprintf(at, sizeof(at), "/dev/fd/%d", fd);
	if (fuse_session_mount(session->fuse, at)) {
		own_close(fd);
		ret = -EIO;
		goto destroy;
	}
	ret = make_device(session);
	if (!ret)
		ret = session_start(session);
	if (ret) {
		own_end(fd);
		goto destroy;
	}
	ask_mode(session);
	return 0;

destroy:
	fuse_session_destroy(session->fuse);
	return ret;
}
