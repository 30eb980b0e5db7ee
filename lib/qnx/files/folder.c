// SPDX-License-Identifier: MIT
/*
 * Folders, and files elsewhere than below /dev, by FUSE
 *
 * What the kernel asks of a path is a connect message, joined with one for the file that is open
 * for it, as QNX's libraries do it. The kernel keeps nothing of what it is told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "call.h"
#include "folder.h"
#include "mount.h"
#include "nodes.h"

/* How much of a folder is asked for at once. */
#define READDIR_BYTES 16384

static struct session *session_of(fuse_req_t fuse)
{
	return fuse_req_userdata(fuse);
}

/* A call for a path, which is freed; without a path the kernel is told. */
static struct call *path_call(fuse_req_t fuse, char *path, struct connect connect, size_t io_len,
			      unsigned io_type, size_t room)
{
	struct call *call = NULL;

	if (path) {
		connect.path = path;
		call = call_make(session_of(fuse), fuse, NULL, &connect, io_len, io_type, room);
		if (call)
			call->request.close = true;
	} else {
		fuse_reply_err(fuse, ENOENT);
	}
	free(path);
	return call;
}

static char *path_of(fuse_req_t fuse, fuse_ino_t node, const char *name)
{
	return node_path(session_of(fuse)->nodes, node, name);
}

/* Attributes */

/* What the manager says, as far as the kernel can take it: there are no devices behind a mount. */
static bool take_stat(const struct call *call, size_t len, fuse_ino_t node, struct stat *stat)
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
		fuse_reply_err(call->fuse, error);
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

static void folder_getattr(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info)
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
		fuse_reply_err(call->fuse, error);
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
		fuse_reply_err(call->fuse, error);
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

static void folder_setattr(fuse_req_t fuse, fuse_ino_t node, struct stat *stat, int what,
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

static void folder_access(fuse_req_t fuse, fuse_ino_t node, int mask)
{
	struct call *call = path_call(fuse, path_of(fuse, node, NULL),
				      (struct connect){.subtype = _IO_CONNECT_COMBINE_CLOSE,
						       .access = (uint16_t)(mask & 7)},
				      0, 0, 0);

	if (call)
		call_post(call);
}

/* Names */

static void reply_entry(struct call *call, int error, long status, size_t len)
{
	struct fuse_entry_param entry;
	char *name = call->data;

	(void)status;
	memset(&entry, 0, sizeof(entry));
	if (!error && !take_stat(call, len, 0, &entry.attr))
		error = EIO;
	if (!error) {
		entry.ino = node_enter(call->session->nodes, call->node, name);
		if (!entry.ino)
			error = ENOMEM;
	}
	free(name);
	if (error) {
		fuse_reply_err(call->fuse, error);
		return;
	}
	if (!entry.attr.st_ino)
		entry.attr.st_ino = entry.ino;
	if (fuse_reply_entry(call->fuse, &entry))
		node_forget(call->session->nodes, entry.ino, 1);
}

static void folder_lookup(fuse_req_t fuse, fuse_ino_t folder, const char *name)
{
	char *copy = strdup(name);
	struct call *call;

	if (!copy) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	call = path_call(fuse, path_of(fuse, folder, name),
			 (struct connect){.subtype = _IO_CONNECT_COMBINE_CLOSE},
			 sizeof(struct _io_stat), _IO_STAT, sizeof(struct stat));
	if (!call) {
		free(copy);
		return;
	}
	call->node = folder;
	call->data = copy;
	call->reply = reply_entry;
	call_post(call);
}

static void folder_forget(fuse_req_t fuse, fuse_ino_t node, uint64_t times)
{
	node_forget(session_of(fuse)->nodes, node, times);
	fuse_reply_none(fuse);
}

static void folder_forget_multi(fuse_req_t fuse, size_t count, struct fuse_forget_data *forgets)
{
	for (; count; count--, forgets++)
		node_forget(session_of(fuse)->nodes, forgets->ino, forgets->nlookup);
	fuse_reply_none(fuse);
}

/* What a call changes in a folder, or is about. */
struct names {
	fuse_ino_t folder, to;
	char *name, *new_name;
	struct fuse_file_info info;
};

static void names_free(struct names *names)
{
	if (names) {
		free(names->name);
		free(names->new_name);
	}
	free(names);
}

static struct names *names_make(fuse_ino_t folder, const char *name, fuse_ino_t to,
				const char *new_name)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->folder = folder;
	names->to = to;
	names->name = strdup(name);
	names->new_name = new_name ? strdup(new_name) : NULL;
	if (names->name && (!new_name || names->new_name))
		return names;
	names_free(names);
	return NULL;
}

/* Posts a call about names, whose reply frees them. */
static void post_names(fuse_req_t fuse, char *path, struct connect connect, struct names *names,
		       void (*reply)(struct call *, int, long, size_t))
{
	struct call *call;

	if (!names) {
		free(path);
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	call = path_call(fuse, path, connect, 0, 0, 0);
	if (!call) {
		names_free(names);
		return;
	}
	call->request.close = false; /* nothing is open */
	call->data = names;
	call->reply = reply;
	call_post(call);
}

/* It is made: what it is like is the kernel's next question. */
static void reply_made(struct call *call, int error, long status, size_t len)
{
	struct names *names = call->data;

	(void)status;
	(void)len;
	if (error)
		fuse_reply_err(call->fuse, error);
	else
		folder_lookup(call->fuse, names->folder, names->name);
	names_free(names);
}

static void folder_mknod(fuse_req_t fuse, fuse_ino_t folder, const char *name, mode_t mode,
			 dev_t device)
{
	(void)device;
	post_names(fuse, path_of(fuse, folder, name),
		   (struct connect){.subtype = _IO_CONNECT_MKNOD, .mode = mode},
		   names_make(folder, name, 0, NULL), reply_made);
}

static void folder_mkdir(fuse_req_t fuse, fuse_ino_t folder, const char *name, mode_t mode)
{
	folder_mknod(fuse, folder, name, (mode & ~(mode_t)S_IFMT) | S_IFDIR, 0);
}

static void folder_symlink(fuse_req_t fuse, const char *text, fuse_ino_t folder, const char *name)
{
	post_names(fuse, path_of(fuse, folder, name),
		   (struct connect){.subtype = _IO_CONNECT_LINK,
				    .mode = S_IFLNK | 0777,
				    .extra_type = _IO_CONNECT_EXTRA_SYMLINK,
				    .extra = text},
		   names_make(folder, name, 0, NULL), reply_made);
}

static void reply_removed(struct call *call, int error, long status, size_t len)
{
	struct names *names = call->data;

	if (!error)
		node_remove(call->session->nodes, names->folder, names->name);
	names_free(names);
	reply_error(call, error, status, len);
}

static void folder_unlink(fuse_req_t fuse, fuse_ino_t folder, const char *name)
{
	post_names(fuse, path_of(fuse, folder, name),
		   (struct connect){.subtype = _IO_CONNECT_UNLINK},
		   names_make(folder, name, 0, NULL), reply_removed);
}

static void folder_rmdir(fuse_req_t fuse, fuse_ino_t folder, const char *name)
{
	post_names(fuse, path_of(fuse, folder, name),
		   (struct connect){.subtype = _IO_CONNECT_UNLINK,
				    .mode = S_IFDIR,
				    .eflag = _IO_CONNECT_EFLAG_DIR},
		   names_make(folder, name, 0, NULL), reply_removed);
}

static void reply_renamed(struct call *call, int error, long status, size_t len)
{
	struct names *names = call->data;

	if (!error)
		node_rename(call->session->nodes, names->folder, names->name, names->to,
			    names->new_name);
	names_free(names);
	reply_error(call, error, status, len);
}

static void folder_rename(fuse_req_t fuse, fuse_ino_t folder, const char *name, fuse_ino_t to,
			  const char *new_name, unsigned flags)
{
	char *old = path_of(fuse, folder, name);

	if (flags || !old) {
		free(old);
		fuse_reply_err(fuse, flags ? EINVAL : ENOENT);
		return;
	}
	post_names(fuse, path_of(fuse, to, new_name),
		   (struct connect){.subtype = _IO_CONNECT_RENAME,
				    .extra_type = _IO_CONNECT_EXTRA_RENAME,
				    .extra = old},
		   names_make(folder, name, to, new_name), reply_renamed);
	free(old);
}

static void reply_readlink(struct call *call, int error, long status, size_t len)
{
	const struct _io_connect_link_reply *reply = call->request.request.room;
	char *text = (char *)(reply + 1);

	(void)status;
	if (!error && (len <= sizeof(*reply) || !memchr(text, 0, len - sizeof(*reply))))
		error = EIO;
	if (error)
		fuse_reply_err(call->fuse, error);
	else
		fuse_reply_readlink(call->fuse, text);
}

static void folder_readlink(fuse_req_t fuse, fuse_ino_t node)
{
	struct call *call = path_call(fuse, path_of(fuse, node, NULL),
				      (struct connect){.subtype = _IO_CONNECT_READLINK}, 0, 0,
				      sizeof(struct _io_connect_link_reply) + PATH_MAX);

	if (!call)
		return;
	call->request.close = false;
	call->reply = reply_readlink;
	call_post(call);
}

/* Opening */

static void folder_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info)
{
	char *path = path_of(fuse, node, NULL);

	if (path)
		file_open(session_of(fuse), fuse, path, info);
	else
		fuse_reply_err(fuse, ENOENT);
	free(path);
}

static void folder_opendir(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info)
{
	info->flags |= O_DIRECTORY;
	folder_open(fuse, node, info);
}

/* A file that was made and opened: it is asked what it is like, and then both are told. */

static void reply_create_stat(struct call *call, int error, long status, size_t len)
{
	struct names *names = call->data;
	struct open_file *file = call->file;
	struct fuse_entry_param entry;

	(void)status;
	memset(&entry, 0, sizeof(entry));
	if (!error && !take_stat(call, len, 0, &entry.attr))
		error = EIO;
	if (!error) {
		entry.ino = node_enter(call->session->nodes, names->folder, names->name);
		if (!entry.ino)
			error = ENOMEM;
	}
	names->info.fh = (uintptr_t)file;
	names->info.direct_io = 1;
	if (!error && !entry.attr.st_ino)
		entry.attr.st_ino = entry.ino;
	if (error) {
		fuse_reply_err(call->fuse, error);
		file_close(call->session, NULL, file);
	} else if (fuse_reply_create(call->fuse, &entry, &names->info)) {
		node_forget(call->session->nodes, entry.ino, 1);
		file_close(call->session, NULL, file);
	}
	names_free(names);
}

static void reply_create(struct call *call, int error, long status, size_t len)
{
	struct call *next;

	(void)status;
	(void)len;
	if (error) {
		names_free(call->data);
		file_free(call->file);
		fuse_reply_err(call->fuse, error);
		return;
	}
	next = call_make(call->session, call->fuse, call->file, NULL, sizeof(struct _io_stat),
			 _IO_STAT, sizeof(struct stat));
	if (!next) {
		names_free(call->data);
		file_close(call->session, NULL, call->file);
		return;
	}
	next->data = call->data;
	next->reply = reply_create_stat;
	call_post(next);
}

static void folder_create(fuse_req_t fuse, fuse_ino_t folder, const char *name, mode_t mode,
			  struct fuse_file_info *info)
{
	char *path = path_of(fuse, folder, name);
	struct names *names = names_make(folder, name, 0, NULL);
	struct open_file *file = file_make(session_of(fuse));
	struct connect connect = {
		.subtype = _IO_CONNECT_OPEN,
		.ioflag = ioflag_of(info->flags | O_CREAT),
		.mode = mode,
		.path = path,
	};
	struct call *call = NULL;

	if (!path || !names || !file)
		fuse_reply_err(fuse, !path ? ENOENT : ENOMEM);
	else
		call = call_make(session_of(fuse), fuse, file, &connect, 0, 0, 0);
	free(path);
	if (!call) {
		names_free(names);
		if (file)
			file_free(file);
		return;
	}
	file->nonblock = info->flags & O_NONBLOCK;
	names->info = *info;
	call->data = names;
	call->reply = reply_create;
	call_post(call);
}

/* Reading a folder: all of it is taken when it is read from its beginning. */

static void read_entries(struct session *session, fuse_req_t fuse, struct open_file *file,
			 size_t size, bool from_beginning);

/* How many of a manager's bytes are whole entries. */
static size_t whole_entries(const char *bytes, size_t len)
{
	const size_t head = offsetof(struct dirent, d_name);
	size_t at = 0;

	while (len - at > head) {
		const struct dirent *entry = (const struct dirent *)(bytes + at);
		size_t n = entry->d_reclen;

		if (n <= head || n > len - at || n % 8 || !memchr(entry->d_name, 0, n - head))
			break;
		at += n;
	}
	return at;
}

/*
 * As much as there is room for, from an entry on that the kernel names by where it begins. A client
 * may have sought anywhere: then from the next entry on.
 */
static void give_entries(fuse_req_t fuse, const struct open_file *file, size_t size, size_t from)
{
	char *answer = malloc(size);
	size_t used = 0, at = 0;

	if (!answer) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	while (at < from && at < file->entries_len)
		at += ((const struct dirent *)(file->entries + at))->d_reclen;
	while (at < file->entries_len) {
		const struct dirent *entry = (const struct dirent *)(file->entries + at);
		struct stat stat = {.st_ino = entry->d_ino};
		size_t next = at + entry->d_reclen,
		       n = fuse_add_direntry(fuse, answer + used, size - used, entry->d_name, &stat,
					     (off_t)next);

		if (n > size - used)
			break;
		used += n;
		at = next;
	}
	fuse_reply_buf(fuse, answer, used);
	free(answer);
}

static void reply_readdir(struct call *call, int error, long status, size_t len)
{
	struct open_file *file = call->file;
	size_t n = error || status < 0 ? 0 : (size_t)status;
	char *grown;

	(void)len;
	if (n > call->request.request.room_len)
		n = call->request.request.room_len;
	n = whole_entries(call->request.request.room, n);
	if (n) {
		grown = realloc(file->entries, file->entries_len + n);
		if (grown) {
			memcpy(grown + file->entries_len, call->request.request.room, n);
			file->entries = grown;
			file->entries_len += n;
			read_entries(call->session, call->fuse, file, call->asked, false);
			return;
		}
		error = ENOMEM;
	}
	if (error)
		fuse_reply_err(call->fuse, error);
	else
		give_entries(call->fuse, file, call->asked, 0);
}

static void read_entries(struct session *session, fuse_req_t fuse, struct open_file *file,
			 size_t size, bool from_beginning)
{
	struct _io_read *message;
	struct call *call =
		call_make(session, fuse, file, NULL, sizeof(*message), _IO_READ, READDIR_BYTES);

	if (!call)
		return;
	message = call->io;
	message->nbytes = READDIR_BYTES;
	message->xtype = _IO_XTYPE_READDIR;
	call->request.positioned = from_beginning;
	call->asked = size;
	call->reply = reply_readdir;
	call_post(call);
}

static void folder_readdir(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
			   struct fuse_file_info *info)
{
	struct open_file *file = file_of(info);

	(void)node;
	if (offset > 0) {
		give_entries(fuse, file, size, (size_t)offset);
		return;
	}
	file->entries_len = 0;
	read_entries(session_of(fuse), fuse, file, size, true);
}

/* Open files are like devices. */

static void folder_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
			struct fuse_file_info *info)
{
	(void)node;
	file_read(session_of(fuse), fuse, size, offset, info);
}

static void folder_write(fuse_req_t fuse, fuse_ino_t node, const char *bytes, size_t size,
			 off_t offset, struct fuse_file_info *info)
{
	(void)node;
	file_write(session_of(fuse), fuse, bytes, size, offset, info);
}

static void folder_flush(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info)
{
	(void)node;
	file_flush(session_of(fuse), fuse, info);
}

static void folder_release(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info)
{
	(void)node;
	file_close(session_of(fuse), fuse, file_of(info));
}

static void folder_fsync(fuse_req_t fuse, fuse_ino_t node, int datasync,
			 struct fuse_file_info *info)
{
	(void)node;
	file_sync(session_of(fuse), fuse, datasync, info);
}

static void folder_ioctl(fuse_req_t fuse, fuse_ino_t node, unsigned cmd, void *arg,
			 struct fuse_file_info *info, unsigned flags, const void *in, size_t in_len,
			 size_t out_len)
{
	(void)node;
	(void)arg;
	file_ioctl(session_of(fuse), fuse, cmd, info, flags, in, in_len, out_len);
}

static void folder_poll(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *info,
			struct fuse_pollhandle *poll)
{
	(void)node;
	file_poll(session_of(fuse), fuse, info, poll);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = folder_lookup,
	.forget = folder_forget,
	.forget_multi = folder_forget_multi,
	.getattr = folder_getattr,
	.setattr = folder_setattr,
	.access = folder_access,
	.readlink = folder_readlink,
	.mknod = folder_mknod,
	.mkdir = folder_mkdir,
	.unlink = folder_unlink,
	.rmdir = folder_rmdir,
	.symlink = folder_symlink,
	.rename = folder_rename,
	.open = folder_open,
	.create = folder_create,
	.read = folder_read,
	.write = folder_write,
	.flush = folder_flush,
	.release = folder_release,
	.fsync = folder_fsync,
	.opendir = folder_opendir,
	.readdir = folder_readdir,
	.releasedir = folder_release,
	.ioctl = folder_ioctl,
	.poll = folder_poll,
};

int folder_attach(struct session *session, bool folder)
{
	char options[] = "fsname=stplr-qnx,subtype=stplr-qnx,allow_other";
	char *argv[] = {(char *)"stplr-qnx", (char *)"-o", options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	int ret;

	if (!mount_for_all())
		*strrchr(options, ',') = 0;
	session->folder = folder;
	session->nodes = nodes_make();
	if (!session->nodes)
		return -ENOMEM;
	session->fuse = fuse_session_new(&args, &operations, sizeof(operations), session);
	fuse_opt_free_args(&args);
	if (!session->fuse) {
		ret = -ENOMEM;
		goto free_nodes;
	}
	ret = mount_make(session, folder);
	if (ret)
		goto destroy;
	ret = session_start(session);
	if (!ret)
		return 0;
	mount_end(session);
destroy:
	fuse_session_destroy(session->fuse);
free_nodes:
	nodes_free(session->nodes);
	session->nodes = NULL;
	return ret;
}
