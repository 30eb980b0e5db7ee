// SPDX-License-Identifier: MIT
// stplr itself, by its ioctls: the client sends and waits for the reply in one call, the server
// replies and waits for the next request in one call.
#include "../stplr_calls.h"
#include "transports.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>

#include <cstdio>

namespace bench
{

namespace
{

void expectSize(const char *what, std::uint64_t got, std::size_t size)
{
	if (got != size)
		throw std::runtime_error(std::string("stplr: ") + what + " of " +
					 std::to_string(got) + " bytes where " +
					 std::to_string(size) + " were due");
}

class StplrClient : public Client
{
public:
	StplrClient(Fd connection, std::vector<Fd> idle, std::size_t size, bool registered)
		: connection_(std::move(connection)), idle_(std::move(idle)), size_(size),
		  buffers_(size), send_(stplrSend(buffers_.out.bytes(), buffers_.in.bytes(), size))
	{
		if (!registered)
			return;
		send_.send = registerStplrBuffer(connection_, buffers_.out.bytes(), size, false);
		send_.reply = registerStplrBuffer(connection_, buffers_.in.bytes(), size, true);
		send_.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *call() override
	{
		checked(ioctl(connection_, STPLR_MSG_SEND_RECEIVE, &send_),
			"ioctl(STPLR_MSG_SEND_RECEIVE)");
		expectSize("a reply", send_.reply_total, size_);
		return buffers_.in.bytes();
	}

private:
	Fd connection_;
	std::vector<Fd> idle_;
	std::size_t size_;
	Buffers buffers_;
	stplr_msg_send send_;
};

class StplrServer : public Server
{
public:
	StplrServer(Fd channel, std::size_t size, bool registered)
		: channel_(std::move(channel)), size_(size), buffers_(size)
	{
		turn_.receive.buffer = stplrBuffer(buffers_.in.bytes(), size);
		turn_.receive.deadline = STPLR_DEADLINE_NONE;
		turn_.receive.clock = CLOCK_MONOTONIC;
		turn_.reply.reply = stplrBuffer(buffers_.out.bytes(), size);
		if (!registered)
			return;
		turn_.receive.buffer =
			registerStplrBuffer(channel_, buffers_.in.bytes(), size, true);
		turn_.receive.flags = STPLR_RECEIVE_REGISTERED;
		turn_.reply.reply =
			registerStplrBuffer(channel_, buffers_.out.bytes(), size, false);
		turn_.reply.flags = STPLR_REPLY_REGISTERED;
	}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *receive() override
	{
		checked(ioctl(channel_, STPLR_MSG_RECEIVE, &turn_.receive),
			"ioctl(STPLR_MSG_RECEIVE)");
		return received();
	}
	void reply() override
	{
		turn_.reply.rcvid = turn_.receive.info.rcvid;
		checked(ioctl(channel_, STPLR_MSG_REPLY, &turn_.reply), "ioctl(STPLR_MSG_REPLY)");
	}
	const std::byte *replyReceive() override
	{
		turn_.reply.rcvid = turn_.receive.info.rcvid;
		checked(ioctl(channel_, STPLR_MSG_REPLY_RECEIVE, &turn_),
			"ioctl(STPLR_MSG_REPLY_RECEIVE)");
		return received();
	}

private:
	const std::byte *received() const
	{
		expectSize("a request", turn_.receive.info.src_len, size_);
		return buffers_.in.bytes();
	}

	Fd channel_;
	std::size_t size_;
	Buffers buffers_;
	stplr_msg_reply_receive turn_ = {};
};

class StplrTransport : public Transport
{
public:
	StplrTransport(std::size_t size, unsigned idleConnections, bool registered,
		       unsigned channelFlags = 0)
		: size_(size), idleConnections_(idleConnections), registered_(registered),
		  channelFlags_(channelFlags)
	{
		stplr_version version = {};

		checked(ioctl(device_, STPLR_VERSION, &version), "ioctl(STPLR_VERSION)");
		if (size > version.message_max)
			throw Unsupported("larger than the module's message_max, " +
					  std::to_string(version.message_max));
	}
	std::unique_ptr<Client> client() override
	{
		std::vector<Fd> idle;

		allowDescriptors(idleConnections_);
		while (idle.size() < idleConnections_)
			idle.push_back(attachStplr(device_, name_));
		return std::make_unique<StplrClient>(attachStplr(device_, name_), std::move(idle),
						     size_, registered_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<StplrServer>(
			createStplrChannel(device_, name_, 0, channelFlags_), size_, registered_);
	}

private:
	std::size_t size_;
	unsigned idleConnections_;
	bool registered_;
	unsigned channelFlags_;
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
};

// A parameter of the module has another value while this exists.
class Parameter
{
public:
	// A module that does not know it does, without it, as `otherwise` says.
	Parameter(const std::string &name, const std::string &value, const std::string &otherwise)
		: path_("/sys/module/stplr/parameters/" + name), value_(value)
	{
		const int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			throw Unsupported("no " + path_ + ": this module " + otherwise +
					  ", see stplr");
		if (fd < 0 && errno == EACCES)
			throw Unsupported(describe("open(" + path_ + ")") + ": run as root");
		file_ = Fd(fd, ("open(" + name + ")").c_str());
		length_ = checked(pread(file_, before_, sizeof(before_), 0),
				  ("pread(" + name + ")").c_str());
		checked(pwrite(file_, value.c_str(), value.size(), 0),
			("pwrite(" + name + ")").c_str());
	}
	Parameter(const Parameter &) = delete;
	~Parameter()
	{
		if (pwrite(file_, before_, length_, 0) != length_)
			fprintf(stderr, "stplr-bench: %s\n",
				describe(path_ + " stays " + value_ + ": pwrite").c_str());
	}

private:
	std::string path_, value_;
	Fd file_;
	char before_[32];
	ssize_t length_ = 0;
};

class StplrSleepTransport : public StplrTransport
{
public:
	explicit StplrSleepTransport(std::size_t size) : StplrTransport(size, 0, false) {}

private:
	// All who wait for each other sleep at once.
	Parameter noSpinning_{"spin_us", "0", "never looks before it sleeps"};
};

// Without looks: a side that looks is not woken, and so stays where it is.
class StplrHereTransport : public StplrTransport
{
public:
	explicit StplrHereTransport(std::size_t size)
		: StplrTransport(size, 0, false, STPLR_CHANNEL_WAKE_HERE)
	{
		stplr_version version = {};

		checked(ioctl(openStplr(), STPLR_VERSION, &version), "ioctl(STPLR_VERSION)");
		if (!(version.features & STPLR_FEATURE_WAKE_HERE))
			throw Unsupported(
				"nobody is woken on the waker's processor before Linux 6.6, see "
				"stplr-sleep");
	}

private:
	Parameter noSpinning_{"spin_us", "0", "never looks before it sleeps"};
};

} // namespace

std::unique_ptr<Transport> makeStplrAmong(std::size_t size, unsigned idleConnections)
{
	return std::make_unique<StplrTransport>(size, idleConnections, false);
}

std::unique_ptr<Transport> makeStplr(std::size_t size)
{
	return makeStplrAmong(size, 0);
}

std::unique_ptr<Transport> makeStplrFixed(std::size_t size)
{
	return std::make_unique<StplrTransport>(size, 0, false, STPLR_CHANNEL_FIXED_PRIORITY);
}

std::unique_ptr<Transport> makeStplrSleep(std::size_t size)
{
	return std::make_unique<StplrSleepTransport>(size);
}

std::unique_ptr<Transport> makeStplrHere(std::size_t size)
{
	return std::make_unique<StplrHereTransport>(size);
}

std::unique_ptr<Transport> makeStplrRegistered(std::size_t size)
{
	return std::make_unique<StplrTransport>(size, 0, true);
}

} // namespace bench
