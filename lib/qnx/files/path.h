/* SPDX-License-Identifier: MIT */
/* What is asked of a path: a connect message, joined with one for the file that is open for it */
#ifndef STPLR_QNX_FILES_PATH_H
#define STPLR_QNX_FILES_PATH_H

#include "call.h"
#include "session.h"

struct session *session_of(fuse_req_t fuse);
/* Of a node, or of a name in it: the caller's; NULL: it is no more, or there is no memory. */
char *path_of(fuse_req_t fuse, fuse_ino_t node, const char *name);
/* A call for a path, which is freed; without a path the kernel is told. */
struct call *path_call(fuse_req_t fuse, char *path, struct connect connect, size_t io_len,
		       unsigned io_type, size_t room);

#endif
