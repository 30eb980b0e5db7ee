// SPDX-License-Identifier: MIT
/* Attributes, of a file that is open or by its path */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "attr.h"
#include "path.h"

bool take_stat(const struct call *call, size_t len, fuse_ino_t node, struct stat *stat)
{
	if (len < sizeof(*stat))
		return false;
	memcpy(stat, call->request.request.room, sizeof(*stat));
	if (node == FUSE_ROOT_ID)
		stat->st_mode = (stat->st_mode & ~(mode_t)S_IFMT) |
				(call->session->folder ? S_IFDIR : S_IFREG);
	else if (!S_ISDIR(stat->st_mode) && !S_ISLNK(stat->st_mode) && !S_ISFIFO(stat->st_mode) &&
		 !S_ISSOCK(stat->st_mode))
		stat->st_mode = (stat->st_mode & ~(mode_t)S_IFMT) | S_IFREG;
	if (!stat->st_ino)
		stat->st_ino = node;
	return true;
}

static void reply_attr(struct call *call, int error, long status, size_t len)
{
	struct stat stat;

	(void)status;
	if (!error && !take_stat(call, len, call->node, &stat))
		error = EIO;
	if (error)
		call_refuse(call, error);
	else
		fuse_reply_attr(call->fuse, &stat, 0);
}

/* A message for a file that a descriptor is of, or else for its path. */
static struct call *file_or_path_call(fuse_req_t fuse, fuse_ino_t node,
				      const struct fuse_file_info *info, uint32_t ioflag,
				      size_t io_len, unsigned io_type, size_t room)
{
	struct call *call;

	if (info && info->fh)
		call = call_make(session_of(fuse), fuse, file_of(info), NULL, io_len, io_type,
				 room);
	else
		call = path_call(
			fuse, path_of(fuse, node, NULL),
			(struct connect){.subtype = _IO_CONNECT_COMBINE_CLOSE, .ioflag = ioflag},
			io_len, io_type, room);
	if (call)
		call->node = node;
	return call;
}

void folder_getattr(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info)
{
	struct call *call = file_or_path_call(fuse, node, info, 0, sizeof(struct _io_stat),
					      _IO_STAT, sizeof(struct stat));

	if (!call)
		return;
	call->reply = reply_attr;
	call_post(call);
}

/* What is still to be set, one message after the other. */
struct setting {
	struct stat stat;
	int what;
	bool both_times; /* the stat has the one that stays, too */
	struct fuse_file_info info;
};

#define OWNER (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define NOW (FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)
#define BOTH_TIMES (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)
#define TIMES (BOTH_TIMES | NOW)

static void set_next(fuse_req_t fuse, fuse_ino_t node, struct setting *setting);

static void reply_set(struct call *call, int error, long status, size_t len)
{
	struct setting *setting = call->data;

	(void)status;
	(void)len;
	if (error) {
		free(setting);
		call_refuse(call, error);
	} else {
		set_next(call->fuse, call->node, setting);
	}
}

/* QNX's message sets both times: the one that is not to be set is what it was. */
static void reply_times(struct call *call, int error, long status, size_t len)
{
	struct setting *setting = call->data;
	struct stat stat;

	(void)status;
	if (!error && !take_stat(call, len, call->node, &stat))
		error = EIO;
	if (error) {
		free(setting);
		call_refuse(call, error);
		return;
	}
	if (!(setting->what & FUSE_SET_ATTR_ATIME))
		setting->stat.st_atime = stat.st_atime;
	if (!(setting->what & FUSE_SET_ATTR_MTIME))
		setting->stat.st_mtime = stat.st_mtime;
	setting->both_times = true;
	set_next(call->fuse, call->node, setting);
}

static void put_times(struct _io_utime *message, const struct setting *setting)
{
	int what = setting->what;
	time_t now = time(NULL);

	/* whoever may write may set both to now; other times are the owner's to set */
	message->cur_flag = (what & TIMES) == TIMES;
	message->times.actime = what & FUSE_SET_ATTR_ATIME_NOW ? now : setting->stat.st_atime;
	message->times.modtime = what & FUSE_SET_ATTR_MTIME_NOW ? now : setting->stat.st_mtime;
}

static void set_next(fuse_req_t fuse, fuse_ino_t node, struct setting *setting)
{
	void (*reply)(struct call *, int, long, size_t) = reply_set;
	const struct fuse_file_info *info = &setting->info;
	int what = setting->what;
	struct call *call;

	if (what & FUSE_SET_ATTR_SIZE) {
		struct _io_space *message;

		setting->what &= ~FUSE_SET_ATTR_SIZE;
		call = file_or_path_call(fuse, node, info, _IO_FLAG_WR, sizeof(*message), _IO_SPACE,
					 sizeof(uint64_t));
		if (call) {
			message = call->io;
			message->subtype = F_FREESP64;
			message->start = (uint64_t)setting->stat.st_size;
		}
	} else if (what & OWNER) {
		struct _io_chown *message;

		setting->what &= ~OWNER;
		call = file_or_path_call(fuse, node, info, 0, sizeof(*message), _IO_CHOWN, 0);
		if (call) {
			message = call->io;
			message->uid = what & FUSE_SET_ATTR_UID ? setting->stat.st_uid : (uid_t)-1;
			message->gid = what & FUSE_SET_ATTR_GID ? setting->stat.st_gid : (gid_t)-1;
		}
	} else if (what & FUSE_SET_ATTR_MODE) {
		struct _io_chmod *message;

		setting->what &= ~FUSE_SET_ATTR_MODE;
		call = file_or_path_call(fuse, node, info, 0, sizeof(*message), _IO_CHMOD, 0);
		if (call) {
			message = call->io;
			message->mode = setting->stat.st_mode;
		}
	} else if (what & BOTH_TIMES && (what & BOTH_TIMES) != BOTH_TIMES && !setting->both_times) {
		call = file_or_path_call(fuse, node, info, 0, sizeof(struct _io_stat), _IO_STAT,
					 sizeof(struct stat));
		reply = reply_times;
	} else if (what & TIMES) {
		call = file_or_path_call(fuse, node, info, 0, sizeof(struct _io_utime), _IO_UTIME,
					 0);
		if (call)
			put_times(call->io, setting);
		setting->what &= ~TIMES;
	} else {
		struct fuse_file_info last = *info;

		free(setting);
		folder_getattr(fuse, node, &last);
		return;
	}
	if (!call) {
		free(setting);
		return;
	}
	call->data = setting;
	call->reply = reply;
	call_post(call);
}

void folder_setattr(fuse_req_t fuse, fuse_ino_t node, struct stat *stat, int what,
		    struct fuse_file_info *info)
{
	struct setting *setting = calloc(1, sizeof(*setting));

	if (!setting) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	setting->stat = *stat;
	setting->what = what;
	if (info)
		setting->info = *info;
	set_next(fuse, node, setting);
}

void folder_access(fuse_req_t fuse, fuse_ino_t node, int mask)
{
	struct call *call = path_call(fuse, path_of(fuse, node, NULL),
				      (struct connect){.subtype = _IO_CONNECT_COMBINE_CLOSE,
						       .access = (uint16_t)(mask & 7)},
				      0, 0, 0);

	if (call)
		call_post(call);
}
