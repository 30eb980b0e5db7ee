// SPDX-License-Identifier: MIT
// STPLR_VERSION: every descriptor says what module this is.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>

#include "support/ipc.h"
#include "support/module.h"

namespace
{

class VersionTest : public PairTest
{
};

std::string parameter(const std::string &name)
{
	std::ifstream file("/sys/module/stplr/parameters/" + name);
	std::string value;

	file >> value;
	return value;
}

TEST_F(VersionTest, DeviceDescribesTheModule)
{
	stplr_version version;

	poison(version);
	ASSERT_EQ(0, stplr_version_get(device, version));
	EXPECT_EQ(STPLR_ABI, int(version.abi));
	EXPECT_EQ(0u, version.version >> 24);
	EXPECT_NE(0u, version.version);
	EXPECT_EQ(uint64_t(STPLR_FEATURE_MESSAGES | STPLR_FEATURE_ACCEPT | STPLR_FEATURE_QUEUED |
			   STPLR_FEATURE_PULSES | STPLR_FEATURE_TELL | STPLR_FEATURE_REGISTERED |
			   STPLR_FEATURE_INHERITANCE | STPLR_FEATURE_PARK | STPLR_FEATURE_RINGS |
			   STPLR_FEATURE_SPIN | STPLR_FEATURE_BATCH |
			   (kernel_at_least(6, 6) ? STPLR_FEATURE_WAKE_HERE : 0)),
		  version.features);
	EXPECT_EQ(unsigned(STPLR_PARTS_MAX), version.parts_max);
	EXPECT_GT(version.inline_max, 0u);
	EXPECT_LT(version.inline_max, version.message_max);
	EXPECT_GE(version.message_max, 16u << 20);
}

TEST_F(VersionTest, MessageMaxIsTheParameter)
{
	stplr_version version;

	ASSERT_EQ(0, stplr_version_get(device, version));
	EXPECT_EQ(parameter("message_max"), std::to_string(version.message_max));
}

TEST_F(VersionTest, EveryDescriptorAnswersTheSame)
{
	stplr_version of_device, of_channel, of_connection;

	poison(of_device);
	poison(of_channel);
	poison(of_connection);
	ASSERT_EQ(0, stplr_version_get(device, of_device));
	ASSERT_EQ(0, stplr_version_get(channel, of_channel));
	ASSERT_EQ(0, stplr_version_get(connection, of_connection));
	EXPECT_EQ(0, memcmp(&of_device, &of_channel, sizeof(of_device)));
	EXPECT_EQ(0, memcmp(&of_device, &of_connection, sizeof(of_device)));
}

TEST_F(VersionTest, AnswersAfterTheChannelEnded)
{
	stplr_version version;

	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(0, stplr_version_get(channel, version));
	EXPECT_EQ(0, stplr_version_get(connection, version));
}

TEST_F(VersionTest, AnswersInReadOnlyDescriptorsToo)
{
	Fd readable(open("/dev/stplr-0", O_RDONLY | O_CLOEXEC));
	stplr_version version;

	ASSERT_GE(readable, 0);
	EXPECT_EQ(0, stplr_version_get(readable, version));
}

} // namespace
