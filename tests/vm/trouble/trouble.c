// SPDX-License-Identifier: GPL-2.0
/*
 * A module that does one thing wrong when it is loaded: what tools/vm must notice.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *kind = "";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "warn, leak, overrun, sleep or order");

static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static noinline void leak_memory(void)
{
	int i;

	/* Several: a stale pointer on a stack may hide one. */
	for (i = 0; i < 16; i++) {
		char *lost = kmalloc(1000, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(lost);
	}
}

static void overrun(void)
{
	char *bytes = kmalloc(100, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(bytes);
	if (bytes)
		bytes[100] = 1;
	kfree(bytes);
}

static void sleep_with_spinlock(void)
{
	spin_lock(&lock);
	msleep(1);
	spin_unlock(&lock);
}

static void lock_out_of_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static int __init trouble_init(void)
{
	if (!strcmp(kind, "warn"))
		WARN(1, "as asked");
	else if (!strcmp(kind, "leak"))
		leak_memory();
	else if (!strcmp(kind, "overrun"))
		overrun();
	else if (!strcmp(kind, "sleep"))
		sleep_with_spinlock();
	else if (!strcmp(kind, "order"))
		lock_out_of_order();
	else
		return -EINVAL;
	return 0;
}

static void __exit trouble_exit(void)
{
}

module_init(trouble_init);
module_exit(trouble_exit);
MODULE_DESCRIPTION("does one thing wrong");
MODULE_LICENSE("GPL");
