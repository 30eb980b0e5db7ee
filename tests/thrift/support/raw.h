// SPDX-License-Identifier: MIT
// A client of the wire format on plain stplr.
#pragma once

#include <gtest/gtest.h>
#include <stplr.h>

#include <cerrno>
#include <string>

#include "support/fd.h"

namespace tests
{

struct Answer {
	std::string bytes;
	int status;
};

// A client without a transport.
class RawClient
{
public:
	explicit RawClient(const std::string &name)
	{
		Fd device(stplr_open(0, 0));

		connection_.reset(stplr_connect(device, name.c_str(), STPLR_DEADLINE_POLL));
		EXPECT_GE(connection_, 0);
	}

	// 0 or -errno.
	int call(const std::string &bytes, Answer *answer, size_t room = 1 << 20)
	{
		struct stplr_reply_info info;
		ssize_t got;

		answer->bytes.resize(room);
		got = stplr_send_receive(connection_, bytes.data(), bytes.size(), &answer->bytes[0],
					 room, &info);
		if (got < 0)
			return -errno;
		EXPECT_EQ(info.total, info.len);
		answer->bytes.resize(got);
		answer->status = info.status;
		return 0;
	}

	int send(const std::string &bytes)
	{
		return stplr_send(connection_, bytes.data(), bytes.size()) ? -errno : 0;
	}

	int queue(const std::string &bytes)
	{
		return stplr_send_queued(connection_, bytes.data(), bytes.size()) ? -errno : 0;
	}

	int pulse()
	{
		return stplr_pulse(connection_, -1, 5, 0x4141414141414141) ? -errno : 0;
	}

private:
	Fd connection_;
};

} // namespace tests
