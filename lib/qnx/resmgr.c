// SPDX-License-Identifier: MIT
/*
 * Resource managers: paths, and the handlers of what is asked of them
 *
 * A path is kept by the handle that it was attached to, and by each request of it; what it says of
 * handlers never changes. A request is answered when its handler returns, or by the program, by its
 * rcvid; what is needed after that is copied out of it before.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/pathmgr.h>
#include <sys/resmgr.h>
#include <unistd.h>

#include "coid.h"
#include "dispatch.h"
#include "files.h"
#include "files_load.h"
#include "fork.h"
#include "request.h"
#include "result.h"
#include "thread.h"
#include "verbose.h"

/* A path that this process is the manager of */
struct attached {
	int id;
	unsigned users; /* the list, and requests */
	dispatch_t *dpp;
	resmgr_connect_funcs_t connect;
	const resmgr_io_funcs_t *io;
	RESMGR_HANDLE_T *handle;
	int (*other)(resmgr_context_t *ctp, void *msg);
	int coid;      /* to the handle's channel; -1: none */
	char *path;    /* from the root, a folder's with a slash; NULL: only a number */
	void *session; /* the file server's; NULL: there is no path */
	struct attached *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct attached *list;
static int last_id;

/* Whether a table of so many functions has this one. */
#define HAS(table, nfuncs, first, member)                                                          \
	((nfuncs) > (offsetof(typeof(*(table)), member) - offsetof(typeof(*(table)), first)) /     \
			    sizeof(void *) &&                                                      \
	 (table)->member)
#define HAS_IO(io, member) HAS(io, (io)->nfuncs, read, member)
#define HAS_CONNECT(connect, member) HAS(connect, (connect)->nfuncs, open, member)

static void attached_put(struct attached *attached)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = !--attached->users;
	pthread_mutex_unlock(&lock);
	if (!last)
		return;
	if (attached->coid != -1)
		ConnectDetach_r(attached->coid);
	free(attached->path);
	free(attached);
}

/* Requests */

/* The process that a thread is of. It is known since the thread has opened the file, mostly. */
static pid_t process_of(pid_t tid, bool opening)
{
	static _Thread_local pid_t last_tid, last_pid;
	char path[32], text[512], *at;
	FILE *file;
	size_t n;

	if (tid == last_tid && !opening)
		return last_pid;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return tid;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = 0;
	at = strstr(text, "\nTgid:");
	last_tid = tid;
	last_pid = at ? (pid_t)strtol(at + 6, NULL, 10) : tid;
	return last_pid;
}

static void request_begin(struct file_request *request, pid_t tid, uint32_t file)
{
	struct _msg_info *info = &request->request.info;

	memset(info, 0, sizeof(*info));
	info->tid = tid;
	info->pid = process_of(tid, request->connect);
	info->scoid = tid | SCOID_MARK | SCOID_FILE_MARK;
	info->coid = (int)file;
	info->priority = 10;
	request_init(&request->request);
}

static void post(struct file_request *request)
{
	const struct attached *attached = request->attached;

	request_post(&request->request, dispatch_chid(attached->dpp), coid_fd(attached->coid));
}

/* With a reference: the request that is handled, or NULL. */
static struct file_request *file_request_get(int rcvid)
{
	return (struct file_request *)request_get(rcvid);
}

static void unblock_client(int rcvid)
{
	struct file_request *request = file_request_get(rcvid);
	const struct attached *attached;

	if (!request)
		return;
	attached = request->attached; /* which the request keeps */
	request_unblock(rcvid, coid_fd(attached->coid));
	request_put(&request->request);
}

static pid_t waits(int rcvid)
{
	struct _msg_info info;

	return request_info(rcvid, &info) ? -1 : info.tid;
}

static void gone(void *attached)
{
	attached_put(attached);
}

static const struct file_host host = {
	.init = request_begin,
	.post = post,
	.unblock = unblock_client,
	.end = request_end,
	.waits = waits,
	.start_thread = thread_start,
	.gone = gone,
};

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

/* Handlers */

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

/*
 * A thread that is in a handler of an open file. That file may be closed meanwhile, if its request
 * was ended by others: then by the last thread that is in there.
 */
struct inside {
	struct bound bound;
	bool close;
	struct inside *next;
};
static struct inside *insides; /* with lock */

/* With lock */
static struct inside *inside_of(const RESMGR_OCB_T *ocb)
{
	struct inside *inside = insides;

	while (inside && inside->bound.ocb != ocb)
		inside = inside->next;
	return inside;
}

/*
 * The thread goes in, for a request that it holds: ESRCH, ENOMEM. Once that has been answered by
 * others the file may have been closed; before, who closes it sees who is inside. (On the heap, for
 * a thread may be cancelled in there.)
 */
static int enter(struct inside **self, const struct bound *bound, const struct request *request)
{
	struct inside *inside = calloc(1, sizeof(*inside));

	if (!inside)
		return ENOMEM;
	inside->bound = *bound;
	pthread_mutex_lock(&lock);
	inside->next = insides;
	insides = inside;
	pthread_mutex_unlock(&lock);
	*self = inside;
	return request_waits(request->rcvid) ? 0 : ESRCH;
}

static int close_file(resmgr_context_t *ctp, const struct bound *bound)
{
	const resmgr_io_funcs_t *io = bound->io;

	if (!io)
		return 0;
	return HAS_IO(io, close_ocb) ? io->close_ocb(ctp, NULL, bound->ocb) : 0;
}

static void leave(resmgr_context_t *ctp, struct inside *self)
{
	struct inside **link, *other;
	bool close;

	pthread_mutex_lock(&lock);
	for (link = &insides; *link != self; link = &(*link)->next)
		;
	*link = self->next;
	close = self->close;
	other = close ? inside_of(self->bound.ocb) : NULL;
	if (other)
		other->close = true;
	pthread_mutex_unlock(&lock);
	if (close && !other)
		close_file(ctp, &self->bound);
	free(self);
}

/* The last descriptor is gone. The handler frees the open file. */
static int handle_close(resmgr_context_t *ctp, const struct bound *bound)
{
	struct inside *inside;

	pthread_mutex_lock(&lock);
	inside = bound->io ? inside_of(bound->ocb) : NULL;
	if (inside)
		inside->close = true;
	pthread_mutex_unlock(&lock);
	return inside ? 0 : close_file(ctp, bound);
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

	pthread_mutex_lock(&lock);
	attached->users++;
	pthread_mutex_unlock(&lock);
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

/* A message that no file and no handler is for. */
static bool handle_other(resmgr_context_t *ctp, int *result)
{
	int (*other)(resmgr_context_t *, void *) = NULL;
	struct attached *attached;

	pthread_mutex_lock(&lock);
	for (attached = list; attached; attached = attached->next)
		if (attached->dpp == ctp->dpp && attached->other)
			other = attached->other;
	pthread_mutex_unlock(&lock);
	if (!other)
		return false;
	*result = answer(ctp, other(ctp, ctp->msg));
	return true;
}

static bool handle(resmgr_context_t *ctp, int *result)
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

/* A client wants to go: the file's handler says what becomes of it. */
static bool unblock(resmgr_context_t *ctp)
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
	pthread_mutex_lock(&lock);
	attached->users++;
	pthread_mutex_unlock(&lock);
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

/* Attaching */

/* Ends a path that is off the list. */
static void end(struct attached *attached, bool orphaned)
{
	if (attached->session)
		files_server()->detach(attached->session, orphaned);
	attached_put(attached);
}

static struct attached *take(dispatch_t *dpp, int id)
{
	struct attached **link, *attached;

	pthread_mutex_lock(&lock);
	for (link = &list; (attached = *link); link = &attached->next)
		if (attached->dpp == dpp && (attached->id == id || id == -1)) {
			*link = attached->next;
			break;
		}
	pthread_mutex_unlock(&lock);
	return attached;
}

static void end_all(dispatch_t *dpp)
{
	struct attached *attached;

	while ((attached = take(dpp, -1)))
		end(attached, true);
}

static const struct dispatch_files dispatch_files = {
	.handle = handle,
	.other = handle_other,
	.unblock = unblock,
	.end = end_all,
};

/* The path from the root, without anything after its end. */
static int absolute(const char *path, char *whole, size_t size)
{
	size_t used = 0;

	if (*path != '/') {
		if (!getcwd(whole, size))
			return -errno;
		used = strlen(whole);
		if (whole[used - 1] != '/')
			whole[used++] = '/';
	}
	if (used + strlen(path) >= size)
		return -ENAMETOOLONG;
	strcpy(whole + used, path);
	for (used = strlen(whole); used > 1 && whole[used - 1] == '/'; used--)
		whole[used - 1] = 0;
	return 0;
}

static int attach_path(struct attached *attached, const char *path, unsigned flags)
{
	const struct file_server *server = files_server();
	static atomic_flag said = ATOMIC_FLAG_INIT;
	char whole[PATH_MAX], *named;
	int ret;

	if (!server)
		return -ENOSYS;
	ret = absolute(path, whole, sizeof(whole));
	if (ret)
		return ret;
	if (asprintf(&named, "%s%s", whole, flags & _RESMGR_FLAG_DIR && whole[1] ? "/" : "") < 0)
		return -ENOMEM;
	pthread_mutex_lock(&lock);
	attached->path = named;
	attached->users++; /* the file server's */
	pthread_mutex_unlock(&lock);
	ret = server->attach(&host, attached, whole, flags & _RESMGR_FLAG_DIR, &attached->session);
	if (ret)
		attached_put(attached);
	if (ret == -ENODEV)
		explain(&said,
			"%s: there is no /dev/cuse or no /dev/fuse; is the kernel's module "
			"loaded (modprobe cuse, modprobe fuse)?",
			whole);
	return ret;
}

static struct attached *make(dispatch_t *dpp, const resmgr_attr_t *attr,
			     const resmgr_connect_funcs_t *connect, const resmgr_io_funcs_t *io,
			     RESMGR_HANDLE_T *handle)
{
	struct attached *attached = calloc(1, sizeof(*attached));
	unsigned n = connect ? connect->nfuncs : 0;

	if (!attached)
		return NULL;
	attached->users = 1;
	attached->dpp = dpp;
	if (n > _RESMGR_CONNECT_NFUNCS)
		n = _RESMGR_CONNECT_NFUNCS;
	if (connect)
		memcpy(&attached->connect, connect,
		       offsetof(resmgr_connect_funcs_t, open) + n * sizeof(void *));
	attached->connect.nfuncs = n;
	attached->io = io;
	attached->handle = handle;
	if (attr && attr->flags & RESMGR_FLAG_ATTACH_OTHERFUNC)
		attached->other = attr->other_func;
	attached->coid = -1;
	return attached;
}

int resmgr_attach(dispatch_t *dpp, resmgr_attr_t *attr, const char *path, enum _file_type type,
		  unsigned flags, const resmgr_connect_funcs_t *connect,
		  const resmgr_io_funcs_t *io, RESMGR_HANDLE_T *handle)
{
	const unsigned known = _RESMGR_FLAG_BEFORE | _RESMGR_FLAG_AFTER | _RESMGR_FLAG_OPAQUE |
			       _RESMGR_FLAG_FTYPEONLY | _RESMGR_FLAG_FTYPEALL | _RESMGR_FLAG_SELF |
			       _RESMGR_FLAG_DIR;
	bool with_path = path && *path;
	struct attached *attached;
	int ret;

	if (!dpp || flags & ~known)
		return outcome(-EINVAL);
	if (type != _FTYPE_ANY && type != _FTYPE_FILE)
		return outcome(REFUSED("resmgr_attach: type %d: there are files only", type));
	ret = dispatch_use_files(dpp, &dispatch_files, attr ? attr->nparts_max : 0,
				 attr ? attr->msg_max_size : 0);
	if (ret)
		return outcome(ret);
	if (dispatch_need_channel(dpp) < 0)
		return -1;
	attached = make(dpp, attr, connect, io, handle);
	if (!attached)
		return outcome(-ENOMEM);
	attached->coid =
		ConnectAttach_r(0, 0, dispatch_chid(dpp), _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
	if (attached->coid < 0) {
		ret = attached->coid;
		attached->coid = -1;
		goto put;
	}
	pthread_mutex_lock(&lock);
	ret = attached->id = ++last_id;
	attached->next = list;
	list = attached;
	pthread_mutex_unlock(&lock);
	if (!with_path)
		return ret;
	ret = attach_path(attached, path, flags);
	if (!ret)
		return attached->id;
	take(dpp, attached->id);
put:
	attached_put(attached);
	return outcome(ret);
}

int resmgr_detach(dispatch_t *dpp, int id, unsigned flags)
{
	struct attached *attached;

	if (!dpp || id < 0 || flags & ~(unsigned)_RESMGR_DETACH_PATHNAME)
		return outcome(-EINVAL);
	attached = take(dpp, id);
	if (!attached)
		return outcome(-EINVAL);
	end(attached, false);
	return 0;
}

int resmgr_pathname(int id, unsigned flags, char *path, int maxbuf)
{
	struct attached *attached;
	int ret = -EINVAL, size;

	if (flags & ~(unsigned)_RESMGR_PATHNAME_LOCALPATH || !path || maxbuf < 0)
		return outcome(-EINVAL);
	pthread_mutex_lock(&lock);
	for (attached = list; attached && attached->id != id; attached = attached->next)
		;
	if (attached && attached->path) {
		size = (int)strlen(attached->path) + 1;
		ret = size <= maxbuf ? size : -ERANGE;
		if (ret > 0)
			memcpy(path, attached->path, (size_t)size);
	}
	pthread_mutex_unlock(&lock);
	return outcome(ret);
}

int resmgr_devino(int id, dev_t *dev, ino_t *inode)
{
	if (dev)
		*dev = (dev_t)id;
	if (inode)
		*inode = 1;
	return 0;
}

int pathmgr_symlink(const char *path, const char *link)
{
	return symlink(path, link);
}

int pathmgr_unlink(const char *link)
{
	return unlink(link);
}

/* In a child: the paths are its parent's. */
static void forget(void)
{
	list = NULL;
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_RESMGR, &lock, forget);
}

/* The message and its reply */

static int length(ssize_t n)
{
	return n < 0 ? outcome((int)n) : n > INT_MAX ? INT_MAX : (int)n;
}

int resmgr_msgread(resmgr_context_t *ctp, void *msg, size_t bytes, size_t offset)
{
	return length(MsgRead_r(ctp->rcvid, msg, bytes, ctp->offset + offset));
}

int resmgr_msgreadv(resmgr_context_t *ctp, iov_t *iov, int parts, size_t offset)
{
	return length(MsgReadv_r(ctp->rcvid, iov, (size_t)parts, ctp->offset + offset));
}

int resmgr_msgwrite(resmgr_context_t *ctp, const void *msg, size_t bytes, size_t offset)
{
	return length(MsgWrite_r(ctp->rcvid, msg, bytes, offset));
}

int resmgr_msgwritev(resmgr_context_t *ctp, const iov_t *iov, int parts, size_t offset)
{
	return length(MsgWritev_r(ctp->rcvid, iov, (size_t)parts, offset));
}

int resmgr_msgget(resmgr_context_t *ctp, void *msg, size_t bytes, size_t offset)
{
	if (ctp->info.msglen > 0 && offset + bytes <= (size_t)ctp->info.msglen) {
		memcpy(msg, (char *)ctp->msg + offset, bytes);
		return (int)bytes;
	}
	return resmgr_msgread(ctp, msg, bytes, offset);
}

int resmgr_msggetv(resmgr_context_t *ctp, iov_t *iov, int parts, size_t offset)
{
	return resmgr_msgreadv(ctp, iov, parts, offset);
}

int resmgr_msgreply(resmgr_context_t *ctp, const void *msg, size_t bytes)
{
	return MsgReply(ctp->rcvid, ctp->status, msg, bytes);
}

int resmgr_msgreplyv(resmgr_context_t *ctp, iov_t *iov, int parts)
{
	return MsgReplyv(ctp->rcvid, ctp->status, iov, (size_t)parts);
}

/* What dispatch_*() has replaced */

resmgr_context_t *resmgr_context_alloc(dispatch_t *dpp)
{
	dispatch_context_t *context = dispatch_context_alloc(dpp);

	return context ? &context->resmgr_context : NULL;
}

void resmgr_context_free(resmgr_context_t *ctp)
{
	dispatch_context_free((dispatch_context_t *)ctp);
}

resmgr_context_t *resmgr_block(resmgr_context_t *ctp)
{
	return dispatch_block((dispatch_context_t *)ctp) ? ctp : NULL;
}

void resmgr_unblock(resmgr_context_t *ctp)
{
	dispatch_unblock((dispatch_context_t *)ctp);
}

int resmgr_handler(resmgr_context_t *ctp)
{
	return dispatch_handler((dispatch_context_t *)ctp);
}

int _resmgr_handler(resmgr_context_t *ctp)
{
	return resmgr_handler(ctp);
}
