// SPDX-License-Identifier: GPL-2.0
/*
 * Channels between a driver and programs, without copies: a set of rings, each of so many pages
 * either way. What a program writes into its ring comes back. The driver works in one of two ways,
 * of which its programs know nothing: a thread for each ring, which sleeps where there is nothing
 * to do; or work items, which are queued when there is something.
 *
 * A ring whose program has gone is opened anew, for the next. As long as programs are there the
 * driver cannot be unloaded, unless it is shut down first.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/stplr_ring.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#define ECHO_CHANNELS_MAX 64

static unsigned int device;
module_param(device, uint, 0444);
MODULE_PARM_DESC(device, "N of /dev/stplr-N (default 0)");

static char *name = KBUILD_MODNAME;
module_param(name, charp, 0444);
MODULE_PARM_DESC(name, "of the ring set (default: the module's)");

static unsigned int channels = 4;
module_param(channels, uint, 0444);
MODULE_PARM_DESC(channels, "how many, 1 to 64 (default 4)");

static unsigned int pages = 4;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "of a channel, either way, a power of two (default 4)");

static bool threads;
module_param(threads, bool, 0444);
MODULE_PARM_DESC(threads, "a thread for each channel, instead of work items (default N)");

static unsigned int spin = 10000;
module_param(spin, uint, 0444);
MODULE_PARM_DESC(spin, "nanoseconds that a thread looks before it sleeps (default 10000)");

/**
 * struct echo - a channel
 * @number: its ring's
 * @end: the driver's; NULL: it could not be opened again. Only @work or @thread changes it, and
 *	who ends all when that does nothing more
 * @work: echoes; or
 * @thread: does
 */
struct echo {
	u32 number;
	struct stplr_ring_end *end;
	struct work_struct work;
	struct task_struct *thread;
};

static struct stplr_rings *echo_set;
static struct echo *echoes;
static struct workqueue_struct *echo_queue;

/* Held while a ring is opened; guards @echo_ended: from then on none is. */
static DEFINE_MUTEX(echo_opening);
static bool echo_ended;

/* Held while all is ended, by whom ever. */
static DEFINE_MUTEX(echo_ending);

/* One record back; or EAGAIN, and @what there has to be first; or why the ring has ended. */
static int echo_one(struct echo *echo, u32 *what, u32 *need)
{
	struct stplr_ring_record record;
	const void *bytes = stplr_ring_peek(echo->end, &record);
	void *room;

	*what = STPLR_RING_DATA;
	*need = 0;
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	room = stplr_ring_reserve(echo->end, record.len);
	if (IS_ERR(room)) {
		*what = STPLR_RING_ROOM;
		*need = sizeof(record) + ALIGN(record.len, 8);
		return PTR_ERR(room);
	}
	memcpy(room, bytes, record.len);
	stplr_ring_commit(echo->end, record.len, record.type, 0, STPLR_RING_TELL_WANTED);
	return stplr_ring_release(echo->end, STPLR_RING_TELL_WANTED);
}

/* By work items */

/* Told at once, in whatever context the program is in. */
static void echo_told(struct stplr_ring_end *end, void *data)
{
	struct echo *echo = data;

	queue_work(echo_queue, &echo->work);
}

static const struct stplr_ring_ops echo_ops = { .told = echo_told };

/* For the first program, or the next, who may be there by the time this returns. */
static int echo_open(struct echo *echo)
{
	const struct stplr_ring_ops *ops = threads ? NULL : &echo_ops;
	struct stplr_ring_end *end;

	mutex_lock(&echo_opening);
	end = echo_ended ? ERR_PTR(-ESHUTDOWN) :
			   stplr_ring_open(echo_set, echo->number, ops, echo);
	mutex_unlock(&echo_opening);
	if (IS_ERR(end))
		return PTR_ERR(end);
	echo->end = end;
	return 0;
}

/* The program has gone; false: and this was the last one. */
static bool echo_again(struct echo *echo)
{
	struct stplr_ring_end *old = echo->end;
	int err;

	echo->end = NULL;
	err = echo_open(echo);
	if (err && err != -ESHUTDOWN)
		pr_warn("channel %u cannot be opened again: error %d\n", echo->number, -err);
	stplr_ring_close(old);
	return !err;
}

static void echo_work(struct work_struct *work)
{
	struct echo *echo = container_of(work, struct echo, work);
	u32 what, need;
	int err;

	while (echo->end) {
		err = echo_one(echo, &what, &need);
		if (err == -EAGAIN) {
			err = stplr_ring_ask(echo->end, what, need);
			/* it will be told */
			if (!err)
				return;
		}
		if (err < 0 && !echo_again(echo))
			return;
		cond_resched();
	}
}

/* By threads */

static int echo_thread(void *data)
{
	struct echo *echo = data;
	u32 what, need;
	int err;

	while (echo->end) {
		err = echo_one(echo, &what, &need);
		if (err == -EAGAIN)
			err = stplr_ring_wait(echo->end, what, need, STPLR_DEADLINE_NONE, spin);
		if (err < 0 && !echo_again(echo))
			break;
		cond_resched();
	}
	/* there until it is stopped */
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Coming and going */

static int echo_start(struct echo *echo, u32 number)
{
	int err;

	echo->number = number;
	err = echo_open(echo);
	if (err)
		return err;
	if (!threads) {
		/* asks for what comes first */
		queue_work(echo_queue, &echo->work);
		return 0;
	}
	echo->thread = kthread_run(echo_thread, echo, "%s/%u", KBUILD_MODNAME, number);
	err = PTR_ERR_OR_ZERO(echo->thread);
	if (err)
		echo->thread = NULL;
	return err;
}

/* Ends all channels, whether programs are there or not: they get ESHUTDOWN. Once. */
static void echo_end(void)
{
	unsigned int i;

	mutex_lock(&echo_ending);
	if (echo_ended)
		goto unlock;
	mutex_lock(&echo_opening);
	echo_ended = true;
	mutex_unlock(&echo_opening);
	stplr_rings_end(echo_set);
	for (i = 0; i < channels; i++) {
		struct echo *echo = &echoes[i];

		if (echo->thread)
			kthread_stop(echo->thread);
		cancel_work_sync(&echo->work);
		if (echo->end)
			stplr_ring_close(echo->end);
		/* nobody is told any more, but somebody may just have been */
		cancel_work_sync(&echo->work);
	}
	stplr_rings_destroy(echo_set);
	destroy_workqueue(echo_queue);
	kvfree(echoes);
unlock:
	mutex_unlock(&echo_ending);
}

static int __init echo_init(void)
{
	const struct stplr_rings_params params = {
		.module = THIS_MODULE,
		.device = device,
		.name = name,
		.mode = 0666,
		.rings = channels,
		.out_pages = pages,
		.in_pages = pages,
	};
	unsigned int i;
	int err = -ENOMEM;

	if (!channels || channels > ECHO_CHANNELS_MAX || !pages) {
		pr_err("1 to %u channels, of a page or more\n", ECHO_CHANNELS_MAX);
		return -EINVAL;
	}
	echoes = kvcalloc(channels, sizeof(*echoes), GFP_KERNEL);
	if (!echoes)
		return -ENOMEM;
	echo_queue = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND, 0);
	if (!echo_queue)
		goto free_echoes;
	echo_set = stplr_rings_create(&params);
	err = PTR_ERR_OR_ZERO(echo_set);
	if (err)
		goto free_queue;
	for (i = 0; i < channels; i++)
		INIT_WORK(&echoes[i].work, echo_work);
	for (i = 0; i < channels && !err; i++)
		err = echo_start(&echoes[i], i);
	if (err)
		echo_end();
	return err;

free_queue:
	destroy_workqueue(echo_queue);
free_echoes:
	kvfree(echoes);
	return err;
}

static void __exit echo_exit(void)
{
	echo_end();
}

/* echo 1 > /sys/module/echo/parameters/shutdown: and it can be unloaded, whoever is there. */
static int echo_shutdown(const char *text, const struct kernel_param *param)
{
	bool wanted;
	int err = kstrtobool(text, &wanted);

	if (err)
		return err;
	/* on the command line there is nothing yet that could be shut down */
	if (!wanted || THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EINVAL;
	echo_end();
	return 0;
}

static const struct kernel_param_ops echo_shutdown_ops = { .set = echo_shutdown };
module_param_cb(shutdown, &echo_shutdown_ops, NULL, 0200);
MODULE_PARM_DESC(shutdown, "written: end all channels, so that the module can be unloaded");

module_init(echo_init);
module_exit(echo_exit);

MODULE_DESCRIPTION("Echoes: an example of a driver that uses stplr's rings");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
