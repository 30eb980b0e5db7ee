// SPDX-License-Identifier: MIT
// The storm's servers.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "storm.h"

namespace
{

// Received, and to be answered.
struct Held {
	int rcvid;
	Header header;
};

constexpr size_t kHeld = 3;

// A thread that serves some channel, through one descriptor of it.
class Service
{
public:
	Service(Self &self, int fd, uint32_t channel, bool chains)
		: self(self), fd(fd), channel(channel), chains(chains)
	{
		if (self.random.once_in(3))
			registered = register_arena(self, fd);
	}
	~Service()
	{
		uint32_t index = registered;
		if (registered >= 0)
			self.call(fd, STPLR_BUFFER_UNREGISTER, &index);
	}

	// Serves until the channel ends, or nothing has come for so long (0: however long it
	// takes), or so many messages; and answers all that it received.
	// False: the channel has ended.
	bool run(uint32_t most, uint32_t idle_ms);

private:
	Channel &notes() const
	{
		return ledger->channels[channel];
	}
	Message *arrived(uint32_t number, Kind kind, uint32_t length);
	long receive(int64_t deadline);
	void take_pulse();
	void take_message();
	bool read_rest(char *bytes, uint32_t number);
	void notify(const Header &header);
	void release();
	Held prepare_answer(stplr_msg_reply &args);
	void answered(uint32_t number, long result);
	void answer_one();

	Self &self;
	const int fd;
	const uint32_t channel;
	const bool chains; // it may be the client of others
	int registered = -1;
	stplr_msg_receive args = {};
	char *room = nullptr;
	bool ended = false;
	std::vector<Held> held;
};

Message *Service::arrived(uint32_t number, Kind kind, uint32_t length)
{
	if (!number || number > ledger->messages_made) {
		wrong("channel %u: a message of nobody, %u", channel, number);
		return nullptr;
	}
	Message &message = ledger->messages[number];
	if (message.kind != kind || message.length != length || message.channel != channel ||
	    message.sent == kNotSent)
		wrong("channel %u: message %u, %u bytes of kind %u for channel %u, came as %u "
		      "bytes "
		      "of kind %u",
		      channel, number, message.length.load(), message.kind.load(),
		      message.channel.load(), length, kind);
	message.receiver = self.number;
	message.deliveries++;
	message.served = kReceived;
	self.notes().receiving = 0;
	return &message;
}

void Service::take_pulse()
{
	stplr_pulse pulse;

	memcpy(&pulse, room, sizeof(pulse));
	if (pulse.code == 0)
		arrived(pulse.value - kMagic, kPulse, sizeof(pulse));
	else if (pulse.code != STPLR_PULSE_UNBLOCK && pulse.code != STPLR_PULSE_DISCONNECT)
		wrong("channel %u: a pulse of nobody, code %d", channel, pulse.code);
	self.notes().receiving = 0;
}

// Fetches what did not fit, in pieces; false if the message is gone.
bool Service::read_rest(char *bytes, uint32_t number)
{
	for (uint64_t at = args.info.len; at < args.info.src_len;) {
		stplr_msg_data data = {};
		uint64_t left = args.info.src_len - at;

		data.buffer.addr = reinterpret_cast<uint64_t>(bytes + at);
		data.buffer.len = self.random.once_in(2) ? left : 1 + left / 2;
		data.offset = at;
		data.rcvid = args.info.rcvid;
		long result = self.call(fd, STPLR_MSG_READ, &data);
		if (result == -ESRCH)
			return false;
		if (result != 0 || data.len != data.buffer.len) {
			wrong("message %u: read %lu of %lu bytes at %lu: %s", number,
			      uint64_t(data.len), uint64_t(data.buffer.len), at, strerror(-result));
			return false;
		}
		at += data.len;
	}
	return true;
}

void Service::notify(const Header &header)
{
	stplr_event_deliver event = {};

	event.id = header.event_id;
	ledger->events[header.event].attempts++;
	long result = self.call(fd, STPLR_EVENT_DELIVER, &event);
	if (result == 0)
		ledger->events[header.event].succeeded++;
	else if (result != -ENOENT && result != -ESRCH && result != -EACCES)
		wrong("notifying a client: %s", strerror(-result));
}

void Service::take_message()
{
	char *bytes = self.in.data();
	Header header;

	memcpy(bytes, room, args.info.len);
	memcpy(&header, bytes, sizeof(header));
	if (args.info.len < sizeof(header) || header.magic != kMagic) {
		wrong("channel %u: a message of nobody, %lu bytes", channel,
		      uint64_t(args.info.src_len));
		self.notes().receiving = 0;
		return;
	}
	if (header.kind == kQueued && args.info.flags & STPLR_INFO_TRUNCATED)
		self.notes().holding = header.number;
	Message *message = arrived(header.number, Kind(header.kind), args.info.src_len);
	if (!message)
		return;
	const uint32_t kind = header.kind == kTwoWay ? STPLR_KIND_SEND_RECEIVE : STPLR_KIND_SEND;
	if (args.info.kind != kind || args.info.dst_len != header.reply_len)
		wrong("message %u: of kind %u with room for %lu", header.number, args.info.kind,
		      uint64_t(args.info.dst_len));

	if (args.info.flags & STPLR_INFO_TRUNCATED) {
		if (header.kind != kTwoWay && self.random.once_in(3)) {
			// Nobody wants to read all of it.
			release();
			self.notes().holding = 0;
			return;
		}
		if (!read_rest(bytes, header.number)) {
			message->served = kRefused;
			self.notes().holding = 0;
			return;
		}
		self.notes().holding = 0;
	}
	if (!filled(bytes + sizeof(header), header.length - sizeof(header), header.number))
		wrong("message %u: not the bytes that were sent", header.number);
	if (header.event && self.random.once_in(2))
		notify(header);
	if (header.kind == kTwoWay)
		held.push_back({args.info.rcvid, header});
}

void Service::answered(uint32_t number, long result)
{
	Message &message = ledger->messages[number];

	if (result != 0 && result != -ESRCH)
		wrong("message %u: its answer: %s", number, strerror(-result));
	message.served = result == 0 ? kAnswered : kRefused;
	self.notes().answering = 0;
}

void Service::release()
{
	stplr_msg_reply reply = {};

	reply.rcvid = args.info.rcvid;
	long result = self.call(fd, STPLR_MSG_REPLY, &reply);
	if (result != 0 && result != -ESRCH)
		wrong("channel %u: a release: %s", channel, strerror(-result));
}

// The reply to one of those held, which is not held any more.
Held Service::prepare_answer(stplr_msg_reply &reply)
{
	const size_t which = self.random.below(held.size());
	const Held it = held[which];
	const uint32_t length = it.header.reply_len;
	char *bytes = self.out.data() + self.random.below(64);

	held.erase(held.begin() + which);
	fill(bytes, length, reply_seed(it.header.number));
	reply = {};
	reply.rcvid = it.rcvid;
	reply.reply = {reinterpret_cast<uint64_t>(bytes), length};
	if (it.header.to_fail) {
		reply.reply = {};
		reply.error = EPROTO;
	} else if (length > 16 && self.random.once_in(4)) {
		// Its end is written first.
		stplr_msg_data data = {};
		data.rcvid = it.rcvid;
		data.offset = length - length / 3;
		data.buffer = {reinterpret_cast<uint64_t>(bytes) + data.offset, length / 3};
		long result = self.call(fd, STPLR_MSG_WRITE, &data);
		if (result == 0) {
			reply.reply.len -= length / 3;
			reply.status = length / 3;
		} else if (result != -ESRCH) {
			wrong("message %u: a write: %s", it.header.number, strerror(-result));
		}
	}
	self.notes().answering = it.header.number;
	ledger->messages[it.header.number].served = kAnswering;
	return it;
}

// The next message or pulse; at times one of those held is answered in the same call.
long Service::receive(int64_t deadline)
{
	Random &random = self.random;
	const bool in_arena = registered >= 0 && self.piece && random.once_in(3);
	long result;

	args = {};
	args.clock = CLOCK_MONOTONIC;
	args.deadline = deadline;
	args.flags = random.once_in(8) ? STPLR_RECEIVE_NO_TRUNC : 0;
	room = in_arena ? self.piece : self.in.data() + random.below(64);
	args.buffer.addr = reinterpret_cast<uint64_t>(room);
	args.buffer.len = in_arena            ? kPiece
			  : random.once_in(2) ? kMost
					      : sizeof(Header) + random.below(5000);
	if (in_arena) {
		args.flags |= STPLR_RECEIVE_REGISTERED;
		args.buffer.addr = STPLR_REGISTERED(registered, self.piece - own.arena);
	}
	if (!held.empty() && random.once_in(2)) {
		stplr_msg_reply_receive both = {};
		const uint32_t number = prepare_answer(both.reply).header.number;
		self.notes().receiving = channel;
		both.receive = args;
		result = self.call(fd, STPLR_MSG_REPLY_RECEIVE, &both);
		answered(number, both.reply.rcvid ? result : 0);
		args = both.receive;
		if (both.reply.rcvid)
			result = -EAGAIN;
	} else {
		self.notes().receiving = channel;
		result = self.call(fd, STPLR_MSG_RECEIVE, &args);
	}
	if (result != 0)
		self.notes().receiving = 0;
	return result;
}

void Service::answer_one()
{
	const Header &header = held.back().header;
	const uint32_t next = notes().level + 1;
	stplr_msg_reply reply;
	Target target;

	// Nobody else waits for this thread while it waits for a further server.
	if (chains && header.hops && next < kLevels && held.size() == 1 &&
	    open_target(self, next, target)) {
		send_message(self, target, kTwoWay, header.hops - 1);
		close(target.fd);
	}
	const uint32_t number = prepare_answer(reply).header.number;
	answered(number, self.call(fd, STPLR_MSG_REPLY, &reply));
}

bool Service::run(uint32_t most, uint32_t idle_ms)
{
	bool alive = true, idle = false;

	while (alive && !idle && most) {
		const bool last = ledger->phase == kDrain;
		int64_t deadline = STPLR_DEADLINE_NONE;

		if (last)
			deadline = STPLR_DEADLINE_POLL;
		else if (!held.empty() || idle_ms)
			deadline = in_ms(self.random.below(idle_ms ? idle_ms : 10));
		long result = receive(deadline);
		switch (result) {
		case 0:
			most -= !last;
			if (args.info.kind == STPLR_KIND_PULSE)
				take_pulse();
			else
				take_message();
			break;
		case -ETIMEDOUT:
			idle = idle_ms;
			break;
		case -EAGAIN:
			idle = last && held.empty();
			if (idle && !notes().listens)
				notes().drained = true;
			break;
		case -EINTR:
		case -EMSGSIZE:
			break;
		case -ESRCH:
		case -ESHUTDOWN:
		case -EPIPE:
			if (!notes().ending)
				wrong("channel %u has ended by itself: %s", channel,
				      strerror(-result));
			alive = false;
			break;
		default:
			wrong("channel %u: a receive: %s", channel, strerror(-result));
			alive = false;
		}
		while (held.size() > kHeld || (!held.empty() && (result || self.random.once_in(2))))
			answer_one();
	}
	while (!held.empty())
		answer_one();
	return alive;
}

// A channel that the threads of a process serve; made anew when it has ended.
struct Stand {
	std::shared_mutex mutex;
	int fd = -1;
	uint32_t channel = 0;
	std::atomic<bool> dead{false};
};

constexpr uint32_t kStands = 2;
Stand *stands;

void close_channel(int fd, uint32_t channel)
{
	ledger->channels[channel].ending = true;
	close(fd);
	drop_channel(channel);
}

void open_stand(Self &self, Stand &stand)
{
	std::unique_lock<std::shared_mutex> guard(stand.mutex);
	Random &random = self.random;
	stplr_channel_create args = {};

	if (stand.fd >= 0) {
		if (!stand.dead)
			return;
		close_channel(stand.fd, stand.channel);
		stand.fd = -1;
	}
	if (ledger->phase != kRun)
		return;
	const uint32_t number = take(ledger->channels_made, kChannels);
	if (!number)
		return;
	Channel &channel = ledger->channels[number];
	channel.level = random.once_in(2) ? 0 : random.below(kLevels);
	channel.listens = random.once_in(4);
	channel.ending = channel.listens.load(); // each accepted one ends by itself
	channel.pid = getpid();
	if (!hold_channel(number) || own.notes().doomed)
		channel.ending = true;

	const std::string name = "storm." + std::to_string(number);
	args.name = reinterpret_cast<uint64_t>(name.data());
	args.name_len = name.size();
	if (channel.listens) {
		args.flags = STPLR_CHANNEL_LISTEN;
		args.backlog = 1 + random.below(6);
	} else {
		args.flags = random.once_in(3) ? STPLR_CHANNEL_DISCONNECT : 0;
		args.pulses = random.once_in(3) ? 1 + random.below(64) : 0;
	}
	for (uint32_t flag : {STPLR_CHANNEL_UNBLOCK, STPLR_CHANNEL_CREATOR})
		if (random.once_in(3))
			args.flags |= flag;
	auto &slot = ledger->slots[channel.level][random.below(kSlots)];
	if (random.once_in(3))
		slot = number; // whoever finds it waits for the name
	long fd = self.call(shared.device, STPLR_CHANNEL_CREATE, &args);
	if (fd < 0) {
		wrong("making a channel: %s", strerror(-fd));
		return;
	}
	channel.chid = args.chid;
	slot = number;
	stand.fd = fd;
	stand.channel = number;
	stand.dead = false;
}

// Takes connections one by one, each for some messages. False: the channel has ended.
bool accept_some(Self &self, int fd, uint32_t channel, bool chains)
{
	for (uint32_t i = self.random.below(8) + 1; i > 0; i--) {
		stplr_channel_accept args = {};

		args.clock = CLOCK_MONOTONIC;
		args.deadline = in_ms(self.random.below(100));
		long accepted = self.call(fd, STPLR_CHANNEL_ACCEPT, &args);
		if (accepted >= 0) {
			Service(self, accepted, channel, chains)
				.run(1 + self.random.below(30), 1 + self.random.below(100));
			close(accepted);
		} else if (accepted == -ESRCH || accepted == -ESHUTDOWN) {
			return false;
		} else if (accepted != -ETIMEDOUT && accepted != -EINTR) {
			wrong("channel %u: accepting: %s", channel, strerror(-accepted));
		}
	}
	return true;
}

bool serve_some(Self &self, int fd, uint32_t channel, bool chains, uint32_t most, uint32_t idle_ms)
{
	if (ledger->channels[channel].listens)
		return accept_some(self, fd, channel, chains);
	return Service(self, fd, channel, chains).run(most, idle_ms);
}

// A child that has its parent's channel.
Stand inherited;

void run_child()
{
	Self self;

	own.notes().live = true;
	serve_some(self, inherited.fd, inherited.channel, false, 10, 30);
}

void fork_server(const Stand &stand)
{
	static std::mutex one;
	std::lock_guard<std::mutex> guard(one);

	inherited.fd = stand.fd;
	inherited.channel = stand.channel;
	fork_process(true, run_child);
}

// What else a server does with its channel.
void trouble(Self &self, const Stand &stand)
{
	switch (self.random.below(40)) {
	case 0:
		ledger->channels[stand.channel].ending = true;
		self.call(stand.fd, STPLR_CHANNEL_DESTROY, nullptr);
		break;
	case 1:
		ledger->channels[stand.channel].ending = true;
		self.call(stand.fd, STPLR_CHANNEL_SHUTDOWN, nullptr);
		break;
	case 2 ... 15:
		pass(shared.channels[0], stand.fd, stand.channel);
		break;
	case 16:
		fork_server(stand);
		break;
	}
}

// Another's channel, for a while.
void adopt(Self &self)
{
	uint32_t channel;
	int fd = take_fd(shared.channels[1], &channel, MSG_DONTWAIT);

	if (fd < 0)
		return;
	if (!hold_channel(channel) || own.notes().doomed)
		ledger->channels[channel].ending = true;
	serve_some(self, fd, channel, false, self.random.below(40), 1 + self.random.below(50));
	close_channel(fd, channel);
}

void server_thread(uint32_t number)
{
	Self self;
	Stand &stand = stands[number % kStands];

	setpriority(PRIO_PROCESS, syscall(SYS_gettid), self.random.below(20));
	for (bool last = false; !last;) {
		last = ledger->phase == kDrain;
		open_stand(self, stand);
		std::shared_lock<std::shared_mutex> guard(stand.mutex);
		if (stand.fd >= 0 && !serve_some(self, stand.fd, stand.channel, true,
						 20 + self.random.below(200), 0))
			stand.dead = true;
		if (ledger->phase == kRun && stand.fd >= 0 && !stand.dead)
			trouble(self, stand);
		guard.unlock();
		if (ledger->phase != kRun)
			continue;
		if (self.random.once_in(3))
			adopt(self);
		if (self.random.once_in(300))
			execute_anew();
	}
}

} // namespace

void run_server()
{
	std::vector<std::thread> threads;

	stands = new Stand[kStands];
	for (uint32_t i = 0; i < 5; i++)
		threads.emplace_back(server_thread, i);
	own.notes().live = true;
	for (auto &thread : threads)
		thread.join();
	for (uint32_t i = 0; i < kStands; i++)
		if (stands[i].fd >= 0)
			close_channel(stands[i].fd, stands[i].channel);
}
