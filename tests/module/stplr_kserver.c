// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that serves, for tests: /dev/stplr-kserver, see stplr_kserver.h. Each open file is a
 * server of its own. A message is given back as it came, unless it begins with a struct
 * kserver_message.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stplr_kernel.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "stplr_kserver.h"

#define KSERVER_THREADS 4

/**
 * struct kserver - one server
 * @server: itself, or NULL
 * @create: how it was made
 * @lock: guards @state
 * @state: what it has seen
 * @released: what sleeps goes on
 * @sleepers: that sleep
 * @ended: no operation may run
 * @threads: those that receive, or NULL
 */
struct kserver {
	struct stplr_server *server;
	struct kserver_create create;
	spinlock_t lock; /* see above */
	struct kserver_state state;
	bool released;
	wait_queue_head_t sleepers;
	bool ended;
	struct task_struct *threads[KSERVER_THREADS];
};

/* The one that goes on without a file. */
static struct kserver *kserver_left;
static DEFINE_MUTEX(kserver_left_mutex);

#define KSERVER_MARK 0x5ca1ab1e

/* What a client's data points to while it is attached. */
struct kserver_client {
	unsigned int mark;
	struct kserver *kserver;
};

static void kserver_expect(struct kserver *kserver, bool right, const char *what)
{
	if (right)
		return;
	pr_err("wrong: %s\n", what);
	spin_lock(&kserver->lock);
	kserver->state.wrong++;
	spin_unlock(&kserver->lock);
}

static void kserver_expect_client(struct kserver *kserver, const struct stplr_attached *attached)
{
	const struct kserver_client *client = attached->data;

	kserver_expect(kserver, !READ_ONCE(kserver->ended), "an operation after the end");
	kserver_expect(kserver, client && client->mark == KSERVER_MARK &&
		       client->kserver == kserver, "a client that is not attached");
}

static int kserver_attach(struct stplr_server *server, struct stplr_attached *attached)
{
	struct kserver *kserver = stplr_server_data(server);
	struct kserver_client *client;

	if (kserver->create.attach_error)
		return -kserver->create.attach_error;
	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return -ENOMEM;
	client->mark = KSERVER_MARK;
	client->kserver = kserver;
	kserver_expect(kserver, !attached->data, "attached twice");
	kserver_expect(kserver, !attached->pid || attached->pid == task_tgid(current),
		       "another process");
	kserver_expect(kserver, uid_eq(attached->cred->euid,
				       attached->pid ? current_euid() : GLOBAL_ROOT_UID),
		       "another user");
	attached->data = client;
	spin_lock(&kserver->lock);
	kserver->state.attached++;
	kserver->state.attaches++;
	kserver->state.scoid = attached->scoid;
	kserver->state.pid = pid_nr(attached->pid);
	kserver->state.uid = __kuid_val(attached->cred->euid);
	spin_unlock(&kserver->lock);
	return 0;
}

static void kserver_detach(struct stplr_server *server, struct stplr_attached *attached)
{
	struct kserver *kserver = stplr_server_data(server);
	struct kserver_client *client = attached->data;

	kserver_expect_client(kserver, attached);
	client->mark = 0;
	kfree(client);
	attached->data = NULL;
	spin_lock(&kserver->lock);
	kserver->state.attached--;
	kserver->state.detaches++;
	spin_unlock(&kserver->lock);
}

static void kserver_pulse(struct stplr_server *server, struct stplr_attached *client, int priority,
			  s8 code, u64 value)
{
	struct kserver *kserver = stplr_server_data(server);

	might_sleep();
	kserver_expect_client(kserver, client);
	spin_lock(&kserver->lock);
	kserver->state.pulses++;
	kserver->state.code = code;
	kserver->state.value = value;
	kserver->state.priority = priority;
	spin_unlock(&kserver->lock);
}

/* Gives the message back, in pieces of @piece bytes, the last first. */
static int kserver_echo(struct stplr_request *request, size_t piece)
{
	size_t done = request->len;
	u8 small[256], *bytes = small;
	int err = 0;

	if (piece > sizeof(small)) {
		bytes = kvmalloc(piece, GFP_KERNEL);
		if (!bytes)
			return -ENOMEM;
	}
	do {
		size_t n = min(piece, done);
		ssize_t result = stplr_request_read(request, done - n, bytes, n);

		if (result >= 0)
			result = stplr_request_write(request, done - n, bytes, n);
		if (result < 0)
			err = result;
		done -= n;
	} while (!err && done);
	if (bytes != small)
		kvfree(bytes);
	return err;
}

struct kserver_answer {
	struct work_struct work;
	struct stplr_server *server;
	s32 rcvid;
	size_t len;
};

static void kserver_answer_work(struct work_struct *work)
{
	struct kserver_answer *answer = container_of(work, struct kserver_answer, work);
	ssize_t n = -ENOMEM;
	void *bytes;

	bytes = kvmalloc(answer->len, GFP_KERNEL);
	if (bytes)
		n = stplr_server_read(answer->server, answer->rcvid, 0, bytes, answer->len);
	stplr_server_reply(answer->server, answer->rcvid, n < 0 ? n : 7, bytes, max(n, 0L));
	kvfree(bytes);
	kfree(answer);
}

static struct workqueue_struct *kserver_wq;

static int kserver_keep(struct kserver *kserver, struct stplr_request *request)
{
	s32 rcvid = stplr_request_keep(request);

	if (rcvid < 0)
		return rcvid;
	kserver_expect(kserver, stplr_request_keep(request) == -EALREADY, "kept twice");
	spin_lock(&kserver->lock);
	kserver->state.rcvid = rcvid;
	spin_unlock(&kserver->lock);
	return rcvid;
}

static int kserver_answer(struct kserver *kserver, struct stplr_request *request)
{
	struct kserver_answer *answer = kzalloc(sizeof(*answer), GFP_KERNEL);
	int rcvid;

	if (!answer)
		return -ENOMEM;
	rcvid = kserver_keep(kserver, request);
	if (rcvid < 0) {
		kfree(answer);
		return rcvid;
	}
	answer->server = request->server;
	answer->rcvid = rcvid;
	answer->len = request->len;
	INIT_WORK(&answer->work, kserver_answer_work);
	queue_work(kserver_wq, &answer->work);
	return 0;
}

/* What lies beyond a message or its room, or cannot be. */
static int kserver_beyond(struct stplr_request *request)
{
	char bytes[8];

	if (stplr_request_read(request, request->len, bytes, 8) ||
	    stplr_request_read(request, SSIZE_MAX - 8, bytes, 8) ||
	    stplr_request_read(request, SIZE_MAX, bytes, 8) != -EINVAL ||
	    stplr_request_read(request, 0, bytes, SIZE_MAX) != -EINVAL ||
	    stplr_request_read(request, request->len - 1, bytes, 8) != 1 ||
	    stplr_request_read(request, 0, bytes, 0))
		return 1;
	memset(bytes, 'b', sizeof(bytes));
	if (stplr_request_write(request, request->room, bytes, 8) ||
	    stplr_request_write(request, SIZE_MAX, bytes, 8) != -EINVAL ||
	    stplr_request_write(request, 0, bytes, SIZE_MAX) != -EINVAL ||
	    stplr_request_write(request, 0, bytes, 0))
		return 2;
	if (request->room && stplr_request_write(request, request->room - 1, bytes, 8) != 1)
		return 3;
	return 0;
}

static int kserver_do(struct kserver *kserver, struct stplr_request *request,
		      const struct kserver_message *message)
{
	int err;

	switch (message->what) {
	case KSERVER_DO_RETURN:
		return message->value;
	case KSERVER_DO_PIECES:
		return kserver_echo(request, message->value);
	case KSERVER_DO_KEEP:
		err = request->len > sizeof(*message) ?
			      stplr_request_write(request, 0, "before", 6) :
			      0;
		if (err >= 0)
			err = kserver_keep(kserver, request);
		return err < 0 ? err : message->value;
	case KSERVER_DO_ANSWER:
		return kserver_answer(kserver, request);
	case KSERVER_DO_SLEEP:
		err = wait_event_interruptible(kserver->sleepers, READ_ONCE(kserver->released));
		return err ?: message->value;
	case KSERVER_DO_SLEEP_KILLABLE:
		err = wait_event_killable(kserver->sleepers, READ_ONCE(kserver->released));
		return err ? -EINTR : message->value;
	case KSERVER_DO_SHUTDOWN:
		return -stplr_server_shutdown(request->server);
	case KSERVER_DO_BEYOND:
		return kserver_beyond(request);
	default:
		return kserver_echo(request, request->len);
	}
}

static int kserver_receive(struct stplr_request *request)
{
	struct kserver *kserver = stplr_server_data(request->server);
	struct kserver_message message = {};
	ssize_t n;

	might_sleep();
	kserver_expect_client(kserver, request->client);
	spin_lock(&kserver->lock);
	kserver->state.receives++;
	kserver->state.running++;
	spin_unlock(&kserver->lock);

	n = stplr_request_read(request, 0, &message, sizeof(message));
	if (n >= 0)
		n = kserver_do(kserver, request, &message);

	spin_lock(&kserver->lock);
	kserver->state.running--;
	spin_unlock(&kserver->lock);
	return n;
}

/* As little as a driver can do. */
static int kserver_receive_bare(struct stplr_request *request)
{
	u8 bytes[256];
	ssize_t n = stplr_request_read(request, 0, bytes, sizeof(bytes));

	return n < 0 ? n : min(stplr_request_write(request, 0, bytes, n), 0L);
}

static const struct stplr_server_ops kserver_bare_ops = {
	.owner = THIS_MODULE,
	.receive = kserver_receive_bare,
};

static const struct stplr_server_ops kserver_ops = {
	.owner = THIS_MODULE,
	.receive = kserver_receive,
	.attach = kserver_attach,
	.detach = kserver_detach,
};

/* Answers one message, of which there are @n bytes at @bytes. */
static void kserver_thread_answer(struct stplr_server *server,
				  const struct stplr_received *received, const void *small,
				  size_t n)
{
	const struct kserver_message *message = small;
	ssize_t result = received->len;
	void *bytes;

	if (n >= sizeof(*message) && message->what == KSERVER_DO_RETURN) {
		stplr_server_reply(server, received->rcvid, message->value, NULL, 0);
		return;
	}
	bytes = kvmalloc(received->len, GFP_KERNEL);
	if (bytes)
		result = stplr_server_read(server, received->rcvid, 0, bytes, received->len);
	if (received->kind == STPLR_KIND_SEND_RECEIVE)
		stplr_server_reply(server, received->rcvid, bytes ? 0 : -ENOMEM, bytes,
				   bytes ? max(result, 0L) : 0);
	kvfree(bytes);
}

static int kserver_thread(void *data)
{
	struct kserver *kserver = data;
	struct stplr_received received;
	char bytes[64];
	ssize_t n;

	for (;;) {
		n = stplr_server_receive(kserver->server, STPLR_DEADLINE_NONE, bytes, sizeof(bytes),
					 &received);
		if (n < 0)
			break;
		spin_lock(&kserver->lock);
		if (received.kind == STPLR_KIND_PULSE) {
			kserver->state.pulses++;
			kserver->state.code = received.code;
			kserver->state.value = received.value;
			kserver->state.priority = received.priority;
		} else {
			kserver->state.receives++;
		}
		spin_unlock(&kserver->lock);
		if (received.kind != STPLR_KIND_PULSE)
			kserver_thread_answer(kserver->server, &received, bytes, n);
	}
	kserver_expect(kserver, n == -ESRCH, "a thread that ends for another reason");
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void kserver_threads_start(struct kserver *kserver)
{
	unsigned int i;

	for (i = 0; i < min_t(u32, kserver->create.threads, KSERVER_THREADS); i++) {
		struct task_struct *task = kthread_run(kserver_thread, kserver, "kserver/%u", i);

		if (!IS_ERR(task))
			kserver->threads[i] = task;
	}
}

/* After the shutdown, which they learn. */
static void kserver_threads_stop(struct kserver *kserver)
{
	unsigned int i;

	for (i = 0; i < KSERVER_THREADS; i++) {
		if (kserver->threads[i])
			kthread_stop(kserver->threads[i]);
	}
}

static long kserver_receive_here(struct kserver *kserver, struct kserver_receive __user *arg)
{
	struct stplr_received received = {};
	struct kserver_receive receive;
	long result;

	if (copy_from_user(&receive, arg, sizeof(receive)))
		return -EFAULT;
	result = stplr_server_receive(kserver->server, receive.deadline, receive.bytes,
				      min_t(size_t, receive.room, sizeof(receive.bytes)),
				      &received);
	receive.rcvid = received.rcvid;
	receive.kind = received.kind;
	receive.flags = received.flags;
	receive.priority = received.priority;
	receive.scoid = received.scoid;
	receive.coid = received.coid;
	receive.uid = __kuid_val(received.uid);
	receive.gid = __kgid_val(received.gid);
	receive.code = received.code;
	receive.value = received.value;
	receive.len = received.len;
	receive.dst_len = received.room;
	return copy_to_user(arg, &receive, sizeof(receive)) ? -EFAULT : result;
}

static const struct stplr_server_ops kserver_thread_ops = {
	.owner = THIS_MODULE,
	.attach = kserver_attach,
	.detach = kserver_detach,
};

static const struct stplr_server_ops kserver_pulse_ops = {
	.owner = THIS_MODULE,
	.receive = kserver_receive,
	.pulse = kserver_pulse,
	.attach = kserver_attach,
	.detach = kserver_detach,
};

static int kserver_create(struct kserver *kserver, const void __user *arg)
{
	struct kserver_create *create = &kserver->create;
	struct stplr_server_params params;
	struct stplr_server *server;

	if (kserver->server)
		return -EBUSY;
	if (copy_from_user(create, arg, sizeof(*create)))
		return -EFAULT;
	create->name[sizeof(create->name) - 1] = 0;
	params = (struct stplr_server_params){
		.device = create->device,
		.name = create->name,
		.mode = create->mode,
		.owner = KUIDT_INIT(create->owner),
		.group = KGIDT_INIT(create->group),
		.exclusive = create->exclusive,
		.message_max = create->message_max,
		.pending_max = create->pending_max,
	};
	server = stplr_server_create(&params, create->threads ? &kserver_thread_ops :
					      create->pulses ? &kserver_pulse_ops :
					      create->bare ? &kserver_bare_ops :
							     &kserver_ops,
				     kserver);
	if (IS_ERR(server))
		return PTR_ERR(server);
	kserver->server = server;
	if (create->threads <= KSERVER_THREADS)
		kserver_threads_start(kserver);
	return 0;
}

static void kserver_wake(struct kserver *kserver)
{
	WRITE_ONCE(kserver->released, true);
	wake_up_all(&kserver->sleepers);
}

static int kserver_shutdown(struct kserver *kserver)
{
	int err = stplr_server_shutdown(kserver->server);

	WRITE_ONCE(kserver->ended, true);
	return err;
}

static long kserver_reply(struct kserver *kserver, const void __user *arg)
{
	struct kserver_reply reply;
	char *bytes;
	long result;

	if (copy_from_user(&reply, arg, sizeof(reply)))
		return -EFAULT;
	bytes = kvmalloc(reply.len, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	memset(bytes, 'r', reply.len);
	result = stplr_server_reply(kserver->server, reply.rcvid, reply.status, bytes, reply.len);
	kvfree(bytes);
	return result;
}

static long kserver_data(struct kserver *kserver, struct kserver_data __user *arg, bool write)
{
	struct kserver_data data;
	long result;
	char *bytes;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	bytes = kvzalloc(max_t(size_t, data.len, sizeof(data.bytes)), GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	if (write) {
		memset(bytes, 'w', data.len);
		result = stplr_server_write(kserver->server, data.rcvid, data.offset, bytes,
					    data.len);
	} else {
		result = stplr_server_read(kserver->server, data.rcvid, data.offset, bytes,
					   data.len);
		if (copy_to_user(arg->bytes, bytes, sizeof(data.bytes)))
			result = -EFAULT;
	}
	kvfree(bytes);
	return result;
}

static struct kserver *kserver_new(void)
{
	struct kserver *kserver = kzalloc(sizeof(*kserver), GFP_KERNEL);

	if (!kserver)
		return NULL;
	spin_lock_init(&kserver->lock);
	init_waitqueue_head(&kserver->sleepers);
	return kserver;
}

static void kserver_free(struct kserver *kserver)
{
	if (!kserver)
		return;
	kserver_wake(kserver);
	if (kserver->server)
		kserver_shutdown(kserver);
	kserver_threads_stop(kserver);
	/* what was kept and is being answered: in vain, but by the server */
	flush_workqueue(kserver_wq);
	stplr_server_put(kserver->server);
	WARN_ON(kserver->state.attached || kserver->state.running || kserver->state.wrong);
	kfree(kserver);
}

static long kserver_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kserver *kserver = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct kserver_state state;

	if (cmd == KSERVER_CREATE)
		return kserver_create(kserver, uarg);
	if (cmd == KSERVER_ADOPT) {
		if (kserver->server)
			return -EBUSY;
		mutex_lock(&kserver_left_mutex);
		if (kserver_left) {
			file->private_data = kserver_left;
			kserver_left = NULL;
			kfree(kserver);
		}
		mutex_unlock(&kserver_left_mutex);
		return 0;
	}
	if (!kserver->server)
		return -ENOTCONN;
	switch (cmd) {
	case KSERVER_STATE:
		spin_lock(&kserver->lock);
		state = kserver->state;
		spin_unlock(&kserver->lock);
		return copy_to_user(uarg, &state, sizeof(state)) ? -EFAULT : 0;
	case KSERVER_REPLY:
		return kserver_reply(kserver, uarg);
	case KSERVER_READ:
		return kserver_data(kserver, uarg, false);
	case KSERVER_WRITE:
		return kserver_data(kserver, uarg, true);
	case KSERVER_RECEIVE:
		return kserver_receive_here(kserver, uarg);
	case KSERVER_RELEASE:
		kserver_wake(kserver);
		return 0;
	case KSERVER_SHUTDOWN:
		return kserver_shutdown(kserver);
	default:
		return -ENOTTY;
	}
}

static int kserver_open(struct inode *inode, struct file *file)
{
	file->private_data = kserver_new();
	return file->private_data ? 0 : -ENOMEM;
}

static int kserver_release(struct inode *inode, struct file *file)
{
	struct kserver *kserver = file->private_data;

	mutex_lock(&kserver_left_mutex);
	if (kserver->server && kserver->create.stays && !kserver->ended && !kserver_left) {
		kserver_left = kserver;
		kserver = NULL;
	}
	mutex_unlock(&kserver_left_mutex);
	kserver_free(kserver);
	return 0;
}

static const struct file_operations kserver_fops = {
	.owner = THIS_MODULE,
	.open = kserver_open,
	.release = kserver_release,
	.unlocked_ioctl = kserver_ioctl,
};

static struct miscdevice kserver_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "stplr-kserver",
	.fops = &kserver_fops,
	.mode = 0600,
};

static int __init kserver_init(void)
{
	int err;

	kserver_wq = alloc_workqueue("stplr-kserver", WQ_UNBOUND, 0);
	if (!kserver_wq)
		return -ENOMEM;
	err = misc_register(&kserver_device);
	if (err)
		destroy_workqueue(kserver_wq);
	return err;
}

static void __exit kserver_exit(void)
{
	misc_deregister(&kserver_device);
	kserver_free(kserver_left);
	destroy_workqueue(kserver_wq);
}

module_init(kserver_init);
module_exit(kserver_exit);

MODULE_DESCRIPTION("A driver that serves, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
