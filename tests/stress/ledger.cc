// SPDX-License-Identifier: MIT
#include "ledger.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

Ledger *ledger;

void ledger_map(int fd)
{
	void *memory = mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED) {
		perror("storm: the ledger");
		exit(2);
	}
	ledger = static_cast<Ledger *>(memory);
}

void wrong(const char *format, ...)
{
	uint32_t place = ledger->nr_wrong++;
	va_list arguments;

	if (place >= sizeof(ledger->wrong) / sizeof(ledger->wrong[0]))
		return;
	va_start(arguments, format);
	vsnprintf(ledger->wrong[place], sizeof(ledger->wrong[place]), format, arguments);
	va_end(arguments);
}

uint32_t take(std::atomic<uint32_t> &made, uint32_t most)
{
	uint32_t number = ++made;

	if (number < most)
		return number;
	made = most - 1;
	return 0;
}

namespace
{

const char *const kKinds[] = {"", "two-way", "one-way", "queued", "pulse"};
const char *const kSents[] = {"not sent", "under way", "succeeded", "failed"};
const char *const kServeds[] = {"nobody's", "received", "being answered", "answered", "refused"};

bool doomed(uint32_t thread)
{
	return ledger->processes[ledger->threads[thread].process].doomed;
}

void wrong_message(uint32_t number, const char *text)
{
	const Message &message = ledger->messages[number];

	wrong("message %u (%s, %u bytes, channel %u%s): sender's side %s (%s%s), server's side %s, "
	      "delivered %u times: %s",
	      number, kKinds[message.kind], message.length.load(), message.channel.load(),
	      ledger->channels[message.channel].ending ? " (may have ended)" : "",
	      kSents[message.sent], message.sent == kFailed ? strerror(message.error) : "-",
	      message.told == kWasReceived ? ", was received" : "", kServeds[message.served],
	      message.deliveries.load(), text);
}

// Why a blocking message may have failed so.
const char *fault_of_failure(const Message &message)
{
	const Channel &channel = ledger->channels[message.channel];
	bool received = message.told == kWasReceived;

	switch (message.error) {
	case ESRCH:
		if (channel.ending || (message.receiver && doomed(message.receiver)))
			return nullptr;
		return "its channel has not ended, its server was not killed";
	case EBADF:
		return channel.detaching ? nullptr : "nobody has detached a connection";
	case EPROTO:
		return message.to_fail && received ? nullptr
						   : "its server did not choose this error";
	case EINTR:
		return received ? "a signal does not end a wait for a reply" : nullptr;
	case EAGAIN:
		return received ? "EAGAIN after the receipt" : nullptr;
	case ETIMEDOUT:
	case ECONNRESET:
	case ENOBUFS:
	case EDQUOT:
		return nullptr;
	default:
		return "an error that nothing explains";
	}
}

const char *fault(uint32_t number)
{
	const Message &message = ledger->messages[number];
	const Channel &channel = ledger->channels[message.channel];
	const bool blocking = message.kind <= kOneWay;

	if (message.deliveries > 1)
		return "delivered more than once";
	switch (message.sent) {
	case kNotSent:
		return message.deliveries ? "delivered, but never sent" : nullptr;
	case kUnderWay:
		if (doomed(message.sender) && ledger->threads[message.sender].sending == number)
			return nullptr;
		return "its sender was not killed, and has no result";
	case kSucceeded:
		if (message.kind == kTwoWay && message.served != kAnswering &&
		    message.served != kAnswered)
			return "success without an answer";
		if (message.served == kAnswering &&
		    !(doomed(message.receiver) &&
		      ledger->threads[message.receiver].answering == number))
			return "its server was not killed in answering it";
		if (message.served == kRefused && message.kind == kTwoWay)
			return "the server was told that the client is gone";
		if (!blocking && !message.deliveries && !channel.drained)
			return channel.ending ? nullptr
					      : "its channel is neither drained nor ended";
		return nullptr;
	case kFailed:
		if (!blocking || message.told == kNotReceived)
			return message.deliveries ? "delivered, but its sender was told it was not"
			       : blocking         ? fault_of_failure(message)
						  : nullptr;
		if (message.told == kAbandoned)
			return nullptr;
		if (message.kind == kTwoWay && message.served == kAnswered &&
		    message.error != EPROTO && message.error != ENOBUFS)
			return "its answer was taken, and did not arrive";
		return fault_of_failure(message);
	}
	return "a state that there is not";
}

// Should it have been received, unless by a thread that was killed between the call and its note?
bool missing(const Message &message)
{
	if (message.deliveries)
		return false;
	if (message.sent == kFailed)
		return message.told == kWasReceived;
	if (message.sent != kSucceeded)
		return false;
	return message.kind <= kOneWay || ledger->channels[message.channel].drained;
}

void audit_threads(Counts &counts, uint64_t &holding)
{
	for (uint32_t i = 1; i <= ledger->threads_made; i++) {
		const Task &thread = ledger->threads[i];

		if (!thread.process)
			continue; // killed before it began
		if (!doomed(i)) {
			if (thread.sending || thread.receiving || thread.answering)
				wrong("thread %u was not killed, and did not end its call", i);
			continue;
		}
		if (thread.receiving)
			ledger->channels[thread.receiving].killed_receiving++;
		if (thread.holding)
			holding++;
		counts.in_between += thread.sending || thread.receiving || thread.answering;
	}
}

} // namespace

Counts audit(uint64_t lost)
{
	uint64_t queued_missing = 0, queued_under_way = 0, holding = 0, killed_receiving = 0;
	Counts counts = {};

	counts.processes = ledger->processes_made;
	counts.threads = ledger->threads_made;
	counts.channels = ledger->channels_made;
	for (uint32_t i = 1; i <= ledger->processes_made; i++) {
		const Process &process = ledger->processes[i];

		counts.calls += process.calls;
		if (process.pid && !process.done && !process.doomed)
			wrong("process %d (%u) has ended early", process.pid.load(), i);
	}
	audit_threads(counts, holding);
	for (uint32_t number = 1; number <= ledger->messages_made; number++) {
		const Message &message = ledger->messages[number];
		const char *text = fault(number);

		if (text)
			wrong_message(number, text);
		if (message.sent == kNotSent)
			continue;
		counts.messages++;
		counts.kinds[message.kind]++;
		counts.delivered += message.deliveries;
		counts.failed += message.sent == kFailed && !message.deliveries;
		if (missing(message))
			ledger->channels[message.channel].missing++;
		if (message.kind == kQueued && !message.deliveries) {
			queued_missing += message.sent == kSucceeded;
			queued_under_way += message.sent == kUnderWay;
		}
		// Lost with its channel before it was read to its end.
		holding += message.kind == kQueued && message.served == kRefused;
	}
	for (uint32_t i = 1; i <= ledger->channels_made; i++) {
		const Channel &channel = ledger->channels[i];

		killed_receiving += channel.killed_receiving;
		if (channel.missing > channel.killed_receiving)
			wrong("channel %u: %u messages were taken and not delivered, and %u "
			      "threads "
			      "killed in receiving",
			      i, channel.missing, channel.killed_receiving);
	}
	if (lost + killed_receiving < queued_missing ||
	    lost > queued_missing + queued_under_way + holding)
		wrong("%lu queued messages reported lost, but %lu to %lu are missing", lost,
		      queued_missing - std::min(queued_missing, killed_receiving),
		      queued_missing + queued_under_way + holding);
	counts.dropped = queued_missing;
	return counts;
}
