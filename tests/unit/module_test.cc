// SPDX-License-Identifier: MIT
// The module: devices that are independent, parameters, loading and unloading.
//
// Loads the module again at its end with the parameters it had. Its file is STPLR_MODULE, or where
// the build puts it below the current directory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/ipc.h"

namespace
{

const std::string kParameters = "/sys/module/stplr/parameters/";

std::string parameter(const std::string &name)
{
	std::ifstream file(kParameters + name);
	std::string value;

	file >> value;
	return value;
}

// Whether the module took the value.
bool set_parameter(const std::string &name, const std::string &value)
{
	Fd file(open((kParameters + name).c_str(), O_WRONLY | O_CLOEXEC));
	return file >= 0 && write(file, value.data(), value.size()) == ssize_t(value.size());
}

std::string module_path()
{
	utsname system;

	if (const char *path = getenv("STPLR_MODULE"))
		return path;
	uname(&system);
	return std::string("build/module/") + system.release + "/stplr.ko";
}

long unload()
{
	return syscall(SYS_delete_module, "stplr", O_NONBLOCK) < 0 ? -errno : 0;
}

long load(const std::string &parameters)
{
	Fd file(open(module_path().c_str(), O_RDONLY | O_CLOEXEC));

	EXPECT_GE(file, 0) << module_path() << ": " << strerror(errno);
	return syscall(SYS_finit_module, file.get(), parameters.c_str(), 0) < 0 ? -errno : 0;
}

bool device_exists(int number)
{
	return access(("/dev/stplr-" + std::to_string(number)).c_str(), F_OK) == 0;
}

// Everything that the kernel logs from now on.
class KernelLog
{
public:
	KernelLog() : kmsg_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC))
	{
		lseek(kmsg_, 0, SEEK_END);
	}
	std::string text()
	{
		std::string all;
		char record[8192];
		ssize_t length;
		while ((length = read(kmsg_, record, sizeof(record))) > 0 ||
		       (length < 0 && errno == EPIPE))
			if (length > 0)
				all.append(record, length);
		return all;
	}

private:
	Fd kmsg_;
};

class ModuleTest : public testing::Test
{
};

TEST_F(ModuleTest, DevicesAreThere)
{
	int devices = std::stoi(parameter("devices"));
	ASSERT_GE(devices, 2) << "run with --params devices=3";
	for (int i = 0; i < devices; i++) {
		struct stat stat;
		ASSERT_EQ(0, ::stat(("/dev/stplr-" + std::to_string(i)).c_str(), &stat)) << i;
		EXPECT_TRUE(S_ISCHR(stat.st_mode));
		Fd device = open_device(i);
		stplr_version version;
		EXPECT_EQ(0, stplr_version_get(device, version));
	}
	EXPECT_FALSE(device_exists(devices));
}

TEST_F(ModuleTest, DevicesAreIndependent)
{
	Fd zero = open_device(0), one = open_device(1);
	int on_zero, on_one;
	Fd channel = new_channel(zero, "name", 0, &on_zero);

	stplr_connect_attach by_name = attach_args("name");
	EXPECT_EQ(-ENOENT, connect_attach(one, by_name));
	stplr_connect_attach by_id = attach_args(0, on_zero);
	EXPECT_EQ(-ESRCH, connect_attach(one, by_id));
	Fd other = new_channel(one, "name", 0, &on_one);
	EXPECT_GE(other, 0) << "the name is free there";
	EXPECT_EQ(1, on_zero);

	Fd to_zero = new_connection(zero, "name"), to_one = new_connection(one, "name");
	OneWaySender first(to_zero, "to zero"), second(to_one, "to one");
	EXPECT_EQ("to zero", receive(channel).text);
	EXPECT_EQ("to one", receive(other).text);
	EXPECT_EQ(0, first.finish());
	EXPECT_EQ(0, second.finish());
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(ModuleTest, MessagesOfOneDeviceAreUnknownOnAnother)
{
	Fd zero = open_device(0), one = open_device(1);
	Fd channel = new_channel(zero, "a"), other = new_channel(one, "a");
	Fd connection = new_connection(zero, "a");
	Sender client(connection, "x");
	Received message = receive(channel);
	EXPECT_EQ(-ESRCH, reply(other, message.rcvid(), "forged"));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "real"));
	EXPECT_EQ("real", client.finish().text);
}

TEST_F(ModuleTest, DebugIsSetAtRunTime)
{
	std::string before = parameter("debug");
	Fd device = open_device();

	for (const char *level : {"0", "1", "2", "3", "4"}) {
		EXPECT_TRUE(set_parameter("debug", level)) << level;
		EXPECT_EQ(level, parameter("debug"));
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		Fd connection = new_connection(device, 0, chid);
		EchoServer server(channel);
		EXPECT_EQ("talkative", send_receive(connection, "talkative").text);
		EXPECT_EQ(0, channel_destroy(channel));
		server.finish();
	}
	for (const char *nonsense : {"5", "-1", "loud", "4294967296"})
		EXPECT_FALSE(set_parameter("debug", nonsense)) << nonsense;
	EXPECT_EQ("4", parameter("debug"));
	EXPECT_TRUE(set_parameter("debug", before));
}

TEST_F(ModuleTest, DebugSaysWhatHappens)
{
	std::string before = parameter("debug");
	Fd device = open_device();
	ASSERT_TRUE(set_parameter("debug", "4"));
	KernelLog log;
	{
		Fd channel = new_channel(device, "talks");
	}
	EXPECT_NE(std::string::npos, log.text().find("stplr"));
	ASSERT_TRUE(set_parameter("debug", "0"));
	log.text();
	{
		Fd channel = new_channel(device, "silent");
	}
	EXPECT_EQ(std::string::npos, log.text().find("stplr"));
	EXPECT_TRUE(set_parameter("debug", before));
}

TEST_F(ModuleTest, OtherParametersAreFixed)
{
	EXPECT_FALSE(set_parameter("devices", "2"));
}

class UnloadTest : public testing::Test
{
protected:
	void TearDown() override
	{
		if (!std::filesystem::exists("/sys/module/stplr"))
			EXPECT_EQ(0, load("devices=" + devices));
		ASSERT_TRUE(eventually([] { return device_exists(0); }));
	}

	std::string devices = parameter("devices");
};

TEST_F(UnloadTest, RefusedWhileInUse)
{
	{
		Fd device = open_device();
		EXPECT_EQ(-EWOULDBLOCK, unload()) << "a device is open";
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		Fd connection = new_connection(device, 0, chid);
		device.reset();
		EXPECT_EQ(-EWOULDBLOCK, unload());
		Fd channel_alone(channel.release());
		connection.reset();
		EXPECT_EQ(-EWOULDBLOCK, unload()) << "a channel is open";
	}
	Fd device = open_device();
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	Fd connection = new_connection(device, 0, chid);
	device.reset();
	channel.reset();
	EXPECT_EQ(-EWOULDBLOCK, unload()) << "a connection is open";
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(UnloadTest, LeavesNothingBehind)
{
	ASSERT_EQ(0, unload());
	EXPECT_FALSE(std::filesystem::exists("/sys/module/stplr"));
	EXPECT_FALSE(std::filesystem::exists("/sys/class/stplr"));
	EXPECT_TRUE(eventually([] { return !device_exists(0); }));
	std::ifstream file("/proc/devices");
	for (std::string line; std::getline(file, line);)
		EXPECT_EQ(std::string::npos, line.find("stplr"));
}

TEST_F(UnloadTest, AgainAndAgain)
{
	for (int i = 1; i <= 10; i++) {
		ASSERT_EQ(0, unload());
		ASSERT_EQ(0, load("devices=" + std::to_string(i)));
		ASSERT_TRUE(eventually([&] { return device_exists(i - 1); })) << i;
		EXPECT_FALSE(device_exists(i));
		Fd device = open_device(i - 1);
		int chid;
		Fd channel = new_channel(device, "again", 0, &chid);
		Fd connection = new_connection(device, "again");
		Sender client(connection, "x");
		Received message = receive(channel);
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		EXPECT_EQ(0, client.finish().result);
	}
	ASSERT_EQ(0, unload());
}

TEST_F(UnloadTest, NonsenseIsRefusedInWords)
{
	ASSERT_EQ(0, unload());
	for (const char *bad :
	     {"devices=0", "devices=-1", "devices=many", "devices=1000000", "devices="}) {
		KernelLog log;
		EXPECT_LT(load(bad), 0) << bad;
		EXPECT_NE(std::string::npos, log.text().find("devices")) << bad;
		EXPECT_FALSE(std::filesystem::exists("/sys/module/stplr"));
		unload();
	}
	for (const char *bad : {"debug=5", "debug=-1", "debug=x"}) {
		EXPECT_LT(load(bad), 0) << bad;
		unload();
	}
}

TEST_F(UnloadTest, OneDeviceByDefault)
{
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load(""));
	EXPECT_TRUE(eventually([] { return device_exists(0); }));
	EXPECT_FALSE(device_exists(1));
	EXPECT_EQ("1", parameter("devices"));
	EXPECT_EQ("0", parameter("debug"));
	ASSERT_EQ(0, unload());
}

} // namespace
