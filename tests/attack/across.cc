// SPDX-License-Identifier: MIT
// Reaching across: from one device to another, out of a pid namespace, out of a user namespace.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "attack.h"
#include "support/pulse.h"

namespace
{

class Across : public AttackTest
{
};

// What is on one device is not to be found from another, nor can the two be tied together.
TEST_F(Across, Devices)
{
	Service service;
	Child attacker(as(kAttacker, [&](Child &) {
		Fd first = open_device(0), second = open_device(1);
		stplr_connect_attach args = attach_args("service");
		EXPECT_EQ(-ENOENT, connect_attach(second, args));
		args = attach_args(service.pid(), service.chid());
		EXPECT_EQ(-ESRCH, connect_attach(second, args));

		Fd connection = new_connection(first, "service");
		int chid;
		Fd own = new_channel(second, {}, 0, &chid);
		stplr_connect_notify notify = {};
		notify.channel = own;
		EXPECT_EQ(-EINVAL, call(connection, STPLR_CONNECT_NOTIFY, &notify));

		// An event registered on the one device is no other device's.
		Fd to_own = new_connection(second, 0, chid);
		stplr_event_register event = {};
		event.type = STPLR_EVENT_PULSE;
		event.fd = to_own;
		EXPECT_EQ(0, call(to_own, STPLR_EVENT_REGISTER, &event));
		Fd here = new_channel(first);
		stplr_event_deliver deliver = {};
		deliver.id = event.id;
		EXPECT_EQ(-ENOENT, call(here, STPLR_EVENT_DELIVER, &deliver));
		return 0;
	}));
	attacker.expect_success();
}

// From within a pid namespace nobody outside can be named, and who is outside has no number there.
TEST_F(Across, PidNamespaces)
{
	int chid;
	Fd channel = new_channel(device, "outside", STPLR_CHANNEL_ATTACH_ANY, &chid);
	Fd outside = new_connection(device, 0, chid);
	pid_t pid = getpid();
	Child attacker([&](Child &) {
		EXPECT_EQ(0, unshare(CLONE_NEWPID));
		Child inside(as(kAttacker, [&](Child &) {
			EXPECT_EQ(1, getpid());
			Fd own_device = open_device();
			stplr_connect_attach args = attach_args(pid, chid);
			EXPECT_EQ(-ESRCH, connect_attach(own_device, args));
			for (int number = 1; number < 300; number++) {
				args = attach_args(number, chid);
				EXPECT_EQ(-ESRCH, connect_attach(own_device, args));
			}
			// with the channel handed in: the sender's pid is not to be had
			stplr_connect_info info;
			EXPECT_EQ(0, connect_info(outside, info));
			EXPECT_EQ(0, info.pid);
			Received message = receive(channel);
			EXPECT_EQ(0, message.info.pid);
			EXPECT_EQ(0, message.info.tid);
			stplr_client_info client = {};
			client.scoid = message.info.scoid;
			EXPECT_EQ(0, call(channel, STPLR_CLIENT_INFO, &client));
			EXPECT_EQ(0, client.pid);
			EXPECT_EQ(0, client.sid);
			EXPECT_EQ(0, reply(channel, message.rcvid()));
			return 0;
		}));
		inside.expect_success();
		return 0;
	});
	EXPECT_EQ(0, send_receive(outside, "x").result);
	attacker.expect_success();
}

// Root of a user namespace of one's own may do there what it likes, and outside what its user may.
TEST_F(Across, UserNamespaces)
{
	Fd channel = new_channel(device, "roots");
	int chid;
	Fd open = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	pid_t pid = getpid();
	Child attacker(as(kAttacker, [&](Child &) {
		if (unshare(CLONE_NEWUSER))
			return 0; // not allowed here
		std::ofstream("/proc/self/setgroups") << "deny";
		std::ofstream("/proc/self/uid_map") << "0 " << kAttacker << " 1";
		std::ofstream("/proc/self/gid_map") << "0 " << kAttacker << " 1";
		Fd own_device = open_device();
		stplr_connect_attach args = attach_args("roots");
		EXPECT_EQ(-EACCES, connect_attach(own_device, args));
		// the real root is not the one it expects
		args = attach_args(pid, chid, STPLR_CONNECT_UID);
		EXPECT_EQ(-EPERM, connect_attach(own_device, args));
		// a name for a group that is not its own
		stplr_channel_create create = channel_args("groups", STPLR_CHANNEL_GROUP);
		create.gid = 4;
		long result = channel_create(own_device, create);
		EXPECT_TRUE(result == -EINVAL || result == -EPERM) << result_name(result);
		// nor is it the root that a server sees
		Fd connection = new_connection(own_device, pid, chid);
		EXPECT_EQ(0, send_queued(connection, "I am root"));
		EXPECT_EQ(0, pulse_send(connection, 1, 0, 140));
		return 0;
	}));
	attacker.expect_success();
	ReceivedPulse pulse = receive_pulse(open);
	if (pulse.result == 0)
		EXPECT_LE(pulse.info.priority, 19);
	Received message = poll_receive(open);
	if (message.result == 0)
		EXPECT_EQ(kAttacker, message.info.uid);
}

} // namespace
