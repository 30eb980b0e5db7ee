// SPDX-License-Identifier: MIT
// Where a service is found on stplr, and who is at the other end.
#ifndef STPLR_THRIFT_STAPLERADDRESS_H
#define STPLR_THRIFT_STAPLERADDRESS_H

#include <string>
#include <sys/types.h>

namespace stplr
{
namespace thrift
{

// A channel's name on a device, and who may connect to it:
// stplr:NAME[?device=N&mode=MODE&group=GROUP]
struct StaplerAddress {
	StaplerAddress() = default;
	// These are no conversions by accident: a name is an address.
	StaplerAddress(const std::string &name, unsigned int device = 0)
		: name(name), device(device)
	{
	}
	StaplerAddress(const char *name, unsigned int device = 0) : name(name), device(device) {}

	// What follows "stplr:", which may be there; BAD_ARGS if it makes no sense.
	static StaplerAddress parse(const std::string &text);

	// The name as it stands in errors and origins: stplr:NAME, and the device if that is not 0;
	// without a name stplr:(handed in).
	std::string describe() const;

	std::string name;
	// The N of /dev/stplr-N.
	unsigned int device = 0;
	// For a server: permissions as for a Unix socket's file; 0 is 0600.
	unsigned int mode = 0;
	// For a server: the name's group; NO_GROUP is the process's own.
	gid_t group = NO_GROUP;

	static constexpr gid_t NO_GROUP = static_cast<gid_t>(-1);
};

// As the kernel knows it, in this process's namespaces. A pid of 0 is one that has none here.
struct PeerCredentials {
	pid_t pid = 0;
	uid_t uid = static_cast<uid_t>(-1);
	gid_t gid = static_cast<gid_t>(-1);
};

// "stplr:NAME pid=P uid=U gid=G"
std::string describePeer(const StaplerAddress &address, const PeerCredentials &peer);

} // namespace thrift
} // namespace stplr

#endif
