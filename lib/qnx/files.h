/* SPDX-License-Identifier: MIT */
/*
 * Files that this process serves
 *
 * Three take part. resmgr.c knows the paths that the program has attached, and their handlers. The
 * file server, a library of its own (files/), talks with the kernel, by CUSE and FUSE. What the
 * kernel asks it makes a request of, whose bytes are QNX's message and whose reply is QNX's; the
 * request is received from the program's channel, and resmgr.c calls the handler.
 */
#ifndef STPLR_QNX_FILES_H
#define STPLR_QNX_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/iofunc.h>
#include <sys/types.h>

#include "event.h"
#include "request.h"

/* What is known of an open file: handlers set it by resmgr_open_bind(). */
struct bound {
	RESMGR_OCB_T *ocb;
	const resmgr_io_funcs_t *io;
};

/* A request of a file */
struct file_request {
	struct request request;
	void *attached;      /* resmgr.c's path */
	struct bound *bound; /* the file's; a connect message's is to be */
	size_t io;           /* where the message for the open file begins; len: there is none */
	bool connect;        /* it begins with a connect message */
	bool close;          /* the file is closed after it */
	bool sent;           /* it is a client's own message, by MsgSend() */
	bool positioned;     /* the file is to be read or written from here on */
	uint64_t position;
};

/* What the file server is given */
struct file_host {
	/* Gives the request its number, and who asks: a thread, about the open file of that number.
	 */
	void (*init)(struct file_request *request, pid_t tid, uint32_t file);
	void (*post)(struct file_request *request);
	/* The client of a request wants to go. */
	void (*unblock)(int rcvid);
	void (*end)(int rcvid, int error);
	/* The thread that waits for its answer; 0: it cannot be seen; -1: it is answered. */
	pid_t (*waits)(int rcvid);
	/* A thread of the library's own: 0, or the negative of an errno. */
	int (*start_thread)(void *(*run)(void *));
	/* Nothing that was attached is needed any more; of each attach() that succeeded. */
	void (*gone)(void *attached);
};

/* What it does: 0, or the negative of an errno. */
struct file_server {
	/* The path is there; folders and what lies below them, or one file. */
	int (*attach)(const struct file_host *host, void *attached, const char *path, bool folder,
		      void **session);
	/*
	 * The path is gone, and what was asked of it is answered. Its open files are closed by the
	 * manager, unless that is gone, too.
	 */
	void (*detach)(void *session, bool orphaned);
	/* A condition that a client waits for is there. */
	void (*ready)(uint32_t file);
	/* In a forked child; fork() takes the lock. */
	void (*forget)(void);
	pthread_mutex_t *lock;
};

#define FILE_SERVER_VERSION 3
#define FILE_SERVER_LIBRARY "libstplr-qnx-files.so.0"
/* Its one function: NULL, if it is of another version. */
#define FILE_SERVER_FUNCTION "stplr_qnx_file_server"
typedef const struct file_server *(*file_server_t)(unsigned version);

#endif
