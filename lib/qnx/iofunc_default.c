// SPDX-License-Identifier: MIT
/* What a resource manager does with a file unless it says otherwise */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/iofunc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <devctl.h>

/* A file that is always empty, and takes all that is written */
int iofunc_read_default(resmgr_context_t *ctp, io_read_t *msg, iofunc_ocb_t *ocb)
{
	int ret = iofunc_read_verify(ctp, msg, ocb, NULL);

	if (ret)
		return ret;
	if ((msg->i.xtype & _IO_XTYPE_MASK) != _IO_XTYPE_NONE)
		return ENOSYS;
	_IO_SET_READ_NBYTES(ctp, 0);
	return EOK;
}

int iofunc_write_default(resmgr_context_t *ctp, io_write_t *msg, iofunc_ocb_t *ocb)
{
	int ret = iofunc_write_verify(ctp, msg, ocb, NULL);

	if (ret)
		return ret;
	if ((msg->i.xtype & _IO_XTYPE_MASK) != _IO_XTYPE_NONE)
		return ENOSYS;
	_IO_SET_WRITE_NBYTES(ctp, msg->i.nbytes);
	return EOK;
}

int iofunc_stat(resmgr_context_t *ctp, iofunc_attr_t *attr, struct stat *stat)
{
	iofunc_time_update(attr);
	memset(stat, 0, sizeof(*stat));
	if (attr->mount && attr->mount->dev)
		stat->st_dev = attr->mount->dev;
	else
		resmgr_devino(ctp->id, &stat->st_dev, NULL);
	stat->st_ino = attr->inode;
	stat->st_mode = attr->mode;
	stat->st_nlink = attr->nlink;
	stat->st_uid = attr->uid;
	stat->st_gid = attr->gid;
	stat->st_rdev = attr->rdev;
	stat->st_size = attr->nbytes;
	stat->st_blksize = attr->mount && attr->mount->blocksize > 0 ? attr->mount->blocksize : 512;
	stat->st_blocks = (attr->nbytes + 511) / 512;
	stat->st_mtime = attr->mtime;
	stat->st_atime = attr->atime;
	stat->st_ctime = attr->ctime;
	return EOK;
}

int iofunc_stat_default(resmgr_context_t *ctp, io_stat_t *msg, iofunc_ocb_t *ocb)
{
	int ret = iofunc_stat(ctp, ocb->attr, &msg->o);

	return ret ? ret : _RESMGR_PTR(ctp, &msg->o, sizeof(msg->o));
}

int iofunc_chmod(resmgr_context_t *ctp, io_chmod_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	const mode_t bits = S_ISUID | S_ISGID | S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO;
	int ret;

	(void)ocb;
	ret = iofunc_check_access(ctp, attr, S_ISUID, NULL);
	if (ret)
		return ret;
	attr->mode = (attr->mode & ~bits) | (msg->i.mode & bits);
	attr->flags |= IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_MODE | IOFUNC_ATTR_DIRTY_TIME;
	return EOK;
}

int iofunc_chmod_default(resmgr_context_t *ctp, io_chmod_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_chmod(ctp, msg, ocb, ocb->attr);
}

/* As on Linux root alone gives a file away; its owner may choose among the groups that are theirs.
 */
int iofunc_chown(resmgr_context_t *ctp, io_chown_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	uid_t uid = msg->i.uid == (uid_t)-1 ? attr->uid : msg->i.uid;
	gid_t gid = msg->i.gid == (gid_t)-1 ? attr->gid : msg->i.gid;
	struct _client_info info;
	iofunc_attr_t wanted = *attr;
	int ret;

	(void)ocb;
	ret = iofunc_client_info(ctp, 0, &info);
	if (!ret && info.cred.euid && uid != attr->uid)
		ret = EPERM;
	if (!ret)
		ret = iofunc_check_access(ctp, attr, S_ISUID, &info);
	wanted.gid = gid;
	if (!ret && gid != attr->gid)
		ret = iofunc_check_access(ctp, &wanted, S_ISGID, &info);
	if (ret)
		return ret;
	attr->uid = uid;
	attr->gid = gid;
	if (info.cred.euid)
		attr->mode &= ~(mode_t)(S_ISUID | S_ISGID);
	attr->flags |= IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_OWNER | IOFUNC_ATTR_DIRTY_TIME;
	return EOK;
}

int iofunc_chown_default(resmgr_context_t *ctp, io_chown_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_chown(ctp, msg, ocb, ocb->attr);
}

int iofunc_utime(resmgr_context_t *ctp, io_utime_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	int ret;

	(void)ocb;
	ret = iofunc_check_access(ctp, attr, S_ISUID, NULL);
	if (ret && msg->i.cur_flag)
		ret = iofunc_check_access(ctp, attr, S_IWRITE, NULL);
	if (ret)
		return ret;
	if (msg->i.cur_flag) {
		attr->flags |= IOFUNC_ATTR_ATIME | IOFUNC_ATTR_MTIME;
	} else {
		attr->flags &= ~(uint32_t)(IOFUNC_ATTR_ATIME | IOFUNC_ATTR_MTIME);
		attr->atime = msg->i.times.actime;
		attr->mtime = msg->i.times.modtime;
	}
	attr->flags |= IOFUNC_ATTR_CTIME | IOFUNC_ATTR_DIRTY_TIME;
	return iofunc_time_update(attr);
}

int iofunc_utime_default(resmgr_context_t *ctp, io_utime_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_utime(ctp, msg, ocb, ocb->attr);
}

int iofunc_lseek(resmgr_context_t *ctp, io_lseek_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	off_t base, offset = (off_t)msg->i.offset;

	switch (msg->i.whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = ocb->offset;
		break;
	case SEEK_END:
		base = attr->nbytes;
		break;
	default:
		return EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &offset))
		return EOVERFLOW;
	if (offset < 0)
		return EINVAL;
	ocb->offset = offset;
	msg->o = (uint64_t)offset;
	return _RESMGR_PTR(ctp, &msg->o, sizeof(msg->o));
}

int iofunc_lseek_default(resmgr_context_t *ctp, io_lseek_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_lseek(ctp, msg, ocb, ocb->attr);
}

int iofunc_devctl(resmgr_context_t *ctp, io_devctl_t *msg, iofunc_ocb_t *ocb, iofunc_attr_t *attr)
{
	const int settable = O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC;
	int *flags = _DEVCTL_DATA(msg->i), dcmd = msg->i.dcmd;

	(void)attr;
	if (dcmd == DCMD_ALL_GETFLAGS) {
		memset(&msg->o, 0, sizeof(msg->o));
		msg->o.nbytes = sizeof(*flags);
		*flags = (ocb->ioflag & ~_IO_FLAG_MASK) | ((ocb->ioflag & _IO_FLAG_MASK) - 1);
		return _RESMGR_PTR(ctp, &msg->o, sizeof(msg->o) + sizeof(*flags));
	}
	if (dcmd == DCMD_ALL_SETFLAGS) {
		if ((size_t)ctp->info.msglen < sizeof(*msg) + sizeof(*flags))
			return EINVAL;
		ocb->ioflag = (ocb->ioflag & ~settable) | (*flags & settable);
		return EOK;
	}
	return _RESMGR_DEFAULT;
}

int iofunc_devctl_default(resmgr_context_t *ctp, io_devctl_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_devctl(ctp, msg, ocb, ocb->attr);
}

int iofunc_pathconf(resmgr_context_t *ctp, io_pathconf_t *msg, iofunc_ocb_t *ocb,
		    iofunc_attr_t *attr)
{
	uint32_t conf = attr->mount ? attr->mount->conf : 0;

	(void)ocb;
	switch (msg->i.name) {
	case _PC_CHOWN_RESTRICTED:
		_IO_SET_PATHCONF_VALUE(ctp, !!(conf & IOFUNC_PC_CHOWN_RESTRICTED));
		return EOK;
	case _PC_NO_TRUNC:
		_IO_SET_PATHCONF_VALUE(ctp, !!(conf & IOFUNC_PC_NO_TRUNC));
		return EOK;
	case _PC_SYNC_IO:
		_IO_SET_PATHCONF_VALUE(ctp, !!(conf & IOFUNC_PC_SYNC_IO));
		return EOK;
	}
	return _RESMGR_DEFAULT;
}

int iofunc_pathconf_default(resmgr_context_t *ctp, io_pathconf_t *msg, iofunc_ocb_t *ocb)
{
	return iofunc_pathconf(ctp, msg, ocb, ocb->attr);
}

int iofunc_sync(resmgr_context_t *ctp, iofunc_ocb_t *ocb, int ioflag)
{
	(void)ctp;
	(void)ocb;
	(void)ioflag;
	return EOK;
}

int iofunc_sync_default(resmgr_context_t *ctp, io_sync_t *msg, iofunc_ocb_t *ocb)
{
	(void)msg;
	return iofunc_sync(ctp, ocb, 0);
}

/* Nothing that is here keeps a client waiting. */
int iofunc_unblock(resmgr_context_t *ctp, iofunc_attr_t *attr)
{
	(void)ctp;
	(void)attr;
	return _RESMGR_DEFAULT;
}

int iofunc_unblock_default(resmgr_context_t *ctp, io_pulse_t *msg, iofunc_ocb_t *ocb)
{
	(void)msg;
	return iofunc_unblock(ctp, ocb->attr);
}

int iofunc_lock_default(resmgr_context_t *ctp, io_lock_t *msg, iofunc_ocb_t *ocb)
{
	(void)ctp;
	(void)msg;
	(void)ocb;
	return ENOSYS;
}

int iofunc_mmap_default(resmgr_context_t *ctp, io_mmap_t *msg, iofunc_ocb_t *ocb)
{
	(void)ctp;
	(void)msg;
	(void)ocb;
	return ENOSYS;
}

int iofunc_openfd_default(resmgr_context_t *ctp, io_openfd_t *msg, iofunc_ocb_t *ocb)
{
	(void)ctp;
	(void)msg;
	(void)ocb;
	return ENOSYS;
}

int iofunc_fdinfo_default(resmgr_context_t *ctp, io_fdinfo_t *msg, iofunc_ocb_t *ocb)
{
	(void)ctp;
	(void)msg;
	(void)ocb;
	return ENOSYS;
}

/* Copies so many functions of a table. */
static void fill(void *table, size_t first, unsigned n, unsigned max, const void *defaults)
{
	if (n > max)
		n = max;
	memcpy((char *)table + first, (const char *)defaults + first, n * sizeof(void (*)(void)));
}

void iofunc_func_init(unsigned nconnect, resmgr_connect_funcs_t *connect, unsigned nio,
		      resmgr_io_funcs_t *io)
{
	static const resmgr_connect_funcs_t connect_defaults = {
		.nfuncs = _RESMGR_CONNECT_NFUNCS,
		.open = iofunc_open_default,
	};
	static const resmgr_io_funcs_t io_defaults = {
		.nfuncs = _RESMGR_IO_NFUNCS,
		.read = iofunc_read_default,
		.write = iofunc_write_default,
		.close_ocb = iofunc_close_ocb_default,
		.stat = iofunc_stat_default,
		.devctl = iofunc_devctl_default,
		.unblock = iofunc_unblock_default,
		.pathconf = iofunc_pathconf_default,
		.lseek = iofunc_lseek_default,
		.chmod = iofunc_chmod_default,
		.chown = iofunc_chown_default,
		.utime = iofunc_utime_default,
		.openfd = iofunc_openfd_default,
		.fdinfo = iofunc_fdinfo_default,
		.lock = iofunc_lock_default,
		.mmap = iofunc_mmap_default,
		.close_dup = iofunc_close_dup_default,
		.lock_ocb = iofunc_lock_ocb_default,
		.unlock_ocb = iofunc_unlock_ocb_default,
		.sync = iofunc_sync_default,
	};

	if (connect) {
		memset(connect, 0, offsetof(resmgr_connect_funcs_t, open));
		fill(connect, offsetof(resmgr_connect_funcs_t, open), nconnect,
		     _RESMGR_CONNECT_NFUNCS, &connect_defaults);
		connect->nfuncs =
			nconnect < _RESMGR_CONNECT_NFUNCS ? nconnect : _RESMGR_CONNECT_NFUNCS;
	}
	if (io) {
		memset(io, 0, offsetof(resmgr_io_funcs_t, read));
		fill(io, offsetof(resmgr_io_funcs_t, read), nio, _RESMGR_IO_NFUNCS, &io_defaults);
		io->nfuncs = nio < _RESMGR_IO_NFUNCS ? nio : _RESMGR_IO_NFUNCS;
	}
}
