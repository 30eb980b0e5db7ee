// SPDX-License-Identifier: MIT
// Reading what was not sent. The module's memory is filled with a secret first; whatever the
// attacker then gets, from either end, the secret is not in it, nor is an address of the kernel.
#include <fcntl.h>
#include <limits.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "attack.h"
#include "support/memory.h"
#include "support/pulse.h"

namespace
{

constexpr unsigned char kSecret = 0x5e;
constexpr unsigned kSizes[] = {1, 100, 1000, 1024, 1025, 3000, 4096, 4097, 9000, 70000, 200000};

bool reveals(const void *bytes, size_t length)
{
	// Single bytes of this value may be an answer's; four in a row are the secret's.
	static const unsigned char run[] = {kSecret, kSecret, kSecret, kSecret};
	return memmem(bytes, length, run, sizeof(run));
}

class Beyond : public AttackTest
{
protected:
	// Messages and replies of all sizes and kinds of the victim's go through.
	void fill()
	{
		Child victim(as(kVictim, [](Child &) {
			Fd own_device = open_device();
			int chid;
			Fd channel = new_channel(own_device, {}, 0, &chid);
			Fd connection = new_connection(own_device, 0, chid);
			EchoServer server(channel, 1 << 20);
			for (int round = 0; round < 3; round++)
				for (size_t size : kSizes) {
					std::string bytes(size, char(kSecret));
					Sent sent = send_receive(connection, bytes,
								 round == 1 ? size * 2 : size);
					EXPECT_EQ(bytes, sent.text);
					EXPECT_EQ(0, send_queued(connection, bytes));
				}
			EXPECT_EQ(0, pulse_send(connection, 1, 0x5e5e5e5e5e5e5e5e));
			EXPECT_EQ(0, channel_shutdown(channel));
			server.finish();
			return 0;
		}));
		victim.expect_success();
	}

	// A body of the attacker's, with both ends in its hands.
	void attack(std::function<void(int channel, int connection)> body)
	{
		fill();
		Child attacker(as(kAttacker, [&](Child &) {
			Fd own_device = open_device();
			int chid;
			Fd channel = new_channel(own_device, {}, 0, &chid);
			Fd connection = new_connection(own_device, 0, chid);
			body(channel, connection);
			return 0;
		}));
		attacker.expect_success();
	}
};

// Reading on, behind the end of a message, whichever way it came.
TEST_F(Beyond, EndOfAMessage)
{
	attack([](int channel, int connection) {
		for (size_t size : kSizes) {
			std::string bytes(size, 'm');
			Sender client(connection, bytes, 1);
			Received message = receive(channel, 0);
			std::vector<char> into(1 << 19);
			for (uint64_t offset :
			     {uint64_t(0), uint64_t(size - 1), uint64_t(size), uint64_t(size + 1),
			      uint64_t(4096), uint64_t(1) << 32, uint64_t(INT64_MAX),
			      UINT64_MAX - 10, UINT64_MAX}) {
				poison_bytes(into.data(), into.size());
				stplr_msg_data data = data_args(
					message.rcvid(), buffer(into.data(), into.size()), offset);
				EXPECT_EQ(0, msg_read(channel, data));
				size_t expected = offset < size ? size - offset : 0;
				EXPECT_EQ(expected, data.len);
				EXPECT_FALSE(reveals(into.data(), into.size()));
				EXPECT_TRUE(expect_poison(into.data() + expected, 4096));
			}
			EXPECT_EQ(0, reply(channel, message.rcvid()));
			client.finish();
		}
	});
}

// A client offers room, and the server writes with gaps, or not as much as it might: what is not
// written stays.
TEST_F(Beyond, EndOfAReply)
{
	attack([](int channel, int connection) {
		for (size_t size : kSizes)
			for (size_t written : {size_t(0), size_t(1), size / 2}) {
				std::vector<char> room(size);
				poison_bytes(room.data(), size);
				stplr_msg_send args =
					send_args(buffer("x"), buffer(room.data(), size));
				Thread client([&] { return msg_send_receive(connection, args); });
				Received message = receive(channel);
				std::string bytes(written, 'r');
				stplr_msg_data data =
					data_args(message.rcvid(), buffer(bytes), size - written);
				EXPECT_EQ(0, msg_write(channel, data));
				EXPECT_EQ(0, reply(channel, message.rcvid(),
						   bytes.substr(0, written / 2)));
				EXPECT_EQ(0, client.join());
				EXPECT_EQ(written / 2, args.reply_len);
				EXPECT_TRUE(expect_poison(room.data() + written / 2,
							  size - written - written / 2));
				EXPECT_FALSE(reveals(room.data(), size));
			}
	});
}

// What calls return beside messages: structures, on success and on failure.
TEST_F(Beyond, Structures)
{
	attack([](int channel, int connection) {
		struct {
			stplr_msg_receive args;
			char more[256];
		} receive_more = {};
		auto all = [&](const void *bytes, size_t size) {
			EXPECT_FALSE(reveals(bytes, size));
		};
		for (int i = 0; i < 50; i++) {
			EXPECT_EQ(0, send_queued(connection, "queued"));
			EXPECT_EQ(0, pulse_send(connection, 1));
			for (size_t room : {0, 3, 64, 64}) {
				char bytes[64];
				receive_more.args =
					receive_args(buffer(bytes, room), STPLR_DEADLINE_POLL);
				receive_more.args.flags = STPLR_RECEIVE_NO_TRUNC;
				call(channel,
				     _IOC(_IOC_READ | _IOC_WRITE, STPLR_IOC_MAGIC, 0x20,
					  sizeof(receive_more)),
				     &receive_more);
				all(&receive_more, sizeof(receive_more));
			}
			stplr_connect_info info;
			EXPECT_EQ(0, connect_info(connection, info));
			all(&info, sizeof(info));
			char version[256] = {};
			call(channel, _IOC(_IOC_READ, STPLR_IOC_MAGIC, 0, sizeof(version)),
			     version);
			all(version, sizeof(version));
			stplr_client_info client = {};
			client.scoid = receive_more.args.info.scoid;
			call(channel, STPLR_CLIENT_INFO, &client);
			all(&client, sizeof(client));
		}
	});
}

// Nothing that an ordinary user can read has an address of the kernel in it.
TEST_F(Beyond, AddressesOfTheKernel)
{
	Service service;
	Child attacker(as(kAttacker, [&](Child &) {
		Fd own_device = open_device();
		int chid;
		Fd channel = new_channel(own_device, "attacker", 0, &chid);
		Fd connection = new_connection(own_device, 0, chid);
		Fd other = new_connection(own_device, "service");
		std::string text;
		auto read_file = [&](const std::filesystem::path &path) {
			std::ifstream file(path);
			std::stringstream bytes;
			bytes << file.rdbuf();
			text += bytes.str();
		};
		for (int fd : {own_device.get(), channel.get(), connection.get(), other.get()})
			read_file("/proc/self/fdinfo/" + std::to_string(fd));
		std::error_code error;
		for (const char *folder :
		     {"/sys/module/stplr", "/sys/class/stplr", "/sys/kernel/debug/stplr"})
			for (const auto &entry :
			     std::filesystem::recursive_directory_iterator(folder, error))
				// the sections' addresses and the like are root's to read, as of
				// every module
				read_file(entry.path());
		EXPECT_NE(std::string::npos, text.find("stplr-coid"));
		EXPECT_EQ(std::string::npos, text.find("ffff"));
		EXPECT_NE(0, access("/sys/kernel/debug/stplr", R_OK));
		return 0;
	}));
	attacker.expect_success();
}

// What exists is counted over all users with a lock held that they all take.
TEST_F(Beyond, CountOfWhatExists)
{
	Child attacker(as(kAttacker, [](Child &) {
		EXPECT_EQ(-1, open("/sys/module/stplr/parameters/objects", O_RDONLY));
		EXPECT_EQ(EACCES, errno);
		return 0;
	}));
	attacker.expect_success();
}

// Vectors with parts of no bytes, wherever those say that they lie: once a write behind the end of
// an array.
TEST_F(Beyond, EmptyParts)
{
	attack([](int channel, int connection) {
		Mapping memory(1 << 20);
		memset(memory.data(), 1, memory.size());
		for (size_t size : {size_t(10), size_t(5000), size_t(300000)})
			for (size_t empty = 0; empty < 3; empty++)
				for (char *where : {memory.data() + 5, memory.end(),
						    static_cast<char *>(nullptr)}) {
					stplr_iovec parts[] = {part(memory.data(), size),
							       part(memory.data() + 4000, size),
							       part(memory.data() + 8192, 100)};
					parts[empty] = part(where, 0);
					size_t total = parts[0].len + parts[1].len + parts[2].len;
					stplr_msg_send args = send_args({uintptr_t(parts), 3},
									{uintptr_t(parts), 3});
					args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
					Thread client(
						[&] { return msg_send_receive(connection, args); });
					Received message = receive(channel, 1 << 20);
					EXPECT_EQ(total, message.text.size());
					stplr_msg_reply answer =
						reply_args(message.rcvid(), {uintptr_t(parts), 3});
					answer.flags = STPLR_REPLY_VECTOR;
					EXPECT_EQ(0, msg_reply(channel, answer));
					EXPECT_EQ(0, client.join());
					EXPECT_EQ(total, args.reply_len);
				}
	});
}

} // namespace
