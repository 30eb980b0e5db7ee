// SPDX-License-Identifier: MIT
// How failures travel: a process that ends by an exception leaves its kind and text in memory it shares with its parent,
// which throws it again. So whatever goes wrong in a row comes out of runIsolated() in the program's first process.
#include "row.h"

#include "resource.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace bench
{

namespace
{

struct Failure {
	enum Kind { none, unsupported, error } kind = none;
	char text[512] = {};

	void set(Kind newKind, const char *newText)
	{
		kind = newKind;
		strncpy(text, newText, sizeof(text) - 1);
	}

	void rethrow(const std::string &where) const
	{
		if (kind == unsupported)
			throw Unsupported(text);
		if (kind == error)
			throw std::runtime_error(where + text);
	}
};

// Forks a child that does `work` and dies with its parent.
pid_t forkFor(Failure &failure, const std::function<void()> &work)
{
	const pid_t parent = getpid();
	const pid_t child = checked(fork(), "fork");

	if (child)
		return child;
	try {
		checked(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl(PR_SET_PDEATHSIG)");
		if (getppid() != parent)
			_exit(1);
		work();
	} catch (const Unsupported &reason) {
		failure.set(Failure::unsupported, reason.what());
	} catch (const std::exception &error) {
		failure.set(Failure::error, error.what());
	}
	_exit(failure.kind == Failure::none ? 0 : 1);
}

// Notes how a process ended if it did not say so itself.
void noteEnd(Failure &failure, int status)
{
	if (failure.kind != Failure::none || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return;
	if (WIFSIGNALED(status))
		failure.set(Failure::error,
			    (std::string("killed by ") + strsignal(WTERMSIG(status))).c_str());
	else
		failure.set(Failure::error, "ended without a word");
}

int waitFor(pid_t &child)
{
	int status;

	while ((child = waitpid(-1, &status, 0)) < 0)
		if (errno != EINTR)
			throw CallError("waitpid");
	return status;
}

} // namespace

void pinToCpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		throw CallError("sched_setaffinity(processor " + std::to_string(cpu) + ")");
}

Outcome runIsolated(const std::string &what, const std::function<void(Costs &)> &measure)
{
	struct Shared {
		Failure failure;
		Costs costs;
	};
	const Mapping memory = sharedMemory(sizeof(Shared));
	Shared &shared = *new (memory.bytes()) Shared();
	pid_t child = forkFor(shared.failure, [&] { measure(shared.costs); });
	Outcome outcome;

	noteEnd(shared.failure, waitFor(child));
	try {
		shared.failure.rethrow(what + ": ");
	} catch (const Unsupported &reason) {
		outcome.reason = reason.what();
		return outcome;
	}

	double *const first = shared.costs.batch;
	double *const last = first + shared.costs.batches;

	std::sort(first, last);
	outcome.supported = true;
	outcome.cost = first[shared.costs.batches / 2];
	outcome.spread = (last[-1] - first[0]) / outcome.cost;
	return outcome;
}

void runBothSides(const Cpus &cpus, const std::function<void(const std::function<void()> &)> &server,
		  const std::function<void()> &client)
{
	const Mapping memory = sharedMemory(2 * sizeof(Failure));
	Failure &serverFailure = *new (memory.bytes()) Failure();
	Failure &clientFailure = *new (memory.bytes() + sizeof(Failure)) Failure();
	int gate[2];

	checked(pipe2(gate, O_CLOEXEC), "pipe2");

	Fd gateIn(gate[0], "pipe2");
	Fd gateOut(gate[1], "pipe2");

	const pid_t serverPid = forkFor(serverFailure, [&] {
		gateIn = Fd();
		pinToCpu(cpus.server);
		server([&] { checked(write(gateOut, "", 1), "write(gate)"); });
	});

	gateOut = Fd();

	const pid_t clientPid = forkFor(clientFailure, [&] {
		char ready;

		pinToCpu(cpus.client);
		// End of file: the server has failed. It has the last word, and this process is about to be killed.
		if (checked(read(gateIn, &ready, 1), "read(gate)") == 0)
			pause();
		client();
	});

	for (int left = 2; left > 0; left--) {
		pid_t ended;
		const int status = waitFor(ended);
		Failure &failure = ended == serverPid ? serverFailure : clientFailure;

		noteEnd(failure, status);
		if (failure.kind == Failure::none)
			continue;

		const pid_t other = ended == serverPid ? clientPid : serverPid;

		if (left == 2) {
			kill(other, SIGKILL);
			waitFor(ended);
		}
		failure.rethrow(&failure == &serverFailure ? "server: " : "client: ");
	}
}

} // namespace bench
