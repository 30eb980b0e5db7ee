// SPDX-License-Identifier: MIT
// What clients and servers of the storm have in common.
#pragma once

#include <linux/stplr.h>

#include <cstdint>
#include <vector>

#include "ledger.h"
#include "support/rights.h"

// Longest message, and longest reply.
constexpr uint32_t kMost = 128 << 10;

// Registered memory, of which each thread has a piece.
constexpr uint32_t kPiece = 32 << 10;
constexpr uint32_t kPieces = 16;

// What every process has from the first: the device, the books, sockets by which descriptors pass.
struct Shared {
	int device;
	int ledger;
	int connections[2]; // sockets: one end to pass to, one to take from
	int channels[2];
};
extern Shared shared;

// What a message begins with; the rest is a pattern of its number, as is the reply's.
struct Header {
	uint64_t magic;
	uint32_t number;
	uint32_t length;
	uint32_t reply_len;
	uint32_t event;    // to be notified, or 0:
	uint32_t event_id; // the module's name for it
	uint8_t kind;
	uint8_t hops; // through further servers
	uint8_t to_fail;
	uint8_t zero;
};

// A pulse's value is its number with this.
constexpr uint64_t kMagic = 0x53544f524d000000;

class Random
{
public:
	explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
	uint32_t operator()()
	{
		state_ ^= state_ << 13;
		state_ ^= state_ >> 7;
		state_ ^= state_ << 17;
		return state_ >> 16;
	}
	uint32_t below(uint32_t bound)
	{
		return (*this)() % bound;
	}
	// True once in so many times.
	bool once_in(uint32_t times)
	{
		return below(times) == 0;
	}
	// Mostly short, at times long.
	uint32_t length(uint32_t most)
	{
		return below(once_in(24) ? most : once_in(4) ? 10000 : 1200);
	}

private:
	uint64_t state_;
};

// The process that runs here.
struct Own {
	uint32_t number = 0;
	char *arena = nullptr;           // kPieces of kPiece each
	std::atomic<uint32_t> pieces{0}; // given out

	Process &notes() const
	{
		return ledger->processes[number];
	}
};
extern Own own;

// A thread of the storm, with its place in the books and its memory.
class Self
{
public:
	Self();

	Task &notes() const
	{
		return ledger->threads[number];
	}
	long call(int fd, unsigned long request, void *argument);

	const uint32_t number;
	Random random;
	char *const piece; // of the registered memory, or nullptr
	std::vector<char> out, in;
};

// Where to send: a connection, and to which channel.
struct Target {
	int fd = -1;
	uint32_t channel = 0;
	int registered = -1; // the index of the process's memory there
	uint32_t event = 0;
	uint32_t event_id = 0;
};

// Registers the process's memory on a descriptor; its index, or -1.
int register_arena(Self &self, int fd);

// One message to it, from its first note to its last. Returns the call's result.
long send_message(Self &self, const Target &target, Kind kind, uint32_t hops);

// Opens a connection to some channel of that level; false if there is none just now.
bool open_target(Self &self, uint32_t level, Target &target);

void fill(char *bytes, uint32_t length, uint64_t seed);
bool filled(const char *bytes, uint32_t length, uint64_t seed);
inline uint64_t reply_seed(uint32_t number)
{
	return number + (uint64_t(1) << 40);
}

// Passes a descriptor to whoever takes it, with a number; -1: nobody has passed one.
void pass(int socket, int fd, uint32_t number);

// Notes that this process may be the last to have the channel; false: it has too many.
bool hold_channel(uint32_t channel);
void drop_channel(uint32_t channel);

// The lives of a process. Each returns when it is over.
void run_client();
void run_server();

// Becomes a process of the storm: its place in the books, its memory, its signals.
void enter_process(bool server);
// Ends it, orderly.
[[noreturn]] void leave_process();
// A process with copies of this one's descriptors, which calls this and ends.
void fork_process(bool server, void (*body)());
// The process starts anew, by exec(2), in the middle of whatever its threads do; or it is about to
// be killed.
void execute_anew();

// A deadline.
int64_t in_ms(uint32_t ms);
