// SPDX-License-Identifier: MIT
/* MsgReceive() and MsgReceivePulse(), with vectors and without */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/uio.h>

#include "bytes.h"
#include "cancel.h"
#include "channels.h"
#include "coid.h"
#include "priority.h"
#include "rcvid.h"
#include "request.h"
#include "result.h"
#include "stplr.h"
#include "thread.h"
#include "timeout.h"
#include "timer.h"

/* The bytes of a pulse, wherever in the program's buffers they lie. */
static void copy_pulse(struct stplr_pulse *pulse, const struct stplr_buffer *buffer, bool vector,
		       bool store)
{
	size_t parts;
	iov_t whole;
	const iov_t *iov = parts_of(buffer, vector, &whole, &parts);

	vector_copy(iov, parts, pulse, sizeof(*pulse), store);
}

/* No message was received, but something that concerns nobody. */
#define RECEIVE_AGAIN (-ERESTART)

/*
 * A pulse that names a request: it is received instead. A thread that takes only pulses has no use
 * for it, and who has sent it may try again.
 */
static int receive_request(int rcvid, const struct stplr_msg_receive *args, struct _msg_info *info)
{
	size_t parts;
	iov_t whole;
	const iov_t *iov =
		parts_of(&args->buffer, args->flags & STPLR_RECEIVE_VECTOR, &whole, &parts);
	int ret;

	if (args->flags & STPLR_RECEIVE_PULSE) {
		request_end(rcvid, EAGAIN);
		return RECEIVE_AGAIN;
	}
	ret = request_receive(rcvid, iov, parts, info);
	return ret < 0 ? RECEIVE_AGAIN : ret;
}

/* The kernel's numbers in a pulse become this library's. 0; or what was received instead. */
static int take_pulse(struct channel *channel, const struct stplr_msg_receive *args,
		      struct _msg_info *info)
{
	bool vector = args->flags & STPLR_RECEIVE_VECTOR;
	struct stplr_pulse pulse;
	union sigval value;

	copy_pulse(&pulse, &args->buffer, vector, false);
	if (pulse.code == PULSE_REQUEST)
		return receive_request((int)pulse.value, args, info);
	if (pulse.code == PULSE_REQUEST_UNBLOCK) {
		if (!request_waits((int)pulse.value))
			return RECEIVE_AGAIN;
		pulse.code = _PULSE_CODE_UNBLOCK;
		copy_pulse(&pulse, &args->buffer, vector, true);
		return 0;
	}
	if (pulse.scoid)
		pulse.scoid |= SCOID_MARK;
	if (pulse.code == _PULSE_CODE_UNBLOCK &&
	    channel->flags & (_NTO_CHF_UNBLOCK | _NTO_CHF_UNBLOCK_TIMER)) {
		memset(&value, 0, sizeof(value));
		value.sival_int = rcvid_of(channel, (int32_t)pulse.value);
		memcpy(&pulse.value, &value, sizeof(value));
	}
	copy_pulse(&pulse, &args->buffer, vector, true);
	return 0;
}

static ssize_t length(uint64_t len)
{
	return (ssize_t)(len > INT64_MAX ? INT64_MAX : len);
}

static void translate_info(struct _msg_info *info, const struct stplr_msg_info *from, int chid)
{
	memset(info, 0, sizeof(*info));
	info->pid = from->pid;
	info->tid = from->tid;
	info->chid = chid;
	info->scoid = from->scoid ? (int32_t)(from->scoid | SCOID_MARK) : 0;
	info->coid = (int32_t)from->coid;
	info->priority = (int16_t)priority_from_kernel(from->priority);
	if (from->flags & STPLR_INFO_UNBLOCK)
		info->flags |= _NTO_MI_UNBLOCK_REQ;
	info->msglen = length(from->len);
	info->srcmsglen = length(from->src_len);
	info->dstmsglen = length(from->dst_len);
}

/* The receive itself; with a timeout that notifies, a timer runs meanwhile. */
static int receive_timed(struct channel *channel, struct stplr_msg_receive *args,
			 const struct timeout *timeout)
{
	timer_t timer;
	int ret, state;

	if (timeout->receive == STPLR_DEADLINE_NONE ||
	    SIGEV_GET_TYPE(&timeout->notify) == SIGEV_UNBLOCK) {
		args->deadline = timeout->receive;
		args->clock = (uint32_t)timeout->clock;
		return result_of(cancellable_receive(channel->fd, args));
	}
	ret = timer_start(timeout, timeout->receive, &timer);
	if (ret)
		return ret;
	ret = result_of(cancellable_receive(channel->fd, args));
	/* not to be cancelled with a message that nobody knows of yet */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	timer_end(timer);
	pthread_setcancelstate(state, NULL);
	return ret;
}

/*
 * A pulse is the next to be received, and there is no room for it. In the kernel it stays; on QNX
 * it is gone, and so who goes on after the error receives what is behind it.
 */
static int drop_pulse(struct channel *channel)
{
	struct stplr_pulse pulse;
	struct stplr_msg_receive args = {
		.buffer = bytes_at(&pulse, sizeof(pulse)),
		.deadline = STPLR_DEADLINE_POLL,
		.flags = STPLR_RECEIVE_PULSE,
	};

	if (!stplr_msg_receive(channel->fd, &args) && pulse.code == PULSE_REQUEST)
		request_end((int)pulse.value, EFAULT);
	return -EFAULT;
}

static int receive(int chid, struct stplr_buffer buffer, unsigned flags, struct _msg_info *info)
{
	struct stplr_msg_receive args = {
		.buffer = buffer,
		.deadline = STPLR_DEADLINE_NONE,
		.flags = flags,
	};
	struct timeout timeout;
	int ret, saved = errno;
	bool timed;
	AUTO_CHANNEL channel = channel_get(chid);

	if (!channel) {
		timeout_clear();
		return -ESRCH;
	}
	thread_seen();
	timed = timeout_take(&timeout);
	do {
		ret = timed ? receive_timed(channel, &args, &timeout)
			    : result_of(cancellable_receive(channel->fd, &args));
		if (ret == -EMSGSIZE)
			ret = drop_pulse(channel);
		errno = saved;
		if (ret)
			return ret;
		if (info)
			translate_info(info, &args.info, chid);
		if (args.info.kind != STPLR_KIND_PULSE)
			break;
		ret = take_pulse(channel, &args, info);
		if (ret != RECEIVE_AGAIN)
			return ret;
	} while (true);
	ret = rcvid_add(channel, &args.info);
	if (ret < 0) {
		struct stplr_msg_reply refusal = {.rcvid = args.info.rcvid, .error = EAGAIN};

		stplr_msg_reply(channel->fd, &refusal);
		errno = saved;
	}
	return ret;
}

rcvid_t MsgReceive_r(int chid, void *msg, size_t bytes, struct _msg_info *info)
{
	return receive(chid, bytes_at(msg, bytes), 0, info);
}

rcvid_t MsgReceive(int chid, void *msg, size_t bytes, struct _msg_info *info)
{
	return outcome(MsgReceive_r(chid, msg, bytes, info));
}

rcvid_t MsgReceivev_r(int chid, const iov_t *iov, size_t parts, struct _msg_info *info)
{
	return receive(chid, bytes_at(iov, parts), STPLR_RECEIVE_VECTOR, info);
}

rcvid_t MsgReceivev(int chid, const iov_t *iov, size_t parts, struct _msg_info *info)
{
	return outcome(MsgReceivev_r(chid, iov, parts, info));
}

int MsgReceivePulse_r(int chid, void *pulse, size_t bytes, struct _msg_info *info)
{
	return receive(chid, bytes_at(pulse, bytes), STPLR_RECEIVE_PULSE, info);
}

int MsgReceivePulse(int chid, void *pulse, size_t bytes, struct _msg_info *info)
{
	return outcome(MsgReceivePulse_r(chid, pulse, bytes, info));
}

int MsgReceivePulsev_r(int chid, const iov_t *iov, size_t parts, struct _msg_info *info)
{
	return receive(chid, bytes_at(iov, parts), STPLR_RECEIVE_PULSE | STPLR_RECEIVE_VECTOR,
		       info);
}

int MsgReceivePulsev(int chid, const iov_t *iov, size_t parts, struct _msg_info *info)
{
	return outcome(MsgReceivePulsev_r(chid, iov, parts, info));
}

int MsgInfo_r(rcvid_t rcvid, struct _msg_info *info)
{
	struct received received;
	struct stplr_msg_info answer;
	struct _msg_info translated;
	struct iovec from = {&translated, sizeof(translated)}, to = {info, sizeof(*info)};
	int ret = rcvid_find(rcvid, &received), saved = errno;

	timeout_clear();
	if (ret) {
		ret = request_info(rcvid, &translated);
	} else {
		ret = result_of(stplr_msg_info(received.channel->fd, received.rcvid, &answer));
		if (!ret)
			translate_info(&translated, &answer, received.channel->chid);
		channel_put(received.channel);
	}
	/* a bad address is an error, as in QNX, where this is a kernel call */
	if (!ret && process_vm_writev(getpid(), &from, 1, &to, 1, 0) != sizeof(translated))
		ret = -EFAULT;
	errno = saved;
	return ret;
}

int MsgInfo(rcvid_t rcvid, struct _msg_info *info)
{
	return outcome(MsgInfo_r(rcvid, info));
}
