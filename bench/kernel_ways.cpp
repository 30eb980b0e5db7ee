// SPDX-License-Identifier: MIT
#include "kernel_ways.h"

#include "kernel_bpf.h"
#include "kernel_pipe.h"
#include "kernel_shared.h"
#include "kernel_uring.h"
#include "ring_end.h"
#include "stplr_calls.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <array>

namespace bench
{

void checkSize(std::size_t got, std::size_t size)
{
	if (got != size)
		throw std::runtime_error("a message of " + std::to_string(got) +
					 " bytes came, not of " + std::to_string(size));
}

namespace
{

// stplr: a channel, which the kernel posts to; several are received in one call

class PostReceiver : public Receiver
{
public:
	PostReceiver(KernelSide &kernel, std::size_t size)
		: size_(size), buffer_(messageBuffer(size * places_.size()))
	{
		kernel.setUp(BENCH_POST, size, name_);
		for (std::size_t at = 0; at < places_.size(); at++)
			places_[at].buffer = stplrBuffer(buffer_.bytes() + at * size, size);
		batch_.places = reinterpret_cast<std::uintptr_t>(places_.data());
		batch_.deadline = STPLR_DEADLINE_NONE;
		batch_.clock = CLOCK_MONOTONIC;
		receive_.buffer = stplrBuffer(buffer_.bytes(), size);
		receive_.deadline = STPLR_DEADLINE_NONE;
		receive_.clock = CLOCK_MONOTONIC;
	}
	void receive(unsigned count, std::uint64_t, const Look &look) override
	{
		if (count == 1) {
			checked(ioctl(channel_, STPLR_MSG_RECEIVE, &receive_),
				"ioctl(STPLR_MSG_RECEIVE)");
			checkSize(receive_.info.len, size_);
			look(buffer_.bytes());
			return;
		}
		while (count) {
			batch_.nr_places = std::min<std::uint32_t>(count, places_.size());

			const int came = checked(ioctl(channel_, STPLR_MSG_BATCH, &batch_),
						 "ioctl(STPLR_MSG_BATCH)");

			for (int at = 0; at < came; at++) {
				checkSize(places_[at].info.len, size_);
				look(buffer_.bytes() + at * size_);
			}
			count -= came;
		}
	}

private:
	std::size_t size_;
	std::array<stplr_msg_place, 32> places_ = {};
	Mapping buffer_;
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd channel_ = createStplrChannel(device_, name_);
	struct stplr_msg_receive receive_ = {};
	struct stplr_msg_batch batch_ = {};
};

// stplr: a connection, which the kernel sends pulses over

class PulseReceiver : public Receiver
{
public:
	PulseReceiver(KernelSide &kernel, std::size_t size)
	{
		kernel.setUp(BENCH_PULSE, size, "", connection_);
		receive_.buffer =
			stplrBuffer(reinterpret_cast<std::byte *>(&pulse_), sizeof(pulse_));
		receive_.deadline = STPLR_DEADLINE_NONE;
		receive_.clock = CLOCK_MONOTONIC;
	}
	void receive(unsigned count, std::uint64_t number, const Look &) override
	{
		for (; count--; number++) {
			checked(ioctl(channel_, STPLR_MSG_RECEIVE, &receive_),
				"ioctl(STPLR_MSG_RECEIVE)");
			if (receive_.info.kind != STPLR_KIND_PULSE || pulse_.value != number)
				throw std::runtime_error("another pulse came than was due");
		}
	}

private:
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd channel_ = createStplrChannel(device_, name_, BENCH_SLOTS);
	Fd connection_ = attachStplr(device_, name_);
	struct stplr_pulse pulse_ = {};
	struct stplr_msg_receive receive_ = {};
};

// stplr: a ring of the kernel's

Fd attachKernelRing(KernelSide &kernel, std::size_t size)
{
	const Fd device = openStplr();
	const std::string name = stplrChannelName();

	kernel.setUp(BENCH_RING, size, name);
	return attachRing(device, name);
}

class RingReceiver : public Receiver
{
public:
	RingReceiver(KernelSide &kernel, std::size_t size)
		: RingReceiver(attachKernelRing(kernel, size), size)
	{
	}
	RingReceiver(Fd end, std::size_t size) : size_(size), end_(std::move(end)) {}
	void receive(unsigned count, std::uint64_t, const Look &look) override
	{
		while (count--) {
			look(end_.peek(size_));
			end_.release(count ? STPLR_RING_NO_WAKEUP : 0);
		}
	}

private:
	std::size_t size_;
	RingEnd end_;
};

// One to many: each reads every record, and the slowest holds the kernel back.
Receivers makeRingReaders(KernelSide &kernel, std::size_t size, unsigned readers)
{
	const Fd device = openStplr();
	const std::string name = stplrChannelName();
	Receivers receivers;

	kernel.setUp(BENCH_RING, size, name, static_cast<int>(readers));
	while (receivers.size() < readers)
		receivers.push_back(std::make_unique<RingReceiver>(attachRing(device, name), size));
	return receivers;
}

FromKernel ringTo(const char *name, unsigned readers)
{
	return {name, BENCH_RING,
		[readers](KernelSide &kernel, std::size_t size) {
			return makeRingReaders(kernel, size, readers);
		},
		true, readers};
}

class RingCopyReceiver : public Receiver
{
public:
	RingCopyReceiver(KernelSide &kernel, std::size_t size)
		: size_(size), buffer_(messageBuffer(size)), end_(attachKernelRing(kernel, size))
	{
	}
	void receive(unsigned count, std::uint64_t, const Look &look) override
	{
		while (count--) {
			end_.read(buffer_.bytes(), size_, count ? STPLR_RING_NO_WAKEUP : 0);
			look(buffer_.bytes());
		}
	}

private:
	std::size_t size_;
	Mapping buffer_;
	RingEnd end_;
};

// Several records with each read(2).
class RingFileReceiver : public Receiver
{
public:
	RingFileReceiver(KernelSide &kernel, std::size_t size)
		: size_(size), stride_(sizeof(stplr_ring_copy) + (size + 7) / 8 * 8),
		  buffer_(messageBuffer(stride_ * BENCH_SLOTS)),
		  end_(attachKernelRing(kernel, size))
	{
	}
	void receive(unsigned count, std::uint64_t, const Look &look) override
	{
		while (count) {
			const ssize_t got = checked(
				read(end_, buffer_.bytes(), stride_ * BENCH_SLOTS), "read(ring)");

			for (const std::byte *at = buffer_.bytes(); at < buffer_.bytes() + got;
			     at += stride_) {
				stplr_ring_copy record;

				memcpy(&record, at, sizeof(record));
				checkSize(record.record.len, size_);
				look(at + sizeof(record));
				count--;
			}
		}
	}

private:
	std::size_t size_;
	std::size_t stride_;
	Mapping buffer_;
	Fd end_;
};

// Netlink

// A socket, its number, and messages as they lie there: a header and its bytes. Several of them are
// received and sent by one call.
class Netlink
{
public:
	Netlink(int protocol, std::size_t header, std::size_t size)
		: fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "socket(netlink)"),
		  header_(header), size_(size), stride_((header + size + 63) / 64 * 64),
		  buffer_(messageBuffer(stride_ * BENCH_SLOTS))
	{
		sockaddr_nl address = {};
		socklen_t length = sizeof(address);
		const int room = 16 << 20;

		address.nl_family = AF_NETLINK;
		checked(bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof(address)),
			"bind(netlink)");
		checked(getsockname(fd_, reinterpret_cast<sockaddr *>(&address), &length),
			"getsockname(netlink)");
		port_ = address.nl_pid;
		checked(setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)),
			"setsockopt(SO_RCVBUFFORCE)");
		for (unsigned at = 0; at < BENCH_SLOTS; at++) {
			parts_[at] = {buffer_.bytes() + at * stride_, header + size};
			messages_[at].msg_hdr.msg_iov = &parts_[at];
			messages_[at].msg_hdr.msg_iovlen = 1;
		}
	}
	int port() const
	{
		return static_cast<int>(port_);
	}
	std::byte *message(unsigned at = 0)
	{
		return buffer_.bytes() + at * stride_;
	}
	std::byte *bytes(unsigned at = 0)
	{
		return message(at) + header_;
	}
	void receive(unsigned count, const Receiver::Look &look)
	{
		if (count == 1) {
			checkSize(static_cast<std::size_t>(
					  checked(recv(fd_, message(), header_ + size_, 0),
						  "recv(netlink)")) -
					  header_,
				  size_);
			look(bytes());
			return;
		}
		while (count) {
			const int got = checked(
				recvmmsg(fd_, messages_.data(), count, MSG_WAITFORONE, nullptr),
				"recvmmsg(netlink)");

			for (int at = 0; at < got; at++) {
				checkSize(messages_[at].msg_len - header_, size_);
				look(bytes(at));
			}
			count -= static_cast<unsigned>(got);
		}
	}
	void send()
	{
		checked(::send(fd_, message(), header_ + size_, 0), "send(netlink)");
	}

private:
	Fd fd_;
	std::size_t header_;
	std::size_t size_;
	std::size_t stride_;
	Mapping buffer_;
	unsigned port_;
	std::array<iovec, BENCH_SLOTS> parts_ = {};
	std::array<mmsghdr, BENCH_SLOTS> messages_ = {};
};

constexpr std::size_t netlinkHeader = NLMSG_HDRLEN;
constexpr std::size_t genetlinkHeader = NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN;

class NetlinkReceiver : public Receiver
{
public:
	NetlinkReceiver(KernelSide &kernel, std::size_t size, unsigned way)
		: netlink_(way == BENCH_GENETLINK ? NETLINK_GENERIC : BENCH_NETLINK,
			   way == BENCH_GENETLINK ? genetlinkHeader : netlinkHeader, size)
	{
		kernel.setUp(way, size, "", netlink_.port());
	}
	void receive(unsigned count, std::uint64_t, const Look &look) override
	{
		netlink_.receive(count, look);
	}

private:
	Netlink netlink_;
};

class NetlinkSender : public Sender
{
public:
	NetlinkSender(KernelSide &kernel, std::size_t size, unsigned way)
		: netlink_(way == BENCH_GENETLINK ? NETLINK_GENERIC : BENCH_NETLINK,
			   way == BENCH_GENETLINK ? genetlinkHeader : netlinkHeader, size)
	{
		const int family = kernel.setUp(way, size, "", netlink_.port());
		nlmsghdr header = {};

		header.nlmsg_len = static_cast<std::uint32_t>(
			(way == BENCH_GENETLINK ? genetlinkHeader : netlinkHeader) + size);
		header.nlmsg_type =
			static_cast<std::uint16_t>(way == BENCH_GENETLINK ? family : NLMSG_DONE);
		header.nlmsg_flags = NLM_F_REQUEST;
		memcpy(netlink_.message(), &header, sizeof(header));
		if (way != BENCH_GENETLINK)
			return;

		genlmsghdr command = {};
		nlattr attribute = {};

		command.cmd = BENCH_COMMAND;
		command.version = 1;
		attribute.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + size);
		attribute.nla_type = BENCH_ATTRIBUTE;
		memcpy(netlink_.message() + NLMSG_HDRLEN, &command, sizeof(command));
		memcpy(netlink_.message() + NLMSG_HDRLEN + GENL_HDRLEN, &attribute,
		       sizeof(attribute));
	}
	std::byte *place() override
	{
		return netlink_.bytes();
	}
	void send(bool) override
	{
		netlink_.send();
	}

private:
	Netlink netlink_;
};

// The module's device, read and written

class DeviceReceiver : public Receiver
{
public:
	DeviceReceiver(KernelSide &kernel, std::size_t size)
		: kernel_(kernel), size_(size), buffer_(messageBuffer(size))
	{
		kernel.setUp(BENCH_DEVICE, size);
	}
	void receive(unsigned count, std::uint64_t, const Look &look) override
	{
		while (count--) {
			checkSize(static_cast<std::size_t>(
					  checked(read(kernel_.fd(), buffer_.bytes(), size_),
						  "read(device)")),
				  size_);
			look(buffer_.bytes());
		}
	}

private:
	KernelSide &kernel_;
	std::size_t size_;
	Mapping buffer_;
};

class DeviceSender : public Sender
{
public:
	DeviceSender(KernelSide &kernel, std::size_t size)
		: kernel_(kernel), size_(size), buffer_(messageBuffer(size))
	{
		kernel.setUp(BENCH_DEVICE, size);
	}
	std::byte *place() override
	{
		return buffer_.bytes();
	}
	void send(bool) override
	{
		checkSize(static_cast<std::size_t>(checked(
				  write(kernel_.fd(), buffer_.bytes(), size_), "write(device)")),
			  size_);
	}

private:
	KernelSide &kernel_;
	std::size_t size_;
	Mapping buffer_;
};

// An eventfd: counts, and has no bytes

class EventfdReceiver : public Receiver
{
public:
	EventfdReceiver(KernelSide &kernel, std::size_t size)
	{
		kernel.setUp(BENCH_EVENTFD, size, "", fd_);
	}
	void receive(unsigned count, std::uint64_t, const Look &) override
	{
		// one that was asleep may find the first of several
		for (std::uint64_t due = count, got = 0; due; due -= got) {
			checked(read(fd_, &got, sizeof(got)), "read(eventfd)");
			if (got > due)
				throw std::runtime_error("read(eventfd): got " +
							 std::to_string(got) + " where " +
							 std::to_string(due) + " was due");
		}
	}

private:
	Fd fd_{eventfd(0, EFD_CLOEXEC), "eventfd"};
};

// To the kernel by stplr

class ServerSender : public Sender
{
public:
	ServerSender(KernelSide &kernel, std::size_t size) : buffer_(messageBuffer(size))
	{
		kernel.setUp(BENCH_SERVER, size, name_);
		connection_ = attachStplr(device_, name_);
		send_ = stplrSend(buffer_.bytes(), nullptr, size);
		send_.reply = {};
		send_.reply_deadline = 0;
	}
	std::byte *place() override
	{
		return buffer_.bytes();
	}
	void send(bool) override
	{
		checked(ioctl(connection_, STPLR_MSG_SEND, &send_), "ioctl(STPLR_MSG_SEND)");
	}

private:
	Mapping buffer_;
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd connection_;
	struct stplr_msg_send send_ = {};
};

class RingSender : public Sender
{
public:
	RingSender(KernelSide &kernel, std::size_t size)
		: size_(size), end_(attachKernelRing(kernel, size))
	{
	}
	std::byte *place() override
	{
		return end_.reserve(size_);
	}
	void send(bool more) override
	{
		end_.commit(size_, more ? STPLR_RING_NO_WAKEUP : 0);
	}

private:
	std::size_t size_;
	RingEnd end_;
};

template <typename Kind, typename... More> auto receiver(More... more)
{
	return [=](KernelSide &kernel, std::size_t size) {
		Receivers receivers;

		receivers.push_back(std::make_unique<Kind>(kernel, size, more...));
		return receivers;
	};
}

template <typename Kind, typename... More> auto sender(More... more)
{
	return [=](KernelSide &kernel, std::size_t size) {
		return std::make_unique<Kind>(kernel, size, more...);
	};
}

} // namespace

const std::vector<FromKernel> &waysFromKernel()
{
	static const std::vector<FromKernel> ways = {
		{"post", BENCH_POST, receiver<PostReceiver>()},
		{"ring, in place", BENCH_RING, receiver<RingReceiver>()},
		{"ring, by copy", BENCH_RING, receiver<RingCopyReceiver>()},
		{"ring, read(2)", BENCH_RING, receiver<RingFileReceiver>()},
		ringTo("ring, one to 1 reader", 1),
		ringTo("ring, one to 4 readers", 4),
		ringTo("ring, one to 16 readers", 16),
		{"netlink", BENCH_NETLINK_UNICAST,
		 receiver<NetlinkReceiver>(BENCH_NETLINK_UNICAST)},
		{"generic netlink", BENCH_GENETLINK, receiver<NetlinkReceiver>(BENCH_GENETLINK)},
		{"device, read(2)", BENCH_DEVICE, receiver<DeviceReceiver>()},
		{"device, mmap and eventfd", BENCH_SHARED, receiver<SharedReceiver>()},
		{"device, io_uring command", BENCH_URING, receiver<UringReceiver>()},
		{"BPF ring buffer", BENCH_BPF, receiver<BpfReceiver>()},
		{"relay, read(2)", BENCH_RELAY, receiver<RelayReceiver>()},
		{"pipe", BENCH_PIPE, receiver<PipeReceiver>()},
		{"pulse", BENCH_PULSE, receiver<PulseReceiver>(), false},
		{"eventfd", BENCH_EVENTFD, receiver<EventfdReceiver>(), false},
	};
	return ways;
}

const std::vector<ToKernel> &waysToKernel()
{
	static const std::vector<ToKernel> ways = {
		{"send", sender<ServerSender>()},
		{"ring, in place", sender<RingSender>(), true},
		{"netlink", sender<NetlinkSender>(BENCH_NETLINK_UNICAST)},
		{"generic netlink", sender<NetlinkSender>(BENCH_GENETLINK)},
		{"device, write(2)", sender<DeviceSender>()},
		{"device, mmap", sender<SharedSender>(), true},
		{"device, io_uring command", sender<UringSender>()},
		{"pipe", sender<PipeSender>(), true},
	};
	return ways;
}

} // namespace bench
