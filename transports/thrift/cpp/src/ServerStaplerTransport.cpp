// SPDX-License-Identifier: MIT
#include <stplr/thrift/ServerStaplerTransport.h>

#include "Children.h"
#include "Errors.h"
#include "Handed.h"

#include <stplr.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace stplr
{
namespace thrift
{

namespace
{

// How long to wait for descriptors or memory to be free again.
constexpr useconds_t shortOfResources = 20000;

// poll(2) until a deadline; -1 and errno, ETIMEDOUT among them.
int waitFor(struct pollfd *fds, nfds_t count, int64_t until)
{
	struct timespec left;
	int ready;

	if (until != STPLR_DEADLINE_NONE) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);

		const int64_t ns = std::max<int64_t>(
			until - (now.tv_sec * INT64_C(1000000000) + now.tv_nsec), 0);

		left = {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
	}
	ready = ppoll(fds, count, until == STPLR_DEADLINE_NONE ? nullptr : &left, nullptr);
	if (ready)
		return ready;
	errno = ETIMEDOUT;
	return -1;
}

} // namespace

ServerStaplerTransport::ServerStaplerTransport(const StaplerAddress &address,
					       Configuration configuration)
	: address_(address), configuration_(configuration), children_(std::make_shared<Children>())
{
}

ServerStaplerTransport::ServerStaplerTransport(const StaplerDescriptor &channel,
					       Configuration configuration)
	: address_(addressOf(checkHandedChannel(channel.fd, ChannelKind::listening))),
	  configuration_(configuration), children_(std::make_shared<Children>())
{
	claimHanded(channel.fd);
	handed_ = channel.fd;
}

ServerStaplerTransport::~ServerStaplerTransport()
{
	close();
	if (handed_ >= 0)
		closeHanded(handed_);
	if (wake_ >= 0)
		::close(wake_);
}

void ServerStaplerTransport::listen()
{
	if (isOpen())
		return;
	if (handed_ >= 0)
		useHanded();
	else
		makeChannel();
}

void ServerStaplerTransport::useHanded()
{
	children_->reset();
	interrupted_ = false;
	shared_ = true;
	channel_ = handed_;
	handed_ = -1;
}

void ServerStaplerTransport::makeChannel()
{
	if (shared_)
		raise(TTransportException::NOT_OPEN, address_.describe(),
		      "the channel that was handed in was closed, and cannot be made again");

	char why[256];
	const std::string where = address_.describe();
	const int device = stplr_open_why(address_.device, 0, why, sizeof(why));

	if (device < 0)
		raise(TTransportException::NOT_OPEN, where, why);

	struct stplr_channel_create options = {};
	int channel, error;

	options.flags = STPLR_CHANNEL_LISTEN;
	options.mode = address_.mode;
	options.backlog = backlog_;
	if (address_.group != StaplerAddress::NO_GROUP) {
		options.flags |= STPLR_CHANNEL_GROUP;
		options.gid = address_.group;
	}
	channel = stplr_channel_create(device, address_.name.c_str(), &options);
	error = errno;
	::close(device);
	if (channel < 0) {
		switch (error) {
		case EEXIST:
			raise(TTransportException::NOT_OPEN, where,
			      "the name is taken: is another server running?");
		case EPERM:
			raise(TTransportException::NOT_OPEN, where,
			      "not a member of the group " + std::to_string(address_.group));
		case EINVAL:
			raise(TTransportException::BAD_ARGS, where,
			      "not a name, a mode, or a backlog");
		default:
			raise(TTransportException::NOT_OPEN, where, "cannot listen", error);
		}
	}
	children_->reset();
	interrupted_ = false;
	channel_ = channel;
}

bool ServerStaplerTransport::isOpen() const
{
	return channel_ >= 0;
}

void ServerStaplerTransport::close()
{
	std::lock_guard<std::mutex> closing(closing_);
	const int channel = channel_.exchange(-1);

	if (channel < 0)
		return;
	// A thread that waits in accept() holds the channel: it is to leave.
	interrupted_ = true;
	if (shared_) {
		wake();
		closeHanded(channel);
		return;
	}
	stplr_channel_shutdown(channel);
	stplr_channel_destroy(channel);
	::close(channel);
}

void ServerStaplerTransport::interrupt()
{
	std::lock_guard<std::mutex> closing(closing_);

	if (!isOpen())
		return;
	interrupted_ = true;
	if (shared_)
		wake();
	else
		stplr_channel_shutdown(channel_);
}

// Whoever waits in accept() in this process. If that was forked since, nobody does yet.
void ServerStaplerTransport::wake()
{
	if (wakes_ == getpid())
		eventfd_write(wake_, 1);
}

// What wakes this process, as long as the transport is there; or -1. Who interrupts sees that there
// is somebody to wake, or has set interrupted_ before this.
int ServerStaplerTransport::ownWake()
{
	std::lock_guard<std::mutex> closing(closing_);

	if (wakes_ == getpid())
		return wake_;

	const int own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (own < 0)
		return -1;
	if (wake_ >= 0)
		::close(wake_);
	wake_ = own;
	wakes_ = getpid();
	return own;
}

void ServerStaplerTransport::interruptChildren()
{
	if (interruptableChildren_)
		children_->interrupt();
}

// The next client, or -1 and errno. One whom another process that shares the channel has taken is
// waited for on.
int ServerStaplerTransport::acceptOne(int listening, struct stplr_channel_accept &args)
{
	if (!shared_)
		return stplr_channel_accept(listening, &args);

	const int64_t until = args.deadline;
	int channel = -1;

	const int own = ownWake();

	if (own < 0)
		return -1;

	struct pollfd fds[] = {{listening, POLLIN, 0}, {own, POLLIN, 0}};

	do {
		if (!interrupted_ && waitFor(fds, 2, until) < 0)
			return -1;
		if (interrupted_) {
			errno = ESHUTDOWN;
			return -1;
		}
		args.deadline = STPLR_DEADLINE_POLL;
		channel = stplr_channel_accept(listening, &args);
		args.deadline = until;
	} while (channel < 0 && errno == EAGAIN);
	return channel;
}

std::shared_ptr<apache::thrift::transport::TTransport> ServerStaplerTransport::acceptImpl()
{
	struct stplr_channel_accept args = {};
	PeerCredentials peer;

	args.clock = CLOCK_MONOTONIC;
	args.deadline = stplr_deadline(acceptTimeout_ > 0 ? acceptTimeout_ * INT64_C(1000000) : -1);
	for (;;) {
		const int listening = channel_;

		if (interrupted_)
			raise(TTransportException::INTERRUPTED, address_.describe(), "interrupted");
		if (listening < 0)
			raise(TTransportException::NOT_OPEN, address_.describe(), "not listening");

		const int channel = acceptOne(listening, args);

		if (channel >= 0) {
			peer.pid = args.pid;
			peer.uid = args.uid;
			peer.gid = args.gid;
			try {
				return std::make_shared<AcceptedStaplerTransport>(
					channel, address_, peer, options_, children_,
					configuration_);
			} catch (const std::exception &) {
				// Without memory for this client the others are served.
				::close(channel);
				throw TTransportException(TTransportException::CLIENT_DISCONNECT);
			}
		}

		const int error = errno;

		if (interrupted_)
			raise(TTransportException::INTERRUPTED, address_.describe(), "interrupted");
		switch (error) {
		case EINTR:
			break;
		case EMFILE:
		case ENFILE:
		case ENOMEM:
			// The client can still be accepted; a server need not end for it.
			usleep(shortOfResources);
			break;
		case ESHUTDOWN:
			raise(TTransportException::INTERRUPTED, address_.describe(), "interrupted");
		case ETIMEDOUT:
			raise(TTransportException::TIMED_OUT, address_.describe(),
			      "nobody connected in time");
		default:
			raise(TTransportException::UNKNOWN, address_.describe(), "accept", error);
		}
	}
}

void ServerStaplerTransport::setInterruptableChildren(bool enable)
{
	if (isOpen())
		throw std::logic_error("setInterruptableChildren() comes before listen()");
	interruptableChildren_ = enable;
}

void ServerStaplerTransport::setAcceptBacklog(unsigned int backlog)
{
	backlog_ = backlog;
}

void ServerStaplerTransport::setAcceptTimeout(int milliseconds)
{
	acceptTimeout_ = milliseconds;
}

void ServerStaplerTransport::setRecvTimeout(int milliseconds)
{
	options_.recvTimeout = milliseconds;
}

void ServerStaplerTransport::setDeferReplies(bool defer)
{
	options_.deferReplies = defer;
}

} // namespace thrift
} // namespace stplr
