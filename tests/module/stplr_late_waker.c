// SPDX-License-Identifier: GPL-2.0
/*
 * Holds one thread up where it has queued a message and has not woken the receiver yet, for tests:
 * as if it had been preempted there. Only to be loaded and unloaded while no message goes.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

static int tid;
module_param(tid, int, 0600);
MODULE_PARM_DESC(tid, "the thread; 0: none");

static unsigned int ms;
module_param(ms, uint, 0600);
MODULE_PARM_DESC(ms, "for how long, each time it wakes another");

static struct module *late_stplr;
static struct tracepoint *late_wake;

static void late_probe(void *data, struct task_struct *woken)
{
	if (task_pid_nr(current) == READ_ONCE(tid))
		mdelay(READ_ONCE(ms));
}

/* Told of every module with tracepoints, those loaded already too: stplr is found, and held. */
static int late_notify(struct notifier_block *block, unsigned long action, void *data)
{
	const struct tp_module *tp_module = data;
	unsigned int i;

	if (action != MODULE_STATE_COMING || strcmp(tp_module->mod->name, "stplr"))
		return NOTIFY_DONE;
	if (late_stplr || !try_module_get(tp_module->mod))
		return NOTIFY_DONE;
	late_stplr = tp_module->mod;
	for (i = 0; i < tp_module->mod->num_tracepoints; i++) {
		struct tracepoint *tracepoint;

		tracepoint = tracepoint_ptr_deref(&tp_module->mod->tracepoints_ptrs[i]);
		if (!strcmp(tracepoint->name, "stplr_wake"))
			late_wake = tracepoint;
	}
	return NOTIFY_OK;
}

static struct notifier_block late_block = { .notifier_call = late_notify };

static int __init late_init(void)
{
	int err = register_tracepoint_module_notifier(&late_block);

	if (err)
		return err;
	unregister_tracepoint_module_notifier(&late_block);
	if (!late_stplr)
		return -ENOENT;
	err = late_wake ? tracepoint_probe_register(late_wake, late_probe, NULL) : -ENOENT;
	if (err)
		module_put(late_stplr);
	return err;
}

static void __exit late_exit(void)
{
	tracepoint_probe_unregister(late_wake, late_probe, NULL);
	tracepoint_synchronize_unregister();
	module_put(late_stplr);
}

module_init(late_init);
module_exit(late_exit);

MODULE_DESCRIPTION("Late wake-ups, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
