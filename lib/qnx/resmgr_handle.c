// SPDX-License-Identifier: MIT
/*
 * Handling: which handler a message is for, and what becomes of its answer
 *
 * A request is answered when its handler returns, or by the program, by its rcvid; what is needed
 * after that is copied out of it before.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/resmgr.h>
#include <unistd.h>

#include "attached.h"
#include "file_host.h"
#include "inside.h"
#include "request.h"
#include "resmgr_handle.h"
#include "result.h"

/* Whether a table of so many functions has this one. */
#define HAS(table, nfuncs, first, member)                                                          \
	((nfuncs) > (offsetof(typeof(*(table)), member) - offsetof(typeof(*(table)), first)) /     \
			    sizeof(void *) &&                                                      \
	 (table)->member)
#define HAS_IO(io, member) HAS(io, (io)->nfuncs, read, member)
#define HAS_CONNECT(connect, member) HAS(connect, (connect)->nfuncs, open, member)

/* What a handler returned becomes the answer. */
static int answer(resmgr_context_t *ctp, int ret)
{
	if (ret == _RESMGR_NOREPLY)
		return 0;
	if (ret == _RESMGR_DEFAULT)
		ret = ENOSYS;
	if (ret > 0)
		return MsgError_r(ctp->rcvid, ret);
	return MsgReplyv_r(ctp->rcvid, ctp->status, ctp->iov, (size_t)-ret);
}

static int handle_connect(resmgr_context_t *ctp, const struct attached *attached)
{
	const resmgr_connect_funcs_t *connect = &attached->connect;
	io_open_t *msg = (io_open_t *)ctp->msg;
	size_t end = offsetof(struct _io_connect, path) + msg->connect.path_len;
	/* what follows the path, aligned as the sender has aligned it */
	void *extra = msg->connect.extra_len ? (char *)msg + ((end + 7) & ~(size_t)7) : NULL;

	switch (msg->connect.subtype) {
	case _IO_CONNECT_UNLINK:
		return HAS_CONNECT(connect, unlink)
			       ? connect->unlink(ctp, (io_unlink_t *)msg, attached->handle, NULL)
			       : _RESMGR_DEFAULT;
	case _IO_CONNECT_RENAME:
		return HAS_CONNECT(connect, rename)
			       ? connect->rename(ctp, (io_rename_t *)msg, attached->handle, extra)
			       : _RESMGR_DEFAULT;
	case _IO_CONNECT_MKNOD:
		return HAS_CONNECT(connect, mknod)
			       ? connect->mknod(ctp, (io_mknod_t *)msg, attached->handle, NULL)
			       : _RESMGR_DEFAULT;
	case _IO_CONNECT_READLINK:
		return HAS_CONNECT(connect, readlink) ? connect->readlink(ctp, (io_readlink_t *)msg,
									  attached->handle, NULL)
						      : _RESMGR_DEFAULT;
	case _IO_CONNECT_LINK:
		return HAS_CONNECT(connect, link)
			       ? connect->link(ctp, (io_link_t *)msg, attached->handle, extra)
			       : _RESMGR_DEFAULT;
	default:
		return HAS_CONNECT(connect, open) ? connect->open(ctp, msg, attached->handle, extra)
						  : _RESMGR_DEFAULT;
	}
}

#define IO_CASE(type, member)                                                                      \
	case type:                                                                                 \
		return HAS_IO(io, member) ? io->member(ctp, (void *)ctp->msg, ocb) : _RESMGR_DEFAULT

static int call_io(resmgr_context_t *ctp, const resmgr_io_funcs_t *io, RESMGR_OCB_T *ocb)
{
	switch (ctp->msg->type) {
		IO_CASE(_IO_READ, read);
		IO_CASE(_IO_WRITE, write);
		IO_CASE(_IO_STAT, stat);
		IO_CASE(_IO_NOTIFY, notify);
		IO_CASE(_IO_DEVCTL, devctl);
		IO_CASE(_IO_PATHCONF, pathconf);
		IO_CASE(_IO_LSEEK, lseek);
		IO_CASE(_IO_CHMOD, chmod);
		IO_CASE(_IO_CHOWN, chown);
		IO_CASE(_IO_UTIME, utime);
		IO_CASE(_IO_OPENFD, openfd);
		IO_CASE(_IO_FDINFO, fdinfo);
		IO_CASE(_IO_LOCK, lock);
		IO_CASE(_IO_SPACE, space);
		IO_CASE(_IO_SHUTDOWN, shutdown);
		IO_CASE(_IO_MMAP, mmap);
		IO_CASE(_IO_MSG, msg);
		IO_CASE(_IO_DUP, dup);
		IO_CASE(_IO_CLOSE_DUP, close_dup);
		IO_CASE(_IO_SYNC, sync);
		IO_CASE(_IO_POWER, power);
	}
	return _RESMGR_DEFAULT;
}

/* A file that can be told where to read knows it by an lseek message, as on QNX; others may refuse.
 */
static void seek(resmgr_context_t *ctp, const resmgr_io_funcs_t *io, RESMGR_OCB_T *ocb,
		 uint64_t position)
{
	io_lseek_t msg = {.i = {.type = _IO_LSEEK, .whence = SEEK_SET, .offset = position}};

	if (HAS_IO(io, lseek))
		io->lseek(ctp, &msg, ocb);
	ctp->status = 0;
}

static int handle_io(resmgr_context_t *ctp, const struct bound *bound, bool positioned,
		     uint64_t position)
{
	const resmgr_io_funcs_t *io = bound->io;
	RESMGR_OCB_T *ocb = bound->ocb;
	int ret = 0;

	if (!io)
		return EBADF;
	if (HAS_IO(io, lock_ocb))
		ret = io->lock_ocb(ctp, NULL, ocb);
	if (ret)
		return ret;
	if (positioned)
		seek(ctp, io, ocb, position);
	ret = call_io(ctp, io, ocb);
	if (HAS_IO(io, unlock_ocb))
		io->unlock_ocb(ctp, NULL, ocb);
	return ret;
}

static int close_file(resmgr_context_t *ctp, const struct bound *bound)
{
	const resmgr_io_funcs_t *io = bound->io;

	if (!io)
		return 0;
	return HAS_IO(io, close_ocb) ? io->close_ocb(ctp, NULL, bound->ocb) : 0;
}

/* The last descriptor is gone. The handler frees the open file. */
static int handle_close(resmgr_context_t *ctp, const struct bound *bound)
{
	return bound->io && inside_defers_close(bound) ? 0 : close_file(ctp, bound);
}

/*
 * Goes in, for a request that it holds: ESRCH, ENOMEM. Once that has been answered by others the
 * file may have been closed; before, who closes it sees who is inside.
 */
static int enter(struct inside **self, const struct bound *bound, const struct request *request)
{
	*self = inside_enter(bound);
	if (!*self)
		return ENOMEM;
	return request_waits(request->rcvid) ? 0 : ESRCH;
}

static void leave(resmgr_context_t *ctp, struct inside *self)
{
	struct bound bound;

	if (inside_leave(self, &bound))
		close_file(ctp, &bound);
}

/* The message from here on is what is handled now. */
static void step_to(resmgr_context_t *ctp, size_t offset, size_t len)
{
	ssize_t n = MsgRead_r(ctp->rcvid, ctp->msg, ctp->msg_max_size, offset);

	ctp->offset = (unsigned)offset;
	ctp->size = (unsigned)(len - offset);
	ctp->info.msglen = n > 0 ? n : 0;
	ctp->status = 0;
}

/*
 * A connect message, and what is joined with it. The request stays until all is handled, also where
 * it is answered meanwhile, by the handler or because its client or its path has gone.
 */
static void handle_opening(resmgr_context_t *ctp, const struct attached *attached,
			   struct file_request *request)
{
	struct bound opened = {NULL, NULL};
	size_t len = request->request.len;
	bool close = request->close;
	int ret;

	/* the handler is to have it whole */
	ret = request->io > ctp->msg_max_size ? ENAMETOOLONG : handle_connect(ctp, attached);
	if (!ret)
		opened = *request->bound;
	if (!ret && request->io < len) {
		step_to(ctp, request->io, len);
		ret = handle_io(ctp, &opened, false, 0);
	}
	/* a client that has gone does not know the file, and will not close it */
	if (answer(ctp, ret) == -ESRCH && request_failed(&request->request))
		close = true;
	request_put(&request->request);
	if (close && opened.io)
		handle_close(ctp, &opened);
}

/*
 * A client's own message to its file. What types are the system's go to the file's handlers, except
 * those that are the system's to send; others are for whoever has attached them: false.
 */
static bool is_for_file(resmgr_context_t *ctp, bool *refused)
{
	size_t len = ctp->info.msglen > 0 ? (size_t)ctp->info.msglen : 0;
	unsigned type = ctp->msg->type;

	*refused = false;
	if (len < sizeof(ctp->msg->type) || type < _IO_BASE || type > _IO_MAX)
		return false;
	*refused = type == _IO_CONNECT || type == _IO_CLOSE || type == _IO_CLOSE_DUP ||
		   type == _IO_NOTIFY;
	/* one that is too short says nothing of another client's */
	if (len < sizeof(*ctp->msg))
		memset((char *)ctp->msg + len, 0, sizeof(*ctp->msg) - len);
	return true;
}

static void handle_request(resmgr_context_t *ctp, struct file_request *request)
{
	struct attached *attached = request->attached;
	bool close = request->close, positioned = request->positioned;
	uint64_t position = request->position;
	struct bound bound = {NULL, NULL};
	struct inside *self = NULL;
	int ret;

	attached_get(attached);
	ctp->id = attached->id;
	if (request->connect) {
		handle_opening(ctp, attached, request);
	} else {
		if (request->bound)
			bound = *request->bound;
		ret = close ? 0 : enter(&self, &bound, &request->request);
		request_put(&request->request); /* as it is answered it goes */
		if (close)
			ret = handle_close(ctp, &bound);
		else if (!ret)
			ret = handle_io(ctp, &bound, positioned, position);
		answer(ctp, ret);
		if (self)
			leave(ctp, self);
	}
	attached_put(attached);
}

bool resmgr_handle_other(resmgr_context_t *ctp, int *result)
{
	int (*other)(resmgr_context_t *, void *) = attached_other(ctp->dpp);

	if (!other)
		return false;
	*result = answer(ctp, other(ctp, ctp->msg));
	return true;
}

bool resmgr_handle(resmgr_context_t *ctp, int *result)
{
	struct file_request *request = file_request_get(ctp->rcvid);
	bool refused = false;

	*result = 0;
	if (request && request->sent && !is_for_file(ctp, &refused)) {
		request_put(&request->request);
		return false;
	}
	if (request && refused) {
		request_put(&request->request);
		*result = MsgError_r(ctp->rcvid, ENOSYS);
		return true;
	}
	if (request) {
		handle_request(ctp, request);
		return true;
	}
	/* it is over already */
	if (ctp->rcvid & REQUEST_MARK)
		return true;
	return false;
}

bool resmgr_handle_unblock(resmgr_context_t *ctp)
{
	int rcvid = ctp->msg->pulse.value.sival_int, ret = _RESMGR_DEFAULT;
	struct file_request *request = file_request_get(rcvid);
	struct attached *attached;
	struct bound bound = {NULL, NULL};
	struct inside *self = NULL;
	bool connect;

	if (!request)
		return rcvid & REQUEST_MARK;
	attached = request->attached;
	connect = request->connect;
	if (!connect && request->bound)
		bound = *request->bound;
	attached_get(attached);
	ctp->info = request->request.info;
	if (enter(&self, &bound, &request->request))
		bound.io = NULL;
	request_put(&request->request);
	ctp->rcvid = rcvid;
	ctp->id = attached->id;
	ctp->status = 0;
	if (connect && HAS_CONNECT(&attached->connect, unblock))
		ret = attached->connect.unblock(ctp, &ctp->msg->pulse, attached->handle, NULL);
	else if (bound.io && HAS_IO(bound.io, unblock))
		ret = bound.io->unblock(ctp, &ctp->msg->pulse, bound.ocb);
	/* else nobody would ever unblock it */
	answer(ctp, ret == _RESMGR_DEFAULT ? EINTR : ret);
	if (self)
		leave(ctp, self);
	attached_put(attached);
	return true;
}

int resmgr_open_bind(resmgr_context_t *ctp, RESMGR_OCB_T *ocb, const resmgr_io_funcs_t *io)
{
	struct file_request *request = ctp ? file_request_get(ctp->rcvid) : NULL;
	int ret = 0;

	if (!request)
		return outcome(-EINVAL);
	if (request->connect && request->bound)
		*request->bound =
			(struct bound){ocb, io ? io : ((struct attached *)request->attached)->io};
	else
		ret = -EINVAL;
	request_put(&request->request);
	return outcome(ret);
}

int resmgr_unbind(const void *context)
{
	const resmgr_context_t *ctp = context;
	struct file_request *request = ctp ? file_request_get(ctp->rcvid) : NULL;

	if (!request)
		return outcome(-EINVAL);
	if (request->bound)
		*request->bound = (struct bound){NULL, NULL};
	request_put(&request->request);
	return 0;
}
