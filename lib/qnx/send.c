// SPDX-License-Identifier: MIT
/*
 * MsgSend() in its sixteen forms
 *
 * An error is kept apart from the status, which a server may choose as it likes.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>
#include <time.h>

#include "bytes.h"
#include "cancel.h"
#include "coid.h"
#include "file_send.h"
#include "send.h"
#include "stplr.h"
#include "thread.h"
#include "timeout.h"
#include "timer.h"
#include "verbose.h"

static bool passed(int64_t deadline, clockid_t clock)
{
	struct timespec time;

	if (deadline == STPLR_DEADLINE_NONE)
		return false;
	clock_gettime(clock, &time);
	return timespec2nsec(&time) >= (uint64_t)deadline;
}

/* Instead of an errno: the descriptor is no connection. */
#define NO_CONNECTION (-1)

/* Which error the program gets; not all are the kernel's, some the server has chosen. */
static int send_error(int fd, const struct stplr_msg_send *args, const iov_t *siov, size_t sparts)
{
	struct stplr_connect_info info;
	int error = errno;

	switch (error) {
	case ENOTTY: /* not a connection; but a server may say so, too */
		return !stplr_connect_info(fd, &info) || errno != ENOTTY ? ENOTTY : NO_CONNECTION;
	case ESRCH:
		/* Who was blocked as the server died has this error; who sends after that has
		 * EBADF. */
		if (!stplr_connect_info(fd, &info) && info.flags & STPLR_CONNECT_ENDED)
			stplr_connect_detach(fd);
		return ESRCH;
	case WIRE_UNBLOCKED:
		return passed(args->reply_deadline, (clockid_t)args->clock) ? ETIMEDOUT : EINTR;
	case EMSGSIZE:
		return siov && vector_len(siov, sparts) < 0 ? EOVERFLOW : EMSGSIZE;
	}
	return error;
}

/* 0 and the status, or the errno. */
static int transact(int fd, struct stplr_msg_send *args, bool cancel)
{
	int ret;

	do {
		args->token = 0;
		ret = cancel ? cancellable_send(fd, args) : stplr_msg_send_receive(fd, args);
		if (ret && errno == EINTR && args->token)
			ret = send_drop(fd, args);
	} while (ret && errno == ERESTART);
	return ret;
}

/* To a file that a program serves; or else it is a bad descriptor. */
static __attribute__((noinline)) int send_to_file(int fd, const struct stplr_msg_send *args,
						  bool cancel, long *status)
{
	bool timed = args->send_deadline != STPLR_DEADLINE_NONE ||
		     args->reply_deadline != STPLR_DEADLINE_NONE;
	iov_t swhole, rwhole;
	size_t sparts, rparts;
	const iov_t *siov =
		parts_of(&args->send, args->flags & STPLR_SEND_VECTOR, &swhole, &sparts);
	const iov_t *riov =
		parts_of(&args->reply, args->flags & STPLR_REPLY_VECTOR, &rwhole, &rparts);

	if (timed && file_may_be_served(fd))
		return -REFUSED("TimerTimeout: a message to a file has no timeout");
	return file_send(fd, siov, sparts, riov, rparts, cancel, status);
}

static int send_message(int coid, struct stplr_buffer smsg, struct stplr_buffer rmsg,
			unsigned flags, bool cancel, const iov_t *siov, size_t sparts, long *status)
{
	int fd = coid_fd(coid), ret, error = 0, saved = errno;
	struct stplr_msg_send args = {
		.send = smsg,
		.reply = rmsg,
		.send_deadline = STPLR_DEADLINE_NONE,
		.reply_deadline = STPLR_DEADLINE_NONE,
		.flags = flags,
	};
	struct timeout timeout;
	bool timed = false;
	timer_t timer;

	thread_seen();
	if (timeout_take(&timeout)) {
		args.clock = (uint32_t)timeout.clock;
		if (SIGEV_GET_TYPE(&timeout.notify) == SIGEV_UNBLOCK) {
			args.send_deadline = timeout.send;
			args.reply_deadline = timeout.reply;
		} else if (timeout.send != STPLR_DEADLINE_NONE ||
			   timeout.reply != STPLR_DEADLINE_NONE) {
			ret = timer_start(&timeout,
					  timeout.send != STPLR_DEADLINE_NONE ? timeout.send
									      : timeout.reply,
					  &timer);
			if (ret)
				return -ret;
			timed = true;
		}
	}
	ret = transact(fd, &args, cancel);
	*status = args.status;
	if (ret)
		error = send_error(fd, &args, siov, sparts);
	if (error == NO_CONNECTION)
		error = send_to_file(fd, &args, cancel, status);
	if (timed)
		timer_end(timer);
	errno = saved;
	return error;
}

/* What the calls are given: each side is one buffer or a vector. */
struct sides {
	const iov_t *siov, *riov;
	const void *smsg;
	void *rmsg;
	size_t slen, rlen; /* bytes, or parts of the vector */
};

static int send_sides(int coid, const struct sides *sides, bool cancel, long *status)
{
	unsigned flags =
		(sides->siov ? STPLR_SEND_VECTOR : 0) | (sides->riov ? STPLR_REPLY_VECTOR : 0);

	return send_message(
		coid, bytes_at(sides->siov ? (const void *)sides->siov : sides->smsg, sides->slen),
		bytes_at(sides->riov ? (const void *)sides->riov : sides->rmsg, sides->rlen), flags,
		cancel, sides->siov, sides->slen, status);
}

static long send_errno(int coid, const struct sides *sides, bool cancel)
{
	long status = 0;
	int error = send_sides(coid, sides, cancel, &status);

	if (!error)
		return status;
	errno = error;
	return -1;
}

static long send_negative(int coid, const struct sides *sides, bool cancel)
{
	long status = 0;
	int error = send_sides(coid, sides, cancel, &status);

	return error ? -error : status;
}

/* A form and its siblings: the sides are the same for all four. */
#define FORMS(name, parameters, ...)                                                               \
	long name parameters                                                                       \
	{                                                                                          \
		return send_errno(coid, &(struct sides){__VA_ARGS__}, true);                       \
	}                                                                                          \
	long name##_r parameters                                                                   \
	{                                                                                          \
		return send_negative(coid, &(struct sides){__VA_ARGS__}, true);                    \
	}                                                                                          \
	long name##nc parameters                                                                   \
	{                                                                                          \
		return send_errno(coid, &(struct sides){__VA_ARGS__}, false);                      \
	}                                                                                          \
	long name##nc_r parameters                                                                 \
	{                                                                                          \
		return send_negative(coid, &(struct sides){__VA_ARGS__}, false);                   \
	}

FORMS(MsgSend, (int coid, const void *smsg, size_t sbytes, void *rmsg, size_t rbytes), .smsg = smsg,
      .slen = sbytes, .rmsg = rmsg, .rlen = rbytes)
FORMS(MsgSendsv, (int coid, const void *smsg, size_t sbytes, const iov_t *riov, size_t rparts),
      .smsg = smsg, .slen = sbytes, .riov = riov, .rlen = rparts)
FORMS(MsgSendvs, (int coid, const iov_t *siov, size_t sparts, void *rmsg, size_t rbytes),
      .siov = siov, .slen = sparts, .rmsg = rmsg, .rlen = rbytes)
FORMS(MsgSendv, (int coid, const iov_t *siov, size_t sparts, const iov_t *riov, size_t rparts),
      .siov = siov, .slen = sparts, .riov = riov, .rlen = rparts)
