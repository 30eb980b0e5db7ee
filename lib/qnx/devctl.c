// SPDX-License-Identifier: MIT
/* devctl(), which is ioctl(2) */
#include <devctl.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * The kernel copies as many bytes as the command says. With fewer of the caller's, they go by a
 * copy that has room for all.
 */
int devctl(int fd, int dcmd, void *data, size_t nbytes, int *info)
{
	size_t size = _IOC_SIZE((unsigned)dcmd);
	char copy[1 << _IOC_SIZEBITS];
	int saved = errno, ret;

	if (get_device_direction(dcmd) && nbytes > size)
		return EINVAL;
	if (get_device_direction(dcmd) && nbytes < size) {
		memset(copy, 0, size);
		if (nbytes)
			memcpy(copy, data, nbytes);
		ret = ioctl(fd, (unsigned)dcmd, copy);
		if (ret >= 0 && nbytes && get_device_direction(dcmd) & _POSIX_DEVDIR_FROM)
			memcpy(data, copy, nbytes);
	} else {
		ret = ioctl(fd, (unsigned)dcmd, data);
	}
	if (ret < 0) {
		ret = errno;
		errno = saved;
		return ret;
	}
	if (info)
		*info = ret;
	return EOK;
}
