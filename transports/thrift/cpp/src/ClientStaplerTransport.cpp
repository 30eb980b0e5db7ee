// SPDX-License-Identifier: MIT
#include <stplr/thrift/ClientStaplerTransport.h>

#include "CallKind.h"
#include "Errors.h"
#include "Handed.h"
#include "Patience.h"
#include "Room.h"

#include <stplr.h>

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace stplr
{
namespace thrift
{

namespace
{

constexpr int64_t nsPerMs = 1000000;

constexpr uint64_t features = STPLR_FEATURE_MESSAGES | STPLR_FEATURE_ACCEPT | STPLR_FEATURE_QUEUED |
			      STPLR_FEATURE_TELL | STPLR_FEATURE_PARK;

// A one-way message is queued in the kernel's memory: what comes before these last bytes is not.
constexpr size_t queuedMax = 256 << 10;

int64_t deadline(int milliseconds)
{
	return stplr_deadline(milliseconds > 0 ? milliseconds * nsPerMs : -1);
}

// The sooner of two, of which each may be STPLR_DEADLINE_NONE.
int64_t sooner(int64_t one, int64_t other)
{
	if (one == STPLR_DEADLINE_NONE || other == STPLR_DEADLINE_NONE)
		return std::max(one, other);
	return std::min(one, other);
}

stplr_buffer memory(const void *bytes, size_t length)
{
	return {reinterpret_cast<uintptr_t>(bytes), length};
}

// Waits for a server that has too many clients to accept, but not for one that is not there.
int attach(int device, const std::string &name, int64_t until)
{
	struct stplr_connect_attach options = {};
	int connection;

	options.clock = CLOCK_MONOTONIC;
	do {
		// The kernel would wait for the name, too, if its server ended meanwhile.
		options.deadline = STPLR_DEADLINE_POLL;
		connection = stplr_connect_attach(device, name.c_str(), &options);
		if (connection >= 0 || errno != EAGAIN)
			return connection;
		options.deadline = sooner(until, deadline(100));
		connection = stplr_connect_attach(device, name.c_str(), &options);
		if (connection >= 0 || (errno != ETIMEDOUT && errno != EINTR))
			return connection;
	} while (until == STPLR_DEADLINE_NONE || stplr_deadline(1) < until);
	errno = EAGAIN;
	return -1;
}

// The longest message that the module takes, which is to have the features. NOT_OPEN
size_t messageMaxOf(int fd, const std::string &where)
{
	struct stplr_version version;

	if (stplr_version(fd, &version) || (version.features & features) != features)
		raise(TTransportException::NOT_OPEN, where,
		      "the loaded module stplr is too old: install module and library of one "
		      "release");
	return version.message_max;
}

// After a signal the same call goes on; if the server has the message, by the structure's token.
template <typename Call> int restarted(Call call, int connection, struct stplr_msg_send &args)
{
	int result;

	do
		result = call(connection, &args);
	while (result < 0 && errno == EINTR);
	return result;
}

} // namespace

struct ClientStaplerTransport::Call {
	struct stplr_msg_send args;
	// It has gone in several messages, and this is the last.
	bool parts;
	// Where its answer goes if that is not answer_.
	std::unique_ptr<Room> other;
	// What was sent, while the call is parked.
	std::vector<uint8_t> bytes;
};

ClientStaplerTransport::ClientStaplerTransport(const StaplerAddress &address,
					       Configuration configuration)
	: TVirtualTransport(configuration), address_(address), call_(new Call)
{
}

ClientStaplerTransport::ClientStaplerTransport(const StaplerDescriptor &connection,
					       const StaplerAddress &address,
					       Configuration configuration)
	: TVirtualTransport(configuration), address_(address), call_(new Call)
{
	checkHandedConnection(connection.fd);
	messageMax_ = messageMaxOf(connection.fd, describeHanded(connection.fd));
	makeRoom();
	// The last that may throw.
	claimHanded(connection.fd);
	handed_ = true;
	connection_ = connection.fd;
}

ClientStaplerTransport::~ClientStaplerTransport()
{
	disconnect();
}

void ClientStaplerTransport::open()
{
	if (isOpen())
		return;
	if (address_.name.empty())
		raise(TTransportException::NOT_OPEN, address_.describe(),
		      "the descriptor was closed, and there is no address to connect to");

	char why[256];
	const std::string where = address_.describe();
	const int device = stplr_open_why(address_.device, 0, why, sizeof(why));

	if (device < 0)
		raise(TTransportException::NOT_OPEN, where, why);
	try {
		messageMax_ = messageMaxOf(device, where);
	} catch (const TTransportException &) {
		::close(device);
		throw;
	}

	const int connection = attach(device, address_.name, deadline(connTimeout_));
	const int error = errno;

	::close(device);
	if (connection < 0) {
		switch (error) {
		case ENOENT:
			raise(TTransportException::NOT_OPEN, where,
			      "there is no such service: is its server running?");
		case EAGAIN:
			raise(TTransportException::TIMED_OUT, where,
			      "the server did not accept in time");
		case EINVAL:
			raise(TTransportException::BAD_ARGS, where, "not a name");
		default:
			raise(TTransportException::NOT_OPEN, where, "cannot connect", error);
		}
	}
	connection_ = connection;

	lost_ = false;
	written_.clear();
	resetConsumedMessageSize();

	std::lock_guard<std::mutex> kept(kept_);

	begin_ = end_ = 0;
	later_.clear();
	spare_.reset();
	answer_.reset();
	try {
		makeRoom();
	} catch (const TTransportException &) {
		disconnect();
		throw;
	}
}

void ClientStaplerTransport::makeRoom()
{
	try {
		answer_ = std::make_unique<Room>();
	} catch (const std::bad_alloc &) {
		raise(TTransportException::NOT_OPEN, address_.describe(),
		      "there is no memory for " + std::to_string(Room::least) +
			      " bytes: see RLIMIT_AS, RLIMIT_MEMLOCK and the memory cgroup");
	}
}

bool ClientStaplerTransport::isOpen() const
{
	return connection_ >= 0;
}

void ClientStaplerTransport::close()
{
	if (!calling_.try_lock()) {
		// Another thread waits in flush(): it gets EBADF now, and lets us in.
		const int connection = connection_;

		if (connection >= 0)
			stplr_connect_detach(connection);
		calling_.lock();
	}
	std::lock_guard<std::mutex> calling(calling_, std::adopt_lock);

	disconnect();
}

void ClientStaplerTransport::disconnect()
{
	const int connection = connection_.exchange(-1);

	if (connection < 0)
		return;
	if (handed_) {
		giveUpParked(connection);
		closeHanded(connection);
		handed_ = false;
	} else {
		// As a socket's, the end is not to wait for children that hold a copy.
		stplr_connect_detach(connection);
		::close(connection);
	}
	lost_ = parked_;
	parked_ = false;
}

// Others may keep the connection: the server is not to reach this memory any more.
void ClientStaplerTransport::giveUpParked(int connection)
{
	struct stplr_msg_send &args = call_->args;

	if (!parked_)
		return;
	args.reply_deadline = 1; // is long past
	args.flags &= ~STPLR_SEND_PARK;
	restarted(stplr_msg_send_receive, connection, args);
}

int ClientStaplerTransport::connection() const
{
	const int connection = connection_;

	if (connection < 0)
		raise(TTransportException::NOT_OPEN, address_.describe(), "not open");
	return connection;
}

bool ClientStaplerTransport::peek()
{
	struct stplr_connect_info info;
	const int connection = connection_;

	{
		std::lock_guard<std::mutex> kept(kept_);

		if (begin_ < end_ || !later_.empty())
			return true;
	}
	return connection >= 0 && !stplr_connect_info(connection, &info) && !info.flags;
}

/* Writing */

void ClientStaplerTransport::write(const uint8_t *bytes, uint32_t length)
{
	connection();
	written_.insert(written_.end(), bytes, bytes + length);
}

void ClientStaplerTransport::flush()
{
	resetConsumedMessageSize();
	if (written_.empty())
		return;

	// Sent or not, they are not sent again.
	struct Clear {
		std::vector<uint8_t> &written;
		unsigned int &oversized;
		~Clear()
		{
			const bool oversize =
				isOversize(written.capacity(), written.size(), oversized);

			written.clear();
			if (oversize)
				written.shrink_to_fit();
		}
	} clear{written_, oversized_};
	std::lock_guard<std::mutex> calling(calling_);

	connection();
	callSize_ = written_.size();
	// The kernel gives calls to the server one after the other.
	if (parked_)
		resume();
	if (isOneWay(written_.data(), written_.size())) {
		sendQueued(written_.data(), written_.size());
		return;
	}
	exchange(written_.data(), written_.size(), true);
	// Until its answer is there the server may read of it.
	if (parked_)
		call_->bytes.swap(written_);
}

// Within a flush, of which something was sent already if begun; the server takes one after the
// other.
void ClientStaplerTransport::sendParts(const uint8_t *bytes, size_t length, bool begun)
{
	struct stplr_msg_send args = {};

	if (!length)
		return;
	setDeadlines(args);
	args.reply_deadline = 0;
	while (length) {
		const size_t part = std::min(length, messageMax_);

		args.send = memory(bytes, part);
		if (restarted(stplr_msg_send, connection(), args) < 0) {
			const int error = errno;

			// A part of a call leaves a gap in the stream.
			if (begun)
				disconnect();
			fail("send", error, false);
		}
		begun = true;
		bytes += part;
		length -= part;
	}
}

void ClientStaplerTransport::sendQueued(const uint8_t *bytes, size_t length)
{
	const size_t queued = std::min({length, queuedMax, messageMax_});
	const size_t direct = length - queued;
	struct stplr_msg_send args = {};

	sendParts(bytes, direct, false);
	setDeadlines(args);
	args.reply_deadline = 0;
	args.send = memory(bytes + direct, queued);
	args.flags = STPLR_SEND_QUEUED;
	if (!restarted(stplr_msg_send, connection(), args))
		return;
	switch (errno) {
	case ENOBUFS:
	case EDQUOT:
	case ENOMEM:
		// No more may be queued: then the server takes it from here, and is told by an
		// empty message that nothing follows. (If it is not, the next call tells why.)
		sendParts(bytes + direct, queued, direct);
		args.send = memory(nullptr, 0);
		args.flags = 0;
		restarted(stplr_msg_send, connection(), args);
		return;
	default:
		const int error = errno;

		if (direct)
			disconnect();
		fail("send", error, false);
	}
}

// Sends the bytes and, unless the server takes its time and that may be, takes the answer.
void ClientStaplerTransport::exchange(const uint8_t *bytes, size_t length, bool mayPark)
{
	const size_t last = length ? (length - 1) % messageMax_ + 1 : 0;
	struct stplr_msg_send &args = call_->args;

	args = {};
	call_->other.reset();
	// What may fail for want of memory comes before anything is sent.
	{
		std::lock_guard<std::mutex> kept(kept_);

		if (begin_ < end_ || !later_.empty())
			call_->other = spare_ ? std::move(spare_) : std::make_unique<Room>();
	}
	sendParts(bytes, length - last, false);

	args.send = memory(bytes + length - last, last);
	args.flags = STPLR_SEND_TELL | (mayPark ? STPLR_SEND_PARK : 0);
	setDeadlines(args);
	call_->parts = length > last;
	finish();
}

// Waits for the answer to the call that is under way, and keeps it; parked_, if it is left with the
// server for another moment.
void ClientStaplerTransport::finish()
{
	// Nobody touches an answer_ without bytes: readers wait for calling_.
	Room &room = call_->other ? *call_->other : *answer_;
	size_t got = 0;

	try {
		collect(call_->args, room, got);
	} catch (const TTransportException &) {
		if (call_->parts)
			disconnect();
		throw;
	}
	if (!parked_)
		keep(std::move(call_->other), got);
}

// A call that was left with the server.
void ClientStaplerTransport::resume()
{
	call_->args.flags &= ~STPLR_SEND_PARK;
	finish();
	call_->bytes.clear();
	if (call_->bytes.capacity() > keptAlways)
		call_->bytes.shrink_to_fit();
}

// Sends, and takes what comes back into the room, and what the server holds of it as far as the
// room can grow: the server minds a call for as long as that takes, and what is beyond is collected
// as it is read.
void ClientStaplerTransport::collect(struct stplr_msg_send &args, Room &room, size_t &got)
{
	uint64_t held;

	do {
		args.reply = memory(room.data() + got, room.size() - got);
		try {
			held = call(args);
		} catch (const TTransportException &) {
			// Part of an answer is of no use.
			if (got)
				disconnect();
			throw;
		}
		if (parked_)
			return;
		got += args.reply_len;
		args.send = memory(nullptr, 0);
		args.flags = STPLR_SEND_TELL;
	} while (held && args.reply_len && room.grow(got + held) && room.size() > got);
}

// The answer is in answer_, or, since others are to be read first, in another room.
void ClientStaplerTransport::keep(std::unique_ptr<Room> other, size_t got)
{
	std::lock_guard<std::mutex> kept(kept_);

	if (!other) {
		begin_ = 0;
		end_ = got;
		if (spare_ && ++spared_ > patience)
			spare_.reset();
		return;
	}
	spared_ = 0;
	if (!got) {
		spare_ = std::move(other);
		return;
	}
	try {
		later_.push_back({std::move(other), got});
	} catch (const std::bad_alloc &) {
		disconnect(); // the answer is lost
		throw;
	}
}

// One system call; how many bytes the server holds after those that came.
uint64_t ClientStaplerTransport::call(struct stplr_msg_send &args)
{
	args.status = 0;
	parked_ = false;
	if (restarted(stplr_msg_send_receive, connection(), args) < 0) {
		if (errno != EINPROGRESS)
			fail("call", errno, args.status);
		parked_ = true;
		return 0;
	}
	if (args.reply_total > args.reply_len || args.status < 0) {
		disconnect();
		raise(TTransportException::CORRUPTED_DATA, address_.describe(),
		      "the server does not keep to the protocol: is it one of Thrift?");
	}
	if (args.reply_len + args.status > static_cast<uint64_t>(getMaxMessageSize())) {
		disconnect();
		raise(TTransportException::END_OF_FILE, address_.describe(),
		      "MaxMessageSize reached: the answer has " +
			      std::to_string(args.reply_len + args.status) + " bytes or more");
	}
	return args.status;
}

// The receive timeout is for all of a call; the send timeout for what comes before the server has
// it.
void ClientStaplerTransport::setDeadlines(struct stplr_msg_send &args) const
{
	args.clock = CLOCK_MONOTONIC;
	args.reply_deadline = deadline(recvTimeout_);
	args.send_deadline = sendTimeout_ > 0 ? sooner(deadline(sendTimeout_), args.reply_deadline)
					      : args.reply_deadline;
}

void ClientStaplerTransport::fail(const std::string &what, int error, bool received)
{
	const std::string where = address_.describe();

	switch (error) {
	case ESRCH:
		if (received)
			raise(TTransportException::END_OF_FILE, where,
			      "the server ended during the call");
		raise(TTransportException::NOT_OPEN, where, "the server has gone");
	case EBADF:
		raise(received ? TTransportException::END_OF_FILE : TTransportException::NOT_OPEN,
		      where, "closed during the call");
	case ECONNRESET:
		raise(TTransportException::NOT_OPEN, where,
		      "the server has gone, and one-way calls were lost with it");
	case ETIMEDOUT:
		raise(TTransportException::TIMED_OUT, where,
		      received ? "no answer in time" : "the server did not take the call in time");
	case EMSGSIZE:
		disconnect();
		raise(TTransportException::END_OF_FILE, where,
		      "the server does not take calls of " + std::to_string(callSize_) +
			      " bytes: see its configuration's maxMessageSize");
	}
	raise(TTransportException::UNKNOWN, where, what, error);
}

/* Reading */

uint32_t ClientStaplerTransport::read(uint8_t *buffer, uint32_t length)
{
	checkReadBytesAvailable(length);
	if (!length)
		return 0;

	size_t got = takeKept(buffer, length);

	if (got)
		return got;

	// Maybe another thread's call is under way. If not, the server may hold what it had no
	// message to answer with.
	std::lock_guard<std::mutex> calling(calling_);

	got = takeKept(buffer, length);
	if (!got && parked_) {
		resume();
		got = takeKept(buffer, length);
	}
	if (got)
		return got;
	if (lost_) {
		lost_ = false;
		fail("read", EBADF, true);
	}
	connection();
	try {
		// Much goes straight to where it is wanted.
		if (length > Room::least)
			return fetch(buffer, length);
		exchange(nullptr, 0, false);
	} catch (const TTransportException &error) {
		const auto type = error.getType();

		// The stream ends with its server. (What broke it has closed it, too.)
		if (isOpen() && (type == TTransportException::NOT_OPEN ||
				 type == TTransportException::END_OF_FILE))
			return 0;
		// The next call would get what this one was to get.
		disconnect();
		throw;
	}
	return takeKept(buffer, length);
}

// What the server holds, into the caller's memory.
size_t ClientStaplerTransport::fetch(uint8_t *buffer, size_t length)
{
	struct stplr_msg_send args = {};

	args.reply = memory(buffer, std::min(length, messageMax_));
	args.flags = STPLR_SEND_TELL;
	setDeadlines(args);
	call(args);
	return args.reply_len;
}

// What was answered and not read yet, oldest first.
size_t ClientStaplerTransport::takeKept(uint8_t *buffer, size_t length)
{
	std::lock_guard<std::mutex> kept(kept_);

	if (begin_ == end_) {
		if (later_.empty())
			return 0;
		spare_ = std::move(answer_);
		answer_ = std::move(later_.front().room);
		begin_ = 0;
		end_ = later_.front().length;
		later_.pop_front();
	}
	length = std::min(length, end_ - begin_);
	std::memcpy(buffer, answer_->data() + begin_, length);
	begin_ += length;
	if (begin_ == end_)
		answer_->trim(end_);
	return length;
}

const uint8_t *ClientStaplerTransport::borrow(uint8_t *, uint32_t *length)
{
	std::lock_guard<std::mutex> kept(kept_);

	if (*length > end_ - begin_)
		return nullptr;
	*length = end_ - begin_;
	return answer_->data() + begin_;
}

void ClientStaplerTransport::consume(uint32_t length)
{
	std::lock_guard<std::mutex> kept(kept_);

	if (length > end_ - begin_)
		raise(TTransportException::BAD_ARGS, address_.describe(),
		      "consume did not follow a borrow");
	begin_ += length;
	if (length && begin_ == end_)
		answer_->trim(end_);
}

/* Options */

void ClientStaplerTransport::setConnTimeout(int milliseconds)
{
	connTimeout_ = milliseconds;
}

void ClientStaplerTransport::setSendTimeout(int milliseconds)
{
	sendTimeout_ = milliseconds;
}

void ClientStaplerTransport::setRecvTimeout(int milliseconds)
{
	recvTimeout_ = milliseconds;
}

void ClientStaplerTransport::setAddress(const StaplerAddress &address)
{
	address_ = address;
}

PeerCredentials ClientStaplerTransport::getPeerCredentials() const
{
	struct stplr_connect_info info;
	PeerCredentials peer;

	if (stplr_connect_info(connection(), &info))
		raise(TTransportException::NOT_OPEN, address_.describe(), "who is there", errno);
	peer.pid = info.pid;
	peer.uid = info.uid;
	peer.gid = info.gid;
	return peer;
}

const std::string ClientStaplerTransport::getOrigin() const
{
	return isOpen() ? describePeer(address_, getPeerCredentials()) : address_.describe();
}

} // namespace thrift
} // namespace stplr
