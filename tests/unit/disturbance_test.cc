// SPDX-License-Identifier: MIT
// What wakes a blocked thread though nobody means it: stops, tracers, freezers, timers, io_uring's
// task work. No call is lost and none is run twice.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"
#include "support/watchdog.h"

namespace
{

void write_file(const std::string &path, const std::string &text)
{
	Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));

	EXPECT_EQ(ssize_t(text.size()), write(file, text.data(), text.size()))
		<< path << ": " << strerror(errno);
}

std::string read_file(const std::string &path)
{
	std::ifstream file(path);
	std::stringstream text;

	text << file.rdbuf();
	return text.str();
}

// Something that holds a process in its place until it is released.
class Holder
{
public:
	explicit Holder(pid_t pid) : pid_(pid) {}
	virtual ~Holder() = default;
	virtual void hold() = 0;
	virtual void release() = 0;

protected:
	void wait_stopped()
	{
		siginfo_t info;

		EXPECT_EQ(0, waitid(P_PID, pid_, &info, WSTOPPED)) << strerror(errno);
	}

	const pid_t pid_;
};

class Stop : public Holder
{
public:
	using Holder::Holder;
	void hold() override
	{
		EXPECT_EQ(0, kill(pid_, SIGSTOP));
		wait_stopped();
	}
	void release() override
	{
		EXPECT_EQ(0, kill(pid_, SIGCONT));
	}
};

class Tracer : public Holder
{
public:
	Tracer(pid_t pid, bool seize) : Holder(pid), seize_(seize) {}
	void hold() override
	{
		if (seize_) {
			EXPECT_EQ(0, ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr));
			EXPECT_EQ(0, ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr));
		} else {
			EXPECT_EQ(0, ptrace(PTRACE_ATTACH, pid_, nullptr, nullptr));
		}
		wait_stopped();
	}
	void release() override
	{
		EXPECT_EQ(0, ptrace(PTRACE_DETACH, pid_, nullptr, nullptr));
	}

private:
	const bool seize_;
};

class Freezer : public Holder
{
public:
	explicit Freezer(pid_t pid)
		: Holder(pid), group_("/sys/fs/cgroup/stplr-test." + std::to_string(getpid()))
	{
		EXPECT_EQ(0, mkdir(group_.c_str(), 0755)) << group_ << ": " << strerror(errno);
		write_file(group_ + "/cgroup.procs", std::to_string(pid));
	}
	~Freezer()
	{
		// The process has ended, or goes where it came from.
		Fd procs(open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC));
		std::string pid = std::to_string(pid_);
		if (write(procs, pid.data(), pid.size()) < 0)
			EXPECT_EQ(ESRCH, errno);
		EXPECT_TRUE(eventually([this] { return rmdir(group_.c_str()) == 0; }))
			<< strerror(errno);
	}
	void hold() override
	{
		write_file(group_ + "/cgroup.freeze", "1");
		EXPECT_TRUE(eventually([this] {
			return read_file(group_ + "/cgroup.events").find("frozen 1") !=
			       std::string::npos;
		}));
	}
	void release() override
	{
		write_file(group_ + "/cgroup.freeze", "0");
	}

private:
	const std::string group_;
};

enum class Hold { Stop, Seize, Attach, Freeze };

std::unique_ptr<Holder> holder(Hold kind, pid_t pid)
{
	switch (kind) {
	case Hold::Stop:
		return std::make_unique<Stop>(pid);
	case Hold::Seize:
		return std::make_unique<Tracer>(pid, true);
	case Hold::Attach:
		return std::make_unique<Tracer>(pid, false);
	default:
		return std::make_unique<Freezer>(pid);
	}
}

std::string hold_name(Hold kind)
{
	const char *const names[] = {"Stop", "Seize", "Attach", "Freeze"};

	return names[int(kind)];
}

// In each state, held while the peer acts.
class HeldTest : public PairTest, public testing::WithParamInterface<Hold>
{
};

TEST_P(HeldTest, SendBlockedClient)
{
	Child client([&](Child &) { return send_receive(connection, "x").text == "y" ? 0 : 1; });
	auto its = holder(GetParam(), client.pid());
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		its->hold();
		its->release();
	}
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	Received message = poll_receive(channel);
	EXPECT_EQ("x", message.text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "sent twice";
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	client.expect_success();
}

TEST_P(HeldTest, ReplyBlockedClient)
{
	Child client([&](Child &) { return send_receive(connection, "x").text == "y" ? 0 : 1; });
	auto its = holder(GetParam(), client.pid());
	Received message = receive(channel);
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		its->hold();
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "sent again";
		if (i == 2)
			EXPECT_EQ(0, reply(channel, message.rcvid(), "y"))
				<< "the server does not wait for a client that is held";
		its->release();
	}
	client.expect_success();
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_P(HeldTest, ReceiveBlockedServer)
{
	Child server([&](Child &) { return echo_until_error(channel) == -ESRCH ? 0 : 1; });
	auto its = holder(GetParam(), server.pid());
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		its->hold();
		Sender client(connection, "patience " + std::to_string(i));
		ASSERT_TRUE(client.wait_blocked());
		EXPECT_FALSE(client.done());
		its->release();
		EXPECT_EQ("patience " + std::to_string(i), client.finish().text);
	}
	EXPECT_EQ(0, channel_destroy(channel));
	server.expect_success();
}

TEST_P(HeldTest, ServerWithAMessage)
{
	// The client can be killed all the same, and time out.
	Child server([&](Child &self) {
		self.tell(receive(channel).result);
		self.hear();
		return 0;
	});
	auto its = holder(GetParam(), server.pid());
	Child client([&](Child &) { return int(send_receive(connection, "x").result); });
	EXPECT_EQ(0, server.hear());
	its->hold();
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(client.wait()));
	its->release();
	server.tell(0);
	server.expect_success();
}

INSTANTIATE_TEST_SUITE_P(By, HeldTest,
			 testing::Values(Hold::Stop, Hold::Seize, Hold::Attach, Hold::Freeze),
			 [](const auto &info) { return hold_name(info.param); });

TEST_F(PairTest, WholeSystemIsFrozen)
{
	// As for suspending, but then it thaws at once: every blocked thread can be frozen where it
	// is. (That the kernel cannot freeze one takes it 20 seconds to say.)
	Fd other = new_channel(device, "frozen");
	Child server([&](Child &) { return echo_until_error(other) == -ESRCH ? 0 : 1; });
	Sender received(connection, "received");
	Received message = receive(channel);
	Sender queued(connection, "queued");
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_TRUE(received.wait_blocked());
	ASSERT_TRUE(queued.wait_blocked());
	for (int i = 0; i < 3; i++) {
		write_file("/sys/module/suspend/parameters/pm_test_delay", "0");
		write_file("/sys/power/pm_test", "freezer");
		write_file("/sys/power/state", "freeze");
		write_file("/sys/power/pm_test", "none");
	}
	EXPECT_FALSE(received.done());
	EXPECT_FALSE(queued.done());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", received.finish().text);
	message = poll_receive(channel);
	EXPECT_EQ("queued", message.text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "z"));
	EXPECT_EQ("z", queued.finish().text);
	Fd mine = new_connection(device, "frozen");
	EXPECT_EQ("still there", send_receive(mine, "still there").text);
	EXPECT_EQ(0, channel_destroy(other));
	server.expect_success();
}

// io_uring's task work: what a polled descriptor does is run by the thread that submitted the poll,
// which is called out of its system call for that.
class TaskWork
{
public:
	TaskWork()
	{
		io_uring_params params = {};

		ring_.reset(syscall(SYS_io_uring_setup, 64, &params));
		EXPECT_GE(ring_, 0) << "io_uring_setup: " << strerror(errno);
		EXPECT_TRUE(params.features & IORING_FEAT_SINGLE_MMAP);
		rings_ = Mapping(params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe),
				 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_,
				 IORING_OFF_SQ_RING);
		entries_ = Mapping(params.sq_entries * sizeof(io_uring_sqe), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_POPULATE, ring_, IORING_OFF_SQES);
		sq_ = params.sq_off;
		cq_ = params.cq_off;
		poll_events();
	}
	// From any thread.
	void trigger()
	{
		uint64_t one = 1;

		EXPECT_EQ(8, write(event_, &one, sizeof(one)));
	}
	// Takes what was done; how much.
	int take()
	{
		std::atomic<unsigned> &head = at(cq_.head), &tail = at(cq_.tail);
		int taken = 0;
		bool more = true;

		for (; head != tail; head++, taken++) {
			const auto *events =
				reinterpret_cast<io_uring_cqe *>(rings_.data() + cq_.cqes);
			more = events[head & at(cq_.ring_mask)].flags & IORING_CQE_F_MORE;
		}
		if (!more)
			poll_events();
		return taken;
	}

private:
	std::atomic<unsigned> &at(unsigned offset)
	{
		return *reinterpret_cast<std::atomic<unsigned> *>(rings_.data() + offset);
	}
	void poll_events()
	{
		std::atomic<unsigned> &tail = at(sq_.tail);
		unsigned slot = tail & at(sq_.ring_mask);
		auto *entry = reinterpret_cast<io_uring_sqe *>(entries_.data()) + slot;

		memset(entry, 0, sizeof(*entry));
		entry->opcode = IORING_OP_POLL_ADD;
		entry->fd = event_;
		entry->poll32_events = POLLIN;
		entry->len = IORING_POLL_ADD_MULTI;
		reinterpret_cast<unsigned *>(rings_.data() + sq_.array)[slot] = slot;
		tail++;
		EXPECT_EQ(1, syscall(SYS_io_uring_enter, int(ring_), 1, 0, 0, nullptr, 0))
			<< strerror(errno);
	}

	Fd event_{eventfd(0, EFD_CLOEXEC)};
	Fd ring_;
	Mapping rings_, entries_;
	io_sqring_offsets sq_;
	io_cqring_offsets cq_;
};

// Many calls, each with its number, which both sides check, while one of them is disturbed all the
// time.
class ManyCallsTest : public PairTest
{
protected:
	// What runs in the process that is disturbed, beside its calls.
	struct Nuisance {
		virtual ~Nuisance() = default;
		virtual void between_calls() {}
		virtual int64_t count() = 0;
	};
	using MakeNuisance = std::function<std::unique_ptr<Nuisance>()>;
	struct NoNuisance : Nuisance {
		int64_t count() override
		{
			return 0;
		}
	};
	static std::unique_ptr<Nuisance> none()
	{
		return std::make_unique<NoNuisance>();
	}

	int call(Child &self, int64_t calls, const MakeNuisance &make_nuisance)
	{
		auto nuisance = make_nuisance();
		for (int64_t number = 0; number < calls && !HasFailure(); number++) {
			int64_t answer = -1;
			stplr_msg_send args = send_args(buffer(&number, sizeof(number)),
							buffer(&answer, sizeof(answer)));
			long result;
			while ((result = msg_send_receive(connection, args)) == -EINTR)
				interrupted++;
			EXPECT_EQ(0, result) << result_name(result);
			EXPECT_EQ(~number, answer) << "another call's reply";
			nuisance->between_calls();
			// The server waits for a message, longer than from one tick to the next.
			if (number % 32 == 8)
				usleep(2000);
			made = number + 1;
		}
		self.tell(nuisance->count());
		self.tell(interrupted);
		return 0;
	}

	int serve(Child &self, int64_t calls, const MakeNuisance &make_nuisance)
	{
		auto nuisance = make_nuisance();
		int64_t expected = 0, number;
		for (;;) {
			// The client waits now for its message to be received, now for its reply.
			if (expected % 32 == 0)
				usleep(1000);
			stplr_msg_receive args = receive_args(buffer(&number, sizeof(number)));
			long result = msg_receive(channel, args);
			if (result == -EINTR) {
				interrupted++;
				continue;
			}
			if (result < 0) {
				EXPECT_EQ(-ESRCH, result) << result_name(result);
				break;
			}
			EXPECT_EQ(expected, number) << "lost, or run twice";
			if (HasFailure())
				break;
			if (expected++ % 32 == 16)
				usleep(1000);
			number = ~number;
			stplr_msg_reply answer =
				reply_args(args.info.rcvid, buffer(&number, sizeof(number)));
			EXPECT_EQ(0, msg_reply(channel, answer));
			nuisance->between_calls();
		}
		EXPECT_EQ(calls, expected);
		self.tell(nuisance->count());
		self.tell(interrupted);
		return 0;
	}

	struct Outcome {
		int64_t disturbed, interrupted;
	};
	// start() is called with the pid of the client, or the server; disturb() then once in some
	// twenty calls.
	Outcome run(bool disturb_client, const MakeNuisance &nuisance,
		    const std::function<void(pid_t)> &start = {},
		    const std::function<void()> &disturb = {})
	{
		// A server has less to lose: only its receives can be disturbed.
		const int64_t most = kernel_checks_memory() ? 2500 : 10000;
		const int64_t calls = (disturb_client ? most : 1000) * test_repeat();
		Child server([&](Child &self) {
			return serve(self, calls, disturb_client ? none : nuisance);
		});
		Child client([&](Child &self) {
			return call(self, calls, disturb_client ? nuisance : none);
		});
		if (start)
			start(disturb_client ? client.pid() : server.pid());
		int64_t end = in_ms(2 * kPatienceMs * test_repeat());
		std::mt19937 random(1);
		for (int64_t next = 0; !client.spoke(disturb ? 0 : 1000) && !HasFailure() &&
				       now(CLOCK_MONOTONIC) < end;) {
			if (disturb && made >= next) {
				disturb();
				next = made + random() % 40;
			}
			if (disturb)
				usleep(random() % 500);
		}
		Outcome of_client = {client.hear(), client.hear()};
		EXPECT_EQ(0, channel_destroy(channel));
		Outcome of_server = {server.hear(), server.hear()};
		client.expect_success();
		server.expect_success();
		return disturb_client ? of_client : of_server;
	}

	int64_t interrupted = 0;
	// By the client, for all to see.
	Mapping shared{page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS};
	std::atomic<int64_t> &made = *reinterpret_cast<std::atomic<int64_t> *>(shared.data());
};

class HeldCallsTest : public ManyCallsTest,
		      public testing::WithParamInterface<std::tuple<Hold, bool>>
{
};

TEST_P(HeldCallsTest, NoneLostNoneTwice)
{
	auto [kind, client] = GetParam();
	std::unique_ptr<Holder> its;
	int holds = 0;
	run(
		client, none, [&, kind = kind](pid_t pid) { its = holder(kind, pid); },
		[&] {
			its->hold();
			holds++;
			its->release();
		});
	EXPECT_GT(holds, 20);
}

INSTANTIATE_TEST_SUITE_P(By, HeldCallsTest,
			 testing::Combine(testing::Values(Hold::Stop, Hold::Seize, Hold::Attach,
							  Hold::Freeze),
					  testing::Bool()),
			 [](const auto &info) {
				 return hold_name(std::get<0>(info.param)) +
					(std::get<1>(info.param) ? "Client" : "Server");
			 });

// Whether the client is the one; and, for a timer, whether system calls start over.
class TimerCallsTest : public ManyCallsTest,
		       public testing::WithParamInterface<std::tuple<bool, bool>>
{
protected:
	struct Timer : Nuisance {
		explicit Timer(bool restart)
		{
			struct sigaction tick = {};
			tick.sa_handler = [](int) { ticks++; };
			tick.sa_flags = restart ? SA_RESTART : 0;
			sigaction(SIGALRM, &tick, nullptr);
			itimerval every = {{0, 1000}, {0, 1000}};
			setitimer(ITIMER_REAL, &every, nullptr);
		}
		~Timer()
		{
			itimerval never = {};
			setitimer(ITIMER_REAL, &never, nullptr);
		}
		int64_t count() override
		{
			return ticks;
		}
		static std::atomic<int64_t> ticks;
	};
};

std::atomic<int64_t> TimerCallsTest::Timer::ticks;

TEST_P(TimerCallsTest, NoneLostNoneTwice)
{
	auto [client, restart] = GetParam();
	Outcome outcome =
		run(client, [restart = restart] { return std::make_unique<Timer>(restart); });
	EXPECT_GT(outcome.disturbed, 100);
	if (restart)
		EXPECT_EQ(0, outcome.interrupted) << "by a signal with SA_RESTART";
	else
		EXPECT_GT(outcome.interrupted, 0);
}

INSTANTIATE_TEST_SUITE_P(By, TimerCallsTest, testing::Combine(testing::Bool(), testing::Bool()),
			 [](const auto &info) {
				 return std::string(std::get<0>(info.param) ? "Client" : "Server") +
					(std::get<1>(info.param) ? "Restarting" : "Interrupting");
			 });

class TaskWorkCallsTest : public ManyCallsTest, public testing::WithParamInterface<bool>
{
protected:
	struct Polling : Nuisance {
		Polling()
			: thread([this] {
				  while (!stop) {
					  work.trigger();
					  usleep(300);
				  }
			  })
		{
		}
		~Polling()
		{
			stop = true;
			thread.join();
		}
		void between_calls() override
		{
			done += work.take();
		}
		int64_t count() override
		{
			return done;
		}

		TaskWork work;
		int64_t done = 0;
		std::atomic<bool> stop{false};
		std::thread thread;
	};
};

TEST_P(TaskWorkCallsTest, NoneLostNoneTwice)
{
	Outcome outcome = run(GetParam(), [] { return std::make_unique<Polling>(); });
	EXPECT_GT(outcome.disturbed, 100);
	EXPECT_EQ(0, outcome.interrupted) << "no signal was handled";
}

INSTANTIATE_TEST_SUITE_P(By, TaskWorkCallsTest, testing::Bool(), [](const auto &info) {
	return std::string(info.param ? "Client" : "Server");
});

} // namespace
