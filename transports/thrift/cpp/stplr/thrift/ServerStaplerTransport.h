// SPDX-License-Identifier: MIT
// The server's end of Thrift connections over stplr, for where a TServerSocket stood.
#ifndef STPLR_THRIFT_SERVERSTAPLERTRANSPORT_H
#define STPLR_THRIFT_SERVERSTAPLERTRANSPORT_H

#include <stplr/thrift/AcceptedStaplerTransport.h>
#include <stplr/thrift/StaplerAddress.h>

#include <thrift/transport/TServerTransport.h>

#include <atomic>
#include <memory>
#include <mutex>

struct stplr_channel_accept;

namespace stplr
{
namespace thrift
{

class Children;

/*
 * For TSimpleServer, TThreadedServer and TThreadPoolServer. (TNonblockingServer cannot use it: it
 * wants a TSocket of each client.)
 *
 * accept() throws INTERRUPTED after interrupt(), TIMED_OUT after the accept timeout,
 * CLIENT_DISCONNECT if there is no memory for a client, and goes on after signals and while the
 * kernel is short of descriptors or memory.
 */
class ServerStaplerTransport : public apache::thrift::transport::TServerTransport
{
public:
	using Configuration = std::shared_ptr<apache::thrift::TConfiguration>;

	// The configuration is for the transports of the clients.
	explicit ServerStaplerTransport(const StaplerAddress &address,
					Configuration configuration = nullptr);
	// A listening channel that was handed in, whose name and device are its own.
	explicit ServerStaplerTransport(const StaplerDescriptor &channel,
					Configuration configuration = nullptr);
	~ServerStaplerTransport() override;

	// Makes the channel, or begins with the one that was handed in; NOT_OPEN if the name is
	// taken, or there is no device.
	void listen() override;
	bool isOpen() const override;
	// May be called by any thread; ends a waiting accept(). Accepted clients stay.
	void close() override;
	// From any thread, at any time after listen(): present and future calls of accept() end.
	void interrupt() override;
	// The same for the clients' reads: those that wait, later ones, and those of clients
	// accepted later. A call that the server has is answered first.
	void interruptChildren() override;

	// Before listen(): with false interruptChildren() does nothing, so that a server's stop()
	// ends when its clients have closed.
	void setInterruptableChildren(bool enable);
	// Before listen(): how many clients may wait to be accepted; 0: 128.
	// A channel that was handed in has one already.
	void setAcceptBacklog(unsigned int backlog);
	// Milliseconds; 0, as it begins, is without a limit.
	void setAcceptTimeout(int milliseconds);
	// For clients accepted from now on: how long a read may wait for a call.
	void setRecvTimeout(int milliseconds);
	// For clients accepted from now on: give an answer not in flush() but with the next read,
	// in one system call. Faster, where nothing that takes its time comes between
	// (postWrite()).
	void setDeferReplies(bool defer);

	const StaplerAddress &getAddress() const
	{
		return address_;
	}
	// For poll(): POLLIN while a client waits to be accepted. -1 if not open.
	int getSocketFD() override
	{
		return channel_;
	}

protected:
	std::shared_ptr<apache::thrift::transport::TTransport> acceptImpl() override;

private:
	void makeChannel();
	void useHanded();
	int ownWake();
	void wake();
	int acceptOne(int listening, struct stplr_channel_accept &args);

	StaplerAddress address_;
	Configuration configuration_;
	unsigned int backlog_ = 0;
	int acceptTimeout_ = 0;
	bool interruptableChildren_ = true;
	AcceptedOptions options_;

	// What was handed in, until listen().
	int handed_ = -1;
	// It is not this process's alone: others may wait in it, and it goes on without this one.
	bool shared_ = false;
	// Ends the waiting for its clients: an eventfd, and the process whose it is, for a fork
	// copies both. Under closing_.
	int wake_ = -1;
	pid_t wakes_ = 0;

	std::atomic<int> channel_{-1};
	std::atomic<bool> interrupted_{false};
	// Held while the channel is closed, so that no other descriptor is interrupted.
	std::mutex closing_;
	// Shared with the accepted transports, which may outlive this one.
	std::shared_ptr<Children> children_;
};

} // namespace thrift
} // namespace stplr

#endif
