// SPDX-License-Identifier: GPL-2.0
/*
 * A driver with rings, for tests: on device 0,
 *
 *	ring-echo	two rings: what a program writes comes back; opened again when they end
 *	ring-ticks	one to many, overwriting: numbered records, written by a hard interrupt
 *	ring-held	one to many, held back: likewise, by who writes to /dev/stplr-ringer
 *
 * /dev/stplr-ringer takes "ticks PERIOD_NS COUNT LEN", "held COUNT LEN" (how many were written is
 * read), "read NAME [UID]" (attaches to a program's set, of that user only, and reads until that
 * ends; how many records and bytes they were is read), "work NAME [DEVICE [MS]]" (attaches
 * likewise, of anybody, and gives back what it reads, if there is a way back, for so long, or until
 * the ring ends: fails with what that ended with; any number at once), "id ID" (makes a set whose
 * name is an id's, with one ring), "no id" (ends it) and "end".
 */

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stplr_ring.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "timer.h"

#define ECHOES 2

/* A ring that echoes: told at once, it has its work done by a thread. */
struct echo {
	struct stplr_ring_end *end;
	struct work_struct work;
	u32 number;
};

static struct echo echoes[ECHOES];
static struct workqueue_struct *ringer_queue;
static struct stplr_rings *echo_set, *ticks_set, *held_set, *id_set;
static struct stplr_ring_end *ticks, *held, *id_ring;
static struct hrtimer ticker;
static ktime_t ticks_period;
static unsigned int ticks_left, ticks_len;
static u64 ticks_number, held_number, result, result_bytes;
static unsigned int broken;
static bool ended;
static DEFINE_MUTEX(ringer_mutex); /* who writes to the device, and the driver's end */

static void echo_told(struct stplr_ring_end *end, void *data)
{
	struct echo *echo = data;

	queue_work(ringer_queue, &echo->work);
}

static const struct stplr_ring_ops echo_ops = { .told = echo_told };

/* The ring has ended: another, for the next program. */
static void echo_again(struct echo *echo)
{
	struct stplr_ring_end *end;

	end = stplr_ring_open(echo_set, echo->number, &echo_ops, echo);
	stplr_ring_close(echo->end);
	echo->end = IS_ERR(end) ? NULL : end;
	if (echo->end)
		stplr_ring_ask(echo->end, STPLR_RING_DATA, 0);
}

/* One record back; false: there is nothing to be done now, or it was an end. */
static bool echo_one(struct echo *echo)
{
	struct stplr_ring_record record;
	const void *bytes = stplr_ring_peek(echo->end, &record);
	int err = PTR_ERR_OR_ZERO(bytes);
	u32 need = sizeof(record) + ALIGN(record.len, 8);
	void *room;

	if (err == -EAGAIN)
		return stplr_ring_ask(echo->end, STPLR_RING_DATA, 0) != 0;
	if (err)
		goto ended;
	room = stplr_ring_reserve(echo->end, record.len);
	err = PTR_ERR_OR_ZERO(room);
	if (err == -EAGAIN)
		return stplr_ring_ask(echo->end, STPLR_RING_ROOM, need) != 0;
	if (err)
		goto ended;
	memcpy(room, bytes, record.len);
	stplr_ring_commit(echo->end, record.len, record.type, 0, STPLR_RING_TELL_WANTED);
	stplr_ring_release(echo->end, STPLR_RING_TELL_WANTED);
	return true;

ended:
	if (err == -EPROTO)
		WRITE_ONCE(broken, broken + 1);
	if (!READ_ONCE(ended))
		echo_again(echo);
	return echo->end;
}

static void echo_work(struct work_struct *work)
{
	struct echo *echo = container_of(work, struct echo, work);

	while (!READ_ONCE(ended) && echo->end && echo_one(echo))
		cond_resched();
}

/* Ticks: in hard interrupts, where overwriting needs no lock. */

static bool number_put(struct stplr_ring_end *end, u64 *number, u32 len)
{
	u64 *bytes = stplr_ring_reserve(end, len);

	if (IS_ERR(bytes))
		return false;
	memset(bytes, (u8)*number, len);
	*bytes = (*number)++;
	stplr_ring_commit(end, len, 0, 0, STPLR_RING_TELL_WANTED);
	return true;
}

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	number_put(ticks, &ticks_number, ticks_len);
	if (!--ticks_left)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ticks_period);
	return HRTIMER_RESTART;
}

static int ticks_start(unsigned int period, unsigned int count, unsigned int len)
{
	if (period < 1000 || !count || len < 8 || len > 2048 || ended)
		return -EINVAL;
	hrtimer_cancel(&ticker);
	ticks_left = count;
	ticks_len = len;
	ticks_period = ns_to_ktime(period);
	hrtimer_start(&ticker, ticks_period, HRTIMER_MODE_REL);
	return 0;
}

static int held_put(unsigned int count, unsigned int len)
{
	if (len < 8 || len > 2048 || ended)
		return -EINVAL;
	for (result = 0; result < count && number_put(held, &held_number, len); result++)
		cond_resched();
	return 0;
}

/* A program's ring, of that user or anybody. */
static struct stplr_ring_end *program_attach(unsigned int device, const char *name, s64 until,
					     const kuid_t *uid)
{
	const struct stplr_ring_params params = {
		.device = device,
		.name = name,
		.number = STPLR_RING_ANY,
		.flags = uid ? STPLR_RING_UID : 0,
		.uid = uid ? *uid : GLOBAL_ROOT_UID,
		.deadline = until,
	};

	return stplr_ring_attach(&params, NULL, NULL);
}

/* A program's ring, read until it has ended. */
static int read_program(const char *name, const kuid_t *uid)
{
	struct stplr_ring_record record;
	struct stplr_ring_end *end;
	static u8 bytes[4096];
	ssize_t len;

	end = program_attach(0, name, STPLR_DEADLINE_NONE, uid);
	if (IS_ERR(end))
		return PTR_ERR(end);
	result = 0;
	result_bytes = 0;
	for (;;) {
		len = stplr_ring_read(end, bytes, sizeof(bytes), &record);
		if (len == -EAGAIN)
			len = stplr_ring_wait(end, STPLR_RING_DATA, 0, STPLR_DEADLINE_NONE, 1000);
		else if (len >= 0)
			result++, result_bytes += len;
		if (len < 0)
			break;
	}
	stplr_ring_close(end);
	return len == -EPIPE ? 0 : len;
}

/* A program's ring, used both ways: by copy, or in place. */

#define WORK_BYTES 16384

/*
 * The next record, copied; where it was too long for that, as much as fits. ESTALE: it was
 * overwritten meanwhile.
 */
static int work_take(struct stplr_ring_end *end, u8 *bytes, struct stplr_ring_record *record)
{
	const void *from = stplr_ring_peek(end, record);

	if (IS_ERR(from))
		return PTR_ERR(from);
	/* all that is there is touched, and nothing else */
	memcpy(bytes, from + record->len - min_t(u32, record->len, WORK_BYTES),
	       min_t(u32, record->len, WORK_BYTES));
	memcpy(bytes, from, min_t(u32, record->len, WORK_BYTES));
	return stplr_ring_release(end, STPLR_RING_TELL_WANTED);
}

/* Whether that is all that there is to say of a ring which goes on. */
static bool work_goes_on(int err)
{
	return !err || err == -EAGAIN || err == -EBUSY || err == -EMSGSIZE || err == -ESTALE;
}

static int work_some(struct stplr_ring_end *end, u8 *bytes)
{
	struct stplr_ring_record record;
	u64 until = ktime_get_ns() + 2 * NSEC_PER_MSEC;
	u32 need, what = STPLR_RING_DATA;
	int err = work_take(end, bytes, &record);

	if (!err) {
		need = sizeof(record) + ALIGN(record.len, 8);
		err = stplr_ring_write(end, bytes, min_t(u32, record.len, WORK_BYTES), record.type,
				       record.flags);
		what = STPLR_RING_ROOM;
		/* of one to many there is no way back */
		if (err == -EINVAL)
			return 0;
	}
	if (err != -EAGAIN)
		return work_goes_on(err) ? 0 : err;
	/* an enemy may never wake it */
	err = stplr_ring_wait(end, what, what == STPLR_RING_ROOM ? need : 0, until, 1000);
	return err == -ETIMEDOUT || err > 0 ? 0 : err;
}

static int work_program(const char *name, unsigned int device, unsigned int ms)
{
	u64 until = ms ? ktime_get_ns() + ms * (u64)NSEC_PER_MSEC : STPLR_DEADLINE_NONE;
	struct stplr_ring_end *end;
	u8 *bytes;
	int err;

	bytes = kmalloc(WORK_BYTES, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	end = program_attach(device, name, until, NULL);
	err = PTR_ERR_OR_ZERO(end);
	if (err)
		goto free;
	do {
		err = work_some(end, bytes);
		if (!err && signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (!err && (!ms || ktime_get_ns() < until));
	stplr_ring_close(end);
free:
	kfree(bytes);
	return err;
}

static struct stplr_rings *ringer_set(const char *name, u32 rings, u32 in_pages, u32 flags)
{
	const struct stplr_rings_params params = {
		.module = THIS_MODULE,
		.name = name,
		.flags = flags,
		.rings = rings,
		.out_pages = 4,
		.in_pages = in_pages,
	};

	return stplr_rings_create(&params);
}

/* A set that has an id, as long as a program likes. */

static void id_end(void)
{
	if (!id_set)
		return;
	stplr_rings_destroy(id_set);
	stplr_ring_close(id_ring);
	id_set = NULL;
}

static int id_begin(u32 id)
{
	char name[STPLR_NAME_MAX + 1];
	struct stplr_rings *set;

	if (id_set || ended)
		return -EBUSY;
	set = ringer_set(stplr_id_name(id, name), 1, 4, 0);
	if (IS_ERR(set))
		return PTR_ERR(set);
	id_ring = stplr_ring_open(set, 0, NULL, NULL);
	if (IS_ERR(id_ring)) {
		stplr_rings_destroy(set);
		return PTR_ERR(id_ring);
	}
	id_set = set;
	return 0;
}

static void ringer_end(void)
{
	unsigned int i;

	if (ended)
		return;
	WRITE_ONCE(ended, true);
	id_end();
	hrtimer_cancel(&ticker);
	stplr_rings_end(echo_set);
	stplr_rings_end(ticks_set);
	stplr_rings_end(held_set);
	for (i = 0; i < ECHOES; i++)
		cancel_work_sync(&echoes[i].work);
	for (i = 0; i < ECHOES; i++) {
		if (echoes[i].end)
			stplr_ring_close(echoes[i].end);
		cancel_work_sync(&echoes[i].work);
		echoes[i].end = NULL;
	}
	stplr_ring_close(ticks);
	stplr_ring_close(held);
	stplr_rings_destroy(echo_set);
	stplr_rings_destroy(ticks_set);
	stplr_rings_destroy(held_set);
}

static ssize_t ringer_write(struct file *file, const char __user *buffer, size_t len, loff_t *pos)
{
	unsigned int period, count, bytes, id, device = 0, ms = 0;
	char text[64] = {}, name[33];
	int err = -EINVAL;

	if (len >= sizeof(text) || copy_from_user(text, buffer, len))
		return -EINVAL;
	if (sscanf(text, "work %32s %u %u", name, &device, &ms) >= 1)
		return work_program(name, device, ms) ?: len;
	if (mutex_lock_interruptible(&ringer_mutex))
		return -ERESTARTSYS;
	if (sscanf(text, "ticks %u %u %u", &period, &count, &bytes) == 3)
		err = ticks_start(period, count, bytes);
	else if (sscanf(text, "held %u %u", &count, &bytes) == 2)
		err = held_put(count, bytes);
	else if (sscanf(text, "read %32s %u", name, &id) == 2)
		err = read_program(name, &KUIDT_INIT(id));
	else if (sscanf(text, "read %32s", name) == 1)
		err = read_program(name, NULL);
	else if (sscanf(text, "id %u", &id) == 1)
		err = id_begin(id);
	else if (!strcmp(text, "no id"))
		id_end(), err = 0;
	else if (!strcmp(text, "end"))
		ringer_end(), err = 0;
	mutex_unlock(&ringer_mutex);
	return err ?: len;
}

static ssize_t ringer_read(struct file *file, char __user *buffer, size_t len, loff_t *pos)
{
	char text[80];
	int n;

	n = scnprintf(text, sizeof(text), "%llu %llu %llu %u\n", READ_ONCE(result),
		      READ_ONCE(result_bytes), READ_ONCE(ticks_number), READ_ONCE(broken));
	if (len < n)
		return -EINVAL;
	return copy_to_user(buffer, text, n) ? -EFAULT : n;
}

static const struct file_operations ringer_fops = {
	.owner = THIS_MODULE,
	.write = ringer_write,
	.read = ringer_read,
};

static struct miscdevice ringer_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "stplr-ringer",
	.fops = &ringer_fops,
	.mode = 0600,
};

static int __init echoes_open(void)
{
	unsigned int i;

	for (i = 0; i < ECHOES; i++) {
		echoes[i].number = i;
		INIT_WORK(&echoes[i].work, echo_work);
	}
	for (i = 0; i < ECHOES; i++) {
		echoes[i].end = stplr_ring_open(echo_set, i, &echo_ops, &echoes[i]);
		if (IS_ERR(echoes[i].end)) {
			int err = PTR_ERR(echoes[i].end);

			echoes[i].end = NULL;
			while (i--)
				stplr_ring_close(echoes[i].end);
			return err;
		}
		stplr_ring_ask(echoes[i].end, STPLR_RING_DATA, 0);
	}
	return 0;
}

static void __init echoes_close(void)
{
	unsigned int i;

	for (i = 0; i < ECHOES; i++) {
		cancel_work_sync(&echoes[i].work);
		stplr_ring_close(echoes[i].end);
		cancel_work_sync(&echoes[i].work);
	}
}

static int __init ringer_init(void)
{
	int err;

	timer_init(&ticker, tick, HRTIMER_MODE_REL);
	ringer_queue = alloc_workqueue("stplr-ringer", WQ_UNBOUND, 0);
	if (!ringer_queue)
		return -ENOMEM;
	echo_set = ringer_set("ring-echo", ECHOES, 4, 0);
	err = PTR_ERR_OR_ZERO(echo_set);
	if (err)
		goto free_queue;
	ticks_set = ringer_set("ring-ticks", 8, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE);
	err = PTR_ERR_OR_ZERO(ticks_set);
	if (err)
		goto destroy_echo;
	held_set = ringer_set("ring-held", 4, 0, STPLR_RINGS_MANY);
	err = PTR_ERR_OR_ZERO(held_set);
	if (err)
		goto destroy_ticks;
	ticks = stplr_ring_open(ticks_set, 0, NULL, NULL);
	err = PTR_ERR_OR_ZERO(ticks);
	if (err)
		goto destroy_held;
	held = stplr_ring_open(held_set, 0, NULL, NULL);
	err = PTR_ERR_OR_ZERO(held);
	if (err)
		goto close_ticks;
	err = echoes_open();
	if (err)
		goto close_held;
	err = misc_register(&ringer_device);
	if (err)
		goto close_echoes;
	return 0;

close_echoes:
	WRITE_ONCE(ended, true);
	echoes_close();
close_held:
	stplr_ring_close(held);
close_ticks:
	stplr_ring_close(ticks);
destroy_held:
	stplr_rings_destroy(held_set);
destroy_ticks:
	stplr_rings_destroy(ticks_set);
destroy_echo:
	stplr_rings_destroy(echo_set);
free_queue:
	destroy_workqueue(ringer_queue);
	return err;
}

static void __exit ringer_exit(void)
{
	misc_deregister(&ringer_device);
	ringer_end();
	destroy_workqueue(ringer_queue);
}

module_init(ringer_init);
module_exit(ringer_exit);

MODULE_DESCRIPTION("Rings of a driver, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
