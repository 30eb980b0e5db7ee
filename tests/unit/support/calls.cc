// SPDX-License-Identifier: MIT
#include "support/calls.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace
{

template <typename T> bool same(const T &a, const T &b)
{
	return memcmp(&a, &b, sizeof(T)) == 0;
}

stplr_msg_send inputs_of(stplr_msg_send args)
{
	args.token = 0;
	args.reply_len = args.reply_total = 0;
	args.status = 0;
	return args;
}

bool outputs_same(const stplr_msg_send &a, const stplr_msg_send &b)
{
	return a.reply_len == b.reply_len && a.reply_total == b.reply_total && a.status == b.status;
}

// One message call on a connection; the token is checked by the tests about signals.
long send_call(int connection, unsigned long request, stplr_msg_send &args)
{
	const stplr_msg_send before = args;
	long result = call(connection, request, &args);

	EXPECT_TRUE(same(inputs_of(before), inputs_of(args))) << "a send changed its inputs";
	if (result < 0)
		EXPECT_TRUE(outputs_same(before, args))
			<< "a failed send wrote outputs, " << result_name(result);
	else
		EXPECT_EQ(0, result);
	if (result != -EINTR && result != -EINPROGRESS && before.token == 0)
		EXPECT_EQ(0u, args.token) << "a token, and nothing parked, " << result_name(result);
	return result;
}

template <typename T> T without_len(T args)
{
	args.len = 0;
	return args;
}

// One call whose only output is its len.
template <typename T> long len_call(int channel, unsigned long request, T &args)
{
	const T before = args;
	long result = call(channel, request, &args);

	EXPECT_TRUE(same(without_len(before), without_len(args))) << "a call changed its inputs";
	if (result < 0)
		EXPECT_EQ(before.len, args.len)
			<< "a failed call wrote its output, " << result_name(result);
	else
		EXPECT_EQ(0, result);
	return result;
}

void check_receive(const stplr_msg_receive &before, const stplr_msg_receive &args, long result)
{
	EXPECT_EQ(0, memcmp(&before, &args, offsetof(stplr_msg_receive, info)))
		<< "a receive changed its inputs";
	if (result < 0 && result != -EMSGSIZE)
		EXPECT_TRUE(same(before.info, args.info) || same(stplr_msg_info(), args.info))
			<< "a failed receive wrote its info, " << result_name(result);
	if (result == -EMSGSIZE)
		EXPECT_EQ(0, args.info.rcvid);
	if (result < 0)
		return;
	EXPECT_EQ(0, result);
	for (uint64_t word : args.info.reserved)
		EXPECT_EQ(0u, word);
	if (args.info.kind == STPLR_KIND_PULSE) {
		EXPECT_EQ(0, args.info.rcvid);
		EXPECT_EQ(0u, args.info.flags & ~STPLR_INFO_KERNEL);
		EXPECT_EQ(sizeof(stplr_pulse), args.info.len);
		return;
	}
	EXPECT_GT(args.info.rcvid, 0);
	EXPECT_LE(args.info.len, args.info.src_len);
	EXPECT_EQ(args.info.len < args.info.src_len, (args.info.flags & STPLR_INFO_TRUNCATED) != 0);
	EXPECT_EQ(args.info.kind == STPLR_KIND_SEND, (args.info.flags & STPLR_INFO_NO_REPLY) != 0);
	EXPECT_TRUE(args.info.kind == STPLR_KIND_SEND || args.info.kind == STPLR_KIND_SEND_RECEIVE);
	EXPECT_EQ(0u, args.info.flags & ~(STPLR_INFO_NO_REPLY | STPLR_INFO_TRUNCATED |
					  STPLR_INFO_QUEUED | STPLR_INFO_KERNEL));
	if (args.info.flags & STPLR_INFO_KERNEL) {
		EXPECT_EQ(0, args.info.pid);
		EXPECT_EQ(0, args.info.tid);
		EXPECT_EQ(0u, args.info.flags & STPLR_INFO_QUEUED);
	}
}

} // namespace

long call(int fd, unsigned long request, void *argument)
{
	long result = ioctl(fd, request, argument);

	return result < 0 ? -errno : result;
}

std::string result_name(long result)
{
	const char *name = result < 0 ? strerrorname_np(-result) : nullptr;

	return name ? name : std::to_string(result);
}

int64_t now(uint32_t clock)
{
	timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int64_t in_ms(int64_t ms, uint32_t clock)
{
	return now(clock) + ms * 1000000;
}

stplr_buffer buffer(const void *address, size_t length)
{
	return {reinterpret_cast<uintptr_t>(address), length};
}

stplr_buffer buffer(std::string_view text)
{
	return buffer(text.data(), text.size());
}

stplr_iovec part(const void *address, size_t length)
{
	return {reinterpret_cast<uintptr_t>(address), length};
}

stplr_channel_create channel_args(std::string_view name, uint32_t flags)
{
	stplr_channel_create args = {};

	args.name = reinterpret_cast<uintptr_t>(name.data());
	args.name_len = name.size();
	args.flags = flags;
	poison(args.chid);
	return args;
}

stplr_connect_attach attach_args(std::string_view name, uint32_t flags)
{
	stplr_connect_attach args = {};

	args.name = reinterpret_cast<uintptr_t>(name.data());
	args.name_len = name.size();
	args.flags = flags;
	poison(args.coid);
	return args;
}

stplr_connect_attach attach_args(int pid, int chid, uint32_t flags)
{
	stplr_connect_attach args = {};

	args.pid = pid;
	args.chid = chid;
	args.flags = flags;
	poison(args.coid);
	return args;
}

stplr_msg_send send_args(stplr_buffer send)
{
	stplr_msg_send args = {};

	args.send = send;
	args.send_deadline = STPLR_DEADLINE_NONE;
	args.clock = CLOCK_MONOTONIC;
	poison(args.reply_len);
	poison(args.reply_total);
	poison(args.status);
	return args;
}

stplr_msg_send send_args(stplr_buffer send, stplr_buffer reply)
{
	stplr_msg_send args = send_args(send);

	args.reply = reply;
	args.reply_deadline = STPLR_DEADLINE_NONE;
	return args;
}

stplr_msg_receive receive_args(stplr_buffer buffer, int64_t deadline)
{
	stplr_msg_receive args = {};

	args.buffer = buffer;
	args.deadline = deadline;
	args.clock = CLOCK_MONOTONIC;
	poison(args.info);
	return args;
}

stplr_msg_reply reply_args(int32_t rcvid, stplr_buffer reply)
{
	stplr_msg_reply args = {};

	args.reply = reply;
	args.rcvid = rcvid;
	poison(args.len);
	return args;
}

stplr_msg_data data_args(int32_t rcvid, stplr_buffer buffer, uint64_t offset)
{
	stplr_msg_data args = {};

	args.buffer = buffer;
	args.offset = offset;
	args.rcvid = rcvid;
	poison(args.len);
	return args;
}

stplr_msg_reply_receive reply_receive_args(const stplr_msg_reply &reply,
					   const stplr_msg_receive &receive)
{
	return {reply, receive};
}

long stplr_version_get(int fd, stplr_version &args)
{
	long result = call(fd, STPLR_VERSION, &args);

	EXPECT_LE(result, 0);
	return result;
}

long channel_create(int device, stplr_channel_create &args)
{
	const stplr_channel_create before = args;
	long result = call(device, STPLR_CHANNEL_CREATE, &args);
	stplr_channel_create after = args;

	if (result >= 0)
		after.chid = before.chid;
	EXPECT_TRUE(same(before, after))
		<< "creating a channel changed its arguments, " << result_name(result);
	return result;
}

long channel_destroy(int channel)
{
	return call(channel, STPLR_CHANNEL_DESTROY);
}

long channel_shutdown(int channel)
{
	return call(channel, STPLR_CHANNEL_SHUTDOWN);
}

stplr_channel_accept accept_args(int64_t deadline)
{
	stplr_channel_accept args = {};

	poison(args);
	args.deadline = deadline;
	args.clock = CLOCK_MONOTONIC;
	args.flags = args.reserved = 0;
	return args;
}

long channel_accept(int channel, stplr_channel_accept &args)
{
	const stplr_channel_accept before = args;
	long result = call(channel, STPLR_CHANNEL_ACCEPT, &args);

	if (result < 0)
		EXPECT_TRUE(same(before, args))
			<< "a failed accept wrote outputs, " << result_name(result);
	EXPECT_EQ(0, memcmp(&before, &args, offsetof(stplr_channel_accept, pid)))
		<< "accept changed its inputs";
	return result;
}

long connect_detach(int connection)
{
	return call(connection, STPLR_CONNECT_DETACH);
}

long channel_info(int channel, stplr_channel_info &args)
{
	poison(args);
	long result = call(channel, STPLR_CHANNEL_INFO, &args);

	EXPECT_LE(result, 0);
	if (result == 0) {
		EXPECT_EQ(0u, args.reserved[0]);
		EXPECT_EQ(0u, args.reserved[1]);
	}
	return result;
}

long connect_info(int connection, stplr_connect_info &args)
{
	poison(args);
	long result = call(connection, STPLR_CONNECT_INFO, &args);

	EXPECT_LE(result, 0);
	if (result == 0)
		EXPECT_EQ(0u, args.reserved);
	return result;
}

long connect_attach(int device, stplr_connect_attach &args)
{
	const stplr_connect_attach before = args;
	long result = call(device, STPLR_CONNECT_ATTACH, &args);
	stplr_connect_attach after = args;

	if (result >= 0)
		after.coid = before.coid;
	EXPECT_TRUE(same(before, after))
		<< "connecting changed its arguments, " << result_name(result);
	return result;
}

long msg_send(int connection, stplr_msg_send &args)
{
	return send_call(connection, STPLR_MSG_SEND, args);
}

long msg_send_receive(int connection, stplr_msg_send &args)
{
	return send_call(connection, STPLR_MSG_SEND_RECEIVE, args);
}

long msg_receive(int channel, stplr_msg_receive &args)
{
	const stplr_msg_receive before = args;
	long result = call(channel, STPLR_MSG_RECEIVE, &args);

	check_receive(before, args, result);
	return result;
}

long msg_reply(int channel, stplr_msg_reply &args)
{
	return len_call(channel, STPLR_MSG_REPLY, args);
}

long msg_reply_receive(int channel, stplr_msg_reply_receive &args)
{
	const stplr_msg_reply_receive before = args;
	long result = call(channel, STPLR_MSG_REPLY_RECEIVE, &args);
	stplr_msg_reply reply = without_len(args.reply);

	reply.rcvid = before.reply.rcvid;
	EXPECT_TRUE(same(without_len(before.reply), reply)) << "a reply changed its inputs";
	EXPECT_TRUE(args.reply.rcvid == 0 || args.reply.rcvid == before.reply.rcvid);
	if (args.reply.rcvid != 0) {
		EXPECT_LT(result, 0) << "a reply that succeeded left its rcvid";
		EXPECT_EQ(before.reply.len, args.reply.len) << "a failed reply wrote its output";
		EXPECT_TRUE(same(before.receive, args.receive)) << "received after a failed reply";
	} else {
		check_receive(before.receive, args.receive, result);
	}
	return result;
}

stplr_msg_place place(const void *address, size_t length)
{
	stplr_msg_place place;

	poison(place);
	place.buffer = buffer(address, length);
	return place;
}

stplr_msg_batch batch_args(stplr_msg_reply *replies, size_t nr_replies, stplr_msg_place *places,
			   size_t nr_places, int64_t deadline)
{
	stplr_msg_batch args = {};

	args.replies = reinterpret_cast<uintptr_t>(replies);
	args.places = reinterpret_cast<uintptr_t>(places);
	args.nr_replies = static_cast<uint32_t>(nr_replies);
	args.nr_places = static_cast<uint32_t>(nr_places);
	args.deadline = deadline;
	args.clock = CLOCK_MONOTONIC;
	poison(args.failed);
	return args;
}

long msg_batch(int channel, stplr_msg_batch &args)
{
	stplr_msg_batch before = args;
	const auto *replies = reinterpret_cast<const stplr_msg_reply *>(args.replies);
	const auto *places = reinterpret_cast<const stplr_msg_place *>(args.places);
	const bool bad = args.nr_replies > STPLR_BATCH_MAX || args.nr_places > STPLR_BATCH_MAX;
	std::vector<stplr_msg_reply> given(replies, replies + (bad ? 0 : args.nr_replies));
	std::vector<stplr_msg_place> free(places, places + (bad ? 0 : args.nr_places));
	long result = call(channel, STPLR_MSG_BATCH, &args);

	before.failed = args.failed;
	EXPECT_TRUE(same(before, args)) << "a batch changed its inputs";
	EXPECT_LE(result, static_cast<long>(free.size()));
	for (size_t i = 0; i < given.size(); i++) {
		stplr_msg_reply after = replies[i];

		EXPECT_TRUE(after.rcvid == 0 || after.rcvid == given[i].rcvid);
		after.rcvid = given[i].rcvid;
		after.result = given[i].result;
		EXPECT_TRUE(same(without_len(given[i]), without_len(after)))
			<< "answer " << i << " changed its inputs";
	}
	// beyond what was received at most one was told of that did not fit
	for (size_t i = static_cast<size_t>(std::max(result, 0L)) + 1; i < free.size(); i++)
		EXPECT_TRUE(same(free[i], places[i])) << "place " << i << " was written to";
	for (size_t i = 0; i < free.size(); i++)
		EXPECT_TRUE(same(free[i].buffer, places[i].buffer));
	return result;
}

long msg_read(int channel, stplr_msg_data &args)
{
	return len_call(channel, STPLR_MSG_READ, args);
}

long msg_write(int channel, stplr_msg_data &args)
{
	return len_call(channel, STPLR_MSG_WRITE, args);
}

stplr_buffer_register register_args(const void *address, size_t length, uint32_t flags)
{
	stplr_buffer_register args = {};

	args.addr = reinterpret_cast<uintptr_t>(address);
	args.len = length;
	args.flags = flags;
	poison(args.index);
	return args;
}

long buffer_register(int fd, stplr_buffer_register &args)
{
	const stplr_buffer_register before = args;
	long result = call(fd, STPLR_BUFFER_REGISTER, &args);
	stplr_buffer_register after = args;

	if (result == 0) {
		EXPECT_LT(args.index, uint32_t(STPLR_BUFFERS_MAX));
		after.index = before.index;
	}
	EXPECT_LE(result, 0);
	EXPECT_TRUE(same(before, after))
		<< "registering changed its arguments, " << result_name(result);
	return result;
}

long buffer_unregister(int fd, uint32_t index)
{
	long result = call(fd, STPLR_BUFFER_UNREGISTER, &index);

	EXPECT_LE(result, 0);
	return result;
}
