// SPDX-License-Identifier: MIT
// Executing a set-uid program while a call blocks, or something is registered: the program, which
// runs for root, is not to be reached by what its caller has prepared.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>

#include "attack.h"
#include "support/memory.h"

namespace
{

class Exec : public AttackTest
{
protected:
	int chid = 0;
	Fd channel = new_channel(device, "server", STPLR_CHANNEL_ATTACH_ANY, &chid);
	const std::string program = set_uid_program();

	// The attacker's process, which prepares something and then executes the program.
	Child::Body executing(std::function<void(Child &)> prepare)
	{
		return as(kAttacker, [this, prepare](Child &self) {
			prepare(self);
			execl(program.c_str(), "attack", "sleep", nullptr);
			return 1;
		});
	}
	void wait_executed(Child &child)
	{
		std::string link = "/proc/" + std::to_string(child.pid()) + "/exe";
		ASSERT_TRUE(eventually([&] {
			std::error_code error;
			return std::filesystem::read_symlink(link, error) == program &&
			       thread_state(child.pid(), child.pid()) == 'S';
		}));
	}
	void kill(Child &child)
	{
		sleep_ms(20);
		EXPECT_EQ('S', thread_state(child.pid(), child.pid())) << "did not survive";
		child.kill(SIGKILL);
		child.wait();
	}
	long deliver(int64_t id)
	{
		stplr_event_deliver args = {};
		args.id = uint32_t(id);
		return call(channel, STPLR_EVENT_DELIVER, &args);
	}
};

// Signals that it allowed a server to send, to its process or its thread: an own connection kept
// open over the exec.
TEST_F(Exec, SignalsToTheProgram)
{
	for (uint32_t type : {STPLR_EVENT_SIGNAL, STPLR_EVENT_SIGNAL_THREAD}) {
		Child attacker(executing([&](Child &self) {
			Fd own_device = open_device();
			Fd connection = new_connection(own_device, getppid(), chid);
			EXPECT_EQ(0, fcntl(connection, F_SETFD, 0));
			stplr_event_register args = {};
			args.type = type;
			args.fd = -1;
			args.signo = SIGKILL;
			EXPECT_EQ(0, call(connection, STPLR_EVENT_REGISTER, &args));
			self.tell(args.id);
			connection.release();
		}));
		int64_t id = attacker.hear();
		wait_executed(attacker);
		EXPECT_EQ(-EPERM, deliver(id)) << "type " << type;
		kill(attacker);
	}
}

// A message in each state: it ends when another thread executes, and the program's memory is not
// the server's to write.
TEST_F(Exec, MessagesOfTheProgram)
{
	for (bool received : {false, true}) {
		std::unique_ptr<Thread> blocked;
		Mapping room(64 * page_size());
		Child attacker(executing([&](Child &self) {
			Fd own_device = open_device();
			Fd connection = new_connection(own_device, getppid(), chid);
			EXPECT_EQ(0, fcntl(connection, F_SETFD, 0));
			static stplr_msg_send args;
			args = send_args(buffer("x"), buffer(room.data(), room.size()));
			blocked = std::make_unique<Thread>(
				[fd = connection.get()] { return msg_send_receive(fd, args); });
			connection.release();
			EXPECT_TRUE(blocked->wait_blocked(STPLR_MSG_SEND_RECEIVE));
			self.tell(0);
			self.hear();
		}));
		attacker.hear();
		int rcvid = received ? receive(channel).rcvid() : 0;
		attacker.tell(0);
		wait_executed(attacker);
		if (received) {
			std::string bytes(room.size(), '!');
			stplr_msg_data data = data_args(rcvid, buffer(bytes));
			EXPECT_EQ(-ESRCH, msg_write(channel, data));
			EXPECT_EQ(-ESRCH, reply(channel, rcvid, bytes));
		}
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		kill(attacker);
	}
}

// Registered buffers and parked messages are of the memory that was, not of the program's.
TEST_F(Exec, MemoryOfTheProgram)
{
	Child attacker(executing([&](Child &self) {
		Fd own_device = open_device();
		Fd connection = new_connection(own_device, getppid(), chid);
		EXPECT_EQ(0, fcntl(connection, F_SETFD, 0));
		auto *memory = new char[page_size()];
		stplr_buffer_register registered =
			register_args(memory, page_size(), STPLR_BUFFER_WRITE);
		EXPECT_EQ(0, buffer_register(connection, registered));
		static char room[5000];
		stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
		Thread caller([&] { return msg_send_receive(connection, args); });
		self.tell(0);
		self.hear();
		caller.signal(SIGUSR1);
		EXPECT_EQ(-EINTR, caller.join());
		connection.release();
	}));
	attacker.hear();
	Received message = receive(channel);
	attacker.tell(0);
	wait_executed(attacker);
	// It lies in pages that nobody maps any more.
	std::string bytes(5000, '!');
	stplr_msg_data data = data_args(message.rcvid(), buffer(bytes));
	long result = msg_write(channel, data);
	EXPECT_TRUE(result == 0 || result == -ESRCH) << result_name(result);
	kill(attacker);
	EXPECT_TRUE(eventually([&] { return reply(channel, message.rcvid()) == -ESRCH; }));
}

// A channel that ends with its creator, and is private to it: the program is the same process.
TEST_F(Exec, ServerThatExecutes)
{
	Child attacker(executing([&](Child &self) {
		Fd own_device = open_device();
		int own_chid;
		Fd own = new_channel(own_device, {}, STPLR_CHANNEL_ATTACH_ANY, &own_chid);
		self.tell(own_chid);
		EXPECT_EQ("x", receive(own).text);
	}));
	int own_chid = int(attacker.hear());
	Fd connection = new_connection(device, attacker.pid(), own_chid);
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result)
		<< "its channel was closed on the way";
	wait_executed(attacker);
	kill(attacker);
}

} // namespace
