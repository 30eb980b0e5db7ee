// SPDX-License-Identifier: MIT
// /sys/kernel/debug/stplr: what root sees there of known situations, and that it can look while
// everything runs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/pulse.h"
#include "support/watchdog.h"

namespace
{

const std::string kFolder = "/sys/kernel/debug/stplr/";
const char *const kFiles[] = {"channels", "connections", "blocked", "pools",
			      "servers",  "links",       "rings",   "counters"};

std::string path(const std::string &file, int device = 0)
{
	return kFolder + "stplr-" + std::to_string(device) + "/" + file;
}

// A line of a file as its columns, by the names in the heading.
using Line = std::map<std::string, std::string>;

std::vector<std::string> words(const std::string &line)
{
	std::istringstream stream(line);
	std::vector<std::string> result;
	std::string word;

	while (stream >> word)
		result.push_back(word);
	return result;
}

std::string read_file(const std::string &name)
{
	std::ifstream file(name);
	std::stringstream text;

	EXPECT_TRUE(file) << name;
	text << file.rdbuf();
	return text.str();
}

std::vector<Line> table(const std::string &file, int device = 0)
{
	std::istringstream text(read_file(path(file, device)));
	std::string line;
	std::vector<Line> lines;

	EXPECT_TRUE(std::getline(text, line));
	EXPECT_EQ('#', line.empty() ? 0 : line[0]) << line;
	std::vector<std::string> names = words(line.substr(1));
	while (std::getline(text, line)) {
		if (line[0] == '#')
			continue;
		std::vector<std::string> fields = words(line);
		Line entry;

		EXPECT_EQ(names.size(), fields.size()) << file << ": " << line;
		for (size_t i = 0; i < names.size() && i < fields.size(); i++)
			entry[names[i]] = fields[i];
		lines.push_back(entry);
	}
	return lines;
}

// The only line with these fields; an empty one if there is none.
Line find(const std::string &file, const Line &wanted, int device = 0)
{
	Line found;

	for (const Line &line : table(file, device)) {
		bool matches = true;

		for (const auto &field : wanted)
			matches &= line.count(field.first) && line.at(field.first) == field.second;
		if (!matches)
			continue;
		EXPECT_TRUE(found.empty()) << "twice in " << file;
		found = line;
	}
	return found;
}

Line blocked_thread(pid_t tid)
{
	return find("blocked", {{"tid", std::to_string(tid)}});
}

long counter(const std::string &name, int device = 0)
{
	std::istringstream text(read_file(path("counters", device)));
	std::string word;
	long value;

	while (text >> word >> value)
		if (word == name)
			return value;
	ADD_FAILURE() << "no counter " << name;
	return -1;
}

class DebugfsTest : public PairTest
{
protected:
	DebugfsTest()
	{
		stplr_connect_info info = {};

		EXPECT_EQ(0, connect_info(connection, info));
		coid = std::to_string(info.coid);
		pid = std::to_string(getpid());
		number = std::to_string(chid);
	}
	// The line of the test's channel.
	Line own_channel()
	{
		return find("channels", {{"pid", pid}, {"chid", number}});
	}

	std::string coid, pid, number;
};

TEST_F(DebugfsTest, OnlyRootReads)
{
	struct stat status;

	for (const char *file : kFiles) {
		ASSERT_EQ(0, stat(path(file).c_str(), &status)) << file;
		EXPECT_EQ(0400u, status.st_mode & 07777) << file;
		EXPECT_EQ(0u, status.st_uid) << file;
	}
	Child child([](Child &) {
		become_user(65534, 65534);
		for (const char *file : kFiles) {
			EXPECT_EQ(-1, open(path(file).c_str(), O_RDONLY)) << file;
			EXPECT_EQ(EACCES, errno) << file;
		}
		return 0;
	});
	child.expect_success();
}

TEST_F(DebugfsTest, ChannelWithName)
{
	int other_chid;
	Fd other = new_channel(device, "debugfs.test", STPLR_CHANNEL_CREATOR, &other_chid);
	Line line = find("channels", {{"name", "debugfs.test"}});

	EXPECT_EQ(pid, line["pid"]);
	EXPECT_EQ(std::to_string(other_chid), line["chid"]);
	EXPECT_EQ("0", line["uid"]);
	EXPECT_EQ("2", line["flags"]);
	EXPECT_EQ("open", line["state"]);
	EXPECT_EQ("0", line["sent"]);
	EXPECT_EQ("-", own_channel()["name"]);
	EXPECT_EQ(0, channel_shutdown(other));
	EXPECT_EQ("shutdown", find("channels", {{"name", "debugfs.test"}})["state"]);
	other.reset();
	EXPECT_TRUE(find("channels", {{"name", "debugfs.test"}}).empty());
}

// A channel that has ended stays as long as a connection to it does.
TEST_F(DebugfsTest, EndedChannel)
{
	EXPECT_EQ("open", find("connections", {{"coid", coid}})["state"]);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ("ended", own_channel()["state"]);
	EXPECT_EQ("ended", find("connections", {{"coid", coid}})["state"]);
	channel.reset();
	EXPECT_EQ("ended", own_channel()["state"]);
	connection.reset();
	EXPECT_TRUE(own_channel().empty());
	EXPECT_TRUE(find("connections", {{"coid", coid}}).empty());
}

TEST_F(DebugfsTest, AcceptedChannel)
{
	Fd listener = new_channel(device, "debugfs.listener", STPLR_CHANNEL_LISTEN);
	Fd client = new_connection(device, "debugfs.listener");
	stplr_channel_accept args = accept_args();
	Line line = find("channels", {{"name", "debugfs.listener"}});

	EXPECT_EQ("1", line["backlog"]);
	Fd accepted(channel_accept(listener, args));
	ASSERT_GE(accepted, 0);
	EXPECT_EQ("0", find("channels", {{"name", "debugfs.listener"}})["backlog"]);
	Line connected = find("connections", {{"coid", std::to_string(args.coid)}});
	line = find("channels", {{"id", connected["channel"]}});
	EXPECT_EQ("0", line["chid"]);
	EXPECT_EQ(pid, line["pid"]);
	EXPECT_EQ("open", line["state"]);
	client.reset();
	EXPECT_EQ("closed", find("channels", {{"id", connected["channel"]}})["state"]);
}

TEST_F(DebugfsTest, Connection)
{
	Line line = find("connections", {{"coid", coid}});

	EXPECT_EQ(pid, line["pid"]);
	EXPECT_EQ("0", line["uid"]);
	EXPECT_EQ("open", line["state"]);
	EXPECT_EQ("0", line["queued"]);
	EXPECT_EQ(own_channel()["id"], line["channel"]);
	EXPECT_EQ(0, send_queued(connection, "one"));
	EXPECT_EQ(0, send_queued(connection, "two"));
	EXPECT_EQ("2", find("connections", {{"coid", coid}})["queued"]);
	EXPECT_EQ("2", own_channel()["queued"]);
	EXPECT_EQ(0, channel_destroy(channel));
	line = find("connections", {{"coid", coid}});
	EXPECT_EQ("0", line["queued"]);
	EXPECT_EQ("2", line["dropped"]);
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ("detached", find("connections", {{"coid", coid}})["state"]);
}

// The thread is in the state with the time, which grows as time goes by.
void expect_blocked(pid_t tid, const char *state)
{
	Line line = blocked_thread(tid);
	EXPECT_EQ(std::to_string(getpid()), line["pid"]);
	EXPECT_EQ(state, line["state"]);
	long before = atol(line["ms"].c_str());
	EXPECT_LT(before, 80000);
	sleep_ms(200);
	long after = atol(blocked_thread(tid)["ms"].c_str());
	// jiffies are up to 10 ms
	EXPECT_GE(after, before + 180);
}

TEST_F(DebugfsTest, SendBlocked)
{
	Sender client(connection, "question");
	ASSERT_TRUE(client.wait_blocked());
	expect_blocked(client.thread().tid(), "SEND");
	Line line = blocked_thread(client.thread().tid());
	EXPECT_EQ(coid, line["coid"]);
	EXPECT_EQ(number, line["chid"]);
	EXPECT_EQ(own_channel()["id"], line["channel"]);
	EXPECT_EQ("0", line["rcvid"]);
	EXPECT_EQ(pid, line["server"]);
	EXPECT_EQ("debugfs_test", line["command"]);
	EXPECT_EQ("8", line["bytes"]);
	EXPECT_EQ("1", own_channel()["queued"]);
	EXPECT_EQ("0", own_channel()["blocked"]);

	// received, the time starts anew
	sleep_ms(300);
	long before = atol(blocked_thread(client.thread().tid())["ms"].c_str());
	Received message = receive(channel);
	line = blocked_thread(client.thread().tid());
	EXPECT_EQ("REPLY", line["state"]);
	EXPECT_LT(atol(line["ms"].c_str()), before);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	client.finish();
	EXPECT_TRUE(blocked_thread(client.thread().tid()).empty());
}

TEST_F(DebugfsTest, ReplyBlocked)
{
	Sender client(connection, "question");
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	expect_blocked(client.thread().tid(), "REPLY");
	Line line = blocked_thread(client.thread().tid());
	EXPECT_EQ(std::to_string(message.rcvid()), line["rcvid"]);
	EXPECT_EQ(pid, line["server"]);
	EXPECT_EQ("debugfs_test", line["command"]);
	EXPECT_EQ("0", own_channel()["queued"]);
	EXPECT_EQ("1", own_channel()["blocked"]);
	EXPECT_EQ("1", own_channel()["received"]);
	EXPECT_EQ("0", own_channel()["replied"]);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	client.finish();
	EXPECT_EQ("1", own_channel()["replied"]);
}

// Who made the channel is waited for, whatever it is called, and also when somebody else has the
// channel and it has gone.
TEST_F(DebugfsTest, SendBlockedOnAnother)
{
	Child server([](Child &self) {
		Fd own = open_device();
		Fd made = new_channel(own, "debugfs.other");
		prctl(PR_SET_NAME, "a b\\");
		self.tell(made);
		self.hear();
		return 0;
	});
	int its_fd = static_cast<int>(server.hear());
	Fd process(static_cast<int>(syscall(SYS_pidfd_open, server.pid(), 0)));
	Fd taken(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), its_fd, 0)));
	ASSERT_GE(taken, 0) << strerror(errno);
	Fd other = new_connection(device, "debugfs.other");
	Sender client(other, "question");

	ASSERT_TRUE(client.wait_blocked());
	Line line = blocked_thread(client.thread().tid());
	EXPECT_EQ("SEND", line["state"]);
	EXPECT_EQ(std::to_string(server.pid()), line["server"]);
	EXPECT_EQ("a\\040b\\134", line["command"]);
	server.tell(0);
	server.expect_success();
	line = blocked_thread(client.thread().tid());
	EXPECT_EQ("SEND", line["state"]);
	EXPECT_EQ("-", line["command"]);
	EXPECT_EQ(0, channel_destroy(taken));
	EXPECT_EQ(-ESRCH, client.finish().result);
}

// Many threads over one connection: each is there, with its own state.
TEST_F(DebugfsTest, ManyClients)
{
	std::vector<std::unique_ptr<Sender>> clients;
	std::map<std::string, int> states;

	for (int i = 0; i < 40; i++)
		clients.push_back(std::make_unique<Sender>(connection, "x"));
	for (auto &client : clients)
		ASSERT_TRUE(client->wait_blocked());
	std::vector<int> rcvids;
	for (int i = 0; i < 15; i++)
		rcvids.push_back(receive(channel).rcvid());
	for (auto &client : clients)
		states[blocked_thread(client->thread().tid())["state"]]++;
	EXPECT_EQ(25, states["SEND"]);
	EXPECT_EQ(15, states["REPLY"]);
	EXPECT_EQ("25", own_channel()["queued"]);
	EXPECT_EQ("15", own_channel()["blocked"]);
	EXPECT_EQ(0, channel_destroy(channel));
	for (auto &client : clients)
		EXPECT_EQ(-ESRCH, client->finish().result);
	for (const Line &line : table("blocked"))
		EXPECT_NE(pid, line.at("pid"));
}

TEST_F(DebugfsTest, ReceiveBlocked)
{
	Thread server([this] { return receive(channel).result; });
	Thread pulses([this] { return receive_pulse(channel, STPLR_DEADLINE_NONE).result; });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_TRUE(pulses.wait_blocked(STPLR_MSG_RECEIVE));
	expect_blocked(server.tid(), "RECEIVE");
	expect_blocked(pulses.tid(), "RECEIVE");
	Line line = blocked_thread(server.tid());
	EXPECT_EQ(number, line["chid"]);
	EXPECT_EQ("-", line["coid"]);
	EXPECT_EQ("-", line["command"]);
	EXPECT_EQ("2", own_channel()["receivers"]);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.join());
	EXPECT_EQ(-ESRCH, pulses.join());
	EXPECT_TRUE(blocked_thread(server.tid()).empty());
	EXPECT_EQ("0", own_channel()["receivers"]);
}

// A thread that a signal took out of its call is not blocked; its message waits on.
TEST_F(DebugfsTest, ParkedIsNotBlocked)
{
	Thread client([this] {
		char answer[8] = {};
		stplr_msg_send args = send_args(buffer("x"), buffer(answer, sizeof(answer)));
		return msg_send_receive(connection, args);
	});
	Received message = receive(channel);
	long parked = counter("parked");
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, client.join());
	EXPECT_TRUE(blocked_thread(client.tid()).empty());
	EXPECT_EQ("1", find("connections", {{"coid", coid}})["parked"]);
	EXPECT_EQ("1", own_channel()["blocked"]);
	EXPECT_EQ(parked + 1, counter("parked"));
	EXPECT_EQ(0, reply(channel, message.rcvid()));
}

// What its owner gave away (MADV_FREE) is anonymous memory as any other: a reply goes to it in
// place, and stays, since it was written to.
TEST_F(DebugfsTest, MemoryThatWasGivenAwayIsAnsweredInPlace)
{
	const size_t size = 64 * page_size();
	Mapping room(size);
	ASSERT_EQ(0, madvise(room.data(), size, MADV_NOHUGEPAGE));
	std::vector<char> bytes(size);
	long chunks = counter("chunks");
	// The second time the client expects a reply as long as the first.
	for (int pass = 0; pass < 2; pass++) {
		memset(room.data(), 1, size);
		ASSERT_EQ(0, madvise(room.data(), size, MADV_FREE)) << strerror(errno);
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel);
		fill_pattern(bytes.data(), size, pass);
		chunks = pass ? counter("chunks") : chunks;
		stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
		ASSERT_EQ(0, client.join());
		ASSERT_EQ(0, madvise(room.data(), size, MADV_PAGEOUT)) << strerror(errno);
		EXPECT_TRUE(expect_pattern(room.data(), size, pass));
	}
	EXPECT_EQ(chunks, counter("chunks"));
}

TEST_F(DebugfsTest, Pools)
{
	EXPECT_TRUE(find("pools", {{"channel", own_channel()["id"]}}).empty());

	stplr_channel_create args = channel_args();
	args.pulses = 3;
	Fd server(channel_create(device, args));
	ASSERT_GE(server, 0);
	Fd client = new_connection(device, 0, args.chid);
	long pulses = counter("pulses"), refused = counter("pulses_refused");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, pulse_send(client, 1));
	EXPECT_EQ(-EAGAIN, pulse_send(client, 1));

	Line owner = {{"pid", pid}, {"chid", std::to_string(args.chid)}};
	EXPECT_EQ("3", find("channels", owner)["pulses"]);
	Line pool = {{"channel", find("channels", owner)["id"]}};
	EXPECT_EQ("3", find("pools", pool)["size"]);
	EXPECT_EQ("3", find("pools", pool)["used"]);
	EXPECT_EQ("3", find("pools", pool)["queued"]);
	EXPECT_EQ("3", find("pools", pool)["sent"]);
	EXPECT_EQ("1", find("pools", pool)["refused"]);
	EXPECT_EQ(0, receive_pulse(server).result);
	EXPECT_EQ("2", find("pools", pool)["used"]);
	EXPECT_EQ("2", find("pools", pool)["queued"]);
	EXPECT_EQ(pulses + 3, counter("pulses"));
	EXPECT_EQ(refused + 1, counter("pulses_refused"));
	EXPECT_EQ("0", find("channels", owner)["sent"]) << "pulses are no messages";
}

// What a channel counted is not lost with it.
TEST_F(DebugfsTest, Counters)
{
	long channels = counter("channels"), connections = counter("connections");
	long sends = counter("sends"), receives = counter("receives"), replies = counter("replies");
	{
		int other_chid;
		Fd other = new_channel(device, {}, 0, &other_chid);
		Fd client = new_connection(device, 0, other_chid);
		EchoServer server(other);

		for (int i = 0; i < 10; i++)
			EXPECT_EQ("text", send_receive(client, "text").text);
		EXPECT_EQ(channels + 1, counter("channels"));
		EXPECT_EQ(connections + 1, counter("connections"));
		EXPECT_EQ(replies + 10, counter("replies"));
		EXPECT_EQ(0, channel_destroy(other));
		EXPECT_EQ(-ESRCH, server.finish());
	}
	EXPECT_EQ(channels, counter("channels"));
	EXPECT_EQ(connections, counter("connections"));
	EXPECT_EQ(sends + 10, counter("sends"));
	EXPECT_EQ(receives + 10, counter("receives"));
	EXPECT_EQ(replies + 10, counter("replies"));
}

TEST_F(DebugfsTest, CountersOfTrouble)
{
	stplr_msg_send args = send_args(buffer("x"));

	long again = counter("send_eagain");
	args.send_deadline = STPLR_DEADLINE_POLL;
	EXPECT_EQ(-EAGAIN, msg_send(connection, args));
	EXPECT_EQ(again + 1, counter("send_eagain"));

	long late = counter("send_etimedout");
	args.clock = CLOCK_MONOTONIC;
	args.send_deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, msg_send(connection, args));
	EXPECT_EQ(late + 1, counter("send_etimedout"));

	long too_long = counter("too_long");
	OneWaySender client(connection, "message");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(-EMSGSIZE,
		  receive(channel, 2, STPLR_DEADLINE_NONE, STPLR_RECEIVE_NO_TRUNC).result);
	EXPECT_EQ(too_long + 1, counter("too_long"));

	long lost = counter("lost"), gone = counter("send_esrch");
	EXPECT_EQ(0, send_queued(connection, "queued"));
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.finish());
	EXPECT_EQ(lost + 1, counter("lost"));
	EXPECT_EQ(gone + 1, counter("send_esrch"));
}

TEST_F(DebugfsTest, DevicesAreApart)
{
	Fd other_device = open_device(1);
	Fd other = new_channel(other_device, "debugfs.other");

	EXPECT_EQ("debugfs.other", find("channels", {{"name", "debugfs.other"}}, 1)["name"]);
	EXPECT_TRUE(find("channels", {{"name", "debugfs.other"}}).empty());
	EXPECT_TRUE(find("connections", {{"coid", coid}, {"pid", pid}}, 1).empty());
}

// More lines than seq_file's buffer takes at once, read in pieces: each object once.
TEST_F(DebugfsTest, ManyChannels)
{
	std::vector<Fd> channels;
	std::map<std::string, int> seen;

	for (int i = 0; i < 300; i++)
		channels.push_back(new_channel(device, "debugfs.many." + std::to_string(i)));
	Fd file(open(path("channels").c_str(), O_RDONLY | O_CLOEXEC));
	std::string text;
	char piece[100];
	for (ssize_t n; (n = read(file, piece, sizeof(piece))) > 0;)
		text.append(piece, n);
	std::istringstream lines(text);
	for (std::string line; std::getline(lines, line);) {
		size_t at = line.find("debugfs.many.");
		if (at != std::string::npos)
			seen[line.substr(at)]++;
	}
	EXPECT_EQ(300u, seen.size());
	for (const auto &name : seen)
		EXPECT_EQ(1, name.second) << name.first;
}

// Readers of everything, while channels, connections and messages come and go.
TEST_F(DebugfsTest, UnderLoad)
{
	std::atomic<bool> stop{false};
	std::vector<std::unique_ptr<Thread>> threads;

	for (int i = 0; i < 2; i++) {
		threads.push_back(std::make_unique<Thread>([&]() -> long {
			long rounds = 0;

			while (!stop) {
				int other_chid;
				Fd other = new_channel(device, {}, 0, &other_chid);
				Fd client = new_connection(device, 0, other_chid);
				EchoServer server(other);

				for (int n = 0; n < 20; n++)
					EXPECT_EQ("load", send_receive(client, "load").text);
				if (rounds++ % 2)
					client.reset();
				// and one where nobody receives
				int idle_chid;
				Fd idle = new_channel(device, {}, 0, &idle_chid);
				Fd idle_client = new_connection(device, 0, idle_chid);
				EXPECT_EQ(0, pulse_send(idle_client, 1));
				EXPECT_EQ(0, send_queued(idle_client, "queued"));
				EXPECT_EQ(0, channel_destroy(other));
				EXPECT_EQ(-ESRCH, server.finish());
			}
			return rounds;
		}));
	}
	threads.push_back(std::make_unique<Thread>([&]() -> long {
		Fd listener = new_channel(device, "debugfs.load", STPLR_CHANNEL_LISTEN);
		long rounds = 0;

		while (!stop) {
			Fd client = new_connection(device, "debugfs.load");
			stplr_channel_accept args = accept_args();
			Fd accepted(channel_accept(listener, args));
			Sender sender(client, "x");

			EXPECT_EQ(0, reply(accepted, receive(accepted).rcvid()));
			EXPECT_EQ(0, sender.finish().result);
			rounds++;
		}
		return rounds;
	}));

	long reads = 0, sends = 0;
	int64_t end = in_ms(2000 * test_repeat());
	while (now(CLOCK_MONOTONIC) < end || reads < 10) {
		for (const char *file : kFiles)
			EXPECT_FALSE(read_file(path(file)).empty()) << file;
		long sends_now = counter("sends");
		EXPECT_GE(sends_now, sends) << "counters never go back";
		sends = sends_now;
		reads++;
	}
	stop = true;
	for (auto &thread : threads)
		EXPECT_GT(thread->join(), 0);
}

// The files go with the module, which a reader keeps. Loads it again as it was.
TEST(DebugfsModuleTest, GoneAfterUnload)
{
	std::string devices = read_file("/sys/module/stplr/parameters/devices");
	utsname system;
	uname(&system);
	const char *named = getenv("STPLR_MODULE");
	std::string module =
		named ? named : std::string("build/module/") + system.release + "/stplr.ko";
	Fd image(open(module.c_str(), O_RDONLY | O_CLOEXEC));
	ASSERT_GE(image, 0) << module;

	Fd reader(open(path("blocked").c_str(), O_RDONLY | O_CLOEXEC));
	char text[16];
	EXPECT_EQ(ssize_t(sizeof(text)), read(reader, text, sizeof(text)));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "stplr", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	reader.reset();

	ASSERT_TRUE(
		eventually([] { return syscall(SYS_delete_module, "stplr", O_NONBLOCK) == 0; }));
	EXPECT_NE(0, access(kFolder.c_str(), F_OK));
	std::string parameters = "devices=" + std::to_string(atoi(devices.c_str()));
	ASSERT_EQ(0, syscall(SYS_finit_module, image.get(), parameters.c_str(), 0));
	EXPECT_EQ(0, access(path("blocked").c_str(), F_OK));
	EXPECT_EQ(0, counter("sends"));
}

} // namespace
