// SPDX-License-Identifier: MIT
/* Timers that their clients wait for: the server has one thread, so one tick() waits at a time */
#include <errno.h>
#include <time.h>

#include "../../common/values.h"
#include "gen/timer.h"
#include "server.h"

typedef struct {
	timerHandler parent;
	GHashTable *timers; /* by id */
	gint64 last_id;
} ServedTimer;
typedef timerHandlerClass ServedTimerClass;

GType served_timer_get_type(void);
G_DEFINE_TYPE(ServedTimer, served_timer, TYPE_TIMER_HANDLER)

struct timer {
	gint64 id; /* the table's key */
	gint64 interval_us;
	gint64 start_us;
	gint64 reported; /* intervals */
};

/* Longer intervals are as good as for ever, and sums stay far from overflowing. */
static const gint64 interval_max_us = G_MAXINT64 / 4;

static gboolean start(timerIf *iface, timer_id *_return, const gint64 interval_us, GError **error)
{
	ServedTimer *handler = (ServedTimer *)iface;
	struct timer *timer;

	(void)error;
	*_return = NO_TIMER;
	if (interval_us < 1)
		return TRUE;
	timer = g_new0(struct timer, 1);
	timer->id = ++handler->last_id;
	timer->interval_us = MIN(interval_us, interval_max_us);
	timer->start_us = g_get_monotonic_time();
	g_hash_table_add(handler->timers, timer);
	*_return = timer->id;
	/* cppcheck-suppress memleak; the table has it */
	return TRUE;
}

static gboolean stop(timerIf *iface, const timer_id id, GError **error)
{
	if (!g_hash_table_remove(((ServedTimer *)iface)->timers, &id))
		return call_fails(error, "there is no timer %" G_GINT64_FORMAT, id);
	return TRUE;
}

static gboolean wait_until(gint64 time_us)
{
	struct timespec until = {.tv_sec = time_us / 1000000, .tv_nsec = time_us % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		if (server_is_ending())
			return FALSE;
	return TRUE;
}

static gboolean tick(timerIf *iface, timestamp **_return, const timer_id id, GError **error)
{
	struct timer *timer = g_hash_table_lookup(((ServedTimer *)iface)->timers, &id);
	gint64 end_us;

	if (!timer)
		return call_fails(error, "there is no timer %" G_GINT64_FORMAT, id);
	end_us = timer->start_us + (timer->reported + 1) * timer->interval_us;
	if (!wait_until(end_us))
		return call_fails(error, "the server ends");
	timer->reported++;
	g_object_set(*_return, "counter", timer->reported, "abstime", end_us, NULL);
	return TRUE;
}

static void served_timer_finalize(GObject *object)
{
	g_hash_table_destroy(((ServedTimer *)object)->timers);
	G_OBJECT_CLASS(served_timer_parent_class)->finalize(object);
}

static void served_timer_class_init(ServedTimerClass *class)
{
	example_handler_answers(EXAMPLE_HANDLER_CLASS(class));
	class->start = start;
	class->stop = stop;
	class->tick = tick;
	G_OBJECT_CLASS(class)->finalize = served_timer_finalize;
}

static void served_timer_init(ServedTimer *handler)
{
	handler->timers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

int main(int argc, char **argv)
{
	return server_main(argc, argv, "timer", TYPE_TIMER_PROCESSOR, served_timer_get_type());
}
