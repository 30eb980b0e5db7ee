// SPDX-License-Identifier: MIT
// What the QNX layer makes of what its peers send: messages and pulses that a dispatch loop
// receives, events in them that the server delivers, answers to name_open(). The kernel is a
// stand-in, which keeps to what <linux/stplr.h> promises; the bytes are the peer's.
#include <fcntl.h>
#include <linux/stplr.h>
#include <sys/dispatch.h>
#include <sys/ioctl.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace
{

/** What the peer has to say, from front to back. */
struct Bytes {
	const uint8_t *at;
	size_t left;

	size_t take(void *to, size_t len)
	{
		len = std::min(len, left);
		memcpy(to, at, len);
		at += len;
		left -= len;
		return len;
	}

	template <typename T> T number()
	{
		T value = 0;
		take(&value, sizeof(value));
		return value;
	}
};

Bytes peer;
uint32_t rcvids;
int32_t answered; // the last rcvid that was answered

int receive(stplr_msg_receive *args)
{
	if (!peer.left) {
		errno = ESHUTDOWN;
		return -1;
	}
	stplr_msg_info &info = args->info;
	auto *room = reinterpret_cast<uint8_t *>(args->buffer.addr);

	info = {};
	info.pid = getpid();
	info.scoid = info.coid = 1;
	info.priority = peer.number<uint8_t>() % 140;
	uint16_t len = peer.number<uint16_t>();
	if (len & 1) {
		stplr_pulse pulse = {};
		info.kind = STPLR_KIND_PULSE;
		if (args->buffer.len < sizeof(pulse)) {
			errno = EMSGSIZE;
			return -1;
		}
		pulse.scoid = 1;
		pulse.code = peer.number<int8_t>();
		pulse.value = peer.number<uint64_t>();
		memcpy(room, &pulse, sizeof(pulse));
		return 0;
	}
	info.rcvid = ++rcvids;
	info.flags = peer.number<uint8_t>() & STPLR_INFO_UNBLOCK;
	info.dst_len = peer.number<uint32_t>();
	info.src_len = std::min<size_t>(len / 2, peer.left);
	info.len = peer.take(room, std::min<size_t>(info.src_len, args->buffer.len));
	return 0;
}

int answer(stplr_msg_send *args)
{
	if (peer.number<uint8_t>() & 1) {
		errno = ESRCH;
		return -1;
	}
	args->token = 0;
	args->status = peer.number<uint32_t>();
	args->reply_len = peer.take(reinterpret_cast<void *>(args->reply.addr),
				    std::min<size_t>(args->reply.len, peer.number<uint8_t>()));
	return 0;
}

/** A message may hold an event, which the server keeps and delivers, before and after it answers.
 */
int on_message(message_context_t *ctp, int type, unsigned, void *)
{
	sigevent event = {};
	size_t len = std::min<size_t>(ctp->info.msglen, ctp->msg_max_size);
	char more[64];

	if (len > sizeof(type))
		memcpy(&event, reinterpret_cast<char *>(ctp->msg) + sizeof(type),
		       std::min(len - sizeof(type), sizeof(event)));
	MsgRead(ctp->rcvid, more, sizeof(more), len);
	if (type & 1)
		MsgReply(ctp->rcvid, EOK, more, sizeof(more));
	MsgDeliverEvent(ctp->rcvid, &event);
	MsgVerifyEvent(ctp->rcvid, &event);
	if (!(type & 1))
		MsgError(ctp->rcvid, EINVAL);
	return 0;
}

int on_pulse(message_context_t *, int, unsigned, void *)
{
	return 0;
}

} // namespace

extern "C" int __wrap_open(const char *, int, ...)
{
	return dup(STDIN_FILENO);
}

extern "C" int __wrap_ioctl(int, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	void *args = va_arg(list, void *);
	va_end(list);

	switch (request) {
	case STPLR_VERSION: {
		auto *version = static_cast<stplr_version *>(args);
		*version = {};
		version->abi = STPLR_ABI;
		version->features = ~0ULL;
		return 0;
	}
	case STPLR_CHANNEL_CREATE:
		static_cast<stplr_channel_create *>(args)->chid = 1;
		return dup(STDIN_FILENO);
	case STPLR_CONNECT_ATTACH:
		return dup(STDIN_FILENO);
	case STPLR_CONNECT_INFO:
		*static_cast<stplr_connect_info *>(args) = {};
		return 0;
	case STPLR_MSG_RECEIVE:
		return receive(static_cast<stplr_msg_receive *>(args));
	case STPLR_MSG_SEND_RECEIVE:
		return answer(static_cast<stplr_msg_send *>(args));
	case STPLR_MSG_REPLY:
		answered = static_cast<stplr_msg_reply *>(args)->rcvid;
		return 0;
	case STPLR_MSG_INFO: // whatever a pulse names was answered
		errno = ESRCH;
		return -1;
	case STPLR_MSG_READ: {
		auto *read = static_cast<stplr_msg_data *>(args);
		return peer.take(reinterpret_cast<void *>(read->buffer.addr), read->buffer.len);
	}
	default:
		return 0;
	}
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	message_attr_t attributes = {};

	peer = {data, size};
	int coid = name_open("a/name", 0);
	if (coid != -1)
		name_close(coid);

	dispatch_t *dpp = dispatch_create();
	attributes.msg_max_size = 256;
	message_attach(dpp, &attributes, 256, 1024, on_message, nullptr);
	attributes.flags = MSG_FLAG_DEFAULT_FUNC;
	if (size & 1)
		message_attach(dpp, &attributes, 0, 0, on_message, nullptr);
	pulse_attach(dpp, 0, 5, on_pulse, nullptr);
	dispatch_context_t *ctp = dispatch_context_alloc(dpp);
	if (!ctp) {
		perror("dispatch_context_alloc");
		abort();
	}
	while (dispatch_block(ctp)) {
		uint32_t mine = ctp->message_context.rcvid ? rcvids : 0;
		dispatch_handler(ctp);
		// whatever it is, nobody stays blocked for ever
		if (mine && static_cast<uint32_t>(answered) != mine)
			abort();
	}
	dispatch_context_free(ctp);
	dispatch_destroy(dpp);
	return 0;
}
