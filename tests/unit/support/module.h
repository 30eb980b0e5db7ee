// SPDX-License-Identifier: MIT
// The modules of tests/module, and the parameters of modules.
#pragma once

#include <cstdint>
#include <string>

#include "support/fd.h"

// These fail the test when they cannot.
void load_test_module(const std::string &name);
void unload_test_module(const std::string &name);
// /dev/NAME of one of them, which comes a little after its module.
Fd open_test_device(const std::string &name);
void set_module_parameter(const std::string &module, const std::string &name, long value);

// The number after a word in a file of words and numbers.
uint64_t number_in(const std::string &path, const std::string &word);

bool kernel_at_least(int major, int minor);

// Is it a kernel that looks for misuse of memory and leaks by itself?
bool kernel_checks_memory();

// How many of these, or bytes of them, stplr counts (its parameter objects).
uint64_t objects(const std::string &kind);

// A parameter of stplr with another value while this lives.
class Parameter
{
public:
	Parameter(const std::string &name, long value);
	Parameter(Parameter &&) = delete;
	~Parameter();

private:
	std::string name_, before_;
};
