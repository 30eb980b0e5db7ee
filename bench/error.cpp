// SPDX-License-Identifier: MIT
#include "error.h"

#include <cstring>

namespace bench
{

std::string describe(const std::string &call, int error)
{
	const char *name = strerrorname_np(error);

	return call + ": " + strerrordesc_np(error) + " (" + (name ? name : std::to_string(error)) +
	       ")";
}

} // namespace bench
