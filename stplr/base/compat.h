/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels stplr builds for (6.1 and later), each with the version
 * that made it, and nothing else.
 */
#ifndef STPLR_COMPAT_H
#define STPLR_COMPAT_H

#include <linux/device/class.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "stplr needs Linux 6.1 or later (TASK_FREEZABLE)"
#endif

#ifndef CONFIG_64BIT
#error "stplr needs a 64-bit kernel (32-bit programs are fine)"
#endif

/* 6.4: class_create() lost its module argument */
static inline struct class *stplr_class_create(const char *name)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return class_create(THIS_MODULE, name);
#else
	return class_create(name);
#endif
}

/* 6.2: class->devnode() takes a const device */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define STPLR_DEVNODE_CONST
#else
#define STPLR_DEVNODE_CONST const
#endif

/* 6.2: del_timer_sync() has a new name; the old one is gone since 6.15 */
static inline void stplr_timer_delete_sync(struct timer_list *timer)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	del_timer_sync(timer);
#else
	timer_delete_sync(timer);
#endif
}

/*
 * 6.3: a fault taken while pinning for a long time is like others. Before, it must not let go of
 * the mmap lock, and fails where a userfaultfd answers: so first what is there, and the rest
 * faulted in. Asked for no pages it would walk without an end, and write behind the array.
 */
static inline unsigned int stplr_pin_present(unsigned long start, unsigned int nr_pages,
					     unsigned int gup_flags, struct page **pages)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	size_t missing;
	int n;

	if (WARN_ON_ONCE(!nr_pages))
		return 0;
	n = max(pin_user_pages_fast_only(start, nr_pages, gup_flags, pages), 0);
	if (n == nr_pages)
		return n;
	start += (unsigned long)n * PAGE_SIZE;
	missing = (size_t)(nr_pages - n) * PAGE_SIZE;
	if (gup_flags & FOLL_WRITE)
		fault_in_safe_writeable((char __user *)start, missing);
	else
		fault_in_readable((char __user *)start, missing);
	return n;
#else
	return 0;
#endif
}

/* Pins some of the pages, at least one, as long as somebody likes; or an error. */
static inline int stplr_pin_to_write(unsigned long start, unsigned int nr_pages,
				     struct page **pages)
{
	unsigned int gup_flags = FOLL_LONGTERM | FOLL_WRITE;
	unsigned int n = stplr_pin_present(start, nr_pages, gup_flags, pages);

	return n ?: pin_user_pages_fast(start, nr_pages, gup_flags, pages);
}

/*
 * 6.2: such pages are the caller's own, to be read, too. Before, they may be some that it shares
 * until it writes, and then has others instead: they become its own when pinned as a debugger
 * writes. That asks for no permission to read; and read-only shared memory, which cannot be written
 * so, is the same for everybody anyway.
 */
static inline int stplr_pin_to_read(unsigned long start, unsigned int nr_pages, struct page **pages)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	size_t missing = fault_in_readable((char __user *)start, (size_t)nr_pages * PAGE_SIZE);
	int n;

	nr_pages -= DIV_ROUND_UP(missing, PAGE_SIZE);
	if (!nr_pages)
		return -EFAULT;
	n = pin_user_pages_fast(start, nr_pages, FOLL_LONGTERM | FOLL_WRITE | FOLL_FORCE, pages);
	if (n != -EFAULT)
		return n;
#endif
	return pin_user_pages_fast(start, nr_pages, FOLL_LONGTERM, pages);
}

/*
 * 6.5: pinning file pages for a long time, to write to them, is refused (they would be written
 * behind the file system's back); before, that is left to who pins.
 */
#define STPLR_PIN_REFUSES_FILES (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0))

/*
 * 6.6: with EEVDF a thread that yields falls a whole slice behind, and others than the one it
 * yields to may run first: too dear a courtesy. CFS makes the other its next choice, and that is
 * all.
 */
#define STPLR_YIELD_TO (LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0))

/*
 * 6.6: a wake-up can ask for the waker's own processor. Before, it can only hint (WF_SYNC) that the
 * waker is about to sleep, and the scheduler prefers an idle processor to that. The flags are the
 * scheduler's own, which modules do not see but may pass on: default_wake_function() takes just
 * these two, and warns of others. They have these values up to 7; what comes later is to be looked
 * at first.
 */
#define STPLR_WAKES_HERE                                                                           \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0) &&                                          \
	 LINUX_VERSION_CODE < KERNEL_VERSION(8, 0, 0))
#define STPLR_WF_SYNC 0x10
#define STPLR_WF_CURRENT_CPU 0x40

/* wake_up_process(), on this processor if the thread may run there. */
static inline void stplr_wake_up_here(struct task_struct *task)
{
	struct wait_queue_entry entry = { .private = task };

	default_wake_function(&entry, TASK_NORMAL,
			      STPLR_WAKES_HERE ? STPLR_WF_SYNC | STPLR_WF_CURRENT_CPU : 0, NULL);
}

/* 6.4: Is the processor kept from what the scheduler and the kernel would do there? */
static inline bool stplr_cpu_is_isolated(int cpu)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_TYPE_TICK);
#else
	return cpu_is_isolated(cpu);
#endif
}

/*
 * Does the hypervisor run something else than this processor? On other architectures the answer is
 * in variables that modules cannot see.
 */
#if defined(CONFIG_X86) || defined(CONFIG_ARM64) || defined(CONFIG_S390)
#define stplr_vcpu_is_preempted(cpu) vcpu_is_preempted(cpu)
#else
#define stplr_vcpu_is_preempted(cpu) false
#endif

/*
 * copy_from_user() and copy_to_user() without hardened usercopy's look at the kernel's side, which
 * the caller has had. Where they are inline (arm64), from 6.12 on there is nothing below them.
 */
#ifdef INLINE_COPY_FROM_USER
#define stplr_copy_from_user copy_from_user
#else
#define stplr_copy_from_user _copy_from_user
#endif
#ifdef INLINE_COPY_TO_USER
#define stplr_copy_to_user copy_to_user
#else
#define stplr_copy_to_user _copy_to_user
#endif

/* 6.3: a mapping's flags are changed by functions only */
static inline void stplr_vma_flags(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#else
	vm_flags_mod(vma, set, clear);
#endif
}

/* 6.8: eventfd_signal() lost its count */
static inline void stplr_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd, 1);
#else
	eventfd_signal(eventfd);
#endif
}

/*
 * 6.12: a thread of SCHED_OTHER may have a time slice of its own, which sched_setattr() takes as
 * its runtime.
 */
static inline u64 stplr_task_slice(const struct task_struct *task)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return 0;
#else
	return task->se.custom_slice ? task->se.slice : 0;
#endif
}

#endif /* STPLR_COMPAT_H */
