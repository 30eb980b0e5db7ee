// SPDX-License-Identifier: MIT
/*
 * A file's attributes, their lock, their times
 *
 * The lock is in the attributes as a count and its owner; whoever changes them holds a mutex for
 * the moment, of which there are a few for all files.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/iofunc.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCKS 16

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t unlocked;
} locks[LOCKS] = {
	[0 ... LOCKS - 1] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER},
};

static unsigned lock_of(const iofunc_attr_t *attr)
{
	return (unsigned)((uintptr_t)attr / sizeof(*attr) % LOCKS);
}

static int lock_attr(iofunc_attr_t *attr, int wait)
{
	unsigned i = lock_of(attr);
	int32_t self = gettid();
	int ret = EOK;

	pthread_mutex_lock(&locks[i].mutex);
	while (attr->lock_count && attr->lock_tid != self && wait)
		pthread_cond_wait(&locks[i].unlocked, &locks[i].mutex);
	if (attr->lock_count && attr->lock_tid != self) {
		ret = EBUSY;
	} else if (attr->lock_count == UINT16_MAX) {
		ret = EAGAIN;
	} else {
		attr->lock_tid = self;
		attr->lock_count++;
	}
	pthread_mutex_unlock(&locks[i].mutex);
	return ret;
}

int iofunc_attr_lock(iofunc_attr_t *attr)
{
	return lock_attr(attr, 1);
}

int iofunc_attr_trylock(iofunc_attr_t *attr)
{
	return lock_attr(attr, 0);
}

int iofunc_attr_unlock(iofunc_attr_t *attr)
{
	unsigned i = lock_of(attr);
	int ret = EPERM;

	pthread_mutex_lock(&locks[i].mutex);
	if (attr->lock_count && attr->lock_tid == gettid()) {
		ret = EOK;
		if (!--attr->lock_count)
			pthread_cond_broadcast(&locks[i].unlocked);
	}
	pthread_mutex_unlock(&locks[i].mutex);
	return ret;
}

int iofunc_lock_ocb_default(resmgr_context_t *ctp, void *reserved, iofunc_ocb_t *ocb)
{
	(void)ctp;
	(void)reserved;
	return iofunc_attr_lock(ocb->attr);
}

int iofunc_unlock_ocb_default(resmgr_context_t *ctp, void *reserved, iofunc_ocb_t *ocb)
{
	(void)ctp;
	(void)reserved;
	return iofunc_attr_unlock(ocb->attr);
}

void iofunc_attr_init(iofunc_attr_t *attr, mode_t mode, iofunc_attr_t *dattr,
		      struct _client_info *info)
{
	memset(attr, 0, sizeof(*attr));
	attr->flags = IOFUNC_ATTR_ATIME | IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME;
	iofunc_time_update(attr);
	attr->mode = mode;
	attr->nlink = 1;
	if (info) {
		attr->uid = info->cred.euid;
		attr->gid = info->cred.egid;
	} else if (dattr) {
		attr->uid = dattr->uid;
		attr->gid = dattr->gid;
	} else {
		attr->uid = geteuid();
		attr->gid = getegid();
	}
	if (dattr) {
		attr->mount = dattr->mount;
		/* what is made in a folder with that bit has the folder's group */
		if (dattr->mode & S_ISGID)
			attr->gid = dattr->gid;
	}
}

int iofunc_time_update(iofunc_attr_t *attr)
{
	const uint32_t which = IOFUNC_ATTR_ATIME | IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME;
	time_t now;

	if (!(attr->flags & which))
		return EOK;
	now = time(NULL);
	if (attr->flags & IOFUNC_ATTR_ATIME)
		attr->atime = now;
	if (attr->flags & IOFUNC_ATTR_MTIME)
		attr->mtime = now;
	if (attr->flags & IOFUNC_ATTR_CTIME)
		attr->ctime = now;
	attr->flags = (attr->flags & ~which) | IOFUNC_ATTR_DIRTY_TIME;
	return EOK;
}
