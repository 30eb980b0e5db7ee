/* SPDX-License-Identifier: MIT */
/*
 * Requests of files: messages that this process makes of what the kernel asks of a file that it
 * serves
 *
 * A receiver of the channel gets a request as it gets a message, and answers it by the same calls.
 * No thread waits for the answer: whoever has made the request is called with it.
 */
#ifndef STPLR_QNX_REQUEST_H
#define STPLR_QNX_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/neutrino.h>

/* Pulses to the channel that name a request; nobody but the process itself can send such codes. */
#define PULSE_REQUEST (-101)
#define PULSE_REQUEST_UNBLOCK (-102)

/* Set in a request's rcvid, and in no message's. */
#define REQUEST_MARK 0x20000000

struct request {
	/* its maker's, who fills it in before request_post(), and frees it in done() */
	struct _msg_info info;
	const void *message;
	size_t len;
	void *room; /* for the reply: room_len bytes */
	size_t room_len;
	/*
	 * It was answered by an error, though somebody may still look at it. Called at most once,
	 * before done(), by any thread, with no lock held.
	 */
	void (*failed)(struct request *request, int error);
	/*
	 * It was answered, by an error or by a status and so many bytes in the room (with an error
	 * none); and nobody looks at it any more. Called once, by any thread, with no lock held.
	 */
	void (*done)(struct request *request, int error, long status, size_t reply_len);

	/* request.c's */
	int rcvid;
	const struct channel *channel; /* whose it is since it was posted, and lives no longer */
	unsigned users;
	bool received, answered;
	int error;
	long status;
	size_t reply_len;
	struct request *next;
};

/*
 * Gives it its number, by which it may be ended from now on; it stays until its maker has posted
 * it, as it must.
 */
void request_init(struct request *request);
/* Sends it by that connection to the channel; it is not the caller's any more. */
void request_post(struct request *request, int chid, int connection);
/* Its client wants to go: before it is received that is all, after it the receivers are told. */
void request_unblock(int rcvid, int connection);
/* Answers it in the server's stead. */
void request_end(int rcvid, int error);
/* The channel has been destroyed: nobody receives what it had, or answers it. */
struct channel;
void request_end_channel(const struct channel *channel);

/* With a reference, or NULL if there is no such any more. */
struct request *request_get(int rcvid);
void request_put(struct request *request);
/* With one: whether it has been answered by an error. */
bool request_failed(const struct request *request);

/* For receivers: puts its bytes there; its number, or -ESRCH. */
int request_receive(int rcvid, const iov_t *iov, size_t parts, struct _msg_info *info);
/* Whether it is not answered yet, so that an unblock pulse for it still means something. */
bool request_waits(int rcvid);
/* The server's calls: what the messages' return. */
ssize_t request_read(int rcvid, const iov_t *iov, size_t parts, size_t offset);
ssize_t request_write(int rcvid, const iov_t *iov, size_t parts, size_t offset);
int request_reply(int rcvid, int error, long status, const iov_t *iov, size_t parts);
int request_info(int rcvid, struct _msg_info *info);

#endif
