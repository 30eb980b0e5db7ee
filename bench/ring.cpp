// SPDX-License-Identifier: MIT
#include "ring.h"

#include "payload.h"
#include "report.h"
#include "ring_end.h"
#include "roundtrip.h"
#include "stopwatch.h"
#include "stplr_calls.h"
#include "transport.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <type_traits>

namespace bench
{

namespace
{

constexpr unsigned batchSize = 64;
constexpr unsigned streamPages = 256;
constexpr unsigned streamSpin = 100000;

// Which of a measurement's records are filled and verified to the last byte: the first few and the
// last few. The others carry their number at both ends.
class Records
{
public:
	Records(std::size_t size, std::uint64_t timed, std::uint64_t full = 3)
		: size(size), timed(timed), full(full)
	{
	}

	std::uint64_t end() const
	{
		return timed + 2 * full;
	}
	// Where one of the timed parts ends.
	std::uint64_t endOf(int batch) const
	{
		return full + timed * static_cast<unsigned>(batch + 1) / Costs::most;
	}
	// The timed ones, and where it can be the size, are told apart by who knows already: it
	// would be a part of the figure.
	template <bool full>
	static void prepare(std::size_t size, std::byte *record, std::uint64_t number)
	{
		if (full)
			fillPattern(record, size, number);
		else
			writeStamp(record, size, number);
	}
	template <bool full>
	static void verify(std::size_t size, const std::byte *record, std::uint64_t number)
	{
		if (full ? hasPattern(record, size, number) : hasStamp(record, size, number))
			return;
		throw std::runtime_error("record " + std::to_string(number) +
					 " arrived with other bytes than were written");
	}
	template <bool full> void prepare(std::byte *record, std::uint64_t number) const
	{
		prepare<full>(size, record, number);
	}
	void verify(const std::byte *record, std::uint64_t number) const
	{
		if (number < full || number >= timed + full)
			verify<true>(size, record, number);
		else
			verify<false>(size, record, number);
	}

	const std::size_t size;
	const std::uint64_t timed;
	const std::uint64_t full;
};

using Full = std::true_type;
using Timed = std::false_type;

// Calls `send` for every record, with Full outside of the timing and Timed inside, and `awaitAll`
// before the time is taken.
template <typename Send, typename AwaitAll>
void timeRecords(const Records &records, Costs &costs, const Send &send, const AwaitAll &awaitAll)
{
	std::uint64_t number = 0;

	for (; number < records.full; number++)
		send(number, Full());
	awaitAll();
	costs.batches = Costs::most;
	for (int batch = 0; batch < Costs::most; batch++) {
		const std::uint64_t first = number;
		const double start = clockNow();

		for (const std::uint64_t end = records.endOf(batch); number < end; number++)
			send(number, Timed());
		awaitAll();
		costs.batch[batch] = (clockNow() - start) / static_cast<double>(number - first);
	}
	for (; number < records.end(); number++)
		send(number, Full());
	awaitAll();
}

// One process has both ends, so that the figure is what both sides cost.
template <std::size_t size> Outcome measureInPlace(std::uint64_t count, const Cpus &cpus)
{
	return runIsolated("ring in place", [&](Measurement &measurement) {
		const Records records(size, count);

		pinToCpu(cpus.client);

		const Fd device = openStplr();
		const std::string name = stplrChannelName();
		const Fd set = createRings(device, name, 16, 0);
		RingEnd writer(openRing(set));
		RingEnd reader(attachRing(device, name));

		timeRecords(
			records, measurement.costs,
			[&](std::uint64_t number, auto full) {
				Records::prepare<full>(size, writer.reserve(size), number);
				writer.commit(size);
				Records::verify<full>(size, reader.peek(size), number);
				reader.release();
			},
			[] {});
	});
}

template <std::size_t size> Outcome measureCopy(std::uint64_t count, const Cpus &cpus)
{
	return runIsolated("ring by copy", [&](Measurement &measurement) {
		const Records records(size, count);
		const Buffers buffers(size);

		pinToCpu(cpus.client);

		const Fd device = openStplr();
		const std::string name = stplrChannelName();
		const Fd set = createRings(device, name, 16, 0);
		RingEnd writer(openRing(set));
		RingEnd reader(attachRing(device, name));

		timeRecords(
			records, measurement.costs,
			[&](std::uint64_t number, auto full) {
				Records::prepare<full>(size, buffers.out.bytes(), number);
				writer.write(buffers.out.bytes(), size);
				reader.read(buffers.in.bytes(), size);
				Records::verify<full>(size, buffers.in.bytes(), number);
			},
			[] {});
	});
}

double timesSlept()
{
	rusage usage;

	checked(getrusage(RUSAGE_SELF, &usage), "getrusage");
	return static_cast<double>(usage.ru_nvcsw);
}

// A writer that publishes 64 records quietly, looks once whether the reader waits, and waits for
// its answer. The cost is a record's; `wakeUps` is how often the reader slept a batch.
Outcome measureBatches(std::size_t size, std::uint64_t batches, const Cpus &cpus, double &wakeUps)
{
	const Mapping memory = sharedMemory(sizeof(double));
	double &slept = *memory.as<double>();
	const Outcome outcome = runIsolated("ring, batches", [&](Measurement &measurement) {
		const Records records(size, batches * batchSize, batchSize);
		const Fd device = openStplr();
		const std::string name = stplrChannelName();
		const Fd set = createRings(device, name, 4, 1);
		Fd end = openRing(set);

		measurement.runBothSides(
			cpus,
			[&](const std::function<void()> &ready) {
				RingEnd reader(attachRing(device, name));
				double before = 0;

				ready();
				for (std::uint64_t number = 0; number < records.end();) {
					records.verify(reader.peek(size), number++);
					reader.release();
					if (number == records.full)
						before = timesSlept();
					else if (number == records.full + records.timed)
						slept = timesSlept() - before;
					if (number % batchSize)
						continue;
					reader.reserve(0);
					reader.commit(0);
				}
				pause();
			},
			[&] {
				RingEnd writer(std::move(end));

				timeRecords(
					records, measurement.costs,
					[&](std::uint64_t number, auto full) {
						records.prepare<full>(writer.reserve(size), number);
						writer.commit(size, STPLR_RING_NO_WAKEUP);
						if ((number + 1) % batchSize)
							return;
						checked(stplr_ring_flush(writer),
							"stplr_ring_flush");
						writer.peek(0);
						writer.release();
					},
					[] {});
			});
	});

	wakeUps = slept / static_cast<double>(batches);
	return outcome;
}

// One way for records to go from one process to another. Made before the two part.
class Stream
{
public:
	virtual ~Stream() = default;
	virtual void beWriter() = 0;
	virtual void beReader() = 0;
	virtual void write(const std::byte *record, std::size_t size) = 0;
	virtual void read(std::byte *record, std::size_t size) = 0;
	// All that was written can be read.
	virtual void flush() = 0;
};

class RingStream : public Stream
{
public:
	void beWriter() override
	{
		end_ = std::make_unique<RingEnd>(std::move(opened_), streamSpin);
	}
	void beReader() override
	{
		end_ = std::make_unique<RingEnd>(attachRing(device_, name_), streamSpin);
	}
	void flush() override
	{
		checked(stplr_ring_flush(*end_), "stplr_ring_flush");
	}
	void write(const std::byte *record, std::size_t size) override
	{
		end_->write(record, size, quietly());
	}
	void read(std::byte *record, std::size_t size) override
	{
		end_->read(record, size, quietly());
	}

private:
	// Whether the peer sleeps is looked at now and then, and before this side does.
	unsigned quietly()
	{
		return ++moved_ % batchSize ? STPLR_RING_NO_WAKEUP : 0;
	}

	std::uint64_t moved_ = 0;
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd set_ = createRings(device_, name_, streamPages, 0);
	Fd opened_ = openRing(set_);
	std::unique_ptr<RingEnd> end_;
};

class PipeStream : public Stream
{
public:
	PipeStream()
	{
		int ends[2];

		checked(pipe2(ends, O_CLOEXEC), "pipe2");
		in_ = Fd(ends[0], "pipe2");
		out_ = Fd(ends[1], "pipe2");
	}
	void beWriter() override {}
	void beReader() override {}
	void flush() override {}
	void write(const std::byte *record, std::size_t size) override
	{
		while (size) {
			const ssize_t part = checked(::write(out_, record, size), "write(pipe)");

			record += part;
			size -= static_cast<std::size_t>(part);
		}
	}
	void read(std::byte *record, std::size_t size) override
	{
		while (size) {
			const ssize_t part = checked(::read(in_, record, size), "read(pipe)");

			if (!part)
				throw std::runtime_error("read(pipe): the writer has ended");
			record += part;
			size -= static_cast<std::size_t>(part);
		}
	}

private:
	Fd in_, out_;
};

template <typename Kind>
Outcome measureStream(const std::string &what, std::size_t size, std::uint64_t count,
		      const Cpus &cpus)
{
	return runIsolated(what, [&](Measurement &measurement) {
		const Records records(size, count);
		Kind stream;
		// Each time that the clock is read, all that was written has been read.
		PipeStream answers;

		measurement.runBothSides(
			cpus,
			[&](const std::function<void()> &ready) {
				const Mapping buffer = messageBuffer(size);
				std::byte answer = {};
				int batch = 0;

				stream.beReader();
				ready();
				for (std::uint64_t number = 0; number < records.end();) {
					stream.read(buffer.bytes(), size);
					records.verify(buffer.bytes(), number++);
					if (batch < Costs::most && number == records.endOf(batch))
						batch++;
					else if (number != records.full && number != records.end())
						continue;
					answers.write(&answer, 1);
				}
				pause();
			},
			[&] {
				const Mapping buffer = messageBuffer(size);
				std::byte answer;

				stream.beWriter();
				timeRecords(
					records, measurement.costs,
					[&](std::uint64_t number, auto full) {
						records.prepare<full>(buffer.bytes(), number);
						stream.write(buffer.bytes(), size);
					},
					[&] {
						stream.flush();
						answers.read(&answer, 1);
					});
			});
	});
}

// What is measured is told at once; a bar is absolute, or a part of another figure.
class Report : public Bars
{
public:
	explicit Report(const Options &options) : Bars(options)
	{
		if (!options.json)
			printf("A record through a ring, %s; %s\n\n", unitName(options),
			       conditions(options).c_str());
	}

	const Outcome &add(const std::string &what, std::size_t size, std::uint64_t count,
			   const Outcome &outcome)
	{
		if (!outcome.supported)
			throw std::runtime_error(what + ": not supported: " + outcome.reason);
		if (options_.json) {
			Fields fields = {
				{"benchmark", jsonString("ring")},
				{"what", jsonString(what)},
				{"size", std::to_string(size)},
			};
			const Fields common = commonFields(options_, count, outcome);

			fields.insert(fields.end(), common.begin(), common.end());
			printJson(fields);
		} else {
			printf("%-40s %10s %14s\n", what.c_str(), sizeName(size).c_str(),
			       grouped(outcome.cost).c_str());
		}
		return outcome;
	}
};

bool runOnOneProcessor(const Options &options)
{
	const std::uint64_t count = options.count ? options.count : 200000;
	const std::uint64_t rounds = std::min<std::uint64_t>(count, defaultRounds(64));
	const std::uint64_t batches = std::max<std::uint64_t>(rounds / 5 * 5, 5);
	Report report(options);
	double wakeUps = 0;
	Outcome handOffs[2];
	int at = 0;

	const Outcome place = report.add("written and read in place", 64, count,
					 measureInPlace<64>(count, options.cpus));
	const Outcome copy = report.add("written and read by copy", 1024, count,
					measureCopy<1024>(count, options.cpus));

	for (const char *name : {"ring", "eventfd"}) {
		handOffs[at] = report.add(std::string("there and back, by ") + name, 64, rounds,
					  measureRoundTrip(*findTransport(name), 64,
							   {options.warmUp, rounds}, options.cpus));
		at++;
	}
	report.add("in batches of 64, each answered", 64, batches * batchSize,
		   measureBatches(64, batches, options.cpus, wakeUps));
	if (!options.json)
		printf("%-51s %14.3f\n", "times the reader slept, a batch", wakeUps);
	report.bar("64 B in place, of 150", place, constant(150), 1);
	report.bar("1,024 B by copy, of 400", copy, constant(400), 1);
	report.bar("ring / eventfd, both asleep", handOffs[0], handOffs[1], 1.05);
	report.bar("times slept, a batch of 64", constant(wakeUps), constant(1), 1.01);
	return report.met();
}

bool runOnTwo(const Options &options)
{
	constexpr struct {
		std::size_t size;
		std::uint64_t count;
		double most;
	} streams[] = {{64, 200000, 0.1}, {65536, 4000, 1 / 3.0}};
	Report report(options);

	for (const auto &stream : streams) {
		const std::uint64_t count = options.count ? options.count : stream.count;
		const Outcome ring =
			report.add("a stream through a ring", stream.size, count,
				   measureStream<RingStream>("ring, a stream", stream.size, count,
							     options.cpus));
		const Outcome pipe =
			report.add("a stream through a pipe", stream.size, count,
				   measureStream<PipeStream>("pipe, a stream", stream.size, count,
							     options.cpus));

		report.bar("ring / pipe, " + sizeName(stream.size), ring, pipe, stream.most);
	}
	return report.met();
}

} // namespace

bool runRing(const Options &options)
{
	return options.cpus.client == options.cpus.server ? runOnOneProcessor(options)
							  : runOnTwo(options);
}

} // namespace bench
