// SPDX-License-Identifier: MIT
/* Who is a client: ConnectClientInfo() */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "channels.h"
#include "coid.h"
#include "credentials.h"
#include "result.h"
#include "stplr.h"
#include "timeout.h"

/* With scoid -1 the caller itself. */
static int own_info(struct stplr_client_info *answer, gid_t *groups, int room)
{
	gid_t *all;
	int count;

	answer->pid = getpid();
	answer->sid = getsid(0);
	if (getresuid(&answer->uid, &answer->euid, &answer->suid) ||
	    getresgid(&answer->gid, &answer->egid, &answer->sgid))
		return -errno;
	count = getgroups(0, NULL);
	answer->nr_groups = count < 0 ? 0 : (uint32_t)count;
	if (count <= 0 || !room)
		return 0;
	/* getgroups() gives all or nothing */
	all = malloc((size_t)count * sizeof(*all));
	if (!all)
		return -ENOMEM;
	count = result_of(getgroups(count, all));
	if (count >= 0) {
		answer->nr_groups = (uint32_t)count;
		memcpy(groups, all, (size_t)(count < room ? count : room) * sizeof(*all));
	}
	free(all);
	return count < 0 ? count : 0;
}

static int client_info(int scoid, struct stplr_client_info *answer)
{
	struct channel *channel;
	int chid = 0, ret = -1;

	if (scoid < 0 || !(scoid & SCOID_MARK))
		return -EINVAL;
	if (scoid & SCOID_FILE_MARK)
		return credentials_of(scoid & ~(SCOID_MARK | SCOID_FILE_MARK), answer) ? -EINVAL
										       : 0;
	answer->scoid = (uint32_t)scoid & ~(uint32_t)SCOID_MARK;
	while (ret && (channel = channel_next(chid))) {
		ret = stplr_client_info(channel->fd, answer);
		chid = channel->chid;
		channel_put(channel);
	}
	return ret ? -EINVAL : 0;
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

/* With no room for groups, how many there are; otherwise as many as there is room for. */
static int get_info(int scoid, struct _client_info *info, int room)
{
	struct stplr_client_info answer;
	int ret;

	memset(&answer, 0, sizeof(answer));
	if (scoid == -1) {
		ret = own_info(&answer, info->cred.grouplist, room);
	} else {
		answer.groups = (uintptr_t)info->cred.grouplist;
		answer.nr_groups = (uint32_t)room;
		ret = client_info(scoid, &answer);
	}
	if (ret)
		return ret;
	if (room && answer.nr_groups > (uint32_t)room)
		answer.nr_groups = (uint32_t)room;
	fill(info, &answer);
	return 0;
}

int ConnectClientInfo_r(int scoid, struct _client_info *info, int ngroups)
{
	timeout_clear();
	if (!info)
		return -EFAULT;
	if (ngroups < 0)
		return -EINVAL;
	/* Programs say NGROUPS_MAX, which on QNX is what the array has, and on Linux 65,536. */
	if (ngroups > __STPLR_QNX_GROUPS)
		ngroups = __STPLR_QNX_GROUPS;
	return get_info(scoid, info, ngroups);
}

int ConnectClientInfo(int scoid, struct _client_info *info, int ngroups)
{
	return outcome(ConnectClientInfo_r(scoid, info, ngroups));
}

int ConnectClientInfoExt(int scoid, struct _client_info **info, int flags)
{
	struct _client_info count, *made;
	int ret;

	timeout_clear();
	if (!info)
		return outcome(-EFAULT);
	if (flags & ~_NTO_CLIENTINFO_GETGROUPS)
		return outcome(-EINVAL);
	ret = get_info(scoid, &count, 0);
	if (ret)
		return outcome(ret);
	made = calloc(1, sizeof(*made) + count.cred.ngroups * sizeof(gid_t));
	if (!made)
		return outcome(-ENOMEM);
	ret = get_info(scoid, made, (int)count.cred.ngroups);
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
