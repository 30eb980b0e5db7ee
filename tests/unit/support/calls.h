// SPDX-License-Identifier: MIT
// The ABI as functions: one an ioctl, returning what it returned or -errno.
//
// Each call checks what holds for all of them, whatever the test is about: inputs are never
// changed, outputs are changed on success only (the exceptions that stplr.h names aside). For that
// the *_args() functions fill every output with poison.
#pragma once

#include <linux/stplr.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "support/fd.h"

constexpr unsigned char kPoison = 0xa5;

template <typename T> void poison(T &output)
{
	__builtin_memset(&output, kPoison, sizeof(output));
}

template <typename T> bool poisoned(const T &output)
{
	const unsigned char *bytes = reinterpret_cast<const unsigned char *>(&output);
	for (size_t i = 0; i < sizeof(output); i++)
		if (bytes[i] != kPoison)
			return false;
	return true;
}

// Any ioctl: its result or -errno.
long call(int fd, unsigned long request, void *argument = nullptr);

// The errno's name for a negative result, so that a failed expectation reads well.
std::string result_name(long result);

// Clocks, in the nanoseconds that deadlines are in.
int64_t now(uint32_t clock);
int64_t in_ms(int64_t ms, uint32_t clock = 1 /* CLOCK_MONOTONIC */);

stplr_buffer buffer(const void *address, size_t length);
stplr_buffer buffer(std::string_view text);
stplr_iovec part(const void *address, size_t length);

stplr_channel_create channel_args(std::string_view name = {}, uint32_t flags = 0);
stplr_connect_attach attach_args(std::string_view name, uint32_t flags = 0);
stplr_connect_attach attach_args(int pid, int chid, uint32_t flags = 0);
// No deadlines; one way when there is no reply buffer is up to the call that is made of it.
stplr_msg_send send_args(stplr_buffer send);
stplr_msg_send send_args(stplr_buffer send, stplr_buffer reply);
stplr_msg_receive receive_args(stplr_buffer buffer, int64_t deadline = STPLR_DEADLINE_NONE);
stplr_msg_reply reply_args(int32_t rcvid, stplr_buffer reply = {});
stplr_msg_data data_args(int32_t rcvid, stplr_buffer buffer, uint64_t offset = 0);
stplr_msg_reply_receive reply_receive_args(const stplr_msg_reply &reply,
					   const stplr_msg_receive &receive);

long stplr_version_get(int fd, stplr_version &args);
long channel_create(int device, stplr_channel_create &args);
long channel_destroy(int channel);
long channel_shutdown(int channel);
stplr_channel_accept accept_args(int64_t deadline = STPLR_DEADLINE_NONE);
long channel_accept(int channel, stplr_channel_accept &args);
long connect_detach(int connection);
long channel_info(int channel, stplr_channel_info &args);
long connect_info(int connection, stplr_connect_info &args);
long connect_attach(int device, stplr_connect_attach &args);
long msg_send(int connection, stplr_msg_send &args);
long msg_send_receive(int connection, stplr_msg_send &args);
long msg_receive(int channel, stplr_msg_receive &args);
long msg_reply(int channel, stplr_msg_reply &args);
long msg_reply_receive(int channel, stplr_msg_reply_receive &args);
stplr_msg_place place(const void *address, size_t length);
stplr_msg_batch batch_args(stplr_msg_reply *replies, size_t nr_replies, stplr_msg_place *places,
			   size_t nr_places, int64_t deadline = STPLR_DEADLINE_NONE);
long msg_batch(int channel, stplr_msg_batch &args);
long msg_read(int channel, stplr_msg_data &args);
long msg_write(int channel, stplr_msg_data &args);
// addr, length and flags say what; poisons the index.
stplr_buffer_register register_args(const void *address, size_t length, uint32_t flags = 0);
long buffer_register(int fd, stplr_buffer_register &args);
long buffer_unregister(int fd, uint32_t index);
