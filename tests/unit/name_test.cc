// SPDX-License-Identifier: MIT
// Names: what they may be, whose they are, who may connect by them, and waiting for one.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

constexpr unsigned kOwner = 4001, kOwnerGroup = 4101, kOther = 4002, kOtherGroup = 4102;

class NameTest : public testing::Test
{
protected:
	long create(std::string_view name, uint32_t flags = 0)
	{
		stplr_channel_create args = channel_args(name, flags);
		return channel_create(device, args);
	}
	long connect(std::string_view name)
	{
		stplr_connect_attach args = attach_args(name);
		return connect_attach(device, args);
	}

	// Devices are opened as root and inherited: what is tested is the name's rights, not the
	// device's.
	Fd device = open_device();
};

TEST_F(NameTest, ConnectsByName)
{
	Fd channel = new_channel(device, "server.one");
	Fd other = new_channel(device, "server.two");
	Fd connection = new_connection(device, "server.one");
	EchoServer server(channel);

	EXPECT_EQ("hello", send_receive(connection, "hello").text);
	EXPECT_EQ(-EAGAIN, poll_receive(other).result);
	channel_destroy(channel);
	EXPECT_EQ(-ESRCH, server.finish());
}

TEST_F(NameTest, NamedChannelsHaveIdsToo)
{
	int chid;
	Fd channel = new_channel(device, "both", 0, &chid);
	Fd by_name = new_connection(device, "both");
	Fd by_id = new_connection(device, getpid(), chid);
	EXPECT_GE(by_name, 0);
	EXPECT_GE(by_id, 0);
}

TEST_F(NameTest, EveryAllowedCharacter)
{
	const std::string allowed =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
	for (int c = 0; c < 256; c++) {
		const char name[] = {'a', static_cast<char>(c), 'b'};
		bool good = c && (allowed.find(c) != std::string::npos || c == '-');
		long fd = create({name, 3});
		Fd channel(fd < 0 ? -1 : fd);
		if (good)
			EXPECT_GE(fd, 0) << c;
		else
			EXPECT_EQ(-EINVAL, fd) << c;
		long connected = connect({name, 3});
		Fd connection(connected < 0 ? -1 : connected);
		if (good)
			EXPECT_GE(connected, 0) << c;
		else
			EXPECT_EQ(-EINVAL, connected) << c;
	}
}

TEST_F(NameTest, Lengths)
{
	for (size_t length : {1, 2, 7, 8, 9, 31, 32, 62, 63}) {
		std::string name(length, 'n');
		Fd channel = new_channel(device, name);
		Fd connection = new_connection(device, name);
		EXPECT_EQ(-ENOENT, connect(name.substr(1) + "m"));
		if (length < 63)
			EXPECT_EQ(-ENOENT, connect(name + "n"));
		if (length > 1)
			EXPECT_EQ(-ENOENT, connect(name.substr(1)));
	}
	for (size_t length : {64, 65, 4096, 1 << 20}) {
		EXPECT_EQ(-EINVAL, create(std::string(length, 'n')));
		EXPECT_EQ(-EINVAL, connect(std::string(length, 'n')));
	}
	stplr_channel_create args = channel_args("x");
	args.name_len = ~0u;
	EXPECT_EQ(-EINVAL, channel_create(device, args));
}

TEST_F(NameTest, NeedsNoTerminator)
{
	GuardedBuffer edge(5);
	memcpy(edge.at_end(), "namex", 5);
	Fd channel(create({edge.at_end(), 5}));

	ASSERT_GE(channel, 0);
	EXPECT_GE(Fd(connect("namex")), 0);
	EXPECT_EQ(-EFAULT, create({edge.at_end(), 6}));
	EXPECT_EQ(-EFAULT, connect({edge.at_end(), 6}));
	EXPECT_EQ(-EFAULT, create({nullptr, 3}));
	EXPECT_EQ(-EFAULT, connect({reinterpret_cast<char *>(1ul << 63), 3}));
}

TEST_F(NameTest, IsUniqueOnTheDevice)
{
	Fd first = new_channel(device, "unique");
	Fd again = open_device();
	stplr_channel_create args = channel_args("unique");

	EXPECT_EQ(-EEXIST, channel_create(device, args));
	EXPECT_EQ(-EEXIST, channel_create(again, args));
	Child child([&](Child &) { return create("unique") == -EEXIST ? 0 : 1; });
	child.expect_success();
	EXPECT_GE(Fd(create("uniquf")), 0);
	EXPECT_GE(Fd(create("Unique")), 0) << "names differ by case";
	// A failed creation took no id.
	int chid;
	Fd next = new_channel(device, {}, 0, &chid);
	EXPECT_EQ(2, chid);
}

TEST_F(NameTest, FreeWhenTheChannelIsClosed)
{
	Fd channel = new_channel(device, "again");
	Fd connection = new_connection(device, "again");

	channel.reset();
	EXPECT_EQ(-ENOENT, connect("again"));
	Fd next = new_channel(device, "again");
	EXPECT_GE(next, 0);
	// The old connection does not lead to the new channel.
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(NameTest, FreeWhenTheChannelIsDestroyed)
{
	Fd channel = new_channel(device, "again");

	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ENOENT, connect("again"));
	EXPECT_GE(Fd(create("again")), 0);
}

TEST_F(NameTest, FreeWhenTheProcessIsKilled)
{
	Child server([&](Child &self) {
		Fd channel = new_channel(device, "mortal");
		self.tell(channel.get());
		return echo_until_error(channel);
	});
	ASSERT_GE(server.hear(), 0);
	Fd connection = new_connection(device, "mortal");
	EXPECT_EQ("up", send_receive(connection, "up").text);
	server.kill(SIGKILL);
	server.wait();
	EXPECT_EQ(-ENOENT, connect("mortal"));
	EXPECT_GE(Fd(create("mortal")), 0);
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(NameTest, FreeWhenTheCreatorsDeathEndsTheChannel)
{
	Child server([&](Child &self) {
		Fd channel = new_channel(device, "creator", STPLR_CHANNEL_CREATOR);
		Child keeper([&](Child &) {
			pause();
			return 0;
		});
		self.tell(keeper.pid());
		pause();
		return 0;
	});
	ASSERT_GT(server.hear(), 0);
	ASSERT_EQ(-EEXIST, create("creator"));
	server.kill(SIGKILL);
	server.wait();
	EXPECT_TRUE(eventually([&] { return Fd(create("creator")) >= 0; }));
}

TEST_F(NameTest, ModeBits)
{
	for (uint32_t mode = 0; mode <= 0777; mode++) {
		stplr_channel_create args = channel_args("mode");
		args.mode = mode;
		long fd = channel_create(device, args);
		EXPECT_GE(fd, 0) << std::oct << mode;
		Fd channel(fd);
	}
	for (int bit = 9; bit < 32; bit++) {
		stplr_channel_create args = channel_args("mode");
		args.mode = 0600 | 1u << bit;
		EXPECT_EQ(-EINVAL, channel_create(device, args)) << "bit " << bit;
	}
}

// Who may connect to a name of kOwner:kOwnerGroup with each mode.
struct Access {
	uint32_t mode;
	bool owner, group, other;
};

class NameAccessTest : public NameTest, public testing::WithParamInterface<Access>
{
protected:
	static constexpr const char *kName = "guarded";

	// Connects as a user of its own process; the result of the attempt.
	long connect_as(unsigned uid, unsigned gid, unsigned extra_group = 0)
	{
		Child child([&](Child &self) {
			gid_t groups[] = {gid, extra_group};
			if (setgroups(extra_group ? 2 : 1, groups) || setresgid(gid, gid, gid) ||
			    setresuid(uid, uid, uid))
				return 96;
			self.tell(connect(kName));
			return 0;
		});
		long result = child.hear();
		child.expect_success();
		return result;
	}
};

TEST_P(NameAccessTest, ModeDecides)
{
	Access access = GetParam();
	Child server([&](Child &self) {
		become_user(kOwner, kOwnerGroup);
		stplr_channel_create args = channel_args(kName);
		args.mode = access.mode;
		self.tell(channel_create(device, args));
		self.hear();
		return 0;
	});
	ASSERT_GE(server.hear(), 0);

	auto expected = [](bool allowed, long result) {
		return allowed ? result >= 0 : result == -EACCES;
	};
	EXPECT_PRED2(expected, access.owner, connect_as(kOwner, kOtherGroup));
	// Being the owner decides even where the group would do better.
	EXPECT_PRED2(expected, access.owner, connect_as(kOwner, kOwnerGroup));
	EXPECT_PRED2(expected, access.group, connect_as(kOther, kOwnerGroup));
	EXPECT_PRED2(expected, access.group, connect_as(kOther, kOtherGroup, kOwnerGroup));
	EXPECT_PRED2(expected, access.other, connect_as(kOther, kOtherGroup));
	// CAP_DAC_OVERRIDE passes.
	EXPECT_GE(Fd(connect(kName)), 0);
	server.tell(0);
	server.expect_success();
}

INSTANTIATE_TEST_SUITE_P(
	Modes, NameAccessTest,
	testing::Values(Access{0, true, false, false}, Access{0600, true, false, false},
			Access{0200, true, false, false}, Access{0020, false, true, false},
			Access{0002, false, false, true}, Access{0660, true, true, false},
			Access{0666, true, true, true}, Access{0606, true, false, true},
			Access{0444, false, false, false}, Access{0555, false, false, false}),
	[](const auto &info) {
		char text[16];
		snprintf(text, sizeof(text), "Mode%03o", info.param.mode);
		return std::string(text);
	});

TEST_F(NameAccessTest, CapabilityIsNeededNotUid0)
{
	Child server([&](Child &self) {
		become_user(kOwner, kOwnerGroup);
		self.tell(create(kName));
		self.hear();
		return 0;
	});
	ASSERT_GE(server.hear(), 0);
	EXPECT_GE(connect_as(0, 0), 0);
	server.tell(0);
	server.expect_success();
}

TEST_F(NameAccessTest, GroupOfTheCallersChoice)
{
	// root may name any group.
	stplr_channel_create args = channel_args(kName, STPLR_CHANNEL_GROUP);
	args.mode = 0060;
	args.gid = kOtherGroup;
	Fd channel(channel_create(device, args));
	ASSERT_GE(channel, 0);
	EXPECT_GE(connect_as(kOther, kOtherGroup), 0);
	EXPECT_EQ(-EACCES, connect_as(kOther, kOwnerGroup));
}

TEST_F(NameAccessTest, GroupMustBeTheCallersOwn)
{
	Child child([&](Child &) {
		gid_t groups[] = {kOtherGroup};
		if (setgroups(1, groups) || setresgid(kOwnerGroup, kOwnerGroup, kOwnerGroup) ||
		    setresuid(kOwner, kOwner, kOwner))
			return 96;
		stplr_channel_create args = channel_args(kName, STPLR_CHANNEL_GROUP);
		args.gid = 0;
		EXPECT_EQ(-EPERM, channel_create(device, args));
		args.gid = kOwnerGroup + 77;
		EXPECT_EQ(-EPERM, channel_create(device, args));
		args.gid = kOwnerGroup;
		EXPECT_GE(Fd(channel_create(device, args)), 0);
		args.gid = kOtherGroup;
		EXPECT_GE(Fd(channel_create(device, args)), 0) << "a supplementary group";
		args.gid = ~0u;
		EXPECT_EQ(-EINVAL, channel_create(device, args)) << "no group at all";
		return 0;
	});
	child.expect_success();
}

TEST_F(NameAccessTest, EffectiveUserOwns)
{
	Child server([&](Child &self) {
		// The effective ids count, real ones do not.
		if (setgroups(0, nullptr) || setresgid(0, kOwnerGroup, 0) ||
		    setresuid(0, kOwner, 0))
			return 96;
		self.tell(create(kName));
		self.hear();
		return 0;
	});
	ASSERT_GE(server.hear(), 0);
	EXPECT_GE(connect_as(kOwner, kOtherGroup), 0);
	EXPECT_EQ(-EACCES, connect_as(kOther, kOtherGroup));
	server.tell(0);
	server.expect_success();
}

TEST_F(NameAccessTest, ExpectedUser)
{
	Child server([&](Child &self) {
		become_user(kOwner, kOwnerGroup);
		self.tell(create(kName));
		self.hear();
		return 0;
	});
	ASSERT_GE(server.hear(), 0);

	stplr_connect_attach args = attach_args(kName, STPLR_CONNECT_UID);
	args.uid = kOwner;
	EXPECT_GE(Fd(connect_attach(device, args)), 0);
	args.uid = 0;
	EXPECT_EQ(-EPERM, connect_attach(device, args)) << "a squatter's name";
	args.uid = kOther;
	EXPECT_EQ(-EPERM, connect_attach(device, args));
	server.tell(0);
	server.expect_success();
}

TEST_F(NameAccessTest, ExpectedUserByIdToo)
{
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	stplr_connect_attach args = attach_args(0, chid, STPLR_CONNECT_UID);
	args.uid = 0;
	EXPECT_GE(Fd(connect_attach(device, args)), 0);
	args.uid = kOwner;
	EXPECT_EQ(-EPERM, connect_attach(device, args));
}

class NameWaitTest : public NameTest
{
protected:
	long wait_for(std::string_view name, int64_t deadline, uint32_t clock = CLOCK_MONOTONIC)
	{
		stplr_connect_attach args = attach_args(name);
		args.deadline = deadline;
		args.clock = clock;
		return connect_attach(device, args);
	}
};

TEST_F(NameWaitTest, DoesNotWaitUnasked)
{
	EXPECT_EQ(-ENOENT, connect("nobody"));
	EXPECT_EQ(-ENOENT, wait_for("nobody", STPLR_DEADLINE_POLL));
}

TEST_F(NameWaitTest, NameThatIsThereNeedsNoWaiting)
{
	Fd channel = new_channel(device, "there");
	EXPECT_GE(Fd(wait_for("there", STPLR_DEADLINE_NONE)), 0);
	EXPECT_GE(Fd(wait_for("there", 1)), 0) << "a deadline that passed does not matter";
}

TEST_F(NameWaitTest, WaitsForTheName)
{
	Thread client([&] {
		Fd connection(wait_for("later", STPLR_DEADLINE_NONE));
		return connection < 0 ? connection.release()
				      : send_receive(connection, "at last").result;
	});
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd wrong = new_channel(device, "latex");
	Fd unnamed = new_channel(device);
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd channel = new_channel(device, "later");
	Received message = receive(channel);
	EXPECT_EQ("at last", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
}

TEST_F(NameWaitTest, ManyWait)
{
	std::vector<std::unique_ptr<Thread>> clients;

	for (int i = 0; i < 8; i++)
		clients.push_back(std::make_unique<Thread>([&, i] {
			return Fd(wait_for(i % 2 ? "odd" : "even", STPLR_DEADLINE_NONE)) >= 0 ? 0l
											      : -1l;
		}));
	for (auto &client : clients)
		ASSERT_TRUE(client->wait_blocked(STPLR_CONNECT_ATTACH));
	Fd odd = new_channel(device, "odd");
	for (int i = 1; i < 8; i += 2)
		EXPECT_EQ(0, clients[i]->join());
	for (int i = 0; i < 8; i += 2)
		EXPECT_TRUE(clients[i]->wait_blocked(STPLR_CONNECT_ATTACH));
	Fd even = new_channel(device, "even");
	for (int i = 0; i < 8; i += 2)
		EXPECT_EQ(0, clients[i]->join());
}

TEST_F(NameWaitTest, Deadline)
{
	for (uint32_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME}) {
		int64_t deadline = in_ms(60, clock);
		EXPECT_EQ(-ETIMEDOUT, wait_for("nobody", deadline, clock));
		EXPECT_GE(now(clock), deadline);
		EXPECT_LT(now(clock), deadline + 5000000000);
	}
	EXPECT_EQ(-ETIMEDOUT, wait_for("nobody", 1)) << "long past";
	EXPECT_EQ(-ETIMEDOUT, wait_for("nobody", in_ms(-1)));
}

TEST_F(NameWaitTest, DeadlineIsNotUsedUp)
{
	Thread client([&] { return Fd(wait_for("soon", in_ms(60000))) >= 0 ? 0l : -1l; });
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd channel = new_channel(device, "soon");
	EXPECT_EQ(0, client.join());
}

TEST_F(NameWaitTest, SignalEndsIt)
{
	Thread client([&] { return wait_for("nobody", STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	client.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, client.join());
}

TEST_F(NameWaitTest, KillEndsIt)
{
	Child child([&](Child &) { return wait_for("nobody", STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(child.wait_blocked(STPLR_CONNECT_ATTACH));
	child.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(child.wait()));
}

TEST_F(NameWaitTest, RightsAreCheckedWhenTheNameComes)
{
	Child client([&](Child &) {
		become_user(kOther, kOtherGroup);
		EXPECT_EQ(-EACCES, wait_for("private", STPLR_DEADLINE_NONE));
		return 0;
	});
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd channel = new_channel(device, "private");
	client.expect_success();
}

TEST_F(NameWaitTest, NameThatComesAndGoes)
{
	// Whoever waits either connects to one of the channels or goes on waiting; nobody is lost
	// or crashes.
	Thread client([&] {
		Fd connection(wait_for("flicker", STPLR_DEADLINE_NONE));
		return connection >= 0 ? 0l : -1l;
	});
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	for (int i = 0; i < 200 && !client.done(); i++)
		Fd channel = new_channel(device, "flicker");
	Fd last = new_channel(device, "flicker");
	EXPECT_EQ(0, client.join());
}

} // namespace
