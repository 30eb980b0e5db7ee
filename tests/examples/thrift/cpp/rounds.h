// SPDX-License-Identifier: MIT
// Measuring: many rounds of calls by one client or by several at once.
#ifndef EXAMPLES_THRIFT_ROUNDS_H
#define EXAMPLES_THRIFT_ROUNDS_H

#include "handlers.h"
#include "options.h"

#include <functional>
#include <memory>
#include <stdexcept>

namespace stplr
{
namespace examples
{

// One client with its connection. Whatever is answered is checked; a wrong answer throws.
class Round
{
public:
	virtual ~Round() = default;
	virtual void once() = 0;
	// After the last round: how many calls it took to know that all have been executed.
	virtual int settle()
	{
		return 0;
	}
};

using MakeRound = std::function<std::unique_ptr<Round>()>;

// Does options.count rounds in each of options.clients threads, and prints the line of JSON.
void measure(const ClientOptions &options, int callsPerRound, const MakeRound &make);

// A line of JSON with these further members.
void printMeasured(const ClientOptions &options, int64_t rpcs, const std::string &members);

inline void expect(bool right, const char *what)
{
	if (!right)
		throw std::runtime_error(std::string("a wrong answer: ") + what);
}

// name and version, which every round begins with.
template <typename Client> void expectExample(Client &client, const std::string &service)
{
	std::string name;
	version_struct version;

	client.name(name);
	expect(name == service, "name");
	client.version(version);
	expect(version == exampleVersion(), "version");
}

} // namespace examples
} // namespace stplr

#endif
