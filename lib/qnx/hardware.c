// SPDX-License-Identifier: MIT
/*
 * Hardware, as far as Linux lets a program at it: memory by /dev/mem, x86's ports by ioperm(2) and
 * iopl(2), interrupts not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/neutrino.h>
#include <unistd.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif

#include "hardware.h"
#include "result.h"
#include "verbose.h"

static uint64_t within_page(uint64_t address)
{
	return address & ((uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

void *mmap_device_memory(void *address, size_t len, int prot, int flags, uint64_t physical)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	int fd = open("/dev/mem", (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_SYNC | O_CLOEXEC);
	size_t before = within_page(physical);
	char *mapped;
	int error;

	if (fd < 0) {
		explain(&said,
			"mmap_device_memory() opens /dev/mem: %s; it is for root, with "
			"CAP_SYS_RAWIO",
			strerror(errno));
		return MAP_FAILED;
	}
	mapped = mmap(address, len + before, prot, MAP_SHARED | (flags & MAP_FIXED), fd,
		      (off_t)(physical - before));
	error = errno;
	close(fd);
	errno = error;
	if (mapped != MAP_FAILED)
		return mapped + before;
	explain(&said,
		"mmap_device_memory() of %#llx: %s; kernels with CONFIG_STRICT_DEVMEM give no RAM, "
		"nor what a driver has (CONFIG_IO_STRICT_DEVMEM)",
		(unsigned long long)physical, strerror(errno));
	return MAP_FAILED;
}

int munmap_device_memory(void *address, size_t len)
{
	size_t before = within_page((uintptr_t)address);

	return munmap((char *)address - before, len + before);
}

#ifdef __x86_64__
int hardware_ports(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	int ret = result_of(iopl(3));

	if (ret)
		explain(&said, "ports want CAP_SYS_RAWIO: %s", strerror(-ret));
	return ret;
}

static int permit(uint64_t port, size_t len, int allowed)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (port > 0x10000 || len > 0x10000 - port)
		return outcome(-EINVAL);
	if (!ioperm(port, len, allowed))
		return 0;
	explain(&said, "mmap_device_io() wants CAP_SYS_RAWIO: %s", strerror(errno));
	return -1;
}

uintptr_t mmap_device_io(size_t len, uint64_t port)
{
	return permit(port, len, 1) ? MAP_DEVICE_FAILED : port;
}

int munmap_device_io(uintptr_t port, size_t len)
{
	return permit(port, len, 0);
}
#else
int hardware_ports(void)
{
	return 0; /* there are none but in memory */
}

uintptr_t mmap_device_io(size_t len, uint64_t port)
{
	return (uintptr_t)mmap_device_memory(NULL, len, PROT_READ | PROT_WRITE, 0, port);
}

int munmap_device_io(uintptr_t port, size_t len)
{
	return munmap_device_memory((void *)port, len);
}
#endif

/* Interrupts */

static int refused(void)
{
	return REFUSED(
		"interrupts are for the kernel's drivers: bind the device to uio_pci_generic or "
		"uio_pdrv_genirq, and wait by read(2) from /dev/uioN");
}

int InterruptAttach_r(int intr, const struct sigevent *(*handler)(void *area, int id),
		      const void *area, int size, unsigned flags)
{
	(void)intr;
	(void)handler;
	(void)area;
	(void)size;
	(void)flags;
	return refused();
}

int InterruptAttach(int intr, const struct sigevent *(*handler)(void *area, int id),
		    const void *area, int size, unsigned flags)
{
	return outcome(InterruptAttach_r(intr, handler, area, size, flags));
}

int InterruptAttachEvent_r(int intr, const struct sigevent *event, unsigned flags)
{
	(void)intr;
	(void)event;
	(void)flags;
	return refused();
}

int InterruptAttachEvent(int intr, const struct sigevent *event, unsigned flags)
{
	return outcome(InterruptAttachEvent_r(intr, event, flags));
}

int InterruptDetach_r(int id)
{
	(void)id;
	return refused();
}

int InterruptDetach(int id)
{
	return outcome(InterruptDetach_r(id));
}

int InterruptWait_r(int flags, const uint64_t *timeout)
{
	(void)flags;
	(void)timeout;
	return refused();
}

int InterruptWait(int flags, const uint64_t *timeout)
{
	return outcome(InterruptWait_r(flags, timeout));
}

int InterruptMask(int intr, int id)
{
	(void)intr;
	(void)id;
	return outcome(refused());
}

int InterruptUnmask(int intr, int id)
{
	return InterruptMask(intr, id);
}

void InterruptDisable(void)
{
	outcome(refused());
}

void InterruptEnable(void)
{
	outcome(refused());
}

void InterruptLock(struct intrspin *spinlock)
{
	(void)spinlock;
	outcome(refused());
}

void InterruptUnlock(struct intrspin *spinlock)
{
	InterruptLock(spinlock);
}
