// SPDX-License-Identifier: GPL-2.0
/*
 * A producer whose pace and size the program chooses, over a ring that works both ways. A timer's
 * interrupt writes a tick; the program is told, takes it, and says that it is through; a worker
 * reads that, and tells the program what the whole way has taken. How the program is told, and how
 * it tells, is its own to choose, and the driver need not know.
 *
 * There are several rings, each with a ticker of its own. When a program has gone its ring is
 * opened anew, for the next.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stplr_ring.h>
#include <linux/string.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#include "../ticker.h"

#define TICKER_RINGS_MAX 64

static unsigned int device;
module_param(device, uint, 0444);
MODULE_PARM_DESC(device, "N of /dev/stplr-N (default 0)");

static unsigned int rings = 4;
module_param(rings, uint, 0444);
MODULE_PARM_DESC(rings, "programs at a time, 1 to 64 (default 4)");

static unsigned int pages = 16;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "pages of a ring for ticks, a power of two (default 16)");

/**
 * struct ticker - a ring, and what ticks in it
 * @number: the ring's
 * @end: the driver's; NULL: it could not be opened again. Only @work changes it, while no timer
 *	runs, and the module's exit
 * @work: does what the program wants
 * @timer: ticks
 * @lock: raw, for the interrupt takes it; guards writing to @end, and the rest
 * @period: of @timer
 * @size: of a tick, in bytes
 * @last: the last tick
 * @stopping: the program is to be told that it was; @work's alone, as is the next
 * @refused: and of this, unless its error is 0
 */
struct ticker {
	u32 number;
	struct stplr_ring_end *end;
	struct work_struct work;
	struct hrtimer timer;
	raw_spinlock_t lock; /* see above */
	ktime_t period;
	u32 size;
	struct ticker_tick last;
	bool stopping;
	struct ticker_refused refused;
};

static struct stplr_rings *ticker_set;
static struct ticker *tickers;
static struct workqueue_struct *ticker_queue;
static bool ticker_ended; /* nothing is begun any more */

/* Writing: a tick by the interrupt, everything else by the worker */

static enum hrtimer_restart ticker_tick(struct hrtimer *timer)
{
	struct ticker *ticker = container_of(timer, struct ticker, timer);
	struct ticker_tick *tick;

	raw_spin_lock(&ticker->lock);
	ticker->last.number++;
	ticker->last.time = ktime_get_ns();
	tick = stplr_ring_reserve(ticker->end, ticker->size);
	if (!IS_ERR(tick)) {
		memset(tick, (u8)ticker->last.number, ticker->size);
		*tick = ticker->last;
		stplr_ring_commit(ticker->end, ticker->size, TICKER_TICK, 0,
				  STPLR_RING_TELL_WANTED);
	} else {
		/* the program is behind, which the next tick says, or has gone */
		ticker->last.dropped++;
	}
	raw_spin_unlock(&ticker->lock);
	hrtimer_forward_now(timer, ticker->period);
	return HRTIMER_RESTART;
}

/* False: there is no room. */
static bool ticker_say(struct ticker *ticker, u16 type, const void *bytes, u32 len,
		       unsigned int tell)
{
	unsigned long flags;
	void *room;

	raw_spin_lock_irqsave(&ticker->lock, flags);
	room = stplr_ring_reserve(ticker->end, len);
	if (!IS_ERR(room)) {
		memcpy(room, bytes, len);
		stplr_ring_commit(ticker->end, len, type, 0, tell);
	}
	raw_spin_unlock_irqrestore(&ticker->lock, flags);
	return !IS_ERR(room);
}

/* What the program waits for is said as soon as there is room, after the ticks that fill it. */
static void ticker_say_due(struct ticker *ticker)
{
	if (ticker->stopping &&
	    ticker_say(ticker, TICKER_STOPPED, &ticker->last, sizeof(ticker->last),
		       STPLR_RING_TELL_WANTED))
		ticker->stopping = false;
	if (ticker->refused.error &&
	    ticker_say(ticker, TICKER_REFUSED, &ticker->refused, sizeof(ticker->refused),
		       STPLR_RING_TELL_WANTED))
		ticker->refused.error = 0;
}

/* What the program wants: 0 or an error */

static int ticker_start(struct ticker *ticker, const struct ticker_start *start)
{
	if (start->period < TICKER_PERIOD_MIN || start->period > TICKER_PERIOD_MAX ||
	    start->size < TICKER_SIZE_MIN || start->size > TICKER_SIZE_MAX)
		return -EINVAL;
	if (ticker->stopping)
		return -EBUSY;
	hrtimer_cancel(&ticker->timer);
	ticker->period = ns_to_ktime((u64)start->period * NSEC_PER_USEC);
	ticker->size = start->size;
	hrtimer_start(&ticker->timer, ticker->period, HRTIMER_MODE_REL_HARD);
	return 0;
}

static int ticker_stop(struct ticker *ticker)
{
	hrtimer_cancel(&ticker->timer);
	ticker->stopping = true;
	return 0;
}

/* Who tells another time than the tick's is told another one itself. */
static int ticker_done(struct ticker *ticker, const struct ticker_done *done)
{
	struct ticker_time time = { .number = done->number, .ns = ktime_get_ns() };

	if (done->time > time.ns)
		return -EINVAL;
	time.ns -= done->time;
	/* it is read with the next tick; where there is no room the program does without */
	ticker_say(ticker, TICKER_TIME, &time, sizeof(time), STPLR_RING_TELL_NOT);
	return 0;
}

/* @bytes are the program's still, and each is read once: into a copy. */
static int ticker_do(struct ticker *ticker, const struct stplr_ring_record *record,
		     const void *bytes)
{
	struct ticker_start start;
	struct ticker_done done;

	switch (record->type) {
	case TICKER_START:
		if (record->len != sizeof(start))
			return -EINVAL;
		memcpy(&start, bytes, sizeof(start));
		return ticker_start(ticker, &start);
	case TICKER_STOP:
		return ticker_stop(ticker);
	case TICKER_DONE:
		if (record->len != sizeof(done))
			return -EINVAL;
		memcpy(&done, bytes, sizeof(done));
		return ticker_done(ticker, &done);
	default:
		return -EOPNOTSUPP;
	}
}

/* Reading */

/* Told at once, in whatever context the program is in: the work is a worker's. */
static void ticker_told(struct stplr_ring_end *end, void *data)
{
	struct ticker *ticker = data;

	queue_work(ticker_queue, &ticker->work);
}

static const struct stplr_ring_ops ticker_ops = { .told = ticker_told };

static int ticker_open(struct ticker *ticker)
{
	struct stplr_ring_end *end;

	end = stplr_ring_open(ticker_set, ticker->number, &ticker_ops, ticker);
	if (IS_ERR(end))
		return PTR_ERR(end);
	memset(&ticker->last, 0, sizeof(ticker->last));
	memset(&ticker->refused, 0, sizeof(ticker->refused));
	ticker->stopping = false;
	ticker->end = end;
	/* if there is something already, nobody will tell */
	if (stplr_ring_ask(end, STPLR_RING_DATA, 0))
		queue_work(ticker_queue, &ticker->work);
	return 0;
}

/* The program has gone: the ring is another's, who may have come by now. */
static void ticker_again(struct ticker *ticker)
{
	struct stplr_ring_end *old = ticker->end;
	int err;

	hrtimer_cancel(&ticker->timer);
	ticker->end = NULL;
	err = ticker_open(ticker);
	if (err)
		pr_warn("ring %u cannot be opened again: error %d\n", ticker->number, -err);
	stplr_ring_close(old);
}

/* Takes what comes next; false: there is nothing, and the worker will be told. */
static bool ticker_take(struct ticker *ticker)
{
	struct stplr_ring_record record;
	u32 what = STPLR_RING_DATA;
	const void *bytes;
	int err;

	ticker_say_due(ticker);
	if (ticker->stopping || ticker->refused.error)
		what |= STPLR_RING_ROOM;
	bytes = stplr_ring_peek(ticker->end, &record);
	if (bytes == ERR_PTR(-EAGAIN))
		return stplr_ring_ask(ticker->end, what, sizeof(record) + sizeof(ticker->last));
	if (IS_ERR(bytes)) {
		ticker_again(ticker);
		return false;
	}
	err = ticker_do(ticker, &record, bytes);
	if (err) {
		ticker->refused.type = record.type;
		ticker->refused.error = -err;
	}
	stplr_ring_release(ticker->end, STPLR_RING_TELL_WANTED);
	return true;
}

static void ticker_work(struct work_struct *work)
{
	struct ticker *ticker = container_of(work, struct ticker, work);

	while (!READ_ONCE(ticker_ended) && ticker->end && ticker_take(ticker))
		cond_resched();
}

/* Coming and going */

static void ticker_init_one(struct ticker *ticker, u32 number)
{
	ticker->number = number;
	INIT_WORK(&ticker->work, ticker_work);
	raw_spin_lock_init(&ticker->lock);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(&ticker->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	ticker->timer.function = ticker_tick;
#else
	hrtimer_setup(&ticker->timer, ticker_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#endif
}

/* Ends all rings, if a program is there or not, and gives back what there is. */
static void ticker_end(void)
{
	unsigned int i;

	/* a worker that runs may start the timer, or open the ring; later ones do nothing */
	WRITE_ONCE(ticker_ended, true);
	for (i = 0; i < rings; i++) {
		cancel_work_sync(&tickers[i].work);
		hrtimer_cancel(&tickers[i].timer);
	}
	stplr_rings_end(ticker_set);
	for (i = 0; i < rings; i++) {
		struct ticker *ticker = &tickers[i];

		if (ticker->end)
			stplr_ring_close(ticker->end);
		/* nobody is told any more, but somebody may just have been */
		cancel_work_sync(&ticker->work);
	}
	stplr_rings_destroy(ticker_set);
	destroy_workqueue(ticker_queue);
	kvfree(tickers);
}

static int __init ticker_init(void)
{
	const struct stplr_rings_params params = {
		.module = THIS_MODULE,
		.device = device,
		.name = TICKER_NAME,
		.mode = 0666,
		.rings = rings,
		.out_pages = pages,
		.in_pages = 1,
	};
	unsigned int i;
	int err;

	if (!rings || rings > TICKER_RINGS_MAX || (u64)pages * PAGE_SIZE < 2 * TICKER_SIZE_MAX) {
		pr_err("1 to %u rings, of %lu pages or more\n", TICKER_RINGS_MAX,
		       2 * TICKER_SIZE_MAX / PAGE_SIZE);
		return -EINVAL;
	}
	tickers = kvcalloc(rings, sizeof(*tickers), GFP_KERNEL);
	if (!tickers)
		return -ENOMEM;
	err = -ENOMEM;
	ticker_queue = alloc_workqueue("ticker", WQ_HIGHPRI | WQ_UNBOUND, 0);
	if (!ticker_queue)
		goto free_tickers;
	ticker_set = stplr_rings_create(&params);
	err = PTR_ERR_OR_ZERO(ticker_set);
	if (err)
		goto free_queue;
	for (i = 0; i < rings; i++)
		ticker_init_one(&tickers[i], i);
	for (i = 0; i < rings && !err; i++)
		err = ticker_open(&tickers[i]);
	if (err)
		ticker_end();
	return err;

free_queue:
	destroy_workqueue(ticker_queue);
free_tickers:
	kvfree(tickers);
	return err;
}

/* No program is attached, or this would not run. */
static void __exit ticker_exit(void)
{
	ticker_end();
}

module_init(ticker_init);
module_exit(ticker_exit);

MODULE_DESCRIPTION("A ticker: an example of a driver that uses stplr's rings");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
