/* SPDX-License-Identifier: MIT */
/*
 * Calls: what the kernel asks, as a request of the program's, and its answer
 *
 * A call's memory has the request, QNX's message, and the room for its reply.
 */
#ifndef STPLR_QNX_FILES_CALL_H
#define STPLR_QNX_FILES_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files.h"
#include "session.h"

/* An open file of a client's */
struct open_file {
	struct bound bound;
	struct session *session;
	uint32_t number;
	uint64_t expected;  /* where it is read or written next, if in order */
	unsigned transfers; /* reads, writes and clients' own messages that are not answered */
	bool nonblock;
	char *entries; /* of a folder that is read: struct dirent after struct dirent */
	size_t entries_len;
	struct fuse_pollhandle *poll; /* of who polls it, or NULL */
	struct open_file *next;
};

struct call {
	struct file_request request;
	struct session *session;
	fuse_req_t fuse; /* NULL: nobody waits, or any more; changed with files_lock */
	/* Answers the kernel, with one of its errors or 0. */
	void (*reply)(struct call *call, int error, long status, size_t len);
	struct open_file *file; /* NULL: none, or only for this call */
	struct bound bound;     /* of a file that is open for this call only */
	struct fuse_file_info info;
	uint64_t position;
	size_t asked;
	fuse_ino_t node; /* which it is about, or whose name in it */
	void *data;      /* reply()'s own */
	bool ended;      /* it is answered as its session ends */
	bool answered;   /* with files_lock: it is being told, which needs fuse */
	struct call *next, **link;
	void *io; /* the message for the open file, or NULL */
};

/* What a connect message is to say. */
struct connect {
	unsigned subtype;
	uint32_t ioflag, mode;
	uint16_t access;
	uint8_t eflag;
	const char *path;
	unsigned extra_type;
	const char *extra; /* a text, or NULL */
};

/*
 * A call with a message for an open file of so many bytes, behind a connect message if there is
 * one; and so much room. Otherwise the kernel is told, and it is NULL.
 */
struct call *call_make(struct session *session, fuse_req_t fuse, struct open_file *file,
		       const struct connect *connect, size_t io_len, unsigned io_type, size_t room);
/* What becomes of each that was made; it is no longer the caller's. */
void call_post(struct call *call);

/*
 * Of a close, with files_lock: whoever waits for it waits no longer, though the manager is still to
 * handle it. Whether that is so now; it is not for other calls, and just as it is answered.
 */
bool call_let_closer_go(struct call *call);

/* O_RDONLY and its siblings become bits. */
uint32_t ioflag_of(int flags);

/* Who waits is told of an error, or of 0; unless that is nobody any more. */
void call_refuse(struct call *call, int error);
/* A reply that is an error or nothing. */
void reply_error(struct call *call, int error, long status, size_t len);

/* Open files */
struct open_file *file_make(struct session *session);
/* The manager has opened it, and closes it when its session ends. */
void file_opened(struct open_file *file);
void file_free(struct open_file *file);
/* Closes one that no client knows, or none any more. */
void file_close(struct session *session, fuse_req_t fuse, struct open_file *file);
struct open_file *file_of(const struct fuse_file_info *info);

/* What devices and folders have in common */
void file_open(struct session *session, fuse_req_t fuse, const char *path,
	       const struct fuse_file_info *info);
void file_read(struct session *session, fuse_req_t fuse, size_t size, off_t offset,
	       const struct fuse_file_info *info);
void file_write(struct session *session, fuse_req_t fuse, const char *bytes, size_t size,
		off_t offset, const struct fuse_file_info *info);
void file_flush(struct session *session, fuse_req_t fuse, const struct fuse_file_info *info);
void file_sync(struct session *session, fuse_req_t fuse, int datasync,
	       const struct fuse_file_info *info);
void file_ioctl(struct session *session, fuse_req_t fuse, unsigned cmd,
		const struct fuse_file_info *info, unsigned flags, const void *in, size_t in_len,
		size_t out_len);
void file_poll(struct session *session, fuse_req_t fuse, const struct fuse_file_info *info,
	       struct fuse_pollhandle *poll);

#endif
