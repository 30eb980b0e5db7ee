// SPDX-License-Identifier: MIT
// The usual shapes of a test: a device, a channel, a connection to it, a client that is blocked on
// it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "support/calls.h"
#include "support/fd.h"
#include "support/thread.h"

// Opens /dev/stplr-NUMBER; fails the test otherwise.
Fd open_device(int number = 0);

// A new channel or connection; these fail the test when they cannot.
Fd new_channel(int device, std::string_view name = {}, uint32_t flags = 0, int *chid = nullptr);
Fd new_connection(int device, std::string_view name, uint32_t flags = 0);
Fd new_connection(int device, int pid, int chid, uint32_t flags = 0);

// What came of a receive into room bytes.
struct Received {
	long result;
	stplr_msg_info info;
	std::string text;

	int rcvid() const
	{
		return info.rcvid;
	}
};
Received receive(int channel, size_t room = 4096, int64_t deadline = STPLR_DEADLINE_NONE,
		 uint32_t flags = 0);

// A receive that does not wait.
Received poll_receive(int channel, size_t room = 4096);

// Replies with text; returns the call's result.
long reply(int channel, int rcvid, std::string_view text = {}, int status = 0);
long reply_error(int channel, int rcvid, int error);

// What came of a send with room bytes for the reply.
struct Sent {
	long result;
	std::string text;
	uint64_t total;
	int status;
};
Sent send_receive(int connection, std::string_view text, size_t room = 4096);
long send_one_way(int connection, std::string_view text);
// With STPLR_SEND_QUEUED.
long send_queued(int connection, std::string_view text, int64_t deadline = STPLR_DEADLINE_NONE);

// A client thread that sends a message and waits for its reply.
class Sender
{
public:
	Sender(int connection, std::string text, size_t room = 4096);

	// Waits until it is SEND- or REPLY-blocked.
	bool wait_blocked();
	Thread &thread()
	{
		return thread_;
	}
	bool done() const
	{
		return thread_.done();
	}
	// What came of it, once it is done; fails the test if it never is.
	const Sent &finish();

private:
	Sent sent_ = {};
	Thread thread_;
};

// A one-way client.
class OneWaySender
{
public:
	OneWaySender(int connection, std::string text);

	bool wait_blocked();
	Thread &thread()
	{
		return thread_;
	}
	bool done() const
	{
		return thread_.done();
	}
	long finish();

private:
	Thread thread_;
};

// A server thread that gives every message's text back until the channel ends.
class EchoServer
{
public:
	explicit EchoServer(int channel, size_t room = 65536);

	// False if it does not come to wait for a message.
	bool wait_blocked()
	{
		return thread_.wait_blocked(STPLR_MSG_RECEIVE);
	}
	// The result that ended it.
	long finish();

private:
	Thread thread_;
};

// Receives and replies with what was sent, until a receive fails; its result.
long echo_until_error(int channel, size_t room = 65536);

// A channel of this process with a connection to it.
class PairTest : public testing::Test
{
protected:
	PairTest();

	Fd device;
	int chid = 0;
	Fd channel;
	Fd connection;
};

// A descriptor like that which another process has.
Fd fd_of(pid_t pid, int fd);

// Makes all of this process and its future children an ordinary user; exits when it cannot.
void become_user(unsigned uid, unsigned gid);
