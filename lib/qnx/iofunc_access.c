// SPDX-License-Identifier: MIT
/* Who asks, and whether they may */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/iofunc.h>
#include <sys/stat.h>

int iofunc_client_info_ext(resmgr_context_t *ctp, int ioflag, struct _client_info **info, int flags)
{
	(void)ioflag;
	return ConnectClientInfoExt(ctp->info.scoid, info, flags) ? errno : EOK;
}

int iofunc_client_info_ext_free(struct _client_info **info)
{
	return ClientInfoExtFree(info) ? errno : EOK;
}

int iofunc_client_info(resmgr_context_t *ctp, int ioflag, struct _client_info *info)
{
	(void)ioflag;
	return -ConnectClientInfo_r(ctp->info.scoid, info, __STPLR_QNX_GROUPS);
}

static bool in_group(gid_t gid, const struct _client_info *info)
{
	uint32_t i;

	if (info->cred.egid == gid)
		return true;
	for (i = 0; i < info->cred.ngroups; i++)
		if (info->cred.grouplist[i] == gid)
			return true;
	return false;
}

static int check(const iofunc_attr_t *attr, mode_t wanted, const struct _client_info *info)
{
	bool root = info->cred.euid == 0, owner = root || info->cred.euid == attr->uid;
	mode_t bits = (wanted & (S_IREAD | S_IWRITE | S_IEXEC)) >> 6, granted = attr->mode;

	if (wanted & S_ISUID && !owner)
		return EPERM;
	if (wanted & S_ISGID && !root && !in_group(attr->gid, info))
		return EPERM;
	if (root) {
		/* root executes what anybody may execute */
		if (bits & S_IXOTH && !S_ISDIR(attr->mode) &&
		    !(attr->mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
			return EACCES;
		return EOK;
	}
	if (info->cred.euid == attr->uid)
		granted >>= 6;
	else if (in_group(attr->gid, info))
		granted >>= 3;
	return bits & ~granted ? EACCES : EOK;
}

/* As many groups count as the client has, which are more than struct _client_info has room for. */
int iofunc_check_access(resmgr_context_t *ctp, const iofunc_attr_t *attr, mode_t wanted,
			const struct _client_info *info)
{
	struct _client_info *all = NULL;
	int ret;

	if (ctp && (!info || info->cred.ngroups >= __STPLR_QNX_GROUPS)) {
		ret = iofunc_client_info_ext(ctp, 0, &all, _NTO_CLIENTINFO_GETGROUPS);
		if (ret)
			return ret;
	} else if (!info) {
		return ENOSYS;
	}
	ret = check(attr, wanted, all ? all : info);
	if (all)
		iofunc_client_info_ext_free(&all);
	return ret;
}

static int verify_transfer(resmgr_context_t *ctp, const iofunc_ocb_t *ocb, int32_t wanted,
			   int32_t nbytes, uint32_t xtype, int *nonblock)
{
	(void)ctp;
	if (!(ocb->ioflag & wanted))
		return EBADF;
	if (nbytes < 0)
		return EINVAL;
	if (nonblock)
		*nonblock = xtype & _IO_XFLAG_NONBLOCK ? 1
			    : xtype & _IO_XFLAG_BLOCK  ? 0
						       : !!(ocb->ioflag & O_NONBLOCK);
	return EOK;
}

int iofunc_read_verify(resmgr_context_t *ctp, io_read_t *msg, iofunc_ocb_t *ocb, int *nonblock)
{
	return verify_transfer(ctp, ocb, _IO_FLAG_RD, msg->i.nbytes, msg->i.xtype, nonblock);
}

int iofunc_write_verify(resmgr_context_t *ctp, io_write_t *msg, iofunc_ocb_t *ocb, int *nonblock)
{
	return verify_transfer(ctp, ocb, _IO_FLAG_WR, msg->i.nbytes, msg->i.xtype, nonblock);
}

int iofunc_space_verify(resmgr_context_t *ctp, io_space_t *msg, iofunc_ocb_t *ocb, int *nonblock)
{
	(void)msg;
	return verify_transfer(ctp, ocb, _IO_FLAG_WR, 0, 0, nonblock);
}

int iofunc_sync_verify(resmgr_context_t *ctp, io_sync_t *msg, iofunc_ocb_t *ocb)
{
	(void)ctp;
	if (msg->i.flag & ~(uint32_t)(O_SYNC | O_DSYNC))
		return EINVAL;
	return ocb->attr->mount && !(ocb->attr->mount->conf & IOFUNC_PC_SYNC_IO) ? EINVAL : EOK;
}

int iofunc_devctl_verify(resmgr_context_t *ctp, io_devctl_t *msg, iofunc_ocb_t *ocb, unsigned flags)
{
	struct _client_info info;
	int ret;

	if (flags & _IO_DEVCTL_VERIFY_PRIV) {
		ret = iofunc_client_info(ctp, 0, &info);
		if (!ret && info.cred.euid)
			ret = EACCES;
		if (ret)
			return ret;
	}
	if ((flags & _IO_DEVCTL_VERIFY_OCB_READ && !(ocb->ioflag & _IO_FLAG_RD)) ||
	    (flags & _IO_DEVCTL_VERIFY_OCB_WRITE && !(ocb->ioflag & _IO_FLAG_WR)))
		return EBADF;
	if (flags & _IO_DEVCTL_VERIFY_MSG_LEN &&
	    (size_t)ctp->info.msglen < sizeof(*msg) + msg->i.nbytes)
		return EINVAL;
	return EOK;
}
