// SPDX-License-Identifier: MIT
#include <stplr/thrift/StaplerAddress.h>

#include "Errors.h"

#include <stplr.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <grp.h>
#include <set>
#include <sstream>
#include <vector>

namespace stplr
{
namespace thrift
{

namespace
{

const std::string scheme = "stplr:";

[[noreturn]] void bad(const std::string &text, const std::string &why)
{
	raise(TTransportException::BAD_ARGS, text,
	      why + "; an address is stplr:NAME[?device=N&mode=MODE&group=GROUP]");
}

// Digits alone, up to 4294967294: one more is no group, and no device.
bool parseNumber(const std::string &text, uint32_t &number)
{
	if (text.empty() || text.size() > 10 ||
	    text.find_first_not_of("0123456789") != std::string::npos)
		return false;

	const unsigned long long value = std::strtoull(text.c_str(), nullptr, 10);

	number = value;
	return value < UINT32_MAX;
}

bool isName(const std::string &name)
{
	uint32_t id;

	if (!name.compare(0, 1, "@"))
		return name.find('\0') == std::string::npos && !stplr_name_id(name.c_str(), &id);
	return !name.empty() && name.size() <= STPLR_NAME_MAX &&
	       name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-") == std::string::npos;
}

unsigned int parseMode(const std::string &text, const std::string &value)
{
	if (value.empty() || value.size() > 4 ||
	    value.find_first_not_of("01234567") != std::string::npos)
		bad(text, "a mode is octal, as in mode=660, not '" + value + "'");

	const unsigned int mode = std::strtoul(value.c_str(), nullptr, 8);

	if (!mode || mode > 0777)
		bad(text, "a mode is from 1 to 777, not '" + value + "'");
	return mode;
}

gid_t parseGroup(const std::string &text, const std::string &value)
{
	std::vector<char> memory(1024);
	struct group group, *found = nullptr;
	uint32_t number;
	int error;

	if (parseNumber(value, number))
		return number;
	while ((error = getgrnam_r(value.c_str(), &group, memory.data(), memory.size(), &found)) ==
	       ERANGE)
		memory.resize(2 * memory.size());
	if (!found)
		bad(text, "there is no group '" + value + "'");
	return found->gr_gid;
}

} // namespace

StaplerAddress StaplerAddress::parse(const std::string &text)
{
	const size_t begin = text.compare(0, scheme.size(), scheme) ? 0 : scheme.size();
	const size_t question = text.find('?', begin);
	std::set<std::string> seen;
	StaplerAddress address(
		text.substr(begin, question == std::string::npos ? question : question - begin));

	if (!isName(address.name))
		bad(text, "a name is 1 to " + std::to_string(STPLR_NAME_MAX) +
				  " letters, digits, '.', '_' and '-', or an id as @42, not '" +
				  address.name + "'");
	if (question == std::string::npos)
		return address;

	// What follows the last option's text counts as an option, too: nothing is none.
	std::istringstream options(text.substr(question + 1) + "&");
	std::string option;

	while (std::getline(options, option, '&')) {
		const size_t equals = option.find('=');
		const std::string key = option.substr(0, equals);
		const std::string value =
			equals == std::string::npos ? "" : option.substr(equals + 1);

		if (!seen.insert(key).second)
			bad(text, "'" + key + "' is there twice");
		if (key == "device") {
			if (!parseNumber(value, address.device))
				bad(text, "a device is a number, not '" + value + "'");
		} else if (key == "mode") {
			address.mode = parseMode(text, value);
		} else if (key == "group") {
			address.group = parseGroup(text, value);
		} else {
			bad(text, "there is no option '" + key + "'");
		}
	}
	return address;
}

std::string StaplerAddress::describe() const
{
	if (name.empty())
		return scheme + "(handed in)";
	return scheme + name + (device ? "?device=" + std::to_string(device) : "");
}

std::string describePeer(const StaplerAddress &address, const PeerCredentials &peer)
{
	return address.describe() + " pid=" + std::to_string(peer.pid) +
	       " uid=" + std::to_string(peer.uid) + " gid=" + std::to_string(peer.gid);
}

} // namespace thrift
} // namespace stplr
