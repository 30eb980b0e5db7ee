// SPDX-License-Identifier: MIT
// The tracepoints: each stage of a round trip is seen, in order, with ids that belong together.
//
// They are read in an instance of tracefs of the test's own, with the clock "counter", which puts
// the events of all processors into one order.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
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

// An event: its name, the thread in whose context it came, and its fields.
struct Event {
	std::string name;
	pid_t tid;
	std::map<std::string, std::string> fields;

	std::string operator[](const std::string &field) const
	{
		auto found = fields.find(field);
		return found == fields.end() ? "" : found->second;
	}
};

std::ostream &operator<<(std::ostream &out, const Event &event)
{
	out << event.name << " by " << event.tid << ":";
	for (const auto &field : event.fields)
		out << " " << field.first << "=" << field.second;
	return out;
}

// A line of the file trace: "COMM-TID [CPU] FLAGS TIME: NAME: FIELD=VALUE ... WORD".
bool parse(const std::string &line, Event &event)
{
	size_t cpu = line.find(" ["), name = line.find(": stplr_");

	if (line.empty() || line[0] == '#' || cpu == std::string::npos || name == std::string::npos)
		return false;
	size_t dash = line.rfind('-', cpu);
	event.tid = atoi(line.c_str() + dash + 1);
	std::istringstream rest(line.substr(name + 2));
	rest >> event.name;
	event.name.pop_back();
	for (std::string word; rest >> word;) {
		size_t equals = word.find('=');

		if (equals == std::string::npos)
			event.fields["word"] = word;
		else
			event.fields[word.substr(0, equals)] = word.substr(equals + 1);
	}
	return true;
}

class Tracing
{
public:
	Tracing()
	{
		// Names of threads would be recorded by the scheduler's tracepoints. To switch
		// those, the kernel writes over code that each processor executes all the time,
		// at which QEMU's processors may hang. Instances begin with the top's options.
		std::ofstream("/sys/kernel/tracing/trace_options") << "norecord-cmd" << std::flush;
		EXPECT_EQ(0, mkdir(folder_.c_str(), 0700)) << folder_;
		write_file("trace_clock", "counter");
		write_file("buffer_size_kb", "1024");
		write_file("events/stplr/enable", "1");
	}
	~Tracing()
	{
		write_file("events/stplr/enable", "0");
		rmdir(folder_.c_str());
		std::ofstream("/sys/kernel/tracing/trace_options") << "record-cmd" << std::flush;
	}
	void write_file(const std::string &name, const std::string &value)
	{
		std::ofstream file(folder_ + "/" + name);

		file << value << std::flush;
		EXPECT_TRUE(file) << name;
	}
	// What this process's threads and children did since the last call, but for their looks
	// before they sleep, which come or not.
	std::vector<Event> take()
	{
		std::vector<Event> events;

		for (const Event &event : take_all())
			if (event.name != "stplr_spin")
				events.push_back(event);
		return events;
	}
	std::vector<Event> take_all()
	{
		std::ifstream file(folder_ + "/trace");
		std::vector<Event> events;
		Event event;

		EXPECT_TRUE(file);
		for (std::string line; std::getline(file, line); event = {})
			if (parse(line, event))
				events.push_back(event);
		file.close();
		write_file("trace", "");
		return events;
	}

private:
	std::string folder_ =
		"/sys/kernel/tracing/instances/stplr_test_" + std::to_string(getpid());
};

std::string text(int64_t value)
{
	return std::to_string(value);
}

class TraceTest : public PairTest
{
protected:
	TraceTest()
	{
		stplr_connect_info info = {};

		EXPECT_EQ(0, connect_info(connection, info));
		coid = text(info.coid);
		tracing.take();
	}
	// A server thread that waits already, and answers one message.
	std::unique_ptr<Thread> waiting_server(size_t room, const std::string &answer)
	{
		auto server = std::make_unique<Thread>([this, room, answer] {
			Received message = receive(channel, room);

			return message.result ?: reply(channel, message.rcvid(), answer);
		});
		EXPECT_TRUE(server->wait_blocked(STPLR_MSG_RECEIVE));
		return server;
	}
	// The event at a place, which must be this one; the next place.
	const Event &next(const std::string &name, pid_t tid)
	{
		static const Event none = {};

		EXPECT_LT(place, events.size()) << "no more events, but " << name;
		if (place >= events.size())
			return none;
		const Event &event = events[place++];
		EXPECT_EQ(name, event.name) << event;
		EXPECT_EQ(tid, event.tid) << event;
		return event;
	}
	// Its message is this one.
	void expect_ids(const Event &event, const std::string &seq)
	{
		EXPECT_EQ("0", event["device"]) << event;
		EXPECT_EQ(text(chid), event["chid"]) << event;
		EXPECT_EQ(coid, event["coid"]) << event;
		EXPECT_EQ(seq, event["seq"]) << event;
		EXPECT_EQ(events[0]["channel"], event["channel"]) << event;
	}
	// All of them, of this name.
	std::vector<Event> named(const std::string &name)
	{
		std::vector<Event> result;

		for (const Event &event : events)
			if (event.name == name)
				result.push_back(event);
		return result;
	}
	// The one copy in a direction.
	Event copy(const std::string &direction)
	{
		Event result;

		for (const Event &event : named("stplr_copy")) {
			if (event["direction"] != direction)
				continue;
			EXPECT_EQ("", result.name) << event;
			result = event;
		}
		EXPECT_NE("", result.name) << direction;
		return result;
	}

	std::string coid;
	Tracing tracing;
	std::vector<Event> events;
	size_t place = 0;
};

TEST_F(TraceTest, RoundTrip)
{
	auto server = waiting_server(100, "the answer");
	pid_t client = own_tid(), receiver = server->tid();
	EXPECT_EQ("the answer", send_receive(connection, "a question", 200).text);
	EXPECT_EQ(0, server->join());
	events = tracing.take();

	Event event = next("stplr_send", client);
	std::string seq = event["seq"];
	EXPECT_EQ("1", seq);
	expect_ids(event, seq);
	EXPECT_EQ("send_receive", event["kind"]);
	EXPECT_EQ("10", event["len"]);
	EXPECT_EQ("200", event["room"]);
	EXPECT_EQ("19", event["priority"]);
	EXPECT_EQ("message", event["how"]);

	event = next("stplr_wake", client);
	EXPECT_EQ(text(getpid()), event["pid"]);
	EXPECT_EQ(text(receiver), event["tid"]);

	event = next("stplr_receive", receiver);
	expect_ids(event, seq);
	std::string rcvid = event["rcvid"];
	EXPECT_EQ("1", rcvid);
	EXPECT_EQ(text(getpid()), event["client_pid"]);
	EXPECT_EQ(text(client), event["client_tid"]);
	EXPECT_EQ("10", event["len"]);

	event = next("stplr_copy", receiver);
	expect_ids(event, seq);
	EXPECT_EQ(rcvid, event["rcvid"]);
	EXPECT_EQ("send", event["direction"]);
	EXPECT_EQ("10", event["result"]);

	event = next("stplr_reply", receiver);
	expect_ids(event, seq);
	EXPECT_EQ(rcvid, event["rcvid"]);
	EXPECT_EQ("0", event["error"]);
	EXPECT_EQ("10", event["len"]);

	event = next("stplr_copy", receiver);
	expect_ids(event, seq);
	EXPECT_EQ("reply", event["direction"]);
	EXPECT_EQ("10", event["result"]);

	event = next("stplr_wake", receiver);
	EXPECT_EQ(text(client), event["tid"]);

	event = next("stplr_done", client);
	expect_ids(event, seq);
	EXPECT_EQ(rcvid, event["rcvid"]);
	EXPECT_EQ("0", event["result"]);
	EXPECT_EQ("10", event["len"]);
	EXPECT_EQ(place, events.size());
}

// Threads that look before they sleep, and do it in vain.
TEST_F(TraceTest, Looks)
{
	stplr_channel_create args = channel_args({}, STPLR_CHANNEL_SPIN);

	if (getenv("STPLR_TEST_LOAD"))
		GTEST_SKIP() << "where every processor is busy, nobody looks";
	args.spin_us = 100;
	channel.reset(channel_create(device, args));
	chid = args.chid;
	connection = new_connection(device, getpid(), chid);
	EXPECT_TRUE(eventually([this] {
		auto server = waiting_server(100, "the answer");
		EXPECT_EQ("the answer", send_receive(connection, "a question", 200).text);
		EXPECT_EQ(0, server->join());
		for (const Event &event : tracing.take_all()) {
			if (event.name != "stplr_spin" || event["word"] != "miss")
				continue;
			EXPECT_EQ(text(chid), event["chid"]) << event;
			EXPECT_LE(0, atol(event["ns"].c_str())) << event;
			return true;
		}
		return false;
	}));
}

// How the bytes go, by their number.
TEST_F(TraceTest, Copies)
{
	auto server = waiting_server(65536, std::string(3000, 'r'));
	EXPECT_EQ(3000u, send_receive(connection, std::string(2000, 's'), 3000).text.size());
	EXPECT_EQ(0, server->join());
	events = tracing.take();
	EXPECT_EQ("buffer", named("stplr_send")[0]["how"]);
	EXPECT_EQ("buffer", copy("send")["how"]);
	EXPECT_EQ("2000", copy("send")["result"]);
	EXPECT_EQ("3000", copy("reply")["result"]);

	server = waiting_server(65536, std::string(50000, 'r'));
	EXPECT_EQ(50000u, send_receive(connection, std::string(60000, 's'), 65536).text.size());
	EXPECT_EQ(0, server->join());
	events = tracing.take();
	EXPECT_EQ("pages", named("stplr_send")[0]["how"]);
	EXPECT_EQ("pages", copy("send")["how"]);
	EXPECT_EQ("60000", copy("send")["result"]);
	EXPECT_EQ("pages", copy("reply")["how"]);
	EXPECT_EQ("50000", copy("reply")["result"]);
	EXPECT_EQ("pages", named("stplr_done")[0]["how"]);
}

// One that is answered with an error, one that nobody receives, one that nobody waits for.
TEST_F(TraceTest, OtherEnds)
{
	{
		Sender client(connection, "x");
		EXPECT_EQ(0, reply_error(channel, receive(channel).rcvid(), EPERM));
		EXPECT_EQ(-EPERM, client.finish().result);
		events = tracing.take();
		EXPECT_EQ(text(EPERM), named("stplr_reply")[0]["error"]);
		EXPECT_EQ(text(-EPERM), named("stplr_done")[0]["result"]);
	}

	stplr_msg_send args = send_args(buffer("x"));
	args.clock = CLOCK_MONOTONIC;
	args.send_deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, msg_send(connection, args));
	events = tracing.take();
	EXPECT_EQ("send", named("stplr_send")[0]["kind"]);
	EXPECT_EQ(text(-ETIMEDOUT), named("stplr_done")[0]["result"]);
	EXPECT_TRUE(named("stplr_receive").empty());

	EXPECT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ(0, receive(channel).result);
	events = tracing.take();
	EXPECT_EQ("queued", named("stplr_send")[0]["kind"]);
	EXPECT_EQ(text(getpid()), named("stplr_receive")[0]["client_pid"]);
	EXPECT_EQ(named("stplr_send")[0]["seq"], named("stplr_receive")[0]["seq"]);
	EXPECT_TRUE(named("stplr_done").empty());
}

// A page of the server's is missing: it takes the message twice.
TEST_F(TraceTest, Fault)
{
	Mapping room(4096);
	stplr_msg_receive args = receive_args(buffer(room.data(), room.size()));
	OneWaySender client(connection, "x");

	EXPECT_EQ(0, msg_receive(channel, args));
	EXPECT_EQ(0, client.finish());
	events = tracing.take();
	std::vector<Event> received = named("stplr_receive");
	ASSERT_EQ(2u, received.size());
	EXPECT_EQ(received[0]["seq"], received[1]["seq"]);
	EXPECT_NE(received[0]["rcvid"], received[1]["rcvid"]);
	EXPECT_EQ(text(args.info.rcvid), received[1]["rcvid"]);
}

TEST_F(TraceTest, Pulses)
{
	EXPECT_EQ(0, pulse_send(connection, 7, 1234, 10));
	EXPECT_EQ(0, receive_pulse(channel).result);
	events = tracing.take();
	std::vector<Event> pulses = named("stplr_pulse");
	ASSERT_EQ(2u, pulses.size());
	EXPECT_EQ("queued", pulses[0]["word"]);
	EXPECT_EQ("received", pulses[1]["word"]);
	for (const Event &pulse : pulses) {
		expect_ids(pulse, "1");
		EXPECT_EQ("7", pulse["code"]);
		EXPECT_EQ("10", pulse["priority"]);
		EXPECT_EQ("pulse", pulse["origin"]);
	}
}

// A real-time client lends its server what it has, until it is answered.
TEST_F(TraceTest, Priority)
{
	Thread server([this] {
		Received message = receive(channel);

		EXPECT_EQ(0, reply(channel, message.rcvid()));
		return receive(channel).result;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	tracing.take();
	Thread client([this] {
		sched_param param = {};

		param.sched_priority = 10;
		EXPECT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
		return send_receive(connection, "x").result;
	});
	EXPECT_EQ(0, client.join());
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	events = tracing.take();
	std::vector<Event> priorities = named("stplr_priority");
	ASSERT_EQ(2u, priorities.size());
	for (const Event &event : priorities)
		EXPECT_EQ(text(server.tid()), event["tid"]) << event;
	EXPECT_EQ("19", priorities[0]["from"]);
	EXPECT_EQ("50", priorities[0]["to"]);
	EXPECT_EQ("50", priorities[1]["from"]);
	EXPECT_EQ("19", priorities[1]["to"]);
	EXPECT_EQ("50", named("stplr_receive")[0]["priority"]);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_F(TraceTest, Deaths)
{
	Child server([this](Child &child) {
		Received message = receive(channel);
		child.tell(message.result);
		pause();
		return 0;
	});
	Sender client(connection, "x");
	EXPECT_EQ(0, server.hear());
	server.kill(SIGKILL);
	server.wait();
	EXPECT_EQ(-ESRCH, client.finish().result);

	int killed_pid;
	{
		Child victim([this](Child &) { return int(send_receive(connection, "x").result); });
		ASSERT_TRUE(victim.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		killed_pid = victim.pid();
		victim.kill(SIGKILL);
		victim.wait();
	}
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(0, channel_destroy(channel));
	connection.reset();

	events = tracing.take();
	std::vector<std::string> what;
	for (const Event &death : named("stplr_death")) {
		what.push_back(death["what"]);
		EXPECT_EQ(text(getpid()), death["server"]) << death;
		EXPECT_EQ(text(chid), death["chid"]) << death;
		if (death["what"] == "client")
			EXPECT_EQ(killed_pid, death.tid);
		if (death["what"] == "client" || death["what"] == "detach")
			EXPECT_EQ(coid, death["coid"]);
	}
	// the victim, too, had the channel
	std::vector<std::string> expected = {"server",   "client",  "server",    "detach",
					     "shutdown", "channel", "connection"};
	EXPECT_EQ(expected, what);
}

// Read while messages go back and forth, and switched on and off between them: none is harmed. Not
// switched while they do, for QEMU's processors do not see in time that code has changed.
TEST_F(TraceTest, UnderLoad)
{
	tracing.write_file("buffer_size_kb", "64"); // to be read in little time
	EchoServer server(channel);

	for (int i = 0; i < 10 * test_repeat(); i++) {
		std::atomic<bool> stop{false};
		Thread client([&]() -> long {
			long rounds = 0;

			while (!stop) {
				std::string sent(rounds * 37 % 20000, 'a');

				EXPECT_EQ(sent, send_receive(connection, sent, 20000).text);
				rounds++;
			}
			return rounds;
		});
		size_t seen = 0;

		while (seen < 100)
			seen += tracing.take().size();
		stop = true;
		EXPECT_GT(client.join(), 0);
		ASSERT_TRUE(server.wait_blocked());
		tracing.write_file("events/stplr/enable", "0");
		EXPECT_EQ("untraced", send_receive(connection, "untraced", 20000).text);
		ASSERT_TRUE(server.wait_blocked());
		tracing.write_file("events/stplr/enable", "1");
	}
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.finish());
}

} // namespace
