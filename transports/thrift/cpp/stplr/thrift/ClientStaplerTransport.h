// SPDX-License-Identifier: MIT
// The client's end of a Thrift connection over stplr, for where a TSocket stood.
#ifndef STPLR_THRIFT_CLIENTSTAPLERTRANSPORT_H
#define STPLR_THRIFT_CLIENTSTAPLERTRANSPORT_H

#include <stplr/thrift/StaplerAddress.h>
#include <stplr/thrift/StaplerDescriptor.h>

#include <thrift/transport/TVirtualTransport.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct stplr_msg_send;

namespace stplr
{
namespace thrift
{

class Room;

/*
 * flush() is one system call, which sends what was written and collects the answer, for read() to
 * hand out later; or, when what was written is a one-way call, queues it and returns. A server that
 * has the call and has not answered it after a moment, 10 to 20 ms, is not waited for any longer:
 * flush() returns, and read() takes the answer, or the next flush() before it sends. So a thread
 * may ask several servers at once: send_x() of one, send_y() of the other, recv_x(), recv_y().
 *
 * What went wrong flush() says, or, if it has returned before, read():
 *
 *	NOT_OPEN	never reached the server: not open, no such service, gone
 *	END_OF_FILE	the server ended while it had the call: it may have been executed
 *	TIMED_OUT	one of the timeouts; the connection can be used further, unless some of the
 *			call's bytes had been sent already, or it was read() that waited for an
 *			answer's rest: it is closed then, for old bytes would meet the next call
 *
 * As with a TSocket one thread may write and flush while another reads; but read() waits only for a
 * call that has been flushed: without one it gives 0, the end of the stream. Threads that share a
 * connection must have one priority.
 *
 * What an answer may take is bounded by the configuration's maxMessageSize.
 */
class ClientStaplerTransport
	: public apache::thrift::transport::TVirtualTransport<ClientStaplerTransport>
{
public:
	using Configuration = std::shared_ptr<apache::thrift::TConfiguration>;

	explicit ClientStaplerTransport(const StaplerAddress &address,
					Configuration configuration = nullptr);
	// A connection that was handed in; it is open. The address is for what is told of it, and
	// for open() after close(): without one there is no way back.
	explicit ClientStaplerTransport(const StaplerDescriptor &connection,
					const StaplerAddress &address = StaplerAddress(),
					Configuration configuration = nullptr);
	~ClientStaplerTransport() override;

	// Connects. The service must be there; the connection timeout is for one whose backlog is
	// full.
	void open() override;
	// May be called while another thread waits in flush(), which then fails: with END_OF_FILE
	// if the server had the call.
	void close() override;
	bool isOpen() const override;
	// Is there something to read, or at least a server still? Does not wait.
	bool peek() override;

	uint32_t read(uint8_t *buffer, uint32_t length);
	void write(const uint8_t *bytes, uint32_t length);
	void flush() override;
	const uint8_t *borrow(uint8_t *buffer, uint32_t *length);
	void consume(uint32_t length);

	// Milliseconds; 0, as it begins, is without a limit.
	// How long open() may wait for a server that has too many clients to accept.
	void setConnTimeout(int milliseconds);
	// How long a call may wait until the server takes it.
	void setSendTimeout(int milliseconds);
	// How long a call may take in all.
	void setRecvTimeout(int milliseconds);

	const StaplerAddress &getAddress() const
	{
		return address_;
	}
	// For the next open().
	void setAddress(const StaplerAddress &address);

	// The server: "stplr:NAME pid=P uid=U gid=G".
	const std::string getOrigin() const override;
	// Throws NOT_OPEN.
	PeerCredentials getPeerCredentials() const;
	// For poll(): POLLHUP once the server is gone. -1 if not open.
	int getSocketFD() const
	{
		return connection_;
	}

private:
	int connection() const;
	void makeRoom();
	void sendQueued(const uint8_t *bytes, size_t length);
	void sendParts(const uint8_t *bytes, size_t length, bool begun);
	void exchange(const uint8_t *bytes, size_t length, bool mayPark);
	void finish();
	void resume();
	void keep(std::unique_ptr<Room> other, size_t got);
	size_t fetch(uint8_t *buffer, size_t length);
	void collect(struct stplr_msg_send &args, Room &room, size_t &got);
	uint64_t call(struct stplr_msg_send &args);
	size_t takeKept(uint8_t *buffer, size_t length);
	void setDeadlines(struct stplr_msg_send &args) const;
	[[noreturn]] void fail(const std::string &what, int error, bool received);
	void disconnect();
	void giveUpParked(int connection);

	StaplerAddress address_;
	int connTimeout_ = 0;
	int sendTimeout_ = 0;
	int recvTimeout_ = 0;

	std::atomic<int> connection_{-1};
	// It is not this process's alone: it is closed, and not ended.
	bool handed_ = false;
	size_t messageMax_ = 0;
	// Of the writing thread.
	std::vector<uint8_t> written_;
	unsigned int oversized_ = 0;
	// Of the last call.
	size_t callSize_ = 0;

	// Held while a call is under way: one at a time. Taken before kept_. Guards the following.
	std::mutex calling_;
	struct Call;
	std::unique_ptr<Call> call_;
	// It was left with the server, to be waited for by read() or by the next call.
	bool parked_ = false;
	// And then the transport was closed.
	bool lost_ = false;

	// Guards what was answered and not read yet: first what is left in answer_, then later_.
	std::mutex kept_;
	std::unique_ptr<Room> answer_;
	size_t begin_ = 0;
	size_t end_ = 0;
	struct Answer {
		std::unique_ptr<Room> room;
		size_t length;
	};
	std::deque<Answer> later_;
	// For an answer that comes while others wait to be read, if that happens now and then.
	std::unique_ptr<Room> spare_;
	unsigned int spared_ = 0;
};

} // namespace thrift
} // namespace stplr

#endif
