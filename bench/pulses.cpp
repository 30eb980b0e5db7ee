// SPDX-License-Identifier: MIT
// One process with a channel whose pool is large enough, and a connection to it. Pulses have three
// priorities by turns; each is checked to come in its order.
#include "pulses.h"

#include "stopwatch.h"
#include "stplr_calls.h"

#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <stdexcept>

namespace bench
{

namespace
{

constexpr unsigned priorities = 3;

class Pulses
{
public:
	explicit Pulses(unsigned queued) : queued_(queued)
	{
		send_.code = 1;
		receive_.buffer =
			stplrBuffer(reinterpret_cast<std::byte *>(&pulse_), sizeof(pulse_));
		receive_.deadline = STPLR_DEADLINE_POLL;
		receive_.clock = CLOCK_MONOTONIC;
	}
	Pulses(const Pulses &) = delete;

	// The cost of one pulse, sent and received.
	double fillAndDrain()
	{
		const double start = clockNow();

		for (unsigned at = 0; at < queued_; at++)
			send(at);
		// The highest priority comes first.
		for (unsigned priority = priorities; priority-- > 0;)
			for (unsigned at = priority; at < queued_; at += priorities)
				expect(at);
		return (clockNow() - start) / queued_;
	}

private:
	void send(unsigned at)
	{
		send_.value = at;
		send_.priority = static_cast<int>(at % priorities) + 10;
		checked(ioctl(connection_, STPLR_PULSE_SEND, &send_), "ioctl(STPLR_PULSE_SEND)");
	}

	void expect(unsigned at)
	{
		checked(ioctl(channel_, STPLR_MSG_RECEIVE, &receive_), "ioctl(STPLR_MSG_RECEIVE)");
		if (receive_.info.kind != STPLR_KIND_PULSE || pulse_.value != at)
			throw std::runtime_error("got pulse " + std::to_string(pulse_.value) +
						 " where " + std::to_string(at) + " was due");
	}

	unsigned queued_;
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd channel_ = createStplrChannel(device_, name_, queued_);
	Fd connection_ = attachStplr(device_, name_);
	stplr_pulse pulse_ = {};
	stplr_msg_receive receive_ = {};
	stplr_pulse_send send_ = {};
};

} // namespace

Outcome measurePulses(unsigned queued, std::uint64_t count, const Cpus &cpus)
{
	return runIsolated("stplr, " + std::to_string(queued) + " pulses",
			   [&](Measurement &measurement) {
				   const std::uint64_t rounds =
					   std::max<std::uint64_t>(count / queued / Costs::most, 1);

				   pinToCpu(cpus.client);

				   Pulses pulses(queued);

				   // Warm up: the pool's pages.
				   pulses.fillAndDrain();
				   measurement.costs.batches = Costs::most;
				   for (double &batch : measurement.costs.batch) {
					   for (std::uint64_t at = 0; at < rounds; at++)
						   batch += pulses.fillAndDrain();
					   batch /= static_cast<double>(rounds);
				   }
			   });
}

} // namespace bench
