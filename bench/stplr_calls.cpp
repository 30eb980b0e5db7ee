// SPDX-License-Identifier: MIT
#include "stplr_calls.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>

namespace bench
{

namespace
{

constexpr const char *devicePath = "/dev/stplr-0";

} // namespace

Fd openStplr()
{
	const int device = open(devicePath, O_RDWR | O_CLOEXEC);

	if (device < 0 && (errno == ENOENT || errno == EACCES || errno == ENXIO))
		throw Unsupported(describe(std::string("open(") + devicePath + ")") +
				  (errno == EACCES ? "" : ": load the module, or run in tools/vm"));

	Fd fd(device, "open(/dev/stplr-0)");
	stplr_version version = {};

	checked(ioctl(fd, STPLR_VERSION, &version), "ioctl(STPLR_VERSION)");
	if (version.abi != STPLR_ABI)
		throw Unsupported("the module speaks ABI " + std::to_string(version.abi) +
				  ", this program ABI " + std::to_string(STPLR_ABI));
	return fd;
}

std::string stplrChannelName()
{
	return "stplr-bench-" + std::to_string(getpid());
}

Fd createStplrChannel(int device, const std::string &name, unsigned pulses, unsigned flags)
{
	stplr_channel_create create = {};

	create.name = reinterpret_cast<std::uintptr_t>(name.data());
	create.name_len = name.size();
	create.pulses = pulses;
	create.flags = flags;
	return Fd(ioctl(device, STPLR_CHANNEL_CREATE, &create), "ioctl(STPLR_CHANNEL_CREATE)");
}

Fd attachStplr(int device, const std::string &name)
{
	stplr_connect_attach attach = {};

	attach.name = reinterpret_cast<std::uintptr_t>(name.data());
	attach.name_len = name.size();
	return Fd(ioctl(device, STPLR_CONNECT_ATTACH, &attach), "ioctl(STPLR_CONNECT_ATTACH)");
}

stplr_msg_send stplrSend(std::byte *request, std::byte *reply, std::size_t size)
{
	stplr_msg_send send = {};

	send.send = stplrBuffer(request, size);
	send.reply = stplrBuffer(reply, size);
	send.send_deadline = STPLR_DEADLINE_NONE;
	send.reply_deadline = STPLR_DEADLINE_NONE;
	send.clock = CLOCK_MONOTONIC;
	return send;
}

stplr_buffer registerStplrBuffer(int fd, const std::byte *start, std::size_t size, bool write)
{
	stplr_buffer_register call = {};

	call.addr = reinterpret_cast<std::uintptr_t>(start);
	call.len = size;
	call.flags = write ? STPLR_BUFFER_WRITE : 0;
	if (ioctl(fd, STPLR_BUFFER_REGISTER, &call)) {
		const std::string what = describe("ioctl(STPLR_BUFFER_REGISTER)");

		if (errno == ENOTTY)
			throw Unsupported(what + ": the module has no registered buffers");
		if (errno == ENOMEM)
			throw Unsupported(what + ": RLIMIT_MEMLOCK does not allow it");
		throw std::runtime_error(what);
	}
	return {STPLR_REGISTERED(call.index, 0), size};
}

} // namespace bench
