// SPDX-License-Identifier: MIT
#include <stplr/thrift/AcceptedStaplerTransport.h>

#include "Children.h"
#include "Errors.h"
#include "Handed.h"
#include "Patience.h"

#include <stplr.h>

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace stplr
{
namespace thrift
{

namespace
{

// What is received at once; the rest of a longer message is fetched as it is read.
constexpr size_t window = 64 << 10;

// Nanoseconds that a client is waited for to collect the rest of an answer.
constexpr int64_t collectPatience = 100000000;

stplr_buffer memory(const void *bytes, size_t length)
{
	return {reinterpret_cast<uintptr_t>(bytes), length};
}

// The last message of a flush of one-way calls.
bool endsOneWay(const struct stplr_msg_info &info)
{
	return info.flags & STPLR_INFO_QUEUED || (info.kind == STPLR_KIND_SEND && !info.src_len);
}

} // namespace

AcceptedStaplerTransport::AcceptedStaplerTransport(
	int channel, const StaplerAddress &address, const PeerCredentials &peer,
	const AcceptedOptions &options, std::shared_ptr<Children> children,
	std::shared_ptr<apache::thrift::TConfiguration> configuration)
	: TVirtualTransport(configuration), child_(new ChildChannel), address_(address),
	  peer_(peer), options_(options), children_(children), received_(new uint8_t[window]),
	  capacity_(window)
{
	struct stplr_version version;

	if (stplr_version(channel, &version))
		raise(TTransportException::UNKNOWN, address_.describe(), "version", errno);
	messageMax_ = version.message_max;
	child_->channel = channel;
	// The last that may throw.
	children_->add(*child_);
}

AcceptedStaplerTransport::AcceptedStaplerTransport(
	const StaplerDescriptor &channel, const AcceptedOptions &options,
	std::shared_ptr<apache::thrift::TConfiguration> configuration)
	: AcceptedStaplerTransport(channel, checkHandedChannel(channel.fd, ChannelKind::accepted),
				   options, configuration)
{
}

AcceptedStaplerTransport::AcceptedStaplerTransport(
	const StaplerDescriptor &channel, const struct stplr_channel_info &info,
	const AcceptedOptions &options,
	std::shared_ptr<apache::thrift::TConfiguration> configuration)
	: AcceptedStaplerTransport(channel.fd, addressOf(info),
				   {info.client_pid, info.client_uid, info.client_gid}, options,
				   std::make_shared<Children>(), configuration)
{
	try {
		claimHanded(channel.fd);
	} catch (...) {
		// It stays the caller's. Nobody else has these children, to interrupt it.
		child_->channel = -1;
		throw;
	}
	child_->handed = true;
}

int AcceptedStaplerTransport::getSocketFD() const
{
	return child_->channel;
}

AcceptedStaplerTransport::~AcceptedStaplerTransport()
{
	close();
}

bool AcceptedStaplerTransport::isOpen() const
{
	return getSocketFD() >= 0;
}

void AcceptedStaplerTransport::open()
{
	if (!isOpen())
		raise(TTransportException::NOT_OPEN, address_.describe(),
		      "an accepted client cannot be opened again");
}

void AcceptedStaplerTransport::close()
{
	if (!isOpen())
		return;
	release();
	children_->close(*child_);
}

/* Reading */

bool AcceptedStaplerTransport::peek()
{
	if (!isOpen())
		return false;
	try {
		return begin_ < end_ || unfetched() || receive();
	} catch (const TTransportException &error) {
		if (error.getType() == TTransportException::INTERRUPTED)
			return false;
		throw;
	}
}

uint32_t AcceptedStaplerTransport::read(uint8_t *buffer, uint32_t length)
{
	checkReadBytesAvailable(length);
	if (!isOpen())
		raise(TTransportException::NOT_OPEN, address_.describe(), "not open");
	if (!length)
		return 0;

	if (begin_ == end_) {
		if (!unfetched() && !receive())
			return 0;
		if (begin_ == end_) {
			// Long pieces go straight to where they are wanted.
			if (length >= std::min<uint64_t>(unfetched(), window))
				return fetch(buffer, length);
			begin_ = 0;
			end_ = fetch(received_.get(), capacity_);
		}
	}

	const size_t got = std::min<size_t>(length, end_ - begin_);

	std::memcpy(buffer, received_.get() + begin_, got);
	begin_ += got;
	return got;
}

const uint8_t *AcceptedStaplerTransport::borrow(uint8_t *, uint32_t *length)
{
	if (*length > end_ - begin_)
		return nullptr;
	*length = end_ - begin_;
	return received_.get() + begin_;
}

void AcceptedStaplerTransport::consume(uint32_t length)
{
	if (length > end_ - begin_)
		raise(TTransportException::BAD_ARGS, address_.describe(),
		      "consume did not follow a borrow");
	begin_ += length;
}

// The next message that has bytes; false at the end of the stream.
bool AcceptedStaplerTransport::receive()
{
	struct stplr_msg_reply_receive args = {};
	const int64_t until = stplr_deadline(
		options_.recvTimeout > 0 ? options_.recvTimeout * INT64_C(1000000) : -1);

	if (capacity_ > window) {
		received_.reset(new uint8_t[window]);
		capacity_ = window;
	}
	begin_ = end_ = 0;
	if (message_.waits && held_.size() - heldBegin_ > message_.room) {
		answer();
		if (begin_ < end_)
			return true;
	}
	if (child_->busy)
		children_->idle(*child_);
	while (!ended_) {
		args.receive.buffer = memory(received_.get(), capacity_);
		args.receive.deadline = until;
		args.receive.clock = CLOCK_MONOTONIC;
		// A pulse is not of the stream.
		if (receiveOne(args) && args.receive.info.kind != STPLR_KIND_PULSE) {
			take(args.receive.info);
			if (end_)
				return true;
		}
	}
	return false;
}

// Answers what is still to be answered, and receives, in one system call; false: try again.
bool AcceptedStaplerTransport::receiveOne(struct stplr_msg_reply_receive &args)
{
	int result, error;

	if (message_.waits) {
		args.reply = nextAnswer();
		result = stplr_msg_reply_receive(getSocketFD(), &args);
		error = errno;
		if (!result || !args.reply.rcvid)
			answered(args.reply.reply.len);
	} else {
		result = stplr_msg_receive(getSocketFD(), &args.receive);
		error = errno;
	}
	if (!result)
		return true;

	switch (error) {
	case EINTR:
		return false;
	case ESRCH:
		if (message_.waits) {
			unanswerable();
			return false;
		}
		ended_ = true;
		return false;
	case EPIPE:
		ended_ = true;
		return false;
	case ESHUTDOWN:
		raise(TTransportException::INTERRUPTED, address_.describe(), "interrupted");
	case ETIMEDOUT:
		raise(TTransportException::TIMED_OUT, address_.describe(),
		      "the client did not call in time");
	default:
		raise(TTransportException::UNKNOWN, address_.describe(), "receive", error);
	}
}

// A message has come, of which what fits is in received_.
void AcceptedStaplerTransport::take(const struct stplr_msg_info &info)
{
	if (callEnded_)
		message_.heldBefore = held_.size();
	message_.rcvid = info.rcvid;
	message_.waits = info.kind == STPLR_KIND_SEND_RECEIVE;
	message_.answerable = !endsOneWay(info);
	child_->busy = message_.waits;
	message_.room = info.dst_len;
	message_.length = info.src_len;
	message_.fetched = info.len;
	if (!message_.answerable)
		dropAnswers();
	end_ = info.len;
	countCall(info);
}

// What a call may have is counted from the end of one flush to the end of the next.
void AcceptedStaplerTransport::countCall(const struct stplr_msg_info &info)
{
	if (callEnded_)
		callSize_ = 0;
	callSize_ += info.src_len;
	callEnded_ = message_.waits || endsOneWay(info);
	if (callSize_ <= static_cast<uint64_t>(getMaxMessageSize()))
		return;

	// Whoever waits: for an answer, or until a piece of the call is read.
	stplr_reply_error(getSocketFD(), message_.rcvid, EMSGSIZE);
	message_ = Message();
	begin_ = end_ = 0;
	ended_ = true;
	raise(TTransportException::END_OF_FILE, address_.describe(),
	      "MaxMessageSize reached: the call has " + std::to_string(callSize_) +
		      " bytes or more, where " + std::to_string(getMaxMessageSize()) +
		      " are allowed");
}

// More of the message; fewer than length at its end, or if the client has gone.
size_t AcceptedStaplerTransport::fetch(uint8_t *buffer, size_t length)
{
	ssize_t got;

	length = std::min<uint64_t>(length, unfetched());
	do
		got = stplr_read(getSocketFD(), message_.rcvid, buffer,
				 std::min(length, messageMax_), message_.fetched);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		const int error = errno;

		message_ = Message();
		ended_ = true;
		if (error == ESRCH)
			return 0;
		raise(TTransportException::UNKNOWN, address_.describe(), "fetch", error);
	}
	message_.fetched += got;
	return got;
}

// An answer ends the message, and what is unread of it belongs to the stream.
void AcceptedStaplerTransport::fetchRest()
{
	const size_t unread = end_ - begin_;
	const size_t capacity = std::max<size_t>(unread + unfetched(), window);
	std::unique_ptr<uint8_t[]> all(new uint8_t[capacity]);

	std::memcpy(all.get(), received_.get() + begin_, unread);
	received_ = std::move(all);
	capacity_ = capacity;
	begin_ = 0;
	end_ = unread;
	while (unfetched() && !ended_)
		end_ += fetch(received_.get() + end_, capacity_ - end_);
}

/* Writing */

void AcceptedStaplerTransport::write(const uint8_t *bytes, uint32_t length)
{
	if (!isOpen())
		raise(TTransportException::NOT_OPEN, address_.describe(), "not open");
	written_.insert(written_.end(), bytes, bytes + length);
}

void AcceptedStaplerTransport::flush()
{
	resetConsumedMessageSize();
	if (written_.empty())
		return;
	if (unfetched())
		fetchRest();
	if (!message_.answerable || !isOpen()) {
		// Nobody waits for an answer to a one-way call: the next call would get it.
		written_.clear();
		return;
	}
	if (held_.size() - heldBegin_ > static_cast<size_t>(getMaxMessageSize())) {
		ended_ = true;
		raise(TTransportException::END_OF_FILE, address_.describe(),
		      "the client does not collect its answers");
	}

	if (held_.empty())
		held_.swap(written_);
	else
		held_.insert(held_.end(), written_.begin(), written_.end());
	written_.clear();
	if (held_.size() > std::numeric_limits<int32_t>::max())
		raise(TTransportException::BAD_ARGS, address_.describe(),
		      "an answer is longer than 2 GiB");
	if (message_.waits && !options_.deferReplies)
		answer();
}

// As many of the held bytes as the client's room takes, and how many remain.
struct stplr_msg_reply AcceptedStaplerTransport::nextAnswer() const
{
	const size_t held = held_.size() - heldBegin_;
	const size_t now = std::min<uint64_t>({held, message_.room, messageMax_});
	struct stplr_msg_reply reply = {};

	reply.reply = memory(held_.data() + heldBegin_, now);
	reply.rcvid = message_.rcvid;
	reply.status = held - now;
	return reply;
}

// The client has got so many of the held bytes.
void AcceptedStaplerTransport::answered(size_t length)
{
	message_.waits = false;
	heldBegin_ += length;
	if (heldBegin_ < held_.size()) {
		forgetAnswered();
		return;
	}

	const bool oversize = isOversize(held_.capacity(), held_.size(), oversized_);

	held_.clear();
	heldBegin_ = 0;
	if (oversize)
		held_.shrink_to_fit();
	// One memory serves both, unless something is written already.
	if (written_.empty() && written_.capacity() < held_.capacity())
		written_.swap(held_);
}

// A client may take long to collect all that is held.
void AcceptedStaplerTransport::forgetAnswered()
{
	if (heldBegin_ <= held_.size() / 2)
		return;
	held_.erase(held_.begin(), held_.begin() + heldBegin_);
	message_.heldBefore -= std::min(message_.heldBefore, heldBegin_);
	heldBegin_ = 0;
}

// The client has given up on its call, or died: what was to answer it is for nobody.
void AcceptedStaplerTransport::unanswerable()
{
	message_.waits = false;
	message_.answerable = false;
	dropAnswers();
}

// Those to the flush that is under way; what was held before stays.
void AcceptedStaplerTransport::dropAnswers()
{
	held_.resize(std::min(held_.size(), std::max(heldBegin_, message_.heldBefore)));
}

void AcceptedStaplerTransport::answer()
{
	reply();
	awaitCollect();
}

void AcceptedStaplerTransport::reply()
{
	struct stplr_msg_reply reply = nextAnswer();

	if (!stplr_msg_reply(getSocketFD(), &reply)) {
		answered(reply.reply.len);
		return;
	}

	const int error = errno;

	if (error != ESRCH)
		stplr_reply_error(getSocketFD(), message_.rcvid, error);
	unanswerable();
	if (error != ESRCH)
		raise(TTransportException::UNKNOWN, address_.describe(), "reply", error);
}

// A client that has got a part of its answer collects the rest at once, and is to have it whatever
// the server does next. One that does otherwise is not waited for long.
void AcceptedStaplerTransport::awaitCollect()
{
	struct stplr_msg_receive args = {};

	while (heldBegin_ < held_.size() && !message_.waits && begin_ == end_ && !ended_) {
		args.buffer = memory(received_.get(), capacity_);
		args.deadline = stplr_deadline(collectPatience);
		args.clock = CLOCK_MONOTONIC;
		if (stplr_msg_receive(getSocketFD(), &args)) {
			if (errno == EINTR)
				continue;
			return; // read() sees why
		}
		if (args.info.kind == STPLR_KIND_PULSE)
			continue;
		begin_ = 0;
		take(args.info);
		if (!end_ && message_.waits)
			reply();
	}
}

// Nobody is to wait for ever.
void AcceptedStaplerTransport::release()
{
	struct stplr_msg_reply reply = nextAnswer();

	if (message_.waits)
		stplr_msg_reply(getSocketFD(), &reply);
	message_ = Message();
}

/* Options */

void AcceptedStaplerTransport::setRecvTimeout(int milliseconds)
{
	options_.recvTimeout = milliseconds;
}

const std::string AcceptedStaplerTransport::getOrigin() const
{
	return describePeer(address_, peer_);
}

} // namespace thrift
} // namespace stplr
