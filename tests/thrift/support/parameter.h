// SPDX-License-Identifier: MIT
// A parameter of the module that has another value for a while.
#pragma once

#include <fstream>
#include <string>

namespace tests
{

class Parameter
{
public:
	Parameter(const std::string &name, const std::string &value)
		: path_("/sys/module/stplr/parameters/" + name)
	{
		std::ifstream(path_) >> before_;
		std::ofstream(path_) << value;
	}
	~Parameter()
	{
		std::ofstream(path_) << before_;
	}

private:
	std::string path_, before_;
};

} // namespace tests
