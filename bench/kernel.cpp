// SPDX-License-Identifier: MIT
#include "kernel.h"

#include "kernel_side.h"
#include "kernel_ways.h"
#include "payload.h"
#include "report.h"
#include "roundtrip.h"
#include "stopwatch.h"
#include "stplr_calls.h"
#include "threads.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

namespace bench
{

namespace
{

constexpr unsigned batchSize = 32;
constexpr std::uint64_t fullRounds = 3;
constexpr std::size_t barSize = 1024;

// What a message has cost: both sides, and where they can be told apart each of them.
struct Cost {
	Outcome both;
	double kernel = 0;
	double process = 0;
};

// The rounds of one figure, which have so many messages each: some in which every byte counts, some
// to warm up, the timed ones in parts, and again some in which every byte counts.
class Schedule
{
public:
	Schedule(std::uint64_t messages, unsigned batch)
		: batch(batch), part(std::max<std::uint64_t>(messages / batch / Costs::most, 1))
	{
	}

	// What a part takes is what its rounds do, less what they do around that. `round` gets the
	// number of its first message, and whether every byte counts; it returns the kernel's part
	// of the cost. Returns the mean of that.
	template <typename Round, typename Around>
	double run(Costs &costs, const Round &round, const Around &around) const
	{
		double kernel = 0;
		std::uint64_t number = 0;
		const auto next = [&](bool full) {
			const double cost = round(number, full);

			number += batch;
			return cost;
		};

		for (std::uint64_t at = 0; at < fullRounds; at++)
			next(true);
		for (std::uint64_t at = 0; at < part; at++) {
			next(false);
			around();
		}
		costs.batches = Costs::most;
		for (double &cost : costs.batch) {
			const double start = clockNow();

			for (std::uint64_t at = 0; at < part; at++)
				kernel += next(false);

			const double between = clockNow();

			for (std::uint64_t at = 0; at < part; at++)
				kernel -= around();
			cost = (2 * between - start - clockNow()) /
			       static_cast<double>(part * batch);
		}
		for (std::uint64_t at = 0; at < fullRounds; at++)
			next(true);
		return kernel / static_cast<double>(Costs::most * part * batch);
	}

	const unsigned batch;
	// Rounds in a part.
	const std::uint64_t part;
};

void verify(const std::byte *bytes, std::size_t size, std::uint64_t number, bool full)
{
	if (full ? hasPattern(bytes, size, number) : hasStamp(bytes, size, number))
		return;
	throw std::runtime_error("message " + std::to_string(number) +
				 " arrived with other bytes than were sent");
}

void prepare(std::byte *bytes, std::size_t size, std::uint64_t number, bool full)
{
	if (full)
		fillPattern(bytes, size, number);
	else
		writeStamp(bytes, size, number);
}

// Measures in a process of its own, which puts the kernel's part where this one finds it.
template <typename Measure> Cost measure(const std::string &what, const Measure &measure)
{
	const Mapping memory = sharedMemory(sizeof(double));
	double &kernel = *memory.as<double>();
	Cost cost;

	printProgress(what);
	cost.both =
		runIsolated(what, [&](Measurement &measurement) { measure(measurement, kernel); });
	printProgress("");
	cost.kernel = kernel;
	cost.process = cost.both.cost - kernel;
	return cost;
}

// The kernel sends so many, and then this process receives them: nobody sleeps.
Cost measureFromKernel(const FromKernel &from, std::size_t size, const Schedule &schedule,
		       const Cpus &cpus)
{
	return measure(from.name, [&](Measurement &measurement, double &kernelsPart) {
		pinToCpu(cpus.client);

		KernelSide kernel;
		const Receivers receivers = from.make(kernel, size);

		kernelsPart = schedule.run(
			measurement.costs,
			[&](std::uint64_t number, bool full) {
				const double cost =
					kernel.send(from.way, schedule.batch,
						    (schedule.batch > 1 ? BENCH_BATCH : 0) |
							    (full ? BENCH_FULL : 0),
						    number);

				for (const std::unique_ptr<Receiver> &receiver : receivers) {
					std::uint64_t next = number;

					receiver->receive(schedule.batch, number,
							  [&](const std::byte *bytes) {
								  verify(bytes, size, next++, full);
							  });
				}
				return cost;
			},
			[&] { return kernel.send(BENCH_NOTHING, schedule.batch, 0, 0); });
	});
}

// Receives for good, one at a time, and tells the kernel each time.
void receiveAll(KernelSide &kernel, Receiver &receiver, std::size_t size)
{
	for (std::uint64_t number = 0;; number++) {
		receiver.receive(1, number, [&](const std::byte *bytes) {
			verify(bytes, size, number, false);
		});
		kernel.acknowledge();
	}
}

// One at a time, to another process, which sleeps, with a thread for each reader; and these tell
// the kernel, which sleeps.
Cost measureWoken(const FromKernel &from, std::size_t size, const Schedule &schedule,
		  const Cpus &cpus)
{
	return measure(std::string(from.name) + ", asleep", [&](Measurement &measurement,
								double &) {
		KernelSide kernel;

		measurement.runBothSides(
			cpus,
			[&](const std::function<void()> &ready) {
				const Receivers receivers = from.make(kernel, size);

				ready();
				if (receivers.size() == 1)
					receiveAll(kernel, *receivers.front(), size);

				Threads threads;

				for (const std::unique_ptr<Receiver> &receiver : receivers)
					threads.add([&] { receiveAll(kernel, *receiver, size); });
				threads.awaitFailure();
				threads.rethrow();
			},
			[&] {
				schedule.run(
					measurement.costs,
					[&](std::uint64_t number, bool) {
						kernel.send(from.way, 1, 0, number, from.readers);
						return 0.0;
					},
					[] { return 0.0; });
			});
	});
}

// This process sends so many, and the kernel receives them, in this thread.
Cost measureToKernel(const ToKernel &to, std::size_t size, const Schedule &schedule,
		     const Cpus &cpus)
{
	return measure(to.name, [&](Measurement &measurement, double &kernelsPart) {
		std::uint64_t sent = 0;

		pinToCpu(cpus.client);

		KernelSide kernel;
		const std::unique_ptr<Sender> sender = to.make(kernel, size);

		kernelsPart = schedule.run(
			measurement.costs,
			[&](std::uint64_t number, bool full) {
				const unsigned flags = full ? BENCH_FULL : 0;

				if (!to.drained)
					kernel.expect(number, flags);
				for (unsigned at = 0; at < schedule.batch; at++) {
					prepare(sender->place(), size, number + at, full);
					sender->send(at + 1 < schedule.batch);
				}
				sent += schedule.batch;
				return to.drained ? kernel.expect(number, flags, schedule.batch)
						  : 0;
			},
			[&] {
				const double cost = kernel.expect(0, 0);

				return to.drained ? cost : 0;
			});
		kernel.expectReceived(sent);
	});
}

// A call of the kernel's server, and its answer: as long as the request.
Cost measureCall(std::size_t size, const Schedule &schedule, const Cpus &cpus)
{
	return measure("calls of " + sizeName(size), [&](Measurement &measurement, double &) {
		std::uint64_t sent = 0;

		pinToCpu(cpus.client);

		KernelSide kernel;
		const std::string name = stplrChannelName();

		kernel.setUp(BENCH_SERVER, size, name);

		const Fd device = openStplr();
		const Fd connection = attachStplr(device, name);
		const Mapping out = messageBuffer(size), in = messageBuffer(size);
		struct stplr_msg_send send = stplrSend(out.bytes(), in.bytes(), size);
		bool before = false;

		schedule.run(
			measurement.costs,
			[&](std::uint64_t number, bool full) {
				if (full != before || !number)
					kernel.expect(number, full ? BENCH_FULL : 0);
				before = full;
				prepare(out.bytes(), size, number, full);
				checked(ioctl(connection, STPLR_MSG_SEND_RECEIVE, &send),
					"ioctl(STPLR_MSG_SEND_RECEIVE)");
				verify(in.bytes(), size, ~number, full);
				sent++;
				return 0.0;
			},
			[] { return 0.0; });
		kernel.expectReceived(sent);
	});
}

// A side's part; null where the two cannot be told apart.
std::string jsonPart(const Cost &cost, double part)
{
	return cost.both.supported && cost.kernel != 0 ? fixed(part, 2) : "null";
}

// What is told, line by line, and the bars.
class Report : public Bars
{
public:
	explicit Report(const Options &options) : Bars(options)
	{
		if (!options.json)
			printf("Between the kernel and a process, %s; %s\n", unitName(options),
			       conditions(options).c_str());
	}

	void add(const char *direction, const std::string &what, std::size_t size, unsigned batch,
		 std::uint64_t count, const Cost &cost, bool carriesData = true) const
	{
		if (!options_.json)
			return;

		Fields fields = {
			{"benchmark", jsonString("kernel")},
			{"direction", jsonString(direction)},
			{"what", jsonString(what)},
			{"size", std::to_string(size)},
			{"batch", std::to_string(batch)},
			{"data", carriesData ? "true" : "false"},
			{"kernel_ns", jsonPart(cost, cost.kernel)},
			{"process_ns", jsonPart(cost, cost.process)},
		};
		const Fields common = commonFields(options_, count, cost.both);

		fields.insert(fields.end(), common.begin(), common.end());
		printJson(fields);
	}
	bool table() const
	{
		return !options_.json;
	}
};

std::string figure(const Outcome &outcome)
{
	return outcome.supported ? grouped(outcome.cost) : "-";
}

std::string kernelFigure(const Cost &cost)
{
	return cost.both.supported ? grouped(cost.kernel) : "-";
}

std::string processFigure(const Cost &cost)
{
	return cost.both.supported ? grouped(cost.process) : "-";
}

// Below a table: why ways are not in it.
class Reasons
{
public:
	void add(const char *name, const Cost &cost)
	{
		if (!cost.both.supported)
			text_ += std::string("- ") + name + ": " + cost.both.reason + "\n";
	}
	void print() const
	{
		fputs(text_.c_str(), stdout);
	}

private:
	std::string text_;
};

void runCalls(const Options &options, Report &report)
{
	const std::uint64_t count = options.count ? options.count : defaultRounds(64);
	const Outcome empty = measureRoundTrip(*findTransport("getppid"), 64,
					       {options.warmUp, count}, options.cpus);
	std::map<std::size_t, Outcome> driver, process;

	for (const std::size_t size : {std::size_t(64), std::size_t(65536)}) {
		const std::uint64_t rounds = options.count ? options.count : defaultRounds(size);
		const Cost cost = measureCall(size, {rounds, 1}, options.cpus);

		driver[size] = cost.both;
		process[size] = measureRoundTrip(*findTransport("stplr"), size,
						 {options.warmUp, rounds}, options.cpus);
		report.add("call", "a driver", size, 1, rounds, cost);
		report.add("call", "another process", size, 1, rounds, {process[size]});
	}
	report.add("call", "two empty system calls", 0, 1, count, {empty});
	if (report.table()) {
		printf("\n%-34s%11s%11s\n", "A call, there and back", "64 B", "64 KiB");
		printf("%-34s%11s", "a driver, in the caller's thread", figure(driver[64]).c_str());
		printf("%11s\n", figure(driver[65536]).c_str());
		printf("%-34s%11s", "another process", figure(process[64]).c_str());
		printf("%11s\n", figure(process[65536]).c_str());
		printf("%-34s%11s\n\n", "two empty system calls", figure(empty).c_str());
	}
	report.bar("call 64 B, of 1,500", driver[64], constant(1500), 1);
	report.bar("call / two system calls, 64 B", driver[64], empty, 2.2);
	report.bar("call / process, 64 B", driver[64], process[64], 0.20);
	report.bar("call / process, 64 KiB", driver[65536], process[65536], 0.75);
}

void runFromKernel(const Options &options, std::size_t size, Report &report)
{
	const std::uint64_t count = options.count ? options.count : defaultRounds(64);
	std::map<std::string, Outcome> one, many;
	Reasons reasons;

	if (report.table())
		printf("\n%-34s%9s%9s%9s%11s%9s%9s%11s\n%-34s%9s%9s%9s%11s%9s%9s%11s\n",
		       ("From the kernel, " + sizeName(size)).c_str(), "one:", "", "",
		       "32, each:", "", "", "asleep:", "", "kernel", "process", "both", "kernel",
		       "process", "both", "and back");
	for (const FromKernel &from : waysFromKernel()) {
		const Cost single = measureFromKernel(from, size, {count, 1}, options.cpus);
		const Cost batch =
			measureFromKernel(from, size, {10 * count, batchSize}, options.cpus);
		const Cost woken = measureWoken(from, size, {count, 1}, options.cpus);
		const std::string name = from.name + std::string(from.carriesData ? "" : " *");

		one[from.name] = single.both;
		many[from.name] = batch.both;
		report.add("from kernel", from.name, size, 1, count, single, from.carriesData);
		report.add("from kernel", from.name, size, batchSize, 10 * count, batch,
			   from.carriesData);
		report.add("from kernel, asleep", from.name, size, 1, count, woken,
			   from.carriesData);
		if (!report.table())
			continue;
		printf("%-34s%9s", name.c_str(), kernelFigure(single).c_str());
		printf("%9s%9s", processFigure(single).c_str(), figure(single.both).c_str());
		printf("%11s%9s", kernelFigure(batch).c_str(), processFigure(batch).c_str());
		printf("%9s%11s\n", figure(batch.both).c_str(), figure(woken.both).c_str());
		reasons.add(from.name, single);
	}
	if (report.table()) {
		puts("* moves no data");
		reasons.print();
	}
	if (size != barSize)
		return;
	report.bar("post / netlink, 1,024 B", one["post"], one["netlink"], 0.8);
	report.bar("a post of 32 / netlink, 1,024 B", many["post"], one["netlink"], 0.35);
}

void runToKernel(const Options &options, std::size_t size, const Report &report)
{
	const std::uint64_t count = options.count ? options.count : defaultRounds(64);
	Reasons reasons;

	if (report.table())
		printf("\n%-34s%9s%9s%9s%11s\n", ("To the kernel, " + sizeName(size)).c_str(),
		       "kernel", "process", "both", "32, each");
	for (const ToKernel &to : waysToKernel()) {
		const Cost single = measureToKernel(to, size, {count, 1}, options.cpus);
		const Cost batch = measureToKernel(to, size, {10 * count, batchSize}, options.cpus);

		report.add("to kernel", to.name, size, 1, count, single);
		report.add("to kernel", to.name, size, batchSize, 10 * count, batch);
		if (!report.table())
			continue;
		reasons.add(to.name, single);
		if (to.drained)
			printf("%-34s%9s%9s", to.name, kernelFigure(single).c_str(),
			       processFigure(single).c_str());
		else
			printf("%-34s%9s%9s", to.name, "", "");
		printf("%9s", figure(single.both).c_str());
		printf("%11s\n", figure(batch.both).c_str());
	}
	reasons.print();
}

} // namespace

bool runKernel(const Options &options)
{
	const KernelModule module;
	Report report(options);
	std::vector<std::size_t> sizes = options.sizes;

	if (options.check && std::find(sizes.begin(), sizes.end(), barSize) == sizes.end())
		sizes.push_back(barSize);
	runCalls(options, report);
	for (const std::size_t size : sizes) {
		runFromKernel(options, size, report);
		runToKernel(options, size, report);
	}
	return report.met();
}

} // namespace bench
