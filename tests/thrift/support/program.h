// SPDX-License-Identifier: MIT
// A program that runs beside the tests.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace tests
{

class Program
{
public:
	// The first argument is the program, below the checkout's folder; output and errors are
	// kept.
	explicit Program(const std::vector<std::string> &arguments);
	// Kills it if it is there still.
	~Program();
	Program(const Program &) = delete;

	pid_t pid() const
	{
		return pid_;
	}
	// False if it does not say this within the tests' patience.
	bool says(const std::string &text);
	void signal(int number);
	// Its exit status, 128 + N if signal N ended it, -1 if it does not end.
	int wait();
	// All it has said once it has ended.
	const std::string &output();

private:
	void read(int timeoutMs);

	pid_t pid_ = -1;
	int status_ = -1;
	int pipe_ = -1;
	std::string output_;
};

// Runs it to its end; its output goes to output. -1 as for wait().
int runProgram(const std::vector<std::string> &arguments, std::string *output = nullptr);

} // namespace tests
