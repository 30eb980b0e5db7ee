/* SPDX-License-Identifier: GPL-2.0 */
/* What tests and stplr_kclient.c tell each other. */
#ifndef STPLR_KCLIENT_H
#define STPLR_KCLIENT_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct kclient_open - open a link
 * @name, @device, @posts, @post_max, @reply_max, @deadline, @flags, @uid: see struct
 *	stplr_link_params
 * @told: has a posted operation
 * @follows: has a changed operation
 * @once: that one closes the link when it goes down
 * @stays: goes on when the file is closed, until the module is unloaded
 */
struct kclient_open {
	char name[64];
	__u32 device;
	__u32 posts;
	__u64 post_max;
	__u64 reply_max;
	__s64 deadline;
	__u32 told;
	__u32 follows;
	__u32 once;
	__u32 stays;
	__u32 flags;
	__u32 uid;
};

/**
 * struct kclient_call - a call of the calling thread's
 * @send, @send_len: what is sent: the program's bytes, copied before
 * @reply, @room: where the answer goes: copied after
 * @parts: in so many parts of kernel memory each
 * @deadline: see struct stplr_call; in milliseconds from now if positive
 * @status, @reply_len, @reply_total: out
 */
struct kclient_call {
	__u64 send;
	__u64 send_len;
	__u64 reply;
	__u64 room;
	__u32 parts;
	__s32 status;
	__s64 deadline;
	__u64 reply_len;
	__u64 reply_total;
};

#define KCLIENT_HERE 0 /* the calling thread */
#define KCLIENT_DISABLED 1 /* it, with interrupts disabled all the while */
#define KCLIENT_TIMER 2 /* a timer's interrupt, every 50 microseconds a batch */
#define KCLIENT_POSTS_MAX (1 << 17)

/**
 * struct kclient_post - post messages whose first 8 bytes, or as many as there are, are their number
 * @count: so many; with KCLIENT_TIMER, in all
 * @size: bytes of each
 * @priority: see stplr_link_post()
 * @flags: likewise
 * @where: KCLIENT_...
 * @batch: with KCLIENT_TIMER: as many each time, or fewer if no slot is free
 * @taken: out: how many were taken before one was not; 0 with KCLIENT_TIMER
 */
struct kclient_post {
	__u32 count;
	__u32 size;
	__s32 priority;
	__u32 flags;
	__u32 where;
	__u32 batch;
	__u32 taken;
	__u32 reserved;
};

/**
 * struct kclient_state - what it has seen
 * @posted: posts that were taken, in all
 * @refused: with EAGAIN
 * @done: ended
 * @failed: of these, with an error
 * @error: the last such
 * @status, @reply_len, @reply_total, @cookie: of the last one
 * @reply: its first bytes
 * @ups: how often the link came up
 * @downs: and went down
 * @changed: what was told last
 * @running: posted operations that run
 * @wrong: what must not be: a post told of twice, or not posted; an answer that is not its own;
 *	operations after the end, or at the same time, or for posts of before the link went down
 */
struct kclient_state {
	__u32 posted;
	__u32 refused;
	__u32 done;
	__u32 failed;
	__s32 error;
	__s32 status;
	__u64 reply_len;
	__u64 reply_total;
	__u64 cookie;
	char reply[64];
	__u32 ups;
	__u32 downs;
	__s32 changed;
	__u32 running;
	__u32 wrong;
	__u32 reserved;
};

#define KCLIENT_OPEN _IOW('C', 0, struct kclient_open)
#define KCLIENT_CALL _IOWR('C', 1, struct kclient_call)
#define KCLIENT_POST _IOWR('C', 2, struct kclient_post)
#define KCLIENT_STATE _IOR('C', 3, struct kclient_state)
#define KCLIENT_CLOSE _IO('C', 4)
#define KCLIENT_HOLD _IO('C', 5) /* posted operations wait from now on ... */
#define KCLIENT_RELEASE _IO('C', 6) /* ... until now */
#define KCLIENT_KICK _IO('C', 7)

#endif
