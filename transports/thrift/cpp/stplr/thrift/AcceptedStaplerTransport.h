// SPDX-License-Identifier: MIT
// One client's connection, as the server has it.
#ifndef STPLR_THRIFT_ACCEPTEDSTAPLERTRANSPORT_H
#define STPLR_THRIFT_ACCEPTEDSTAPLERTRANSPORT_H

#include <stplr/thrift/StaplerAddress.h>
#include <stplr/thrift/StaplerDescriptor.h>

#include <thrift/transport/TVirtualTransport.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct stplr_channel_info;
struct stplr_msg_info;
struct stplr_msg_reply;
struct stplr_msg_reply_receive;

namespace stplr
{
namespace thrift
{

class Children;
struct ChildChannel;

struct AcceptedOptions {
	// Milliseconds that a read may wait; 0: no limit.
	int recvTimeout = 0;
	bool deferReplies = false;
};

/*
 * Made by ServerStaplerTransport::accept(), or from a descriptor that was handed in. read() and
 * peek() receive the client's next message when the last one has been read; flush() answers it. One
 * that was not answered by then is released with an empty answer, as it is by close(): it was a
 * one-way call that its client took for another.
 *
 * read() gives 0 at the end of the client's stream, and throws INTERRUPTED after the server's
 * interruptChildren().
 */
class AcceptedStaplerTransport
	: public apache::thrift::transport::TVirtualTransport<AcceptedStaplerTransport>
{
public:
	// The channel stays the caller's if this throws.
	AcceptedStaplerTransport(int channel, const StaplerAddress &address,
				 const PeerCredentials &peer, const AcceptedOptions &options,
				 std::shared_ptr<Children> children,
				 std::shared_ptr<apache::thrift::TConfiguration> configuration);
	// An accepted client's channel that was handed in, as to a process for each client.
	explicit AcceptedStaplerTransport(
		const StaplerDescriptor &channel, const AcceptedOptions &options = {},
		std::shared_ptr<apache::thrift::TConfiguration> configuration = nullptr);
	~AcceptedStaplerTransport() override;

	bool isOpen() const override;
	// Waits for the client's next call, or its end.
	bool peek() override;
	// It was opened by accept().
	void open() override;
	void close() override;

	uint32_t read(uint8_t *buffer, uint32_t length);
	void write(const uint8_t *bytes, uint32_t length);
	void flush() override;
	const uint8_t *borrow(uint8_t *buffer, uint32_t *length);
	void consume(uint32_t length);

	void setRecvTimeout(int milliseconds);

	// The client when it connected: "stplr:NAME pid=P uid=U gid=G".
	const std::string getOrigin() const override;
	const PeerCredentials &getPeerCredentials() const
	{
		return peer_;
	}
	// For poll(): POLLIN while a message waits, POLLHUP once the client has closed. -1 if
	// closed.
	int getSocketFD() const;

private:
	AcceptedStaplerTransport(const StaplerDescriptor &channel,
				 const struct stplr_channel_info &info,
				 const AcceptedOptions &options,
				 std::shared_ptr<apache::thrift::TConfiguration> configuration);

	// The message that was received last.
	struct Message {
		int32_t rcvid = 0;
		// It is to be answered still.
		bool waits = false;
		// What is flushed is for its client, also after its answer: it is two-way, or
		// its flush has more to come, which may be.
		bool answerable = false;
		uint64_t room = 0;
		uint64_t length = 0;
		uint64_t fetched = 0;
		// Where in held_ the answers to its flush begin.
		size_t heldBefore = 0;
	};

	bool receive();
	bool receiveOne(struct stplr_msg_reply_receive &args);
	void take(const struct stplr_msg_info &info);
	void countCall(const struct stplr_msg_info &info);
	size_t fetch(uint8_t *buffer, size_t length);
	void fetchRest();
	uint64_t unfetched() const
	{
		return message_.length - message_.fetched;
	}

	void answer();
	void reply();
	void awaitCollect();
	struct stplr_msg_reply nextAnswer() const;
	void answered(size_t length);
	void forgetAnswered();
	void unanswerable();
	void dropAnswers();
	void release();

	// Known to children_, too.
	std::unique_ptr<ChildChannel> child_;
	StaplerAddress address_;
	PeerCredentials peer_;
	AcceptedOptions options_;
	std::shared_ptr<Children> children_;
	// The longest message that the module takes.
	size_t messageMax_;
	// The client's stream is at its end.
	bool ended_ = false;

	Message message_;
	// Bytes of calls since a flush of the client's ended, for maxMessageSize.
	uint64_t callSize_ = 0;
	bool callEnded_ = true;

	// What was received and not read yet lies from begin_ to end_.
	std::unique_ptr<uint8_t[]> received_;
	size_t capacity_;
	size_t begin_ = 0;
	size_t end_ = 0;

	std::vector<uint8_t> written_;
	// Flushed, and not handed to the client yet: for want of room, or of a message to answer.
	std::vector<uint8_t> held_;
	size_t heldBegin_ = 0;
	unsigned int oversized_ = 0;
};

} // namespace thrift
} // namespace stplr

#endif
