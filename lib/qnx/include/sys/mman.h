/* SPDX-License-Identifier: MIT */
/*
 * The system's <sys/mman.h>, and what QNX's has beyond it: shared memory without a name, and the
 * memory and ports of devices.
 */
#pragma GCC system_header
#include_next <sys/mman.h>

#ifndef __STPLR_QNX_SYS_MMAN_H
#define __STPLR_QNX_SYS_MMAN_H
#include <features.h>
#include <stdint.h>
#include <sys/types.h>

#define PROT_NOCACHE 0 /* /dev/mem is opened so that it is not cached */

/* As shm_open()'s name: memory that has none, and is gone with its last descriptor. */
#define SHM_ANON ((const char *)1)

/* Names a descriptor of the process that made it. */
typedef uint64_t shm_handle_t;

#define SHMCTL_ANON 0x00000001 /* the size is set, and there is memory for it */

__BEGIN_DECLS
extern int __REDIRECT(shm_open, (const char *__name, int __flags, mode_t __mode),
		      stplr_qnx_shm_open);
/* The handle is for that process, which must be of the same user. It is good until it is deleted.
 */
extern int shm_create_handle(int __fd, pid_t __pid, int __flags, shm_handle_t *__handle,
			     unsigned __options);
extern int shm_open_handle(shm_handle_t __handle, int __flags);
extern int shm_delete_handle(shm_handle_t __handle);
extern int shm_ctl(int __fd, int __flags, uint64_t __physical, uint64_t __size);

#define MAP_DEVICE_FAILED ((uintptr_t)-1)
/* By /dev/mem. */
extern void *mmap_device_memory(void *__address, size_t __len, int __prot, int __flags,
				uint64_t __physical);
extern int munmap_device_memory(void *__address, size_t __len);
/* What <hw/inout.h> takes: on x86 the port, which the calling thread may use from now on. */
extern uintptr_t mmap_device_io(size_t __len, uint64_t __port);
extern int munmap_device_io(uintptr_t __port, size_t __len);
__END_DECLS
#endif
