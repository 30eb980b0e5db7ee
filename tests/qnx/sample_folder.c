// SPDX-License-Identifier: MIT
/*
 * sample_folder PATH: a folder whose files are in this program's memory
 *
 * One thread serves it. A node is a file, a folder or a symbolic link: its attributes, its name,
 * and what is in it.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node;
#define IOFUNC_ATTR_T struct node
#include <sys/dispatch.h>
#include <sys/iofunc.h>

#define FILE_MAX (16 << 20)

struct node {
	iofunc_attr_t attr;
	char *name;
	struct node *folder, *first, *next; /* where it is, what is in it, what is beside it */
	char *bytes;                        /* a file's, or a link's text */
	size_t room;
};

static struct node root;

/* Nodes */

static struct node *find(const struct node *folder, const char *name, size_t len)
{
	struct node *node;

	for (node = folder->first; node; node = node->next)
		if (strlen(node->name) == len && !memcmp(node->name, name, len))
			break;
	return node;
}

/* The folder of a path's last name, which the client may search, and what has that name if any. */
static int walk(resmgr_context_t *ctp, const char *path, struct node **folder, const char **name,
		struct node **node)
{
	size_t len;
	int ret;

	*folder = NULL;
	*node = &root;
	*name = "";
	while (*path) {
		len = strcspn(path, "/");
		if (!*node)
			return ENOENT;
		if (!S_ISDIR((*node)->attr.mode))
			return ENOTDIR;
		ret = iofunc_check_access(ctp, &(*node)->attr, S_IEXEC, NULL);
		if (ret)
			return ret;
		if (len > NAME_MAX)
			return ENAMETOOLONG;
		*folder = *node;
		*name = path;
		*node = find(*folder, path, len);
		path += len;
		path += strspn(path, "/");
	}
	return EOK;
}

static struct node *make(const char *name)
{
	struct node *node = calloc(1, sizeof(*node));

	if (node)
		node->name = strndup(name, strcspn(name, "/"));
	if (node && node->name)
		return node;
	free(node);
	return NULL;
}

static void enter(struct node *folder, struct node *node)
{
	static ino_t last = 1;

	node->attr.inode = ++last;
	node->folder = folder;
	node->next = folder->first;
	folder->first = node;
	if (S_ISDIR(node->attr.mode))
		folder->attr.nlink++;
}

static void leave(struct node *node)
{
	struct node **link = &node->folder->first;

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	if (S_ISDIR(node->attr.mode))
		node->folder->attr.nlink--;
	node->folder = NULL;
}

/* Without a name and an open file it is gone. */
static void release(struct node *node)
{
	if (node == &root || node->folder || node->attr.count)
		return;
	free(node->name);
	free(node->bytes);
	free(node);
}

static int resize(struct node *node, off_t size)
{
	size_t room = (size_t)size;
	char *grown;

	if (size > FILE_MAX)
		return EFBIG;
	if (room > node->room) {
		room += room / 2;
		grown = realloc(node->bytes, room);
		if (!grown)
			return ENOSPC;
		node->bytes = grown;
		node->room = room;
	}
	if (size > node->attr.nbytes)
		memset(node->bytes + node->attr.nbytes, 0, (size_t)(size - node->attr.nbytes));
	node->attr.nbytes = size;
	node->attr.flags |= IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME;
	return EOK;
}

/* What is done to names */

static int do_open(resmgr_context_t *ctp, io_open_t *msg, RESMGR_HANDLE_T *handle, void *extra)
{
	struct node *folder, *node, *made = NULL;
	const char *name;
	int ret = walk(ctp, msg->connect.path, &folder, &name, &node);

	(void)handle;
	(void)extra;
	if (ret)
		return ret;
	if (!node && !(msg->connect.ioflag & O_CREAT))
		return ENOENT;
	if (!node) {
		node = made = make(name);
		if (!made)
			return ENOMEM;
	}
	ret = iofunc_open(ctp, msg, &node->attr, made ? &folder->attr : NULL, NULL);
	if (!ret)
		ret = iofunc_ocb_attach(ctp, msg, NULL, &node->attr, NULL);
	if (made && !ret)
		enter(folder, made);
	else if (made)
		release(made);
	return ret;
}

static int do_mknod(resmgr_context_t *ctp, io_mknod_t *msg, RESMGR_HANDLE_T *handle, void *reserved)
{
	struct node *folder, *node;
	const char *name;
	int ret = walk(ctp, msg->connect.path, &folder, &name, &node);

	(void)handle;
	(void)reserved;
	if (ret)
		return ret;
	if (node)
		return EEXIST;
	node = make(name);
	if (!node)
		return ENOMEM;
	ret = iofunc_mknod(ctp, msg, &node->attr, &folder->attr, NULL);
	if (ret)
		release(node);
	else
		enter(folder, node);
	return ret;
}

static int do_link(resmgr_context_t *ctp, io_link_t *msg, RESMGR_HANDLE_T *handle,
		   io_link_extra_t *extra)
{
	struct node *node, *folder;
	const char *name;
	int ret;

	if (msg->connect.extra_type != _IO_CONNECT_EXTRA_SYMLINK)
		return ENOSYS;
	ret = do_mknod(ctp, (io_mknod_t *)msg, handle, NULL);
	if (!ret)
		ret = walk(ctp, msg->connect.path, &folder, &name, &node);
	if (!ret)
		ret = resize(node, (off_t)strlen(extra->path));
	if (!ret)
		memcpy(node->bytes, extra->path, (size_t)node->attr.nbytes);
	return ret;
}

static int do_readlink(resmgr_context_t *ctp, io_readlink_t *msg, RESMGR_HANDLE_T *handle,
		       void *reserved)
{
	struct node *folder, *node;
	const char *name;
	int ret = walk(ctp, msg->connect.path, &folder, &name, &node);

	(void)handle;
	(void)reserved;
	if (!ret && !node)
		ret = ENOENT;
	if (!ret)
		ret = iofunc_readlink(ctp, msg, &node->attr, NULL);
	if (ret)
		return ret;
	memset(&msg->link_reply, 0, sizeof(msg->link_reply));
	msg->link_reply.path_len = (uint16_t)(node->attr.nbytes + 1);
	SETIOV(ctp->iov, &msg->link_reply, sizeof(msg->link_reply));
	SETIOV(ctp->iov + 1, node->bytes, (size_t)node->attr.nbytes);
	SETIOV(ctp->iov + 2, "", 1);
	return _RESMGR_NPARTS(3);
}

static int do_unlink(resmgr_context_t *ctp, io_unlink_t *msg, RESMGR_HANDLE_T *handle,
		     void *reserved)
{
	struct node *folder, *node;
	const char *name;
	int ret = walk(ctp, msg->connect.path, &folder, &name, &node);

	(void)handle;
	(void)reserved;
	if (ret)
		return ret;
	if (!node)
		return ENOENT;
	if (node == &root)
		return EBUSY;
	if (node->first)
		return ENOTEMPTY;
	ret = iofunc_unlink(ctp, msg, &node->attr, &folder->attr, NULL);
	if (ret)
		return ret;
	leave(node);
	release(node);
	return EOK;
}

static int do_rename(resmgr_context_t *ctp, io_rename_t *msg, RESMGR_HANDLE_T *handle,
		     io_rename_extra_t *extra)
{
	struct node *from, *node, *to, *replaced;
	const char *name, *new_name;
	char *copy;
	int ret = walk(ctp, extra->path, &from, &name, &node);

	(void)handle;
	if (!ret)
		ret = walk(ctp, msg->connect.path, &to, &new_name, &replaced);
	if (ret)
		return ret;
	if (!node || !from || !to)
		return node ? EBUSY : ENOENT;
	if (node == replaced)
		return EOK;
	if (replaced && replaced->first)
		return ENOTEMPTY;
	ret = iofunc_rename(ctp, msg, &node->attr, &from->attr, replaced ? &replaced->attr : NULL,
			    &to->attr, NULL);
	if (ret)
		return ret;
	copy = strndup(new_name, strcspn(new_name, "/"));
	if (!copy)
		return ENOMEM;
	if (replaced) {
		leave(replaced);
		release(replaced);
	}
	leave(node);
	free(node->name);
	node->name = copy;
	enter(to, node);
	return EOK;
}

/* What is done to open files */

/* Entries from the one on that the open file is at */
static int read_folder(resmgr_context_t *ctp, io_read_t *msg, iofunc_ocb_t *ocb)
{
	char *reply = calloc(1, (size_t)msg->i.nbytes);
	size_t used = 0, at = 0;
	struct node *node;

	if (!reply)
		return ENOMEM;
	for (node = ocb->attr->first; node; node = node->next) {
		size_t len = strlen(node->name),
		       n = (offsetof(struct dirent, d_name) + len + 1 + 7) & ~(size_t)7;
		struct dirent *entry = (struct dirent *)(reply + used);

		if (at++ < (size_t)ocb->offset)
			continue;
		if (used + n > (size_t)msg->i.nbytes)
			break;
		entry->d_ino = node->attr.inode;
		entry->d_offset = ocb->offset++;
		entry->d_reclen = (unsigned short)n;
		entry->d_namelen = (unsigned char)len;
		memcpy(entry->d_name, node->name, len);
		used += n;
	}
	MsgReply(ctp->rcvid, (long)used, reply, used);
	free(reply);
	return _RESMGR_NOREPLY;
}

static int io_read(resmgr_context_t *ctp, io_read_t *msg, RESMGR_OCB_T *ocb)
{
	struct node *node = ocb->attr;
	off_t left = node->attr.nbytes - ocb->offset;
	size_t n = (size_t)msg->i.nbytes;
	int ret = iofunc_read_verify(ctp, msg, ocb, NULL);

	if (ret)
		return ret;
	if (S_ISDIR(node->attr.mode))
		return read_folder(ctp, msg, ocb);
	if (left <= 0)
		n = 0;
	else if (n > (size_t)left)
		n = (size_t)left;
	_IO_SET_READ_NBYTES(ctp, n);
	if (!n)
		return EOK;
	SETIOV(ctp->iov, node->bytes + ocb->offset, n);
	ocb->offset += (off_t)n;
	node->attr.flags |= IOFUNC_ATTR_ATIME;
	return _RESMGR_NPARTS(1);
}

static int io_write(resmgr_context_t *ctp, io_write_t *msg, RESMGR_OCB_T *ocb)
{
	struct node *node = ocb->attr;
	off_t at = ocb->ioflag & O_APPEND ? node->attr.nbytes : ocb->offset;
	int ret = iofunc_write_verify(ctp, msg, ocb, NULL), n = msg->i.nbytes;

	if (!ret && at + n > node->attr.nbytes)
		ret = resize(node, at + n);
	if (ret)
		return ret;
	n = resmgr_msgread(ctp, node->bytes + at, (size_t)n, sizeof(msg->i));
	if (n == -1)
		return errno;
	ocb->offset = at + n;
	node->attr.flags |= IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME;
	_IO_SET_WRITE_NBYTES(ctp, n);
	return EOK;
}

static int io_space(resmgr_context_t *ctp, io_space_t *msg, RESMGR_OCB_T *ocb)
{
	int ret = iofunc_space_verify(ctp, msg, ocb, NULL);

	if (ret)
		return ret;
	if (msg->i.subtype != F_FREESP64 || msg->i.whence != SEEK_SET || msg->i.len)
		return ENOSYS;
	return resize(ocb->attr, (off_t)msg->i.start);
}

static int io_close_ocb(resmgr_context_t *ctp, void *reserved, RESMGR_OCB_T *ocb)
{
	struct node *node = ocb->attr;
	int ret = iofunc_close_ocb_default(ctp, reserved, ocb);

	release(node);
	return ret;
}

int main(int argc, char *argv[])
{
	static resmgr_connect_funcs_t connect_funcs;
	static resmgr_io_funcs_t io_funcs;
	resmgr_attr_t resmgr_attr;
	dispatch_context_t *ctp;
	dispatch_t *dpp;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s PATH\n", argv[0]);
		return EXIT_FAILURE;
	}
	dpp = dispatch_create();
	if (!dpp) {
		perror("dispatch_create");
		return EXIT_FAILURE;
	}
	iofunc_func_init(_RESMGR_CONNECT_NFUNCS, &connect_funcs, _RESMGR_IO_NFUNCS, &io_funcs);
	connect_funcs.open = do_open;
	connect_funcs.mknod = do_mknod;
	connect_funcs.link = do_link;
	connect_funcs.readlink = do_readlink;
	connect_funcs.unlink = do_unlink;
	connect_funcs.rename = do_rename;
	io_funcs.read = io_read;
	io_funcs.write = io_write;
	io_funcs.space = io_space;
	io_funcs.close_ocb = io_close_ocb;
	iofunc_attr_init(&root.attr, S_IFDIR | 0755, NULL, NULL);
	root.attr.nlink = 2;
	root.attr.inode = 1;

	memset(&resmgr_attr, 0, sizeof(resmgr_attr));
	resmgr_attr.nparts_max = 3;
	resmgr_attr.msg_max_size = 2 * PATH_MAX;
	if (resmgr_attach(dpp, &resmgr_attr, argv[1], _FTYPE_ANY, _RESMGR_FLAG_DIR, &connect_funcs,
			  &io_funcs, &root) == -1) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	ctp = dispatch_context_alloc(dpp);
	if (!ctp) {
		perror("dispatch_context_alloc");
		return EXIT_FAILURE;
	}
	printf("%s is there\n", argv[1]);
	fflush(stdout);
	while ((ctp = dispatch_block(ctp)))
		dispatch_handler(ctp);
	perror("dispatch_block");
	return EXIT_FAILURE;
}
