// SPDX-License-Identifier: MIT
/*
 * Names
 *
 * A channel that name_attach() makes has the kernel's name. One that exists already cannot get one:
 * then a second, listening channel has the name, and this library's thread tells who connects there
 * to connect to the first (struct redirect). So it is, too, where the server wants to be greeted by
 * an _IO_CONNECT message, as on QNX where the global name service runs; else name_open() sends
 * nothing to the server.
 *
 * A name that the module does not allow (it takes [A-Za-z0-9._-]) is written with _xHH for each
 * other byte, and for the "_" of an "_x" of its own.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/dispatch.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "channel.h"
#include "connection.h"
#include "device.h"
#include "dispatch.h"
#include "environment.h"
#include "result.h"
#include "service.h"
#include "stplr.h"

#define ATTACH_FLAGS (_NTO_CHF_UNBLOCK | _NTO_CHF_DISCONNECT | _NTO_CHF_COID_DISCONNECT)
#define PULSES 1024
#define ROOM_NS 1000000000

static bool plain(const char *byte)
{
	if (*byte == '_')
		return byte[1] != 'x';
	return strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", *byte);
}

static int encode(const char *name, char *encoded)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0;

	if (!name || !*name || *name == '/' || strstr(name, ".."))
		return -EINVAL;
	for (; *name; name++) {
		unsigned char byte = (unsigned char)*name;

		if (used + (plain(name) ? 1 : 4) > STPLR_NAME_MAX)
			return -ENAMETOOLONG;
		if (plain(name)) {
			encoded[used++] = *name;
			continue;
		}
		encoded[used++] = '_';
		encoded[used++] = 'x';
		encoded[used++] = digits[byte >> 4];
		encoded[used++] = digits[byte & 15];
	}
	encoded[used] = 0;
	return 0;
}

/* A channel of that name whose only purpose is to tell of another. */
static int attach_redirect(const char *name, bool connect, name_attach_t *attach)
{
	struct stplr_channel_create options = {
		.flags = STPLR_CHANNEL_CREATOR | STPLR_CHANNEL_LISTEN,
		.mode = 0666,
	};
	int device = device_get(), fd, ret;

	if (device < 0)
		return device;
	fd = stplr_channel_create(device, name, &options);
	if (fd < 0)
		return -errno;
	ret = service_redirect(fd, attach->chid, connect);
	attach->zero[0] = fd;
	return ret;
}

static int attach_name(dispatch_t *dpp, const char *path, unsigned flags, name_attach_t *attach)
{
	bool connect = flags & NAME_FLAG_ATTACH_CONNECT || environment_wants("STPLR_QNX_CONNECT"),
	     made;
	char name[STPLR_NAME_MAX + 1];
	int ret;

	if (flags & ~(unsigned)(NAME_FLAG_ATTACH_GLOBAL | NAME_FLAG_ATTACH_CONNECT))
		return -EINVAL;
	ret = encode(path, name);
	if (ret)
		return ret;
	attach->chid = dpp ? dispatch_chid(dpp) : 0;
	made = !attach->chid;
	if (made)
		attach->chid = channel_create(ATTACH_FLAGS, connect ? NULL : name, PULSES);
	if (attach->chid < 0)
		return attach->chid;
	if (!made || connect) {
		ret = attach_redirect(name, connect, attach);
		if (ret)
			goto destroy;
	}
	if (!made)
		attach->dpp = dpp;
	else
		attach->dpp = dpp ? dispatch_adopt(dpp, attach->chid)
				  : dispatch_create_channel(attach->chid, 0);
	if (attach->dpp)
		return 0;
	if (attach->zero[0])
		service_redirect_end(attach->zero[0]);
	ret = -ENOMEM;
destroy:
	if (made)
		ChannelDestroy_r(attach->chid);
	return ret;
}

name_attach_t *name_attach(dispatch_t *dpp, const char *path, unsigned flags)
{
	name_attach_t *attach = calloc(1, sizeof(*attach));
	int ret = attach ? attach_name(dpp, path, flags, attach) : -ENOMEM;

	if (!ret)
		return attach;
	free(attach);
	errno = ret == -EEXIST ? EBUSY : -ret;
	return NULL;
}

int name_detach(name_attach_t *attach, unsigned flags)
{
	if (!attach || flags & ~(unsigned)NAME_FLAG_DETACH_SAVEDPP)
		return outcome(-EINVAL);
	if (attach->zero[0])
		service_redirect_end(attach->zero[0]);
	if (!(flags & NAME_FLAG_DETACH_SAVEDPP)) {
		ChannelDestroy_r(attach->chid);
		dispatch_destroy(attach->dpp);
	}
	free(attach);
	return 0;
}

/* Says to the server, or to a redirect, which answers, that it is there. */
static int greet(int coid, const char *name, struct redirect *answer)
{
	struct {
		struct _io_connect connect;
		char path[PATH_MAX];
	} message;
	size_t len = strlen(name) + 1;
	long status;

	memset(&message.connect, 0, sizeof(message.connect));
	message.connect.type = _IO_CONNECT;
	message.connect.subtype = _IO_CONNECT_OPEN;
	message.connect.ioflag = _IO_FLAG_RD | _IO_FLAG_WR;
	message.connect.path_len = (uint16_t)len;
	memcpy(message.connect.path, name, len);
	status = MsgSend_r(coid, &message, offsetof(struct _io_connect, path) + len, answer,
			   sizeof(*answer));
	return status < 0 ? (int)status : 0;
}

static int open_redirected(const char *name, pid_t pid, const struct redirect *to)
{
	struct redirect nothing;
	int coid, ret;

	/* a process that cannot be seen from here; 0 would be this one */
	if (!pid)
		return -ESRCH;
	coid = ConnectAttach_r(0, pid, to->chid, _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
	if (coid < 0 || !to->connect)
		return coid;
	ret = greet(coid, name, &nothing);
	if (!ret)
		return coid;
	ConnectDetach_r(coid);
	return ret;
}

/* A connection's descriptor. Where too many connect to a redirect at once, it has room soon. */
static int connect_name(const char *encoded)
{
	int device = device_get(), fd;
	struct timespec now;

	if (device < 0)
		return device;
	fd = connect_lending(device, encoded, 0, 0, STPLR_DEADLINE_POLL);
	if (fd < 0 && errno == EAGAIN) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		fd = connect_lending(device, encoded, 0, 0, (int64_t)timespec2nsec(&now) + ROOM_NS);
	}
	if (fd >= 0)
		return fd;
	device = device_again(errno);
	if (device < 0)
		return device == -EDQUOT ? -EMFILE : device;
	return result_of(connect_lending(device, encoded, 0, 0, STPLR_DEADLINE_POLL));
}

static int open_name(const char *name)
{
	struct stplr_connect_info info;
	char encoded[STPLR_NAME_MAX + 1];
	struct redirect answer;
	int fd, coid, ret;

	ret = encode(name, encoded);
	if (ret)
		return ret;
	fd = connect_name(encoded);
	if (fd < 0)
		return fd;
	memset(&answer, 0, sizeof(answer));
	ret = result_of(stplr_connect_info(fd, &info));
	/* an accepted channel has no number: the name's own listens */
	if (!ret && !info.chid)
		ret = greet(fd, name, &answer);
	if (!ret && answer.magic != REDIRECT_MAGIC) {
		coid = connection_add(fd, _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
		return coid < 0 ? -EMFILE : coid;
	}
	/* never a coid: nobody is to be told that a server has ended */
	close(fd);
	if (!ret)
		ret = open_redirected(name, info.pid, &answer);
	return ret == -ESRCH ? -ENOENT : ret;
}

int name_open(const char *name, int flags)
{
	if (flags & ~NAME_FLAG_ATTACH_GLOBAL)
		return outcome(-EINVAL);
	if (name && strlen(name) >= PATH_MAX)
		return outcome(-ENAMETOOLONG);
	return outcome(open_name(name));
}

int name_close(int coid)
{
	int ret = ConnectDetach_r(coid);

	return outcome(ret == -EINVAL ? -EBADF : ret);
}
