// SPDX-License-Identifier: MIT
/* Calls for paths */
#include <errno.h>
#include <stdlib.h>

#include "call.h"
#include "nodes.h"
#include "path.h"

struct session *session_of(fuse_req_t fuse)
{
	return fuse_req_userdata(fuse);
}

struct call *path_call(fuse_req_t fuse, char *path, struct connect connect, size_t io_len,
		       unsigned io_type, size_t room)
{
	struct call *call = NULL;

	if (path) {
		connect.path = path;
		call = call_make(session_of(fuse), fuse, NULL, &connect, io_len, io_type, room);
		if (call)
			call->request.close = true;
	} else {
		fuse_reply_err(fuse, ENOENT);
	}
	free(path);
	return call;
}

char *path_of(fuse_req_t fuse, fuse_ino_t node, const char *name)
{
	return node_path(session_of(fuse)->nodes, node, name);
}
