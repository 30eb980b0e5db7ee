// SPDX-License-Identifier: MIT
// unix-seqpacket: a message is one packet, so the send buffer has to hold all of it.
#include "record.h"
#include "transports.h"

#include <sys/socket.h>

#include <algorithm>

namespace bench
{

namespace
{

struct SeqpacketPort {
	int fd;

	void send(const std::byte *from, std::size_t size) const
	{
		expectWhole(checked(::send(fd, from, size, MSG_NOSIGNAL), "send"), size, "send");
	}
	void receive(std::byte *to, std::size_t size) const
	{
		expectWhole(checked(recv(fd, to, size, 0), "recv"), size, "recv");
	}
};

class SeqpacketTransport : public Transport
{
public:
	explicit SeqpacketTransport(std::size_t size) : size_(size)
	{
		int fds[2];

		checked(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds),
			"socketpair(SOCK_SEQPACKET)");
		client_ = Fd(fds[0], "socketpair");
		server_ = Fd(fds[1], "socketpair");
		makeRoom(client_);
		makeRoom(server_);
		tryOne();
	}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<RecordClient<SeqpacketPort>>(SeqpacketPort{client_}, size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<RecordServer<SeqpacketPort>>(SeqpacketPort{server_}, size_);
	}

private:
	// A send buffer that the default covers stays as it is. Going past the limit needs
	// CAP_NET_ADMIN.
	void makeRoom(int fd) const
	{
		const int wanted = static_cast<int>(std::min<std::size_t>(size_ + 4096, 1 << 30));
		int present = 0;
		socklen_t length = sizeof(present);

		checked(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &present, &length),
			"getsockopt(SO_SNDBUF)");
		if (present >= wanted)
			return;
		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted)))
			checked(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted)),
				"setsockopt(SO_SNDBUF)");
	}

	// What a packet may measure depends on the kernel's ability to find memory for it: ask by
	// sending one.
	void tryOne() const
	{
		const Buffers buffers(size_);

		if (::send(client_, buffers.out.bytes(), size_, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			throw Unsupported("one packet does not fit: " + describe("send"));
		SeqpacketPort{server_}.receive(buffers.in.bytes(), size_);
	}

	std::size_t size_;
	Fd client_;
	Fd server_;
};

} // namespace

std::unique_ptr<Transport> makeUnixSeqpacket(std::size_t size)
{
	return std::make_unique<SeqpacketTransport>(size);
}

} // namespace bench
