// SPDX-License-Identifier: MIT
// System V message queues, one each way. Their limits are the IPC namespace's: who may make a
// namespace takes one of its own, raises them there, and leaves the system's as they are.
#include "record.h"
#include "transports.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>

namespace bench
{

namespace
{

// A message as msgsnd and msgrcv want it: its type, then the text.
constexpr std::size_t headerSize = sizeof(long);

struct Queue {
	Queue() : id(checked(msgget(IPC_PRIVATE, IPC_CREAT | 0600), "msgget")) {}
	Queue(const Queue &) = delete;
	~Queue()
	{
		msgctl(id, IPC_RMID, nullptr);
	}

	const int id;
};

// Both ends: their messages lie behind a header in buffers that are larger by it.
class Port
{
public:
	Port(int out, int in, std::size_t size)
		: out_(out), in_(in), size_(size), buffers_(size + headerSize)
	{
		*buffers_.out.as<long>() = 1;
	}
	std::byte *outgoing() const
	{
		return buffers_.out.bytes() + headerSize;
	}
	void send() const
	{
		checked(msgsnd(out_, buffers_.out.bytes(), size_, 0), "msgsnd");
	}
	const std::byte *receive() const
	{
		expectWhole(checked(msgrcv(in_, buffers_.in.bytes(), size_, 0, 0), "msgrcv"), size_,
			    "msgrcv");
		return buffers_.in.bytes() + headerSize;
	}

private:
	int out_;
	int in_;
	std::size_t size_;
	Buffers buffers_;
};

class SysvClient : public Client
{
public:
	explicit SysvClient(Port port) : port_(std::move(port)) {}
	std::byte *outgoing() override
	{
		return port_.outgoing();
	}
	const std::byte *call() override
	{
		port_.send();
		return port_.receive();
	}

private:
	Port port_;
};

class SysvServer : public Server
{
public:
	explicit SysvServer(Port port) : port_(std::move(port)) {}
	std::byte *outgoing() override
	{
		return port_.outgoing();
	}
	const std::byte *receive() override
	{
		return port_.receive();
	}
	void reply() override
	{
		port_.send();
	}

private:
	Port port_;
};

class SysvTransport : public Transport
{
public:
	explicit SysvTransport(std::size_t size) : size_(size)
	{
		tryOne();
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<SysvClient>(Port(request_.id, reply_.id, size_));
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<SysvServer>(Port(reply_.id, request_.id, size_));
	}

private:
	void tryOne() const
	{
		const Port port(request_.id, request_.id, size_);

		try {
			port.send();
		} catch (const CallError &error) {
			throw Unsupported(
				std::string(error.what()) +
				": larger than kernel.msgmax or kernel.msgmnb allow; root may");
		}
		port.receive();
	}

	std::size_t size_;
	Queue request_;
	Queue reply_;
};

// Without the right to do so the limits stay, and tryOne() finds out whether that matters.
void raiseLimits(std::size_t size)
{
	if (unshare(CLONE_NEWIPC))
		return;
	for (const char *limit : {"/proc/sys/kernel/msgmax", "/proc/sys/kernel/msgmnb"}) {
		const int fd = open(limit, O_WRONLY | O_CLOEXEC);

		if (fd >= 0) {
			const Fd file(fd, "open");

			dprintf(file, "%zu\n", size < 65536 ? 65536 : size);
		}
	}
}

} // namespace

std::unique_ptr<Transport> makeSysvMsg(std::size_t size)
{
	raiseLimits(size);
	return std::make_unique<SysvTransport>(size);
}

} // namespace bench
