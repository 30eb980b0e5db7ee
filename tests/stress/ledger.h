// SPDX-License-Identifier: MIT
// The storm's books: what each message, thread, process, channel and event has come to.
//
// They lie in memory that all processes share, and survive whoever writes them. Each step is noted
// before it is taken and after, so that of a thread that was killed it is known between which two
// notes it stood: that, and nothing else, excuses what then does not add up. After a round, when
// all are dead, audit() reads them.
#pragma once

#include <atomic>
#include <cstdint>

constexpr uint32_t kMessages = 4 << 20;
constexpr uint32_t kProcesses = 32 << 10;
constexpr uint32_t kThreads = 128 << 10;
constexpr uint32_t kChannels = 64 << 10;
constexpr uint32_t kEvents = 64 << 10;

// Servers of one level are clients of the next, so that nobody waits in a ring.
constexpr uint32_t kLevels = 3;
constexpr uint32_t kSlots = 16;

enum Kind : uint8_t { kTwoWay = 1, kOneWay, kQueued, kPulse };

// The sender's notes, and the receiver's.
enum Sent : uint8_t { kNotSent, kUnderWay, kSucceeded, kFailed };
enum Served : uint8_t { kNobody, kReceived, kAnswering, kAnswered, kRefused };

// What a failed call told of the message (STPLR_SEND_TELL); kAbandoned: left parked.
enum Told : uint8_t { kNotReceived, kWasReceived, kAbandoned };

// Numbers of messages, threads, processes, channels and events are places here, from 1 on.
struct Message {
	std::atomic<uint32_t> sender;   // a thread
	std::atomic<uint32_t> receiver; // a thread
	std::atomic<uint32_t> channel;
	std::atomic<uint32_t> length;
	std::atomic<Kind> kind;
	std::atomic<Sent> sent;
	std::atomic<Told> told;
	std::atomic<Served> served;
	std::atomic<uint8_t> deliveries;
	std::atomic<bool> to_fail; // the server answers with EPROTO
	std::atomic<uint16_t> error;
};

// What a thread does: a message's number, or a channel's, or 0.
struct Task {
	std::atomic<uint32_t> process;
	std::atomic<int> tid;
	std::atomic<uint32_t> sending;
	std::atomic<uint32_t> receiving; // from this channel
	std::atomic<uint32_t> answering;
	std::atomic<uint32_t> holding; // a queued message that it has not read to its end
};

struct Process {
	std::atomic<int> pid;
	std::atomic<bool> live;   // whoever takes this away may kill it, or let it execute
	std::atomic<bool> doomed; // it is about to be killed, or to execute: noted before
	std::atomic<bool> done;   // came to its end by itself
	std::atomic<bool> server;
	std::atomic<uint64_t> calls;
	std::atomic<uint32_t> channels[8]; // that it may be the last to hold
};

struct Channel {
	std::atomic<uint32_t> level;
	std::atomic<int> pid, chid;
	std::atomic<bool> listens;
	std::atomic<bool> ending;    // it may end at any moment from now on: noted before
	std::atomic<bool> drained;   // everything that was in it has been received
	std::atomic<bool> detaching; // some connection to it was detached
	uint32_t killed_receiving;   // the audit's
	uint32_t missing;
};

// An event that a client allowed: notified between .succeeded and .attempts times.
struct Event {
	std::atomic<uint32_t> attempts;
	std::atomic<uint32_t> succeeded;
};

// Of a round: kServe: clients come to their end, undisturbed; kDrain: servers, when there is
// nothing left to be received.
enum Phase : uint32_t { kRun, kServe, kDrain };

struct Counts {
	uint64_t calls, messages, delivered, failed, dropped, in_between, processes, threads,
		channels;
	uint64_t kinds[kPulse + 1];
};

struct Ledger {
	uint64_t seed;
	std::atomic<uint32_t> phase;
	std::atomic<uint32_t> messages_made, threads_made, processes_made, channels_made,
		events_made;
	std::atomic<uint32_t> disturbed; // signals that were handled
	std::atomic<uint32_t> passed;    // descriptors
	std::atomic<uint32_t> executed;
	std::atomic<uint32_t> notified;
	std::atomic<uint32_t> nr_wrong;
	char wrong[16][240];
	std::atomic<uint32_t> slots[kLevels][kSlots]; // channels to be found
	Process processes[kProcesses];
	Task threads[kThreads];
	Channel channels[kChannels];
	Event events[kEvents];
	Message messages[kMessages];
};

extern Ledger *ledger;

// Maps the books that this descriptor refers to.
void ledger_map(int fd);

// Notes something that must not be.
[[gnu::format(printf, 1, 2)]] void wrong(const char *format, ...);

// The next place of a kind, or 0 when they are used up.
uint32_t take(std::atomic<uint32_t> &made, uint32_t most);

// Once all processes are dead: whatever does not add up is noted. lost: how many queued messages
// the module says it has lost.
Counts audit(uint64_t lost);
