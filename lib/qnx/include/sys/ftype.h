/* SPDX-License-Identifier: MIT */
/* Kinds of files that a resource manager attaches (QNX <sys/ftype.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_FTYPE_H
#define __STPLR_QNX_SYS_FTYPE_H

/* Of these _FTYPE_ANY and _FTYPE_FILE, which mean the same here; others are ENOSYS. */
enum _file_type {
	_FTYPE_NAME = -1,
	_FTYPE_ANY,
	_FTYPE_FILE,
	_FTYPE_LINK,
	_FTYPE_SYMLINK,
	_FTYPE_PIPE,
	_FTYPE_SHMEM,
	_FTYPE_MQUEUE,
	_FTYPE_SOCKET,
	_FTYPE_SEM,
	_FTYPE_PHOTON,
	_FTYPE_DUMPER,
	_FTYPE_MOUNT
};

#endif
