// SPDX-License-Identifier: MIT
/* Opening and closing files, and what else is done to their names */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/iofunc.h>
#include <sys/stat.h>

/* What the client wants of a file that is there. */
static mode_t wanted_of(uint32_t ioflag)
{
	mode_t wanted = 0;

	if (ioflag & _IO_FLAG_RD)
		wanted |= S_IREAD;
	if (ioflag & _IO_FLAG_WR || (ioflag & O_TRUNC && ioflag & _IO_FLAG_MASK))
		wanted |= S_IWRITE;
	return wanted;
}

/*
 * With a folder dattr, whose file does not exist yet, attr is made to be that file's. Otherwise the
 * client opens attr.
 */
int iofunc_open(resmgr_context_t *ctp, io_open_t *msg, iofunc_attr_t *attr, iofunc_attr_t *dattr,
		struct _client_info *info)
{
	struct _client_info own;
	uint32_t ioflag = msg->connect.ioflag;
	int ret;

	if (!info) {
		ret = iofunc_client_info(ctp, (int)ioflag, &own);
		if (ret)
			return ret;
		info = &own;
	}
	if (dattr)
		return iofunc_mknod(ctp, msg, attr, dattr, info);
	if (ioflag & O_CREAT && ioflag & O_EXCL)
		return EEXIST;
	if (msg->connect.eflag & _IO_CONNECT_EFLAG_DIR && !S_ISDIR(attr->mode))
		return ENOTDIR;
	if (S_ISDIR(attr->mode) && ioflag & _IO_FLAG_WR)
		return EISDIR;
	ret = iofunc_check_access(ctp, attr, wanted_of(ioflag) | (mode_t)(msg->connect.access << 6),
				  info);
	if (ret)
		return ret;
	if (ioflag & O_TRUNC && ioflag & _IO_FLAG_WR && S_ISREG(attr->mode)) {
		attr->nbytes = 0;
		attr->flags |= IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_SIZE |
			       IOFUNC_ATTR_DIRTY_TIME;
	}
	return EOK;
}

iofunc_ocb_t *iofunc_ocb_calloc(resmgr_context_t *ctp, iofunc_attr_t *attr)
{
	(void)ctp;
	(void)attr;
	return calloc(1, sizeof(iofunc_ocb_t));
}

void iofunc_ocb_free(iofunc_ocb_t *ocb)
{
	free(ocb);
}

static const iofunc_funcs_t *funcs_of(const iofunc_attr_t *attr)
{
	return attr->mount ? attr->mount->funcs : NULL;
}

static iofunc_ocb_t *make_ocb(resmgr_context_t *ctp, iofunc_attr_t *attr)
{
	const iofunc_funcs_t *funcs = funcs_of(attr);

	return funcs && funcs->nfuncs >= 1 && funcs->ocb_calloc ? funcs->ocb_calloc(ctp, attr)
								: iofunc_ocb_calloc(ctp, attr);
}

static void free_ocb(iofunc_ocb_t *ocb, const iofunc_attr_t *attr)
{
	const iofunc_funcs_t *funcs = funcs_of(attr);

	if (funcs && funcs->nfuncs >= 2 && funcs->ocb_free)
		funcs->ocb_free(ocb);
	else
		iofunc_ocb_free(ocb);
}

/* Counts an open file, or uncounts it. */
static void count(iofunc_attr_t *attr, const iofunc_ocb_t *ocb, int by)
{
	attr->count = (uint16_t)(attr->count + by);
	if (ocb->ioflag & _IO_FLAG_RD)
		attr->rcount = (uint16_t)(attr->rcount + by);
	if (ocb->ioflag & _IO_FLAG_WR)
		attr->wcount = (uint16_t)(attr->wcount + by);
}

int iofunc_ocb_attach(resmgr_context_t *ctp, io_open_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr,
		      const resmgr_io_funcs_t *io)
{
	iofunc_ocb_t *made = NULL;

	if (attr->count == UINT16_MAX)
		return ENFILE;
	if (!ocb) {
		made = ocb = make_ocb(ctp, attr);
		if (!ocb)
			return ENOMEM;
	}
	ocb->attr = attr;
	if (msg) {
		ocb->ioflag = (int32_t)msg->connect.ioflag;
		ocb->sflag = msg->connect.sflag;
	}
	if (resmgr_open_bind(ctp, ocb, io)) {
		int error = errno;

		if (made)
			free_ocb(made, attr);
		return error;
	}
	count(attr, ocb, 1);
	return EOK;
}

int iofunc_ocb_detach(resmgr_context_t *ctp, iofunc_ocb_t *ocb)
{
	iofunc_attr_t *attr = ocb->attr;

	(void)ctp;
	count(attr, ocb, -1);
	return (int)(attr->flags & IOFUNC_ATTR_DIRTY_MASK);
}

int iofunc_open_default(resmgr_context_t *ctp, io_open_t *msg, iofunc_attr_t *attr, void *extra)
{
	int ret;

	(void)extra;
	ret = iofunc_attr_lock(attr);
	if (ret)
		return ret;
	ret = iofunc_open(ctp, msg, attr, NULL, NULL);
	if (!ret)
		ret = iofunc_ocb_attach(ctp, msg, NULL, attr, NULL);
	iofunc_attr_unlock(attr);
	return ret;
}

int iofunc_close_dup(resmgr_context_t *ctp, io_close_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	(void)ctp;
	(void)msg;
	(void)ocb;
	(void)attr;
	return EOK;
}

int iofunc_close_dup_default(resmgr_context_t *ctp, io_close_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_close_dup(ctp, msg, ocb, ocb->attr);
}

int iofunc_close_ocb(resmgr_context_t *ctp, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	(void)attr;
	iofunc_ocb_detach(ctp, ocb);
	return EOK;
}

int iofunc_close_ocb_default(resmgr_context_t *ctp, void *reserved, iofunc_ocb_t *ocb)
{
	iofunc_attr_t *attr = ocb->attr;
	int ret;

	(void)reserved;
	ret = iofunc_attr_lock(attr);
	if (ret)
		return ret;
	iofunc_close_ocb(ctp, ocb, attr);
	iofunc_attr_unlock(attr);
	free_ocb(ocb, attr);
	return EOK;
}

/* May the client change what is in a folder? In one with the sticky bit, who owns the file. */
static int check_folder(resmgr_context_t *ctp, const iofunc_attr_t *attr,
			const iofunc_attr_t *dattr, const struct _client_info *info)
{
	int ret = iofunc_check_access(ctp, dattr, S_IWRITE | S_IEXEC, info);

	if (ret || !(dattr->mode & S_ISVTX) || !attr)
		return ret;
	ret = iofunc_check_access(ctp, attr, S_ISUID, info);
	return ret ? iofunc_check_access(ctp, dattr, S_ISUID, info) : EOK;
}

static void changed(iofunc_attr_t *dattr)
{
	dattr->flags |= IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_TIME;
}

int iofunc_link(resmgr_context_t *ctp, io_link_t *msg, iofunc_attr_t *attr, iofunc_attr_t *dattr,
		struct _client_info *info)
{
	int ret = dattr ? check_folder(ctp, NULL, dattr, info) : EOK;

	(void)msg;
	if (ret)
		return ret;
	if (S_ISDIR(attr->mode))
		return EPERM;
	attr->nlink++;
	attr->flags |= IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_NLINK | IOFUNC_ATTR_DIRTY_TIME;
	if (dattr)
		changed(dattr);
	return EOK;
}

int iofunc_mknod(resmgr_context_t *ctp, io_mknod_t *msg, iofunc_attr_t *attr, iofunc_attr_t *dattr,
		 struct _client_info *info)
{
	int ret = check_folder(ctp, NULL, dattr, info);

	if (ret)
		return ret;
	iofunc_attr_init(attr, msg->connect.mode, dattr, info);
	if (!(attr->mode & S_IFMT))
		attr->mode |= S_IFREG;
	if (S_ISDIR(attr->mode))
		attr->nlink = 2;
	changed(dattr);
	return EOK;
}

int iofunc_readlink(resmgr_context_t *ctp, io_readlink_t *msg, iofunc_attr_t *attr,
		    struct _client_info *info)
{
	(void)ctp;
	(void)msg;
	(void)info;
	return S_ISLNK(attr->mode) ? EOK : EINVAL;
}

int iofunc_unlink(resmgr_context_t *ctp, io_unlink_t *msg, iofunc_attr_t *attr,
		  iofunc_attr_t *dattr, struct _client_info *info)
{
	int ret = dattr ? check_folder(ctp, attr, dattr, info) : EOK;

	if (ret)
		return ret;
	/* rmdir() says so */
	if (msg->connect.eflag & _IO_CONNECT_EFLAG_DIR && !S_ISDIR(attr->mode))
		return ENOTDIR;
	if (!(msg->connect.eflag & _IO_CONNECT_EFLAG_DIR) && S_ISDIR(attr->mode))
		return EISDIR;
	if (attr->nlink)
		attr->nlink--;
	attr->flags |= IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_NLINK | IOFUNC_ATTR_DIRTY_TIME;
	if (dattr)
		changed(dattr);
	return EOK;
}

int iofunc_rename(resmgr_context_t *ctp, io_rename_t *msg, iofunc_attr_t *oldattr,
		  iofunc_attr_t *olddattr, iofunc_attr_t *newattr, iofunc_attr_t *newdattr,
		  struct _client_info *info)
{
	int ret = check_folder(ctp, oldattr, olddattr, info);

	(void)msg;
	if (!ret)
		ret = check_folder(ctp, newattr, newdattr, info);
	if (ret)
		return ret;
	if (newattr && S_ISDIR(newattr->mode) && !S_ISDIR(oldattr->mode))
		return EISDIR;
	if (newattr && !S_ISDIR(newattr->mode) && S_ISDIR(oldattr->mode))
		return ENOTDIR;
	oldattr->flags |= IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_TIME;
	if (newattr && newattr->nlink)
		newattr->nlink--;
	changed(olddattr);
	changed(newdattr);
	return EOK;
}
