// SPDX-License-Identifier: MIT
/*
 * Shared memory without a name: memfd_create(2)
 *
 * A handle is the process that made it, and a descriptor of that process which stays open for it;
 * who opens it finds it in /proc. So the kernel sees to it that only a process of the same user
 * can; that it opens the memory for no more than the handle allows, this library does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "descriptor.h"
#include "result.h"

extern int real_shm_open(const char *name, int flags, mode_t mode) __asm__("shm_open");

int shm_open(const char *name, int flags, mode_t mode)
{
	if (name != SHM_ANON)
		return real_shm_open(name, flags, mode);
	if ((flags & O_ACCMODE) != O_RDWR)
		return outcome(-EINVAL);
	return memfd_create("SHM_ANON", MFD_CLOEXEC);
}

#define HANDLE(mode, pid, fd)                                                                      \
	((uint64_t)(mode) << 62 | (uint64_t)(uint32_t)(pid) << 32 | (uint32_t)(fd))
#define HANDLE_MODE(handle) ((int)((handle) >> 62))
#define HANDLE_PID(handle) ((pid_t)((handle) >> 32 & 0x3fffffff))
#define HANDLE_FD(handle) ((int)(handle))

/* Whether who may do the one may do the other, too. */
static bool allows(int mode, int wanted)
{
	return mode == O_RDWR || mode == wanted;
}

int shm_create_handle(int fd, pid_t pid, int flags, shm_handle_t *handle, unsigned options)
{
	int mode = fcntl(fd, F_GETFL), kept;

	if (mode < 0)
		return -1;
	if (!handle)
		return outcome(-EFAULT);
	if (options)
		return outcome(-ENOSYS);
	if (pid <= 0 || flags & ~O_ACCMODE)
		return outcome(-EINVAL);
	if (!allows(mode & O_ACCMODE, flags))
		return outcome(-EACCES);
	kept = descriptor_copy(fd);
	if (kept < 0)
		kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (kept < 0)
		return -1;
	*handle = HANDLE(flags, getpid(), kept);
	return 0;
}

int shm_open_handle(shm_handle_t handle, int flags)
{
	char path[64];

	if (flags & ~(O_ACCMODE | O_CLOEXEC))
		return outcome(-EINVAL);
	if (!allows(HANDLE_MODE(handle), flags & O_ACCMODE))
		return outcome(-EACCES);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", HANDLE_PID(handle), HANDLE_FD(handle));
	return open(path, flags | O_CLOEXEC);
}

int shm_delete_handle(shm_handle_t handle)
{
	return HANDLE_PID(handle) == getpid() ? close(HANDLE_FD(handle)) : outcome(-EINVAL);
}

int shm_ctl(int fd, int flags, uint64_t physical, uint64_t size)
{
	int error;

	if (flags != SHMCTL_ANON || physical)
		return outcome(-ENOSYS);
	if (!size || size > INT64_MAX)
		return outcome(-EINVAL);
	if (ftruncate(fd, (off_t)size))
		return -1;
	error = posix_fallocate(fd, 0, (off_t)size);
	return outcome(-error);
}
