// SPDX-License-Identifier: MIT
// Whoever waits for room, in a queue or in a backlog: one by one as room comes, and all of them
// when it never will; each by every cause, the second in line as well as the first.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"

namespace
{

constexpr uint32_t kClocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};

// Two threads that wait in the same way.
class Pair
{
public:
	Pair(unsigned long request, const std::function<long()> &call)
		: request_(request), first_(call), second_(call)
	{
	}
	bool wait_blocked()
	{
		return first_.wait_blocked(request_) && second_.wait_blocked(request_);
	}
	// One of them goes on, and the other does not.
	void expect_one(long result)
	{
		EXPECT_TRUE(eventually([this] { return first_.done() || second_.done(); }));
		Thread &done = first_.done() ? first_ : second_;
		EXPECT_EQ(result, done.join());
		EXPECT_TRUE((&done == &first_ ? second_ : first_).wait_blocked(request_));
	}
	std::multiset<long> finish()
	{
		return {first_.join(), second_.join()};
	}
	Thread &first()
	{
		return first_;
	}

private:
	unsigned long request_;
	Thread first_, second_;
};

using Results = std::multiset<long>;

// In a queue with room for one message, which is taken.
class QueueRoomTest : public PairTest
{
protected:
	QueueRoomTest()
	{
		EXPECT_EQ(0, send_queued(connection, "first"));
	}

	// Two threads that wait on one connection, until this deadline.
	std::unique_ptr<Pair> wait(int fd, int64_t deadline = STPLR_DEADLINE_NONE,
				   uint32_t clock = CLOCK_MONOTONIC)
	{
		auto pair = std::make_unique<Pair>(STPLR_MSG_SEND, [=] {
			stplr_msg_send args = send_args(buffer("waits"));
			args.flags = STPLR_SEND_QUEUED;
			args.send_deadline = deadline;
			args.clock = clock;
			return msg_send(fd, args);
		});
		return pair;
	}

	// What comes to those that wait on another connection than that whose message is lost.
	void expect_ended(const std::function<void()> &cause, long result)
	{
		Fd other = new_connection(device, 0, chid);
		auto pair = wait(other);
		ASSERT_TRUE(pair->wait_blocked());
		cause();
		EXPECT_EQ((Results{result, result}), pair->finish());
	}

	Parameter bound{"channel_queued", 1};
};

TEST_F(QueueRoomTest, ComesForOneAtATime)
{
	auto pair = wait(connection);
	ASSERT_TRUE(pair->wait_blocked());
	EXPECT_EQ("first", poll_receive(channel).text);
	pair->expect_one(0);
	EXPECT_EQ("waits", poll_receive(channel).text);
	EXPECT_EQ((Results{0, 0}), pair->finish());
	EXPECT_EQ("waits", poll_receive(channel).text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(QueueRoomTest, Destroyed)
{
	expect_ended([&] { EXPECT_EQ(0, channel_destroy(channel)); }, -ESRCH);
}

TEST_F(QueueRoomTest, ShutDown)
{
	expect_ended([&] { EXPECT_EQ(0, channel_shutdown(channel)); }, -ESRCH);
}

TEST_F(QueueRoomTest, Closed)
{
	expect_ended([&] { channel.reset(); }, -ESRCH);
}

TEST_F(QueueRoomTest, ServerKilled)
{
	Child server([&](Child &self) {
		Fd own = new_channel(device, "mortal");
		self.tell(0);
		self.hear();
		return 0;
	});
	server.hear();
	Fd filler = new_connection(device, "mortal"), other = new_connection(device, "mortal");
	ASSERT_EQ(0, send_queued(filler, "x"));
	auto pair = wait(other);
	ASSERT_TRUE(pair->wait_blocked());
	server.kill(SIGKILL);
	EXPECT_EQ((Results{-ESRCH, -ESRCH}), pair->finish());
}

TEST_F(QueueRoomTest, LossIsToldToOneOfThem)
{
	auto pair = wait(connection);
	ASSERT_TRUE(pair->wait_blocked());
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ((Results{-ECONNRESET, -ESRCH}), pair->finish());
}

TEST_F(QueueRoomTest, Detached)
{
	Fd other = new_connection(device, 0, chid);
	auto mine = wait(connection), others = wait(other);
	ASSERT_TRUE(mine->wait_blocked());
	ASSERT_TRUE(others->wait_blocked());
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ((Results{-EBADF, -EBADF}), mine->finish());
	EXPECT_TRUE(others->wait_blocked()) << "another connection is not ended";
	EXPECT_EQ(0, connect_detach(other));
	EXPECT_EQ((Results{-EBADF, -EBADF}), others->finish());
}

TEST_F(QueueRoomTest, DeadlineOfEachClock)
{
	auto patient = wait(connection);
	ASSERT_TRUE(patient->wait_blocked());
	for (uint32_t clock : kClocks) {
		const int64_t deadline = in_ms(100, clock);
		auto pair = wait(connection, deadline, clock);
		EXPECT_EQ((Results{-ETIMEDOUT, -ETIMEDOUT}), pair->finish()) << clock;
		EXPECT_GE(now(clock), deadline) << clock;
	}
	EXPECT_TRUE(patient->wait_blocked());
	EXPECT_EQ("first", poll_receive(channel).text);
	patient->expect_one(0);
	EXPECT_EQ(0, channel_destroy(channel));
}

TEST_F(QueueRoomTest, SignalIsForOne)
{
	auto pair = wait(connection);
	ASSERT_TRUE(pair->wait_blocked());
	pair->first().signal(SIGUSR1);
	pair->expect_one(-EINTR);
	EXPECT_EQ("first", poll_receive(channel).text);
	EXPECT_EQ((Results{-EINTR, 0}), pair->finish());
}

TEST_F(QueueRoomTest, KilledWaiter)
{
	Child client([&](Child &) { return send_queued(connection, "dies") == 0; });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	client.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(client.wait()));
	EXPECT_EQ("first", poll_receive(channel).text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

// In a backlog with room for one connection, which is taken.
class BacklogRoomTest : public testing::Test
{
protected:
	BacklogRoomTest()
	{
		stplr_channel_create args = channel_args("narrow", STPLR_CHANNEL_LISTEN);
		args.backlog = 1;
		listener = Fd(channel_create(device, args));
		EXPECT_GE(listener, 0);
		first = new_connection(device, "narrow");
	}

	// Each connection that comes about stays open until the test's end.
	std::unique_ptr<Pair> wait(int64_t deadline = STPLR_DEADLINE_NONE,
				   uint32_t clock = CLOCK_MONOTONIC)
	{
		return std::make_unique<Pair>(STPLR_CONNECT_ATTACH, [=] {
			stplr_connect_attach args = attach_args("narrow");
			args.deadline = deadline;
			args.clock = clock;
			long fd = connect_attach(device, args);
			if (fd < 0)
				return fd;
			std::lock_guard<std::mutex> guard(lock);
			connections.emplace_back(fd);
			return 0l;
		});
	}

	long accept()
	{
		stplr_channel_accept args = accept_args(STPLR_DEADLINE_POLL);
		long fd = channel_accept(listener, args);
		accepted.emplace_back(fd);
		return fd;
	}

	void expect_one_goes_on(const std::function<void()> &cause)
	{
		auto pair = wait();
		ASSERT_TRUE(pair->wait_blocked());
		cause();
		pair->expect_one(0);
		EXPECT_GE(accept(), 0);
		EXPECT_EQ((Results{0, 0}), pair->finish());
	}

	void expect_ended(const std::function<void()> &cause)
	{
		auto pair = wait();
		ASSERT_TRUE(pair->wait_blocked());
		cause();
		EXPECT_EQ((Results{-ESRCH, -ESRCH}), pair->finish());
	}

	Fd device = open_device();
	Fd listener, first;
	std::mutex lock;
	std::vector<Fd> connections, accepted;
};

TEST_F(BacklogRoomTest, Accepted)
{
	expect_one_goes_on([&] { EXPECT_GE(accept(), 0); });
}

TEST_F(BacklogRoomTest, ClientNotAcceptedCloses)
{
	expect_one_goes_on([&] { first.reset(); });
}

TEST_F(BacklogRoomTest, ClientNotAcceptedDetaches)
{
	expect_one_goes_on([&] { EXPECT_EQ(0, connect_detach(first)); });
}

TEST_F(BacklogRoomTest, ClientNotAcceptedDies)
{
	Child client([&](Child &self) {
		self.tell(0);
		self.hear();
		return 0;
	});
	client.hear();
	first.reset();
	expect_one_goes_on([&] {
		client.kill(SIGKILL);
		client.wait();
	});
}

TEST_F(BacklogRoomTest, ConnectionThatFailsGivesItsPlaceBack)
{
	first.reset();
	Mapping page(page_size());
	*reinterpret_cast<stplr_connect_attach *>(page.data()) = attach_args("narrow");
	page.protect(PROT_READ, 0, page.size());
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-EFAULT, call(device, STPLR_CONNECT_ATTACH, page.data()));
	EXPECT_GE(new_connection(device, "narrow"), 0);
}

TEST_F(BacklogRoomTest, Destroyed)
{
	expect_ended([&] { EXPECT_EQ(0, channel_destroy(listener)); });
}

TEST_F(BacklogRoomTest, ShutDown)
{
	expect_ended([&] { EXPECT_EQ(0, channel_shutdown(listener)); });
}

TEST_F(BacklogRoomTest, Closed)
{
	expect_ended([&] { listener.reset(); });
}

TEST_F(BacklogRoomTest, DeadlineOfEachClock)
{
	auto patient = wait();
	ASSERT_TRUE(patient->wait_blocked());
	for (uint32_t clock : kClocks) {
		const int64_t deadline = in_ms(100, clock);
		auto pair = wait(deadline, clock);
		EXPECT_EQ((Results{-ETIMEDOUT, -ETIMEDOUT}), pair->finish()) << clock;
		EXPECT_GE(now(clock), deadline) << clock;
	}
	EXPECT_TRUE(patient->wait_blocked());
	EXPECT_GE(accept(), 0);
	patient->expect_one(0);
	EXPECT_EQ(0, channel_destroy(listener));
}

TEST_F(BacklogRoomTest, SignalIsForOne)
{
	auto pair = wait();
	ASSERT_TRUE(pair->wait_blocked());
	pair->first().signal(SIGUSR1);
	pair->expect_one(-EINTR);
	EXPECT_GE(accept(), 0);
	EXPECT_EQ((Results{-EINTR, 0}), pair->finish());
}

} // namespace
