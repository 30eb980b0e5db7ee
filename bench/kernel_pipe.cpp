// SPDX-License-Identifier: MIT
#include "kernel_pipe.h"

#include <fcntl.h>
#include <poll.h>

namespace bench
{

void StreamReceiver::receive(unsigned count, std::uint64_t, const Look &look)
{
	std::size_t got = 0, seen = 0;

	while (seen < count) {
		got += read(buffer_.bytes() + got, count * size_ - got);
		for (; (seen + 1) * size_ <= got; seen++)
			look(buffer_.bytes() + seen * size_);
	}
}

Pipe::Pipe(KernelSide &kernel, std::size_t size, Kernels end)
{
	// A page each, where messages do not share one.
	const std::size_t room = BENCH_SLOTS * ((size + 4095) / 4096 * 4096);
	int ends[2];

	checked(pipe2(ends, O_CLOEXEC), "pipe2");
	in_ = Fd(ends[0], "pipe2");
	out_ = Fd(ends[1], "pipe2");
	checked(fcntl(out_, F_SETPIPE_SZ, room), "fcntl(F_SETPIPE_SZ)");

	const int kernels = end == out ? out_ : in_;

	checked(fcntl(kernels, F_SETFL, O_NONBLOCK), "fcntl(F_SETFL)");
	kernel.setUp(BENCH_PIPE, size, "", kernels);
}

std::size_t PipeReceiver::read(std::byte *to, std::size_t room)
{
	return static_cast<std::size_t>(checked(::read(pipe_.in_, to, room), "read(pipe)"));
}

RelayReceiver::RelayReceiver(KernelSide &kernel, std::size_t size)
	: StreamReceiver(size), size_(size)
{
	const char *const path = "/sys/kernel/debug/" BENCH_RELAY_FOLDER "/relay0";

	kernel.setUp(BENCH_RELAY, size);

	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		throw Unsupported(describe(std::string("open(") + path + ")"));
	fd_ = Fd(fd, "open(relay)");
}

// A sub-buffer that is complete, and no more: read(2) does not wait, and would give from the one
// that is being changed, too, without a lock.
std::size_t RelayReceiver::read(std::byte *to, std::size_t)
{
	pollfd waiting = {fd_, POLLIN, 0};

	checked(poll(&waiting, 1, -1), "poll(relay)");
	return static_cast<std::size_t>(checked(::read(fd_, to, size_), "read(relay)"));
}

void PipeSender::send(bool)
{
	checkSize(static_cast<std::size_t>(
			  checked(write(pipe_.out_, buffer_.bytes(), size_), "write(pipe)")),
		  size_);
}

} // namespace bench
