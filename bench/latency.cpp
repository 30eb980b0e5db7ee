// SPDX-License-Identifier: MIT
#include "latency.h"

#include "realtime.h"
#include "report.h"
#include "stopwatch.h"
#include "stplr_calls.h"

#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <thread>

namespace bench
{

namespace
{

constexpr int clientPriority = 80;
constexpr int serverPriority = 10;
constexpr double pause = 0.0005;

// Ordinary threads that take what is left of the processors while this exists.
class Load
{
public:
	explicit Load(const Cpus &cpus)
	{
		add(cpus.client);
		if (cpus.server != cpus.client)
			add(cpus.server);
	}
	~Load()
	{
		stop_ = true;
		for (std::thread &thread : threads_)
			thread.join();
	}

private:
	void add(int cpu)
	{
		threads_.emplace_back([this, cpu] {
			stayOn(cpu);
			while (!stop_)
				;
		});
	}

	std::atomic<bool> stop_{false};
	std::vector<std::thread> threads_;
};

// Each message says when it was sent; what the server notes is when it has it, in ns after that.
std::vector<double> serve(int channel, std::uint64_t count, int cpu)
{
	double sent;
	std::vector<double> latencies;
	stplr_msg_reply_receive turn = {};

	latencies.reserve(count);
	stayOn(cpu);
	becomeRealTime(serverPriority);
	turn.receive.buffer = stplrBuffer(reinterpret_cast<std::byte *>(&sent), sizeof(sent));
	turn.receive.deadline = STPLR_DEADLINE_NONE;
	turn.receive.clock = CLOCK_MONOTONIC;
	while (latencies.size() < count) {
		checked(ioctl(channel, STPLR_MSG_REPLY_RECEIVE, &turn),
			"ioctl(STPLR_MSG_REPLY_RECEIVE)");
		latencies.push_back(clockNow() - sent);
		turn.reply.rcvid = turn.receive.info.rcvid;
	}
	checked(ioctl(channel, STPLR_MSG_REPLY, &turn.reply), "ioctl(STPLR_MSG_REPLY)");
	return latencies;
}

void send(int connection, std::uint64_t count, int cpu)
{
	double sent;
	stplr_msg_send args = stplrSend(reinterpret_cast<std::byte *>(&sent), nullptr, 0);

	args.send.len = sizeof(sent);
	stayOn(cpu);
	becomeRealTime(clientPriority);
	for (std::uint64_t round = 0; round < count; round++) {
		sleepUntil(secondsNow() + pause);
		sent = clockNow();
		checked(ioctl(connection, STPLR_MSG_SEND_RECEIVE, &args),
			"ioctl(STPLR_MSG_SEND_RECEIVE)");
	}
}

void printHistogram(const Options &options, const std::vector<double> &sorted)
{
	constexpr int width = 50;
	const double unit = 1000;
	std::size_t counts[32] = {};
	int first = 31, last = 0;

	for (const double latency : sorted) {
		int bucket = 0;
		while (bucket < 31 && latency >= unit * (1U << bucket))
			bucket++;
		counts[bucket]++;
		first = std::min(first, bucket);
		last = std::max(last, bucket);
	}
	for (int bucket = first; bucket <= last; bucket++) {
		const int bar = int(double(counts[bucket]) * width / sorted.size() + 0.5);

		printf("below %7u %s %8zu  %s\n", 1U << bucket,
		       options.instructions ? "thousand" : "us", counts[bucket],
		       std::string(bar, '#').c_str());
	}
}

} // namespace

bool runLatency(const Options &options)
{
	const std::uint64_t count = options.count ? options.count : 5000;
	const Fd device = openStplr();
	const Fd channel = createStplrChannel(device, stplrChannelName());
	const Fd connection = attachStplr(device, stplrChannelName());
	std::vector<double> latencies;
	{
		const Load load(options.cpus);
		auto server = std::async(std::launch::async, serve, int(channel), count,
					 options.cpus.server);
		// Its own thread, so that this one is not left a real-time one.
		auto client = std::async(std::launch::async, [&] {
			try {
				send(connection, count, options.cpus.client);
			} catch (...) {
				ioctl(channel, STPLR_CHANNEL_DESTROY);
				throw;
			}
		});
		client.get();
		latencies = server.get();
	}
	std::sort(latencies.begin(), latencies.end());

	const auto quantile = [&](double part) {
		return latencies[std::size_t(part * double(latencies.size() - 1))];
	};
	if (options.json) {
		Fields fields = {
			{"benchmark", jsonString("latency")},
			{"count", std::to_string(count)},
			{"median_ns", std::to_string(quantile(0.5))},
			{"p99_ns", std::to_string(quantile(0.99))},
			{"p999_ns", std::to_string(quantile(0.999))},
			{"worst_ns", std::to_string(latencies.back())},
		};
		printJson(fields);
		return true;
	}
	printf("From the send of a client (FIFO %d) to its server's return from the receive (FIFO "
	       "%d);\n"
	       "ordinary threads take all other time; %s\n\n",
	       clientPriority, serverPriority, conditions(options).c_str());
	printHistogram(options, latencies);
	printf("\nmedian %s, 99 %% %s, 99.9 %% %s, worst %s %s\n", grouped(quantile(0.5)).c_str(),
	       grouped(quantile(0.99)).c_str(), grouped(quantile(0.999)).c_str(),
	       grouped(latencies.back()).c_str(), unitName(options));
	return true;
}

} // namespace bench
