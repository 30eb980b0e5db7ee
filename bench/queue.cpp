// SPDX-License-Identifier: MIT
// The client process has a thread and a connection for each sender, and all of them send. Once all
// are queued the server receives a handful, timed; then it replies to these, which queue again, and
// so on.
#include "queue.h"

#include "caller.h"
#include "stopwatch.h"
#include "stplr_calls.h"
#include "threads.h"

#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace bench
{

namespace
{

constexpr unsigned handful = 10;

// What both processes see.
struct Shared {
	// Sends begun, by all senders together.
	std::atomic<std::uint64_t> begun{0};
	// The channel ends because the measurement has.
	std::atomic<bool> done{false};
};

void sendFromAll(Shared &shared, const std::string &channel, unsigned senders, std::size_t size)
{
	const Fd device = openStplr();
	std::vector<std::unique_ptr<Caller>> all;
	Threads threads;

	allowDescriptors(senders);
	for (unsigned id = 0; id < senders; id++)
		all.push_back(std::make_unique<Caller>(attachStplr(device, channel), id, size));
	for (const std::unique_ptr<Caller> &sender : all)
		threads.add([&shared, &caller = *sender] {
			do
				shared.begun.fetch_add(1);
			while (caller.call());
			if (!shared.done.load())
				throw std::runtime_error("the channel has ended");
		});
	threads.rethrow();
}

class Receiver
{
public:
	Receiver(Shared &shared, int channel, unsigned senders, std::size_t size)
		: shared_(shared), channel_(channel), senders_(senders), size_(size),
		  rounds_(senders), reply_(size)
	{
		for (Slot &slot : slots_) {
			slot.bytes.resize(size);
			slot.receive.buffer = stplrBuffer(slot.bytes.data(), size);
			slot.receive.clock = CLOCK_MONOTONIC;
			slot.receive.deadline = STPLR_DEADLINE_POLL;
		}
	}

	// The time of one handful of receives.
	double takeHandful()
	{
		const unsigned wanted = std::min(handful, senders_);

		for (;;) {
			awaitFullQueue();

			const double start = clockNow();
			const unsigned taken = receiveSome(wanted);
			const double time = clockNow() - start;

			answer(taken);
			// Fewer: a sender had begun, but was not queued yet.
			if (taken == wanted)
				return time / taken;
		}
	}

private:
	struct Slot {
		std::vector<std::byte> bytes;
		stplr_msg_receive receive = {};
	};

	// Everybody has begun a send that was not answered; and then had the time to queue it.
	void awaitFullQueue() const
	{
		do
			std::this_thread::sleep_for(std::chrono::milliseconds(2));
		while (shared_.begun.load() != answered_ + senders_);
		std::this_thread::sleep_for(std::chrono::milliseconds(2));
	}

	unsigned receiveSome(unsigned wanted)
	{
		for (unsigned taken = 0; taken < wanted; taken++)
			if (ioctl(channel_, STPLR_MSG_RECEIVE, &slots_[taken].receive)) {
				if (errno == EAGAIN)
					return taken;
				throw CallError("ioctl(STPLR_MSG_RECEIVE)");
			}
		return wanted;
	}

	void answer(unsigned taken)
	{
		for (unsigned at = 0; at < taken; at++) {
			const Slot &slot = slots_[at];
			stplr_msg_reply reply = {};
			const std::uint64_t number =
				arrivedNumber(slot.bytes.data(), slot.receive.info.src_len, size_);
			const std::uint64_t sender = callerOf(number);

			if (sender >= senders_ ||
			    number != messageNumber(sender, rounds_[sender]++))
				throw std::runtime_error("a request arrived twice, or never");
			writeAnswer(reply_.data(), size_, number);
			reply.reply = stplrBuffer(reply_.data(), size_);
			reply.rcvid = slot.receive.info.rcvid;
			checked(ioctl(channel_, STPLR_MSG_REPLY, &reply), "ioctl(STPLR_MSG_REPLY)");
		}
		answered_ += taken;
	}

	Shared &shared_;
	int channel_;
	unsigned senders_;
	std::size_t size_;
	std::array<Slot, handful> slots_;
	// The round each sender's next message belongs to.
	std::vector<std::uint32_t> rounds_;
	std::vector<std::byte> reply_;
	std::uint64_t answered_ = 0;
};

void receiveAndTime(Receiver &receiver, std::uint64_t receives, Costs &costs)
{
	const std::uint64_t handfuls = std::max<std::uint64_t>(receives / handful / Costs::most, 1);

	// Warm up.
	receiver.takeHandful();
	receiver.takeHandful();
	costs.batches = Costs::most;
	for (double &batch : costs.batch) {
		for (std::uint64_t at = 0; at < handfuls; at++)
			batch += receiver.takeHandful();
		batch /= static_cast<double>(handfuls);
	}
}

} // namespace

Outcome measureQueue(unsigned senders, std::size_t size, std::uint64_t receives, const Cpus &cpus)
{
	return runIsolated(
		"stplr, " + std::to_string(senders) + " senders", [&](Measurement &measurement) {
			const Mapping memory = sharedMemory(sizeof(Shared));
			Shared &shared = *new (memory.bytes()) Shared();
			const std::string name = stplrChannelName();

			measurement.runBothSides(
				cpus,
				[&](const std::function<void()> &ready) {
					const Fd channel = createStplrChannel(openStplr(), name);
					Receiver receiver(shared, channel, senders, size);

					ready();
					receiveAndTime(receiver, receives, measurement.costs);
					shared.done.store(true);
					checked(ioctl(channel, STPLR_CHANNEL_DESTROY, 0),
						"ioctl(STPLR_CHANNEL_DESTROY)");
				},
				[&] { sendFromAll(shared, name, senders, size); });
		});
}

} // namespace bench
