// SPDX-License-Identifier: MIT
// Byte streams: pipe, unix-stream and tcp. A message is its bytes; both sides know its size.
// Whatever a call leaves undone the next call does.
#include "transports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace bench
{

namespace
{

// How one end moves bytes: a call each for out and in, and its name for errors.
struct PipeCalls {
	static constexpr const char *sendName = "write";
	static constexpr const char *receiveName = "read";
	static ssize_t send(int fd, const std::byte *from, std::size_t size)
	{
		return write(fd, from, size);
	}
	static ssize_t receive(int fd, std::byte *to, std::size_t size)
	{
		return read(fd, to, size);
	}
};

struct SocketCalls {
	static constexpr const char *sendName = "send";
	static constexpr const char *receiveName = "recv";
	static ssize_t send(int fd, const std::byte *from, std::size_t size)
	{
		return ::send(fd, from, size, MSG_NOSIGNAL);
	}
	static ssize_t receive(int fd, std::byte *to, std::size_t size)
	{
		return recv(fd, to, size, MSG_WAITALL);
	}
};

// The descriptors one side writes to and reads from; a socket is both.
struct Ends {
	int out;
	int in;
};

template <typename Calls> void sendAll(int fd, const std::byte *from, std::size_t size)
{
	for (std::size_t done = 0; done < size;)
		done += checked(Calls::send(fd, from + done, size - done), Calls::sendName);
}

template <typename Calls> void receiveAll(int fd, std::byte *to, std::size_t size)
{
	for (std::size_t done = 0; done < size;) {
		const ssize_t got =
			checked(Calls::receive(fd, to + done, size - done), Calls::receiveName);

		if (got == 0)
			throw std::runtime_error(std::string(Calls::receiveName) +
						 ": the other side has closed");
		done += got;
	}
}

template <typename Calls> class StreamClient : public Client
{
public:
	StreamClient(Ends ends, std::size_t size) : ends_(ends), size_(size), buffers_(size) {}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *call() override
	{
		sendAll<Calls>(ends_.out, buffers_.out.bytes(), size_);
		receiveAll<Calls>(ends_.in, buffers_.in.bytes(), size_);
		return buffers_.in.bytes();
	}

private:
	Ends ends_;
	std::size_t size_;
	Buffers buffers_;
};

template <typename Calls> class StreamServer : public Server
{
public:
	StreamServer(Ends ends, std::size_t size) : ends_(ends), size_(size), buffers_(size) {}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *receive() override
	{
		receiveAll<Calls>(ends_.in, buffers_.in.bytes(), size_);
		return buffers_.in.bytes();
	}
	void reply() override
	{
		sendAll<Calls>(ends_.out, buffers_.out.bytes(), size_);
	}

private:
	Ends ends_;
	std::size_t size_;
	Buffers buffers_;
};

class PipeTransport : public Transport
{
public:
	explicit PipeTransport(std::size_t size) : size_(size)
	{
		makePair(requestOut_, requestIn_);
		makePair(replyOut_, replyIn_);
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<StreamClient<PipeCalls>>(Ends{requestOut_, replyIn_},
								 size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<StreamServer<PipeCalls>>(Ends{replyOut_, requestIn_},
								 size_);
	}

private:
	static void makePair(Fd &out, Fd &in)
	{
		int fds[2];

		checked(pipe2(fds, O_CLOEXEC), "pipe2");
		in = Fd(fds[0], "pipe2");
		out = Fd(fds[1], "pipe2");
	}

	std::size_t size_;
	Fd requestOut_, requestIn_;
	Fd replyOut_, replyIn_;
};

class SocketTransport : public Transport
{
public:
	SocketTransport(Fd client, Fd server, std::size_t size)
		: client_(std::move(client)), server_(std::move(server)), size_(size)
	{
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<StreamClient<SocketCalls>>(Ends{client_, client_}, size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<StreamServer<SocketCalls>>(Ends{server_, server_}, size_);
	}

private:
	Fd client_;
	Fd server_;
	std::size_t size_;
};

void sendAtOnce(int fd)
{
	const int on = 1;

	checked(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
		"setsockopt(TCP_NODELAY)");
}

} // namespace

std::unique_ptr<Transport> makePipe(std::size_t size)
{
	return std::make_unique<PipeTransport>(size);
}

std::unique_ptr<Transport> makeUnixStream(std::size_t size)
{
	int fds[2];

	checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair(SOCK_STREAM)");
	return std::make_unique<SocketTransport>(Fd(fds[0], "socketpair"), Fd(fds[1], "socketpair"),
						 size);
}

std::unique_ptr<Transport> makeTcp(std::size_t size)
{
	Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	sockaddr_in address = {};
	socklen_t length = sizeof(address);

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	checked(bind(listener, reinterpret_cast<sockaddr *>(&address), length), "bind(127.0.0.1)");
	checked(listen(listener, 1), "listen");
	checked(getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length),
		"getsockname");

	Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	if (connect(client, reinterpret_cast<sockaddr *>(&address), length)) {
		if (errno == ENETUNREACH)
			throw Unsupported(describe("connect(127.0.0.1)") +
					  ": bring up the loopback device");
		throw CallError("connect(127.0.0.1)");
	}

	Fd server(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept4");

	sendAtOnce(client);
	sendAtOnce(server);
	return std::make_unique<SocketTransport>(std::move(client), std::move(server), size);
}

} // namespace bench
