// SPDX-License-Identifier: MIT
/* Resource managers: how a path is attached, and detached */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/pathmgr.h>
#include <sys/resmgr.h>
#include <unistd.h>

#include "attached.h"
#include "dispatch.h"
#include "file_host.h"
#include "files_load.h"
#include "resmgr_handle.h"
#include "result.h"
#include "verbose.h"

/* Ends a path that is off the list. */
static void end(struct attached *attached, bool orphaned)
{
	if (attached->session)
		files_server()->detach(attached->session, orphaned);
	attached_put(attached);
}

static void end_all(dispatch_t *dpp)
{
	struct attached *attached;

	while ((attached = attached_take(dpp, -1)))
		end(attached, true);
}

static const struct dispatch_files dispatch_files = {
	.handle = resmgr_handle,
	.other = resmgr_handle_other,
	.unblock = resmgr_handle_unblock,
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
	attached->path = named;
	attached_get(attached); /* the file server's */
	ret = server->attach(&file_host, attached, whole, flags & _RESMGR_FLAG_DIR,
			     &attached->session);
	if (ret)
		attached_put(attached);
	if (ret == -ENODEV)
		explain(&said,
			"%s: there is no /dev/cuse or no /dev/fuse; is the kernel's module "
			"loaded (modprobe cuse, modprobe fuse)?",
			whole);
	return ret;
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
	ret = attached_make(dpp, attr, connect, io, handle, &attached);
	if (ret)
		return outcome(ret);
	if (with_path) {
		ret = attach_path(attached, path, flags);
		if (ret) {
			attached_put(attached);
			return outcome(ret);
		}
	}
	return attached_add(attached);
}

int resmgr_detach(dispatch_t *dpp, int id, unsigned flags)
{
	struct attached *attached;

	if (!dpp || id < 0 || flags & ~(unsigned)_RESMGR_DETACH_PATHNAME)
		return outcome(-EINVAL);
	attached = attached_take(dpp, id);
	if (!attached)
		return outcome(-EINVAL);
	end(attached, false);
	return 0;
}

int resmgr_pathname(int id, unsigned flags, char *path, int maxbuf)
{
	if (flags & ~(unsigned)_RESMGR_PATHNAME_LOCALPATH || !path || maxbuf < 0)
		return outcome(-EINVAL);
	return outcome(attached_path(id, path, maxbuf));
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
