// SPDX-License-Identifier: MIT
// Two processes: the clients' has a thread and a connection for each, and the server's a thread for
// each of its. Either all server threads receive on one channel, or each has its own, and the
// clients are spread over these. The scheduler places all.
#include "crowd.h"

#include "caller.h"
#include "machine.h"
#include "report.h"
#include "roundtrip.h"
#include "stopwatch.h"
#include "stplr_calls.h"
#include "threads.h"

#include <sys/ioctl.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>

namespace bench
{

namespace
{

constexpr std::size_t messageSize = 64;
constexpr double second = 1e9;

struct Crowd {
	unsigned clients;
	unsigned threads;
	// One channel for each server thread; otherwise one for all.
	bool each;

	unsigned channels() const
	{
		return each ? threads : 1;
	}
};

// A client's calls so far; nobody else writes to its line.
struct alignas(64) Calls {
	std::atomic<std::uint64_t> answered{0};
};

void serve(int channel)
{
	std::byte request[messageSize], answer[messageSize];
	stplr_msg_reply_receive turn = {};

	turn.receive.buffer = stplrBuffer(request, messageSize);
	turn.receive.deadline = STPLR_DEADLINE_NONE;
	turn.receive.clock = CLOCK_MONOTONIC;
	turn.reply.reply = stplrBuffer(answer, messageSize);
	checked(ioctl(channel, STPLR_MSG_RECEIVE, &turn.receive), "ioctl(STPLR_MSG_RECEIVE)");
	for (;;) {
		writeAnswer(answer, messageSize,
			    arrivedNumber(request, turn.receive.info.src_len, messageSize));
		turn.reply.rcvid = turn.receive.info.rcvid;
		checked(ioctl(channel, STPLR_MSG_REPLY_RECEIVE, &turn),
			"ioctl(STPLR_MSG_REPLY_RECEIVE)");
	}
}

// They end with this: nobody waits at them any more.
class Channels
{
public:
	explicit Channels(const std::vector<std::string> &names)
	{
		const Fd device = openStplr();

		for (const std::string &name : names)
			channels_.push_back(createStplrChannel(device, name));
	}
	Channels(const Channels &) = delete;
	~Channels()
	{
		for (const Fd &channel : channels_)
			ioctl(channel, STPLR_CHANNEL_DESTROY);
	}
	int of(unsigned thread) const
	{
		return channels_[thread % channels_.size()];
	}

private:
	std::vector<Fd> channels_;
};

// Until this process is killed, or a thread fails.
void serveAll(const Crowd &crowd, const std::vector<std::string> &names,
	      const std::function<void()> &ready)
{
	Threads threads;
	{
		const Channels channels(names);

		for (unsigned at = 0; at < crowd.threads; at++)
			threads.add([channel = channels.of(at)] { serve(channel); });
		ready();
		threads.awaitFailure();
	}
	threads.rethrow();
}

std::uint64_t sum(const std::vector<Calls> &calls)
{
	std::uint64_t all = 0;

	for (const Calls &client : calls)
		all += client.answered.load(std::memory_order_relaxed);
	return all;
}

bool allHaveAnswers(const std::vector<Calls> &calls)
{
	for (const Calls &client : calls)
		if (!client.answered.load(std::memory_order_relaxed))
			return false;
	return true;
}

// However a scope ends, its threads do.
struct Stopper {
	std::atomic<bool> &stop;

	~Stopper()
	{
		stop = true;
	}
};

void callFromAll(const std::vector<std::string> &names, std::vector<Calls> &calls, double duration,
		 Measurement &measurement)
{
	const Fd device = openStplr();
	std::atomic<bool> stop{false};
	Costs &costs = measurement.costs;
	Threads threads;
	const Stopper stopper{stop};

	allowDescriptors(calls.size());
	for (unsigned id = 0; id < calls.size(); id++)
		threads.add([&, id] {
			Caller caller(attachStplr(device, names[id % names.size()]), id,
				      messageSize);

			while (!stop) {
				if (!caller.call())
					throw std::runtime_error("the channel has ended");
				calls[id].answered.fetch_add(1, std::memory_order_relaxed);
			}
		});

	const auto pause = [&](double time) {
		std::this_thread::sleep_for(std::chrono::duration<double, std::nano>(time));
	};

	while (!allHaveAnswers(calls) && !threads.failed())
		pause(0.01 * second);
	pause(0.1 * second);

	const double busy = measurement.busy();
	const double start = clockNow();
	const std::uint64_t first = sum(calls);

	pause(duration);

	const std::uint64_t messages = sum(calls) - first;

	costs.batches = 1;
	costs.batch[0] = (clockNow() - start) / static_cast<double>(messages);
	costs.busy = (measurement.busy() - busy) / static_cast<double>(messages);
	stop = true;
	threads.rethrow();
	if (!messages)
		throw std::runtime_error("nobody was answered; --seconds makes it take longer");
}

Outcome measure(const Crowd &crowd, double duration)
{
	return runIsolated(
		"stplr, " + std::to_string(crowd.clients) + " clients, " +
			std::to_string(crowd.threads) + " server threads",
		[&](Measurement &measurement) {
			std::vector<Calls> calls(crowd.clients);
			std::vector<std::string> names;

			while (names.size() < crowd.channels())
				names.push_back(stplrChannelName() + "-" +
						std::to_string(names.size()));
			measurement.runBothSides(
				{Cpus::any, Cpus::any},
				[&](const std::function<void()> &ready) {
					serveAll(crowd, names, ready);
				},
				[&] { callFromAll(names, calls, duration, measurement); });
		});
}

void printLine(const Options &options, const Crowd &crowd, const Outcome &outcome)
{
	Fields fields = {
		{"benchmark", jsonString("scaling")},
		{"transport", jsonString("stplr")},
		{"size", std::to_string(messageSize)},
		{"clients", std::to_string(crowd.clients)},
		{"threads", std::to_string(crowd.threads)},
		{"channels", std::to_string(crowd.channels())},
		{"channel_each", crowd.each ? "true" : "false"},
		{"messages_per_second", fixed(second / outcome.cost, 0)},
	};
	const std::uint64_t count = static_cast<std::uint64_t>(
		second * static_cast<double>(options.seconds) / outcome.cost);
	const Fields common = commonFields(options, count, outcome);

	fields.insert(fields.end(), common.begin(), common.end());
	printJson(fields);
}

void runOne(const Options &options, const Crowd &crowd)
{
	const Outcome outcome = measure(crowd, second * static_cast<double>(options.seconds));

	if (!outcome.supported)
		throw std::runtime_error("stplr: not supported: " + outcome.reason);
	if (options.json)
		printLine(options, crowd, outcome);
	else
		printf("%12s", grouped(second / outcome.cost).c_str());
	fflush(stdout);
}

} // namespace

bool runScaling(const Options &options)
{
	if (options.json)
		printJson({{"machine", machineJson()}});
	else
		printf("Messages of %s and their answers, a second; %s\n%s\n",
		       sizeName(messageSize).c_str(), conditions(options).c_str(),
		       machineText().c_str());
	for (const bool each : {false, true}) {
		if (!options.json) {
			printf("\n%-16s", each ? "a channel each" : "one channel");
			for (const unsigned threads : options.threads)
				printf("%12s", (std::to_string(threads) + " server" +
						(threads > 1 ? "s" : ""))
						       .c_str());
			putchar('\n');
		}
		for (const unsigned clients : options.clients) {
			if (!options.json)
				printf("%4u client%-5s", clients, clients > 1 ? "s" : "");
			for (const unsigned threads : options.threads)
				runOne(options, {clients, threads, each});
			if (!options.json)
				putchar('\n');
		}
	}
	return true;
}

} // namespace bench
