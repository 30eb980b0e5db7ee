// SPDX-License-Identifier: MIT
// Keeping a loan. A client at a high priority lends it to the server for one message; what that may
// keep of it is nothing.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "attack.h"
#include "support/sched.h"

namespace
{

class Loan : public AttackTest
{
protected:
	using Body = std::function<void(int channel, int rcvid)>;

	// The attacker serves at what its clients lend, which it could not take itself, but they
	// consent to. It gets one message of root's, at FIFO 50, or two, and does what it likes
	// with it. With `then`, which is told its pid, that is not to end.
	void attack(const Body &body, std::function<void(pid_t, int)> then = {}, bool two = false)
	{
		Child server([&](Child &self) {
			rlimit none = {0, 0};
			setrlimit(RLIMIT_RTPRIO, &none);
			setrlimit(RLIMIT_NICE, &none);
			become_user(kAttacker, kAttacker);
			Fd own_device = open_device();
			int chid;
			Fd channel = new_channel(own_device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
			self.tell(chid);
			Received message = receive(channel);
			EXPECT_EQ(0, message.result);
			EXPECT_FALSE(scheduling(0) == Scheduling()) << "was not raised";
			body(channel, message.rcvid());
			return 0;
		});
		int chid = int(server.hear());
		Fd connection = new_connection(device, server.pid(), chid, STPLR_CONNECT_LEND);
		Worker client(fifo(50)), another(fifo(50));
		client.start([&] { send_receive(connection, "x"); });
		if (two)
			another.start([&] { send_receive(connection, "y"); });
		if (then) {
			then(server.pid(), connection);
			server.kill(SIGKILL);
			server.wait();
		} else {
			server.expect_success();
		}
		client.finish();
		if (two)
			another.finish();
	}

	static bool soon(const std::function<bool()> &condition)
	{
		for (int i = 0; i < 100 && !condition(); i++)
			sleep_ms(10);
		return condition();
	}
	// Whether a thread is soon what it was before it was raised.
	static void expect_own(pid_t tid = 0)
	{
		EXPECT_TRUE(soon([tid] { return scheduling(tid) == Scheduling(); }))
			<< scheduling(tid);
	}
	static void wait_executed(pid_t pid, const std::string &program)
	{
		std::string link = "/proc/" + std::to_string(pid) + "/exe";
		EXPECT_TRUE(eventually([&] {
			std::error_code error;
			return std::filesystem::read_symlink(link, error) == program;
		}));
	}
};

TEST_F(Loan, AfterTheChannel)
{
	attack([](int channel, int rcvid) {
		EXPECT_EQ(0, reply(channel, rcvid));
		EXPECT_EQ(0, channel_destroy(channel));
		expect_own();
	});
}

TEST_F(Loan, AfterTheAnswer)
{
	attack([](int channel, int rcvid) {
		EXPECT_EQ(0, reply(channel, rcvid));
		expect_own();
	});
}

TEST_F(Loan, ByAPolicyOfItsOwn)
{
	attack([](int channel, int rcvid) {
		sched_param param = {};
		param.sched_priority = 49;
		sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
		EXPECT_EQ(0, reply(channel, rcvid));
		EXPECT_EQ(0, channel_destroy(channel));
		expect_own();
	});
}

TEST_F(Loan, ByANiceValueOfItsOwn)
{
	attack([](int channel, int rcvid) {
		setpriority(PRIO_PROCESS, 0, -9);
		EXPECT_EQ(0, reply(channel, rcvid));
		EXPECT_EQ(0, channel_destroy(channel));
		expect_own();
	});
}

TEST_F(Loan, ByAChild)
{
	attack([](int channel, int rcvid) {
		Child child([](Child &) {
			EXPECT_TRUE(scheduling(0) == Scheduling()) << scheduling(0);
			return 0;
		});
		child.expect_success();
		EXPECT_EQ(0, reply(channel, rcvid));
	});
}

// What its clients do not consent to, it does not get.
TEST_F(Loan, ByAChannelOfItsOwn)
{
	Child server(as(kAttacker, [](Child &self) {
		rlimit none = {0, 0};
		setrlimit(RLIMIT_RTPRIO, &none);
		Fd own_device = open_device();
		int chid;
		Fd channel = new_channel(own_device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
		self.tell(chid);
		Received message = receive(channel);
		EXPECT_TRUE(scheduling(0) == Scheduling()) << scheduling(0);
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		return 0;
	}));
	Fd connection = new_connection(device, server.pid(), int(server.hear()));
	Worker client(fifo(50));
	client.run([&] { send_receive(connection, "x"); });
	server.expect_success();
}

// Passing it on to an accomplice, by a channel of one's own, and never coming back: who consented
// trusts whom it lends to, but not for longer than the message that lent it.
TEST_F(Loan, ByAnAccomplice)
{
	attack(
		[](int, int) {
			Fd own_device = open_device();
			int chid;
			Fd own = new_channel(own_device, {}, 0, &chid);
			Fd connection = new_connection(own_device, 0, chid, STPLR_CONNECT_LEND);
			Thread accomplice([&] {
				Received message = receive(own);
				EXPECT_TRUE(soon([] { return scheduling(0).rt == 50; }));
				reply(own, message.rcvid());
				message = receive(own);
				pause();
				return 0;
			});
			EXPECT_EQ(0, send_receive(connection, "this is how").result);
			send_receive(connection, "and this is for you");
		},
		[](pid_t pid, int connection) {
			pid_t accomplice = 0;
			EXPECT_TRUE(eventually([&] {
				std::string tasks = "/proc/" + std::to_string(pid) + "/task";
				for (auto &entry : std::filesystem::directory_iterator(tasks))
					if (int tid = std::stoi(entry.path().filename());
					    tid != pid && scheduling(tid).rt == 50)
						accomplice = tid;
				return accomplice != 0;
			}));
			EXPECT_EQ(0, connect_detach(connection));
			expect_own(accomplice);
			expect_own(pid);
		});
}

// One message after the other that nobody waits for, at what it was lent.
TEST_F(Loan, ByMessagesToAccomplices)
{
	attack([](int channel, int rcvid) {
		Fd own_device = open_device();
		int chid;
		Fd own = new_channel(own_device, {}, 0, &chid);
		Fd connection = new_connection(own_device, 0, chid, STPLR_CONNECT_LEND);
		EXPECT_EQ(0, send_queued(connection, "in parts"));
		Thread accomplice([&] {
			Received message = receive(own, 2);
			EXPECT_EQ(0, message.result);
			EXPECT_TRUE(scheduling(0) == Scheduling()) << scheduling(0);
			return 0;
		});
		accomplice.join();
		EXPECT_EQ(0, reply(channel, rcvid));
	});
}

// Executing a program of root's meanwhile, which closes the channel on the way.
TEST_F(Loan, ByASetUidProgram)
{
	std::string program = set_uid_program();
	attack([&](int, int) { execl(program.c_str(), "attack", "sleep", nullptr); },
	       [&](pid_t pid, int) {
		       wait_executed(pid, program);
		       expect_own(pid);
	       });
}

// The same in another thread than the first, and with the channel kept: the message ends when its
// client gives it up.
TEST_F(Loan, ByAProgramOfAnotherThread)
{
	std::string program = set_uid_program();
	attack(
		[&](int channel, int) {
			fcntl(channel, F_SETFD, 0);
			Thread second([&] {
				EXPECT_EQ(0, receive(channel).result);
				execl(program.c_str(), "attack", "sleep", nullptr);
				return 1;
			});
			second.join();
		},
		[&](pid_t pid, int connection) {
			wait_executed(pid, program);
			EXPECT_EQ(0, connect_detach(connection));
			expect_own(pid);
		},
		true);
}

} // namespace
