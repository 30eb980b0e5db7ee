// SPDX-License-Identifier: MIT
// Many clients and server threads at once, every byte checked; with kills, timeouts and signals at
// random.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/watchdog.h"

namespace
{

constexpr size_t kMost = 150000;

// Each message starts with this; its body is a pattern by its seed, as is the reply's by the seed
// plus one.
struct Header {
	uint64_t seed;
	uint64_t reply_len;
};

class StressTest : public PairTest
{
protected:
	// A server thread in any process that shares the channel: receives into rooms of different
	// sizes, reads the rest, writes some replies in pieces. Returns what ended it.
	long serve(unsigned seed, bool clients_die)
	{
		std::mt19937 random(seed);
		std::vector<char> bytes(kMost);

		for (;;) {
			size_t room = random() % 2 ? kMost : sizeof(Header) + random() % 5000;
			stplr_msg_receive args = receive_args(buffer(bytes.data(), room));
			long result = msg_receive(channel, args);
			if (result < 0)
				return result;
			result = serve_one(random, bytes, args.info);
			if (result < 0 && !(result == -ESRCH && clients_die))
				return result;
		}
	}

	long serve_one(std::mt19937 &random, std::vector<char> &bytes, const stplr_msg_info &info)
	{
		size_t length = info.len;
		if (info.flags & STPLR_INFO_TRUNCATED) {
			stplr_msg_data rest = data_args(
				info.rcvid, buffer(bytes.data() + length, kMost - length), length);
			long result = msg_read(channel, rest);
			if (result < 0)
				return result;
			length += rest.len;
		}
		EXPECT_EQ(info.src_len, length);
		Header header;
		memcpy(&header, bytes.data(), sizeof(header));
		if (!expect_pattern(bytes.data() + sizeof(header), length - sizeof(header),
				    header.seed, sizeof(header)))
			return -EBADMSG;
		if (info.kind == STPLR_KIND_SEND)
			return 0;
		fill_pattern(bytes.data(), header.reply_len, header.seed + 1);
		size_t tail = random() % 4 ? 0 : header.reply_len / 3;
		if (tail) {
			size_t at = header.reply_len - tail;
			stplr_msg_data data =
				data_args(info.rcvid, buffer(bytes.data() + at, tail), at);
			long result = msg_write(channel, data);
			if (result < 0)
				return result;
		}
		// The written tail is there though the reply does not cover it.
		stplr_msg_reply answer =
			reply_args(info.rcvid, buffer(bytes.data(), header.reply_len - tail));
		answer.status = tail;
		return msg_reply(channel, answer);
	}

	// One message of a random kind and size. Returns the call's result.
	long send_one(std::mt19937 &random, std::vector<char> &message, std::vector<char> &room,
		      int64_t timeout_ms = -1)
	{
		auto size = [&] { return random() % (size_t(1) << (4 + random() % 14)); };
		size_t length = sizeof(Header) + size();
		Header header = {(uint64_t(random()) << 20) + own_tid(), size()};
		stplr_msg_send args = send_args(buffer(message.data(), length));
		bool one_way = random() % 4 == 0;

		fill_pattern(message.data(), length, header.seed);
		memcpy(message.data(), &header, sizeof(header));
		if (timeout_ms >= 0)
			args.send_deadline = in_ms(timeout_ms);
		if (!one_way) {
			args.reply = buffer(room.data(), header.reply_len);
			args.reply_deadline =
				timeout_ms >= 0 ? in_ms(timeout_ms) : STPLR_DEADLINE_NONE;
			poison_bytes(room.data(), header.reply_len);
		}
		long result;
		// What is parked is still read from this memory: a one-way message, too, of which
		// the server has only a part.
		do
			result = one_way ? msg_send(connection, args)
					 : msg_send_receive(connection, args);
		while (result == -EINTR && args.token);
		if (result == 0 && !one_way) {
			EXPECT_EQ(header.reply_len, args.reply_len + args.status);
			if (!expect_pattern(room.data(), header.reply_len, header.seed + 1))
				return -EBADMSG;
		}
		return result;
	}

	int run_client(unsigned seed, int messages)
	{
		std::mt19937 random(seed);
		std::vector<char> message(kMost), room(kMost);

		for (int i = 0; i < messages; i++) {
			long result = send_one(random, message, room);
			EXPECT_EQ(0, result) << result_name(result);
			if (result)
				return 1;
		}
		return 0;
	}

	const int repeat = test_repeat();
};

TEST_F(StressTest, ManyThreadsOfOneClientAndServer)
{
	std::vector<std::unique_ptr<Thread>> servers, clients;
	for (int i = 0; i < 4; i++)
		servers.push_back(std::make_unique<Thread>([=] { return serve(i, false); }));
	for (int i = 0; i < 8; i++)
		clients.push_back(std::make_unique<Thread>(
			[=] { return run_client(i + 100, 150 * repeat); }));
	for (auto &client : clients)
		EXPECT_EQ(0, client->join());
	EXPECT_EQ(0, channel_destroy(channel));
	for (auto &server : servers)
		EXPECT_EQ(-ESRCH, server->join());
}

TEST_F(StressTest, ManyProcesses)
{
	std::vector<std::unique_ptr<Child>> servers, clients;
	for (int i = 0; i < 3; i++)
		servers.push_back(std::make_unique<Child>([=](Child &) {
			Thread second([=] { return serve(i + 50, false); });
			EXPECT_EQ(-ESRCH, serve(i, false));
			EXPECT_EQ(-ESRCH, second.join());
			return 0;
		}));
	for (int i = 0; i < 6; i++)
		clients.push_back(std::make_unique<Child>(
			[=](Child &) { return run_client(i + 100, 150 * repeat); }));
	for (auto &client : clients)
		client->expect_success();
	EXPECT_EQ(0, channel_destroy(channel));
	for (auto &server : servers)
		server->expect_success();
}

TEST_F(StressTest, ClientsThatDie)
{
	std::vector<std::unique_ptr<Thread>> servers;
	for (int i = 0; i < 3; i++)
		servers.push_back(std::make_unique<Thread>([=] { return serve(i, true); }));
	auto survivor =
		std::make_unique<Child>([=](Child &) { return run_client(7, 200 * repeat); });
	std::mt19937 random(1);
	for (int i = 0; i < 40 * repeat; i++) {
		Child victim([=](Child &self) {
			Thread other([=] { return run_client(i, 1 << 20); });
			self.tell(0);
			return run_client(i + 1000, 1 << 20);
		});
		victim.hear();
		usleep(random() % 15000);
		victim.kill(SIGKILL);
		EXPECT_EQ(SIGKILL, WTERMSIG(victim.wait()));
	}
	survivor->expect_success();
	EXPECT_EQ(0, channel_destroy(channel));
	for (auto &server : servers)
		EXPECT_EQ(-ESRCH, server->join());
}

TEST_F(StressTest, ServersThatDie)
{
	// Clients see ESRCH for what a dead server had received, and nothing else; the rest goes
	// on.
	std::vector<std::unique_ptr<Child>> servers, clients;
	std::mt19937 random(2);
	auto new_server = [&](unsigned seed) {
		return std::make_unique<Child>([=](Child &) {
			Thread second([=] { return serve(seed + 50, false); });
			return int(serve(seed, false));
		});
	};
	for (int i = 0; i < 3; i++)
		servers.push_back(new_server(i));
	for (int i = 0; i < 4; i++)
		clients.push_back(std::make_unique<Child>([=](Child &self) {
			std::mt19937 own(i + 100);
			std::vector<char> message(kMost), room(kMost);
			int64_t done = 0;
			while (!self.spoke()) {
				long result = send_one(own, message, room);
				if (result == 0)
					done++;
				else
					EXPECT_EQ(-ESRCH, result) << result_name(result);
				if (HasFailure())
					return 1;
			}
			EXPECT_GT(done, 0);
			return 0;
		}));
	for (int i = 0; i < 40 * repeat; i++) {
		usleep(random() % 20000);
		size_t victim = random() % servers.size();
		servers[victim]->kill(SIGKILL);
		servers[victim]->wait();
		servers[victim] = new_server(i + 10);
	}
	for (auto &client : clients)
		client->tell(0);
	for (auto &client : clients)
		client->expect_success();
}

TEST_F(StressTest, TimeoutsAndSignals)
{
	std::vector<std::unique_ptr<Thread>> servers, clients;
	std::atomic<bool> stop{false};
	for (int i = 0; i < 2; i++)
		servers.push_back(std::make_unique<Thread>([=] {
			long result;
			while ((result = serve(i, true)) == -EINTR)
				;
			return result;
		}));
	for (int i = 0; i < 6; i++)
		clients.push_back(std::make_unique<Thread>([this, i, &stop]() -> long {
			std::mt19937 random(i + 100);
			std::vector<char> message(kMost), room(kMost);
			while (!stop) {
				long result = send_one(random, message, room, random() % 8);
				EXPECT_TRUE(result == 0 || result == -ETIMEDOUT ||
					    result == -EAGAIN || result == -EINTR)
					<< result_name(result);
				if (HasFailure())
					return -1;
			}
			return 0;
		}));
	std::mt19937 random(3);
	for (int64_t end = in_ms(2000 * repeat); now(CLOCK_MONOTONIC) < end;) {
		(random() % 3 ? clients[random() % clients.size()]
			      : servers[random() % servers.size()])
			->signal(SIGUSR1);
		usleep(random() % 2000);
	}
	stop = true;
	for (auto &client : clients)
		EXPECT_EQ(0, client->join());
	// What timed out is not there any more; the servers are fine.
	Fd other = new_connection(device, 0, chid);
	std::vector<char> message(kMost), room(kMost);
	connection = std::move(other);
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, send_one(random, message, room));
	EXPECT_EQ(0, channel_destroy(channel));
	for (auto &server : servers)
		EXPECT_EQ(-ESRCH, server->join());
}

TEST_F(StressTest, ConnectingAndEndingAtRandom)
{
	// Channels and connections come and go while clients find, use and lose them.
	std::vector<std::unique_ptr<Child>> servers, clients;
	for (int i = 0; i < 3; i++)
		servers.push_back(std::make_unique<Child>([=](Child &self) {
			std::mt19937 own(i);
			std::string name = "stress." + std::to_string(i);
			while (!self.spoke()) {
				Fd mine = new_channel(device, name,
						      own() % 2 ? STPLR_CHANNEL_CREATOR : 0);
				for (int served = own() % 20; served > 0 && !HasFailure();
				     served--) {
					Received message = receive(mine, 100, in_ms(20));
					if (message.result == 0 && own() % 5)
						reply(mine, message.rcvid(), message.text);
				}
				if (own() % 2)
					EXPECT_EQ(0, channel_destroy(mine));
				if (HasFailure())
					return 1;
			}
			return 0;
		}));
	for (int i = 0; i < 5; i++)
		clients.push_back(std::make_unique<Child>([=](Child &self) {
			std::mt19937 own(i + 100);
			while (!self.spoke()) {
				std::string name = "stress." + std::to_string(own() % 3);
				stplr_connect_attach attach = attach_args(name);
				attach.clock = CLOCK_MONOTONIC;
				attach.deadline = in_ms(own() % 30);
				long fd = connect_attach(device, attach);
				if (fd < 0) {
					EXPECT_TRUE(fd == -ETIMEDOUT || fd == -ESRCH)
						<< result_name(fd);
					continue;
				}
				Fd mine(fd);
				for (int sends = own() % 10; sends > 0; sends--) {
					std::string text = std::to_string(own());
					Sent sent = send_receive(mine, text);
					if (sent.result == 0)
						EXPECT_EQ(text, sent.text);
					else
						EXPECT_EQ(-ESRCH, sent.result)
							<< result_name(sent.result);
				}
				if (HasFailure())
					return 1;
			}
			return 0;
		}));
	sleep_ms(2500 * repeat);
	for (auto &client : clients)
		client->tell(0);
	for (auto &client : clients)
		client->expect_success();
	for (auto &server : servers)
		server->tell(0);
	for (auto &server : servers)
		server->expect_success();
}

} // namespace
