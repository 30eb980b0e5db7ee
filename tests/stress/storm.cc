// SPDX-License-Identifier: MIT
#include "storm.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

Shared shared;
Own own;

static char *next_piece()
{
	const uint32_t piece = own.pieces++;

	return piece < kPieces ? own.arena + piece * kPiece : nullptr;
}

Self::Self()
	: number(take(ledger->threads_made, kThreads)), random(ledger->seed * 1000003 + number),
	  piece(next_piece()), out(kMost + 64), in(kMost + 64)
{
	if (!number) {
		wrong("too many threads");
		exit(1);
	}
	notes().tid = syscall(SYS_gettid);
	notes().process = own.number;
}

long Self::call(int fd, unsigned long request, void *argument)
{
	own.notes().calls++;
	long result = ioctl(fd, request, argument);
	return result < 0 ? -errno : result;
}

int register_arena(Self &self, int fd)
{
	stplr_buffer_register args = {};

	args.addr = reinterpret_cast<uint64_t>(own.arena);
	args.len = kPieces * kPiece;
	args.flags = STPLR_BUFFER_WRITE;
	long result = self.call(fd, STPLR_BUFFER_REGISTER, &args);
	if (result != 0 && result != -EINTR && result != -EDQUOT && result != -ENOMEM)
		wrong("registering a buffer: %s", strerror(-result));
	return result == 0 ? int(args.index) : -1;
}

void fill(char *bytes, uint32_t length, uint64_t seed)
{
	uint64_t word = seed * 0x9e3779b97f4a7c15;

	for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
		word += 0xbf58476d1ce4e5b9;
		memcpy(bytes, &word, sizeof(word));
	}
	word += 0xbf58476d1ce4e5b9;
	memcpy(bytes, &word, length);
}

bool filled(const char *bytes, uint32_t length, uint64_t seed)
{
	uint64_t word = seed * 0x9e3779b97f4a7c15;

	for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
		word += 0xbf58476d1ce4e5b9;
		if (memcmp(bytes, &word, sizeof(word)))
			return false;
	}
	word += 0xbf58476d1ce4e5b9;
	return memcmp(bytes, &word, length) == 0;
}

void pass(int socket, int fd, uint32_t number)
{
	if (pass_fd(socket, fd, number, MSG_DONTWAIT))
		ledger->passed++;
}

bool hold_channel(uint32_t channel)
{
	for (auto &held : own.notes().channels) {
		uint32_t none = 0;
		if (held.compare_exchange_strong(none, channel))
			return true;
	}
	return false;
}

void drop_channel(uint32_t channel)
{
	for (auto &held : own.notes().channels) {
		uint32_t expected = channel;
		if (held.compare_exchange_strong(expected, 0))
			return;
	}
}

void enter_process(bool server)
{
	struct sigaction action = {};
	sigset_t disturbing;

	own.number = take(ledger->processes_made, kProcesses);
	own.pieces = 0;
	if (!own.number)
		_exit(0);
	setpriority(PRIO_PROCESS, 0, 0);
	own.notes().server = server;
	own.notes().pid = getpid();
	if (!own.arena)
		own.arena =
			static_cast<char *>(mmap(nullptr, kPieces * kPiece, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	// Without SA_RESTART: what it interrupts returns.
	action.sa_handler = [](int) { ledger->disturbed++; };
	sigaction(SIGUSR1, &action, nullptr);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&disturbing);
	sigaddset(&disturbing, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &disturbing, nullptr);
}

void leave_process()
{
	own.notes().live = false;
	own.notes().done = true;
	_exit(0);
}

void fork_process(bool server, void (*body)())
{
	if (fork())
		return;
	enter_process(server);
	body();
	leave_process();
}

void execute_anew()
{
	sigset_t disturbing;
	std::string fds;

	if (!own.notes().live.exchange(false))
		return;
	own.notes().doomed = true;
	for (auto &held : own.notes().channels)
		ledger->channels[held].ending = true;
	sigemptyset(&disturbing);
	sigaddset(&disturbing, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &disturbing, nullptr);
	ledger->executed++;
	for (int fd : {shared.device, shared.ledger, shared.connections[0], shared.connections[1],
		       shared.channels[0], shared.channels[1]})
		fds += std::to_string(fd) + " ";
	execl("/proc/self/exe", "storm", "--anew", own.notes().server ? "server" : "client",
	      fds.c_str(), nullptr);
	wrong("process %d: execve: %s", getpid(), strerror(errno));
	_exit(1);
}

int64_t in_ms(uint32_t ms)
{
	timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (time.tv_sec * 1000 + ms) * int64_t(1000000) + time.tv_nsec;
}
