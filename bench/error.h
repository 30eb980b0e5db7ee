// SPDX-License-Identifier: MIT
// What can go wrong in a row: a system call that failed, or a row this system cannot run.
#ifndef STPLR_BENCH_ERROR_H
#define STPLR_BENCH_ERROR_H

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace bench
{

// "read: Connection reset by peer (ECONNRESET)". Takes errno as it is when called.
std::string describe(const std::string &call, int error = errno);

// A call that should have worked; ends the whole run. The harness puts transport, size and side in
// front.
class CallError : public std::runtime_error
{
public:
	explicit CallError(const std::string &call, int error = errno)
		: std::runtime_error(describe(call, error))
	{
	}
};

// This kernel, user or limit cannot run the row. It is reported with the reason, and the run goes
// on.
class Unsupported : public std::runtime_error
{
	using std::runtime_error::runtime_error;
};

// Passes a system call's result on, or throws with the errno it left.
template <typename Result> Result checked(Result result, const char *call)
{
	if (result == static_cast<Result>(-1))
		throw CallError(call);
	return result;
}

// The same for mmap.
inline void *checked(void *address, const char *call)
{
	if (reinterpret_cast<std::intptr_t>(address) == -1)
		throw CallError(call);
	return address;
}

} // namespace bench

#endif
