// SPDX-License-Identifier: MIT
// The modules of tests/module, and the parameters of modules.
#pragma once

#include <string>

// These fail the test when they cannot.
void load_test_module(const std::string &name);
void unload_test_module(const std::string &name);
void set_module_parameter(const std::string &module, const std::string &name, long value);

// A parameter of stplr with another value while this lives.
class Parameter
{
public:
	Parameter(const std::string &name, long value);
	Parameter(Parameter &&) = delete;
	~Parameter();

private:
	std::string name_;
	long before_ = 0;
};
