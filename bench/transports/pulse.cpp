// SPDX-License-Identifier: MIT
// Pulses, as eventfd.cpp uses counters: the cost of waking and being woken. Each side has a channel
// and waits for pulses on it; their values are numbers that both know to come next.
#include "../stplr_calls.h"
#include "transports.h"

#include <sys/ioctl.h>
#include <time.h>

namespace bench
{

namespace
{

class PulseSide
{
public:
	PulseSide(int channel, Fd connection)
		: channel_(channel), connection_(std::move(connection))
	{
		receive_.deadline = STPLR_DEADLINE_NONE;
		receive_.clock = CLOCK_MONOTONIC;
		send_.priority = STPLR_PRIORITY_OWN;
	}

	void post(std::uint64_t value)
	{
		send_.value = value;
		checked(ioctl(connection_, STPLR_PULSE_SEND, &send_), "ioctl(STPLR_PULSE_SEND)");
	}

	void expect(std::uint64_t value)
	{
		receive_.buffer =
			stplrBuffer(reinterpret_cast<std::byte *>(&pulse_), sizeof(pulse_));
		checked(ioctl(channel_, STPLR_MSG_RECEIVE, &receive_), "ioctl(STPLR_MSG_RECEIVE)");
		if (receive_.info.kind != STPLR_KIND_PULSE || pulse_.value != value)
			throw std::runtime_error("a pulse: got " + std::to_string(pulse_.value) +
						 " where " + std::to_string(value) + " was due");
	}

private:
	int channel_;
	Fd connection_;
	stplr_pulse pulse_ = {};
	stplr_msg_receive receive_ = {};
	stplr_pulse_send send_ = {};
};

class PulseClient : public Client
{
public:
	explicit PulseClient(PulseSide side) : side_(std::move(side)) {}
	std::byte *outgoing() override
	{
		return nullptr;
	}
	const std::byte *call() override
	{
		++round_;
		side_.post(2 * round_);
		side_.expect(2 * round_ + 1);
		return nullptr;
	}

private:
	PulseSide side_;
	std::uint64_t round_ = 0;
};

class PulseServer : public Server
{
public:
	explicit PulseServer(PulseSide side) : side_(std::move(side)) {}
	std::byte *outgoing() override
	{
		return nullptr;
	}
	const std::byte *receive() override
	{
		side_.expect(2 * ++round_);
		return nullptr;
	}
	void reply() override
	{
		side_.post(2 * round_ + 1);
	}

private:
	PulseSide side_;
	std::uint64_t round_ = 0;
};

class PulseTransport : public Transport
{
public:
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<PulseClient>(
			PulseSide(replies_, attachStplr(device_, name_ + "-requests")));
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<PulseServer>(
			PulseSide(requests_, attachStplr(device_, name_ + "-replies")));
	}

private:
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd requests_ = createStplrChannel(device_, name_ + "-requests");
	Fd replies_ = createStplrChannel(device_, name_ + "-replies");
};

} // namespace

std::unique_ptr<Transport> makePulse(std::size_t)
{
	return std::make_unique<PulseTransport>();
}

} // namespace bench
