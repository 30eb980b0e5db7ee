// SPDX-License-Identifier: MIT
// Squatting a name: the attacker is there first, and waits for somebody else's clients.
#include <cerrno>

#include "attack.h"

namespace
{

class Squat : public AttackTest
{
protected:
	// The attacker has the name, and whoever comes may connect.
	Child attacker{as(kAttacker, [](Child &self) {
		Fd device = open_device();
		stplr_channel_create args = channel_args("service");
		args.mode = 0666;
		Fd channel(channel_create(device, args));
		EXPECT_GE(channel, 0);
		self.tell(0);
		self.hear();
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "got a message";
		return 0;
	})};

	Squat()
	{
		attacker.hear();
	}
	~Squat()
	{
		attacker.tell(0);
		attacker.expect_success();
	}
};

// Who says which user the server must be gives nothing away.
TEST_F(Squat, ClientsThatKnowTheirServer)
{
	stplr_connect_attach args = attach_args("service", STPLR_CONNECT_UID);
	for (unsigned uid : {0u, kVictim}) {
		args.uid = uid;
		EXPECT_EQ(-EPERM, connect_attach(device, args));
	}
}

// The name does not become the attacker's by the back door either: by an id that it makes up in a
// namespace of its own.
TEST_F(Squat, TakenNameIsTaken)
{
	stplr_channel_create args = channel_args("service");
	EXPECT_EQ(-EEXIST, channel_create(device, args));
	EXPECT_GE(new_channel(open_device(1), "service"), 0) << "another device is another domain";
}

} // namespace
