// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side of stplr-bench kernel: /dev/stplr-bench, see stplr_bench.h. It sends by stplr
 * and by the other ways that Linux has, and receives by them, in the thread that asks for it. One
 * program at a time.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/spinlock.h>
#include <linux/stplr_kernel.h>
#include <linux/stplr_ring.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#include "stplr_bench.h"

#define BENCH_PRIORITY 20
#define BENCH_SHORT 64

/**
 * struct bench - all there is: one program has the device open
 * @setting: held while a way is set up
 * @sending: held while the kernel sends
 * @size: of messages
 * @link: posts
 * @source: sends pulses
 * @set: of the ring
 * @end: the driver's of it
 * @eventfd: is signalled
 * @port: of the netlink socket
 * @server: is called
 * @bytes: one message: what is sent from, and received into, where a way needs such a place
 * @reading: held while the device is read
 * @slots: messages for who reads the device
 * @lock: guards the next two
 * @head: messages that were put into them
 * @tail: and taken out
 * @readers: who waits for one
 * @acked: BENCH_AWAIT goes on
 * @expected: number of the next message that comes
 * @full: all its bytes are judged
 * @received: right ones
 * @wrong: others
 */
static struct bench {
	struct mutex setting; /* see above */
	struct mutex sending; /* likewise */
	u32 size;
	struct stplr_link *link;
	struct stplr_source *source;
	struct stplr_rings *set;
	struct stplr_ring_end *end;
	struct eventfd_ctx *eventfd;
	u32 port;
	struct stplr_server *server;
	u8 *bytes;
	struct mutex reading; /* likewise */
	u8 *slots;
	spinlock_t lock; /* likewise */
	unsigned int head;
	unsigned int tail;
	wait_queue_head_t readers;
	struct completion acked;
	u64 expected;
	bool full;
	u64 received;
	u64 wrong;
} bench;

static atomic_t bench_opened;
static struct sock *bench_socket;

/* Messages: as bench/payload.h has them */

static u64 bench_word(u64 number, u64 at)
{
	u64 word = (number << 32) + at + 1;

	word *= 0x9e3779b97f4a7c15;
	word ^= word >> 32;
	word *= 0xd6e8feb86659fd93;
	return word ^ word >> 32;
}

static void bench_fill(void *bytes, u32 size, u64 number, bool full)
{
	u32 at;

	if (likely(!full)) {
		memcpy(bytes, &number, sizeof(number));
		memcpy(bytes + size - sizeof(number), &number, sizeof(number));
		return;
	}
	for (at = 0; at < size; at += sizeof(u64)) {
		u64 word = bench_word(number, at);

		memcpy(bytes + at, &word, min_t(u32, sizeof(word), size - at));
	}
}

static bool bench_is(const void *bytes, u32 size, u64 number, bool full)
{
	u32 at;

	if (likely(!full))
		return !memcmp(bytes, &number, sizeof(number)) &&
		       !memcmp(bytes + size - sizeof(number), &number, sizeof(number));
	for (at = 0; at < size; at += sizeof(u64)) {
		u64 word = bench_word(number, at);

		if (memcmp(bytes + at, &word, min_t(u32, sizeof(word), size - at)))
			return false;
	}
	return true;
}

/* A message has come from the program; 0, or EBADMSG if it is another one than was expected. */
static int bench_came(const void *bytes, size_t size)
{
	if (unlikely(!size || size != bench.size ||
		     !bench_is(bytes, size, bench.expected, bench.full))) {
		bench.wrong++;
		return -EBADMSG;
	}
	bench.expected++;
	bench.received++;
	return 0;
}

/* To the program: one each, or all at once if there are more */

static int bench_post(u64 number, bool full, bool more)
{
	bench_fill(bench.bytes, bench.size, number, full);
	return stplr_link_post(bench.link, BENCH_PRIORITY, more ? STPLR_POST_MORE : 0, number,
			       bench.bytes, bench.size);
}

static int bench_ring(u64 number, bool full, bool more)
{
	void *bytes = stplr_ring_reserve(bench.end, bench.size);

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	bench_fill(bytes, bench.size, number, full);
	stplr_ring_commit(bench.end, bench.size, 0, 0,
			  more ? STPLR_RING_TELL_NOT : STPLR_RING_TELL_WANTED);
	return 0;
}

static int bench_netlink(u64 number, bool full)
{
	struct sk_buff *skb = nlmsg_new(bench.size, GFP_KERNEL);
	struct nlmsghdr *header;

	if (!skb)
		return -ENOMEM;
	header = nlmsg_put(skb, 0, 0, NLMSG_DONE, bench.size, 0);
	if (!header) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	bench_fill(nlmsg_data(header), bench.size, number, full);
	return nlmsg_unicast(bench_socket, skb, bench.port);
}

static struct genl_family bench_family;

static int bench_genetlink(u64 number, bool full)
{
	struct sk_buff *skb = genlmsg_new(nla_total_size(bench.size), GFP_KERNEL);
	struct nlattr *attribute;
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put(skb, 0, 0, &bench_family, 0, BENCH_COMMAND);
	attribute = header ? nla_reserve(skb, BENCH_ATTRIBUTE, bench.size) : NULL;
	if (!attribute) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	bench_fill(nla_data(attribute), bench.size, number, full);
	genlmsg_end(skb, header);
	return genlmsg_unicast(&init_net, skb, bench.port);
}

static int bench_device(u64 number, bool full, bool more)
{
	u8 *slot = bench.slots + bench.head % BENCH_SLOTS * bench.size;

	if (bench.head - READ_ONCE(bench.tail) == BENCH_SLOTS)
		return -EAGAIN;
	bench_fill(slot, bench.size, number, full);
	spin_lock(&bench.lock);
	bench.head++;
	spin_unlock(&bench.lock);
	if (!more && wq_has_sleeper(&bench.readers))
		wake_up_interruptible(&bench.readers);
	return 0;
}

static int bench_eventfd(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(bench.eventfd, 1);
#else
	eventfd_signal(bench.eventfd);
#endif
	return 0;
}

static int bench_send_one(const struct bench_send *send, u64 number, bool more)
{
	bool full = send->flags & BENCH_FULL;

	switch (send->way) {
	case BENCH_POST:
		return bench_post(number, full, more);
	case BENCH_PULSE:
		return stplr_source_pulse(bench.source, BENCH_PRIORITY, 1, number);
	case BENCH_RING:
		return bench_ring(number, full, more);
	case BENCH_NETLINK_UNICAST:
		return bench_netlink(number, full);
	case BENCH_GENETLINK:
		return bench_genetlink(number, full);
	case BENCH_DEVICE:
		return bench_device(number, full, more);
	case BENCH_EVENTFD:
		return bench_eventfd();
	}
	return 0;
}

static bool bench_ready(u32 way)
{
	switch (way) {
	case BENCH_NOTHING:
		return true;
	case BENCH_POST:
		return bench.link;
	case BENCH_PULSE:
		return bench.source;
	case BENCH_RING:
		return bench.end;
	case BENCH_NETLINK_UNICAST:
	case BENCH_GENETLINK:
		return bench.port;
	case BENCH_DEVICE:
		return bench.slots;
	case BENCH_EVENTFD:
		return bench.eventfd;
	}
	return false;
}

static long bench_send(struct bench_send __user *arg)
{
	struct bench_send send;
	int err = 0;
	u64 start;
	u32 i;

	if (copy_from_user(&send, arg, sizeof(send)))
		return -EFAULT;
	if (send.count > BENCH_SLOTS || !bench_ready(send.way))
		return -EINVAL;
	mutex_lock(&bench.sending);
	start = ktime_get_ns();
	for (i = 0; i < send.count && !err; i++)
		err = bench_send_one(&send, send.number + i,
				     send.flags & BENCH_BATCH && i + 1 < send.count);
	send.ns = ktime_get_ns() - start;
	mutex_unlock(&bench.sending);
	if (err > 0)
		err = 0;
	if (!err && send.flags & BENCH_AWAIT)
		err = wait_for_completion_killable(&bench.acked);
	return copy_to_user(arg, &send, sizeof(send)) ? -EFAULT : err;
}

/* From the program */

/* As most drivers would: what has one length is a structure, and longer things have a place. */
static int bench_receive_short(struct stplr_request *request)
{
	struct {
		u8 bytes[BENCH_SHORT];
	} message;
	u64 number = bench.expected;
	ssize_t n;
	int err;

	n = stplr_request_read(request, 0, &message, sizeof(message));
	if (n < 0)
		return n;
	err = bench_came(&message, n);
	if (err || !request->room)
		return err;
	bench_fill(&message, sizeof(message), ~number, bench.full);
	n = stplr_request_write(request, 0, &message, sizeof(message));
	return n < 0 ? n : 0;
}

static int bench_receive(struct stplr_request *request)
{
	u64 number = bench.expected;
	ssize_t n;
	int err;

	if (request->len != bench.size)
		return -EMSGSIZE;
	if (request->len == BENCH_SHORT)
		return bench_receive_short(request);
	n = stplr_request_read(request, 0, bench.bytes, request->len);
	if (n < 0)
		return n;
	err = bench_came(bench.bytes, n);
	if (err || !request->room)
		return err;
	bench_fill(bench.bytes, n, ~number, bench.full);
	n = stplr_request_write(request, 0, bench.bytes, n);
	return n < 0 ? n : 0;
}

static const struct stplr_server_ops bench_server_ops = {
	.owner = THIS_MODULE,
	.receive = bench_receive,
};

static void bench_netlink_input(struct sk_buff *skb)
{
	const struct nlmsghdr *header = nlmsg_hdr(skb);

	if (skb->len >= NLMSG_HDRLEN && header->nlmsg_len <= skb->len &&
	    header->nlmsg_len >= NLMSG_HDRLEN)
		bench_came(nlmsg_data(header), nlmsg_len(header));
}

static int bench_genetlink_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *attribute = info->attrs[BENCH_ATTRIBUTE];

	return attribute ? bench_came(nla_data(attribute), nla_len(attribute)) : -EINVAL;
}

static const struct nla_policy bench_policy[BENCH_ATTRIBUTE + 1] = {
	[BENCH_ATTRIBUTE] = { .type = NLA_BINARY },
};

static const struct genl_small_ops bench_genl_ops[] = {
	{ .cmd = BENCH_COMMAND, .doit = bench_genetlink_doit },
};

static struct genl_family bench_family = {
	.name = BENCH_FAMILY,
	.version = 1,
	.maxattr = BENCH_ATTRIBUTE,
	.policy = bench_policy,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.small_ops = bench_genl_ops,
	.n_small_ops = ARRAY_SIZE(bench_genl_ops),
	.resv_start_op = BENCH_COMMAND + 1,
};

static ssize_t bench_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	int err;

	if (!bench.bytes || len != bench.size)
		return -EINVAL;
	if (copy_from_user(bench.bytes, from, len))
		return -EFAULT;
	err = bench_came(bench.bytes, len);
	return err ?: len;
}

/* What the program has written into the ring. */
static int bench_drain(u32 count)
{
	struct stplr_ring_record record;
	const void *bytes;
	int err;

	for (; count; count--) {
		bytes = stplr_ring_peek(bench.end, &record);
		if (IS_ERR(bytes))
			return PTR_ERR(bytes);
		err = bench_came(bytes, record.len);
		if (!err)
			err = stplr_ring_release(bench.end, STPLR_RING_TELL_WANTED);
		if (err)
			return err;
	}
	return 0;
}

static long bench_expect(struct bench_expect __user *arg)
{
	struct bench_expect expect;
	u64 start;
	int err;

	if (copy_from_user(&expect, arg, sizeof(expect)))
		return -EFAULT;
	if (expect.count && !bench.end)
		return -EINVAL;
	mutex_lock(&bench.sending);
	bench.expected = expect.number;
	bench.full = expect.flags & BENCH_FULL;
	start = ktime_get_ns();
	err = bench_drain(expect.count);
	expect.ns = ktime_get_ns() - start;
	expect.received = bench.received;
	expect.wrong = bench.wrong;
	mutex_unlock(&bench.sending);
	return copy_to_user(arg, &expect, sizeof(expect)) ? -EFAULT : err;
}

/* To who reads the device: a message each. */
static ssize_t bench_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	ssize_t result;

	if (!bench.slots || len < bench.size)
		return -EINVAL;
	if (mutex_lock_interruptible(&bench.reading))
		return -ERESTARTSYS;
	result = wait_event_interruptible(bench.readers, READ_ONCE(bench.head) != bench.tail);
	if (!result && copy_to_user(to, bench.slots + bench.tail % BENCH_SLOTS * bench.size,
				    bench.size))
		result = -EFAULT;
	if (!result) {
		spin_lock(&bench.lock);
		bench.tail++;
		spin_unlock(&bench.lock);
		result = bench.size;
	}
	mutex_unlock(&bench.reading);
	return result;
}

/* Setting up */

static int bench_open_link(const struct bench_set_up *set_up)
{
	const struct stplr_link_params params = {
		.name = set_up->name,
		.module = THIS_MODULE,
		.deadline = STPLR_DEADLINE_POLL,
		.posts = BENCH_SLOTS,
		.post_max = set_up->size,
	};
	struct stplr_link *link = stplr_link_open(&params, NULL, NULL);

	if (IS_ERR(link))
		return PTR_ERR(link);
	bench.link = link;
	return 0;
}

static int bench_open_ring(const struct bench_set_up *set_up)
{
	u32 pages = roundup_pow_of_two(max_t(u64, PAGE_SIZE,
					     (u64)BENCH_SLOTS * (set_up->size + 16))) / PAGE_SIZE;
	const struct stplr_rings_params params = {
		.module = THIS_MODULE,
		.name = set_up->name,
		.rings = 1,
		.out_pages = pages,
		.in_pages = pages,
	};
	struct stplr_ring_end *end;
	struct stplr_rings *set;

	set = stplr_rings_create(&params);
	if (IS_ERR(set))
		return PTR_ERR(set);
	end = stplr_ring_open(set, 0, NULL, NULL);
	if (IS_ERR(end)) {
		stplr_rings_destroy(set);
		return PTR_ERR(end);
	}
	bench.set = set;
	bench.end = end;
	return 0;
}

static int bench_open_server(const struct bench_set_up *set_up)
{
	const struct stplr_server_params params = { .name = set_up->name };
	struct stplr_server *server = stplr_server_create(&params, &bench_server_ops, NULL);

	if (IS_ERR(server))
		return PTR_ERR(server);
	bench.server = server;
	return 0;
}

static int bench_open_source(int fd)
{
	struct stplr_source *source = stplr_source_get(fd);

	if (IS_ERR(source))
		return PTR_ERR(source);
	bench.source = source;
	return 0;
}

static int bench_open_eventfd(int fd)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(fd);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	bench.eventfd = eventfd;
	return 0;
}

static int bench_open_slots(void)
{
	bench.slots = kvcalloc(BENCH_SLOTS, bench.size, GFP_KERNEL);
	return bench.slots ? 0 : -ENOMEM;
}

static int bench_open_way(struct bench_set_up *set_up)
{
	lockdep_assert_held(&bench.setting);
	if (bench.bytes)
		return -EBUSY;
	bench.bytes = kvzalloc(set_up->size, GFP_KERNEL);
	if (!bench.bytes)
		return -ENOMEM;
	bench.size = set_up->size;
	switch (set_up->way) {
	case BENCH_POST:
		return bench_open_link(set_up);
	case BENCH_PULSE:
		return bench_open_source(set_up->value);
	case BENCH_RING:
		return bench_open_ring(set_up);
	case BENCH_NETLINK_UNICAST:
	case BENCH_GENETLINK:
		bench.port = set_up->value;
		set_up->value = bench_family.id;
		return 0;
	case BENCH_DEVICE:
		return bench_open_slots();
	case BENCH_EVENTFD:
		return bench_open_eventfd(set_up->value);
	case BENCH_SERVER:
		return bench_open_server(set_up);
	}
	return 0;
}

static long bench_set_up(struct bench_set_up __user *arg)
{
	struct bench_set_up set_up;
	int err;

	if (copy_from_user(&set_up, arg, sizeof(set_up)))
		return -EFAULT;
	if (set_up.size < 2 * sizeof(u64) || set_up.size > BENCH_SIZE_MAX)
		return -EINVAL;
	set_up.name[sizeof(set_up.name) - 1] = 0;
	mutex_lock(&bench.setting);
	err = bench_open_way(&set_up);
	mutex_unlock(&bench.setting);
	return !err && copy_to_user(arg, &set_up, sizeof(set_up)) ? -EFAULT : err;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case BENCH_SEND:
		return bench_send(uarg);
	case BENCH_EXPECT:
		return bench_expect(uarg);
	case BENCH_ACK:
		complete(&bench.acked);
		return 0;
	case BENCH_SET_UP:
		return bench_set_up(uarg);
	default:
		return -ENOTTY;
	}
}

static int bench_open(struct inode *inode, struct file *file)
{
	if (atomic_cmpxchg(&bench_opened, 0, 1))
		return -EBUSY;
	memset(&bench, 0, sizeof(bench));
	mutex_init(&bench.setting);
	mutex_init(&bench.sending);
	mutex_init(&bench.reading);
	spin_lock_init(&bench.lock);
	init_waitqueue_head(&bench.readers);
	init_completion(&bench.acked);
	return 0;
}

static int bench_release(struct inode *inode, struct file *file)
{
	stplr_link_close(bench.link);
	stplr_server_put(bench.server);
	if (bench.source)
		stplr_source_put(bench.source);
	if (bench.end)
		stplr_ring_close(bench.end);
	if (bench.set)
		stplr_rings_destroy(bench.set);
	if (bench.eventfd)
		eventfd_ctx_put(bench.eventfd);
	kvfree(bench.slots);
	kvfree(bench.bytes);
	atomic_set(&bench_opened, 0);
	return 0;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_release,
	.read = bench_read,
	.write = bench_write,
	.unlocked_ioctl = bench_ioctl,
};

static struct miscdevice bench_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "stplr-bench",
	.fops = &bench_fops,
	.mode = 0600,
};

static int __init bench_init(void)
{
	struct netlink_kernel_cfg config = { .input = bench_netlink_input };
	int err;

	bench_socket = netlink_kernel_create(&init_net, BENCH_NETLINK, &config);
	if (!bench_socket)
		return -ENOMEM;
	err = genl_register_family(&bench_family);
	if (err)
		goto release_socket;
	err = misc_register(&bench_misc);
	if (err)
		goto unregister_family;
	return 0;

unregister_family:
	genl_unregister_family(&bench_family);
release_socket:
	netlink_kernel_release(bench_socket);
	return err;
}

static void __exit bench_exit(void)
{
	misc_deregister(&bench_misc);
	genl_unregister_family(&bench_family);
	netlink_kernel_release(bench_socket);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("The kernel's side of stplr-bench kernel");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
