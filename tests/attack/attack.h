// SPDX-License-Identifier: MIT
// What all attackers have in common: users, a victim, and how long that may be kept waiting.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/ipc.h"

// Ordinary users who have nothing to do with each other. The test itself is root.
constexpr unsigned kAttacker = 65534, kVictim = 1234, kBystander = 1235;

// The attack works today: what is missing in the module, in words. A test that says so and passes
// is a failure, so that the mark goes when what was missing has come.
void works_today(const std::string &what_is_missing);

// The body of a Child that is such a user.
Child::Body as(unsigned user, Child::Body body);

// A server of another user than the attacker: it echoes what comes to its channel, which whoever
// may open the device can attach to, by name and by id.
class Service
{
public:
	explicit Service(const std::string &name = "service", unsigned user = kVictim,
			 uint32_t flags = 0);

	pid_t pid() const
	{
		return process_.pid();
	}
	int chid() const
	{
		return chid_;
	}

private:
	Child process_;
	int chid_;
};

class AttackTest : public testing::Test
{
protected:
	// Expects that a client of a third user gets its answer from the server of that name,
	// attach included.
	void expect_served(const std::string &name, int64_t within_ms = 10000);

	Fd device = open_device();
};

// What the best of some tries of this took by that clock, in ns: what else the machine does is not
// the attacker's.
int64_t shortest(int tries, uint32_t clock, const std::function<void()> &what);

// The calling process's program, as a file that is set-uid root, to be executed with the argument
// "sleep".
const char *set_uid_program();
