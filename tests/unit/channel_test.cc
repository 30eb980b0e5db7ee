// SPDX-License-Identifier: MIT
// Channels: ids, descriptors, destroying and closing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <vector>

#include "support/ipc.h"

namespace
{

class ChannelTest : public PairTest
{
protected:
	Fd make(int *id, uint32_t flags = 0)
	{
		return new_channel(device, {}, flags, id);
	}
};

TEST_F(ChannelTest, DescriptorIsCloseOnExec)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(channel, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(connection, F_GETFD));
	EXPECT_EQ(0, fcntl(channel, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(connection, F_GETFL) & O_NONBLOCK);
}

TEST_F(ChannelTest, NonblockFlagSetsTheDescriptor)
{
	int id;
	Fd quick = make(&id, STPLR_CHANNEL_NONBLOCK);
	Fd quick_connection = new_connection(device, 0, id, STPLR_CONNECT_NONBLOCK);

	EXPECT_TRUE(fcntl(quick, F_GETFL) & O_NONBLOCK);
	EXPECT_TRUE(fcntl(quick_connection, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, receive(quick).result);
	EXPECT_EQ(-EAGAIN, send_receive(quick_connection, "x").result);
	// It is the file's flag: fcntl can take it away.
	ASSERT_EQ(0, fcntl(quick_connection, F_SETFL, 0));
	Sender client(quick_connection, "now it waits");
	ASSERT_TRUE(client.wait_blocked());
	Received message = receive(quick);
	EXPECT_EQ("now it waits", message.text);
	EXPECT_EQ(0, reply(quick, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ChannelTest, IdsAreTheSmallestFreeFromOne)
{
	EXPECT_EQ(1, chid);
	int ids[4];
	std::vector<Fd> channels;
	for (int &id : ids)
		channels.push_back(make(&id));
	EXPECT_EQ(2, ids[0]);
	EXPECT_EQ(3, ids[1]);
	EXPECT_EQ(4, ids[2]);
	EXPECT_EQ(5, ids[3]);

	channels[1].reset();
	channels[2].reset();
	int again;
	Fd third = make(&again);
	EXPECT_EQ(3, again);
	Fd fourth = make(&again);
	EXPECT_EQ(4, again);
	Fd sixth = make(&again);
	EXPECT_EQ(6, again);
}

TEST_F(ChannelTest, DestroyFreesTheId)
{
	int id;

	ASSERT_EQ(0, channel_destroy(channel));
	Fd other = make(&id);
	EXPECT_EQ(1, id);
}

TEST_F(ChannelTest, IdsAreEachProcesssOwn)
{
	Child child([&](Child &) {
		int id = 0;
		Fd own = new_channel(device, {}, 0, &id);
		EXPECT_EQ(1, id);
		return 0;
	});
	child.expect_success();
}

TEST_F(ChannelTest, IdsAreEachDevicesOwn)
{
	// A second open of the same device is the same domain.
	Fd again = open_device();
	int id;
	Fd other = new_channel(again, {}, 0, &id);

	EXPECT_EQ(2, id);
	Fd across = new_connection(device, 0, id);
	Fd back = new_connection(again, 0, chid);
	EXPECT_GE(across, 0);
	EXPECT_GE(back, 0);
}

TEST_F(ChannelTest, OutlivesItsDeviceDescriptor)
{
	device.reset();
	EchoServer server(channel);
	EXPECT_EQ("still", send_receive(connection, "still").text);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.finish());
}

TEST_F(ChannelTest, DestroyOnceAndForAll)
{
	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, receive(channel).result);
	EXPECT_EQ(-ESRCH, poll_receive(channel).result);
	EXPECT_EQ(-ESRCH, reply(channel, 1));
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
	EXPECT_EQ(-ESRCH, send_one_way(connection, "x"));
	stplr_connect_attach args = attach_args(0, chid);
	EXPECT_EQ(-ESRCH, connect_attach(device, args));
}

TEST_F(ChannelTest, DestroyWakesReceivers)
{
	Thread one([&] { return receive(channel).result; });
	Thread two([&] { return receive(channel).result; });

	ASSERT_TRUE(one.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_TRUE(two.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, one.join());
	EXPECT_EQ(-ESRCH, two.join());
}

TEST_F(ChannelTest, DestroyWakesSendersInEveryState)
{
	Sender replied_to(connection, "received");
	ASSERT_TRUE(replied_to.wait_blocked());
	Received message = receive(channel);
	ASSERT_EQ(0, message.result);
	Sender queued(connection, "queued");
	OneWaySender one_way(connection, "one way");
	ASSERT_TRUE(queued.wait_blocked());
	ASSERT_TRUE(one_way.wait_blocked());

	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, replied_to.finish().result);
	EXPECT_EQ(-ESRCH, queued.finish().result);
	EXPECT_EQ(-ESRCH, one_way.finish());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(ChannelTest, LastCloseEndsIt)
{
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	Fd copy(dup(channel));

	channel.reset();
	EXPECT_TRUE(client.wait_blocked());
	copy.reset();
	EXPECT_EQ(-ESRCH, client.finish().result);
	EXPECT_EQ(-ESRCH, send_receive(connection, "y").result);
}

TEST_F(ChannelTest, ManyChannels)
{
	std::vector<Fd> channels, connections;

	for (int i = 0; i < 200; i++) {
		int id;
		channels.push_back(make(&id));
		ASSERT_EQ(i + 2, id);
		connections.push_back(new_connection(device, 0, id));
	}
	// Each connection leads to its own channel.
	for (int i = 0; i < 200; i += 37) {
		OneWaySender client(connections[i], "to " + std::to_string(i));
		EXPECT_EQ("to " + std::to_string(i), receive(channels[i]).text);
		EXPECT_EQ(0, client.finish());
	}
}

TEST_F(ChannelTest, EveryFlagCombinationWorks)
{
	for (uint32_t flags = 0; flags < 16; flags++) {
		stplr_channel_create args = channel_args("flags", flags);
		if (flags & STPLR_CHANNEL_GROUP)
			args.gid = getegid();
		long fd = channel_create(device, args);
		ASSERT_GE(fd, 0) << flags << ": " << result_name(fd);
		Fd created(fd);
		Fd attached = new_connection(device, "flags");
		Sender client(attached, "hello");
		ASSERT_TRUE(client.wait_blocked());
		Received message = receive(created);
		EXPECT_EQ("hello", message.text);
		EXPECT_EQ(0, reply(created, message.rcvid(), "there"));
		EXPECT_EQ("there", client.finish().text);
	}
}

TEST_F(ChannelTest, FailureLeavesNoDescriptor)
{
	stplr_channel_create args = channel_args("bad name");
	int probe = dup(device);
	close(probe);
	EXPECT_EQ(-EINVAL, channel_create(device, args));
	Fd next(dup(device));
	EXPECT_EQ(probe, next.get());
}

TEST_F(ChannelTest, UnwritableResultMakesNoChannel)
{
	// The structure can be read but not written.
	Child child([&](Child &) {
		void *page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*static_cast<stplr_channel_create *>(page) = channel_args();
		mprotect(page, 4096, PROT_READ);
		int probe = dup(device);
		close(probe);
		EXPECT_EQ(-EFAULT, call(device, STPLR_CHANNEL_CREATE, page));
		int id;
		Fd next = new_channel(device, {}, 0, &id);
		EXPECT_EQ(probe, next.get());
		EXPECT_EQ(1, id);
		return 0;
	});
	child.expect_success();
}

TEST_F(ChannelTest, NoFreeDescriptor)
{
	Child child([&](Child &) {
		rlimit limit = {64, 64};
		setrlimit(RLIMIT_NOFILE, &limit);
		std::vector<Fd> copies;
		for (int fd; (fd = dup(device)) >= 0;)
			copies.emplace_back(fd);
		stplr_channel_create create = channel_args("emfile");
		EXPECT_EQ(-EMFILE, channel_create(device, create));
		stplr_connect_attach attach = attach_args(getppid(), chid);
		EXPECT_EQ(-EMFILE, connect_attach(device, attach));
		copies.pop_back();
		int id = 0;
		Fd one = new_channel(device, "emfile", 0, &id);
		EXPECT_EQ(1, id);
		return 0;
	});
	child.expect_success();
}

} // namespace
