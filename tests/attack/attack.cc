// SPDX-License-Identifier: MIT
#include "attack.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

Child::Body as(unsigned user, Child::Body body)
{
	return [user, body](Child &self) {
		become_user(user, user);
		// As after a login: /proc/PID is the user's own.
		prctl(PR_SET_DUMPABLE, 1);
		return body(self);
	};
}

Service::Service(const std::string &name, unsigned user, uint32_t flags)
	: process_(as(user,
		      [name, flags](Child &self) {
			      Fd device = open_device();
			      stplr_channel_create args =
				      channel_args(name, flags | STPLR_CHANNEL_ATTACH_ANY);
			      args.mode = 0666;
			      Fd channel(channel_create(device, args));
			      EXPECT_GE(channel, 0) << result_name(channel);
			      self.tell(args.chid);
			      echo_until_error(channel);
			      return 0;
		      })),
	  chid_(int(process_.hear()))
{
}

void AttackTest::expect_served(const std::string &name, int64_t within_ms)
{
	Child client(as(kBystander, [&](Child &) {
		Fd own_device = open_device();
		int64_t deadline = in_ms(within_ms);
		stplr_connect_attach attach = attach_args(name);
		attach.clock = CLOCK_MONOTONIC;
		attach.deadline = deadline;
		Fd connection(connect_attach(own_device, attach));
		EXPECT_GE(connection, 0) << "attach: " << result_name(connection);
		if (connection < 0)
			return 1;
		char room[8];
		stplr_msg_send args = send_args(buffer("hello"), buffer(room, sizeof(room)));
		args.clock = CLOCK_MONOTONIC;
		args.send_deadline = args.reply_deadline = deadline;
		long result = msg_send_receive(connection, args);
		EXPECT_EQ(0, result) << result_name(result);
		return 0;
	}));
	client.expect_success();
}

int64_t shortest(int tries, uint32_t clock, const std::function<void()> &what)
{
	int64_t best = INT64_MAX;

	while (tries--) {
		int64_t start = now(clock);
		what();
		best = std::min(best, now(clock) - start);
	}
	return best;
}

const char *set_uid_program()
{
	static const char path[] = "/run/stplr-set-uid";

	std::filesystem::copy_file("/proc/self/exe", path,
				   std::filesystem::copy_options::overwrite_existing);
	EXPECT_EQ(0, chown(path, 0, 0));
	EXPECT_EQ(0, chmod(path, 04755));
	return path;
}
