// SPDX-License-Identifier: MIT
#include "support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "support/thread.h"

extern char **environ;

namespace tests
{

Program::Program(const std::vector<std::string> &arguments)
{
	posix_spawn_file_actions_t actions;
	std::vector<char *> argv;
	int ends[2];

	for (const std::string &argument : arguments)
		argv.push_back(const_cast<char *>(argument.c_str()));
	argv.push_back(nullptr);
	if (pipe2(ends, O_CLOEXEC))
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	if (posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ))
		pid_ = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	pipe_ = ends[0];
}

Program::~Program()
{
	if (pid_ > 0) {
		kill(pid_, SIGKILL);
		waitpid(pid_, nullptr, 0);
	}
	if (pipe_ >= 0)
		close(pipe_);
}

void Program::read(int timeoutMs)
{
	pollfd descriptor = {pipe_, POLLIN, 0};
	char buffer[4096];

	if (pipe_ < 0 || poll(&descriptor, 1, timeoutMs) <= 0)
		return;
	const ssize_t got = ::read(pipe_, buffer, sizeof(buffer));

	if (got > 0) {
		output_.append(buffer, got);
	} else {
		close(pipe_);
		pipe_ = -1;
	}
}

bool Program::says(const std::string &text)
{
	const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);

	while (output_.find(text) == std::string::npos) {
		if (pipe_ < 0 || std::chrono::steady_clock::now() > end)
			return false;
		read(100);
	}
	return true;
}

void Program::signal(int number)
{
	if (pid_ > 0)
		kill(pid_, number);
}

int Program::wait()
{
	const auto ended = [this] {
		int status;

		read(0);
		if (pid_ < 0 || waitpid(pid_, &status, WNOHANG) != pid_)
			return pid_ < 0;
		pid_ = -1;
		status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		return true;
	};

	return eventually(ended) ? status_ : -1;
}

const std::string &Program::output()
{
	while (pipe_ >= 0 && pid_ < 0)
		read(kPatienceMs);
	return output_;
}

int runProgram(const std::vector<std::string> &arguments, std::string *output)
{
	Program program(arguments);
	const int status = program.wait();

	if (output)
		*output = program.output();
	return status;
}

} // namespace tests
