// SPDX-License-Identifier: MIT
// Registered buffers: what may be registered, how its bytes go each way, and that nothing its owner
// does to it meanwhile matters to the message.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"
#include "support/watchdog.h"

namespace
{

constexpr unsigned kUser = 4201, kGroup = 4301;

// A byte of a registered buffer, as the calls want it.
stplr_buffer registered(uint32_t index, uint64_t offset, uint64_t length)
{
	return {STPLR_REGISTERED(index, offset), length};
}

// Bytes in registered buffers, over all users.
uint64_t registered_bytes()
{
	return objects("registered");
}

// Pages this process has pinned, in bytes.
uint64_t pinned_bytes()
{
	return number_in("/proc/self/status", "VmPin:") * 1024;
}

class RegisteredTest : public PairTest
{
protected:
	~RegisteredTest() override
	{
		connection.reset();
		channel.reset();
		EXPECT_TRUE(eventually([] { return registered_bytes() == 0; }))
			<< registered_bytes() << " bytes are left";
	}

	// Fails the test when it cannot.
	uint32_t add(int fd, const void *address, size_t length, uint32_t flags = 0)
	{
		stplr_buffer_register args = register_args(address, length, flags);
		long result = buffer_register(fd, args);

		EXPECT_EQ(0, result) << result_name(result);
		return args.index;
	}

	// The result of registering, which is undone.
	long try_add(int fd, const void *address, size_t length, uint32_t flags = 0)
	{
		stplr_buffer_register args = register_args(address, length, flags);
		long result = buffer_register(fd, args);

		if (result == 0)
			EXPECT_EQ(0, buffer_unregister(fd, args.index));
		return result;
	}

	// A send and receive that is already on its way, from and to registered buffers.
	struct Call {
		stplr_msg_send args;
		std::unique_ptr<Thread> thread;
	};
	void start(Call &call, stplr_buffer send, stplr_buffer reply)
	{
		call.args = send_args(send, reply);
		call.args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
		call.thread = std::make_unique<Thread>(
			[this, &call] { return msg_send_receive(connection, call.args); });
	}

	const size_t page = page_size();
};

TEST_F(RegisteredTest, IsAnnounced)
{
	stplr_version version;

	ASSERT_EQ(0, stplr_version_get(device, version));
	EXPECT_TRUE(version.features & STPLR_FEATURE_REGISTERED);
}

TEST_F(RegisteredTest, EachHasAnIndexOfItsOwn)
{
	Mapping memory(16 * page);

	for (int fd : {connection.get(), channel.get()}) {
		std::vector<uint32_t> indexes;
		for (int i = 0; i < 10; i++) {
			uint32_t index = add(fd, memory.data() + i * page, page);
			EXPECT_EQ(0, std::count(indexes.begin(), indexes.end(), index));
			indexes.push_back(index);
		}
		EXPECT_EQ(0, buffer_unregister(fd, indexes[4]));
		EXPECT_EQ(-ENOENT, buffer_unregister(fd, indexes[4]));
		EXPECT_EQ(0, buffer_unregister(fd, indexes[0]));
		// The same memory may be registered twice.
		uint32_t again = add(fd, memory.data() + page, page);
		indexes.erase(indexes.begin() + 4);
		indexes.erase(indexes.begin());
		EXPECT_EQ(0, std::count(indexes.begin(), indexes.end(), again));
	}
}

TEST_F(RegisteredTest, AsManyAsMayBe)
{
	Mapping memory(page);

	for (int i = 0; i < STPLR_BUFFERS_MAX; i++)
		add(connection, memory.data(), 1);
	EXPECT_EQ(-EDQUOT, try_add(connection, memory.data(), 1));
	EXPECT_EQ(0, try_add(channel, memory.data(), 1)) << "another descriptor has its own";
	EXPECT_EQ(0, buffer_unregister(connection, 100));
	EXPECT_EQ(100u, add(connection, memory.data(), 1));
	EXPECT_EQ(-EDQUOT, try_add(connection, memory.data(), 1));
}

TEST_F(RegisteredTest, BadArguments)
{
	Mapping memory(4 * page);
	stplr_buffer_register args;

	for (uint64_t length : {uint64_t(0), (uint64_t(1) << 30) + 1, UINT64_MAX})
		EXPECT_EQ(-EINVAL, try_add(connection, memory.data(), length)) << length;
	for (int bit = 1; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, try_add(connection, memory.data(), page, 1u << bit)) << bit;
	EXPECT_EQ(-EFAULT, call(connection, STPLR_BUFFER_REGISTER, nullptr));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_BUFFER_UNREGISTER, nullptr));
	for (uint32_t index : {0u, 1u, 255u, 256u, 65535u, ~0u})
		EXPECT_EQ(-ENOENT, buffer_unregister(connection, index));

	// One that cannot be told its index leaves nothing.
	Mapping sealed(page);
	args = register_args(memory.data(), page);
	memcpy(sealed.data(), &args, sizeof(args));
	sealed.protect(PROT_READ, 0, page);
	EXPECT_EQ(-EFAULT, call(connection, STPLR_BUFFER_REGISTER, sealed.data()));
	EXPECT_EQ(0u, registered_bytes());
	EXPECT_EQ(0u, add(connection, memory.data(), 1));
}

TEST_F(RegisteredTest, StructuresOfOtherSizes)
{
	constexpr size_t size = sizeof(stplr_buffer_register);
	auto resized = [](size_t size) {
		return _IOC(_IOC_READ | _IOC_WRITE, STPLR_IOC_MAGIC, _IOC_NR(STPLR_BUFFER_REGISTER),
			    size);
	};
	Mapping memory(page);
	struct {
		stplr_buffer_register known;
		uint64_t more;
	} args = {register_args(memory.data(), page), 0};

	EXPECT_EQ(24u, size);
	EXPECT_EQ(-EINVAL, call(connection, resized(size - 1), &args));
	EXPECT_EQ(0, call(connection, resized(sizeof(args)), &args));
	args.more = 1;
	EXPECT_EQ(-E2BIG, call(connection, resized(sizeof(args)), &args));
	EXPECT_EQ(-ENOTTY, call(device, STPLR_BUFFER_REGISTER, &args));
	EXPECT_EQ(-ENOTTY, call(device, STPLR_BUFFER_UNREGISTER, &args));
}

TEST_F(RegisteredTest, MemoryThatIsNotTheCallers)
{
	Mapping memory(4 * page);
	char *data = memory.data();

	memory.protect(PROT_NONE, 2 * page, page);
	EXPECT_EQ(0, try_add(connection, data, 2 * page));
	for (uint32_t flags : {0u, STPLR_BUFFER_WRITE}) {
		EXPECT_EQ(-EFAULT, try_add(connection, data, 3 * page, flags));
		EXPECT_EQ(-EFAULT, try_add(connection, data, 2 * page + 1, flags));
		EXPECT_EQ(-EFAULT, try_add(connection, data + 2 * page, 1, flags));
		EXPECT_EQ(-EFAULT, try_add(connection, nullptr, page, flags));
		EXPECT_EQ(-EFAULT,
			  try_add(connection, reinterpret_cast<void *>(~0ul << 40), page, flags));
		EXPECT_EQ(-EFAULT,
			  try_add(connection, reinterpret_cast<void *>(-4096l), 8192, flags));
		munmap(data + 3 * page, page);
		EXPECT_EQ(-EFAULT, try_add(connection, data + 3 * page, 1, flags));
	}
	EXPECT_EQ(0u, registered_bytes());
}

TEST_F(RegisteredTest, ReadOnlyMemoryIsForReading)
{
	Mapping touched(2 * page), untouched(2 * page, PROT_READ);

	memset(touched.data(), 1, touched.size());
	touched.protect(PROT_READ, 0, touched.size());
	for (const Mapping *memory : {&touched, &untouched}) {
		EXPECT_EQ(0, try_add(connection, memory->data(), 2 * page));
		EXPECT_EQ(-EFAULT,
			  try_add(connection, memory->data(), 2 * page, STPLR_BUFFER_WRITE));
	}
}

// Where the next test's file is written back to something else than memory.
std::string disk_directory()
{
	if (const char *directory = getenv("STPLR_TEST_DISK"))
		return directory;
	return access("build/vm", W_OK) == 0 ? "build/vm" : "/tmp";
}

TEST_F(RegisteredTest, FilesAndDevicesAreRefused)
{
	std::string path = disk_directory() + "/stplr-registered-test.XXXXXX";
	Fd file(mkostemp(path.data(), O_CLOEXEC));
	ASSERT_GE(file, 0) << path << ": " << strerror(errno);
	std::shared_ptr<void> removal(nullptr, [&](void *) { unlink(path.c_str()); });
	ASSERT_EQ(0, ftruncate(file, 4 * page));
	{
		Mapping mapping(4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file);
		Mapping readable(4 * page, PROT_READ, MAP_SHARED, file);
		for (size_t length : {size_t(1), 4 * page}) {
			EXPECT_EQ(-EOPNOTSUPP, try_add(connection, mapping.data(), length));
			EXPECT_EQ(-EOPNOTSUPP,
				  try_add(connection, mapping.data(), length, STPLR_BUFFER_WRITE));
			EXPECT_EQ(-EOPNOTSUPP, try_add(connection, readable.data(), length));
			EXPECT_EQ(-EFAULT,
				  try_add(connection, readable.data(), length, STPLR_BUFFER_WRITE));
		}
		// Ordinary memory up to the file.
		Mapping both(4 * page);
		ASSERT_NE(MAP_FAILED, mmap(both.data() + 2 * page, page, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_FIXED, file, 0));
		EXPECT_EQ(-EOPNOTSUPP, try_add(connection, both.data(), 4 * page));
		EXPECT_EQ(0, try_add(connection, both.data(), 2 * page));
	}

	// The kernel's clock page: a device's, as it were.
	std::ifstream maps("/proc/self/maps");
	std::string line;
	uint64_t clock = 0;
	while (std::getline(maps, line))
		if (line.find("[vvar]") != std::string::npos)
			clock = std::stoull(line, nullptr, 16);
	ASSERT_NE(0u, clock);
	EXPECT_EQ(-EOPNOTSUPP, try_add(connection, reinterpret_cast<void *>(clock), 1));
	EXPECT_EQ(-EFAULT,
		  try_add(connection, reinterpret_cast<void *>(clock), 1, STPLR_BUFFER_WRITE));
	EXPECT_EQ(0u, registered_bytes());
}

// Every way of both sides: plain or registered.
class RegisteredWaysTest : public RegisteredTest, public testing::WithParamInterface<int>
{
protected:
	const bool client = GetParam() & 1, server = GetParam() & 2;
	const std::vector<size_t> sizes = {1,    64,   1000,  1024,  1025,   4095,
					   4096, 4097, 65536, 70001, 200000, 1 << 20};
	const std::vector<size_t> offsets = {0, 1, 100, 4095, 4096, 4097, 9000};

	// A piece of memory in the midst of poison, registered if asked for.
	struct Piece {
		Piece(int fd, size_t offset, size_t size, bool is_registered, bool write)
			: memory(offset + size + 5000), bytes(memory.data() + offset), size(size)
		{
			poison_bytes(memory.data(), memory.size());
			place = buffer(bytes, size);
			if (!is_registered)
				return;
			auto args = register_args(memory.data(), memory.size(),
						  write ? STPLR_BUFFER_WRITE : 0);
			EXPECT_EQ(0, buffer_register(fd, args));
			place = registered(args.index, offset, size);
			// The name is all it takes.
			this->fd = fd;
			index = args.index;
		}
		~Piece()
		{
			if (fd >= 0)
				EXPECT_EQ(0, buffer_unregister(fd, index));
		}
		void expect_poison_around(size_t used) const
		{
			expect_poison(memory.data(), bytes - memory.data());
			expect_poison(bytes + used, memory.end() - (bytes + used));
		}

		Mapping memory;
		char *bytes;
		size_t size;
		stplr_buffer place;
		int fd = -1;
		uint32_t index = 0;
	};

	// Sends size bytes, offset bytes into their memory, and replies as many.
	void round_trip(size_t size, size_t offset, size_t server_offset)
	{
		SCOPED_TRACE("size " + std::to_string(size) + ", offsets " +
			     std::to_string(offset) + " and " + std::to_string(server_offset));
		Piece message(connection, offset, size, client, false);
		Piece room(connection, offset, size, client, true);
		Piece in(channel, server_offset, size, server, true);
		Piece out(channel, server_offset, size, server, false);

		// After they were registered.
		fill_pattern(message.bytes, size, 1);
		fill_pattern(out.bytes, size, 2);
		stplr_msg_send send = send_args(message.place, room.place);
		if (client)
			send.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
		Thread sender([&] { return msg_send_receive(connection, send); });

		stplr_msg_receive receive = receive_args(in.place);
		receive.flags = server ? STPLR_RECEIVE_REGISTERED : 0;
		ASSERT_EQ(0, msg_receive(channel, receive));
		EXPECT_EQ(size, receive.info.len);
		EXPECT_EQ(size, receive.info.dst_len);
		expect_pattern(in.bytes, size, 1);
		in.expect_poison_around(size);

		stplr_msg_reply answer = reply_args(receive.info.rcvid, out.place);
		answer.flags = server ? STPLR_REPLY_REGISTERED : 0;
		ASSERT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(size, answer.len);
		ASSERT_EQ(0, sender.join());
		EXPECT_EQ(size, send.reply_len);
		EXPECT_EQ(size, send.reply_total);
		expect_pattern(room.bytes, size, 2);
		room.expect_poison_around(size);
		expect_pattern(message.bytes, size, 1);
	}
};

TEST_P(RegisteredWaysTest, EverySizeAtEveryOffset)
{
	for (size_t size : sizes)
		for (size_t offset : offsets)
			if (size <= 70001 || offset < 2)
				round_trip(size, offset, 0);
	for (size_t offset : offsets) {
		round_trip(70001, 0, offset);
		round_trip(1 << 20, 3, offset);
		round_trip(100, 4090, offset);
	}
}

TEST_P(RegisteredWaysTest, ReadAndWriteAnyPart)
{
	constexpr size_t kSize = 150000;
	Piece message(connection, 77, kSize, client, false);
	Piece room(connection, 99, kSize, client, true);
	fill_pattern(message.bytes, kSize, 1);
	stplr_msg_send send = send_args(message.place, room.place);
	if (client)
		send.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	Thread sender([&] { return msg_send_receive(connection, send); });

	// The first bytes; the rest stays with the client.
	Piece first(channel, 5, 1000, server, true);
	stplr_msg_receive receive = receive_args(first.place);
	receive.flags = server ? STPLR_RECEIVE_REGISTERED : 0;
	ASSERT_EQ(0, msg_receive(channel, receive));
	EXPECT_TRUE(receive.info.flags & STPLR_INFO_TRUNCATED);
	expect_pattern(first.bytes, 1000, 1);
	first.expect_poison_around(1000);
	const int rcvid = receive.info.rcvid;

	const struct {
		size_t offset, length;
	} parts[] = {{0, 1},         {999, 5000},      {4096, 4096}, {100000, 50000},
		     {kSize - 1, 1}, {kSize - 1, 100}, {kSize, 100}, {kSize + 100, 1}};
	for (const auto &part : parts) {
		SCOPED_TRACE("offset " + std::to_string(part.offset));
		Piece piece(channel, 4000, part.length, server, true);
		size_t there = part.offset < kSize ? std::min(part.length, kSize - part.offset) : 0;
		stplr_msg_data data = data_args(rcvid, piece.place, part.offset);
		data.flags = server ? STPLR_DATA_REGISTERED : 0;
		ASSERT_EQ(0, msg_read(channel, data));
		EXPECT_EQ(there, data.len);
		expect_pattern(piece.bytes, there, 1, part.offset);
		piece.expect_poison_around(there);
	}
	for (const auto &part : parts) {
		SCOPED_TRACE("offset " + std::to_string(part.offset));
		Piece piece(channel, 3, part.length, server, false);
		size_t there = part.offset < kSize ? std::min(part.length, kSize - part.offset) : 0;
		fill_pattern(piece.bytes, part.length, 2, part.offset);
		stplr_msg_data data = data_args(rcvid, piece.place, part.offset);
		data.flags = server ? STPLR_DATA_REGISTERED : 0;
		ASSERT_EQ(0, msg_write(channel, data));
		EXPECT_EQ(there, data.len);
	}
	stplr_msg_reply answer = reply_args(rcvid);
	ASSERT_EQ(0, msg_reply(channel, answer));
	ASSERT_EQ(0, sender.join());
	EXPECT_EQ(0u, send.reply_len);
	expect_pattern(room.bytes, 1, 2);
	expect_poison(room.bytes + 1, 998);
	expect_pattern(room.bytes + 999, 4096 + 4096 - 999, 2, 999);
	expect_poison(room.bytes + 8192, 100000 - 8192);
	expect_pattern(room.bytes + 100000, kSize - 100000, 2, 100000);
	room.expect_poison_around(kSize);
}

TEST_P(RegisteredWaysTest, ReplyReceiveInALoop)
{
	constexpr size_t kSize = 9000;
	Piece message(connection, 1, kSize, client, false);
	Piece room(connection, 2, kSize, client, true);
	Piece in(channel, 3, kSize, server, true);
	stplr_msg_send send = send_args(message.place, room.place);
	if (client)
		send.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	Thread server_thread([&] {
		stplr_msg_reply_receive turn =
			reply_receive_args(reply_args(0), receive_args(in.place));
		if (server) {
			turn.receive.flags = STPLR_RECEIVE_REGISTERED;
			turn.reply.flags = STPLR_REPLY_REGISTERED;
		}
		for (;;) {
			long result = msg_reply_receive(channel, turn);
			if (result < 0)
				return result;
			turn.reply.rcvid = turn.receive.info.rcvid;
			turn.reply.reply = in.place;
			turn.reply.reply.len = turn.receive.info.len;
			poison(turn.reply.len);
			poison(turn.receive.info);
		}
	});
	for (int round = 0; round < 100; round++) {
		size_t size = 1 + round * 89;
		fill_pattern(message.bytes, size, round);
		send.send.len = size;
		poison(send.reply_len);
		ASSERT_EQ(0, msg_send_receive(connection, send));
		ASSERT_EQ(size, send.reply_len);
		ASSERT_TRUE(expect_pattern(room.bytes, size, round));
	}
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESHUTDOWN, server_thread.join());
}

TEST_P(RegisteredWaysTest, OneWayThatIsReadInParts)
{
	Piece message(connection, 10, 20000, client, false);
	fill_pattern(message.bytes, 20000, 1);
	stplr_msg_send send = send_args(message.place);
	send.flags = client ? STPLR_SEND_REGISTERED : 0;
	Thread sender([&] { return msg_send(connection, send); });
	Piece in(channel, 20, 15000, server, true);
	stplr_msg_receive receive = receive_args(in.place);
	receive.flags = server ? STPLR_RECEIVE_REGISTERED : 0;
	ASSERT_EQ(0, msg_receive(channel, receive));
	expect_pattern(in.bytes, 15000, 1);
	EXPECT_FALSE(sender.done());
	stplr_msg_data data = data_args(receive.info.rcvid, in.place, 15000);
	data.flags = server ? STPLR_DATA_REGISTERED : 0;
	ASSERT_EQ(0, msg_read(channel, data));
	EXPECT_EQ(5000u, data.len);
	expect_pattern(in.bytes, 5000, 1, 15000);
	EXPECT_EQ(0, sender.join());
}

TEST_P(RegisteredWaysTest, ReplyLongerThanTheRoom)
{
	Piece room(connection, 10, 5000, client, true);
	Piece out(channel, 20, 9000, server, false);
	fill_pattern(out.bytes, 9000, 1);
	stplr_msg_send send = send_args(buffer("x"), room.place);
	send.flags = client ? STPLR_REPLY_REGISTERED : 0;
	Thread sender([&] { return msg_send_receive(connection, send); });
	Received message = receive(channel);
	stplr_msg_reply answer = reply_args(message.rcvid(), out.place);
	answer.flags = STPLR_REPLY_NO_TRUNC | (server ? STPLR_REPLY_REGISTERED : 0);
	EXPECT_EQ(-EMSGSIZE, msg_reply(channel, answer));
	answer.flags &= ~STPLR_REPLY_NO_TRUNC;
	ASSERT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(5000u, answer.len);
	ASSERT_EQ(0, sender.join());
	EXPECT_EQ(5000u, send.reply_len);
	EXPECT_EQ(9000u, send.reply_total);
	expect_pattern(room.bytes, 5000, 1);
	room.expect_poison_around(5000);
}

std::string way_name(const testing::TestParamInfo<int> &info)
{
	const char *const names[] = {"Plain", "Client", "Server", "Both"};

	return names[info.param];
}

INSTANTIATE_TEST_SUITE_P(Ways, RegisteredWaysTest, testing::Values(0, 1, 2, 3), way_name);

// Every call with a registered buffer that it must refuse with EINVAL, and nobody notices.
class RegisteredNameTest : public RegisteredTest
{
protected:
	RegisteredNameTest()
	{
		for (int fd : {connection.get(), channel.get()}) {
			read_only = add(fd, memory.data(), kSize);
			writable = add(fd, memory.data(), kSize, STPLR_BUFFER_WRITE);
		}
	}

	void expect_refused(stplr_buffer place, uint32_t more_flags = 0, bool when_read = true)
	{
		stplr_msg_send send = send_args(buffer("x"), buffer(room, sizeof(room)));
		stplr_msg_send one_way = send_args(place);

		if (when_read) {
			send.send = place;
			send.flags = STPLR_SEND_REGISTERED | (more_flags ? STPLR_SEND_VECTOR : 0);
			EXPECT_EQ(-EINVAL, msg_send_receive(connection, send));
			one_way.flags = send.flags;
			EXPECT_EQ(-EINVAL, msg_send(connection, one_way));
		}
		send = send_args(buffer("x"), place);
		send.flags = STPLR_REPLY_REGISTERED | (more_flags ? STPLR_REPLY_VECTOR : 0);
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, send));
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "a refused send was queued";

		Sender client(connection, std::string(100, 'x'), 100);
		ASSERT_TRUE(client.wait_blocked());
		stplr_msg_receive taken = receive_args(place);
		taken.flags = STPLR_RECEIVE_REGISTERED | (more_flags ? STPLR_RECEIVE_VECTOR : 0);
		EXPECT_EQ(-EINVAL, msg_receive(channel, taken));
		Received message = receive(channel);
		ASSERT_EQ(std::string(100, 'x'), message.text);
		stplr_msg_data data = data_args(message.rcvid(), place);
		data.flags = STPLR_DATA_REGISTERED | (more_flags ? STPLR_DATA_VECTOR : 0);
		EXPECT_EQ(-EINVAL, msg_read(channel, data));
		if (when_read) {
			EXPECT_EQ(-EINVAL, msg_write(channel, data));
			stplr_msg_reply answer = reply_args(message.rcvid(), place);
			answer.flags =
				STPLR_REPLY_REGISTERED | (more_flags ? STPLR_REPLY_VECTOR : 0);
			EXPECT_EQ(-EINVAL, msg_reply(channel, answer));
		}
		EXPECT_EQ(0, reply(channel, message.rcvid(), "still there"));
		EXPECT_EQ("still there", client.finish().text);
	}

	static constexpr size_t kSize = 10000;
	Mapping memory{kSize};
	char room[100] = {};
	uint32_t read_only = 0, writable = 0;
};

TEST_F(RegisteredNameTest, NoSuchBuffer)
{
	for (uint32_t index : {2u, 255u, 256u, 65535u})
		expect_refused(registered(index, 0, 10));
	// An address, for which no index stands.
	expect_refused(buffer(memory.data() + 1, 10) /* index 0, offset far beyond */);
	EXPECT_EQ(0, buffer_unregister(connection, writable));
	EXPECT_EQ(0, buffer_unregister(channel, writable));
	expect_refused(registered(writable, 0, 10));
}

TEST_F(RegisteredNameTest, BeyondItsEnd)
{
	const struct {
		uint64_t offset, length;
	} places[] = {{0, kSize + 1},
		      {1, kSize},
		      {kSize, 1},
		      {kSize + 1, 1},
		      {kSize - 1, 2},
		      {(1ull << 48) - 1, 1},
		      {(1ull << 48) - 1, (1ull << 48) + 1},
		      {1, UINT64_MAX},
		      {0, 1ull << 63}};
	for (const auto &place : places)
		expect_refused(registered(writable, place.offset, place.length));
}

TEST_F(RegisteredNameTest, NotForWriting)
{
	expect_refused(registered(read_only, 0, 100), 0, false);
}

TEST_F(RegisteredNameTest, NotAVectorToo)
{
	expect_refused(registered(writable, 0, 1), 1);
	expect_refused(registered(writable, 0, 0), 1);
}

TEST_F(RegisteredNameTest, NotQueued)
{
	stplr_msg_send args = send_args(registered(writable, 0, 10));
	args.flags = STPLR_SEND_REGISTERED | STPLR_SEND_QUEUED;
	EXPECT_EQ(-EINVAL, msg_send(connection, args));
	args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	EXPECT_EQ(-EINVAL, msg_send(connection, args)) << "a one-way message has no reply";
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(RegisteredNameTest, OtherFlagsOfOneBufferGoWithIt)
{
	// A vector on the other side of the same call.
	stplr_iovec parts[] = {part("ab", 2), part("cd", 2)};
	stplr_msg_send args =
		send_args({reinterpret_cast<uintptr_t>(parts), 2}, registered(writable, 50, 100));
	args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_REGISTERED;
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	EXPECT_EQ("abcd", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "efgh"));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0, memcmp(memory.data() + 50, "efgh", 4));
}

TEST_F(RegisteredNameTest, NoBytesAreNowhere)
{
	stplr_msg_send args = send_args(registered(99, 1ull << 40, 0), registered(98, 77, 0));
	args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	Thread client([&] { return msg_send_receive(connection, args); });
	stplr_msg_receive taken = receive_args(registered(97, 1, 0));
	taken.flags = STPLR_RECEIVE_REGISTERED;
	ASSERT_EQ(0, msg_receive(channel, taken));
	EXPECT_EQ(0u, taken.info.src_len);
	stplr_msg_data data = data_args(taken.info.rcvid, registered(96, 1, 0));
	data.flags = STPLR_DATA_REGISTERED;
	EXPECT_EQ(0, msg_read(channel, data));
	EXPECT_EQ(0, msg_write(channel, data));
	stplr_msg_reply answer = reply_args(taken.info.rcvid, registered(95, 1, 0));
	answer.flags = STPLR_REPLY_REGISTERED;
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, client.join());
}

TEST_F(RegisteredNameTest, TheWholeAndTheLastByte)
{
	fill_pattern(memory.data(), kSize, 1);
	for (auto place : {registered(read_only, 0, kSize), registered(read_only, kSize - 1, 1),
			   registered(read_only, kSize, 0)}) {
		stplr_msg_send args = send_args(place);
		args.flags = STPLR_SEND_REGISTERED;
		Thread client([&] { return msg_send(connection, args); });
		Received message = receive(channel, kSize);
		ASSERT_EQ(place.len, message.text.size());
		expect_pattern(message.text.data(), place.len, 1, kSize - place.len);
		EXPECT_EQ(0, client.join());
	}
}

TEST_F(RegisteredTest, LongestMessage)
{
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	Mapping memory(version.message_max + 1);
	uint32_t index = add(connection, memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	stplr_msg_send args = send_args(registered(index, 0, version.message_max + 1));
	args.flags = STPLR_SEND_REGISTERED;
	EXPECT_EQ(-EMSGSIZE, msg_send(connection, args));
	fill_pattern(memory.data(), memory.size(), 3);
	args.send = registered(index, 1, version.message_max);
	Thread client([&] { return msg_send(connection, args); });
	Received message = receive(channel, version.message_max);
	ASSERT_EQ(0, message.result);
	expect_pattern(message.text.data(), version.message_max, 3, 1);
	EXPECT_EQ(0, client.join());
}

TEST_F(RegisteredTest, PulsesGoThereToo)
{
	Mapping memory(page);
	uint32_t index = add(channel, memory.data(), page, STPLR_BUFFER_WRITE);
	stplr_pulse_send send = {};
	send.value = 12345678901;
	send.code = 7;
	ASSERT_EQ(0, call(connection, STPLR_PULSE_SEND, &send));
	stplr_msg_receive args = receive_args(registered(index, 100, page - 100));
	args.flags = STPLR_RECEIVE_REGISTERED;
	ASSERT_EQ(0, call(channel, STPLR_MSG_RECEIVE, &args));
	EXPECT_EQ(uint32_t(STPLR_KIND_PULSE), args.info.kind);
	stplr_pulse pulse;
	memcpy(&pulse, memory.data() + 100, sizeof(pulse));
	EXPECT_EQ(7, pulse.code);
	EXPECT_EQ(12345678901u, pulse.value);
}

TEST_F(RegisteredTest, EarlierThanItsFirstWrite)
{
	// Memory that was not touched yet, or is a private file's: what is written to it later is
	// what is sent, though it was registered for reading only.
	Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	constexpr size_t kSize = 100000;
	Mapping untouched(kSize), of_file(kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	Mapping read_before(kSize);
	EXPECT_EQ(0, read_before.data()[kSize / 2]);
	for (Mapping *memory : {&untouched, &of_file, &read_before}) {
		uint32_t index = add(connection, memory->data(), kSize);
		for (size_t size : {size_t(100), kSize}) {
			fill_pattern(memory->data(), size, size);
			stplr_msg_send args = send_args(registered(index, 0, size));
			args.flags = STPLR_SEND_REGISTERED;
			Thread client([&] { return msg_send(connection, args); });
			Received message = receive(channel, kSize);
			ASSERT_EQ(size, message.text.size());
			EXPECT_TRUE(expect_pattern(message.text.data(), size, size));
			EXPECT_EQ(0, client.join());
		}
	}
}

TEST_F(RegisteredTest, SharedMemory)
{
	constexpr size_t kSize = 50000;
	Fd file = memory_file(kSize);
	Mapping mapping(kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	Mapping readable(kSize, PROT_READ, MAP_SHARED, file);
	uint32_t from = add(connection, readable.data(), kSize);
	uint32_t to = add(connection, mapping.data(), kSize, STPLR_BUFFER_WRITE);
	// Through a third way in.
	std::vector<char> bytes(kSize);
	fill_pattern(bytes.data(), kSize, 1);
	ASSERT_EQ(ssize_t(kSize), pwrite(file, bytes.data(), kSize, 0));

	Call call;
	start(call, registered(from, 0, kSize), registered(to, 0, kSize));
	Received message = receive(channel, kSize);
	ASSERT_EQ(kSize, message.text.size());
	EXPECT_TRUE(expect_pattern(message.text.data(), kSize, 1));
	fill_pattern(bytes.data(), kSize, 2);
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), kSize));
	ASSERT_EQ(0, msg_reply(channel, answer));
	ASSERT_EQ(0, call.thread->join());
	std::vector<char> through(kSize);
	ASSERT_EQ(ssize_t(kSize), pread(file, through.data(), kSize, 0));
	EXPECT_TRUE(expect_pattern(through.data(), kSize, 2));
}

TEST_F(RegisteredTest, HugePages)
{
	constexpr size_t kHuge = 2 << 20;
	const char *pool = "/proc/sys/vm/nr_hugepages";
	std::ofstream(pool) << 4;
	{
		Mapping reserved(2 * kHuge, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
		Mapping shared(2 * kHuge, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB);
		Mapping room(4 * kHuge);
		char *transparent = reinterpret_cast<char *>((uintptr_t(room.data()) + kHuge - 1) /
							     kHuge * kHuge);
		ASSERT_EQ(0, madvise(transparent, 2 * kHuge, MADV_HUGEPAGE));
		for (char *memory : {reserved.data(), shared.data(), transparent}) {
			constexpr size_t kSize = 2 * kHuge - 700;
			uint32_t from = add(connection, memory + 100, kSize);
			uint32_t to = add(channel, memory + 100, kSize, STPLR_BUFFER_WRITE);
			fill_pattern(memory, 2 * kHuge, 1);
			stplr_msg_send args = send_args(registered(from, 0, kHuge - 100));
			args.flags = STPLR_SEND_REGISTERED;
			Thread client([&] { return msg_send(connection, args); });
			stplr_msg_receive taken =
				receive_args(registered(to, kHuge - 100, kHuge - 600));
			taken.flags = STPLR_RECEIVE_REGISTERED;
			ASSERT_EQ(0, msg_receive(channel, taken));
			stplr_msg_data rest = data_args(
				taken.info.rcvid, registered(to, kSize - 500, 500), kHuge - 600);
			rest.flags = STPLR_DATA_REGISTERED;
			ASSERT_EQ(0, msg_read(channel, rest));
			EXPECT_EQ(500u, rest.len);
			EXPECT_EQ(0, client.join());
			expect_pattern(memory + 100, kHuge - 100, 1, 100);
			expect_pattern(memory + kHuge, kHuge - 1100, 1, 100);
			expect_pattern(memory + 100 + kSize - 500, 500, 1, kHuge - 500);
			EXPECT_EQ(0, buffer_unregister(connection, from));
			EXPECT_EQ(0, buffer_unregister(channel, to));
		}
	}
	std::ofstream(pool) << 0;
}

TEST_F(RegisteredTest, PagesThatWereWrittenAreKept)
{
	// Pages that the owner gave away (MADV_FREE) are clean, and taken under memory pressure;
	// not if they were written to since, by whomever.
	constexpr size_t kSize = 256 * 4096;
	for (bool client : {false, true}) {
		Mapping memory(kSize);
		ASSERT_EQ(0, madvise(memory.data(), kSize, MADV_NOHUGEPAGE));
		fill_pattern(memory.data(), kSize, 1);
		int fd = client ? connection : channel;
		uint32_t index = add(fd, memory.data(), kSize, STPLR_BUFFER_WRITE);
		ASSERT_EQ(0, madvise(memory.data(), kSize, MADV_FREE)) << strerror(errno);
		std::vector<char> bytes(kSize);
		fill_pattern(bytes.data(), kSize, 2);
		if (client) {
			stplr_msg_send args = send_args(buffer("x"), registered(index, 0, kSize));
			args.flags = STPLR_REPLY_REGISTERED;
			Thread sender([&] { return msg_send_receive(connection, args); });
			Received message = receive(channel);
			stplr_msg_reply answer =
				reply_args(message.rcvid(), buffer(bytes.data(), kSize));
			ASSERT_EQ(0, msg_reply(channel, answer));
			ASSERT_EQ(0, sender.join());
		} else {
			stplr_msg_send args = send_args(buffer(bytes.data(), kSize));
			Thread sender([&] { return msg_send(connection, args); });
			stplr_msg_receive taken = receive_args(registered(index, 0, kSize));
			taken.flags = STPLR_RECEIVE_REGISTERED;
			ASSERT_EQ(0, msg_receive(channel, taken));
			ASSERT_EQ(0, sender.join());
		}
		EXPECT_EQ(0, buffer_unregister(fd, index));
		ASSERT_EQ(0, madvise(memory.data(), kSize, MADV_PAGEOUT)) << strerror(errno);
		EXPECT_TRUE(expect_pattern(memory.data(), kSize, 2))
			<< (client ? "client" : "server");
	}
}

// What the owner does in the midst of a message

TEST_F(RegisteredTest, WhateverIsMappedLater)
{
	constexpr size_t kSize = 20000;
	Mapping memory(kSize);
	uint32_t from = add(connection, memory.data(), kSize);
	uint32_t to = add(connection, memory.data(), kSize, STPLR_BUFFER_WRITE);
	fill_pattern(memory.data(), kSize, 1);
	ASSERT_EQ(memory.data(), mmap(memory.data(), kSize, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	poison_bytes(memory.data(), kSize);
	Call call;
	start(call, registered(from, 0, kSize), registered(to, 0, kSize));
	Received message = receive(channel, kSize);
	ASSERT_EQ(kSize, message.text.size());
	EXPECT_TRUE(expect_pattern(message.text.data(), kSize, 1));
	EXPECT_EQ(0, reply(channel, message.rcvid(), std::string(kSize, 'r')));
	EXPECT_EQ(0, call.thread->join());
	EXPECT_EQ(kSize, call.args.reply_len);
	EXPECT_TRUE(expect_poison(memory.data(), kSize)) << "what came later was written";
	// The old pages are still there.
	stplr_msg_send args = send_args(registered(from, 0, kSize));
	args.flags = STPLR_SEND_REGISTERED;
	Thread client([&] { return msg_send(connection, args); });
	EXPECT_EQ(std::string(kSize, 'r'), receive(channel, kSize).text);
	EXPECT_EQ(0, client.join());
}

TEST_F(RegisteredTest, UnregisteredInMidMessage)
{
	for (size_t size : {size_t(50), size_t(3000), size_t(100000)}) {
		Mapping message(size), room(size);
		uint32_t from = add(connection, message.data(), size);
		uint32_t to = add(connection, room.data(), size, STPLR_BUFFER_WRITE);
		fill_pattern(message.data(), size, 1);
		Call call;
		start(call, registered(from, 0, size), registered(to, 0, size));
		ASSERT_TRUE(call.thread->wait_blocked(STPLR_MSG_SEND_RECEIVE));
		EXPECT_EQ(0, buffer_unregister(connection, from));
		EXPECT_EQ(0, buffer_unregister(connection, to));
		EXPECT_GT(registered_bytes(), 0u) << "the message still has them";
		Received taken = receive(channel, size);
		ASSERT_EQ(size, taken.text.size());
		EXPECT_TRUE(expect_pattern(taken.text.data(), size, 1));
		std::vector<char> bytes(size);
		fill_pattern(bytes.data(), size, 2);
		stplr_msg_reply answer = reply_args(taken.rcvid(), buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(0, call.thread->join());
		EXPECT_TRUE(expect_pattern(room.data(), size, 2));
		EXPECT_EQ(0u, registered_bytes());
	}
}

// A signal interrupts a call, its room is unregistered, and it goes on.
class RegisteredSignalTest : public RegisteredTest, public testing::WithParamInterface<bool>
{
};

TEST_P(RegisteredSignalTest, UnregisteredWhileParked)
{
	const bool restarts = GetParam();
	struct sigaction action = {}, before;
	static std::atomic<int> handled;
	handled = 0;
	action.sa_handler = [](int) { handled++; };
	action.sa_flags = restarts ? SA_RESTART : 0;
	ASSERT_EQ(0, sigaction(SIGUSR2, &action, &before));
	for (size_t size : {size_t(50), size_t(3000), size_t(100000)}) {
		Mapping message(size), room(size);
		uint32_t from = add(connection, message.data(), size);
		uint32_t to = add(connection, room.data(), size, STPLR_BUFFER_WRITE);
		fill_pattern(message.data(), size, 1);
		handled = 0;
		stplr_msg_send args = send_args(registered(from, 0, size), registered(to, 0, size));
		args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
		std::atomic<bool> go{false};
		std::atomic<int> interrupted{0};
		Thread client([&] {
			long result;
			while ((result = call(connection, STPLR_MSG_SEND_RECEIVE, &args)) ==
			       -EINTR) {
				interrupted++;
				while (!go)
					usleep(100);
			}
			return result;
		});
		Received taken = receive(channel, size);
		ASSERT_EQ(0, taken.result);
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		client.signal(SIGUSR2);
		if (restarts) {
			ASSERT_TRUE(eventually([] { return handled > 0; }));
			EXPECT_EQ(0, buffer_unregister(connection, to));
			EXPECT_EQ(0, buffer_unregister(connection, from));
			ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
			// And once more, now that its index names nothing.
			client.signal(SIGUSR2);
			ASSERT_TRUE(eventually([] { return handled > 1; }));
		} else {
			ASSERT_TRUE(eventually([&] { return interrupted > 0; }));
			EXPECT_EQ(0, buffer_unregister(connection, to));
			EXPECT_EQ(0, buffer_unregister(connection, from));
			go = true;
		}
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		std::vector<char> bytes(size);
		fill_pattern(bytes.data(), size, 2);
		stplr_msg_reply answer = reply_args(taken.rcvid(), buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(0, client.join());
		EXPECT_EQ(size, args.reply_len);
		EXPECT_TRUE(expect_pattern(room.data(), size, 2));
		EXPECT_EQ(0u, registered_bytes());
	}
	sigaction(SIGUSR2, &before, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Action, RegisteredSignalTest, testing::Bool(),
			 [](const auto &info) { return info.param ? "Restarts" : "Interrupts"; });

TEST_F(RegisteredTest, ParkedMessageGoesWithItsConnection)
{
	Mapping memory(100000);
	{
		Fd second = new_connection(device, 0, chid);
		uint32_t index = add(second, memory.data(), memory.size(), STPLR_BUFFER_WRITE);
		stplr_msg_send args = send_args(registered(index, 0, memory.size()),
						registered(index, 0, memory.size()));
		args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
		Thread client([&] { return call(second, STPLR_MSG_SEND_RECEIVE, &args); });
		Received taken = receive(channel);
		ASSERT_EQ(0, taken.result);
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		client.signal(SIGUSR1);
		EXPECT_EQ(-EINTR, client.join());
		EXPECT_NE(0u, args.token);
		second.reset();
		EXPECT_EQ(-ESRCH, reply(channel, taken.rcvid(), "too late"));
	}
	EXPECT_EQ(0u, registered_bytes());
}

TEST_F(RegisteredTest, ClosedInMidMessage)
{
	// The call keeps what it needs: the descriptor's number is free, the message goes on.
	Mapping memory(100000);
	fill_pattern(memory.data(), memory.size(), 1);
	uint32_t index = add(connection, memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	Call call;
	start(call, registered(index, 0, 50000), registered(index, 50000, 50000));
	ASSERT_TRUE(call.thread->wait_blocked(STPLR_MSG_SEND_RECEIVE));
	connection.reset();
	Received taken = receive(channel, 50000);
	ASSERT_EQ(50000u, taken.text.size());
	EXPECT_TRUE(expect_pattern(taken.text.data(), 50000, 1));
	EXPECT_EQ(0, reply(channel, taken.rcvid(), std::string(50000, 'r')));
	EXPECT_EQ(0, call.thread->join());
	EXPECT_EQ('r', memory.data()[50000]);
	EXPECT_EQ('r', memory.data()[99999]);
	EXPECT_TRUE(eventually([] { return registered_bytes() == 0; }));
}

TEST_F(RegisteredTest, DetachedAndDestroyed)
{
	Mapping memory(100000);
	uint32_t index = add(connection, memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	Call call;
	start(call, registered(index, 0, 50000), registered(index, 50000, 50000));
	Received taken = receive(channel);
	ASSERT_EQ(0, taken.result);
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, call.thread->join());
	connection = new_connection(device, 0, chid);
	EXPECT_EQ(0u, registered_bytes());

	index = add(connection, memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	uint32_t of_server = add(channel, memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	start(call, registered(index, 0, 50000), registered(index, 50000, 50000));
	stplr_msg_receive args = receive_args(registered(of_server, 0, 100));
	args.flags = STPLR_RECEIVE_REGISTERED;
	ASSERT_EQ(0, msg_receive(channel, args));
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, call.thread->join());
	EXPECT_EQ(0, buffer_unregister(channel, of_server));
	EXPECT_EQ(0, buffer_unregister(connection, index));
	EXPECT_EQ(0u, registered_bytes());
}

TEST_F(RegisteredTest, KilledClient)
{
	for (bool received : {false, true}) {
		Child client([&](Child &self) {
			// One that only it has.
			Fd own = new_connection(device, getppid(), chid);
			Mapping memory(200000);
			stplr_buffer_register buffers[2];
			for (auto &args : buffers) {
				args = register_args(memory.data(), 200000, STPLR_BUFFER_WRITE);
				if (buffer_register(own, args))
					return 1;
			}
			self.tell(0);
			stplr_msg_send args = send_args(registered(buffers[0].index, 0, 200000),
							registered(buffers[1].index, 0, 200000));
			args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
			msg_send_receive(own, args);
			return 2;
		});
		client.hear();
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		Received taken = {};
		if (received) {
			taken = receive(channel);
			ASSERT_EQ(0, taken.result);
		}
		EXPECT_GE(registered_bytes(), 400000u);
		client.kill(SIGKILL);
		EXPECT_TRUE(WIFSIGNALED(client.wait()));
		if (received)
			EXPECT_EQ(-ESRCH, reply(channel, taken.rcvid(), "too late"));
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		EXPECT_TRUE(eventually([] { return registered_bytes() == 0; }));
	}
}

TEST_F(RegisteredTest, KilledServer)
{
	Child server([&](Child &self) {
		Fd own = new_channel(device, "registered_test");
		Mapping memory(200000);
		stplr_buffer_register args =
			register_args(memory.data(), memory.size(), STPLR_BUFFER_WRITE);
		if (buffer_register(own, args))
			return 1;
		self.tell(0);
		stplr_msg_receive taken = receive_args(registered(args.index, 0, 200000));
		taken.flags = STPLR_RECEIVE_REGISTERED;
		if (msg_receive(own, taken))
			return 2;
		self.tell(0);
		taken.info.rcvid = 0;
		return int(msg_receive(own, taken));
	});
	server.hear();
	Fd own = new_connection(device, "registered_test");
	Sender client(own, std::string(100000, 'x'));
	server.hear();
	EXPECT_GE(registered_bytes(), 200000u);
	server.kill(SIGKILL);
	EXPECT_TRUE(WIFSIGNALED(server.wait()));
	EXPECT_EQ(-ESRCH, client.finish().result);
	EXPECT_TRUE(eventually([] { return registered_bytes() == 0; }));
}

// Other processes

TEST_F(RegisteredTest, OtherProcessesCannotUseIt)
{
	constexpr size_t kSize = 30000;
	Mapping memory(kSize);
	poison_bytes(memory.data(), kSize);
	uint32_t index = add(connection, memory.data(), kSize, STPLR_BUFFER_WRITE);
	uint32_t of_server = add(channel, memory.data(), kSize, STPLR_BUFFER_WRITE);
	Child child([&](Child &self) {
		stplr_msg_send args = send_args(registered(index, 0, 10));
		args.flags = STPLR_SEND_REGISTERED;
		EXPECT_EQ(-EINVAL, msg_send(connection, args));
		args = send_args(buffer("x"), registered(index, 0, 10));
		args.flags = STPLR_REPLY_REGISTERED;
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, args));
		stplr_msg_receive taken = receive_args(registered(of_server, 0, 10));
		taken.flags = STPLR_RECEIVE_REGISTERED;
		EXPECT_EQ(-EINVAL, msg_receive(channel, taken));

		// Its own memory at the same address is another buffer, which only it can use.
		stplr_buffer_register own = register_args(memory.data(), kSize, STPLR_BUFFER_WRITE);
		EXPECT_EQ(0, buffer_register(connection, own));
		EXPECT_NE(index, own.index);
		fill_pattern(memory.data(), kSize, 5);
		self.tell(own.index);
		args = send_args(registered(own.index, 0, kSize));
		args.flags = STPLR_SEND_REGISTERED;
		EXPECT_EQ(0, msg_send(connection, args));
		self.hear();
		expect_pattern(memory.data(), kSize, 5);
		return 0;
	});
	uint32_t childs = child.hear();
	Received taken = receive(channel, kSize);
	EXPECT_TRUE(expect_pattern(taken.text.data(), kSize, 5));
	stplr_msg_send args = send_args(registered(childs, 0, 10));
	args.flags = STPLR_SEND_REGISTERED;
	EXPECT_EQ(-EINVAL, msg_send(connection, args));

	// The parent's goes on: what it gets is not seen by the child.
	Call call;
	start(call, registered(index, 0, kSize), registered(index, 0, kSize));
	taken = receive(channel, kSize);
	EXPECT_TRUE(expect_poison(taken.text.data(), kSize));
	std::vector<char> bytes(kSize);
	fill_pattern(bytes.data(), kSize, 6);
	stplr_msg_reply answer = reply_args(taken.rcvid(), buffer(bytes.data(), kSize));
	ASSERT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, call.thread->join());
	EXPECT_TRUE(expect_pattern(memory.data(), kSize, 6));
	child.tell(0);
	child.expect_success();

	// What the child left stays with the descriptor; whoever has that can remove it.
	EXPECT_EQ(-EINVAL, msg_send(connection, args));
	EXPECT_EQ(0, buffer_unregister(connection, childs));
	EXPECT_EQ(-ENOENT, buffer_unregister(connection, childs));
}

TEST_F(RegisteredTest, ForkInMidMessage)
{
	for (size_t size : {size_t(100), size_t(50000)}) {
		Mapping message(size), room(size);
		fill_pattern(message.data(), size, 1);
		poison_bytes(room.data(), size);
		uint32_t from = add(connection, message.data(), size);
		uint32_t to = add(connection, room.data(), size, STPLR_BUFFER_WRITE);
		Call call;
		start(call, registered(from, 0, size), registered(to, 0, size));
		ASSERT_TRUE(call.thread->wait_blocked(STPLR_MSG_SEND_RECEIVE));
		Child child([&](Child &self) {
			self.hear();
			EXPECT_TRUE(expect_poison(room.data(), size));
			memset(room.data(), 'c', size);
			memset(message.data(), 'c', size);
			self.tell(0);
			return 0;
		});
		// Written after the fork, by the owner: into the registered pages still.
		fill_pattern(message.data(), size, 2);
		Received taken = receive(channel, size);
		// Short messages are taken when they are sent.
		EXPECT_TRUE(expect_pattern(taken.text.data(), size, size < 1000 ? 1 : 2));
		std::vector<char> bytes(size);
		fill_pattern(bytes.data(), size, 3);
		stplr_msg_reply answer = reply_args(taken.rcvid(), buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(0, call.thread->join());
		child.tell(0);
		child.hear();
		EXPECT_TRUE(expect_pattern(room.data(), size, 3));
		EXPECT_TRUE(expect_pattern(message.data(), size, 2));
		child.expect_success();
	}
}

// What this program does when it is executed by the next test: the same descriptor, other memory.
constexpr const char *kAfterExec = "STPLR_REGISTERED_TEST_EXEC";

__attribute__((constructor)) void after_exec()
{
	int connection;
	unsigned index;
	const char *told = getenv(kAfterExec);

	if (!told || sscanf(told, "%d %u", &connection, &index) != 2)
		return;
	stplr_msg_send args = {};
	args.send = {STPLR_REGISTERED(index, 0), 10};
	args.flags = STPLR_SEND_REGISTERED;
	args.send_deadline = STPLR_DEADLINE_NONE;
	args.clock = CLOCK_MONOTONIC;
	if (ioctl(connection, STPLR_MSG_SEND, &args) != -1 || errno != EINVAL)
		_exit(11);
	if (ioctl(connection, STPLR_BUFFER_UNREGISTER, &index) != 0)
		_exit(12);
	_exit(0);
}

TEST_F(RegisteredTest, AfterExecNobodyCanUseIt)
{
	Child child([&](Child &) {
		Mapping memory(page);
		stplr_buffer_register args = register_args(memory.data(), page);
		if (buffer_register(connection, args))
			return 1;
		int kept = dup(connection);
		std::string told = std::to_string(kept) + " " + std::to_string(args.index);
		setenv(kAfterExec, told.c_str(), 1);
		execl("/proc/self/exe", "registered_test", nullptr);
		return 2;
	});
	child.expect_success();
	EXPECT_EQ(0u, registered_bytes());
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

// Accounting

TEST_F(RegisteredTest, IsSeenWhereMemoryIsCounted)
{
	Mapping memory(10 * page);
	uint64_t before = pinned_bytes();

	uint32_t index = add(connection, memory.data() + 1, page);
	EXPECT_EQ(2 * page, registered_bytes());
	EXPECT_EQ(before + 2 * page, pinned_bytes());
	add(channel, memory.data(), 10 * page);
	EXPECT_EQ(12 * page, registered_bytes());
	EXPECT_EQ(before + 12 * page, pinned_bytes());
	EXPECT_EQ(0, buffer_unregister(connection, index));
	EXPECT_EQ(10 * page, registered_bytes());
	channel.reset();
	EXPECT_EQ(0u, registered_bytes());
	EXPECT_EQ(before, pinned_bytes());
}

// The body of an ordinary user's process who may lock so many pages.
void as_user(unsigned pages, const std::function<void(Child &)> &body)
{
	Child child([&](Child &self) {
		const rlim_t limit = pages * page_size();
		const rlimit both = {limit, limit};

		if (setrlimit(RLIMIT_MEMLOCK, &both))
			return 95;
		become_user(kUser, kGroup);
		body(self);
		return 0;
	});
	child.expect_success();
}

TEST_F(RegisteredTest, MemoryLockLimit)
{
	as_user(8, [&](Child &) {
		Mapping memory(100 * page);
		EXPECT_EQ(-ENOMEM, try_add(connection, memory.data(), 8 * page + 1));
		EXPECT_EQ(-ENOMEM, try_add(connection, memory.data() + 1, 8 * page));
		EXPECT_EQ(0, try_add(connection, memory.data(), 8 * page));
		uint32_t first = add(connection, memory.data(), 5 * page);
		EXPECT_EQ(-ENOMEM, try_add(connection, memory.data(), 4 * page));
		EXPECT_EQ(-ENOMEM, try_add(channel, memory.data(), 4 * page));
		EXPECT_EQ(0, try_add(channel, memory.data(), 3 * page));

		// The limit is the user's, whichever process it is.
		Child other([&](Child &) {
			EXPECT_EQ(-ENOMEM, try_add(connection, memory.data(), 4 * page));
			EXPECT_EQ(0, try_add(connection, memory.data(), 3 * page));
			return 0;
		});
		other.expect_success();
		EXPECT_EQ(0, buffer_unregister(connection, first));
		EXPECT_EQ(0, try_add(connection, memory.data(), 8 * page));
	});
	as_user(0, [&](Child &) {
		Mapping memory(page);
		EXPECT_EQ(-ENOMEM, try_add(connection, memory.data(), 1));
	});
	EXPECT_EQ(0u, registered_bytes());
}

TEST_F(RegisteredTest, NobodyOutlivesTheLimit)
{
	// Processes that register, leave the descriptor to others and die: what they have pinned
	// still counts.
	as_user(8, [&](Child &) {
		for (int i = 0; i < 2; i++) {
			Child other([&](Child &) {
				Mapping memory(4 * page);
				stplr_buffer_register args = register_args(memory.data(), 4 * page);
				return buffer_register(connection, args) ? 1 : 0;
			});
			other.expect_success();
		}
		Mapping memory(page);
		EXPECT_EQ(-ENOMEM, try_add(connection, memory.data(), 1));
		EXPECT_EQ(0, buffer_unregister(connection, 0));
		EXPECT_EQ(0, try_add(connection, memory.data(), 1));
		EXPECT_EQ(0, buffer_unregister(connection, 1));
	});
}

TEST_F(RegisteredTest, PrivilegeHasNoLimit)
{
	Child child([&](Child &) {
		const rlimit none = {};
		Mapping memory(100 * page);
		EXPECT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &none));
		EXPECT_EQ(0, try_add(connection, memory.data(), memory.size()));
		return 0;
	});
	child.expect_success();
}

// Memory that does not come

TEST_F(RegisteredTest, MemoryThatComesLate)
{
	for (uint32_t flags : {0u, STPLR_BUFFER_WRITE}) {
		SilentMemory memory(4 * page);
		std::vector<char> bytes(4 * page);
		fill_pattern(bytes.data(), bytes.size(), 1);
		stplr_buffer_register args = register_args(memory.data(), memory.size(), flags);
		Thread owner([&] { return buffer_register(connection, args); });
		for (int i = 0; i < 4; i++) {
			ASSERT_TRUE(memory.awaited(kPatienceMs));
			EXPECT_FALSE(owner.done());
			memory.provide(i * page, bytes.data() + i * page, page);
		}
		ASSERT_EQ(0, owner.join());
		stplr_msg_send send = send_args(registered(args.index, 0, memory.size()));
		send.flags = STPLR_SEND_REGISTERED;
		Thread client([&] { return msg_send(connection, send); });
		Received taken = receive(channel, memory.size());
		ASSERT_EQ(memory.size(), taken.text.size());
		EXPECT_TRUE(expect_pattern(taken.text.data(), memory.size(), 1));
		EXPECT_EQ(0, client.join());
		EXPECT_EQ(0, buffer_unregister(connection, args.index));
	}
}

TEST_F(RegisteredTest, KilledWhileItsMemoryDoesNotCome)
{
	for (uint32_t flags : {0u, STPLR_BUFFER_WRITE}) {
		Child child([&](Child &self) {
			SilentMemory memory(4 * page);
			stplr_buffer_register args =
				register_args(memory.data(), memory.size(), flags);
			Thread helper([&] {
				memory.awaited(kPatienceMs);
				self.tell(0);
				return 0;
			});
			buffer_register(connection, args);
			return 1;
		});
		child.hear();
		// Others have the table meanwhile.
		Mapping memory(page);
		EXPECT_EQ(0, try_add(connection, memory.data(), page));
		child.kill(SIGKILL);
		EXPECT_TRUE(WIFSIGNALED(child.wait()));
		EXPECT_TRUE(eventually([] { return registered_bytes() == 0; }));
		EXPECT_EQ(0u, add(connection, memory.data(), 1)) << "its place is free again";
		EXPECT_EQ(0, buffer_unregister(connection, 0));
	}
}

// Races: unregistering and unmapping against transfers, on both sides

class RegisteredRaceTest : public RegisteredTest, public testing::WithParamInterface<size_t>
{
protected:
	const size_t size = GetParam();
	const int64_t end = in_ms(1500) + (test_repeat() - 1) * 1500000000LL;
	// Where the last of them is, or was.
	std::atomic<uint32_t> index{STPLR_BUFFERS_MAX}, of_server{STPLR_BUFFERS_MAX};

	// Registers one buffer after the other, of memory of its own, where it tells; unregisters
	// and unmaps each at any time.
	long churn(int fd, std::atomic<uint32_t> &told)
	{
		long rounds = 0;
		for (; now(CLOCK_MONOTONIC) < end; rounds++) {
			Mapping memory(size);
			memset(memory.data(), 'm', size);
			uint32_t mine = add(fd, memory.data(), size, STPLR_BUFFER_WRITE);
			told = mine;
			if (rounds % 3)
				sched_yield();
			if (rounds % 2) {
				memory = Mapping(); // unmapped first
				EXPECT_EQ(0, buffer_unregister(fd, mine));
			} else {
				EXPECT_EQ(0, buffer_unregister(fd, mine));
			}
		}
		return rounds;
	}
};

TEST_P(RegisteredRaceTest, UnregisterAgainstTransfer)
{
	std::atomic<long> good{0}, refused{0};
	auto count = [&](long result) {
		if (result == 0)
			good++;
		else if (result == -EINVAL)
			refused++;
		else
			ADD_FAILURE() << result_name(result);
	};
	// Where nobody else's index comes.
	Mapping room(size);
	uint32_t steady = add(connection, room.data(), size, STPLR_BUFFER_WRITE);
	Thread churner([&] { return churn(connection, index); });
	Thread server_churner([&] { return churn(channel, of_server); });
	Thread server([&] {
		std::vector<char> plain(size);
		for (;;) {
			// From and to wherever: the plain buffer takes over where the index is no
			// more.
			stplr_msg_receive taken = receive_args(registered(of_server, 0, size));
			taken.flags = STPLR_RECEIVE_REGISTERED;
			long result = msg_receive(channel, taken);
			if (result == -EINVAL) {
				count(result);
				taken = receive_args(buffer(plain.data(), size));
				result = msg_receive(channel, taken);
			}
			if (result < 0)
				return result;
			stplr_msg_reply answer =
				reply_args(taken.info.rcvid, registered(of_server, 0, size));
			answer.flags = STPLR_REPLY_REGISTERED;
			result = msg_reply(channel, answer);
			count(result);
			if (result == 0)
				continue;
			memset(plain.data(), 'm', size);
			answer = reply_args(taken.info.rcvid, buffer(plain.data(), size));
			EXPECT_EQ(0, msg_reply(channel, answer));
		}
	});
	while (now(CLOCK_MONOTONIC) < end) {
		stplr_msg_send args =
			send_args(registered(index, 0, size), registered(steady, 0, size));
		args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
		memset(room.data(), 0, size);
		long result = msg_send_receive(connection, args);
		count(result);
		if (result == 0)
			ASSERT_EQ(size_t(std::count(room.data(), room.end(), 'm')), size);
		args = send_args(buffer("m"), registered(index, 0, size));
		args.flags = STPLR_REPLY_REGISTERED;
		count(msg_send_receive(connection, args));
	}
	EXPECT_GT(churner.join(), 0);
	EXPECT_GT(server_churner.join(), 0);
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESHUTDOWN, server.join());
	EXPECT_GT(good, 0);
	RecordProperty("good", std::to_string(good));
	RecordProperty("refused", std::to_string(refused));
}

TEST_P(RegisteredRaceTest, KillAgainstTransfer)
{
	EchoServer server(channel, size);
	for (int round = 0; now(CLOCK_MONOTONIC) < end; round++) {
		Child client([&](Child &self) {
			Mapping memory(size);
			stplr_buffer_register args =
				register_args(memory.data(), size, STPLR_BUFFER_WRITE);
			if (buffer_register(connection, args))
				return 1;
			self.tell(args.index);
			stplr_msg_send send = send_args(registered(args.index, 0, size),
							registered(args.index, 0, size));
			send.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
			while (call(connection, STPLR_MSG_SEND_RECEIVE, &send) == 0)
				;
			return 2;
		});
		uint32_t childs = client.hear();
		usleep(round * 37 % 5000);
		client.kill(SIGKILL);
		ASSERT_TRUE(WIFSIGNALED(client.wait()));
		EXPECT_EQ(0, buffer_unregister(connection, childs));
	}
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESHUTDOWN, server.finish());
}

INSTANTIATE_TEST_SUITE_P(Size, RegisteredRaceTest, testing::Values(64, 65536),
			 [](const auto &info) { return std::to_string(info.param); });

} // namespace
