// SPDX-License-Identifier: MIT
/*
 * pulse_device PATH [MS]: a device whose readers wait for pulses
 *
 * Each line that is written becomes a pulse, and so does each tick of a timer every MS
 * milliseconds. A pulse gives its line to the reader that has waited longest; without one it is
 * kept for the next. Several threads serve the device, so a mutex guards what they share.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <time.h>

/* An open file that knows whether its reader waits. */
struct ocb;
#define IOFUNC_OCB_T struct ocb
#define THREAD_POOL_PARAM_T dispatch_context_t
#include <sys/dispatch.h>
#include <sys/iofunc.h>

#define LINES 64
#define LINE 64
#define READERS 64

struct ocb {
	iofunc_ocb_t base;
	int waiting; /* its reads that wait */
};

struct reader {
	int rcvid;
	struct ocb *ocb;
	size_t room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static char lines[LINES][LINE];
static unsigned first, nr_lines;
static struct reader readers[READERS];
static unsigned nr_readers;
static iofunc_notify_t notify[3];

static int coid, code_line, code_tick;

static struct ocb *ocb_calloc(resmgr_context_t *ctp, IOFUNC_ATTR_T *attr)
{
	(void)ctp;
	(void)attr;
	return calloc(1, sizeof(struct ocb));
}

static void ocb_free(struct ocb *ocb)
{
	free(ocb);
}

/* With the lock: lines go to readers as long as there are both. */
static void serve_readers(void)
{
	while (nr_lines && nr_readers) {
		struct reader reader = readers[0];
		char *line = lines[first % LINES];
		size_t n = strlen(line);

		memmove(readers, readers + 1, --nr_readers * sizeof(*readers));
		reader.ocb->waiting--;
		if (n > reader.room)
			n = reader.room;
		/* who has gone meanwhile does not take it away */
		if (MsgReply(reader.rcvid, (long)n, line, n) == -1)
			continue;
		first++;
		nr_lines--;
	}
}

static void add_line(const char *text)
{
	if (nr_lines < LINES)
		snprintf(lines[(first + nr_lines++) % LINES], LINE, "%s", text);
	serve_readers();
	if (nr_lines && IOFUNC_NOTIFY_INPUT_CHECK(notify, (int)nr_lines, 0))
		iofunc_notify_trigger(notify, (int)nr_lines, IOFUNC_NOTIFY_INPUT);
}

static int on_line(message_context_t *ctp, int code, unsigned flags, void *handle)
{
	char *text = ctp->msg->pulse.value.sival_ptr;

	(void)code;
	(void)flags;
	(void)handle;
	pthread_mutex_lock(&lock);
	add_line(text);
	pthread_mutex_unlock(&lock);
	free(text);
	return 0;
}

static int on_tick(message_context_t *ctp, int code, unsigned flags, void *handle)
{
	static unsigned count;
	char text[LINE];

	(void)ctp;
	(void)code;
	(void)flags;
	(void)handle;
	pthread_mutex_lock(&lock);
	snprintf(text, sizeof(text), "tick %u\n", ++count);
	add_line(text);
	pthread_mutex_unlock(&lock);
	return 0;
}

/* With the lock: whether it waited. */
static bool forget_reader(int rcvid, RESMGR_OCB_T *ocb)
{
	unsigned i;

	for (i = 0; i < nr_readers; i++) {
		if (readers[i].rcvid != rcvid)
			continue;
		nr_readers--;
		memmove(readers + i, readers + i + 1, (nr_readers - i) * sizeof(*readers));
		ocb->waiting--;
		return true;
	}
	return false;
}

static bool wants_to_go(int rcvid)
{
	struct _msg_info info;

	return MsgInfo(rcvid, &info) != -1 && info.flags & _NTO_MI_UNBLOCK_REQ;
}

static int io_read(resmgr_context_t *ctp, io_read_t *msg, RESMGR_OCB_T *ocb)
{
	int status, nonblock;

	if ((status = iofunc_read_verify(ctp, msg, (iofunc_ocb_t *)ocb, &nonblock)) != EOK)
		return status;
	if ((msg->i.xtype & _IO_XTYPE_MASK) != _IO_XTYPE_NONE)
		return ENOSYS;
	pthread_mutex_lock(&lock);
	status = _RESMGR_NOREPLY;
	if (!nr_lines && nonblock) {
		status = EAGAIN;
	} else if (nr_readers == READERS) {
		status = EBUSY;
	} else {
		readers[nr_readers++] = (struct reader){ctp->rcvid, ocb, (size_t)msg->i.nbytes};
		ocb->waiting++;
		serve_readers();
		/* another thread may have had the pulse that says so before there was a reader */
		if (wants_to_go(ctp->rcvid) && forget_reader(ctp->rcvid, ocb))
			status = EINTR;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

static int io_write(resmgr_context_t *ctp, io_write_t *msg, RESMGR_OCB_T *ocb)
{
	size_t n = (size_t)msg->i.nbytes;
	char *text;
	int status;

	if ((status = iofunc_write_verify(ctp, msg, (iofunc_ocb_t *)ocb, NULL)) != EOK)
		return status;
	if (n >= LINE)
		n = LINE - 1;
	text = calloc(1, LINE);
	if (!text)
		return ENOMEM;
	if (resmgr_msgread(ctp, text, n, sizeof(msg->i)) == -1 ||
	    MsgSendPulsePtr(coid, -1, code_line, text) == -1) {
		status = errno;
		free(text);
		return status;
	}
	_IO_SET_WRITE_NBYTES(ctp, n);
	return EOK;
}

/* A reader was hit by a signal. One that is not known yet looks for that itself, see io_read(). */
static int io_unblock(resmgr_context_t *ctp, io_pulse_t *msg, RESMGR_OCB_T *ocb)
{
	int status;

	(void)msg;
	pthread_mutex_lock(&lock);
	status = forget_reader(ctp->rcvid, ocb) ? EINTR : _RESMGR_NOREPLY;
	pthread_mutex_unlock(&lock);
	return status;
}

static int io_notify(resmgr_context_t *ctp, io_notify_t *msg, RESMGR_OCB_T *ocb)
{
	int trigger = (int)_NOTIFY_COND_OUTPUT, status;

	(void)ocb;
	pthread_mutex_lock(&lock);
	if (nr_lines)
		trigger |= (int)_NOTIFY_COND_INPUT;
	status = iofunc_notify(ctp, msg, notify, trigger, NULL, NULL);
	pthread_mutex_unlock(&lock);
	return status;
}

static int io_close_ocb(resmgr_context_t *ctp, void *reserved, RESMGR_OCB_T *ocb)
{
	iofunc_notify_remove(ctp, notify);
	return iofunc_close_ocb_default(ctp, reserved, (iofunc_ocb_t *)ocb);
}

static int start_timer(dispatch_t *dpp, const char *ms)
{
	long ns = atol(ms) * 1000000;
	struct itimerspec time = {{ns / 1000000000, ns % 1000000000},
				  {ns / 1000000000, ns % 1000000000}};
	struct sigevent event;
	timer_t timer;

	code_tick = pulse_attach(dpp, MSG_FLAG_ALLOC_PULSE, 0, on_tick, NULL);
	SIGEV_PULSE_INIT(&event, coid, SIGEV_PULSE_PRIO_INHERIT, code_tick, 0);
	return code_tick == -1 || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
			       timer_settime(timer, 0, &time, NULL)
		       ? -1
		       : 0;
}

int main(int argc, char *argv[])
{
	static iofunc_funcs_t ocb_funcs = {_IOFUNC_NFUNCS, ocb_calloc, ocb_free};
	static iofunc_mount_t mount = {.funcs = &ocb_funcs};
	static resmgr_connect_funcs_t connect_funcs;
	static resmgr_io_funcs_t io_funcs;
	static iofunc_attr_t attr;
	thread_pool_attr_t pool_attr;
	thread_pool_t *pool;
	dispatch_t *dpp;

	if (argc < 2) {
		fprintf(stderr, "Usage: %s PATH [MS]\n", argv[0]);
		return EXIT_FAILURE;
	}
	dpp = dispatch_create();
	if (!dpp) {
		perror("dispatch_create");
		return EXIT_FAILURE;
	}
	iofunc_func_init(_RESMGR_CONNECT_NFUNCS, &connect_funcs, _RESMGR_IO_NFUNCS, &io_funcs);
	io_funcs.read = io_read;
	io_funcs.write = io_write;
	io_funcs.unblock = io_unblock;
	io_funcs.notify = io_notify;
	io_funcs.close_ocb = io_close_ocb;
	iofunc_attr_init(&attr, S_IFNAM | 0666, NULL, NULL);
	attr.mount = &mount;
	IOFUNC_NOTIFY_INIT(notify);

	if (resmgr_attach(dpp, NULL, argv[1], _FTYPE_ANY, 0, &connect_funcs, &io_funcs, &attr) ==
	    -1) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	code_line = pulse_attach(dpp, MSG_FLAG_ALLOC_PULSE, 0, on_line, NULL);
	coid = message_connect(dpp, MSG_FLAG_SIDE_CHANNEL);
	if (code_line == -1 || coid == -1 || (argc > 2 && start_timer(dpp, argv[2]))) {
		perror("pulses");
		return EXIT_FAILURE;
	}

	memset(&pool_attr, 0, sizeof(pool_attr));
	pool_attr.handle = dpp;
	pool_attr.context_alloc = dispatch_context_alloc;
	pool_attr.context_free = dispatch_context_free;
	pool_attr.block_func = dispatch_block;
	pool_attr.unblock_func = dispatch_unblock;
	pool_attr.handler_func = dispatch_handler;
	pool_attr.lo_water = 2;
	pool_attr.hi_water = 4;
	pool_attr.increment = 1;
	pool_attr.maximum = 8;
	pool = thread_pool_create(&pool_attr, POOL_FLAG_EXIT_SELF);
	if (!pool) {
		perror("thread_pool_create");
		return EXIT_FAILURE;
	}
	printf("%s is there\n", argv[1]);
	fflush(stdout);
	thread_pool_start(pool);
	return EXIT_SUCCESS;
}
