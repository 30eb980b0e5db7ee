// SPDX-License-Identifier: MIT
// Events: a client allows a server to notify it, and the server does.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "support/module.h"
#include "support/pulse.h"

namespace
{

stplr_event_register event_args(uint32_t type, int fd = -1)
{
	stplr_event_register args = {};
	args.type = type;
	args.fd = fd;
	return args;
}

long deliver(int channel, uint32_t id, uint32_t scoid = 0)
{
	stplr_event_deliver args = {};
	args.id = id;
	args.scoid = scoid;
	return call(channel, STPLR_EVENT_DELIVER, &args);
}

long deliver_value(int channel, uint32_t id, uint64_t value)
{
	stplr_event_deliver args = {};
	args.id = id;
	args.value = value;
	args.flags = STPLR_DELIVER_VALUE;
	return call(channel, STPLR_EVENT_DELIVER, &args);
}

long unregister(int fd, uint32_t id)
{
	return call(fd, STPLR_EVENT_UNREGISTER, &id);
}

class EventTest : public PairTest
{
protected:
	EventTest() : own(new_channel(device, {}, 0, &own_chid))
	{
		to_own = new_connection(device, getpid(), own_chid);
	}

	// The id, or the error.
	long add(int fd, stplr_event_register args)
	{
		poison(args.id);
		long result = call(fd, STPLR_EVENT_REGISTER, &args);
		if (result < 0)
			EXPECT_TRUE(poisoned(args.id));
		return result < 0 ? result : long(args.id);
	}

	stplr_event_register pulse_event(int code = 5, uint64_t value = 6)
	{
		stplr_event_register args = event_args(STPLR_EVENT_PULSE, to_own);
		args.code = code;
		args.value = value;
		args.priority = 33;
		return args;
	}

	int own_chid = 0;
	Fd own, to_own;
};

TEST_F(EventTest, Pulse)
{
	long id = add(connection, pulse_event());
	ASSERT_LT(0, id);
	ASSERT_EQ(0, deliver(channel, id));
	ASSERT_EQ(0, deliver(channel, id));
	for (int i = 0; i < 2; i++) {
		ReceivedPulse received = receive_pulse(own);
		ASSERT_EQ(0, received.result);
		EXPECT_EQ(5, received.pulse.code);
		EXPECT_EQ(6u, received.pulse.value);
		EXPECT_EQ(33, received.info.priority);
	}
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

TEST_F(EventTest, ValueOnlyWhereAllowed)
{
	stplr_event_register args = pulse_event();
	long fixed = add(connection, args);
	args.flags = STPLR_EVENT_UPDATE;
	long open = add(connection, args);
	EXPECT_EQ(-EACCES, deliver_value(channel, fixed, 9));
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
	EXPECT_EQ(0, deliver_value(channel, open, 9));
	EXPECT_EQ(9u, receive_pulse(own).pulse.value);
	EXPECT_EQ(0, deliver(channel, open));
	EXPECT_EQ(6u, receive_pulse(own).pulse.value);
}

TEST_F(EventTest, Eventfd)
{
	Fd counter(eventfd(0, EFD_NONBLOCK));
	long id = add(connection, event_args(STPLR_EVENT_EVENTFD, counter));
	ASSERT_LT(0, id);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, deliver(channel, id));
	uint64_t value = 0;
	EXPECT_EQ(8, read(counter, &value, 8));
	EXPECT_EQ(3u, value);
}

std::atomic<int> signal_code;
std::atomic<void *> signal_address;

TEST_F(EventTest, SignalForTheProcess)
{
	struct sigaction action = {}, old;
	action.sa_flags = SA_SIGINFO;
	action.sa_sigaction = [](int, siginfo_t *info, void *) {
		signal_code = info->si_code;
		signal_address = info->si_addr;
	};
	sigaction(SIGUSR2, &action, &old);
	stplr_event_register args = event_args(STPLR_EVENT_SIGNAL);
	args.signo = SIGUSR2;
	args.value = 0x1234;
	long id = add(connection, args);
	ASSERT_LT(0, id);
	EXPECT_EQ(0, deliver(channel, id));
	EXPECT_TRUE(eventually([] { return signal_address == reinterpret_cast<void *>(0x1234); }));
	EXPECT_EQ(SI_ASYNCIO, signal_code);
	sigaction(SIGUSR2, &old, nullptr);
}

TEST_F(EventTest, SignalForTheThread)
{
	std::atomic<long> id{0};
	Thread thread([&]() -> long {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN + 3);
		pthread_sigmask(SIG_BLOCK, &set, nullptr);
		stplr_event_register args = event_args(STPLR_EVENT_SIGNAL_THREAD);
		args.signo = SIGRTMIN + 3;
		args.code = -70;
		args.value = 0x5678;
		id = add(connection, args);
		siginfo_t info = {};
		timespec patience = {kPatienceMs / 1000, 0};
		if (sigtimedwait(&set, &info, &patience) != SIGRTMIN + 3)
			return -1;
		EXPECT_EQ(-70, info.si_code);
		EXPECT_EQ(getpid(), info.si_pid);
		EXPECT_EQ(getuid(), info.si_uid);
		return reinterpret_cast<long>(info.si_value.sival_ptr);
	});
	ASSERT_TRUE(eventually([&] { return id > 0; }));
	EXPECT_EQ(0, deliver(channel, id));
	EXPECT_EQ(0x5678, thread.join());
	// that thread is gone
	EXPECT_TRUE(eventually([&] { return deliver(channel, id) == -ESRCH; }));
}

TEST_F(EventTest, OnlyTheChannelItWasAllowedTo)
{
	Fd other = new_channel(device, "other");
	long id = add(connection, pulse_event());
	EXPECT_EQ(-EACCES, deliver(other, id));
	Fd to_other = new_connection(device, "other");
	EXPECT_EQ(-EACCES, deliver(other, id));
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

TEST_F(EventTest, OnTheDeviceForAllItIsConnectedTo)
{
	Fd other = new_channel(device, "other");
	long id = add(device, pulse_event());
	ASSERT_LT(0, id);
	EXPECT_EQ(0, deliver(channel, id));
	EXPECT_EQ(-EACCES, deliver(other, id));
	Fd to_other = new_connection(device, "other");
	EXPECT_EQ(0, deliver(other, id));
	to_other.reset();
	EXPECT_EQ(-EACCES, deliver(other, id));
}

TEST_F(EventTest, OfTheClientThatIsMeant)
{
	ASSERT_EQ(0, send_queued(connection, "x"));
	uint32_t scoid = poll_receive(channel).info.scoid;
	long id = add(connection, pulse_event());
	EXPECT_EQ(0, deliver(channel, id, scoid));
	EXPECT_EQ(-EACCES, deliver(channel, id, scoid + 1));
}

TEST_F(EventTest, EndsWithItsConnection)
{
	long id = add(connection, pulse_event());
	connection.reset();
	EXPECT_EQ(-ENOENT, deliver(channel, id));
	connection = new_connection(device, getpid(), chid);
	id = add(connection, pulse_event());
	ASSERT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-ENOENT, deliver(channel, id));
	EXPECT_EQ(-EBADF, add(connection, pulse_event()));
}

TEST_F(EventTest, EndsWithItsDevice)
{
	Fd second = open_device();
	long id = add(second, pulse_event());
	EXPECT_EQ(0, deliver(channel, id));
	second.reset();
	EXPECT_EQ(-ENOENT, deliver(channel, id));
}

TEST_F(EventTest, Unregister)
{
	long one = add(connection, pulse_event()), two = add(device, pulse_event());
	EXPECT_NE(one, two);
	EXPECT_EQ(-ENOENT, unregister(device, one));
	EXPECT_EQ(-ENOENT, unregister(to_own, one));
	EXPECT_EQ(0, unregister(connection, one));
	EXPECT_EQ(-ENOENT, unregister(connection, one));
	EXPECT_EQ(0, unregister(device, two));
	EXPECT_EQ(-ENOENT, deliver(channel, one));
	EXPECT_EQ(-ENOENT, deliver(channel, two));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_EVENT_UNREGISTER, nullptr));
}

TEST_F(EventTest, TargetIsWhatItWasNotTheDescriptor)
{
	long id = add(connection, pulse_event());
	Fd moved(dup(to_own));
	to_own.reset(open_device().release());
	EXPECT_EQ(0, deliver(channel, id));
	EXPECT_EQ(5, receive_pulse(own).pulse.code);
}

TEST_F(EventTest, DeadTargets)
{
	long id = add(connection, pulse_event());
	ASSERT_EQ(0, channel_destroy(own));
	EXPECT_EQ(-ESRCH, deliver(channel, id));

	Fd second = new_channel(device, {}, 0, &own_chid);
	Fd to_second = new_connection(device, getpid(), own_chid);
	stplr_event_register args = pulse_event();
	args.fd = to_second;
	id = add(connection, args);
	ASSERT_EQ(0, connect_detach(to_second));
	EXPECT_EQ(-ESRCH, deliver(channel, id));
}

TEST_F(EventTest, DeadProcess)
{
	Fd shared;
	Child client([&](Child &self) {
		Fd again = open_device();
		stplr_event_register args = event_args(STPLR_EVENT_SIGNAL);
		args.signo = SIGUSR2;
		// on the parent's connection, which outlives this process
		self.tell(add(connection, args));
		self.hear();
		return 0;
	});
	long id = client.hear();
	ASSERT_LT(0, id);
	client.tell(1);
	client.expect_success();
	EXPECT_EQ(-ESRCH, deliver(channel, id));
}

TEST_F(EventTest, FullPool)
{
	long id = add(connection, pulse_event());
	long result;
	int count = 0;
	while ((result = deliver(channel, id)) == 0)
		count++;
	EXPECT_EQ(-EAGAIN, result);
	EXPECT_EQ(STPLR_PULSES_DEFAULT, count);
}

// A process that allows a signal as one user and is another when it is delivered, as if it had
// executed a set-uid program. Who may signal whom is kill(2)'s rule: the effective or real user of
// who allowed it against the real or saved one of the process now.
TEST_F(EventTest, SignalOfAnotherUserNow)
{
	const struct {
		uid_t then[3], now[3]; // real, effective, saved
		long result;
	} cases[] = {
		{{1234, 1234, 0}, {1234, 0, 0}, 0},
		{{1234, 1234, 0}, {0, 0, 1234}, 0},
		{{1234, 1234, 0}, {0, 0, 0}, -EPERM},
		{{1234, 1234, 0}, {0, 1234, 0}, -EPERM}, // only its effective user is the same
		{{1234, 0, 0}, {5678, 5678, 5678}, -EPERM},
		{{1234, 5678, 0}, {1234, 0, 0}, 0},
		{{1234, 5678, 0}, {5678, 0, 0}, 0},
		{{1234, 5678, 0}, {0, 0, 5678}, 0},
	};

	for (uint32_t type : {STPLR_EVENT_SIGNAL, STPLR_EVENT_SIGNAL_THREAD})
		for (const auto &each : cases) {
			Child client([&](Child &self) {
				static std::atomic<int> signals{0};
				stplr_event_register args = event_args(type);
				args.signo = SIGUSR2;
				signal(SIGUSR2, [](int) { signals++; });
				EXPECT_EQ(0, setresuid(each.then[0], each.then[1], each.then[2]));
				self.tell(add(connection, args));
				self.hear();
				EXPECT_EQ(0, setresuid(each.now[0], each.now[1], each.now[2]));
				self.tell(0);
				self.hear();
				EXPECT_EQ(each.result == 0, signals);
				return 0;
			});
			long id = client.hear();
			ASSERT_LT(0, id);
			client.tell(0);
			client.hear();
			EXPECT_EQ(each.result, deliver(channel, id))
				<< type << ": " << each.then[0] << ", " << each.then[1] << "; now "
				<< each.now[0] << ", " << each.now[1] << ", " << each.now[2];
			client.tell(0);
			client.expect_success();
		}
}

TEST_F(EventTest, BadArguments)
{
	stplr_event_register args = pulse_event();
	args.type = 0;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args.type = 5;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args = pulse_event();
	args.flags = 2;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args = pulse_event();
	args.reserved = 1;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args = pulse_event(128);
	EXPECT_EQ(-EINVAL, add(connection, args));
	args = pulse_event();
	args.priority = 141;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args = pulse_event();
	args.signo = 1;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args = pulse_event();
	args.fd = device;
	EXPECT_EQ(-ENOTTY, add(connection, args));
	args.fd = 1000;
	EXPECT_EQ(-EBADF, add(connection, args));

	args = event_args(STPLR_EVENT_EVENTFD, device);
	EXPECT_EQ(-EINVAL, add(connection, args));
	Fd counter(eventfd(0, 0));
	for (int field = 0; field < 5; field++) {
		args = event_args(STPLR_EVENT_EVENTFD, counter);
		args.signo = field == 0;
		args.priority = field == 1;
		args.code = field == 2;
		args.value = field == 3;
		args.flags = field == 4 ? STPLR_EVENT_UPDATE : 0;
		EXPECT_EQ(-EINVAL, add(connection, args)) << field;
	}
	for (uint32_t type : {STPLR_EVENT_SIGNAL, STPLR_EVENT_SIGNAL_THREAD})
		for (int signo : {0, 65, -1}) {
			args = event_args(type);
			args.signo = signo;
			EXPECT_EQ(-EINVAL, add(connection, args)) << signo;
		}
	args = event_args(STPLR_EVENT_SIGNAL);
	args.signo = 10;
	args.code = -5;
	EXPECT_EQ(-EINVAL, add(connection, args));
	args.code = 0;
	args.fd = 0;
	EXPECT_EQ(-EINVAL, add(connection, args));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_EVENT_REGISTER, nullptr));
	EXPECT_EQ(-ENOTTY, add(channel, pulse_event()));

	long id = add(connection, pulse_event());
	stplr_event_deliver bad = {};
	bad.id = id;
	bad.flags = 2;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_EVENT_DELIVER, &bad));
	bad.flags = 0;
	bad.value = 1;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_EVENT_DELIVER, &bad));
	bad.value = 0;
	bad.reserved = 1;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_EVENT_DELIVER, &bad));
	EXPECT_EQ(-EFAULT, call(channel, STPLR_EVENT_DELIVER, nullptr));
	EXPECT_EQ(-ENOENT, deliver(channel, id + 1));
	EXPECT_EQ(-ENOENT, deliver(channel, 0));
	EXPECT_EQ(-ENOTTY, deliver(connection, id));
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

TEST_F(EventTest, UserHasABound)
{
	Parameter limit("user_events", 3);
	long last = 0;
	for (int i = 0; i < 3; i++)
		EXPECT_LT(0, last = add(connection, pulse_event()));
	EXPECT_EQ(-EDQUOT, add(connection, pulse_event()));
	EXPECT_EQ(0, unregister(connection, last));
	EXPECT_LT(0, add(connection, pulse_event()));
}

TEST_F(EventTest, DeliverAgainstUnregister)
{
	std::atomic<long> id{add(connection, pulse_event())};
	std::atomic<bool> stop{false};
	Thread server([&]() -> long {
		while (!stop) {
			long result = deliver(channel, id);
			if (result && result != -ENOENT && result != -EAGAIN)
				return result;
			receive_pulse(own);
		}
		return 0;
	});
	for (int i = 0; i < 500; i++) {
		ASSERT_EQ(0, unregister(connection, id));
		long next = add(connection, pulse_event());
		ASSERT_LT(0, next);
		id = next;
	}
	stop = true;
	EXPECT_EQ(0, server.join());
}

} // namespace
