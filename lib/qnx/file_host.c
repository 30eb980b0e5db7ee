// SPDX-License-Identifier: MIT
/* What the file server is given: how requests are made of what the kernel asks, and reach the
 * channel */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>

#include "attached.h"
#include "coid.h"
#include "dispatch.h"
#include "file_host.h"
#include "request.h"
#include "thread.h"

/* The process that a thread is of. It is known since the thread has opened the file, mostly. */
static pid_t process_of(pid_t tid, bool opening)
{
	static _Thread_local pid_t last_tid, last_pid;
	char path[32], text[512], *at;
	FILE *file;
	size_t n;

	if (tid == last_tid && !opening)
		return last_pid;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return tid;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = 0;
	at = strstr(text, "\nTgid:");
	last_tid = tid;
	last_pid = at ? (pid_t)strtol(at + 6, NULL, 10) : tid;
	return last_pid;
}

static void request_begin(struct file_request *request, pid_t tid, uint32_t file)
{
	struct _msg_info *info = &request->request.info;

	memset(info, 0, sizeof(*info));
	info->tid = tid;
	info->pid = process_of(tid, request->connect);
	info->scoid = tid | SCOID_MARK | SCOID_FILE_MARK;
	info->coid = (int)file;
	info->priority = 10;
	request_init(&request->request);
}

static void post(struct file_request *request)
{
	const struct attached *attached = request->attached;

	request_post(&request->request, dispatch_chid(attached->dpp), coid_fd(attached->coid));
}

struct file_request *file_request_get(int rcvid)
{
	return (struct file_request *)request_get(rcvid);
}

static void unblock_client(int rcvid)
{
	struct file_request *request = file_request_get(rcvid);
	const struct attached *attached;

	if (!request)
		return;
	attached = request->attached; /* which the request keeps */
	request_unblock(rcvid, coid_fd(attached->coid));
	request_put(&request->request);
}

static pid_t waits(int rcvid)
{
	struct _msg_info info;

	return request_info(rcvid, &info) ? -1 : info.tid;
}

static void gone(void *attached)
{
	attached_put(attached);
}

const struct file_host file_host = {
	.init = request_begin,
	.post = post,
	.unblock = unblock_client,
	.end = request_end,
	.waits = waits,
	.start_thread = thread_start,
	.gone = gone,
};
