// SPDX-License-Identifier: MIT
#include "support/module.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "support/thread.h"

void load_test_module(const std::string &name)
{
	utsname names;
	ASSERT_EQ(0, uname(&names));
	std::string path = std::string("build/module/") + names.release + "/tests/" + name + ".ko";
	Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	ASSERT_LE(0, file) << path << ": " << strerror(errno)
			   << "; make test-modules KVER=" << names.release;
	ASSERT_EQ(0, syscall(SYS_finit_module, file.get(), "", 0)) << strerror(errno);
}

void unload_test_module(const std::string &name)
{
	EXPECT_EQ(0, syscall(SYS_delete_module, name.c_str(), 0)) << strerror(errno);
}

Fd open_test_device(const std::string &name)
{
	const std::string path = "/dev/" + name;
	Fd fd;

	EXPECT_TRUE(eventually([&] {
		fd.reset(open(path.c_str(), O_RDWR | O_CLOEXEC));
		return fd >= 0;
	})) << path
	    << ": " << strerror(errno);
	return fd;
}

uint64_t number_in(const std::string &path, const std::string &word)
{
	std::ifstream file(path);
	std::string found;

	while (file >> found) {
		uint64_t number;
		if (found == word && file >> number)
			return number;
	}
	ADD_FAILURE() << path << " has no " << word;
	return 0;
}

bool kernel_at_least(int major, int minor)
{
	utsname names;
	int has_major = 0, has_minor = 0;

	EXPECT_EQ(0, uname(&names));
	EXPECT_EQ(2, sscanf(names.release, "%d.%d", &has_major, &has_minor)) << names.release;
	return has_major > major || (has_major == major && has_minor >= minor);
}

bool kernel_checks_memory()
{
	return access("/sys/kernel/debug/kmemleak", F_OK) == 0;
}

uint64_t objects(const std::string &kind)
{
	return number_in("/sys/module/stplr/parameters/objects", kind);
}

namespace
{

void set_parameter(const std::string &module, const std::string &name, const std::string &value)
{
	std::ofstream file("/sys/module/" + module + "/parameters/" + name);

	file << value << std::flush;
	EXPECT_TRUE(file.good()) << name << " of " << module;
}

} // namespace

void set_module_parameter(const std::string &module, const std::string &name, long value)
{
	set_parameter(module, name, std::to_string(value));
}

Parameter::Parameter(const std::string &name, long value) : name_(name)
{
	EXPECT_TRUE(std::ifstream("/sys/module/stplr/parameters/" + name_) >> before_) << name_;
	set_module_parameter("stplr", name_, value);
}

Parameter::~Parameter()
{
	set_parameter("stplr", name_, before_);
}
