// SPDX-License-Identifier: MIT
// Attaching where one may not. The victim's channels are its own: by number, by name, and by its
// descriptors.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "attack.h"

namespace
{

class Attach : public AttackTest
{
protected:
	// A channel of the victim's for nobody else, by name and by number; a private one; one that
	// listens.
	Child victim{as(kVictim, [](Child &self) {
		Fd device = open_device();
		int chids[3];
		Fd named = new_channel(device, "mine", 0, &chids[0]);
		Fd own = new_channel(device, {}, STPLR_CHANNEL_PRIVATE | STPLR_CHANNEL_ATTACH_ANY,
				     &chids[1]);
		Fd listener = new_channel(device, "ears", STPLR_CHANNEL_LISTEN, &chids[2]);
		self.tell(named);
		self.hear();
		for (int channel : {named.get(), own.get()})
			EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		stplr_channel_accept args = accept_args(STPLR_DEADLINE_POLL);
		EXPECT_EQ(-EAGAIN, channel_accept(listener, args));
		return 0;
	})};
	int fd = int(victim.hear());

	void try_all()
	{
		Fd own_device = open_device();
		for (const char *name : {"mine", "ears"}) {
			stplr_connect_attach args = attach_args(name);
			EXPECT_EQ(-EACCES, connect_attach(own_device, args)) << name;
		}
		int refused = 0;
		for (int chid = 1; chid < 100; chid++) {
			stplr_connect_attach args = attach_args(victim.pid(), chid);
			long result = connect_attach(own_device, args);
			EXPECT_TRUE(result == -EACCES || result == -ESRCH)
				<< chid << result_name(result);
			refused += result == -EACCES;
		}
		EXPECT_EQ(3, refused);
	}
};

TEST_F(Attach, ByNameAndNumber)
{
	Child attacker(as(kAttacker, [this](Child &) {
		try_all();
		return 0;
	}));
	attacker.expect_success();
	victim.tell(0);
	victim.expect_success();
}

// Root of a namespace of one's own is nobody outside.
TEST_F(Attach, AsRootOfAUserNamespace)
{
	Child attacker(as(kAttacker, [this](Child &) {
		if (unshare(CLONE_NEWUSER))
			return 0; // not allowed here
		std::ofstream("/proc/self/setgroups") << "deny";
		std::ofstream("/proc/self/uid_map") << "0 " << kAttacker << " 1";
		std::ofstream("/proc/self/gid_map") << "0 " << kAttacker << " 1";
		EXPECT_EQ(0u, geteuid());
		try_all();
		return 0;
	}));
	attacker.expect_success();
	victim.tell(0);
	victim.expect_success();
}

TEST_F(Attach, ThroughItsDescriptors)
{
	Child attacker(as(kAttacker, [this](Child &) {
		std::string path =
			"/proc/" + std::to_string(victim.pid()) + "/fd/" + std::to_string(fd);
		EXPECT_EQ(-1, open(path.c_str(), O_RDWR));
		Fd pidfd(int(syscall(SYS_pidfd_open, victim.pid(), 0)));
		EXPECT_EQ(-1, syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0));
		EXPECT_EQ(EPERM, errno);
		return 0;
	}));
	attacker.expect_success();
	victim.tell(0);
	victim.expect_success();
}

// Real and effective users differ, as in a set-uid program: what counts is whom the process runs
// for.
class Mixed : public AttackTest
{
protected:
	// Makes the calling process run for `effective`, started by `real`.
	static void run_for(unsigned effective, unsigned real)
	{
		EXPECT_EQ(0, setgroups(0, nullptr));
		EXPECT_EQ(0, setresgid(real, effective, effective));
		EXPECT_EQ(0, setresuid(real, effective, effective));
	}
};

// A server of the victim's that the attacker has started is still not the attacker's.
TEST_F(Mixed, ServerThatTheAttackerStarted)
{
	Child server([](Child &self) {
		run_for(kVictim, kAttacker);
		Fd device = open_device();
		int chid;
		Fd channel = new_channel(device, "mine", 0, &chid);
		self.tell(chid);
		self.hear();
		return 0;
	});
	int chid = int(server.hear());
	Child attacker(as(kAttacker, [&](Child &) {
		Fd own_device = open_device();
		stplr_connect_attach args = attach_args("mine");
		EXPECT_EQ(-EACCES, connect_attach(own_device, args));
		args = attach_args(server.pid(), chid);
		EXPECT_EQ(-EACCES, connect_attach(own_device, args));
		return 0;
	}));
	attacker.expect_success();
	// nor does it pass for one of the attacker's
	stplr_connect_attach args = attach_args("mine", STPLR_CONNECT_UID);
	args.uid = kAttacker;
	EXPECT_EQ(-EPERM, connect_attach(device, args));
	args.uid = kVictim;
	EXPECT_GE(Fd(connect_attach(device, args)), 0);
	server.tell(0);
	server.expect_success();
}

// A program of the attacker's that the victim has started does not reach what is the victim's.
TEST_F(Mixed, ProgramThatTheVictimStarted)
{
	Child server(as(kVictim, [](Child &self) {
		Fd device = open_device();
		int chid;
		Fd channel = new_channel(device, "mine", 0, &chid);
		self.tell(chid);
		self.hear();
		return 0;
	}));
	int chid = int(server.hear());
	Child attacker([&](Child &) {
		run_for(kAttacker, kVictim);
		Fd own_device = open_device();
		stplr_connect_attach args = attach_args("mine");
		EXPECT_EQ(-EACCES, connect_attach(own_device, args));
		args = attach_args(server.pid(), chid);
		EXPECT_EQ(-EACCES, connect_attach(own_device, args));
		return 0;
	});
	attacker.expect_success();
	server.tell(0);
	server.expect_success();
}

// The number of a process that is dead names nobody, though an heir has its channel.
TEST_F(Mixed, DeadCreator)
{
	Fd own_device = open_device();
	int ends[2];
	ASSERT_EQ(0, pipe(ends));
	Child creator([&](Child &self) -> int {
		int chid;
		Fd channel = new_channel(own_device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
		if (fork() == 0) {
			// the heir, until the test closes its end
			char byte;
			close(ends[1]);
			_exit(int(read(ends[0], &byte, 1)));
		}
		self.tell(chid);
		_exit(0);
	});
	int chid = int(creator.hear());
	ASSERT_TRUE(eventually([&] { return thread_state(creator.pid(), creator.pid()) == 'Z'; }));
	stplr_connect_attach args = attach_args(creator.pid(), chid);
	EXPECT_EQ(-ESRCH, connect_attach(own_device, args));
	close(ends[0]);
	close(ends[1]);
	creator.wait();
}

} // namespace
