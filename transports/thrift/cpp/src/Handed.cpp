// SPDX-License-Identifier: MIT
#include "Handed.h"

#include "Errors.h"

#include <stplr/thrift/StaplerDescriptor.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>

namespace stplr
{
namespace thrift
{

namespace
{

// Those that were taken over, and the lock that guards them. Never freed: transports may be closed
// as the program ends.
struct Claimed {
	std::mutex mutex;
	std::set<int> fds;
};

Claimed &claimed()
{
	static Claimed &all = *new Claimed;

	return all;
}

[[noreturn]] void refuse(int fd, const std::string &why)
{
	raise(TTransportException::BAD_ARGS, describeHanded(fd), why);
}

std::string kindOf(const struct stplr_channel_info &info)
{
	if (info.flags & STPLR_CHANNEL_LISTEN)
		return "a listening channel";
	return info.state & STPLR_STATE_ACCEPTED ? "an accepted client's channel"
						 : "a channel that does not listen";
}

std::string kindOf(int fd)
{
	struct stplr_connect_info connection;
	struct stplr_channel_info channel;

	if (!stplr_connect_info(fd, &connection))
		return "a connection";
	return stplr_channel_info(fd, &channel) ? "neither connection nor channel"
						: kindOf(channel);
}

void checkRelease(int fd)
{
	char why[256];

	if (!stplr_check_version(fd, why, sizeof(why)))
		return;
	throw TTransportException(errno == EPROTONOSUPPORT ? TTransportException::NOT_OPEN
							   : TTransportException::BAD_ARGS,
				  why, errno);
}

void checkWaits(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && flags & O_NONBLOCK)
		refuse(fd, "it has O_NONBLOCK, and a call is to wait: clear that (F_SETFL)");
}

} // namespace

std::string describeHanded(int fd)
{
	return "descriptor " + std::to_string(fd);
}

StaplerDescriptor StaplerDescriptor::activated(const std::string &name)
{
	const int fd = stplr_activated(name.c_str());

	if (fd < 0 && errno != ENOENT)
		raise(TTransportException::BAD_ARGS, "'" + name + "'",
		      stplr_strerror("stplr_activated", errno));
	return StaplerDescriptor(fd);
}

void checkHandedConnection(int fd)
{
	struct stplr_connect_info info;

	checkRelease(fd);
	if (stplr_connect_info(fd, &info))
		refuse(fd, "it is " + kindOf(fd) + ", and a client wants a connection");
	if (info.flags & STPLR_CONNECT_DETACHED)
		raise(TTransportException::NOT_OPEN, describeHanded(fd),
		      "the connection was ended by another process that has it");
	checkWaits(fd);
}

struct stplr_channel_info checkHandedChannel(int fd, ChannelKind wanted)
{
	const bool listening = wanted == ChannelKind::listening;
	struct stplr_channel_info info;

	checkRelease(fd);
	if (stplr_channel_info(fd, &info) ||
	    !(listening ? info.flags & STPLR_CHANNEL_LISTEN : info.state & STPLR_STATE_ACCEPTED))
		refuse(fd, "it is " + kindOf(fd) + ", and " +
				   (listening ? "a server wants a listening channel"
					      : "this wants an accepted client's channel"));
	if (info.state & (STPLR_STATE_SHUTDOWN | STPLR_STATE_ENDED))
		raise(TTransportException::NOT_OPEN, describeHanded(fd),
		      "the channel was ended by another process that has it");
	// One that listens is asked for clients, and not waited on.
	if (!listening)
		checkWaits(fd);
	return info;
}

StaplerAddress addressOf(const struct stplr_channel_info &info)
{
	return StaplerAddress(info.name, info.device);
}

void claimHanded(int fd)
{
	Claimed &all = claimed();
	std::lock_guard<std::mutex> lock(all.mutex);

	if (!all.fds.insert(fd).second)
		refuse(fd, "it is another transport's already");
	fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC);
}

void closeHanded(int fd)
{
	Claimed &all = claimed();

	// In this order: another thread may be handed the same number at once.
	{
		std::lock_guard<std::mutex> lock(all.mutex);

		all.fds.erase(fd);
	}
	::close(fd);
}

} // namespace thrift
} // namespace stplr
