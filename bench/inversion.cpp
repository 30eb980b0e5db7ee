// SPDX-License-Identifier: MIT
#include "inversion.h"

#include "realtime.h"
#include "report.h"
#include "stplr_calls.h"
#include "threads.h"

#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <random>

namespace bench
{

namespace
{

// All are SCHED_FIFO, on one processor. The background client keeps the server busy with what
// nobody waits for; the spinner takes the processor for long; the client must not notice either.
constexpr int clientPriority = 30;
constexpr int spinnerPriority = 20;
constexpr int serverPriority = 10;
constexpr int backgroundPriority = 5;

constexpr double serverWork = 0.002;
constexpr double spinnerBurst = 0.030;
constexpr double spinnerPeriod = 0.075;

// A client waits at most for what its servers do for one other message, and for its own; the rest
// is for the timers and interrupts of the machine.
constexpr double slack = 1.25;

enum class Asker : unsigned char { background, client };

// What a server saw of itself.
struct Seen {
	std::string before;
	std::string during;
	std::string after;
};

struct Result {
	double worst;
	double sum;
	unsigned count;
	std::vector<Seen> servers;
};

void ask(int connection, Asker asker)
{
	std::byte request{static_cast<unsigned char>(asker)}, reply;
	stplr_msg_send send = stplrSend(&request, &reply, 1);

	checked(ioctl(connection, STPLR_MSG_SEND_RECEIVE, &send), "ioctl(STPLR_MSG_SEND_RECEIVE)");
}

// Works on each message, with the help of the next server if there is one, until the channel ends.
void serve(int channel, int next, Seen &seen)
{
	std::byte request{}, reply{};
	stplr_msg_reply_receive turn = {};

	turn.receive.buffer = stplrBuffer(&request, 1);
	turn.receive.deadline = STPLR_DEADLINE_NONE;
	turn.receive.clock = CLOCK_MONOTONIC;
	turn.reply.reply = stplrBuffer(&reply, 1);
	seen.before = ownPriority();
	for (;;) {
		if (ioctl(channel, STPLR_MSG_REPLY_RECEIVE, &turn) < 0) {
			if (errno == ESRCH)
				return;
			throw CallError("ioctl(STPLR_MSG_REPLY_RECEIVE)");
		}
		turn.reply.rcvid = turn.receive.info.rcvid;

		const auto asker = static_cast<Asker>(request);
		if (asker == Asker::client)
			seen.during = ownPriority();
		else if (!seen.during.empty())
			seen.after = ownPriority();
		burn(serverWork);
		if (next >= 0)
			ask(next, asker);
	}
}

Result measure(unsigned depth, bool inherit, unsigned count, int cpu)
{
	const Fd device = openStplr();
	std::vector<Fd> channels, connections;
	Result result = {0, 0, count, std::vector<Seen>(depth)};
	std::atomic<bool> stop{false};
	Threads threads;

	for (unsigned at = 0; at < depth; at++) {
		const std::string name = stplrChannelName() + "-" + std::to_string(at);

		channels.push_back(createStplrChannel(device, name, 0,
						      inherit ? 0 : STPLR_CHANNEL_FIXED_PRIORITY));
		connections.push_back(attachStplr(device, name));
	}
	const auto among = [cpu](int priority) {
		stayOn(cpu);
		becomeRealTime(priority);
	};
	const auto goOn = [&] { return !stop && !threads.failed(); };

	for (unsigned at = 0; at < depth; at++)
		threads.add([&, at] {
			among(serverPriority);
			serve(channels[at], at + 1 < depth ? int(connections[at + 1]) : -1,
			      result.servers[at]);
		});
	// One that has never received is nobody's server yet.
	ask(connections[0], Asker::background);
	threads.add([&] {
		among(backgroundPriority);
		while (goOn()) {
			ask(connections[0], Asker::background);
			sleepUntil(secondsNow() + 4 * depth * serverWork);
		}
	});
	threads.add([&] {
		among(spinnerPriority);
		for (double next = secondsNow(); goOn(); next += spinnerPeriod) {
			const double end = secondsNow() + spinnerBurst;
			while (secondsNow() < end)
				;
			sleepUntil(next + spinnerPeriod);
		}
	});
	threads.add([&] {
		std::minstd_rand random;
		std::uniform_real_distribution<double> pause(4 * depth * serverWork,
							     12 * depth * serverWork);
		among(clientPriority);
		for (unsigned round = 0; round < count && goOn(); round++) {
			sleepUntil(secondsNow() + pause(random));
			const double start = secondsNow();
			ask(connections[0], Asker::client);
			const double took = secondsNow() - start;

			result.worst = std::max(result.worst, took);
			result.sum += took;
		}
		// What the servers see of themselves after is a background message's.
		sleepUntil(secondsNow() + 2 * spinnerPeriod + 8 * depth * serverWork);
		stop = true;
	});
	while (goOn())
		sleepUntil(secondsNow() + 0.02);
	// The background client's last message is answered first, unless something failed.
	if (!threads.failed())
		sleepUntil(secondsNow() + 2 * spinnerPeriod + 8 * depth * serverWork);
	for (const Fd &channel : channels)
		checked(ioctl(channel, STPLR_CHANNEL_DESTROY), "ioctl(STPLR_CHANNEL_DESTROY)");
	threads.rethrow();
	return result;
}

const char *nameOf(bool inherit)
{
	return inherit ? "with inheritance" : "fixed priority";
}

void print(const Options &options, unsigned depth, bool inherit, const Result &result)
{
	const double average = result.sum / result.count;

	if (options.json) {
		Fields fields = {
			{"benchmark", jsonString("inversion")},
			{"depth", std::to_string(depth)},
			{"inherit", inherit ? "true" : "false"},
			{"count", std::to_string(result.count)},
			{"cpu", std::to_string(options.cpus.client)},
			{"worst_ms", std::to_string(result.worst * 1e3)},
			{"average_ms", std::to_string(average * 1e3)},
		};
		std::string servers;
		for (const Seen &seen : result.servers)
			servers += (servers.empty() ? "[" : ",") + std::string("[") +
				   jsonString(seen.before) + "," + jsonString(seen.during) + "," +
				   jsonString(seen.after) + "]";
		fields.push_back({"servers", servers + "]"});
		printJson(fields);
		return;
	}
	printf("%u server%s %-16s worst %7.2f ms, average %6.2f ms\n", depth,
	       depth == 1 ? "," : "s,", nameOf(inherit), result.worst * 1e3, average * 1e3);
	for (unsigned at = 0; at < depth; at++) {
		const Seen &seen = result.servers[at];

		printf("    server %u about itself: before %s, during %s, after %s\n", at + 1,
		       seen.before.c_str(), seen.during.c_str(), seen.after.c_str());
	}
}

bool holds(const Options &options, const std::string &what, bool held)
{
	fprintf(options.json ? stderr : stdout, "%-6s %s\n", held ? "ok" : "MISSED", what.c_str());
	return held;
}

std::string milliseconds(double seconds)
{
	char text[32];

	snprintf(text, sizeof(text), "%.2f ms", seconds * 1e3);
	return text;
}

bool check(const Options &options, unsigned depth, bool inherit, const Result &result)
{
	const double bound = 2 * depth * serverWork * slack;
	const std::string what = std::to_string(depth) + " deep, " + nameOf(inherit) + ": worst " +
				 milliseconds(result.worst);
	const std::string lent =
		"FIFO " + std::to_string(inherit ? clientPriority : serverPriority);
	const std::string own = "FIFO " + std::to_string(serverPriority);
	bool met = inherit ? holds(options,
				   what + ", at most " + milliseconds(bound) +
					   ": the servers' work for two messages, and a quarter",
				   result.worst <= bound)
			   : holds(options,
				   what + ", more than " + milliseconds(bound) +
					   ": the spinner's burst is in it",
				   result.worst > bound);

	for (const Seen &seen : result.servers)
		met &= holds(options, "    a server's priority " + own + ", " + lent + ", " + own,
			     seen.before == own && seen.during == lent && seen.after == own);
	return met;
}

} // namespace

bool runInversion(const Options &options)
{
	const unsigned count = options.count ? options.count : 150;
	bool met = true;

	if (!options.json)
		printf("A client's wait, %u times; %s\n"
		       "All on processor %d: client FIFO %d, spinner FIFO %d (%.0f of each %.0f "
		       "ms), "
		       "servers FIFO %d,\n"
		       "%.0f ms of work a message each, also for a background client of FIFO "
		       "%d\n\n",
		       count, conditions(options).c_str(), options.cpus.client, clientPriority,
		       spinnerPriority, spinnerBurst * 1e3, spinnerPeriod * 1e3, serverPriority,
		       serverWork * 1e3, backgroundPriority);
	for (const unsigned depth : {1U, 3U})
		for (const bool inherit : {true, false}) {
			const Result result = measure(depth, inherit, count, options.cpus.client);

			print(options, depth, inherit, result);
			if (options.check)
				met &= check(options, depth, inherit, result);
		}
	return met;
}

} // namespace bench
