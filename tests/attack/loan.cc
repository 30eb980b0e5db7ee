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

	// The attacker serves at what its clients lend, which it could not take itself. It gets one
	// message of root's, at FIFO 50 or nice -10, or two, and does what it likes with it. With
	// `then`, which is told its pid, that is not to end.
	void attack(const Scheduling &clients, const Body &body,
		    std::function<void(pid_t, int)> then = {}, bool two = false)
	{
		Child server([&](Child &self) {
			rlimit none = {0, 0};
			setrlimit(RLIMIT_RTPRIO, &none);
			setrlimit(RLIMIT_NICE, &none);
			become_user(kAttacker, kAttacker);
			Fd own_device = open_device();
			int chid;
			Fd channel = new_channel(own_device, {},
						 STPLR_CHANNEL_ATTACH_ANY | STPLR_CHANNEL_INHERIT,
						 &chid);
			self.tell(chid);
			Received message = receive(channel);
			EXPECT_EQ(0, message.result);
			EXPECT_FALSE(scheduling(0) == Scheduling()) << "was not raised";
			body(channel, message.rcvid());
			return 0;
		});
		int chid = int(server.hear());
		Fd connection = new_connection(device, server.pid(), chid);
		Worker client(clients), another(clients);
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
	attack(fifo(50), [](int channel, int rcvid) {
		EXPECT_EQ(0, reply(channel, rcvid));
		EXPECT_EQ(0, channel_destroy(channel));
		expect_own();
	});
}

TEST_F(Loan, AfterTheAnswer)
{
	works_today("a loan that ends with the message that lent it");
	attack(fifo(50), [](int channel, int rcvid) {
		EXPECT_EQ(0, reply(channel, rcvid));
		expect_own();
	});
}

TEST_F(Loan, ByAPolicyOfItsOwn)
{
	works_today("what an owner sets while it is raised is checked against what it could set by "
		    "itself");
	attack(fifo(50), [](int channel, int rcvid) {
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
	works_today("what an owner sets while it is raised is checked against what it could set by "
		    "itself");
	attack(other(-10), [](int channel, int rcvid) {
		setpriority(PRIO_PROCESS, 0, -9);
		EXPECT_EQ(0, reply(channel, rcvid));
		EXPECT_EQ(0, channel_destroy(channel));
		expect_own();
	});
}

TEST_F(Loan, ByAChild)
{
	attack(fifo(50), [](int channel, int rcvid) {
		Child child([](Child &) {
			EXPECT_TRUE(scheduling(0) == Scheduling()) << scheduling(0);
			return 0;
		});
		child.expect_success();
		EXPECT_EQ(0, reply(channel, rcvid));
	});
}

// Passing it on to an accomplice, by a channel of one's own.
TEST_F(Loan, ToAnAccomplice)
{
	works_today("a loan beyond a server's own limits needs the consent of who lends it");
	attack(fifo(50), [](int channel, int rcvid) {
		Child accomplice([](Child &self) {
			EXPECT_TRUE(scheduling(0) == Scheduling());
			Fd own_device = open_device();
			int chid;
			Fd own = new_channel(own_device, {}, STPLR_CHANNEL_INHERIT, &chid);
			self.tell(chid);
			Received message = receive(own);
			expect_own();
			EXPECT_EQ(0, reply(own, message.rcvid()));
			return 0;
		});
		Fd own_device = open_device();
		Fd connection =
			new_connection(own_device, accomplice.pid(), int(accomplice.hear()));
		send_receive(connection, "go on");
		accomplice.expect_success();
		EXPECT_EQ(0, reply(channel, rcvid));
	});
}

// Executing a program of root's meanwhile, which closes the channel on the way.
TEST_F(Loan, ByASetUidProgram)
{
	std::string program = set_uid_program();
	attack(
		fifo(50), [&](int, int) { execl(program.c_str(), "attack", "sleep", nullptr); },
		[&](pid_t pid, int) {
			wait_executed(pid, program);
			expect_own(pid);
		});
}

// The same in another thread than the first, and with the channel kept: the message ends when its
// client gives it up.
TEST_F(Loan, ByAProgramOfAnotherThread)
{
	works_today("a loan that ends with the message that lent it, after an exec, too");
	std::string program = set_uid_program();
	attack(
		fifo(50),
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
