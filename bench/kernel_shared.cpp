// SPDX-License-Identifier: MIT
#include "kernel_shared.h"

#include <sys/eventfd.h>

namespace bench
{

SharedRing::SharedRing(KernelSide &kernel, std::size_t size)
	: event_(eventfd(0, EFD_CLOEXEC), "eventfd"),
	  stride_(bench_shared_stride(static_cast<std::uint32_t>(size)))
{
	kernel.setUp(BENCH_SHARED, size, "", event_);
	memory_ = Mapping(BENCH_SHARED_SLOTS + BENCH_SLOTS * stride_, PROT_READ | PROT_WRITE,
			  MAP_SHARED, kernel.fd());
}

std::uint32_t SharedReceiver::await()
{
	bench_shared &ring = shared();
	std::uint32_t there;
	std::uint64_t signals;

	if ((there = __atomic_load_n(&ring.head, __ATOMIC_ACQUIRE) - tail_))
		return there;
	// The flag before the index; the kernel writes the index and then looks at the flag.
	__atomic_store_n(&ring.wanted, 1, __ATOMIC_SEQ_CST);
	while (!(there = __atomic_load_n(&ring.head, __ATOMIC_SEQ_CST) - tail_))
		checked(read(event_, &signals, sizeof(signals)), "read(eventfd)");
	__atomic_store_n(&ring.wanted, 0, __ATOMIC_RELAXED);
	return there;
}

void SharedReceiver::receive(unsigned count, std::uint64_t, const Look &look)
{
	while (count) {
		std::uint32_t there = await();

		if (there > BENCH_SLOTS)
			throw std::runtime_error("the kernel has written " + std::to_string(there) +
						 " messages into " + std::to_string(BENCH_SLOTS) +
						 " slots");
		for (; there && count; there--, count--) {
			look(slot(tail_));
			__atomic_store_n(&shared().tail, ++tail_, __ATOMIC_RELEASE);
		}
	}
}

void SharedSender::send(bool)
{
	if (head_ - __atomic_load_n(&shared().tail, __ATOMIC_ACQUIRE) >= BENCH_SLOTS)
		throw std::runtime_error("the kernel has not made room");
	__atomic_store_n(&shared().head, ++head_, __ATOMIC_RELEASE);
}

} // namespace bench
