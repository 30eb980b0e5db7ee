// SPDX-License-Identifier: MIT
#include "resource.h"

#include <sys/resource.h>

#include <algorithm>

namespace bench
{

void allowDescriptors(unsigned more)
{
	// What a program of this kind has open besides.
	const rlim_t wanted = more + 64;
	rlimit limit;

	checked(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit(RLIMIT_NOFILE)");
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	limit.rlim_max = std::max(limit.rlim_max, wanted);
	checked(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit(RLIMIT_NOFILE)");
}

} // namespace bench
