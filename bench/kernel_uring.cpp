// SPDX-License-Identifier: MIT
#include "kernel_uring.h"

#include <cstring>

namespace bench
{

UringCommands::UringCommands(KernelSide &kernel, std::size_t size)
	: device_(kernel.fd()), size_(size), stride_((size + 63) / 64 * 64),
	  buffers_(messageBuffer(stride_ * BENCH_SLOTS))
{
	kernel.setUp(BENCH_URING, size);
}

void UringCommands::prepare(unsigned command, unsigned at)
{
	const bench_uring order = {reinterpret_cast<std::uintptr_t>(buffer(at)),
				   static_cast<std::uint32_t>(size_), 0};
	io_uring_sqe &entry = uring_.prepare();

	entry.opcode = IORING_OP_URING_CMD;
	entry.fd = device_;
	entry.cmd_op = command;
	entry.user_data = at;
	memcpy(entry.cmd, &order, sizeof(order));
}

void UringCommands::complete(unsigned count, const std::function<void(unsigned)> &look)
{
	uring_.submit(count);
	for (unsigned due = 0; due < count;) {
		const io_uring_cqe *const completed = uring_.completed();

		// Fewer have been waited for: a signal came.
		if (!completed) {
			uring_.submit(count - due);
			continue;
		}
		if (completed->res < 0)
			throw CallError("IORING_OP_URING_CMD", -completed->res);
		checkSize(static_cast<std::size_t>(completed->res), size_);
		// Messages come in the order of completions, into whichever command's buffer.
		if (completed->user_data >= count)
			throw std::runtime_error("a command was completed that was not given");
		look(static_cast<unsigned>(completed->user_data));
		uring_.done();
		due++;
	}
}

void UringReceiver::receive(unsigned count, std::uint64_t, const Look &look)
{
	for (unsigned at = 0; at < count; at++)
		prepare(BENCH_URING_RECEIVE, at);
	complete(count, [&](unsigned at) { look(buffer(at)); });
}

void UringSender::send(bool more)
{
	prepare(BENCH_URING_SEND, prepared_++);
	if (more)
		return;
	complete(prepared_, [](unsigned) {});
	prepared_ = 0;
}

} // namespace bench
