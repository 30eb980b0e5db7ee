// SPDX-License-Identifier: MIT
#include "uring.h"

#include <sys/syscall.h>

#include <algorithm>
#include <string>

namespace bench
{

namespace
{

int setUp(unsigned entries, io_uring_params &params)
{
	// What completes is told to the one thread that submits, when it asks.
	params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

	const long fd = syscall(SYS_io_uring_setup, entries, &params);

	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
		throw Unsupported(describe("io_uring_setup"));
	return static_cast<int>(checked(fd, "io_uring_setup"));
}

template <typename Type> Type *at(const Mapping &mapping, std::size_t offset)
{
	return reinterpret_cast<Type *>(mapping.bytes() + offset);
}

Mapping map(int fd, std::size_t size, off_t offset)
{
	return Mapping(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

} // namespace

Uring::Uring(unsigned entries)
	: fd_(setUp(entries, params_), "io_uring_setup"),
	  rings_(map(fd_,
		     std::max<std::size_t>(
			     params_.sq_off.array + params_.sq_entries * sizeof(unsigned),
			     params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe)),
		     IORING_OFF_SQ_RING)),
	  entries_(map(fd_, params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES))
{
	// Each place of the queue has the entry of its number, always.
	for (unsigned entry = 0; entry < params_.sq_entries; entry++)
		at<unsigned>(rings_, params_.sq_off.array)[entry] = entry;
}

io_uring_sqe &Uring::prepare()
{
	io_uring_sqe &entry = entries_.as<io_uring_sqe>()[tail_++ & (params_.sq_entries - 1)];

	prepared_++;
	entry = {};
	return entry;
}

void Uring::submit(unsigned awaited)
{
	__atomic_store_n(at<unsigned>(rings_, params_.sq_off.tail), tail_, __ATOMIC_RELEASE);
	while (prepared_ || awaited) {
		const long submitted =
			checked(syscall(SYS_io_uring_enter, static_cast<int>(fd_), prepared_,
					awaited, IORING_ENTER_GETEVENTS, nullptr, 0),
				"io_uring_enter");

		prepared_ -= static_cast<unsigned>(submitted);
		if (!prepared_)
			return;
	}
}

const io_uring_cqe *Uring::completed() const
{
	if (__atomic_load_n(at<unsigned>(rings_, params_.cq_off.tail), __ATOMIC_ACQUIRE) == head_)
		return nullptr;
	return at<io_uring_cqe>(rings_, params_.cq_off.cqes) + (head_ & (params_.cq_entries - 1));
}

void Uring::done()
{
	__atomic_store_n(at<unsigned>(rings_, params_.cq_off.head), ++head_, __ATOMIC_RELEASE);
}

} // namespace bench
