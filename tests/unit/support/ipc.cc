// SPDX-License-Identifier: MIT
#include "support/ipc.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <vector>

Fd open_device(int number)
{
	std::string path = "/dev/stplr-" + std::to_string(number);
	Fd device(open(path.c_str(), O_RDWR | O_CLOEXEC));

	EXPECT_GE(device, 0) << path << ": " << strerror(errno);
	return device;
}

Fd new_channel(int device, std::string_view name, uint32_t flags, int *chid)
{
	stplr_channel_create args = channel_args(name, flags);
	long fd = channel_create(device, args);

	EXPECT_GE(fd, 0) << result_name(fd);
	if (chid)
		*chid = args.chid;
	return Fd(fd < 0 ? -1 : fd);
}

Fd new_connection(int device, std::string_view name, uint32_t flags)
{
	stplr_connect_attach args = attach_args(name, flags);
	long fd = connect_attach(device, args);

	EXPECT_GE(fd, 0) << result_name(fd);
	return Fd(fd < 0 ? -1 : fd);
}

Fd new_connection(int device, int pid, int chid, uint32_t flags)
{
	stplr_connect_attach args = attach_args(pid, chid, flags);
	long fd = connect_attach(device, args);

	EXPECT_GE(fd, 0) << result_name(fd);
	return Fd(fd < 0 ? -1 : fd);
}

Received receive(int channel, size_t room, int64_t deadline, uint32_t flags)
{
	Received received = {};
	std::vector<char> bytes(room, kPoison);
	stplr_msg_receive args = receive_args(buffer(bytes.data(), room), deadline);

	args.flags = flags;
	received.result = msg_receive(channel, args);
	received.info = args.info;
	if (received.result == 0 && args.info.len <= room) {
		received.text.assign(bytes.data(), args.info.len);
		for (size_t i = args.info.len; i < room; i++)
			if (static_cast<unsigned char>(bytes[i]) != kPoison) {
				ADD_FAILURE() << "receive wrote beyond the message, at " << i;
				break;
			}
	}
	return received;
}

Received poll_receive(int channel, size_t room)
{
	return receive(channel, room, STPLR_DEADLINE_POLL);
}

long reply(int channel, int rcvid, std::string_view text, int status)
{
	stplr_msg_reply args = reply_args(rcvid, buffer(text));

	args.status = status;
	return msg_reply(channel, args);
}

long reply_error(int channel, int rcvid, int error)
{
	stplr_msg_reply args = reply_args(rcvid);

	args.error = error;
	return msg_reply(channel, args);
}

Sent send_receive(int connection, std::string_view text, size_t room)
{
	std::vector<char> bytes(room, kPoison);
	stplr_msg_send args = send_args(buffer(text), buffer(bytes.data(), room));
	Sent sent = {};

	sent.result = msg_send_receive(connection, args);
	if (sent.result < 0)
		return sent;
	sent.total = args.reply_total;
	sent.status = args.status;
	EXPECT_EQ(std::min<uint64_t>(args.reply_total, room), args.reply_len);
	sent.text.assign(bytes.data(), std::min<uint64_t>(args.reply_len, room));
	return sent;
}

long send_one_way(int connection, std::string_view text)
{
	stplr_msg_send args = send_args(buffer(text));

	return msg_send(connection, args);
}

long send_queued(int connection, std::string_view text, int64_t deadline)
{
	stplr_msg_send args = send_args(buffer(text));

	args.flags = STPLR_SEND_QUEUED;
	args.send_deadline = deadline;
	return msg_send(connection, args);
}

Sender::Sender(int connection, std::string text, size_t room)
	: thread_([this, connection, text = std::move(text), room] {
		  sent_ = send_receive(connection, text, room);
		  return sent_.result;
	  })
{
}

bool Sender::wait_blocked()
{
	return thread_.wait_blocked(STPLR_MSG_SEND_RECEIVE);
}

const Sent &Sender::finish()
{
	if (thread_.join() == -ETIME)
		sent_.result = -ETIME;
	return sent_;
}

OneWaySender::OneWaySender(int connection, std::string text)
	: thread_([connection, text = std::move(text)] { return send_one_way(connection, text); })
{
}

bool OneWaySender::wait_blocked()
{
	return thread_.wait_blocked(STPLR_MSG_SEND);
}

long OneWaySender::finish()
{
	return thread_.join();
}

EchoServer::EchoServer(int channel, size_t room)
	: thread_([=] { return echo_until_error(channel, room); })
{
}

long EchoServer::finish()
{
	return thread_.join();
}

long echo_until_error(int channel, size_t room)
{
	std::vector<char> bytes(room);

	for (;;) {
		stplr_msg_receive args = receive_args(buffer(bytes.data(), room));
		long result = msg_receive(channel, args);

		if (result < 0)
			return result;
		if (args.info.kind == STPLR_KIND_SEND && !(args.info.flags & STPLR_INFO_TRUNCATED))
			continue;
		stplr_msg_reply answer = reply_args(args.info.rcvid);
		if (args.info.kind == STPLR_KIND_SEND_RECEIVE)
			answer.reply = buffer(bytes.data(), args.info.len);
		result = msg_reply(channel, answer);
		if (result < 0 && result != -ESRCH)
			return result;
	}
}

PairTest::PairTest() : device(open_device()), channel(new_channel(device, {}, 0, &chid))
{
	connection = new_connection(device, 0, chid);
}

Fd fd_of(pid_t pid, int fd)
{
	Fd process(syscall(SYS_pidfd_open, pid, 0));
	Fd same(syscall(SYS_pidfd_getfd, process.get(), fd, 0));

	EXPECT_GE(same, 0) << strerror(errno);
	return same;
}

void become_user(unsigned uid, unsigned gid)
{
	gid_t group = gid;

	if (setgroups(1, &group) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		_exit(96);
	// Otherwise its parent could not see where it is blocked.
	prctl(PR_SET_DUMPABLE, 1);
}
