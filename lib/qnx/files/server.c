// SPDX-License-Identifier: MIT
/* The file server's one function, and how paths are attached: devices, mounted files and folders */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "device.h"
#include "folder.h"
#include "session.h"

static void free_session(struct session *session)
{
	free(session->buffer.mem);
	free(session->path);
	free(session);
}

static int attach(const struct file_host *host, void *attached, const char *path, bool folder,
		  void **made)
{
	struct session *session = calloc(1, sizeof(*session));
	int ret = -ENOMEM;

	if (!session)
		return -ENOMEM;
	session->host = host;
	session->attached = attached;
	session->watcher = -1;
	session->path = strdup(path);
	if (session->path)
		ret = !folder && !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9)
			      ? device_attach(session, path + 5)
			      : folder_attach(session, folder);
	if (ret)
		free_session(session);
	else
		*made = session;
	return ret;
}

static void detach(void *session, bool orphaned)
{
	session_end(session, orphaned);
}

static const struct file_server server = {
	.attach = attach,
	.detach = detach,
	.ready = session_file_ready,
	.forget = sessions_forget,
	.lock = &files_lock,
};

const struct file_server *stplr_qnx_file_server(unsigned version);
const struct file_server *stplr_qnx_file_server(unsigned version)
{
	return version == FILE_SERVER_VERSION ? &server : NULL;
}
