// SPDX-License-Identifier: MIT
// How failures travel: a process that ends by an exception leaves its kind and text in memory that
// it shares with the program's first process, which throws it again. The first failure counts; what
// it causes elsewhere does not.
//
// The client is the server's parent, as in the programs that the project's table of peers was made
// with: who forks whom decides which of the two the scheduler favours at first, and with it a
// round's cost (see README.md).
#include "row.h"

#include "resource.h"
#include "stopwatch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <new>
#include <numeric>

namespace bench
{

struct Failure {
	enum Kind { none, unsupported, error };

	// Safe in a signal handler.
	void set(Kind newKind, const char *side, const char *newText)
	{
		if (taken.exchange(true))
			return;
		strncpy(text, side, sizeof(text) - 1);
		strncat(text, newText, sizeof(text) - strlen(text) - 1);
		kind = newKind;
	}

	std::atomic<bool> taken{false};
	Kind kind = none;
	char text[512] = {};
};

namespace
{

// Forks a child that does `work` and dies with its parent.
pid_t forkFor(Failure &failure, const char *side, const std::function<void()> &work)
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
		failure.set(Failure::unsupported, "", reason.what());
		_exit(1);
	} catch (const std::exception &error) {
		failure.set(Failure::error, side, error.what());
		_exit(1);
	}
	_exit(0);
}

int reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			throw CallError("waitpid");
	return status;
}

// The failure of this process's row, for onServerEnd().
Failure *rowFailure;

// The server has ended before its time, and the client may be waiting for it: end the row.
void onServerEnd(int)
{
	rowFailure->set(Failure::error, "server: ", "its process has ended");
	_exit(1);
}

// Kills the server when the client's part is over, however it ends.
class ServerProcess
{
public:
	explicit ServerProcess(pid_t pid) : pid_(pid) {}
	ServerProcess(const ServerProcess &) = delete;
	operator pid_t() const
	{
		return pid_;
	}
	~ServerProcess()
	{
		signal(SIGCHLD, SIG_DFL);
		kill(pid_, SIGKILL);
		reap(pid_);
	}

private:
	pid_t pid_;
};

} // namespace

void pinToCpu(int cpu)
{
	cpu_set_t set;

	if (cpu == Cpus::any)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		throw CallError("sched_setaffinity(processor " + std::to_string(cpu) + ")");
}

void Measurement::runBothSides(const Cpus &cpus,
			       const std::function<void(const std::function<void()> &)> &server,
			       const std::function<void()> &client)
{
	int gate[2];
	char opened;
	struct sigaction action = {};

	checked(pipe2(gate, O_CLOEXEC), "pipe2");

	Fd gateIn(gate[0], "pipe2");
	Fd gateOut(gate[1], "pipe2");

	rowFailure = &failure_;
	action.sa_handler = onServerEnd;
	action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
	checked(sigaction(SIGCHLD, &action, nullptr), "sigaction(SIGCHLD)");

	const ServerProcess serverProcess(forkFor(failure_, "server: ", [&] {
		signal(SIGCHLD, SIG_DFL);
		gateIn = Fd();
		pinToCpu(cpus.server);
		server([&] { checked(write(gateOut, "", 1), "write(gate)"); });
		for (;;)
			pause();
	}));

	gateOut = Fd();
	pinToCpu(cpus.client);
	if (const int error = clock_getcpuclockid(serverProcess, &serverClock_))
		throw CallError("clock_getcpuclockid", error);
	// End of file: the server is about to end, and onServerEnd() to be called.
	if (checked(read(gateIn, &opened, 1), "read(gate)") == 0)
		pause();
	client();
}

double Measurement::busy() const
{
	return clockNow(CLOCK_PROCESS_CPUTIME_ID) + clockNow(serverClock_);
}

Outcome runIsolated(const std::string &what, const std::function<void(Measurement &)> &measure)
{
	struct Shared {
		Failure failure;
		Measurement measurement{failure};
	};
	const Mapping memory = sharedMemory(sizeof(Shared));
	Shared &shared = *new (memory.bytes()) Shared();
	const int status =
		reap(forkFor(shared.failure, "client: ", [&] { measure(shared.measurement); }));
	Outcome outcome;

	if (WIFSIGNALED(status))
		shared.failure.set(Failure::error, "client: killed by ",
				   strsignal(WTERMSIG(status)));
	if (shared.failure.kind == Failure::unsupported) {
		outcome.reason = shared.failure.text;
		return outcome;
	}
	if (shared.failure.kind == Failure::error)
		throw std::runtime_error(what + ": " + shared.failure.text);

	const Costs &costs = shared.measurement.costs;

	outcome.supported = true;
	outcome.batches.assign(costs.batch, costs.batch + costs.batches);
	outcome.cost = std::accumulate(outcome.batches.begin(), outcome.batches.end(), 0.0) /
		       costs.batches;
	outcome.busy = costs.busy;
	outcome.runs = {outcome.cost};
	return outcome;
}

} // namespace bench
