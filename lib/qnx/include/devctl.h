/* SPDX-License-Identifier: MIT */
/*
 * Commands to devices (QNX <devctl.h>)
 *
 * A command is an ioctl(2) command of Linux's: its class, number and the data's size lie where both
 * systems have them, and the direction where Linux has it. So a program without this library says
 * ioctl(fd, COMMAND, &data).
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_DEVCTL_H
#define __STPLR_QNX_DEVCTL_H

#include <stddef.h>
#include <sys/ioctl.h>

#define _POSIX_DEVDIR_NONE 0
#define _POSIX_DEVDIR_TO ((unsigned)_IOC_WRITE << _IOC_DIRSHIFT)
#define _POSIX_DEVDIR_FROM ((unsigned)_IOC_READ << _IOC_DIRSHIFT)
#define _POSIX_DEVDIR_TOFROM (_POSIX_DEVDIR_TO | _POSIX_DEVDIR_FROM)
#define _POSIX_DEVDIR_CMD_MASK 0x0000ffffU

#define __DION(__class, __cmd) ((int)(_POSIX_DEVDIR_NONE | ((__class) << 8) | (__cmd)))
#define __DIOF(__class, __cmd, __data)                                                             \
	((int)(_POSIX_DEVDIR_FROM | ((unsigned)sizeof(__data) << 16) | ((__class) << 8) | (__cmd)))
#define __DIOT(__class, __cmd, __data)                                                             \
	((int)(_POSIX_DEVDIR_TO | ((unsigned)sizeof(__data) << 16) | ((__class) << 8) | (__cmd)))
#define __DIOTF(__class, __cmd, __data)                                                            \
	((int)(_POSIX_DEVDIR_TOFROM | ((unsigned)sizeof(__data) << 16) | ((__class) << 8) |        \
	       (__cmd)))
#define get_device_command(__dcmd) ((unsigned)(__dcmd)&_POSIX_DEVDIR_CMD_MASK)
#define get_device_direction(__dcmd) ((unsigned)(__dcmd)&_POSIX_DEVDIR_TOFROM)

/* Classes; a program's own begin with _DCMD_MISC. */
#define _DCMD_ALL 1
#define _DCMD_FSYS 2
#define _DCMD_BLK 3
#define _DCMD_CHR 4
#define _DCMD_NET 5
#define _DCMD_MISC 5
#define _DCMD_MEDIA 6
#define _DCMD_PROC 8

/* The flags of an open file: O_NONBLOCK and so on, as fcntl(F_GETFL) has them. */
#define DCMD_ALL_GETFLAGS __DIOF(_DCMD_ALL, 1, int)
#define DCMD_ALL_SETFLAGS __DIOT(_DCMD_ALL, 1, int)

__BEGIN_DECLS
/*
 * EOK or an error's number, which does not go to errno. @__info gets what the manager says beside
 * the data. There are at most 16,383 bytes of data, as many as the command says or fewer.
 */
extern int devctl(int __fd, int __dcmd, void *__data, size_t __nbytes, int *__info);
__END_DECLS
#endif
