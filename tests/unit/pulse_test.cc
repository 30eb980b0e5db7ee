// SPDX-License-Identifier: MIT
// Pulses: sent without waiting, queued with messages by priority, bounded, never lost.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "support/memory.h"
#include "support/module.h"
#include "support/poll.h"
#include "support/pulse.h"
#include "support/sched.h"

namespace
{

class PulseTest : public PairTest
{
protected:
	// As many as there is room for; how many that was.
	int fill(int fd)
	{
		int sent = 0;
		long result;
		while ((result = pulse_send(fd, 1, sent)) == 0)
			sent++;
		EXPECT_EQ(-EAGAIN, result);
		return sent;
	}

	Fd channel_with(uint32_t pulses, std::string_view name)
	{
		stplr_channel_create args = channel_args(name);
		args.pulses = pulses;
		return Fd(channel_create(device, args));
	}

	static int events(int fd)
	{
		return ::events(fd, POLLIN | POLLPRI);
	}
};

TEST_F(PulseTest, ArrivesAsItWasSent)
{
	ASSERT_EQ(0, pulse_send(connection, 7, 0x1122334455667788, 25));
	ReceivedPulse received = receive_pulse(channel, STPLR_DEADLINE_POLL, 0);
	ASSERT_EQ(0, received.result);
	EXPECT_EQ(0, received.pulse.type);
	EXPECT_EQ(0, received.pulse.subtype);
	EXPECT_EQ(7, received.pulse.code);
	EXPECT_EQ(0x1122334455667788u, received.pulse.value);
	EXPECT_LT(0, received.pulse.scoid);
	EXPECT_EQ(0u, received.pulse.zero2);
	EXPECT_EQ(0, received.pulse.zero[0] | received.pulse.zero[1] | received.pulse.zero[2]);

	EXPECT_EQ(0, received.info.rcvid);
	EXPECT_EQ(uint32_t(STPLR_KIND_PULSE), received.info.kind);
	EXPECT_EQ(0u, received.info.flags);
	EXPECT_EQ(25, received.info.priority);
	EXPECT_EQ(sizeof(stplr_pulse), received.info.len);
	EXPECT_EQ(sizeof(stplr_pulse), received.info.src_len);
	EXPECT_EQ(0u, received.info.dst_len);
	EXPECT_EQ(0, received.info.pid);
	EXPECT_EQ(0, received.info.tid);
	EXPECT_EQ(UINT32_MAX, received.info.uid);
	EXPECT_EQ(UINT32_MAX, received.info.gid);
	EXPECT_EQ(uint32_t(received.pulse.scoid), received.info.scoid);
	stplr_connect_info info;
	ASSERT_EQ(0, connect_info(connection, info));
	EXPECT_EQ(info.coid, received.info.coid);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(PulseTest, OwnPriorityIsTheThreads)
{
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, -5));
	EXPECT_EQ(0, pulse_send(connection, 1));
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, 0));
	EXPECT_EQ(24, receive_pulse(channel).info.priority);
}

// Before everything that others send: only for who could run there.
TEST_F(PulseTest, InAnothersChannelNoHigherThanOneCouldRun)
{
	stplr_channel_create args = channel_args("elsewhere");
	args.mode = 0666;
	Fd another(channel_create(device, args));
	struct Case {
		int nice_limit, rt_limit, counts;
	};
	for (const Case &limits : {Case{0, 0, 19}, Case{25, 0, 24}, Case{0, 10, 50}}) {
		Child client([&](Child &) {
			rlimit nice_limit = {rlim_t(limits.nice_limit), rlim_t(limits.nice_limit)};
			rlimit rt_limit = {rlim_t(limits.rt_limit), rlim_t(limits.rt_limit)};
			EXPECT_EQ(0, setrlimit(RLIMIT_NICE, &nice_limit));
			EXPECT_EQ(0, setrlimit(RLIMIT_RTPRIO, &rt_limit));
			become_user(4001, 4101);
			Fd to_another = new_connection(device, "elsewhere");
			EXPECT_EQ(0, pulse_send(to_another, 1, 0, 140));
			EXPECT_EQ(0, pulse_send(to_another, 2, 0, 10));
			Fd own = new_channel(device, "own");
			Fd to_own = new_connection(device, "own");
			EXPECT_EQ(0, pulse_send(to_own, 1, 0, 140));
			EXPECT_EQ(140, receive_pulse(own).info.priority);
			return 0;
		});
		client.expect_success();
		EXPECT_EQ(limits.counts, receive_pulse(another).info.priority);
		EXPECT_EQ(10, receive_pulse(another).info.priority);
	}
}

TEST_F(PulseTest, ByPriorityThenInTheOrderSent)
{
	for (int i = 0; i < 30; i++)
		ASSERT_EQ(0, pulse_send(connection, 1, i, i % 3 * 10));
	for (int priority : {20, 10, 0})
		for (int i = priority / 10; i < 30; i += 3) {
			ReceivedPulse received = receive_pulse(channel);
			EXPECT_EQ(priority, received.info.priority);
			EXPECT_EQ(uint64_t(i), received.pulse.value);
		}
}

TEST_F(PulseTest, WithMessagesByPriority)
{
	ASSERT_EQ(0, pulse_send(connection, 1, 0, 5));
	ASSERT_EQ(0, send_queued(connection, "message")); /* at 19: nice 0 */
	ASSERT_EQ(0, pulse_send(connection, 1, 0, 30));
	ASSERT_EQ(0, pulse_send(connection, 1, 0, 20));
	std::vector<std::pair<uint32_t, int>> order;
	for (int i = 0; i < 4; i++) {
		Received received = poll_receive(channel);
		ASSERT_EQ(0, received.result);
		order.emplace_back(received.info.kind, received.info.priority);
	}
	EXPECT_EQ((std::vector<std::pair<uint32_t, int>>{{STPLR_KIND_PULSE, 30},
							 {STPLR_KIND_PULSE, 20},
							 {STPLR_KIND_SEND, 19},
							 {STPLR_KIND_PULSE, 5}}),
		  order);
}

TEST_F(PulseTest, PulsesOnlyLeavesMessages)
{
	ASSERT_EQ(0, send_queued(connection, "message"));
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
	ASSERT_EQ(0, pulse_send(connection, 3, 0, 0));
	EXPECT_EQ(3, receive_pulse(channel).pulse.code);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
	EXPECT_EQ("message", poll_receive(channel).text);
}

TEST_F(PulseTest, WakesAReceiver)
{
	Thread receiver([&] { return receive_pulse(channel, STPLR_DEADLINE_NONE, 0).pulse.code; });
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_EQ(0, pulse_send(connection, 9));
	EXPECT_EQ(9, receiver.join());
}

TEST_F(PulseTest, WakesWhoTakesPulsesOnlyBeforeOthers)
{
	Thread pulses([&] { return receive_pulse(channel, STPLR_DEADLINE_NONE).pulse.code; });
	ASSERT_TRUE(pulses.wait_blocked(STPLR_MSG_RECEIVE));
	Thread others([&] { return long(receive(channel).text.size()); });
	ASSERT_TRUE(others.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_EQ(0, pulse_send(connection, 9));
	EXPECT_EQ(9, pulses.join());
	ASSERT_EQ(0, send_queued(connection, "four"));
	EXPECT_EQ(4, others.join());
}

TEST_F(PulseTest, MessageDoesNotWakeWhoTakesPulsesOnly)
{
	Thread pulses([&] { return receive_pulse(channel, STPLR_DEADLINE_NONE).pulse.code; });
	ASSERT_TRUE(pulses.wait_blocked(STPLR_MSG_RECEIVE));
	// not a receiver for a message that does not wait
	stplr_msg_send args = send_args(buffer("text"));
	args.send_deadline = STPLR_DEADLINE_POLL;
	EXPECT_EQ(-EAGAIN, msg_send(connection, args));
	ASSERT_EQ(0, send_queued(connection, "text"));
	EXPECT_TRUE(pulses.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ("text", poll_receive(channel).text);
	ASSERT_EQ(0, pulse_send(connection, 9));
	EXPECT_EQ(9, pulses.join());
}

// A thread woken for a message that takes a pulse instead wakes another for the message.
TEST_F(PulseTest, NobodySleepsWhileThereIsSomething)
{
	constexpr int kRounds = 300;
	std::atomic<int> messages{0}, pulses{0};
	auto receiver = [&](uint32_t flags) {
		return [this, &messages, &pulses, flags]() -> long {
			for (;;) {
				ReceivedPulse received =
					receive_pulse(channel, STPLR_DEADLINE_NONE, flags);
				if (received.result)
					return received.result;
				if (received.info.kind == STPLR_KIND_PULSE)
					pulses++;
				else
					messages++;
			}
		};
	};
	Thread one(receiver(0)), two(receiver(0)), three(receiver(STPLR_RECEIVE_PULSE));
	Fd other = new_connection(device, getpid(), chid);
	Thread sender([&]() -> long {
		for (int i = 0; i < kRounds; i++)
			if (send_one_way(other, "message"))
				return 1;
		return 0;
	});
	for (int i = 0; i < kRounds;) {
		long result = pulse_send(connection, 1, i, i % 40);
		ASSERT_TRUE(result == 0 || result == -EAGAIN);
		i += !result;
		if (i % 7 == 0)
			EXPECT_TRUE(eventually([&] { return pulses == i; }))
				<< pulses << " of " << i;
	}
	EXPECT_EQ(0, sender.join());
	EXPECT_TRUE(eventually([&] { return pulses == kRounds && messages == kRounds; }))
		<< pulses << " pulses, " << messages << " messages";
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, one.join());
	EXPECT_EQ(-ESRCH, two.join());
	EXPECT_EQ(-ESRCH, three.join());
}

// Binds the calling thread to processor 0. 0 if that can be had.
int bind(int policy, int priority)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_param param = {};
	param.sched_priority = priority;
	return pthread_setschedparam(pthread_self(), policy, &param) ||
	       pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

// For tests that keep processor 0 busy: this thread's timers must not wait for it.
class AwayTest : public PulseTest
{
	Bound away_{1};
};

// A sender that relies on a waiting thread is told when that takes a pulse instead. One processor:
// the sender queues and sleeps, the pulse is sent, and only then does the receiver run.
TEST_F(AwayTest, PulseIsTakenInsteadOfAPolledMessage)
{
	Fd fixed = new_channel(device, "fixed", STPLR_CHANNEL_FIXED_PRIORITY);
	Fd polled = new_connection(device, "fixed", STPLR_CONNECT_NONBLOCK);
	Fd pulses = new_connection(device, "fixed");
	Thread receiver([&]() -> long {
		return bind(SCHED_OTHER, 0)
			       ? -1
			       : receive_pulse(fixed, STPLR_DEADLINE_NONE, 0).pulse.code;
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	std::atomic<bool> sending{false};
	Thread pulse_sender([&]() -> long {
		if (bind(SCHED_FIFO, 5))
			return -1;
		while (!sending)
			;
		return pulse_send(pulses, 9, 0, 140);
	});
	Thread sender([&]() -> long {
		if (bind(SCHED_FIFO, 10))
			return -1;
		stplr_msg_send args = send_args(buffer("text"), {});
		sending = true;
		return call(polled, STPLR_MSG_SEND_RECEIVE, &args);
	});
	EXPECT_EQ(0, pulse_sender.join());
	EXPECT_EQ(9, receiver.join());
	EXPECT_EQ(-EAGAIN, sender.join());
}

// The same where it takes another message. A third thread keeps the receiver from running until
// that is queued.
TEST_F(AwayTest, AnotherMessageIsTakenInsteadOfAPolledOne)
{
	Fd fixed = new_channel(device, "fixed", STPLR_CHANNEL_FIXED_PRIORITY);
	Fd polled = new_connection(device, "fixed", STPLR_CONNECT_NONBLOCK);
	Fd urgent = new_connection(device, "fixed");
	std::atomic<bool> hogging{false}, sending{false}, sent{false};
	std::string taken;
	Thread receiver([&]() -> long {
		if (bind(SCHED_OTHER, 0))
			return -1;
		taken = receive(fixed).text;
		return 0;
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	Thread hog([&]() -> long {
		if (bind(SCHED_FIFO, 5))
			return -1;
		hogging = true;
		while (!sent)
			;
		return 0;
	});
	ASSERT_TRUE(eventually([&] { return hogging.load(); }));
	Thread sender([&]() -> long {
		stplr_msg_send args = send_args(buffer("polled"), {});
		if (bind(SCHED_FIFO, 10))
			return -1;
		sending = true;
		return call(polled, STPLR_MSG_SEND_RECEIVE, &args);
	});
	Thread urgent_sender([&]() -> long {
		if (bind(SCHED_FIFO, 20))
			return -1;
		while (!sending)
			sleep_ms(1);
		sleep_ms(50);
		long result = send_queued(urgent, "urgent");
		sent = true;
		return result;
	});
	EXPECT_EQ(0, urgent_sender.join());
	EXPECT_EQ(0, hog.join());
	EXPECT_EQ(0, receiver.join());
	EXPECT_EQ(-EAGAIN, sender.join());
	EXPECT_EQ("urgent", taken);
}

// A thread that was woken for a message takes a pulse instead, which has woken another that takes
// pulses only: the message is for whoever still sleeps.
TEST_F(AwayTest, MessageIsLeftToAnotherForAPulse)
{
	Fd fixed = new_channel(device, "fixed", STPLR_CHANNEL_FIXED_PRIORITY);
	Fd client = new_connection(device, "fixed");
	auto receiver = [&](int priority, uint32_t flags) {
		return [this, &fixed, priority, flags]() -> long {
			if (bind(priority ? SCHED_FIFO : SCHED_OTHER, priority))
				return -1;
			ReceivedPulse received = receive_pulse(fixed, STPLR_DEADLINE_NONE, flags);
			return received.result ? received.result : received.info.kind;
		};
	};
	Thread last(receiver(0, 0));
	ASSERT_TRUE(last.wait_blocked(STPLR_MSG_RECEIVE));
	Thread pulses(receiver(0, STPLR_RECEIVE_PULSE));
	ASSERT_TRUE(pulses.wait_blocked(STPLR_MSG_RECEIVE));
	Thread first(receiver(3, 0));
	ASSERT_TRUE(first.wait_blocked(STPLR_MSG_RECEIVE));
	Thread sender([&]() -> long {
		if (bind(SCHED_FIFO, 10))
			return -1;
		return send_queued(client, "text") ?: pulse_send(client, 9, 0, 140);
	});
	EXPECT_EQ(0, sender.join());
	EXPECT_EQ(STPLR_KIND_PULSE, first.join());
	EXPECT_EQ(STPLR_KIND_SEND, last.join());
	EXPECT_EQ(0, channel_destroy(fixed));
	EXPECT_EQ(-ESRCH, pulses.join());
}

// One that was woken for a pulse and cannot take it leaves it to another.
TEST_F(PulseTest, IsLeftToAnotherThatTakesPulsesOnly)
{
	Thread another([&] { return receive_pulse(channel, STPLR_DEADLINE_NONE).pulse.code; });
	ASSERT_TRUE(another.wait_blocked(STPLR_MSG_RECEIVE));
	Thread faulty([&] {
		stplr_msg_receive args = receive_args(buffer(reinterpret_cast<void *>(8), 64));
		args.flags = STPLR_RECEIVE_PULSE;
		return msg_receive(channel, args);
	});
	ASSERT_TRUE(faulty.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_EQ(0, pulse_send(connection, 9));
	EXPECT_EQ(-EFAULT, faulty.join());
	EXPECT_EQ(9, another.join());
}

TEST_F(PulseTest, StaysWhenTheBufferIsTooSmall)
{
	ASSERT_EQ(0, pulse_send(connection, 4, 5));
	for (size_t room : {size_t(0), sizeof(stplr_pulse) - 1}) {
		Received received = poll_receive(channel, room);
		EXPECT_EQ(-EMSGSIZE, received.result);
		EXPECT_EQ(sizeof(stplr_pulse), received.info.src_len);
		EXPECT_EQ(0, received.info.rcvid);
	}
	EXPECT_EQ(4, receive_pulse(channel).pulse.code);
}

TEST_F(PulseTest, StaysWhenItCannotBeWritten)
{
	ASSERT_EQ(0, pulse_send(connection, 4, 5));
	stplr_msg_receive args =
		receive_args(buffer(reinterpret_cast<void *>(8), 64), STPLR_DEADLINE_POLL);
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_RECEIVE, &args));
	void *page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	args = receive_args(buffer(page, 64), STPLR_DEADLINE_POLL);
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_RECEIVE, &args));
	munmap(page, 4096);
	EXPECT_EQ(4, receive_pulse(channel).pulse.code);
}

TEST_F(PulseTest, IntoMemoryThatIsNotThereYet)
{
	ASSERT_EQ(0, pulse_send(connection, 4, 5));
	void *page =
		mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	char *across = static_cast<char *>(page) + 4096 - 4;
	stplr_msg_receive args = receive_args(buffer(across, 64), STPLR_DEADLINE_POLL);
	EXPECT_EQ(0, call(channel, STPLR_MSG_RECEIVE, &args));
	stplr_pulse pulse;
	__builtin_memcpy(&pulse, across, sizeof(pulse));
	EXPECT_EQ(4, pulse.code);
	EXPECT_EQ(5u, pulse.value);
	munmap(page, 8192);
}

TEST_F(PulseTest, IntoParts)
{
	ASSERT_EQ(0, pulse_send(connection, 4, 0x0102030405060708));
	char bytes[sizeof(stplr_pulse)];
	stplr_iovec parts[] = {part(bytes, 3), part(bytes + 3, 0), part(bytes + 3, 21)};
	stplr_msg_receive args =
		receive_args(stplr_buffer{uint64_t(uintptr_t(parts)), 3}, STPLR_DEADLINE_POLL);
	args.flags = STPLR_RECEIVE_VECTOR;
	ASSERT_EQ(0, call(channel, STPLR_MSG_RECEIVE, &args));
	stplr_pulse pulse;
	__builtin_memcpy(&pulse, bytes, sizeof(pulse));
	EXPECT_EQ(0x0102030405060708u, pulse.value);
}

TEST_F(PulseTest, FullPoolSaysSoAndLosesNothing)
{
	int room = fill(connection);
	EXPECT_EQ(STPLR_PULSES_DEFAULT, room);
	EXPECT_EQ(0u, receive_pulse(channel).pulse.value);
	EXPECT_EQ(0, pulse_send(connection, 1, room));
	EXPECT_EQ(-EAGAIN, pulse_send(connection, 1));
	for (int i = 1; i <= room; i++)
		EXPECT_EQ(uint64_t(i), receive_pulse(channel).pulse.value);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(PulseTest, PoolOfItsOwn)
{
	for (int size : {1, 1000}) {
		std::string name = "pool" + std::to_string(size);
		Fd own = channel_with(size, name);
		ASSERT_LE(0, own);
		Fd client = new_connection(device, name);
		EXPECT_EQ(size, fill(client));
		for (int i = 0; i < size; i++)
			ASSERT_EQ(uint64_t(i), receive_pulse(own).pulse.value);
		EXPECT_EQ(size, fill(client));
	}
	EXPECT_EQ(-EINVAL, channel_with(STPLR_PULSES_MAX + 1, "pool").release());
	EXPECT_LE(0, channel_with(STPLR_PULSES_MAX, "pool"));
}

TEST_F(PulseTest, PoolIsAccounted)
{
	const uint64_t before = objects("memory");
	{
		Fd own = channel_with(10000, "pool");
		EXPECT_LE(10000u * 64, objects("memory") - before);
	}
	EXPECT_TRUE(eventually([&] { return objects("memory") == before; }));
}

TEST_F(PulseTest, PollTellsOfPulses)
{
	EXPECT_EQ(0, events(channel));
	ASSERT_EQ(0, pulse_send(connection, 1));
	EXPECT_EQ(POLLIN | POLLPRI, events(channel));
	receive_pulse(channel);
	ASSERT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ(POLLIN, events(channel));
	Thread poller([&] { return wait_events(channel, POLLPRI); });
	ASSERT_TRUE(poller.wait_asleep());
	ASSERT_EQ(0, pulse_send(connection, 1));
	EXPECT_EQ(POLLPRI, poller.join());
}

TEST_F(PulseTest, BadArguments)
{
	EXPECT_EQ(-EINVAL, pulse_send(connection, 128));
	EXPECT_EQ(-EINVAL, pulse_send(connection, -129));
	EXPECT_EQ(-EINVAL, pulse_send(connection, 1, 0, 141));
	EXPECT_EQ(-EINVAL, pulse_send(connection, 1, 0, -2));
	stplr_pulse_send args = pulse_args(1);
	args.flags = 1;
	EXPECT_EQ(-EINVAL, pulse_send(connection, args));
	args = pulse_args(1);
	args.reserved = 1;
	EXPECT_EQ(-EINVAL, pulse_send(connection, args));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_PULSE_SEND, nullptr));
	EXPECT_EQ(-ENOTTY, pulse_send(channel, 1));
	EXPECT_EQ(-ENOTTY, pulse_send(device, 1));
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(PulseTest, NegativeCodesAreTheCreators)
{
	EXPECT_EQ(0, pulse_send(connection, -128));
	EXPECT_EQ(-128, receive_pulse(channel).pulse.code);
	Child other([&](Child &) {
		EXPECT_EQ(-EINVAL, pulse_send(connection, -1));
		EXPECT_EQ(0, pulse_send(connection, 127));
		return 0;
	});
	other.expect_success();
	EXPECT_EQ(127, receive_pulse(channel).pulse.code);
}

TEST_F(PulseTest, AfterTheEnd)
{
	ASSERT_EQ(0, pulse_send(connection, 1));
	Fd second = new_connection(device, getpid(), chid);
	ASSERT_EQ(0, connect_detach(second));
	EXPECT_EQ(-EBADF, pulse_send(second, 1));
	ASSERT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(0, events(channel) & (POLLIN | POLLPRI)) << "told of what cannot be received";
	EXPECT_EQ(-ESRCH, pulse_send(connection, 1));
	EXPECT_EQ(-ESHUTDOWN, receive_pulse(channel).result);
	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, pulse_send(connection, 1));
	EXPECT_EQ(-ESRCH, receive_pulse(channel).result);
}

TEST_F(PulseTest, FullPoolOfADeadChannelIsDead)
{
	// What ends a channel empties its pool, but the messages come first: while they last the
	// pool is full.
	bool met = false;
	for (int round = 0; round < 50 && !met && !HasFailure(); round++) {
		Fd own = channel_with(1, "full");
		Fd client = new_connection(device, "full");
		std::vector<Fd> others;
		for (int i = 0; i < 8; i++) {
			others.push_back(new_connection(device, "full"));
			for (int message = 0; message < 250; message++)
				ASSERT_EQ(0, send_queued(others.back(), "x"));
		}
		ASSERT_EQ(1, fill(client));
		Thread end([&] { return channel_destroy(own); });
		stplr_connect_info info;
		do {
			ASSERT_EQ(0, connect_info(client, info));
		} while (!(info.flags & STPLR_CONNECT_ENDED));
		EXPECT_EQ(-ESRCH, pulse_send(client, 1));
		met = !end.done();
		EXPECT_EQ(0, end.join());
	}
	EXPECT_TRUE(met) << "no pulse was sent in the middle of an end";
}

TEST_F(PulseTest, FullPoolAndADetachedConnection)
{
	fill(connection);
	ASSERT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, pulse_send(connection, 1));
}

TEST_F(PulseTest, ListeningChannelsTakeNone)
{
	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	Fd client = new_connection(device, "listener");
	// the connection's channel is the one to be accepted
	EXPECT_EQ(0, pulse_send(client, 6));
	stplr_channel_accept args = accept_args();
	Fd accepted(channel_accept(listener, args));
	ASSERT_LE(0, accepted);
	client.reset();
	// what was sent is received before the end
	EXPECT_EQ(6, receive_pulse(accepted).pulse.code);
	EXPECT_EQ(-EPIPE, receive_pulse(accepted).result);

	stplr_channel_create create = channel_args("other", STPLR_CHANNEL_LISTEN);
	create.pulses = 5;
	EXPECT_EQ(-EINVAL, channel_create(device, create));
}

TEST_F(PulseTest, SentByAClientThatHasGone)
{
	Child client([&](Child &) {
		Fd own = new_connection(device, getppid(), chid);
		return pulse_send(own, 11) ? 1 : 0;
	});
	client.expect_success();
	EXPECT_EQ(11, await_pulse(channel).pulse.code);
}

// Floods from several processes: every pulse that was taken arrives once.
TEST_F(PulseTest, FloodLosesNone)
{
	constexpr int kClients = 3, kPulses = 2000;
	std::vector<std::unique_ptr<Child>> clients;
	for (int c = 0; c < kClients; c++)
		clients.push_back(std::make_unique<Child>([&, c](Child &) {
			Fd own = new_connection(device, getppid(), chid);
			for (int i = 0; i < kPulses;) {
				long result = pulse_send(own, c, i);
				if (result && result != -EAGAIN)
					return 1;
				i += !result;
			}
			return 0;
		}));
	std::vector<int> next(kClients);
	for (int i = 0; i < kClients * kPulses; i++) {
		ReceivedPulse received = await_pulse(channel);
		ASSERT_EQ(0, received.result);
		ASSERT_GT(kClients, received.pulse.code);
		ASSERT_EQ(uint64_t(next[received.pulse.code]++), received.pulse.value);
	}
	for (auto &client : clients)
		client->expect_success();
}

} // namespace
