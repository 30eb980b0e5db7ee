// SPDX-License-Identifier: MIT
#include "support/leftovers.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/thread.h"

namespace
{

// What the module's parameter tells; nothing where it is not loaded.
std::string objects()
{
	std::ifstream file("/sys/module/stplr/parameters/objects");
	std::string line;

	getline(file, line);
	return line;
}

bool none(const std::string &line)
{
	return line.find_first_of("123456789") == std::string::npos;
}

// The fixture is gone by now, and with it all the test had open. What a process that was killed
// held goes when it is through with dying, so there is some patience.
class Leftovers : public testing::EmptyTestEventListener
{
	void OnTestStart(const testing::TestInfo &) override
	{
		before_ = objects();
	}
	void OnTestEnd(const testing::TestInfo &) override
	{
		std::string left;

		// What another test has left is that one's failure.
		EXPECT_TRUE(eventually([&] {
			left = objects();
			return none(left) || left == before_;
		})) << "left behind: "
		    << left << "; before: " << before_;
	}

	std::string before_;
};

} // namespace

void leftovers_watch()
{
	testing::UnitTest::GetInstance()->listeners().Append(new Leftovers);
}
