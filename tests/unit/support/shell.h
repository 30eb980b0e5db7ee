// SPDX-License-Identifier: MIT
// Programs as a user runs them, by the shell.
#pragma once

#include <ostream>
#include <string>

// build/, in which this program is in a folder beside those of other programs.
std::string build_folder();

// What a command of the shell's printed, to both outputs, and its exit status (128 + N for a
// signal).
struct Ran {
	int status;
	std::string output;

	bool says(const std::string &text) const
	{
		return output.find(text) != std::string::npos;
	}
};

std::ostream &operator<<(std::ostream &out, const Ran &ran);

// With the programs of this folder of build/ before all others.
Ran run_shell(const std::string &folder, const std::string &command);
