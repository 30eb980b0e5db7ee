/* SPDX-License-Identifier: GPL-2.0 */
/* What tests and stplr_kserver.c tell each other. */
#ifndef STPLR_KSERVER_H
#define STPLR_KSERVER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct kserver_create - serve a name
 * @name: it
 * @device, @mode, @owner, @group, @exclusive, @message_max, @pending_max: see struct
 *	stplr_server_params
 * @pulses: has a pulse operation
 * @threads: receives in so many threads of its own, which give each message back; with 1000, in
 *	none but KSERVER_RECEIVE
 * @bare: gives each message back, if it is short, and does nothing else
 * @attach_error: an errno that the attach operation returns
 * @stays: goes on when the file is closed, until the module is unloaded or KSERVER_ADOPT
 */
struct kserver_create {
	char name[64];
	__u32 device;
	__u32 mode;
	__u32 owner;
	__u32 group;
	__u32 exclusive;
	__u32 pulses;
	__u32 attach_error;
	__u32 stays;
	__u64 message_max;
	__u32 pending_max;
	__u32 bare;
	__u32 threads;
	__u32 reserved;
};

/* struct kserver_reply - with @len bytes of 'r', by a worker of the kernel's */
struct kserver_reply {
	__s32 rcvid;
	__s32 status;
	__u64 len;
};

/* struct kserver_data - reads or writes @len bytes at @offset; they are 'w', or go to @bytes */
struct kserver_data {
	__s32 rcvid;
	__u32 len;
	__u64 offset;
	char bytes[64];
};

/* struct kserver_receive - a receive of the calling thread's, and what came of it */
struct kserver_receive {
	__s64 deadline;
	__u32 room;
	__s32 rcvid;
	__u32 kind;
	__u32 flags;
	__s32 priority;
	__u32 scoid;
	__u32 coid;
	__u32 uid;
	__u32 gid;
	__s32 code;
	__u64 value;
	__u64 len;
	__u64 dst_len;
	char bytes[64];
};

/**
 * struct kserver_state - what it has seen
 * @attached: clients now
 * @attaches: how often one has attached
 * @detaches: and detached
 * @receives: messages
 * @running: of these, in the operation now
 * @pulses: pulses
 * @wrong: what must not be: calls of a client that is not attached, others' credentials
 * @rcvid: of the last one kept
 * @code, @value, @priority: of the last pulse
 * @scoid, @pid, @uid: of the last client that attached
 */
struct kserver_state {
	__u32 attached;
	__u32 attaches;
	__u32 detaches;
	__u32 receives;
	__u32 running;
	__u32 pulses;
	__u32 wrong;
	__s32 rcvid;
	__s32 code;
	__s32 priority;
	__u64 value;
	__u32 scoid;
	__s32 pid;
	__u32 uid;
	__u32 reserved;
};

#define KSERVER_CREATE _IOW('K', 0, struct kserver_create)
#define KSERVER_STATE _IOR('K', 1, struct kserver_state)
#define KSERVER_REPLY _IOW('K', 2, struct kserver_reply)
#define KSERVER_READ _IOWR('K', 3, struct kserver_data)
#define KSERVER_WRITE _IOW('K', 4, struct kserver_data)
#define KSERVER_RELEASE _IO('K', 5) /* what sleeps in the operation goes on */
#define KSERVER_SHUTDOWN _IO('K', 6)
#define KSERVER_ADOPT _IO('K', 7)
#define KSERVER_RECEIVE _IOWR('K', 8, struct kserver_receive)

/**
 * struct kserver_message - what a message begins with that is not just given back
 * @what: KSERVER_DO_*
 * @value: for it
 */
struct kserver_message {
	__u32 what;
	__s32 value;
};

#define KSERVER_DO_RETURN 0x6b000001 /* returns the value */
#define KSERVER_DO_PIECES 0x6b000002 /* is given back in pieces of so many bytes, the last first */
#define KSERVER_DO_KEEP 0x6b000003 /* is kept, and if it is longer written to before */
#define KSERVER_DO_ANSWER 0x6b000004 /* is kept, and answered by a worker at once, by itself */
#define KSERVER_DO_SLEEP 0x6b000005 /* sleeps until released, then returns the value */
#define KSERVER_DO_SLEEP_KILLABLE 0x6b000006
#define KSERVER_DO_SHUTDOWN 0x6b000007 /* shuts down its own server, and returns the error it got */
#define KSERVER_DO_BEYOND 0x6b000008 /* reads and writes beyond what there is; 0 if that is well */

#endif
