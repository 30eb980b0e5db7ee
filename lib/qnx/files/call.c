// SPDX-License-Identifier: MIT
/* Calls, and those that devices and folders have in common */
#include <errno.h>
#include <fcntl.h>
#include <linux/stplr.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "call.h"
#include "file_message.h"

static size_t aligned(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

/* An errno that a handler may return, as the kernel takes it. ENOSYS would mean: never ask again.
 */
static int kernel_error(int error)
{
	if (error == ENOSYS)
		return EOPNOTSUPP;
	return error < 0 || error == 312 /* ESRVRFAULT */ || error >= 512 ? EIO : error;
}

static void refuse(fuse_req_t fuse, int error)
{
	if (fuse)
		fuse_reply_err(fuse, error);
}

void call_refuse(struct call *call, int error)
{
	refuse(call->fuse, error);
}

static void answer_begins(struct call *call)
{
	pthread_mutex_lock(&files_lock);
	call->answered = true;
	pthread_mutex_unlock(&files_lock);
	/* it may be called just now, and is not any more after this */
	if (call->fuse)
		fuse_req_interrupt_func(call->fuse, NULL, NULL);
}

/*
 * A connect handler may go on for long after its request has failed. Its client need not wait for
 * that: what else the answer does comes when the handler returns.
 */
static void failed(struct request *request, int error)
{
	struct call *call = (struct call *)request;

	if (!call->request.connect)
		return;
	answer_begins(call);
	call_refuse(call, kernel_error(error));
	pthread_mutex_lock(&files_lock);
	call->fuse = NULL;
	pthread_cond_broadcast(&files_quiet);
	pthread_mutex_unlock(&files_lock);
}

static void done(struct request *request, int error, long status, size_t len)
{
	struct call *call = (struct call *)request;
	struct session *session = call->session;

	answer_begins(call);
	call->reply(call, kernel_error(error), status, len);
	pthread_mutex_lock(&files_lock);
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	pthread_cond_broadcast(&files_quiet);
	pthread_mutex_unlock(&files_lock);
	free(call);
	session_put(session);
}

static size_t put_connect(struct _io_connect *message, const struct connect *connect)
{
	size_t path_len = strlen(connect->path) + 1,
	       end = aligned(offsetof(struct _io_connect, path) + path_len);

	message->type = _IO_CONNECT;
	message->subtype = (uint16_t)connect->subtype;
	message->ioflag = connect->ioflag;
	message->mode = connect->mode;
	message->access = connect->access;
	message->eflag = connect->eflag;
	message->path_len = (uint16_t)path_len;
	memcpy(message->path, connect->path, path_len);
	if (connect->extra) {
		message->extra_type = (uint8_t)connect->extra_type;
		message->extra_len = (uint16_t)(strlen(connect->extra) + 1);
		memcpy((char *)message + end, connect->extra, message->extra_len);
		end = aligned(end + message->extra_len);
	}
	return end;
}

/* Room for the largest path and extra text. */
static size_t connect_len(const struct connect *connect)
{
	return connect ? aligned(offsetof(struct _io_connect, path) + strlen(connect->path) + 1) +
				 aligned(connect->extra ? strlen(connect->extra) + 1 : 0)
		       : 0;
}

static void interrupted(fuse_req_t fuse, void *data)
{
	struct call *call = data;

	(void)fuse;
	session_interrupted(call->session, call->request.request.rcvid);
}

struct call *call_make(struct session *session, fuse_req_t fuse, struct open_file *file,
		       const struct connect *connect, size_t io_len, unsigned io_type, size_t room)
{
	size_t before = connect_len(connect), room_at = before + aligned(io_len);
	struct file_request *request;
	struct call *call;
	char *message;

	if (!session_get(session)) {
		refuse(fuse, ENODEV);
		return NULL;
	}
	call = calloc(1, aligned(sizeof(*call)) + room_at + room);
	if (!call) {
		session_put(session);
		refuse(fuse, ENOMEM);
		return NULL;
	}
	message = (char *)call + aligned(sizeof(*call));
	request = &call->request;
	request->request.message = message;
	request->request.len = before + io_len;
	request->request.room = message + room_at;
	request->request.room_len = room;
	request->request.failed = failed;
	request->request.done = done;
	request->attached = session->attached;
	request->bound = file ? &file->bound : &call->bound;
	request->io = before;
	if (connect) {
		request->connect = true;
		put_connect((struct _io_connect *)message, connect);
	}
	if (io_len) {
		call->io = message + before;
		*(uint16_t *)call->io = (uint16_t)io_type;
	}
	call->session = session;
	call->fuse = fuse;
	call->file = file;
	call->reply = reply_error;
	session->host->init(request, fuse ? fuse_req_ctx(fuse)->pid : getpid(),
			    file ? file->number : 0);
	pthread_mutex_lock(&files_lock);
	call->link = &session->calls;
	call->next = session->calls;
	if (call->next)
		call->next->link = &call->next;
	session->calls = call;
	pthread_mutex_unlock(&files_lock);
	return call;
}

void call_post(struct call *call)
{
	if (call->fuse)
		fuse_req_interrupt_func(call->fuse, interrupted, call);
	call->session->host->post(&call->request);
}

bool call_let_closer_go(struct call *call)
{
	if (!call->request.close || call->request.connect || call->answered)
		return false;
	/* no later than that can its session end, whose memory this takes */
	refuse(call->fuse, 0);
	call->fuse = NULL;
	return true;
}

void reply_error(struct call *call, int error, long status, size_t len)
{
	(void)status;
	(void)len;
	call_refuse(call, error);
}

/* Open files */

static uint32_t last_number; /* with files_lock */

struct open_file *file_make(struct session *session)
{
	struct open_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->session = session;
	pthread_mutex_lock(&files_lock);
	file->number = ++last_number & INT32_MAX;
	pthread_mutex_unlock(&files_lock);
	return file;
}

void file_opened(struct open_file *file)
{
	struct session *session = file->session;

	pthread_mutex_lock(&files_lock);
	file->next = session->files;
	session->files = file;
	pthread_mutex_unlock(&files_lock);
}

/* Whoever closes it, its session as it ends does not do so, too; nor does it tell a poller of it.
 */
static void file_unlist(struct open_file *file)
{
	struct open_file **link = &file->session->files;

	pthread_mutex_lock(&files_lock);
	while (*link && *link != file)
		link = &(*link)->next;
	if (*link)
		*link = file->next;
	pthread_mutex_unlock(&files_lock);
}

void file_free(struct open_file *file)
{
	file_unlist(file);
	if (file->poll)
		fuse_pollhandle_destroy(file->poll);
	free(file->entries);
	free(file);
}

struct open_file *file_of(const struct fuse_file_info *info)
{
	return (struct open_file *)(uintptr_t)info->fh;
}

static void reply_close(struct call *call, int error, long status, size_t len)
{
	file_free(call->file);
	reply_error(call, error == EOPNOTSUPP ? 0 : error, status, len);
}

void file_close(struct session *session, fuse_req_t fuse, struct open_file *file)
{
	struct call *call;

	file_unlist(file);
	call = call_make(session, fuse, file, NULL, sizeof(struct _io_close), _IO_CLOSE, 0);
	if (!call) {
		file_free(file);
		return;
	}
	call->request.close = true;
	call->reply = reply_close;
	call_post(call);
}

static void reply_open(struct call *call, int error, long status, size_t len)
{
	(void)status;
	(void)len;
	if (error) {
		file_free(call->file);
		call_refuse(call, error);
		return;
	}
	file_opened(call->file);
	call->info.fh = (uintptr_t)call->file;
	call->info.direct_io = 1;
	/* its client may have gone meanwhile */
	if (fuse_reply_open(call->fuse, &call->info))
		file_close(call->session, NULL, call->file);
}

uint32_t ioflag_of(int flags)
{
	return ((uint32_t)flags & ~(uint32_t)O_ACCMODE) | ((flags & O_ACCMODE) + 1);
}

void file_open(struct session *session, fuse_req_t fuse, const char *path,
	       const struct fuse_file_info *info)
{
	struct connect connect = {
		.subtype = _IO_CONNECT_OPEN,
		.ioflag = ioflag_of(info->flags),
		.path = path,
		.eflag = info->flags & O_DIRECTORY ? _IO_CONNECT_EFLAG_DIR : 0,
	};
	struct open_file *file = file_make(session);
	struct call *call;

	if (!file) {
		refuse(fuse, ENOMEM);
		return;
	}
	call = call_make(session, fuse, file, &connect, 0, 0, 0);
	if (!call) {
		file_free(file);
		return;
	}
	file->nonblock = info->flags & O_NONBLOCK;
	call->info = *info;
	call->reply = reply_open;
	call_post(call);
}

/* Reading and writing: where, if that is not where the last one ended */

static void transfer_begins(struct call *call, struct open_file *file, off_t offset)
{
	call->position = (uint64_t)offset;
	if (call->session->device)
		return; /* the kernel does not count */
	pthread_mutex_lock(&files_lock);
	call->request.positioned = file->transfers++ || file->expected != call->position;
	pthread_mutex_unlock(&files_lock);
	call->request.position = call->position;
}

static void transfer_ends(struct call *call, size_t n)
{
	if (call->session->device)
		return;
	pthread_mutex_lock(&files_lock);
	call->file->transfers--;
	call->file->expected = call->position + n;
	pthread_mutex_unlock(&files_lock);
}

/* Whether it may block, where that is not as when it was opened. */
static uint32_t blocking_of(const struct open_file *file, const struct fuse_file_info *info)
{
	bool nonblock = info->flags & O_NONBLOCK;

	if (nonblock == file->nonblock)
		return _IO_XTYPE_NONE;
	return nonblock ? _IO_XFLAG_NONBLOCK : _IO_XFLAG_BLOCK;
}

static size_t within(long status, size_t most)
{
	return status < 0 ? 0 : (size_t)status < most ? (size_t)status : most;
}

static void reply_read(struct call *call, int error, long status, size_t len)
{
	size_t n = error ? 0 : within(status, call->asked);

	(void)len; /* the bytes may have been written before */
	transfer_ends(call, n);
	if (error)
		call_refuse(call, error);
	else
		fuse_reply_buf(call->fuse, call->request.request.room, n);
}

void file_read(struct session *session, fuse_req_t fuse, size_t size, off_t offset,
	       const struct fuse_file_info *info)
{
	struct open_file *file = file_of(info);
	struct call *call =
		call_make(session, fuse, file, NULL, sizeof(struct _io_read), _IO_READ, size);
	struct _io_read *message;

	if (!call)
		return;
	message = call->io;
	message->nbytes = (int32_t)size;
	message->xtype = blocking_of(file, info);
	call->asked = size;
	call->reply = reply_read;
	transfer_begins(call, file, offset);
	call_post(call);
}

static void reply_write(struct call *call, int error, long status, size_t len)
{
	size_t n = error ? 0 : within(status, call->asked);

	(void)len;
	transfer_ends(call, n);
	if (error)
		call_refuse(call, error);
	else
		fuse_reply_write(call->fuse, n);
}

void file_write(struct session *session, fuse_req_t fuse, const char *bytes, size_t size,
		off_t offset, const struct fuse_file_info *info)
{
	struct open_file *file = file_of(info);
	struct call *call =
		call_make(session, fuse, file, NULL, sizeof(struct _io_write) + size, _IO_WRITE, 0);
	struct _io_write *message;

	if (!call)
		return;
	message = call->io;
	message->nbytes = (int32_t)size;
	message->xtype = blocking_of(file, info);
	memcpy(message + 1, bytes, size);
	call->asked = size;
	call->reply = reply_write;
	transfer_begins(call, file, offset);
	call_post(call);
}

/* A manager that does not care for it has nothing to say. */
static void reply_optional(struct call *call, int error, long status, size_t len)
{
	reply_error(call, error == EOPNOTSUPP ? 0 : error, status, len);
}

void file_flush(struct session *session, fuse_req_t fuse, const struct fuse_file_info *info)
{
	struct call *call = call_make(session, fuse, file_of(info), NULL, sizeof(struct _io_close),
				      _IO_CLOSE_DUP, 0);

	if (!call)
		return;
	call->reply = reply_optional;
	call_post(call);
}

void file_sync(struct session *session, fuse_req_t fuse, int datasync,
	       const struct fuse_file_info *info)
{
	struct call *call =
		call_make(session, fuse, file_of(info), NULL, sizeof(struct _io_sync), _IO_SYNC, 0);

	if (!call)
		return;
	((struct _io_sync *)call->io)->flag = datasync ? O_DSYNC : O_SYNC;
	call->reply = reply_optional;
	call_post(call);
}

static void reply_ioctl(struct call *call, int error, long status, size_t len)
{
	const struct _io_devctl_reply *reply = call->request.request.room;

	if (error) {
		call_refuse(call, error == EOPNOTSUPP ? ENOTTY : error);
	} else if (len < sizeof(*reply)) {
		fuse_reply_ioctl(call->fuse, (int)status, NULL, 0);
	} else {
		len -= sizeof(*reply);
		fuse_reply_ioctl(call->fuse, reply->ret_val, reply + 1,
				 len < call->asked ? len : call->asked);
	}
}

static void reply_message(struct call *call, int error, long status, size_t len)
{
	struct file_message head = {
		.len = (uint32_t)len,
		.status = (int32_t)status,
		.error = error ? call->request.request.error : 0,
	};
	const struct iovec iov[] = {{&head, sizeof(head)}, {call->request.request.room, len}};

	transfer_ends(call, 0);
	fuse_reply_ioctl_iov(call->fuse, 0, iov, head.len ? 2 : 1);
}

/* A client's own message */
static void file_message(struct session *session, fuse_req_t fuse, struct open_file *file,
			 const void *in, size_t in_len, size_t out_len)
{
	struct file_message head;
	struct call *call;

	if (in_len < sizeof(head) || out_len < sizeof(head))
		goto invalid;
	memcpy(&head, in, sizeof(head));
	if (head.len > in_len - sizeof(head) || head.room > out_len - sizeof(head))
		goto invalid;
	call = call_make(session, fuse, file, NULL, head.len, 0, head.room);
	if (!call)
		return;
	if (head.len)
		memcpy(call->io, (const char *)in + sizeof(head), head.len);
	call->request.sent = true;
	call->reply = reply_message;
	/* it may change where its file is read next, and nobody knows: it ends where none begins */
	transfer_begins(call, file, -1);
	call->request.positioned = false;
	call_post(call);
	return;

invalid:
	fuse_reply_err(fuse, EINVAL);
}

void file_ioctl(struct session *session, fuse_req_t fuse, unsigned cmd,
		const struct fuse_file_info *info, unsigned flags, const void *in, size_t in_len,
		size_t out_len)
{
	struct _io_devctl *message;
	struct call *call;

	if (_IOC_TYPE(cmd) == STPLR_IOC_MAGIC && _IOC_NR(cmd) == FILE_MESSAGE_NR) {
		file_message(session, fuse, file_of(info), in, in_len, out_len);
		return;
	}
	/* it is no command where the file is taken for a connection */
	if (flags & FUSE_IOCTL_DIR || _IOC_TYPE(cmd) == STPLR_IOC_MAGIC) {
		fuse_reply_err(fuse, ENOTTY);
		return;
	}
	call = call_make(session, fuse, file_of(info), NULL, sizeof(*message) + in_len, _IO_DEVCTL,
			 sizeof(struct _io_devctl_reply) + out_len);
	if (!call)
		return;
	message = call->io;
	message->dcmd = (int32_t)cmd;
	message->nbytes = (uint32_t)(in_len > out_len ? in_len : out_len);
	if (in_len)
		memcpy(message + 1, in, in_len);
	call->asked = out_len;
	call->reply = reply_ioctl;
	call_post(call);
}

#define EVENTS_IN (POLLIN | POLLRDNORM)
#define EVENTS_OUT (POLLOUT | POLLWRNORM)
#define EVENTS_OBAND (POLLPRI | POLLRDBAND)

static unsigned conditions_of(unsigned events)
{
	unsigned conditions = 0;

	if (!events || events & EVENTS_IN)
		conditions |= _NOTIFY_COND_INPUT;
	if (!events || events & EVENTS_OUT)
		conditions |= _NOTIFY_COND_OUTPUT;
	if (!events || events & EVENTS_OBAND)
		conditions |= _NOTIFY_COND_OBAND;
	return conditions;
}

/* What a notify handler has answered, as poll(2)'s events. */
static unsigned events_of(const struct call *call, int error, size_t len)
{
	const struct _io_notify_reply *reply = call->request.request.room;
	unsigned events = 0;

	/* it never blocks, or so it says */
	if (error || len < sizeof(*reply))
		return error && error != EOPNOTSUPP ? POLLERR : EVENTS_IN | EVENTS_OUT;
	if (reply->flags & _NOTIFY_COND_INPUT)
		events |= EVENTS_IN;
	if (reply->flags & _NOTIFY_COND_OUTPUT)
		events |= EVENTS_OUT;
	if (reply->flags & _NOTIFY_COND_OBAND)
		events |= EVENTS_OBAND;
	return events;
}

static void reply_poll(struct call *call, int error, long status, size_t len)
{
	(void)status;
	fuse_reply_poll(call->fuse, events_of(call, error, len));
}

static void ask_notify(struct session *session, fuse_req_t fuse, struct open_file *file, int action,
		       unsigned events, void (*reply)(struct call *, int, long, size_t))
{
	struct _io_notify *message;
	struct call *call = call_make(session, fuse, file, NULL, sizeof(*message), _IO_NOTIFY,
				      sizeof(struct _io_notify_reply));

	if (!call)
		return;
	message = call->io;
	message->action = action;
	message->flags = (int)conditions_of(events);
	message->event.sigev_notify = SIGEV_FILE_READY;
	message->event.sigev_value.sival_int = (int)file->number;
	call->asked = events;
	call->reply = reply;
	call_post(call);
}

/* What is there may have changed since. */
static void reply_armed(struct call *call, int error, long status, size_t len)
{
	(void)error;
	(void)status;
	(void)len;
	ask_notify(call->session, call->fuse, call->file, _NOTIFY_ACTION_POLL,
		   (unsigned)call->asked, reply_poll);
}

/*
 * Where something is there the manager will not tell of anything. The kernel wants to know all the
 * same: its client may have all that is there already, and wait for more.
 */
static void reply_poll_arming(struct call *call, int error, long status, size_t len)
{
	if (!error && len >= sizeof(struct _io_notify_reply) && events_of(call, error, len))
		ask_notify(call->session, call->fuse, call->file, _NOTIFY_ACTION_TRANARM,
			   (unsigned)call->asked, reply_armed);
	else
		reply_poll(call, error, status, len);
}

void file_poll(struct session *session, fuse_req_t fuse, const struct fuse_file_info *info,
	       struct fuse_pollhandle *poll)
{
	struct open_file *file = file_of(info);

	if (poll) {
		pthread_mutex_lock(&files_lock);
		if (file->poll)
			fuse_pollhandle_destroy(file->poll);
		file->poll = poll;
		pthread_mutex_unlock(&files_lock);
	}
	ask_notify(session, fuse, file, poll ? _NOTIFY_ACTION_POLLARM : _NOTIFY_ACTION_POLL,
		   info->poll_events, poll ? reply_poll_arming : reply_poll);
}
