/* SPDX-License-Identifier: MIT */
/*
 * Sessions: a path that is served, and its way to the kernel
 *
 * One thread takes what the kernel asks of all of them. As a session ends the kernel's end of it
 * goes at once; the rest is kept by each request that is not answered yet.
 */
#ifndef STPLR_QNX_FILES_SESSION_H
#define STPLR_QNX_FILES_SESSION_H

#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "files.h"

struct call;
struct open_file;
struct nodes;

struct session {
	const struct file_host *host;
	void *attached;
	struct fuse_session *fuse;
	char *path;
	bool device; /* CUSE's; or a mounted file or folder */
	bool folder;
	bool made;           /* the mount point is ours */
	int watcher;         /* -1, or a socket to who removes the mount point after us */
	struct nodes *nodes; /* what a folder's files are called; NULL with CUSE */

	/* session.c's, guarded by files_lock */
	unsigned users;
	bool ended;              /* nothing is posted any more */
	struct open_file *files; /* the open ones */
	struct call *calls;      /* that are not answered */
	struct session *next;
	struct fuse_buf buffer; /* the thread's */
};

extern pthread_mutex_t files_lock;
extern pthread_cond_t files_quiet; /* a call is over, or the thread is done with a session */

/* Takes over what was made, and has the thread serve it: 0, or the negative of an errno. */
int session_start(struct session *session);
/*
 * The path is gone. The manager closes the files that were open, unless it is gone, too; then they
 * are forgotten.
 */
void session_end(struct session *session, bool orphaned);
bool session_get(struct session *session);
void session_put(struct session *session);
/* A client of a request wants to go; the thread tells the channel when it is done. */
void session_interrupted(const struct session *session, int rcvid);
/* A condition is there that the client waits for who polls the file of that number. */
void session_file_ready(uint32_t number);
/* In a child */
void sessions_forget(void);

#endif
