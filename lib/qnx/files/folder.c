// SPDX-License-Identifier: MIT
/*
 * Folders, and files elsewhere than below /dev, by FUSE: their names, and what the kernel asks
 *
 * The kernel keeps nothing of what it is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "call.h"
#include "entries.h"
#include "folder.h"
#include "mount.h"
#include "nodes.h"
#include "path.h"

/* Names */

/*
 * The kernel is to know a file that the manager has answered a stat message of: 0 or an errno.
 * Unless it is told of it, it is to be forgotten.
 */
static int enter(const struct call *call, int error, size_t len, fuse_ino_t folder,
		 const char *name, struct fuse_entry_param *entry)
{
	memset(entry, 0, sizeof(*entry));
	if (error)
		return error;
	if (!take_stat(call, len, 0, &entry->attr))
		return EIO;
	entry->ino = node_enter(call->session->nodes, folder, name);
	if (!entry->ino)
		return ENOMEM;
	if (!entry->attr.st_ino)
		entry->attr.st_ino = entry->ino;
	return 0;
}

static void reply_entry(struct call *call, int error, long status, size_t len)
{
	struct fuse_entry_param entry;

	(void)status;
	error = enter(call, error, len, call->node, call->data, &entry);
	free(call->data);
	if (error)
		call_refuse(call, error);
	else if (fuse_reply_entry(call->fuse, &entry))
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
		call_refuse(call, error);
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
		call_refuse(call, error);
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
	error = enter(call, error, len, names->folder, names->name, &entry);
	names->info.fh = (uintptr_t)file;
	names->info.direct_io = 1;
	if (error) {
		call_refuse(call, error);
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
		call_refuse(call, error);
		return;
	}
	file_opened(call->file);
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
