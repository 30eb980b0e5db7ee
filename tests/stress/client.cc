// SPDX-License-Identifier: MIT
// The storm's clients, and what servers do as clients of others.
#include <fcntl.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "storm.h"

namespace
{

// The first note of a message: from here on it may be delivered.
uint32_t begin_message(Self &self, const Target &target, Kind kind, uint32_t length)
{
	uint32_t number = take(ledger->messages_made, kMessages);
	if (!number)
		return 0;
	Message &message = ledger->messages[number];

	message.sender = self.number;
	message.channel = target.channel;
	message.length = length;
	message.kind = kind;
	self.notes().sending = number;
	message.sent = kUnderWay;
	return number;
}

void end_message(Self &self, uint32_t number, long result, Told told = kNotReceived)
{
	Message &message = ledger->messages[number];

	message.told = told;
	message.error = result < 0 ? -result : 0;
	message.sent = result < 0 ? kFailed : kSucceeded;
	self.notes().sending = 0;
}

// A buffer as it is, or in parts.
class Scattered
{
public:
	stplr_buffer in(Random &random, char *bytes, uint32_t length, uint32_t flag,
			uint32_t &flags)
	{
		if (length < 8 || !random.once_in(5))
			return {reinterpret_cast<uint64_t>(bytes), length};
		uint32_t nr = 2 + random.below(kParts - 1), at = 0;
		for (uint32_t i = 0; i < nr; i++) {
			uint32_t left = length - at;
			uint32_t len = i + 1 == nr ? left : random.below(left + 1);
			parts_[i] = {reinterpret_cast<uint64_t>(bytes + at), len};
			at += len;
		}
		flags |= flag;
		return {reinterpret_cast<uint64_t>(parts_), nr};
	}

private:
	static constexpr uint32_t kParts = 10;
	stplr_iovec parts_[kParts];
};

long send_pulse(Self &self, const Target &target)
{
	stplr_pulse_send args = {};
	uint32_t number = begin_message(self, target, kPulse, sizeof(stplr_pulse));

	if (!number)
		return -ENOSPC;
	args.value = kMagic + number;
	args.priority = self.random.once_in(2) ? STPLR_PRIORITY_OWN : int(self.random.below(30));
	long result = self.call(target.fd, STPLR_PULSE_SEND, &args);
	end_message(self, number, result);
	return result;
}

void check_reply(uint32_t number, const Header &header, const stplr_msg_send &args,
		 const char *room)
{
	// The status says how much was written beyond the reply.
	if (args.reply_len != args.reply_total || args.reply_len + args.status != header.reply_len)
		wrong("message %u: a reply of %lu and %d bytes, not %u", number,
		      uint64_t(args.reply_len), args.status, header.reply_len);
	else if (!filled(room, header.reply_len, reply_seed(number)))
		wrong("message %u: another reply's bytes", number);
}

// Blocking calls until they are over, whatever signals come.
long send_blocking(Self &self, const Target &target, unsigned long request, stplr_msg_send &args,
		   bool may_abandon, Told &told)
{
	long result;

	while (((result = self.call(target.fd, request, &args)) == -EINTR ||
		result == -EINPROGRESS) &&
	       args.token) {
		if (may_abandon && self.random.once_in(16)) {
			told = kAbandoned;
			return result;
		}
		args.flags &= ~STPLR_SEND_PARK;
	}
	told = result < 0 && args.status == 1 ? kWasReceived : kNotReceived;
	return result;
}

} // namespace

long send_message(Self &self, const Target &target, Kind kind, uint32_t hops)
{
	if (kind == kPulse)
		return send_pulse(self, target);

	Random &random = self.random;
	const bool registered = target.registered >= 0 && self.piece && random.once_in(4);
	const uint32_t most = registered ? kPiece / 2 : kMost;
	Header header = {};
	header.magic = kMagic;
	header.length = sizeof(header) + random.length(most - sizeof(header));
	header.reply_len = kind == kTwoWay ? random.length(most) : 0;
	header.kind = kind;
	header.hops = hops;
	header.event = target.event;
	header.event_id = target.event_id;
	header.to_fail = kind == kTwoWay && random.once_in(20);
	header.number = begin_message(self, target, kind, header.length);
	if (!header.number)
		return -ENOSPC;
	ledger->messages[header.number].to_fail = header.to_fail;

	char *out = registered ? self.piece : self.out.data() + random.below(64);
	char *in = registered ? self.piece + most : self.in.data() + random.below(64);
	memcpy(out, &header, sizeof(header));
	fill(out + sizeof(header), header.length - sizeof(header), header.number);

	Scattered out_parts, in_parts;
	stplr_msg_send args = {};
	args.clock = CLOCK_MONOTONIC;
	args.send_deadline = STPLR_DEADLINE_NONE;
	if (random.once_in(4))
		args.send_deadline =
			random.once_in(4) ? STPLR_DEADLINE_POLL : in_ms(random.below(40));
	if (kind == kTwoWay)
		args.reply_deadline =
			random.once_in(4) ? in_ms(random.below(60)) : STPLR_DEADLINE_NONE;
	if (registered && kind != kQueued) {
		const uint64_t at = self.piece - own.arena;
		args.flags = STPLR_SEND_REGISTERED;
		args.send = {STPLR_REGISTERED(target.registered, at), header.length};
		if (kind == kTwoWay) {
			args.flags |= STPLR_REPLY_REGISTERED;
			args.reply = {STPLR_REGISTERED(target.registered, at + most),
				      header.reply_len};
		}
	} else {
		args.send = out_parts.in(random, out, header.length, STPLR_SEND_VECTOR, args.flags);
		if (kind == kTwoWay)
			args.reply = in_parts.in(random, in, header.reply_len, STPLR_REPLY_VECTOR,
						 args.flags);
	}
	args.flags |= kind == kQueued ? STPLR_SEND_QUEUED : STPLR_SEND_TELL;
	if (kind == kTwoWay && random.once_in(4))
		args.flags |= STPLR_SEND_PARK;

	Told told;
	long result = send_blocking(self, target,
				    kind == kTwoWay ? STPLR_MSG_SEND_RECEIVE : STPLR_MSG_SEND, args,
				    !registered, told);
	if (result == 0 && kind == kTwoWay)
		check_reply(header.number, header, args, in);
	end_message(self, header.number, result, told);
	if (told == kAbandoned) {
		// Until the next send drops it, this memory is still the server's.
		std::vector<char> last_out(kMost + 64), last_in(kMost + 64);
		last_out.swap(self.out);
		last_in.swap(self.in);
		return send_message(self, target, kOneWay, 0);
	}
	return result;
}

bool open_target(Self &self, uint32_t level, Target &target)
{
	Random &random = self.random;
	const uint32_t number = ledger->slots[level][random.below(kSlots)];
	const Channel &channel = ledger->channels[number];
	const bool by_name = channel.listens || random.once_in(2);
	const std::string name = "storm." + std::to_string(number);
	stplr_connect_attach args = {};

	if (!number)
		return false;
	if (by_name) {
		args.name = reinterpret_cast<uint64_t>(name.data());
		args.name_len = name.size();
		args.deadline = random.once_in(3) ? 0 : in_ms(random.below(50));
		args.clock = CLOCK_MONOTONIC;
	} else {
		args.pid = channel.pid;
		args.chid = channel.chid;
		if (!args.chid)
			return false;
	}
	long fd = self.call(shared.device, STPLR_CONNECT_ATTACH, &args);
	if (fd < 0) {
		if (fd != -ENOENT && fd != -EAGAIN && fd != -ETIMEDOUT && fd != -EINTR &&
		    fd != -ESRCH)
			wrong("connecting to channel %u: %s", number, strerror(-fd));
		return false;
	}
	// The next channel of that process may have got this one's id.
	if (!by_name && channel.ending) {
		close(fd);
		return false;
	}
	target = {};
	target.fd = fd;
	target.channel = number;
	return true;
}

namespace
{

// A connection that the threads of a process share. It is closed, and its number used again, when
// none of them is in a call; detached at any time.
struct Shelf {
	std::shared_mutex mutex;
	Target target;
	int eventfd = -1;
};

constexpr uint32_t kShelves = 6;
Shelf *shelves;

bool over()
{
	return ledger->phase != kRun;
}

// Allows the servers of this connection an event; how often it came is compared with the books.
void allow_event(Self &self, Shelf &shelf)
{
	stplr_event_register args = {};
	uint32_t event = take(ledger->events_made, kEvents);

	if (!event)
		return;
	shelf.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	args.type = STPLR_EVENT_EVENTFD;
	args.fd = shelf.eventfd;
	long result = self.call(shelf.target.fd, STPLR_EVENT_REGISTER, &args);
	if (result == 0) {
		shelf.target.event = event;
		shelf.target.event_id = args.id;
	} else if (result != -EBADF) {
		wrong("registering an event: %s", strerror(-result));
	}
}

void disallow_event(Self &self, Shelf &shelf)
{
	const Event &event = ledger->events[shelf.target.event];
	uint64_t value = 0;

	if (shelf.eventfd < 0)
		return;
	if (shelf.target.event) {
		uint32_t id = shelf.target.event_id;
		long result = self.call(shelf.target.fd, STPLR_EVENT_UNREGISTER, &id);
		if (result != 0 &&
		    !(result == -ENOENT && ledger->channels[shelf.target.channel].detaching))
			wrong("unregistering an event: %s", strerror(-result));
		const uint32_t succeeded = event.succeeded;
		if (read(shelf.eventfd, &value, sizeof(value)) < 0)
			value = 0;
		if (value < succeeded || value > event.attempts)
			wrong("an event came %lu times, and was delivered %u to %u times", value,
			      succeeded, event.attempts.load());
		ledger->notified += value;
	}
	close(shelf.eventfd);
	shelf.eventfd = -1;
}

void open_shelf(Self &self, Shelf &shelf)
{
	std::unique_lock<std::shared_mutex> guard(shelf.mutex);
	uint32_t number;

	if (shelf.target.fd >= 0)
		return;
	if (self.random.once_in(6)) {
		int fd = take_fd(shared.connections[1], &number, MSG_DONTWAIT);
		if (fd >= 0) {
			shelf.target.fd = fd;
			shelf.target.channel = number;
		}
	}
	const uint32_t level = self.random.once_in(3) ? self.random.below(kLevels) : 0;
	if (shelf.target.fd < 0 && !open_target(self, level, shelf.target))
		return;
	if (self.random.once_in(3))
		shelf.target.registered = register_arena(self, shelf.target.fd);
	if (self.random.once_in(2))
		allow_event(self, shelf);
}

void close_shelf(Self &self, Shelf &shelf)
{
	std::unique_lock<std::shared_mutex> guard(shelf.mutex);

	if (shelf.target.fd < 0)
		return;
	disallow_event(self, shelf);
	if (shelf.target.registered >= 0 && self.random.once_in(2)) {
		uint32_t index = shelf.target.registered;
		long result = self.call(shelf.target.fd, STPLR_BUFFER_UNREGISTER, &index);
		if (result != 0)
			wrong("unregistering a buffer: %s", strerror(-result));
	}
	close(shelf.target.fd);
	shelf.target = {};
}

// Something with a connection that is not a message.
void trouble(Self &self, Shelf &shelf)
{
	std::shared_lock<std::shared_mutex> guard(shelf.mutex);

	if (shelf.target.fd < 0)
		return;
	switch (self.random.below(6)) {
	case 0:
		ledger->channels[shelf.target.channel].detaching = true;
		self.call(shelf.target.fd, STPLR_CONNECT_DETACH, nullptr);
		break;
	default:
		pass(shared.connections[0], shelf.target.fd, shelf.target.channel);
	}
}

Kind some_kind(Random &random)
{
	switch (random.below(8)) {
	case 0:
		return kOneWay;
	case 1:
		return kQueued;
	case 2:
		return kPulse;
	default:
		return kTwoWay;
	}
}

void send_some(Self &self, Shelf &shelf)
{
	std::shared_lock<std::shared_mutex> guard(shelf.mutex);
	long result = 0;

	for (uint32_t i = self.random.below(12); i > 0 && shelf.target.fd >= 0 && !over(); i--) {
		result = send_message(self, shelf.target, some_kind(self.random),
				      self.random.once_in(4) ? kLevels : 0);
		if (result == -ESRCH || result == -EBADF || result == -ENOSPC)
			break;
	}
	guard.unlock();
	if (result == -ESRCH || result == -EBADF)
		close_shelf(self, shelf);
	else if (result == -EAGAIN)
		usleep(1000);
}

// A child that has the connections of its parent: those that no thread was opening or closing.
bool inherited[kShelves];

void run_child()
{
	Self self;

	own.notes().live = true;
	for (uint32_t i = 0; i < kShelves; i++) {
		Target target;
		target.fd = inherited[i] ? shelves[i].target.fd : -1;
		target.channel = shelves[i].target.channel;
		for (int messages = 0; messages < 3 && target.fd >= 0 && !over(); messages++)
			send_message(self, target, some_kind(self.random), 0);
	}
}

void fork_client()
{
	static std::mutex one;
	std::lock_guard<std::mutex> guard(one);

	for (uint32_t i = 0; i < kShelves; i++)
		inherited[i] = shelves[i].mutex.try_lock_shared();
	fork_process(false, run_child);
	for (uint32_t i = 0; i < kShelves; i++)
		if (inherited[i])
			shelves[i].mutex.unlock_shared();
}

void client_thread()
{
	Self self;

	setpriority(PRIO_PROCESS, syscall(SYS_gettid), self.random.below(20));
	while (!over()) {
		Shelf &shelf = shelves[self.random.below(kShelves)];

		open_shelf(self, shelf);
		send_some(self, shelf);
		switch (self.random.below(400)) {
		case 0:
			execute_anew();
			break;
		case 1:
		case 2:
			fork_client();
			break;
		case 3 ... 40:
			close_shelf(self, shelf);
			break;
		case 41 ... 60:
			trouble(self, shelf);
			break;
		case 61 ... 120:
			usleep(self.random.below(20000));
			break;
		}
	}
}

} // namespace

void run_client()
{
	std::vector<std::thread> threads;

	shelves = new Shelf[kShelves];
	for (uint32_t i = 0; i < 5; i++)
		threads.emplace_back(client_thread);
	// Not before: while one thread executes none can be made.
	own.notes().live = true;
	for (auto &thread : threads)
		thread.join();
	Self self;
	for (uint32_t i = 0; i < kShelves; i++)
		close_shelf(self, shelves[i]);
}
