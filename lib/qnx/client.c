// SPDX-License-Identifier: MIT
/* Who is a client: ConnectClientInfo() */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qnx.h"

/* With scoid -1 the caller itself. */
static int own_info(struct stplr_client_info *answer, gid_t *groups, int room)
{
	int count;

	answer->pid = getpid();
	answer->sid = getsid(0);
	if (getresuid(&answer->uid, &answer->euid, &answer->suid) ||
	    getresgid(&answer->gid, &answer->egid, &answer->sgid))
		return -errno;
	count = getgroups(0, NULL);
	answer->nr_groups = count < 0 ? 0 : (uint32_t)count;
	if (count > 0 && count <= room && getgroups(room, groups) < 0)
		return -errno;
	return 0;
}

static int client_info(int scoid, struct stplr_client_info *answer)
{
	struct channel *channel;
	int chid = 0, ret = -1;

	if (scoid < 0 || !(scoid & SCOID_MARK))
		return -EINVAL;
	answer->scoid = (uint32_t)scoid & ~(uint32_t)SCOID_MARK;
	while (ret && (channel = channel_next(chid))) {
		ret = stplr_client_info(channel->fd, answer);
		chid = channel->chid;
		channel_put(channel);
	}
	return ret ? -EINVAL : 0;
}

/* Room for all the groups there can be is on the heap, for there are up to 65,536. */
static int get_info(int scoid, struct stplr_client_info *answer, gid_t *groups, int room)
{
	memset(answer, 0, sizeof(*answer));
	if (scoid == -1)
		return own_info(answer, groups, room);
	answer->groups = (uintptr_t)groups;
	answer->nr_groups = (uint32_t)room;
	return client_info(scoid, answer);
}

static void fill(struct _client_info *info, const struct stplr_client_info *answer)
{
	info->nd = 0;
	info->pid = answer->pid;
	info->sid = answer->sid;
	info->flags = 0;
	info->cred.ruid = answer->uid;
	info->cred.euid = answer->euid;
	info->cred.suid = answer->suid;
	info->cred.rgid = answer->gid;
	info->cred.egid = answer->egid;
	info->cred.sgid = answer->sgid;
	info->cred.ngroups = answer->nr_groups;
}

int ConnectClientInfo_r(int scoid, struct _client_info *info, int ngroups)
{
	struct stplr_client_info answer;
	int ret;

	timeout_clear();
	if (!info)
		return -EFAULT;
	if (ngroups < 0)
		return -EINVAL;
	ret = get_info(scoid, &answer, info->cred.grouplist, ngroups);
	if (!ret)
		fill(info, &answer);
	return ret;
}

int ConnectClientInfo(int scoid, struct _client_info *info, int ngroups)
{
	return outcome(ConnectClientInfo_r(scoid, info, ngroups));
}

int ConnectClientInfoExt(int scoid, struct _client_info **info, int flags)
{
	struct stplr_client_info answer;
	struct _client_info *made;
	int ret;

	timeout_clear();
	if (flags)
		return outcome(-EINVAL);
	ret = get_info(scoid, &answer, NULL, 0);
	if (ret)
		return outcome(ret);
	made = calloc(1, sizeof(*made) + answer.nr_groups * sizeof(gid_t));
	if (!made)
		return outcome(-ENOMEM);
	ret = ConnectClientInfo_r(scoid, made, (int)answer.nr_groups);
	if (ret) {
		free(made);
		return outcome(ret);
	}
	*info = made;
	return 0;
}

int ClientInfoExtFree(struct _client_info **info)
{
	if (!info)
		return outcome(-EINVAL);
	free(*info);
	*info = NULL;
	return 0;
}
