// SPDX-License-Identifier: MIT
// A connection or a channel that another process, or an earlier program, has made.
#ifndef STPLR_THRIFT_STAPLERDESCRIPTOR_H
#define STPLR_THRIFT_STAPLERDESCRIPTOR_H

#include <string>

namespace stplr
{
namespace thrift
{

/*
 * A descriptor of stplr's that was inherited over fork(2) and exec(2), received over a Unix socket
 * (SCM_RIGHTS), or handed over by a service manager. What is made of it takes it over: it is
 * close-on-exec from then on, and closed by the transport's close(). If the constructor throws, it
 * stays the caller's:
 *
 *	BAD_ARGS	not open, not stplr's, of another kind than is wanted, another transport's
 *			already, or O_NONBLOCK where calls are to wait
 *	NOT_OPEN	module and library are not of one release; or the channel has ended
 *
 * Others may hold copies. So close() closes this one, and ends nothing for them, and a server that
 * is stopped leaves a channel that was handed in as it is: clients may connect, and wait for the
 * next that serves it.
 */
struct StaplerDescriptor {
	explicit StaplerDescriptor(int fd = -1) : fd(fd) {}

	// The one of this name that the process was started with, see stplr_activated(3):
	// sd_listen_fds(3). False as a condition if there is none, as when it was started by hand.
	// BAD_ARGS: the variables make no sense, or there are several.
	static StaplerDescriptor activated(const std::string &name);

	explicit operator bool() const
	{
		return fd >= 0;
	}

	int fd;
};

} // namespace thrift
} // namespace stplr

#endif
