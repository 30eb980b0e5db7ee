// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>

#include "attached.h"
#include "dispatch.h"
#include "fork.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and users */
static struct attached *list;
static int last_id;

int attached_make(dispatch_t *dpp, const resmgr_attr_t *attr, const resmgr_connect_funcs_t *connect,
		  const resmgr_io_funcs_t *io, RESMGR_HANDLE_T *handle, struct attached **made)
{
	struct attached *attached = calloc(1, sizeof(*attached));
	unsigned n = connect ? connect->nfuncs : 0;

	if (!attached)
		return -ENOMEM;
	attached->users = 1;
	attached->dpp = dpp;
	if (n > _RESMGR_CONNECT_NFUNCS)
		n = _RESMGR_CONNECT_NFUNCS;
	if (connect)
		memcpy(&attached->connect, connect,
		       offsetof(resmgr_connect_funcs_t, open) + n * sizeof(void *));
	attached->connect.nfuncs = n;
	attached->io = io;
	attached->handle = handle;
	if (attr && attr->flags & RESMGR_FLAG_ATTACH_OTHERFUNC)
		attached->other = attr->other_func;
	attached->coid =
		ConnectAttach_r(0, 0, dispatch_chid(dpp), _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
	if (attached->coid < 0) {
		int error = attached->coid;

		free(attached);
		return error;
	}
	pthread_mutex_lock(&lock);
	attached->id = ++last_id;
	pthread_mutex_unlock(&lock);
	*made = attached;
	return 0;
}

void attached_get(struct attached *attached)
{
	pthread_mutex_lock(&lock);
	attached->users++;
	pthread_mutex_unlock(&lock);
}

void attached_put(struct attached *attached)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = !--attached->users;
	pthread_mutex_unlock(&lock);
	if (!last)
		return;
	ConnectDetach_r(attached->coid);
	free(attached->path);
	free(attached);
}

int attached_add(struct attached *attached)
{
	int id = attached->id; /* it may be detached at once */

	pthread_mutex_lock(&lock);
	attached->next = list;
	list = attached;
	pthread_mutex_unlock(&lock);
	return id;
}

struct attached *attached_take(dispatch_t *dpp, int id)
{
	struct attached **link, *attached;

	pthread_mutex_lock(&lock);
	for (link = &list; (attached = *link); link = &attached->next)
		if (attached->dpp == dpp && (attached->id == id || id == -1)) {
			*link = attached->next;
			break;
		}
	pthread_mutex_unlock(&lock);
	return attached;
}

int attached_path(int id, char *path, int room)
{
	struct attached *attached;
	int ret = -EINVAL, size;

	pthread_mutex_lock(&lock);
	for (attached = list; attached && attached->id != id; attached = attached->next)
		;
	if (attached && attached->path) {
		size = (int)strlen(attached->path) + 1;
		ret = size <= room ? size : -ERANGE;
		if (ret > 0)
			memcpy(path, attached->path, (size_t)size);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

int (*attached_other(const dispatch_t *dpp))(resmgr_context_t *, void *)
{
	int (*other)(resmgr_context_t *, void *) = NULL;
	struct attached *attached;

	pthread_mutex_lock(&lock);
	for (attached = list; attached; attached = attached->next)
		if (attached->dpp == dpp && attached->other)
			other = attached->other;
	pthread_mutex_unlock(&lock);
	return other;
}

/* In a child: the paths are its parent's. */
static void forget(void)
{
	list = NULL;
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_ATTACHED, &lock, forget);
}
