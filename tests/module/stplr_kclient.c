// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that is a client, for tests: /dev/stplr-kclient, see stplr_kclient.h. Each open file is
 * a link of its own.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/stplr_kernel.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "stplr_kclient.h"
#include "timer.h"

#define KCLIENT_SIZE_MAX SZ_1M
#define KCLIENT_PERIOD (50 * NSEC_PER_USEC)

/**
 * struct kclient - one link
 * @link: itself, or NULL
 * @open: how it was opened
 * @lock: raw, for the timer takes it; guards the next two
 * @state: what it has seen
 * @pending: which posts are on their way, by number
 * @held: posted operations wait
 * @holders: that wait
 * @ended: no operation may run
 * @closing: the changed operation closes it, or looks whether it may
 * @closed: it has
 * @timer: posts
 * @timing: it does, or did
 * @post: what it posts
 * @left: how many still
 * @bytes: of the post that it makes
 */
struct kclient {
	struct stplr_link *link;
	struct kclient_open open;
	raw_spinlock_t lock; /* see above */
	struct kclient_state state;
	unsigned long *pending;
	bool held;
	wait_queue_head_t holders;
	bool ended;
	bool closing;
	struct completion closed;
	struct hrtimer timer;
	bool timing;
	struct kclient_post post;
	u32 left;
	u8 *bytes;
};

/* The one that goes on without a file. */
static struct kclient *kclient_left;
static DEFINE_MUTEX(kclient_left_mutex);

static void kclient_expect(struct kclient *kclient, bool right, const char *what)
{
	unsigned long flags;

	if (right)
		return;
	pr_err("wrong: %s\n", what);
	raw_spin_lock_irqsave(&kclient->lock, flags);
	kclient->state.wrong++;
	raw_spin_unlock_irqrestore(&kclient->lock, flags);
}

static void kclient_posted(struct stplr_link *link, const struct stplr_posted *posted)
{
	struct kclient *kclient = stplr_link_data(link);
	struct kclient_state *state = &kclient->state;
	size_t n = min(posted->reply_len, sizeof(posted->cookie));
	unsigned long flags;
	bool pending;

	might_sleep();
	kclient_expect(kclient, !READ_ONCE(kclient->ended), "a post is told of after the end");
	kclient_expect(kclient, posted->error <= 0 && posted->reply_len <= posted->reply_total,
		       "a result that cannot be");
	raw_spin_lock_irqsave(&kclient->lock, flags);
	state->running++;
	raw_spin_unlock_irqrestore(&kclient->lock, flags);
	wait_event(kclient->holders, !READ_ONCE(kclient->held));
	if (n == sizeof(posted->cookie))
		kclient_expect(kclient, !memcmp(posted->reply, &posted->cookie, n),
			       "another post's answer");
	raw_spin_lock_irqsave(&kclient->lock, flags);
	state->running--;
	pending = __test_and_clear_bit(posted->cookie % KCLIENT_POSTS_MAX, kclient->pending);
	state->done++;
	state->failed += posted->error != 0;
	if (posted->error)
		state->error = posted->error;
	state->status = posted->status;
	state->reply_len = posted->reply_len;
	state->reply_total = posted->reply_total;
	state->cookie = posted->cookie;
	memcpy(state->reply, posted->reply, min(posted->reply_len, sizeof(state->reply)));
	raw_spin_unlock_irqrestore(&kclient->lock, flags);
	kclient_expect(kclient, pending, "a post that is not on its way");
}

/*
 * Closes the link in its own operation, if nobody else does, and stays there for a while: by then
 * the file may be closed, and the module be gone but for its code.
 */
static void kclient_close_inside(struct kclient *kclient)
{
	struct stplr_link *link;

	WRITE_ONCE(kclient->closing, true);
	link = xchg(&kclient->link, NULL);
	if (!link) {
		WRITE_ONCE(kclient->closing, false);
		return;
	}
	stplr_link_close(link);
	WRITE_ONCE(kclient->ended, true);
	complete_all(&kclient->closed);
	msleep(100);
}

static void kclient_changed(struct stplr_link *link, int how)
{
	struct kclient *kclient = stplr_link_data(link);
	unsigned long flags;
	bool idle;

	might_sleep();
	kclient_expect(kclient, !READ_ONCE(kclient->ended), "a change is told of after the end");
	raw_spin_lock_irqsave(&kclient->lock, flags);
	/* of a link that is down nobody else posts in these tests */
	idle = how == 1 || bitmap_empty(kclient->pending, KCLIENT_POSTS_MAX);
	kclient->state.ups += how == 1;
	kclient->state.downs += how == 0;
	kclient->state.changed = how;
	raw_spin_unlock_irqrestore(&kclient->lock, flags);
	kclient_expect(kclient, idle || kclient->timing, "down before all of its posts");
	if (how == 0 && kclient->open.once)
		kclient_close_inside(kclient);
}

static const struct stplr_link_ops kclient_ops[4] = {
	{},
	{ .posted = kclient_posted },
	{ .changed = kclient_changed },
	{ .posted = kclient_posted, .changed = kclient_changed },
};

static int kclient_open_link(struct kclient *kclient, const void __user *arg)
{
	struct kclient_open *open = &kclient->open;
	struct stplr_link_params params;
	struct stplr_link *link;
	unsigned int ops;

	if (kclient->link)
		return -EBUSY;
	if (copy_from_user(open, arg, sizeof(*open)))
		return -EFAULT;
	open->name[sizeof(open->name) - 1] = 0;
	params = (struct stplr_link_params){
		.device = open->device,
		.name = open->name,
		.flags = open->flags,
		.uid = KUIDT_INIT(open->uid),
		.module = THIS_MODULE,
		.deadline = open->deadline,
		.posts = open->posts,
		.post_max = open->post_max,
		.reply_max = open->reply_max,
	};
	WRITE_ONCE(kclient->ended, false);
	ops = !!open->told + 2 * !!open->follows;
	link = stplr_link_open(&params, ops ? &kclient_ops[ops] : NULL, kclient);
	if (IS_ERR(link))
		return PTR_ERR(link);
	kclient->link = link;
	return 0;
}

/* One after the other, as even as can be: some parts may be empty. */
static void kclient_split(struct kvec *parts, unsigned int nr, u8 *bytes, size_t len)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		size_t n = len / (nr - i);

		parts[i].iov_base = bytes;
		parts[i].iov_len = n;
		bytes += n;
		len -= n;
	}
}

static long kclient_call(struct kclient *kclient, struct kclient_call __user *arg)
{
	struct kclient_call args;
	struct stplr_call call = {};
	struct kvec *parts;
	u8 *send, *reply;
	long err = -ENOMEM;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (!args.parts || args.parts > 4096 || args.send_len > 64 << 20 || args.room > 64 << 20)
		return -EINVAL;
	parts = kvcalloc(2 * args.parts, sizeof(*parts), GFP_KERNEL);
	send = kvmalloc(args.send_len, GFP_KERNEL);
	reply = kvzalloc(args.room, GFP_KERNEL);
	if (!parts || !send || !reply)
		goto free;
	err = -EFAULT;
	if (copy_from_user(send, (void __user *)args.send, args.send_len) ||
	    copy_from_user(reply, (void __user *)args.reply, args.room))
		goto free;
	kclient_split(parts, args.parts, send, args.send_len);
	kclient_split(parts + args.parts, args.parts, reply, args.room);
	call.send = parts;
	call.nr_send = args.parts;
	call.reply = parts + args.parts;
	call.nr_reply = args.parts;
	call.deadline = args.deadline > 0 ? ktime_get_ns() + args.deadline * NSEC_PER_MSEC :
					    args.deadline;
	err = stplr_link_call(kclient->link, &call);
	args.status = call.status;
	args.reply_len = call.reply_len;
	args.reply_total = call.reply_total;
	if (copy_to_user((void __user *)args.reply, reply, args.room) ||
	    copy_to_user(arg, &args, sizeof(args)))
		err = -EFAULT;
free:
	kvfree(parts);
	kvfree(send);
	kvfree(reply);
	return err;
}

/* Posts one; in any context. */
static int kclient_post_one(struct kclient *kclient, const struct kclient_post *post, u8 *bytes)
{
	unsigned long flags;
	u64 number;
	int err;

	/* before it is posted, for its result may be there before this returns */
	raw_spin_lock_irqsave(&kclient->lock, flags);
	number = kclient->state.posted;
	__set_bit(number % KCLIENT_POSTS_MAX, kclient->pending);
	raw_spin_unlock_irqrestore(&kclient->lock, flags);
	memcpy(bytes, &number, min_t(size_t, post->size, sizeof(number)));
	err = stplr_link_post(kclient->link, post->priority, post->flags, number, bytes,
			      post->size);
	raw_spin_lock_irqsave(&kclient->lock, flags);
	if (!err)
		kclient->state.posted++;
	else
		__clear_bit(number % KCLIENT_POSTS_MAX, kclient->pending);
	kclient->state.refused += err == -EAGAIN;
	if (!kclient->open.told)
		__clear_bit(number % KCLIENT_POSTS_MAX, kclient->pending);
	raw_spin_unlock_irqrestore(&kclient->lock, flags);
	return err;
}

static enum hrtimer_restart kclient_timer(struct hrtimer *timer)
{
	struct kclient *kclient = container_of(timer, struct kclient, timer);
	u32 n;

	for (n = 0; n < kclient->post.batch && kclient->left; n++) {
		int err = kclient_post_one(kclient, &kclient->post, kclient->bytes);

		if (err == -EAGAIN)
			break;
		/* what the link is not up for goes into thin air */
		kclient->left--;
	}
	if (!kclient->left)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(KCLIENT_PERIOD));
	return HRTIMER_RESTART;
}

static void kclient_timer_stop(struct kclient *kclient)
{
	if (!kclient->timing)
		return;
	hrtimer_cancel(&kclient->timer);
	kfree(kclient->bytes);
	kclient->timing = false;
}

static long kclient_timer_start(struct kclient *kclient, const struct kclient_post *post)
{
	kclient_timer_stop(kclient);
	kclient->bytes = kzalloc(post->size + 8, GFP_KERNEL);
	if (!kclient->bytes)
		return -ENOMEM;
	kclient->post = *post;
	kclient->left = post->count;
	kclient->timing = true;
	timer_init(&kclient->timer, kclient_timer, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&kclient->timer, ns_to_ktime(KCLIENT_PERIOD), HRTIMER_MODE_REL_HARD);
	return 0;
}

static long kclient_post(struct kclient *kclient, struct kclient_post __user *arg)
{
	struct kclient_post post;
	unsigned long flags = 0;
	int err = 0;
	u8 *bytes;

	if (copy_from_user(&post, arg, sizeof(post)))
		return -EFAULT;
	if (post.size > KCLIENT_SIZE_MAX)
		return -EINVAL;
	if (post.where == KCLIENT_TIMER)
		return kclient_timer_start(kclient, &post);
	bytes = kvzalloc(post.size + 8, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	if (post.where == KCLIENT_DISABLED)
		local_irq_save(flags);
	for (post.taken = 0; post.taken < post.count; post.taken++) {
		err = kclient_post_one(kclient, &post, bytes);
		if (err)
			break;
	}
	if (post.where == KCLIENT_DISABLED)
		local_irq_restore(flags);
	kvfree(bytes);
	return copy_to_user(arg, &post, sizeof(post)) ? -EFAULT : err;
}

static void kclient_hold(struct kclient *kclient, bool held)
{
	WRITE_ONCE(kclient->held, held);
	wake_up_all(&kclient->holders);
}

static void kclient_close(struct kclient *kclient)
{
	kclient_timer_stop(kclient);
	stplr_link_close(xchg(&kclient->link, NULL));
	/* or its own operation does */
	if (READ_ONCE(kclient->closing))
		wait_for_completion(&kclient->closed);
	WRITE_ONCE(kclient->ended, true);
	kclient_expect(kclient, bitmap_empty(kclient->pending, KCLIENT_POSTS_MAX),
		       "a post that was not told of");
}

static struct kclient *kclient_new(void)
{
	struct kclient *kclient = kzalloc(sizeof(*kclient), GFP_KERNEL);

	if (!kclient)
		return NULL;
	raw_spin_lock_init(&kclient->lock);
	init_waitqueue_head(&kclient->holders);
	init_completion(&kclient->closed);
	kclient->pending = kvcalloc(BITS_TO_LONGS(KCLIENT_POSTS_MAX), sizeof(long), GFP_KERNEL);
	if (!kclient->pending) {
		kfree(kclient);
		return NULL;
	}
	return kclient;
}

static void kclient_free(struct kclient *kclient)
{
	if (!kclient)
		return;
	kclient_hold(kclient, false);
	kclient_close(kclient);
	WARN_ON(kclient->state.running || kclient->state.wrong);
	kvfree(kclient->pending);
	kfree(kclient);
}

static long kclient_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kclient *kclient = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct kclient_state state;
	unsigned long flags;

	switch (cmd) {
	case KCLIENT_OPEN:
		return kclient_open_link(kclient, uarg);
	case KCLIENT_STATE:
		raw_spin_lock_irqsave(&kclient->lock, flags);
		state = kclient->state;
		raw_spin_unlock_irqrestore(&kclient->lock, flags);
		return copy_to_user(uarg, &state, sizeof(state)) ? -EFAULT : 0;
	case KCLIENT_HOLD:
	case KCLIENT_RELEASE:
		kclient_hold(kclient, cmd == KCLIENT_HOLD);
		return 0;
	}
	if (!kclient->link)
		return -ENOTTY;
	switch (cmd) {
	case KCLIENT_CALL:
		return kclient_call(kclient, uarg);
	case KCLIENT_POST:
		return kclient_post(kclient, uarg);
	case KCLIENT_KICK:
		stplr_link_kick(kclient->link);
		return 0;
	case KCLIENT_CLOSE:
		kclient_close(kclient);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int kclient_open(struct inode *inode, struct file *file)
{
	file->private_data = kclient_new();
	return file->private_data ? 0 : -ENOMEM;
}

static int kclient_release(struct inode *inode, struct file *file)
{
	struct kclient *kclient = file->private_data;

	mutex_lock(&kclient_left_mutex);
	if (kclient->link && kclient->open.stays && !kclient_left) {
		kclient_left = kclient;
		kclient = NULL;
	}
	mutex_unlock(&kclient_left_mutex);
	kclient_free(kclient);
	return 0;
}

static const struct file_operations kclient_fops = {
	.owner = THIS_MODULE,
	.open = kclient_open,
	.release = kclient_release,
	.unlocked_ioctl = kclient_ioctl,
};

static struct miscdevice kclient_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "stplr-kclient",
	.fops = &kclient_fops,
	.mode = 0600,
};

static int __init kclient_init(void)
{
	return misc_register(&kclient_device);
}

static void __exit kclient_exit(void)
{
	misc_deregister(&kclient_device);
	kclient_free(kclient_left);
}

module_init(kclient_init);
module_exit(kclient_exit);

MODULE_DESCRIPTION("A driver that is a client, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
