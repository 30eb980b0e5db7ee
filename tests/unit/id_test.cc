// SPDX-License-Identifier: MIT
// Ids: names in a spelling of their own, one for each, with which all that has a name is found,
// waited for, listed, owned and refused as with any other: channels and ring sets, of programs and
// of drivers, and drivers' links. How the library spells and reads them: lib_test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "../module/stplr_kclient.h"
#include "../module/stplr_kserver.h"
#include "support/ipc.h"
#include "support/module.h"
#include "support/poll.h"
#include "support/ring.h"

namespace
{

constexpr uint32_t kIds[] = {0, 1, 9, 10, 42, 2147483647, 2147483648, 4294967295};

std::string name_of(uint32_t id)
{
	char name[STPLR_NAME_MAX + 1];
	snprintf(name, sizeof(name), STPLR_ID_NAME, id);
	return name;
}

// What begins like an id and is none, or is written otherwise.
std::vector<std::string> none()
{
	std::vector<std::string> names = {"@",
					  "@00",
					  "@01",
					  "@007",
					  "@0000000042",
					  "@4294967296",
					  "@4294967338",
					  "@9999999999",
					  "@10000000000",
					  "@-1",
					  "@+1",
					  "@ 1",
					  "@1 ",
					  "@1a",
					  "@a",
					  "@0x1",
					  "@1.",
					  "@1_",
					  "@1-2",
					  "@@1",
					  "@1@",
					  "1@",
					  "a@1",
					  "@1\n",
					  "#1",
					  "@18446744073709551617"};
	names.push_back(std::string("@1\0", 3));
	names.push_back("@" + std::string(62, '1'));
	names.push_back("@" + std::string(62, '0'));
	return names;
}

template <size_t size> void set_name(char (&field)[size], const std::string &name)
{
	ASSERT_GT(size, name.size());
	memcpy(field, name.data(), name.size());
}

// The lines of a file of debugfs' in which a name is.
int listed(const std::string &file, const std::string &name)
{
	std::ifstream stream("/sys/kernel/debug/stplr/stplr-0/" + file);
	std::string line, word;
	int found = 0;

	EXPECT_TRUE(stream) << file;
	while (std::getline(stream, line)) {
		std::istringstream words(line);
		bool has = false;
		while (words >> word)
			has |= word == name;
		found += has;
	}
	return found;
}

class IdTest : public testing::Test
{
protected:
	static void SetUpTestSuite()
	{
		for (auto module : {"stplr_kserver", "stplr_kclient", "stplr_ringer"})
			load_test_module(module);
	}

	static void TearDownTestSuite()
	{
		for (auto module : {"stplr_ringer", "stplr_kclient", "stplr_kserver"})
			unload_test_module(module);
	}

	long create(const std::string &name, uint32_t mode = 0)
	{
		stplr_channel_create args = channel_args(name);
		args.mode = mode;
		return channel_create(device, args);
	}

	long connect(const std::string &name, int64_t deadline = STPLR_DEADLINE_POLL)
	{
		stplr_connect_attach args = attach_args(name);
		args.deadline = deadline;
		return connect_attach(device, args);
	}

	// A driver that serves while the descriptor is open, or the error.
	long serve(Fd &driver, const std::string &name, uint32_t mode = 0)
	{
		driver = open_test_device("stplr-kserver");
		kserver_create args = {};
		set_name(args.name, name);
		args.mode = mode;
		return call(driver, KSERVER_CREATE, &args);
	}

	// A driver's link, likewise.
	long link(Fd &driver, const std::string &name, int64_t deadline = STPLR_DEADLINE_POLL,
		  bool follows = false)
	{
		driver = open_test_device("stplr-kclient");
		kclient_open args = {};
		set_name(args.name, name);
		args.deadline = deadline;
		args.follows = follows;
		return call(driver, KCLIENT_OPEN, &args);
	}

	// What a server gives back to a link's driver.
	std::string link_echo(Fd &driver, const std::string &text)
	{
		std::string reply(text.size(), '-');
		kclient_call args = {};
		args.send = uint64_t(text.data());
		args.send_len = text.size();
		args.reply = uint64_t(reply.data());
		args.room = reply.size();
		args.parts = 1;
		args.deadline = STPLR_DEADLINE_NONE;
		EXPECT_EQ(0, call(driver, KCLIENT_CALL, &args));
		return reply;
	}

	bool link_changed(Fd &driver, uint32_t ups, uint32_t downs)
	{
		return eventually([&] {
			kclient_state state = {};
			EXPECT_EQ(0, call(driver, KCLIENT_STATE, &state));
			return state.ups == ups && state.downs == downs;
		});
	}

	// The driver with rings does something; 0 or its error.
	long ringer(const std::string &text)
	{
		Fd fd = open_test_device("stplr-ringer");
		return write(fd, text.data(), text.size()) < 0 ? -errno : 0;
	}

	Fd device = open_device();
};

TEST_F(IdTest, EachHasOneNameEverywhere)
{
	Fd server, client;
	for (uint32_t id : kIds) {
		std::string name = name_of(id);
		EXPECT_EQ(-ENOENT, connect(name)) << name;
		EXPECT_EQ(-ENOENT, ring_attach(device, name)) << name;
		EXPECT_EQ(-ENOENT, link(client, name)) << name;
		Fd channel(create(name)), set(rings_create(device, rings_args(name)));
		ASSERT_LE(0, channel) << name;
		ASSERT_LE(0, set) << name;
		EXPECT_LE(0, Fd(connect(name))) << name;
		EXPECT_EQ(-EAGAIN, ring_attach(device, name)) << "no ring is open: " << name;
		EXPECT_EQ(0, link(client, name)) << name;
		client.reset();
		channel.reset();
		EXPECT_EQ(0, serve(server, name)) << name;
		server.reset();
	}
	for (auto &name : none()) {
		// Nobody waits for what cannot come.
		EXPECT_EQ(-EINVAL, create(name)) << name;
		EXPECT_EQ(-EINVAL, connect(name, in_ms(50))) << name;
		EXPECT_EQ(-EINVAL, rings_create(device, rings_args(name))) << name;
		EXPECT_EQ(-EINVAL, ring_attach(device, name, 0, in_ms(50))) << name;
		if (name.size() != strlen(name.c_str()))
			continue;
		EXPECT_EQ(-EINVAL, serve(server, name)) << name;
		EXPECT_EQ(-EINVAL, link(client, name, in_ms(50))) << name;
		EXPECT_EQ(-EINVAL, link(client, name, in_ms(50), true)) << name;
	}
}

TEST_F(IdTest, ANumberWithoutTheSignIsAnotherName)
{
	Fd named(create("42")), by_id(create("@42"));
	ASSERT_LE(0, named);
	ASSERT_LE(0, by_id);
	Fd connection = new_connection(device, "@42");
	EchoServer server(by_id);
	EXPECT_EQ("hello", send_receive(connection, "hello").text);
	EXPECT_EQ(-EAGAIN, poll_receive(named).result);
	channel_destroy(by_id);
	EXPECT_EQ(-ESRCH, server.finish());
	EXPECT_EQ(-ENOENT, connect("@42"));
	EXPECT_LE(0, Fd(connect("42")));
}

// SEEDS 19: many pairs over one device, and of each either side comes first.
TEST_F(IdTest, EitherSideOfAChannelComesFirst)
{
	EXPECT_EQ(-ETIMEDOUT, connect("@7", in_ms(20)));
	Thread client([&]() -> long {
		Fd connection(connect("@7", STPLR_DEADLINE_NONE));
		return connection < 0 ? connection.release()
				      : send_receive(connection, "at last").result;
	});
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd others[] = {Fd(create("@8")), Fd(create("@77")), Fd(create("7"))};
	for (auto &other : others)
		ASSERT_LE(0, other);
	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd channel(create("@7"));
	Received message = receive(channel);
	EXPECT_EQ("at last", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
	EXPECT_LE(0, Fd(connect("@7", STPLR_DEADLINE_NONE)));
	channel.reset();
	EXPECT_EQ(-ENOENT, connect("@7")) << "free again";
	channel.reset(create("@7"));
	EXPECT_LE(0, channel);
}

TEST_F(IdTest, TakenIsTakenWhoeverHasIt)
{
	Fd server, channel(create("@0"));
	ASSERT_LE(0, channel);
	EXPECT_EQ(-EEXIST, create("@0"));
	EXPECT_EQ(-EEXIST, serve(server, "@0"));
	channel.reset();
	EXPECT_EQ(0, serve(server, "@0"));
	EXPECT_EQ(-EEXIST, create("@0"));
	// Names of ring sets are apart.
	Fd set(rings_create(device, rings_args("@0")));
	ASSERT_LE(0, set);
	EXPECT_EQ(-EEXIST, rings_create(device, rings_args("@0")));
	EXPECT_EQ(-EEXIST, ringer("id 0"));
	set.reset();
	EXPECT_EQ(0, ringer("id 0"));
	EXPECT_EQ(-EEXIST, rings_create(device, rings_args("@0")));
	EXPECT_EQ(0, ringer("no id"));
	// On another device it is somebody else's.
	Fd other = open_device(1);
	EXPECT_LE(0, new_channel(other, "@0"));
}

TEST_F(IdTest, OwnedAndRefusedByModeAndUser)
{
	Child owner([&](Child &self) {
		become_user(1234, 4321);
		Fd mine(create("@4294967295", 0600));
		stplr_rings_create args = rings_args("@4294967295");
		args.mode = 0600;
		Fd set(rings_create(device, args)), ring(ring_open(set));
		EXPECT_LE(0, ring);
		self.tell(mine);
		self.hear();
		return 0;
	});
	ASSERT_LE(0, owner.hear());
	Child stranger([&](Child &) {
		become_user(1235, 4321);
		EXPECT_EQ(-EACCES, connect("@4294967295"));
		EXPECT_EQ(-EACCES, connect("@4294967295", STPLR_DEADLINE_NONE));
		EXPECT_EQ(-EACCES, ring_attach(device, "@4294967295"));
		EXPECT_EQ(-EEXIST, create("@4294967295", 0666));
		return 0;
	});
	stranger.expect_success();
	stplr_connect_attach args = attach_args("@4294967295", STPLR_CONNECT_UID);
	args.uid = 0;
	EXPECT_EQ(-EPERM, connect_attach(device, args)) << "a squatter's";
	args.uid = 1234;
	EXPECT_LE(0, Fd(connect_attach(device, args)));
	stplr_ring_attach wish = ring_attach_args("@4294967295");
	wish.flags = STPLR_RING_UID;
	wish.uid = 1235;
	EXPECT_EQ(-EPERM, call(device, STPLR_RING_ATTACH, &wish));
	wish.uid = 1234;
	EXPECT_LE(0, Fd(call(device, STPLR_RING_ATTACH, &wish)));
	owner.tell(0);
	owner.expect_success();
}

TEST_F(IdTest, EitherSideOfADriverComesFirst)
{
	Thread program([&]() -> long {
		Fd connection(connect("@2147483648", STPLR_DEADLINE_NONE));
		return connection < 0 ? connection.release()
				      : send_receive(connection, "hello").text == "hello";
	});
	ASSERT_TRUE(program.wait_blocked(STPLR_CONNECT_ATTACH));
	Fd server;
	ASSERT_EQ(0, serve(server, "@2147483648", 0600));
	EXPECT_EQ(1, program.join());
	Fd connection(connect("@2147483648"));
	EXPECT_EQ("again", send_receive(connection, "again").text);
	Child stranger([&](Child &) {
		become_user(1234, 4321);
		EXPECT_EQ(-EACCES, connect("@2147483648"));
		return 0;
	});
	stranger.expect_success();
	connection.reset();
	server.reset();
	EXPECT_EQ(-ENOENT, connect("@2147483648"));
}

TEST_F(IdTest, EitherSideOfALinkComesFirst)
{
	Fd waits, follows;
	EXPECT_EQ(-ETIMEDOUT, link(waits, "@3", in_ms(20)));
	ASSERT_EQ(0, link(follows, "@3", STPLR_DEADLINE_POLL, true));
	Thread driver([&] { return link(waits, "@3", STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(driver.wait_killable());
	Fd other(create("@33"));
	{
		Fd channel(create("@3"));
		ASSERT_LE(0, channel);
		EXPECT_EQ(0, driver.join());
		EXPECT_TRUE(link_changed(follows, 1, 0));
		EchoServer echo(channel);
		EXPECT_EQ("hello", link_echo(waits, "hello"));
		EXPECT_EQ("hello", link_echo(follows, "hello"));
		channel_destroy(channel);
		echo.finish();
	}
	EXPECT_TRUE(link_changed(follows, 1, 1));
	// A driver at the other end, too.
	Fd server;
	ASSERT_EQ(0, serve(server, "@3"));
	EXPECT_TRUE(link_changed(follows, 2, 1));
	EXPECT_EQ("again", link_echo(follows, "again"));
	Fd late;
	EXPECT_EQ(0, link(late, "@3"));
	EXPECT_EQ("again", link_echo(late, "again"));
	server.reset();
	EXPECT_TRUE(link_changed(follows, 2, 2));
}

TEST_F(IdTest, EitherSideOfARingComesFirst)
{
	Thread peer([&] { return ring_attach(device, "@10", 0, STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(peer.wait_blocked(STPLR_RING_ATTACH));
	Fd set(rings_create(device, rings_args("@10", 2))), first(ring_open(set, 0));
	Ring waited(peer.join()), creator(first.release());
	EXPECT_EQ(0, creator.put("hello"));
	EXPECT_EQ("hello", waited.take_waiting().bytes);
	Fd second(ring_open(set, 1));
	EXPECT_LE(0, Fd(ring_attach(device, "@10", 1)));
}

TEST_F(IdTest, EitherSideOfADriversRingComesFirst)
{
	// The driver's set.
	Thread program([&] { return ring_attach(device, "@11", 0, STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(program.wait_blocked(STPLR_RING_ATTACH));
	ASSERT_EQ(0, ringer("id 11"));
	Fd ring(program.join());
	stplr_ring_info info;
	ASSERT_EQ(0, ring_info(ring, info));
	EXPECT_EQ(0, info.pid) << "a driver's";
	EXPECT_EQ(0, ringer("no id"));
	EXPECT_EQ(-ESHUTDOWN, ring_wait(ring, STPLR_RING_DATA));
	EXPECT_EQ(-ENOENT, ring_attach(device, "@11"));
	ASSERT_EQ(0, ringer("id 11"));
	ring.reset(ring_attach(device, "@11"));
	EXPECT_LE(0, ring);
	EXPECT_EQ(0, ringer("no id"));
	// A program's, which the driver attaches, and reads until it ends.
	for (bool driver_first : {true, false}) {
		Thread driver([&] { return ringer("read @12"); });
		if (driver_first)
			ASSERT_TRUE(driver.wait_asleep());
		Fd set(rings_create(device, rings_args("@12")));
		Ring creator(ring_open(set));
		stplr_rings_attached attached = {};
		attached.deadline = STPLR_DEADLINE_NONE;
		attached.number = STPLR_RING_ANY;
		ASSERT_EQ(0, rings_attached(set, attached));
		EXPECT_EQ(0, attached.pid);
		EXPECT_EQ(0, creator.put("hello"));
		creator.unmap();
		creator.close_fd();
		EXPECT_EQ(0, driver.join());
	}
}

TEST_F(IdTest, ListedAsTheyAre)
{
	Fd channel(create("@1")), set(rings_create(device, rings_args("@1"))), server, client;
	ASSERT_EQ(0, serve(server, "@2"));
	ASSERT_EQ(0, link(client, "@1"));
	EXPECT_EQ(1, listed("channels", "@1"));
	EXPECT_EQ(1, listed("servers", "@2"));
	EXPECT_EQ(1, listed("links", "@1"));
	EXPECT_EQ(1, listed("rings", "@1"));
	stplr_channel_info info = {};
	ASSERT_EQ(0, call(channel, STPLR_CHANNEL_INFO, &info));
	EXPECT_STREQ("@1", info.name);
}

} // namespace
