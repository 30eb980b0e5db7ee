// SPDX-License-Identifier: MIT
// The server reaches into the client: process_vm_readv takes the request from the client's buffer,
// process_vm_writev puts the reply into the other one. One copy each way, between the processes'
// own buffers. A futex each way wakes.
#include "transports.h"
#include "turn.h"

#include <sys/prctl.h>
#include <sys/uio.h>

namespace bench
{

namespace
{

struct Exchange {
	alignas(64) Turn request;
	alignas(64) Turn reply;
	// Where the client's buffers are; written by the client before the first request.
	pid_t clientPid;
	void *clientOut;
	void *clientIn;
};

class ProcessVmClient : public Client
{
public:
	ProcessVmClient(Exchange &exchange, std::size_t size) : exchange_(exchange), buffers_(size)
	{
		// Where Yama guards processes, the server needs leave. Elsewhere this fails, and
		// matters not.
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		exchange_.clientPid = getpid();
		exchange_.clientOut = buffers_.out.bytes();
		exchange_.clientIn = buffers_.in.bytes();
	}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *call() override
	{
		exchange_.request.give();
		exchange_.reply.take();
		return buffers_.in.bytes();
	}

private:
	Exchange &exchange_;
	Buffers buffers_;
};

class ProcessVmServer : public Server
{
public:
	ProcessVmServer(Exchange &exchange, std::size_t size)
		: exchange_(exchange), size_(size), buffers_(size)
	{
	}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *receive() override
	{
		exchange_.request.take();

		const iovec local = {buffers_.in.bytes(), size_};
		const iovec remote = {exchange_.clientOut, size_};

		whole(process_vm_readv(exchange_.clientPid, &local, 1, &remote, 1, 0),
		      "process_vm_readv");
		return buffers_.in.bytes();
	}
	void reply() override
	{
		const iovec local = {buffers_.out.bytes(), size_};
		const iovec remote = {exchange_.clientIn, size_};

		whole(process_vm_writev(exchange_.clientPid, &local, 1, &remote, 1, 0),
		      "process_vm_writev");
		exchange_.reply.give();
	}

private:
	void whole(ssize_t moved, const char *call) const
	{
		if (moved < 0 && (errno == EPERM || errno == ENOSYS))
			throw Unsupported(describe(call));
		if (checked(moved, call) != static_cast<ssize_t>(size_))
			throw std::runtime_error(std::string(call) + ": moved " +
						 std::to_string(moved) + " of " +
						 std::to_string(size_) + " bytes");
	}

	Exchange &exchange_;
	std::size_t size_;
	Buffers buffers_;
};

class ProcessVmTransport : public Transport
{
public:
	explicit ProcessVmTransport(std::size_t size)
		: size_(size), memory_(sharedMemory(sizeof(Exchange))),
		  exchange_(*new (memory_.bytes()) Exchange)
	{
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<ProcessVmClient>(exchange_, size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<ProcessVmServer>(exchange_, size_);
	}

private:
	std::size_t size_;
	Mapping memory_;
	Exchange &exchange_;
};

} // namespace

std::unique_ptr<Transport> makeProcessVm(std::size_t size)
{
	return std::make_unique<ProcessVmTransport>(size);
}

} // namespace bench
