/* SPDX-License-Identifier: MIT */
/*
 * What is attached: the paths that this process is the manager of
 *
 * One is kept by the list, until it is detached, by each request of it, and by who handles one.
 * What it says of handlers never changes.
 */
#ifndef STPLR_QNX_ATTACHED_H
#define STPLR_QNX_ATTACHED_H

#include <sys/dispatch.h>
#include <sys/iofunc.h>
#include <sys/resmgr.h>

struct attached {
	int id;
	unsigned users;
	dispatch_t *dpp;
	resmgr_connect_funcs_t connect;
	const resmgr_io_funcs_t *io;
	RESMGR_HANDLE_T *handle;
	int (*other)(resmgr_context_t *ctp, void *msg);
	int coid;      /* to the handle's channel; -1: none */
	char *path;    /* from the root, a folder's with a slash; NULL: only a number */
	void *session; /* the file server's; NULL: there is no path */
	struct attached *next;
};

/* One with a connection to the handle's channel, the caller's: 0, or the negative of an errno. */
int attached_make(dispatch_t *dpp, const resmgr_attr_t *attr, const resmgr_connect_funcs_t *connect,
		  const resmgr_io_funcs_t *io, RESMGR_HANDLE_T *handle, struct attached **made);
void attached_get(struct attached *attached);
void attached_put(struct attached *attached);
/* It is attached: the list takes over the reference. Its number. */
int attached_add(struct attached *attached);
/* Takes one off the list, with its reference: of that number, or any (-1); NULL: there is none. */
struct attached *attached_take(dispatch_t *dpp, int id);
/* How long its name is, with the end, which is copied: or -EINVAL, -ERANGE. */
int attached_path(int id, char *path, int room);
/* What is for messages that no file and no handler is for, or NULL. */
int (*attached_other(const dispatch_t *dpp))(resmgr_context_t *ctp, void *msg);

#endif
