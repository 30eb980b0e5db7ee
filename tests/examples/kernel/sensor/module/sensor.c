// SPDX-License-Identifier: GPL-2.0
/*
 * A sensor, as a driver is written with stplr. A timer's interrupt takes a reading now and then,
 * and posts it to the program that serves "sensord", if there is one; what that answers sets the
 * pace. Where the value is too high the driver calls the program, and waits for what it decides.
 * And it serves "sensor" itself, where programs ask for the latest reading.
 *
 * The value counts up: what matters here is how it travels.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hrtimer.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/stplr_kernel.h>
#include <linux/uio.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#include "../sensor.h"

/* How many readings may be on their way. */
#define SENSOR_POSTS 16
#define SENSOR_PRIORITY 20
#define SENSOR_ALARM_TIMEOUT (NSEC_PER_SEC)

static unsigned int device;
module_param(device, uint, 0444);
MODULE_PARM_DESC(device, "N of /dev/stplr-N (default 0)");

static long limit = 1000;
module_param(limit, long, 0444);
MODULE_PARM_DESC(limit, "the value above which there is an alarm (default 1000)");

/**
 * struct sensor - the sensor
 * @server: "sensor"
 * @link: to "sensord"
 * @timer: takes readings; its interrupt is the only one that changes @latest but for what is said
 * @lock: raw, for an interrupt takes it; guards @latest, whose value an alarm resets and whose
 *	period the program sets
 * @latest: the last reading
 * @alarm: calls the program
 * @answered: readings that the program has answered
 * @lost: and that it has not, for it was gone
 */
static struct sensor {
	struct stplr_server *server;
	struct stplr_link *link;
	struct hrtimer timer;
	raw_spinlock_t lock; /* see above */
	struct sensor_reading latest;
	struct work_struct alarm;
	atomic64_t answered;
	atomic64_t lost;
} sensor;

static void sensor_latest(struct sensor_reading *reading)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sensor.lock, flags);
	*reading = sensor.latest;
	raw_spin_unlock_irqrestore(&sensor.lock, flags);
}

/* Serving: programs ask */

static int sensor_receive(struct stplr_request *request)
{
	struct sensor_reading reading;
	ssize_t n;

	n = stplr_request_read(request, 0, &reading, sizeof(reading));
	if (n < 0)
		return n;
	if (n < sizeof(reading) || reading.what != SENSOR_ASK)
		return -EINVAL;
	sensor_latest(&reading);
	n = stplr_request_write(request, 0, &reading, sizeof(reading));
	return n < 0 ? n : 0;
}

static const struct stplr_server_ops sensor_server_ops = {
	.owner = THIS_MODULE,
	.receive = sensor_receive,
};

/* Posting: from the interrupt, and what comes of it */

static enum hrtimer_restart sensor_tick(struct hrtimer *timer)
{
	struct sensor_reading reading;
	int err;

	raw_spin_lock(&sensor.lock);
	sensor.latest.what = SENSOR_READING;
	sensor.latest.number++;
	sensor.latest.value++;
	sensor.latest.time = ktime_get_ns();
	reading = sensor.latest;
	raw_spin_unlock(&sensor.lock);

	err = stplr_link_post(sensor.link, SENSOR_PRIORITY, 0, reading.number, &reading,
			      sizeof(reading));
	if (err == -EAGAIN) {
		/* the program is behind: the next reading that it gets says so */
		raw_spin_lock(&sensor.lock);
		sensor.latest.dropped++;
		raw_spin_unlock(&sensor.lock);
	}
	/* where nobody is there nobody misses anything, and nobody decides about an alarm */
	if (reading.value > limit && err != -ENOTCONN)
		schedule_work(&sensor.alarm);
	hrtimer_forward_now(timer, ns_to_ktime((u64)reading.period * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void sensor_posted(struct stplr_link *link, const struct stplr_posted *posted)
{
	const struct sensor_setting *setting = posted->reply;
	unsigned long flags;

	if (posted->error) {
		atomic64_inc(&sensor.lost);
		return;
	}
	atomic64_inc(&sensor.answered);
	if (posted->reply_len < sizeof(*setting) || setting->period < SENSOR_PERIOD_MIN ||
	    setting->period > SENSOR_PERIOD_MAX)
		return;
	raw_spin_lock_irqsave(&sensor.lock, flags);
	sensor.latest.period = setting->period;
	raw_spin_unlock_irqrestore(&sensor.lock, flags);
}

static void sensor_changed(struct stplr_link *link, int how)
{
	if (how == 1)
		pr_info("%s is there\n", SENSORD_NAME);
	else if (how == 0)
		pr_info("%s has gone: %lld readings were answered, %lld not\n", SENSORD_NAME,
			atomic64_read(&sensor.answered), atomic64_read(&sensor.lost));
	else
		pr_warn("%s cannot be connected to: error %d\n", SENSORD_NAME, -how);
}

static const struct stplr_link_ops sensor_link_ops = {
	.posted = sensor_posted,
	.changed = sensor_changed,
};

/* Calling: the program decides */

static void sensor_alarm(struct work_struct *work)
{
	struct sensor_reading reading;
	struct kvec send = { .iov_base = &reading, .iov_len = sizeof(reading) };
	struct stplr_call call = {
		.send = &send,
		.nr_send = 1,
		.deadline = ktime_get_ns() + SENSOR_ALARM_TIMEOUT,
	};
	unsigned long flags;
	int err;

	sensor_latest(&reading);
	if (reading.value <= limit)
		return;
	reading.what = SENSOR_ALARM;
	err = stplr_link_call(sensor.link, &call);
	/* nobody has decided: the sensor sees to itself */
	if (err && err != -ENOTCONN && err != -ESRCH)
		pr_warn("an alarm was not answered: error %d\n", -err);
	if (!err && call.status != SENSOR_RESET)
		return;
	raw_spin_lock_irqsave(&sensor.lock, flags);
	sensor.latest.value = 0;
	raw_spin_unlock_irqrestore(&sensor.lock, flags);
}

/* A second listener to the program's coming: it waits for the first time, and is gone then. */

static struct stplr_link *sensor_first;
static DEFINE_MUTEX(sensor_first_mutex);

static void sensor_first_changed(struct stplr_link *link, int how)
{
	if (how != 1)
		return;
	mutex_lock(&sensor_first_mutex);
	if (sensor_first == link) {
		pr_info("%s has come for the first time\n", SENSORD_NAME);
		sensor_first = NULL;
		stplr_link_close(link);
	}
	mutex_unlock(&sensor_first_mutex);
}

static const struct stplr_link_ops sensor_first_ops = {
	.changed = sensor_first_changed,
};

static int sensor_first_open(const struct stplr_link_params *params)
{
	struct stplr_link_params listener = {
		.device = params->device,
		.name = params->name,
		.module = params->module,
	};
	struct stplr_link *link;

	/* the operation waits until it is known which link that is */
	mutex_lock(&sensor_first_mutex);
	link = stplr_link_open(&listener, &sensor_first_ops, NULL);
	if (!IS_ERR(link))
		sensor_first = link;
	mutex_unlock(&sensor_first_mutex);
	return PTR_ERR_OR_ZERO(link);
}

static void sensor_first_close(void)
{
	struct stplr_link *link;

	/* whoever takes it closes it */
	mutex_lock(&sensor_first_mutex);
	link = sensor_first;
	sensor_first = NULL;
	mutex_unlock(&sensor_first_mutex);
	stplr_link_close(link);
}

static void sensor_timer_init(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(&sensor.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	sensor.timer.function = sensor_tick;
#else
	hrtimer_setup(&sensor.timer, sensor_tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#endif
}

static int __init sensor_init(void)
{
	const struct stplr_server_params server_params = {
		.device = device,
		.name = SENSOR_NAME,
		.mode = 0666,
		.message_max = sizeof(struct sensor_reading),
	};
	const struct stplr_link_params link_params = {
		.device = device,
		.name = SENSORD_NAME,
		.module = THIS_MODULE,
		.posts = SENSOR_POSTS,
		.post_max = sizeof(struct sensor_reading),
		.reply_max = sizeof(struct sensor_setting),
	};
	int err;

	raw_spin_lock_init(&sensor.lock);
	sensor.latest.period = 10000;
	INIT_WORK(&sensor.alarm, sensor_alarm);
	sensor_timer_init();

	sensor.server = stplr_server_create(&server_params, &sensor_server_ops, NULL);
	if (IS_ERR(sensor.server))
		return PTR_ERR(sensor.server);
	sensor.link = stplr_link_open(&link_params, &sensor_link_ops, NULL);
	if (IS_ERR(sensor.link)) {
		err = PTR_ERR(sensor.link);
		goto put_server;
	}
	err = sensor_first_open(&link_params);
	if (err)
		goto close_link;
	hrtimer_start(&sensor.timer, 0, HRTIMER_MODE_REL_HARD);
	return 0;

close_link:
	stplr_link_close(sensor.link);
put_server:
	stplr_server_put(sensor.server);
	return err;
}

/* Nobody is attached to the server, or this would not run; but posts may be on their way. */
static void __exit sensor_exit(void)
{
	hrtimer_cancel(&sensor.timer);
	cancel_work_sync(&sensor.alarm);
	sensor_first_close();
	stplr_link_close(sensor.link);
	stplr_server_put(sensor.server);
}

module_init(sensor_init);
module_exit(sensor_exit);

MODULE_DESCRIPTION("A sensor: an example of a driver that uses stplr");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
