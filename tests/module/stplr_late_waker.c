// SPDX-License-Identifier: GPL-2.0
/*
 * Holds one thread up, for tests, as if it had been preempted there: where it has queued a message
 * and has not woken the receiver yet; where it has looked for something, and is about to wait for
 * it; and where it has found whom to tell of a channel's end. Only to be loaded and unloaded while
 * no message goes.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

static int tid;
module_param(tid, int, 0600);
MODULE_PARM_DESC(tid, "the thread; 0: none");

static unsigned int ms;
module_param(ms, uint, 0600);
MODULE_PARM_DESC(ms, "for how long, each time");

static struct module *late_stplr;
static struct tracepoint *late_wake;

static void late_probe(void *data, struct task_struct *woken)
{
	ktime_t until = ktime_add_ms(ktime_get(), READ_ONCE(ms));

	/* by the clock: mdelay() is as short as the processor was slow when it was gauged */
	while (task_pid_nr(current) == READ_ONCE(tid) && ktime_before(ktime_get(), until))
		cpu_relax();
}

static int late_enter(struct kprobe *probe, struct pt_regs *registers)
{
	late_probe(NULL, NULL);
	return 0;
}

static struct kprobe late_wait = {
	.symbol_name = "prepare_to_wait",
	.pre_handler = late_enter,
};

static struct kprobe late_tell = {
	.symbol_name = "stplr_watch_fire",
	.pre_handler = late_enter,
};

static struct kprobe *late_kprobes[] = { &late_wait, &late_tell };

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
		goto put_stplr;
	err = register_kprobes(late_kprobes, ARRAY_SIZE(late_kprobes));
	if (err)
		goto unregister_wake;
	return 0;

unregister_wake:
	tracepoint_probe_unregister(late_wake, late_probe, NULL);
	tracepoint_synchronize_unregister();
put_stplr:
	module_put(late_stplr);
	return err;
}

static void __exit late_exit(void)
{
	unregister_kprobes(late_kprobes, ARRAY_SIZE(late_kprobes));
	tracepoint_probe_unregister(late_wake, late_probe, NULL);
	tracepoint_synchronize_unregister();
	module_put(late_stplr);
}

module_init(late_init);
module_exit(late_exit);

MODULE_DESCRIPTION("Late wake-ups, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
