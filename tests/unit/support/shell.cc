// SPDX-License-Identifier: MIT
#include "support/shell.h"

#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

std::string build_folder()
{
	return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
}

std::ostream &operator<<(std::ostream &out, const Ran &ran)
{
	return out << "status " << ran.status << ", output:\n" << ran.output;
}

Ran run_shell(const std::string &folder, const std::string &command)
{
	const std::string script =
		"exec bash <<'END-OF-SCRIPT' 2>&1\nset -o pipefail; PATH=" + build_folder() + "/" +
		folder + ":$PATH; { " + command + "\n} </dev/null\nEND-OF-SCRIPT\n";
	FILE *pipe = popen(script.c_str(), "re");
	Ran ran = {};
	char part[4096];

	if (!pipe) {
		ADD_FAILURE() << "cannot run " << command;
		return ran;
	}
	while (size_t got = fread(part, 1, sizeof(part), pipe))
		ran.output.append(part, got);
	int status = pclose(pipe);
	ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return ran;
}
