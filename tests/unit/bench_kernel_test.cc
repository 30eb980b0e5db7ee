// SPDX-License-Identifier: MIT
// The ways between the kernel and a process that stplr-bench kernel measures: nothing is lost,
// doubled or put in another order, a full receiver is an error, who sleeps is woken, and who breaks
// the rules is refused.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/stplr_ring.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "../../bench/kernel_side.h"
#include "../../bench/kernel_ways.h"
#include "../../bench/payload.h"
#include "../../bench/uring.h"
#include "support/fails.h"
#include "support/thread.h"

namespace
{

constexpr size_t size = 1000;

std::string plain(const char *name)
{
	std::string letters;

	for (; *name; name++)
		letters += isalnum(*name) ? *name : '_';
	return letters;
}

// The module is there while the tests run.
class Module : public testing::Environment
{
public:
	void SetUp() override
	{
		module_ = std::make_unique<bench::KernelModule>();
	}
	void TearDown() override
	{
		module_.reset();
	}

private:
	std::unique_ptr<bench::KernelModule> module_;
};

testing::Environment *const module = testing::AddGlobalTestEnvironment(new Module);

// From the kernel

class FromKernelTest : public testing::TestWithParam<bench::FromKernel>
{
protected:
	// False: this kernel does not have it, and the test is skipped.
	bool make()
	{
		try {
			receivers_ = GetParam().make(kernel_, size);
			return true;
		} catch (const bench::Unsupported &reason) {
			reason_ = reason.what();
			return false;
		}
	}
	void send(unsigned count, unsigned flags = 0)
	{
		kernel_.send(GetParam().way, count, flags | BENCH_FULL, sent_);
		sent_ += count;
	}
	// Each reader has so many, and all that is in them.
	void receive(unsigned count)
	{
		for (const auto &receiver : receivers_) {
			uint64_t next = received_;

			receiver->receive(count, received_, [&](const std::byte *bytes) {
				EXPECT_TRUE(bench::hasPattern(bytes, size, next)) << next;
				next++;
			});
			if (GetParam().carriesData)
				EXPECT_EQ(received_ + count, next);
		}
		received_ += count;
	}

	bench::KernelSide kernel_;
	bench::Receivers receivers_;
	std::string reason_;
	uint64_t sent_ = 0;
	uint64_t received_ = 0;
};

TEST_P(FromKernelTest, EachMessageComesOnceAndInOrder)
{
	std::mt19937 random(1);

	if (!make())
		GTEST_SKIP() << reason_;
	for (int round = 0; round < 200; round++) {
		const unsigned count = round ? random() % BENCH_SLOTS + 1 : BENCH_SLOTS;

		send(count, round % 2 ? BENCH_BATCH : 0);
		receive(count);
		ASSERT_FALSE(HasFailure());
	}
}

TEST_P(FromKernelTest, AFullReceiverIsAnErrorAndNothingIsLost)
{
	if (!make())
		GTEST_SKIP() << reason_;
	if (GetParam().way == BENCH_EVENTFD)
		GTEST_SKIP() << "an eventfd counts, and is never full";
	for (int round = 0; round < 2; round++) {
		try {
			while (sent_ - received_ < 100000)
				send(1);
			ADD_FAILURE() << "never full";
		} catch (const bench::CallError &error) {
			EXPECT_NE(nullptr, strstr(error.what(), "(EAGAIN)")) << error.what();
		}
		EXPECT_LE(received_ + BENCH_SLOTS, sent_);
		// Netlink tells both sides.
		if (GetParam().way == BENCH_NETLINK_UNICAST || GetParam().way == BENCH_GENETLINK)
			EXPECT_THROW(receive(1), bench::CallError);
		while (received_ < sent_)
			receive(std::min<unsigned>(BENCH_SLOTS, sent_ - received_));
		ASSERT_FALSE(HasFailure());
	}
	// And then it goes on.
	send(1);
	receive(1);
}

// One after the other, and the last of several at once: each time all who read are asleep.
TEST_P(FromKernelTest, WhoSleepsIsWoken)
{
	constexpr unsigned rounds = 20, batch = 3;
	std::atomic<unsigned> ready{0}, woken{0};
	std::atomic<bool> unsupported{false};
	std::vector<std::unique_ptr<Thread>> threads;

	for (unsigned reader = 0; reader < GetParam().readers; reader++) {
		threads.push_back(std::make_unique<Thread>([&, reader] {
			// Who makes an io_uring is the one who uses it.
			if (!reader && !make())
				unsupported = true;
			ready++;
			while (ready < GetParam().readers)
				sched_yield();
			for (uint64_t number = 0; number < rounds * batch && !unsupported;) {
				const unsigned count = number / batch % 2 ? batch : 1;

				receivers_[reader]->receive(count, number, [&](auto bytes) {
					EXPECT_TRUE(bench::hasPattern(bytes, size, number));
					number++;
				});
				if (!GetParam().carriesData)
					number += count;
				woken++;
			}
			return 0;
		}));
	}
	ASSERT_TRUE(eventually([&] { return ready == GetParam().readers; }));
	if (unsupported) {
		threads.clear();
		GTEST_SKIP() << reason_;
	}
	for (unsigned round = 1; sent_ < rounds * batch; round++) {
		for (const auto &thread : threads)
			ASSERT_TRUE(thread->wait_asleep());
		send(sent_ / batch % 2 ? batch : 1, BENCH_BATCH);
		ASSERT_TRUE(eventually([&] { return woken == round * GetParam().readers; }));
	}
	for (const auto &thread : threads)
		EXPECT_EQ(0, thread->join());
	// In this thread, whose io_uring it is not.
	receivers_.clear();
}

INSTANTIATE_TEST_SUITE_P(Ways, FromKernelTest, testing::ValuesIn(bench::waysFromKernel()),
			 [](const auto &info) { return plain(info.param.name); });

// To the kernel

class ToKernelTest : public testing::TestWithParam<bench::ToKernel>
{
protected:
	void send(uint64_t number, unsigned count)
	{
		for (unsigned at = 0; at < count; at++) {
			bench::fillPattern(sender_->place(), size, number + at);
			sender_->send(at + 1 < count);
		}
	}

	bench::KernelSide kernel_;
	std::unique_ptr<bench::Sender> sender_ = GetParam().make(kernel_, size);
};

TEST_P(ToKernelTest, EachMessageComesOnceAndInOrder)
{
	std::mt19937 random(1);
	uint64_t sent = 0;

	kernel_.expect(0, BENCH_FULL);
	for (int round = 0; round < 200; round++) {
		const unsigned count = round ? random() % BENCH_SLOTS + 1 : BENCH_SLOTS;

		send(sent, count);
		if (GetParam().drained)
			kernel_.expect(sent, BENCH_FULL, count);
		sent += count;
	}
	kernel_.expectReceived(sent);
}

TEST_P(ToKernelTest, AnotherMessageThanWasDueIsNoticed)
{
	const unsigned drained = GetParam().drained ? 1 : 0;

	kernel_.expect(5, BENCH_FULL);
	try {
		send(6, 1);
		kernel_.expect(5, BENCH_FULL, drained);
	} catch (const bench::CallError &error) {
		EXPECT_NE(nullptr, strstr(error.what(), "(EBADMSG)")) << error.what();
	}
	EXPECT_THROW(kernel_.expectReceived(0), std::runtime_error);
	EXPECT_THROW(kernel_.expectReceived(1), std::runtime_error);
}

INSTANTIATE_TEST_SUITE_P(Ways, ToKernelTest, testing::ValuesIn(bench::waysToKernel()),
			 [](const auto &info) { return plain(info.param.name); });

// The device

class DeviceTest : public testing::Test
{
protected:
	int set_up(unsigned way, size_t bytes = size, int value = 0)
	{
		bench_set_up set_up = {};

		set_up.way = way;
		set_up.size = static_cast<uint32_t>(bytes);
		set_up.value = value;
		strcpy(set_up.name, "bench_kernel_test");
		return ioctl(kernel_->fd(), BENCH_SET_UP, &set_up);
	}
	int send(unsigned way, unsigned count, uint64_t number = 0)
	{
		bench_send send = {way, count, BENCH_FULL, 0, number, 0};

		return ioctl(kernel_->fd(), BENCH_SEND, &send);
	}

	std::optional<bench::KernelSide> kernel_{std::in_place};
};

TEST_F(DeviceTest, IsSetUpOnceAndForWhatThereIs)
{
	bench_expect take = {};

	EXPECT_FAILS(EINVAL, set_up(BENCH_NOTHING));
	EXPECT_FAILS(EINVAL, set_up(BENCH_RELAY + 1));
	EXPECT_FAILS(EBADF, set_up(BENCH_PIPE, size, -1));
	EXPECT_FAILS(EINVAL, set_up(BENCH_PIPE, size, kernel_->fd()));
	EXPECT_FAILS(EINVAL, set_up(~0U));
	EXPECT_FAILS(EINVAL, set_up(BENCH_DEVICE, 0));
	EXPECT_FAILS(EINVAL, set_up(BENCH_DEVICE, 15));
	EXPECT_FAILS(EINVAL, set_up(BENCH_DEVICE, BENCH_SIZE_MAX + 1));
	EXPECT_FAILS(EBADF, set_up(BENCH_EVENTFD, size, -1));
	EXPECT_FAILS(EBADF, set_up(BENCH_SHARED, size, -1));
	EXPECT_FAILS(EINVAL, set_up(BENCH_SHARED, size, kernel_->fd()));
	EXPECT_FAILS(EINVAL, set_up(BENCH_RING, size, STPLR_RING_READERS_MAX + 1));
	EXPECT_FAILS(EINVAL, set_up(BENCH_NETLINK_UNICAST));
	EXPECT_FAILS(EINVAL, send(BENCH_DEVICE, 1));
	EXPECT_FAILS(EINVAL, read(kernel_->fd(), &take, sizeof(take)));
	// What failed has left nothing behind.
	ASSERT_EQ(0, set_up(BENCH_DEVICE));
	EXPECT_FAILS(EBUSY, set_up(BENCH_DEVICE));
	EXPECT_FAILS(EINVAL, send(BENCH_SHARED, 1));
	EXPECT_FAILS(EINVAL, send(BENCH_DEVICE, BENCH_SLOTS + 1));
	EXPECT_FAILS(EINVAL, send(~0U, 1));
	EXPECT_EQ(0, send(BENCH_NOTHING, BENCH_SLOTS));
	EXPECT_EQ(0, send(BENCH_DEVICE, 0));
	take.count = 1;
	EXPECT_FAILS(EINVAL, ioctl(kernel_->fd(), BENCH_EXPECT, &take));
	EXPECT_FAILS(EBUSY, open("/dev/stplr-bench", O_RDWR | O_CLOEXEC));
}

TEST_F(DeviceTest, AnIndexThatCannotBeEndsIt)
{
	const bench::Fd event(eventfd(0, EFD_CLOEXEC), "eventfd");
	const size_t length = BENCH_SHARED_SLOTS + BENCH_SLOTS * size_t(bench_shared_stride(size));
	bench_expect take = {};

	ASSERT_EQ(0, set_up(BENCH_SHARED, size, event));
	EXPECT_EQ(MAP_FAILED, mmap(nullptr, length, PROT_READ, MAP_PRIVATE, kernel_->fd(), 0));
	EXPECT_EQ(MAP_FAILED,
		  mmap(nullptr, length + 4096, PROT_READ, MAP_SHARED, kernel_->fd(), 0));
	EXPECT_EQ(MAP_FAILED, mmap(nullptr, length, PROT_READ, MAP_SHARED, kernel_->fd(), 4096));

	const bench::Mapping memory(length, PROT_READ | PROT_WRITE, MAP_SHARED, kernel_->fd());
	bench_shared &shared = *memory.as<bench_shared>();

	take.count = 1;
	EXPECT_FAILS(EAGAIN, ioctl(kernel_->fd(), BENCH_EXPECT, &take));
	for (const uint32_t tail : {1U, ~0U - BENCH_SLOTS, 1U << 31}) {
		shared.tail = tail;
		EXPECT_FAILS(EPROTO, send(BENCH_SHARED, 1));
	}
	shared.tail = 0;
	EXPECT_EQ(0, send(BENCH_SHARED, BENCH_SLOTS));
	EXPECT_FAILS(EAGAIN, send(BENCH_SHARED, 1));
	shared.head = BENCH_SLOTS + 1;
	EXPECT_FAILS(EPROTO, ioctl(kernel_->fd(), BENCH_EXPECT, &take));
	// What is mapped lasts.
	kernel_.reset();
	EXPECT_TRUE(bench::hasPattern(memory.bytes() + BENCH_SHARED_SLOTS, size, 0));
	EXPECT_FAILS(EBUSY, open("/dev/stplr-bench", O_RDWR | O_CLOEXEC));
}

// io_uring's commands

class UringTest : public DeviceTest
{
protected:
	UringTest()
	{
		EXPECT_EQ(0, set_up(BENCH_URING));
	}
	void prepare(bench::Uring &uring, unsigned command, const bench_uring &order,
		     unsigned data = 0)
	{
		io_uring_sqe &entry = uring.prepare();

		entry.user_data = data;
		entry.opcode = IORING_OP_URING_CMD;
		entry.fd = kernel_->fd();
		entry.cmd_op = command;
		memcpy(entry.cmd, &order, sizeof(order));
	}
	bench_uring to(void *bytes) const
	{
		return {reinterpret_cast<uintptr_t>(bytes), size, 0};
	}
	io_uring_cqe completion(bench::Uring &uring)
	{
		const io_uring_cqe *completed = uring.completed();

		if (!completed) {
			uring.submit(1);
			completed = uring.completed();
		}

		const io_uring_cqe copy = *completed;

		uring.done();
		return copy;
	}
	int result(bench::Uring &uring)
	{
		return completion(uring).res;
	}
	int order(bench::Uring &uring, unsigned command, const bench_uring &order)
	{
		prepare(uring, command, order);
		uring.submit(1);
		return result(uring);
	}
};

TEST_F(UringTest, WhatIsWrongIsRefusedAndTheMessageStays)
{
	bench::Uring uring(4);
	std::byte bytes[size] = {};

	ASSERT_EQ(0, send(BENCH_URING, 1, 7));
	EXPECT_EQ(-EINVAL, order(uring, 0, to(bytes)));
	EXPECT_EQ(-EINVAL, order(uring, 3, to(bytes)));
	for (const unsigned command : {BENCH_URING_RECEIVE, BENCH_URING_SEND}) {
		bench_uring wrong = to(bytes);

		wrong.reserved = 1;
		EXPECT_EQ(-EINVAL, order(uring, command, wrong));
		wrong = to(bytes);
		wrong.size--;
		EXPECT_EQ(-EINVAL, order(uring, command, wrong));
		wrong = to(bytes);
		wrong.address = 64;
		EXPECT_EQ(-EFAULT, order(uring, command, wrong));
	}
	EXPECT_EQ(int(size), order(uring, BENCH_URING_RECEIVE, to(bytes)));
	EXPECT_TRUE(bench::hasPattern(bytes, size, 7));
	EXPECT_EQ(-EBADMSG, order(uring, BENCH_URING_SEND, to(bytes)));
}

// Four wait: each message completes one, whichever, and completions are in the messages' order.
TEST_F(UringTest, ThoseThatWaitGetAMessageEach)
{
	bench::Uring uring(4);
	std::byte bytes[4][size] = {};
	unsigned gone = 0;
	const auto expect_next = [&](uint64_t number) {
		const io_uring_cqe completed = completion(uring);

		EXPECT_EQ(int(size), completed.res);
		ASSERT_GT(4U, completed.user_data);
		EXPECT_FALSE(gone & 1U << completed.user_data);
		EXPECT_TRUE(bench::hasPattern(bytes[completed.user_data], size, number)) << number;
		gone |= 1U << completed.user_data;
	};

	for (unsigned at = 0; at < 4; at++)
		prepare(uring, BENCH_URING_RECEIVE, to(bytes[at]), at);
	uring.submit(0);
	EXPECT_EQ(nullptr, uring.completed());
	ASSERT_EQ(0, send(BENCH_URING, 3));
	for (uint64_t number = 0; number < 3; number++)
		expect_next(number);
	EXPECT_EQ(nullptr, uring.completed());
	ASSERT_EQ(0, send(BENCH_URING, 1, 3));
	expect_next(3);
}

TEST_F(UringTest, WhoClosesTheDeviceHasHisCommandsBack)
{
	bench::Uring uring(4);
	std::byte bytes[size] = {};

	prepare(uring, BENCH_URING_RECEIVE, to(bytes));
	prepare(uring, BENCH_URING_RECEIVE, to(bytes));
	uring.submit(0);
	// Another process's are not its business.
	Child other([&](Child &) {
		kernel_.reset();
		return 0;
	});
	other.expect_success();
	ASSERT_EQ(0, send(BENCH_URING, 1));
	EXPECT_EQ(int(size), result(uring));
	kernel_.reset();
	EXPECT_EQ(-ECANCELED, result(uring));
	EXPECT_NO_THROW(kernel_.emplace());
}

// With commands of its that wait, and with messages on the way to them.
TEST_F(UringTest, WhoIsKilledLeavesTheDeviceToOthers)
{
	for (int round = 0; round < 20; round++) {
		Child other([&](Child &child) {
			bench::Uring uring(4);
			std::byte bytes[4][size] = {};

			for (auto &message : bytes)
				prepare(uring, BENCH_URING_RECEIVE, to(message));
			uring.submit(0);
			child.tell(1);
			for (;;)
				uring.submit(4);
			return 0;
		});

		other.hear();
		if (round % 2)
			ASSERT_EQ(0, send(BENCH_URING, 2));
		other.kill(SIGKILL);
		if (round % 4 == 3)
			ASSERT_EQ(0, send(BENCH_URING, 2));
		other.wait();
		kernel_.reset();
		kernel_.emplace();
		ASSERT_EQ(0, set_up(BENCH_URING));
	}
}

} // namespace
