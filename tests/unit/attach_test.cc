// SPDX-License-Identifier: MIT
// Attaching by (pid, chid): which process, which channel, who may.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <vector>

#include "support/ipc.h"

namespace
{

constexpr unsigned kUser = 4001, kGroup = 4101, kStranger = 4002;

class AttachTest : public testing::Test
{
protected:
	long attach(int pid, int chid)
	{
		stplr_connect_attach args = attach_args(pid, chid);
		return connect_attach(device, args);
	}

	// A process that makes a channel (as uid, if not root) and echoes.
	std::unique_ptr<Child> serve(uint32_t flags = 0, unsigned uid = 0)
	{
		auto server = std::make_unique<Child>([=](Child &self) {
			if (uid)
				become_user(uid, kGroup);
			int id;
			Fd channel = new_channel(device, {}, flags, &id);
			self.tell(id);
			echo_until_error(channel);
			return 0;
		});
		EXPECT_EQ(1, server->hear());
		return server;
	}

	Fd device = open_device();
};

TEST_F(AttachTest, ToAnotherProcess)
{
	auto server = serve();
	Fd connection = new_connection(device, server->pid(), 1);
	EXPECT_EQ("hello", send_receive(connection, "hello").text);
}

TEST_F(AttachTest, PidZeroIsTheCaller)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	Fd zero = new_connection(device, 0, chid);
	Fd own = new_connection(device, getpid(), chid);
	EchoServer server(channel);

	EXPECT_EQ("a", send_receive(zero, "a").text);
	EXPECT_EQ("b", send_receive(own, "b").text);
	channel_destroy(channel);
	EXPECT_EQ(-ESRCH, server.finish());
}

TEST_F(AttachTest, PidZeroIsNotTheParent)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	Child child([&](Child &) {
		EXPECT_EQ(-ESRCH, attach(0, chid));
		EXPECT_EQ(-ESRCH, attach(getpid(), chid))
			<< "the creator's pid counts, not a holder's";
		EXPECT_GE(Fd(attach(getppid(), chid)), 0);
		return 0;
	});
	child.expect_success();
}

TEST_F(AttachTest, ThreadsShareTheirProcesssChannels)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	Thread thread([&] {
		// A thread's id is no process's.
		EXPECT_EQ(-ESRCH, attach(own_tid(), chid));
		return Fd(attach(0, chid)) >= 0 ? 0l : -1l;
	});
	EXPECT_EQ(0, thread.join());

	// And a channel made by a thread is its process's, also when the thread has ended.
	int second;
	Fd made;
	Thread maker([&] {
		made = new_channel(device, {}, 0, &second);
		return 0;
	});
	EXPECT_EQ(0, maker.join());
	EXPECT_EQ(2, second);
	EXPECT_GE(Fd(attach(getpid(), second)), 0);
}

TEST_F(AttachTest, NoSuchProcessOrChannel)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);

	EXPECT_EQ(-ESRCH, attach(0, chid + 1));
	EXPECT_EQ(-ESRCH, attach(0, INT32_MAX));
	EXPECT_EQ(-ESRCH, attach(getppid(), chid));
	EXPECT_EQ(-ESRCH, attach(INT32_MAX, chid));
	EXPECT_LT(attach(-1, chid), 0);
	EXPECT_LT(attach(0, -1), 0);
	EXPECT_LT(attach(0, 0), 0);
}

TEST_F(AttachTest, CreatorDeadAndReaped)
{
	Child server([&](Child &self) {
		Fd channel = new_channel(device);
		self.tell(channel.get());
		self.hear();
		return 0;
	});
	server.hear();
	Fd connection = new_connection(device, server.pid(), 1);
	server.tell(0);
	server.expect_success();
	EXPECT_EQ(-ESRCH, attach(server.pid(), 1));
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(AttachTest, CreatorDeadWhileOthersKeepTheChannel)
{
	Child creator([&](Child &self) {
		Fd channel = new_channel(device, "survivor");
		Child *keeper = new Child([&](Child &) {
			prctl(PR_SET_PDEATHSIG, 0);
			alarm(80);
			return int(echo_until_error(channel));
		});
		EXPECT_TRUE(keeper->wait_blocked(STPLR_MSG_RECEIVE));
		self.tell(keeper->pid());
		self.hear();
		return 0;
	});
	pid_t keeper = creator.hear();
	ASSERT_GT(keeper, 0);
	Fd connection = new_connection(device, creator.pid(), 1);
	creator.tell(0);
	creator.expect_success();

	EXPECT_EQ(-ESRCH, attach(creator.pid(), 1)) << "the creator is dead";
	EXPECT_EQ(-ESRCH, attach(keeper, 1));
	// The channel itself lives on.
	EXPECT_EQ("old", send_receive(connection, "old").text);
	Fd by_name = new_connection(device, "survivor");
	EXPECT_EQ("new", send_receive(by_name, "new").text);
	kill(keeper, SIGKILL);
	EXPECT_TRUE(eventually([&] { return send_receive(connection, "x").result == -ESRCH; }));
}

TEST_F(AttachTest, CreatorIsAZombie)
{
	Child server([&](Child &self) {
		Fd channel = new_channel(device);
		self.tell(channel.get());
		self.hear();
		return 0;
	});
	server.hear();
	server.tell(0);
	ASSERT_TRUE(eventually([&] { return thread_state(server.pid(), server.pid()) == 'Z'; }));
	EXPECT_EQ(-ESRCH, attach(server.pid(), 1));
	server.expect_success();
}

TEST_F(AttachTest, CreatorIsAZombieAndItsHeirHasTheChannel)
{
	// Its number is still its own, and the channel still there.
	Child creator([&](Child &self) {
		Fd channel = new_channel(device, "heirloom");
		self.tell(channel.get());
		self.hear();
		return 0;
	});
	Fd channel = fd_of(creator.pid(), creator.hear());
	Fd connection = new_connection(device, creator.pid(), 1);
	creator.tell(0);
	ASSERT_TRUE(eventually([&] { return thread_state(creator.pid(), creator.pid()) == 'Z'; }));
	EXPECT_EQ(-ESRCH, attach(creator.pid(), 1));
	Fd by_name = new_connection(device, "heirloom");
	EXPECT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ("x", poll_receive(channel).text);
	creator.expect_success();
}

// Real and effective users that differ: the effective one counts, of both.
TEST_F(AttachTest, EffectiveUsersMustBeTheSame)
{
	const struct {
		unsigned server[2], client[2]; // real, effective
		bool may;
	} cases[] = {
		{{kUser, kStranger}, {kUser, kStranger}, true},
		{{kUser, kStranger}, {kStranger, kUser}, false},
		{{kUser, kStranger}, {kUser, kUser}, false},
		{{kStranger, kUser}, {kStranger, kStranger}, false},
		{{kStranger, kUser}, {kStranger, kUser}, true},
		{{kUser, kUser}, {kStranger, kUser}, true},
		{{kUser, kUser}, {kUser, kStranger}, false},
		{{0, kUser}, {0, kUser}, true},
		{{0, kUser}, {0, kStranger}, false},
	};

	for (const auto &each : cases) {
		Child server([&](Child &self) {
			EXPECT_EQ(0, setresuid(each.server[0], each.server[1], each.server[1]));
			Fd channel = new_channel(device);
			self.tell(0);
			self.hear();
			return 0;
		});
		server.hear();
		Child client([&](Child &) {
			EXPECT_EQ(0, setresuid(each.client[0], each.client[1], each.client[1]));
			long fd = attach(server.pid(), 1);
			EXPECT_TRUE(each.may ? fd >= 0 : fd == -EACCES)
				<< result_name(fd) << ": server " << each.server[0] << ", "
				<< each.server[1] << ", client " << each.client[0] << ", "
				<< each.client[1];
			// What is told of the server, and asked of it, is its effective user.
			stplr_connect_info info;
			if (fd >= 0) {
				EXPECT_EQ(0, connect_info(fd, info));
				EXPECT_EQ(each.server[1], info.uid);
			}
			return 0;
		});
		client.expect_success();
		stplr_connect_attach args = attach_args(server.pid(), 1, STPLR_CONNECT_UID);
		args.uid = each.server[1];
		EXPECT_GE(Fd(connect_attach(device, args)), 0);
		args.uid = each.server[0];
		if (each.server[0] != each.server[1])
			EXPECT_EQ(-EPERM, connect_attach(device, args)) << "its real user";
		server.tell(0);
		server.expect_success();
	}
}

TEST_F(AttachTest, AnotherUserMayNot)
{
	auto server = serve();
	Child client([&](Child &) {
		become_user(kUser, kGroup);
		EXPECT_EQ(-EACCES, attach(server->pid(), 1));
		return 0;
	});
	client.expect_success();
}

TEST_F(AttachTest, AnotherUserMayWithAttachAny)
{
	auto server = serve(STPLR_CHANNEL_ATTACH_ANY);
	Child client([&](Child &) {
		become_user(kUser, kGroup);
		Fd connection = new_connection(device, server->pid(), 1);
		EXPECT_EQ("hello", send_receive(connection, "hello").text);
		return 0;
	});
	client.expect_success();
}

TEST_F(AttachTest, SameUserMay)
{
	auto server = serve(0, kUser);
	Child same([&](Child &) {
		become_user(kUser, kGroup + 1);
		EXPECT_GE(Fd(attach(server->pid(), 1)), 0);
		return 0;
	});
	same.expect_success();
	Child stranger([&](Child &) {
		become_user(kStranger, kGroup);
		EXPECT_EQ(-EACCES, attach(server->pid(), 1));
		return 0;
	});
	stranger.expect_success();
	EXPECT_GE(Fd(attach(server->pid(), 1)), 0) << "CAP_SYS_PTRACE passes";
}

TEST_F(AttachTest, PrivilegedUserNamespaceDoesNotPass)
{
	auto server = serve();
	Child client([&](Child &) {
		become_user(kUser, kGroup);
		// All capabilities, in a namespace of one's own.
		if (unshare(CLONE_NEWUSER))
			return 95;
		EXPECT_EQ(-EACCES, attach(server->pid(), 1));
		return 0;
	});
	int status = client.wait();
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status)) << "95: kernel.unprivileged_userns_clone is off";
}

TEST_F(AttachTest, PidsAreOfTheCallersNamespace)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	Child outer([&](Child &) {
		pid_t outside = getppid();
		if (unshare(CLONE_NEWPID))
			return 95;
		Child inner([&](Child &self) {
			EXPECT_EQ(1, getpid());
			EXPECT_EQ(-ESRCH, attach(outside, chid)) << "a pid of outside";
			int own;
			Fd inside = new_channel(device, {}, 0, &own);
			EXPECT_EQ(1, own);
			EXPECT_GE(Fd(attach(1, own)), 0);
			EXPECT_GE(Fd(attach(0, own)), 0);
			self.tell(own);
			Received message = receive(inside);
			EXPECT_EQ(0, message.result);
			EXPECT_EQ(0, message.info.pid) << "the client has no pid in here";
			EXPECT_EQ(0, message.info.tid);
			EXPECT_EQ(0, reply(inside, message.rcvid()));
			return 0;
		});
		int own = inner.hear();
		// From outside it has another pid, the one that fork gave.
		Fd connection = new_connection(device, inner.pid(), own);
		EXPECT_EQ(0, send_receive(connection, "in").result);
		inner.expect_success();
		return 0;
	});
	outer.expect_success();
}

TEST_F(AttachTest, ConnectionIdsAreUnique)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	std::vector<Fd> connections;
	std::set<uint32_t> ids;

	for (int i = 0; i < 100; i++) {
		stplr_connect_attach args = attach_args(0, chid);
		connections.emplace_back(connect_attach(device, args));
		ASSERT_GE(connections.back(), 0);
		EXPECT_TRUE(ids.insert(args.coid).second) << args.coid;
	}
}

TEST_F(AttachTest, ConnectionIdComesWithEachMessage)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	for (int i = 0; i < 3; i++) {
		stplr_connect_attach args = attach_args(0, chid);
		Fd connection(connect_attach(device, args));
		ASSERT_GE(connection, 0);
		OneWaySender client(connection, "x");
		Received message = receive(channel);
		EXPECT_EQ(args.coid, message.info.coid);
		EXPECT_EQ(0, client.finish());
	}
}

TEST_F(AttachTest, UnwritableResultMakesNoConnection)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	void *page =
		mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*static_cast<stplr_connect_attach *>(page) = attach_args(0, chid);
	mprotect(page, 4096, PROT_READ);
	int probe = dup(device);
	close(probe);
	EXPECT_EQ(-EFAULT, call(device, STPLR_CONNECT_ATTACH, page));
	Fd next(dup(device));
	EXPECT_EQ(probe, next.get());
	munmap(page, 4096);
}

} // namespace
