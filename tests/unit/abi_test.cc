// SPDX-License-Identifier: MIT
// The rules for every ioctl: numbers, kinds of descriptors, sizes of structures, reserved fields,
// flags.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

// The number of an ioctl with another size.
unsigned long resized(unsigned long request, size_t size)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}

class AbiTest : public PairTest
{
protected:
	// All ioctls that the header names.
	const std::array<unsigned long, 17> requests = {
		STPLR_VERSION,           STPLR_CHANNEL_CREATE,   STPLR_CONNECT_ATTACH,
		STPLR_CHANNEL_DESTROY,   STPLR_MSG_RECEIVE,      STPLR_MSG_REPLY,
		STPLR_MSG_REPLY_RECEIVE, STPLR_MSG_READ,         STPLR_MSG_WRITE,
		STPLR_MSG_SEND,          STPLR_MSG_SEND_RECEIVE, STPLR_CHANNEL_SHUTDOWN,
		STPLR_CHANNEL_ACCEPT,    STPLR_CONNECT_DETACH,   STPLR_CONNECT_INFO,
		STPLR_CHANNEL_INFO,      STPLR_MSG_BATCH,
	};

	const std::vector<unsigned long> every_request = {
		STPLR_VERSION,           STPLR_CHANNEL_CREATE,   STPLR_CONNECT_ATTACH,
		STPLR_CHANNEL_DESTROY,   STPLR_CHANNEL_SHUTDOWN, STPLR_CHANNEL_ACCEPT,
		STPLR_MSG_RECEIVE,       STPLR_MSG_REPLY,        STPLR_MSG_REPLY_RECEIVE,
		STPLR_MSG_READ,          STPLR_MSG_WRITE,        STPLR_MSG_INFO,
		STPLR_CLIENT_INFO,       STPLR_CLIENT_COOKIE,    STPLR_EVENT_DELIVER,
		STPLR_CONNECT_DETACH,    STPLR_CONNECT_INFO,     STPLR_CONNECT_NOTIFY,
		STPLR_MSG_SEND,          STPLR_MSG_SEND_RECEIVE, STPLR_PULSE_SEND,
		STPLR_EVENT_REGISTER,    STPLR_EVENT_UNREGISTER, STPLR_BUFFER_REGISTER,
		STPLR_BUFFER_UNREGISTER, STPLR_CHANNEL_INFO,     STPLR_MSG_BATCH,
	};

	// Calls that are valid as they are, so that one wrong field is what is refused.
	stplr_channel_create create = channel_args();
	stplr_connect_attach attach = attach_args(0, chid);
	stplr_msg_send send = send_args(buffer("x"), buffer(room, sizeof(room)));
	stplr_msg_receive receive_nothing =
		receive_args(buffer(room, sizeof(room)), STPLR_DEADLINE_POLL);
	char room[64];
};

TEST_F(AbiTest, LayoutIsTheDocumentedOne)
{
	EXPECT_EQ(32u, sizeof(stplr_version));
	EXPECT_EQ(40u, sizeof(stplr_channel_create));
	EXPECT_EQ(48u, sizeof(stplr_connect_attach));
	EXPECT_EQ(88u, sizeof(stplr_msg_send));
	EXPECT_EQ(88u, sizeof(stplr_msg_info));
	EXPECT_EQ(128u, sizeof(stplr_msg_receive));
	EXPECT_EQ(48u, sizeof(stplr_msg_reply));
	EXPECT_EQ(176u, sizeof(stplr_msg_reply_receive));
	EXPECT_EQ(104u, sizeof(stplr_msg_place));
	EXPECT_EQ(48u, sizeof(stplr_msg_batch));
	EXPECT_EQ(40u, sizeof(stplr_msg_data));
	EXPECT_EQ(40u, sizeof(stplr_channel_accept));
	EXPECT_EQ(40u, sizeof(stplr_connect_info));
	EXPECT_EQ(112u, sizeof(stplr_channel_info));
	EXPECT_EQ(48u, offsetof(stplr_channel_info, name));
	EXPECT_EQ(0u, offsetof(stplr_msg_reply_receive, reply));
	EXPECT_EQ(48u, offsetof(stplr_msg_reply_receive, receive));
}

TEST_F(AbiTest, UnknownIoctlsAreRefusedAtOnce)
{
	int64_t start = now(CLOCK_MONOTONIC);

	for (int fd : {device.get(), channel.get(), connection.get()}) {
		for (unsigned number : {0x03, 0x0f, 0x18, 0x2f, 0x4f, 0xff})
			EXPECT_EQ(-ENOTTY,
				  call(fd, _IOWR(STPLR_IOC_MAGIC, number, stplr_msg_send), &send));
		EXPECT_EQ(-ENOTTY, call(fd, _IOWR('x', 0x41, stplr_msg_send), &send));
		EXPECT_EQ(-ENOTTY, call(fd, TCGETS, room));
		EXPECT_EQ(-ENOTTY, call(fd, 0));
		EXPECT_EQ(-ENOTTY, call(fd, ~0ul & 0xffffffff));
	}
	EXPECT_LT(now(CLOCK_MONOTONIC) - start, 500000000);
}

TEST_F(AbiTest, AnotherDirectionIsAnotherIoctl)
{
	for (unsigned long request : every_request)
		for (unsigned direction = 0; direction < 4; direction++) {
			unsigned long other = _IOC(direction, _IOC_TYPE(request), _IOC_NR(request),
						   _IOC_SIZE(request));

			if (other == request)
				continue;
			for (int fd : {device.get(), channel.get(), connection.get()})
				EXPECT_EQ(-ENOTTY, call(fd, other, nullptr))
					<< "number " << std::hex << _IOC_NR(request)
					<< " direction " << direction;
		}
}

TEST_F(AbiTest, WithoutAnArgumentThereIsNoSize)
{
	const std::pair<int, unsigned long> calls[] = {
		{channel, STPLR_CHANNEL_SHUTDOWN},
		{channel, STPLR_CHANNEL_DESTROY},
		{connection, STPLR_CONNECT_DETACH},
	};

	for (const auto &[fd, request] : calls)
		for (size_t size : {1, 8, (1 << 14) - 1})
			EXPECT_EQ(-ENOTTY, call(fd, resized(request, size), room));
	// Nothing has ended.
	OneWaySender client(connection, "stays");
	EXPECT_EQ("stays", receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(AbiTest, WrongKindOfDescriptor)
{
	auto belongs = [](unsigned long request, int kind) {
		int number = _IOC_NR(request);

		return number == 0 || (kind == 0 && number < 0x10) ||
		       (kind == 1 && number >= 0x10 && number < 0x30) ||
		       (kind == 2 && number >= 0x30);
	};
	const int fds[] = {device, channel, connection};

	for (int kind = 0; kind < 3; kind++)
		for (unsigned long request : requests) {
			if (belongs(request, kind))
				continue;
			std::array<unsigned char, 256> args = {};
			EXPECT_EQ(-ENOTTY, call(fds[kind], request, args.data()))
				<< "kind " << kind << " number " << std::hex << _IOC_NR(request);
			// Even where the argument is bad too.
			EXPECT_EQ(-ENOTTY, call(fds[kind], request, nullptr));
		}
}

TEST_F(AbiTest, KnownIoctlsReachTheirDescriptors)
{
	const struct {
		int fd;
		unsigned long request;
	} calls[] = {
		{device, STPLR_VERSION},
		{device, STPLR_CHANNEL_CREATE},
		{device, STPLR_CONNECT_ATTACH},
		{channel, STPLR_VERSION},
		{channel, STPLR_MSG_RECEIVE},
		{channel, STPLR_MSG_REPLY},
		{channel, STPLR_MSG_REPLY_RECEIVE},
		{channel, STPLR_MSG_BATCH},
		{channel, STPLR_MSG_READ},
		{channel, STPLR_MSG_WRITE},
		{connection, STPLR_VERSION},
		{connection, STPLR_MSG_SEND},
		{connection, STPLR_MSG_SEND_RECEIVE},
		{channel, STPLR_CHANNEL_ACCEPT},
		{connection, STPLR_CONNECT_INFO},
		{channel, STPLR_CHANNEL_INFO},
	};

	for (const auto &known : calls) {
		EXPECT_EQ(-EFAULT, call(known.fd, known.request, nullptr))
			<< std::hex << _IOC_NR(known.request);
		EXPECT_EQ(-EFAULT, call(known.fd, known.request, reinterpret_cast<void *>(16)));
		EXPECT_EQ(-EFAULT,
			  call(known.fd, known.request, reinterpret_cast<void *>(1ul << 63)));
	}
}

TEST_F(AbiTest, StructureInUnreadableMemory)
{
	Mapping none(page_size(), PROT_NONE);
	GuardedBuffer edge(sizeof(stplr_msg_send));

	EXPECT_EQ(-EFAULT, call(connection, STPLR_MSG_SEND_RECEIVE, none.data()));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_MSG_SEND_RECEIVE, edge.at_end() + 8));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_MSG_SEND_RECEIVE, edge.at_start() - 8));
}

TEST_F(AbiTest, StructureMayEndAtTheEdgeOfMemory)
{
	GuardedBuffer edge(sizeof(stplr_msg_receive));
	auto *args = reinterpret_cast<stplr_msg_receive *>(edge.at_end());

	*args = receive_nothing;
	EXPECT_EQ(-EAGAIN, msg_receive(channel, *args));
}

TEST_F(AbiTest, VersionGrows)
{
	struct {
		stplr_version known;
		unsigned char beyond[64];
	} longer;
	stplr_version shorter, whole;

	ASSERT_EQ(0, stplr_version_get(device, whole));
	poison(longer);
	ASSERT_EQ(0, call(device, resized(STPLR_VERSION, sizeof(longer)), &longer));
	EXPECT_EQ(0, memcmp(&longer.known, &whole, sizeof(whole)));
	for (unsigned char byte : longer.beyond)
		EXPECT_EQ(0, byte);

	poison(shorter);
	ASSERT_EQ(0, call(device, resized(STPLR_VERSION, 8), &shorter));
	EXPECT_EQ(0, memcmp(&shorter, &whole, 8));
	EXPECT_TRUE(poisoned(shorter.features)) << "wrote beyond the caller's structure";
}

TEST_F(AbiTest, LongerStructureWithZeroTail)
{
	struct Long {
		stplr_msg_receive known;
		uint64_t beyond[8];
	} args = {};

	args.known = receive_nothing;
	EXPECT_EQ(-EAGAIN, call(channel, resized(STPLR_MSG_RECEIVE, sizeof(args)), &args));

	struct {
		stplr_channel_create known;
		uint64_t beyond[4];
	} longer = {};
	longer.known = create;
	long fd = call(device, resized(STPLR_CHANNEL_CREATE, sizeof(longer)), &longer);
	EXPECT_GE(fd, 0);
	Fd created(fd);
	EXPECT_EQ(chid + 1, longer.known.chid);
}

TEST_F(AbiTest, LongerStructureWithSomethingInTheTail)
{
	const struct {
		int fd;
		unsigned long request;
		const void *known;
	} calls[] = {
		{device, STPLR_CHANNEL_CREATE, &create},
		{device, STPLR_CONNECT_ATTACH, &attach},
		{channel, STPLR_MSG_RECEIVE, &receive_nothing},
		{connection, STPLR_MSG_SEND_RECEIVE, &send},
	};

	for (const auto &one : calls) {
		size_t known = _IOC_SIZE(one.request);
		for (size_t at : {known, known + 7, known + 63}) {
			std::vector<unsigned char> args(known + 64);

			memcpy(args.data(), one.known, known);
			args[at] = 1;
			std::vector<unsigned char> before = args;
			EXPECT_EQ(-E2BIG,
				  call(one.fd, resized(one.request, args.size()), args.data()));
			EXPECT_EQ(before, args);
		}
	}
}

TEST_F(AbiTest, HugeStructure)
{
	// The largest size a number can carry.
	std::vector<unsigned char> args((1 << 14) - 1);

	memcpy(args.data(), &receive_nothing, sizeof(receive_nothing));
	EXPECT_EQ(-EAGAIN, call(channel, resized(STPLR_MSG_RECEIVE, args.size()), args.data()));
	args.back() = 1;
	EXPECT_EQ(-E2BIG, call(channel, resized(STPLR_MSG_RECEIVE, args.size()), args.data()));
}

TEST_F(AbiTest, ShorterThanTheFirstVersion)
{
	OneWaySender client(connection, "stays");
	ASSERT_TRUE(client.wait_blocked());
	const struct {
		int fd;
		unsigned long request;
		const void *known;
	} calls[] = {
		{device, STPLR_CHANNEL_CREATE, &create},
		{device, STPLR_CONNECT_ATTACH, &attach},
		{channel, STPLR_MSG_RECEIVE, &receive_nothing},
		{connection, STPLR_MSG_SEND_RECEIVE, &send},
	};

	for (const auto &one : calls) {
		size_t known = _IOC_SIZE(one.request);
		for (size_t size : {size_t(0), size_t(1), size_t(8), known - 8, known - 1}) {
			std::vector<unsigned char> args(known);

			memcpy(args.data(), one.known, known);
			std::vector<unsigned char> before = args;
			EXPECT_EQ(-EINVAL, call(one.fd, resized(one.request, size), args.data()))
				<< size;
			EXPECT_EQ(before, args);
		}
	}
	EXPECT_EQ("stays", poll_receive(channel).text);
	EXPECT_EQ(0, client.finish());
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(AbiTest, ReservedFields)
{
	stplr_channel_accept accept = accept_args(STPLR_DEADLINE_POLL);
	Fd listening = new_channel(device, {}, STPLR_CHANNEL_LISTEN);
	accept.reserved = 1;
	EXPECT_EQ(-EINVAL, channel_accept(listening, accept));

	OneWaySender client(connection, "stays");
	ASSERT_TRUE(client.wait_blocked());
	stplr_msg_receive receive = receive_nothing;
	receive.reserved = 1ull << 63;
	EXPECT_EQ(-EINVAL, msg_receive(channel, receive));
	stplr_msg_reply_receive half = reply_receive_args(reply_args(0), receive);
	EXPECT_EQ(-EINVAL, msg_reply_receive(channel, half));
	stplr_msg_reply reply = reply_args(1);
	reply.reserved = 1;
	EXPECT_EQ(-EINVAL, msg_reply(channel, reply));
	for (int rcvid : {0, 1}) {
		reply.rcvid = rcvid;
		stplr_msg_reply_receive both = reply_receive_args(reply, receive_nothing);
		EXPECT_EQ(-EINVAL, msg_reply_receive(channel, both)) << rcvid;
	}
	EXPECT_EQ("stays", poll_receive(channel).text);
	EXPECT_EQ(0, client.finish());

	send.reserved = 1;
	EXPECT_EQ(-EINVAL, msg_send_receive(connection, send));
	EXPECT_EQ(-EINVAL, msg_send(connection, send));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(AbiTest, UnusedFields)
{
	// create: a group without its flag, a name's address is ignored without a name.
	create.gid = 1;
	EXPECT_EQ(-EINVAL, channel_create(device, create));
	create.gid = 0;
	create.backlog = 1;
	EXPECT_EQ(-EINVAL, channel_create(device, create))
		<< "backlog without STPLR_CHANNEL_LISTEN";
	create.backlog = 0;
	create.name = 12345;
	long fd = channel_create(device, create);
	EXPECT_GE(fd, 0);
	Fd created(fd);

	attach.uid = 1;
	EXPECT_EQ(-EINVAL, connect_attach(device, attach)) << "uid without STPLR_CONNECT_UID";
	Fd named = new_channel(device, "abi_test");
	stplr_connect_attach by_name = attach_args("abi_test");
	by_name.pid = 1;
	EXPECT_EQ(-EINVAL, connect_attach(device, by_name)) << "pid with a name";
	by_name.pid = 0;
	by_name.chid = 1;
	EXPECT_EQ(-EINVAL, connect_attach(device, by_name)) << "chid with a name";
	by_name.chid = 0;
	fd = connect_attach(device, by_name);
	EXPECT_GE(fd, 0);
	Fd attached(fd);
}

TEST_F(AbiTest, OneWaySendHasNoReplyFields)
{
	stplr_msg_send one_way = send_args(buffer("x"));

	for (int field = 0; field < 4; field++) {
		stplr_msg_send args = one_way;
		switch (field) {
		case 0:
			args.reply.addr = reinterpret_cast<uintptr_t>(room);
			break;
		case 1:
			args.reply.len = 1;
			break;
		case 2:
			args.reply_deadline = STPLR_DEADLINE_NONE;
			break;
		case 3:
			args.flags = STPLR_REPLY_VECTOR;
			break;
		}
		EXPECT_EQ(-EINVAL, msg_send(connection, args)) << "field " << field;
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "a refused send was queued";
}

TEST_F(AbiTest, UnknownFlags)
{
	for (int bit = 0; bit < 32; bit++) {
		uint32_t flag = 1u << bit;

		if (bit > 10) { // STPLR_CHANNEL_WAKE_HERE
			create.flags = flag;
			EXPECT_EQ(-EINVAL, channel_create(device, create)) << "create " << bit;
		}
		if (bit > 3) { // STPLR_CONNECT_SPIN
			attach.flags = flag;
			EXPECT_EQ(-EINVAL, connect_attach(device, attach)) << "attach " << bit;
		}
		if (bit > 1) {
			send.flags = flag;
			if (!(flag & (STPLR_SEND_TELL | STPLR_SEND_PARK)))
				EXPECT_EQ(-EINVAL, msg_send_receive(connection, send))
					<< "send " << bit;
			stplr_msg_send one_way = send_args(buffer("x"));
			one_way.flags = flag;
			if (!(flag & (STPLR_SEND_QUEUED | STPLR_SEND_TELL)))
				EXPECT_EQ(-EINVAL, msg_send(connection, one_way))
					<< "one way " << bit;
			stplr_msg_receive args = receive_nothing;
			args.flags = flag;
			if (flag != STPLR_RECEIVE_PULSE)
				EXPECT_EQ(-EINVAL, msg_receive(channel, args)) << "receive " << bit;
		}
		// An empty buffer lies anywhere.
		if ((bit == 0 || bit > 2) && flag != STPLR_REPLY_REGISTERED) {
			stplr_msg_reply args = reply_args(1);
			args.flags = flag;
			EXPECT_EQ(-EINVAL, msg_reply(channel, args)) << "reply " << bit;
		}
		if (bit > 0) {
			stplr_msg_data args = data_args(1, buffer(room, 1));
			args.flags = flag;
			EXPECT_EQ(-EINVAL, msg_read(channel, args)) << "read " << bit;
			EXPECT_EQ(-EINVAL, msg_write(channel, args)) << "write " << bit;
		}
	}
}

TEST_F(AbiTest, ReplyReceiveChecksBothHalves)
{
	OneWaySender client(connection, "stays");
	ASSERT_TRUE(client.wait_blocked());
	stplr_msg_reply_receive args = reply_receive_args(reply_args(0), receive_nothing);

	args.receive.flags = 1u << 31;
	EXPECT_EQ(-EINVAL, msg_reply_receive(channel, args));
	args = reply_receive_args(reply_args(1), receive_nothing);
	args.reply.flags = 1u << 31;
	EXPECT_EQ(-EINVAL, msg_reply_receive(channel, args));
	args = reply_receive_args(reply_args(-1), receive_nothing);
	EXPECT_EQ(-EINVAL, msg_reply_receive(channel, args));
	EXPECT_EQ("stays", poll_receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(AbiTest, ClocksAndDeadlines)
{
	const int64_t bad_deadlines[] = {-2, INT64_MIN, -1000000000};
	const uint32_t bad_clocks[] = {2, 3, 4, 5, 6, 8, 9, 11, 12, 1u << 31, ~0u};

	for (int64_t deadline : bad_deadlines) {
		stplr_msg_receive receive = receive_nothing;
		receive.deadline = deadline;
		EXPECT_EQ(-EINVAL, msg_receive(channel, receive)) << deadline;
		stplr_msg_send late = send;
		late.send_deadline = deadline;
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, late)) << deadline;
		late = send;
		late.reply_deadline = deadline;
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, late)) << deadline;
		stplr_connect_attach wait = attach_args("abi_test");
		wait.deadline = deadline;
		EXPECT_EQ(-EINVAL, connect_attach(device, wait)) << deadline;
	}
	for (uint32_t clock : bad_clocks) {
		stplr_msg_receive receive = receive_nothing;
		receive.clock = clock;
		EXPECT_EQ(-EINVAL, msg_receive(channel, receive)) << clock;
		stplr_msg_send strange = send;
		strange.clock = clock;
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, strange)) << clock;
		stplr_connect_attach wait = attach_args("abi_test");
		wait.clock = clock;
		EXPECT_EQ(-EINVAL, connect_attach(device, wait)) << clock;
	}
	for (uint32_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME}) {
		stplr_msg_receive receive = receive_nothing;
		receive.clock = clock;
		EXPECT_EQ(-EAGAIN, msg_receive(channel, receive)) << clock;
	}
}

TEST_F(AbiTest, NothingUninitialisedLeaks)
{
	// A receive of an empty message by a structure full of ones: every byte of info is defined.
	Thread client([&] { return send_one_way(connection, ""); });
	stplr_msg_receive args = receive_args(buffer(room, sizeof(room)));

	ASSERT_EQ(0, msg_receive(channel, args));
	EXPECT_EQ(0u, args.info.len);
	EXPECT_EQ(0u, args.info.src_len);
	EXPECT_EQ(0u, args.info.dst_len);
	EXPECT_EQ(0u, args.info.cookie);
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND), args.info.kind);
	EXPECT_EQ(uint32_t(STPLR_INFO_NO_REPLY), args.info.flags);
	EXPECT_EQ(0, client.join());

	// And of one that is asked for again, whatever the rest held.
	Sender asker(connection, "");
	ASSERT_EQ(0, msg_receive(channel, args));
	stplr_msg_info again;
	memset(&again, 0xff, sizeof(again));
	again.rcvid = args.info.rcvid;
	ASSERT_EQ(0, call(channel, STPLR_MSG_INFO, &again));
	EXPECT_EQ(0, memcmp(&args.info, &again, sizeof(again)));
	EXPECT_EQ(0, reply(channel, args.info.rcvid));
	EXPECT_EQ(0, asker.finish().result);
}

// What a program of the first interface asks for is refused by each call that has changed.
TEST_F(AbiTest, TheFirstInterfaceIsRefused)
{
	const struct {
		unsigned long request;
		size_t size;
	} calls[] = {
		{STPLR_MSG_RECEIVE, 104},
		{STPLR_MSG_REPLY, 40},
		{STPLR_MSG_REPLY_RECEIVE, 144},
		{STPLR_MSG_INFO, 72},
	};
	OneWaySender client(connection, "stays");
	ASSERT_TRUE(client.wait_blocked());

	for (const auto &old : calls) {
		std::array<unsigned char, 256> args = {}, before = args;
		EXPECT_EQ(-EINVAL, call(channel, resized(old.request, old.size), args.data()));
		EXPECT_EQ(before, args);
	}
	EXPECT_EQ("stays", poll_receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(AbiTest, OtherFileOperationsAreHarmless)
{
	for (int fd : {device.get(), channel.get(), connection.get()}) {
		EXPECT_LT(::read(fd, room, sizeof(room)), 0);
		EXPECT_LT(::write(fd, room, sizeof(room)), 0);
		EXPECT_EQ(MAP_FAILED, mmap(nullptr, page_size(), PROT_READ, MAP_SHARED, fd, 0));
		EXPECT_LT(lseek(fd, 0, SEEK_END), 1);
	}
}

} // namespace
