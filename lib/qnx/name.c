// SPDX-License-Identifier: MIT
/*
 * Names
 *
 * A channel that name_attach() makes has the kernel's name. One that exists already cannot get one:
 * then a second channel has the name, and this library's thread tells who connects there to connect
 * to the first (struct redirect).
 *
 * A name that the module does not allow (it takes [A-Za-z0-9._-]) is written with _xHH for each
 * other byte, and for the "_" of an "_x" of its own.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/dispatch.h>
#include <unistd.h>

#include "dispatch.h"
#include "qnx.h"

#define ATTACH_FLAGS (_NTO_CHF_UNBLOCK | _NTO_CHF_DISCONNECT | _NTO_CHF_COID_DISCONNECT)
#define PULSES 1024

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
static int attach_redirect(const char *name, int chid, name_attach_t *attach)
{
	struct stplr_channel_create options = {.flags = STPLR_CHANNEL_CREATOR, .mode = 0666};
	int device = device_get(), fd, ret;

	if (device < 0)
		return device;
	fd = stplr_channel_create(device, name, &options);
	if (fd < 0)
		return -errno;
	ret = service_redirect(fd, chid);
	attach->zero[0] = fd;
	return ret;
}

static int attach_name(dispatch_t *dpp, const char *path, unsigned flags, name_attach_t *attach)
{
	char name[STPLR_NAME_MAX + 1];
	int ret;

	if (flags & ~(unsigned)NAME_FLAG_ATTACH_GLOBAL)
		return -EINVAL;
	ret = encode(path, name);
	if (ret)
		return ret;
	if (dpp && dispatch_chid(dpp)) {
		attach->dpp = dpp;
		attach->chid = dispatch_chid(dpp);
		return attach_redirect(name, attach->chid, attach);
	}
	attach->chid = channel_create(ATTACH_FLAGS, name, PULSES);
	if (attach->chid < 0)
		return attach->chid;
	attach->dpp =
		dpp ? dispatch_adopt(dpp, attach->chid) : dispatch_create_channel(attach->chid, 0);
	if (attach->dpp)
		return 0;
	ChannelDestroy_r(attach->chid);
	return -ENOMEM;
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

/* Says to the server that it is there. What a redirect answers is in *answer. */
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
	memset(answer, 0, sizeof(*answer));
	status = MsgSend_r(coid, &message, offsetof(struct _io_connect, path) + len, answer,
			   sizeof(*answer));
	return status < 0 ? (int)status : 0;
}

static int open_name(const char *name)
{
	struct stplr_connect_info info;
	char encoded[STPLR_NAME_MAX + 1];
	struct redirect answer;
	int device, fd, coid, ret;

	ret = encode(name, encoded);
	if (ret)
		return ret;
	device = device_get();
	if (device < 0)
		return device;
	fd = stplr_connect(device, encoded, STPLR_DEADLINE_POLL);
	if (fd < 0) {
		device = device_again(errno);
		if (device < 0)
			return device == -EDQUOT ? -EMFILE : device;
		fd = stplr_connect(device, encoded, STPLR_DEADLINE_POLL);
		if (fd < 0)
			return -errno;
	}
	coid = connection_add(fd, _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
	if (coid < 0)
		return -EMFILE;
	ret = greet(coid, name, &answer);
	if (!ret && answer.magic == REDIRECT_MAGIC) {
		ret = result_of(stplr_connect_info(coid_fd(coid), &info));
		ConnectDetach_r(coid);
		if (ret)
			return ret;
		coid = ConnectAttach_r(0, info.pid, answer.chid, _NTO_SIDE_CHANNEL,
				       _NTO_COF_CLOEXEC);
		if (coid < 0)
			return coid == -ESRCH ? -ENOENT : coid;
		ret = greet(coid, name, &answer);
	}
	if (!ret)
		return coid;
	ConnectDetach_r(coid);
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
