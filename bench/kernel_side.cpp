// SPDX-License-Identifier: MIT
#include "kernel_side.h"

#include "report.h"
#include "stopwatch.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <climits>
#include <cstdio>
#include <cstring>

namespace bench
{

namespace
{

constexpr const char *moduleName = "stplr_bench";
constexpr const char *devicePath = "/dev/stplr-bench";

// Where `make test-modules` puts it for the running kernel: beside the folder of this program.
std::string modulePath()
{
	char program[PATH_MAX] = {};

	checked(readlink("/proc/self/exe", program, sizeof(program) - 1), "readlink");

	std::string folder = program;

	folder.erase(folder.rfind('/'));
	folder.erase(folder.rfind('/'));
	return folder + "/module/" + kernelRelease() + "/tests/" + moduleName + ".ko";
}

// Again and again for a while where it fails with this error: whoever had the device before may not
// be quite gone, for an io_uring is taken down behind its owner's back.
template <typename Try> bool patiently(int error, const Try &attempt)
{
	constexpr double patience = 10e9;
	const double start = clockNow();

	while (!attempt()) {
		if (errno != error || clockNow() - start > patience)
			return false;
		usleep(1000);
	}
	return true;
}

} // namespace

KernelModule::KernelModule()
{
	if (access(devicePath, F_OK) == 0)
		return;

	const std::string path = modulePath();
	const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		throw std::runtime_error(describe("open(" + path + ")") +
					 ": make test-modules builds it");

	const Fd file(fd, "open");

	if (syscall(SYS_finit_module, static_cast<int>(file), "", 0))
		throw std::runtime_error(
			describe("finit_module(" + path + ")") +
			": stplr has to be loaded, as it was built with this; and root");
	loaded_ = true;
}

KernelModule::~KernelModule()
{
	if (loaded_ &&
	    !patiently(EAGAIN, [] { return !syscall(SYS_delete_module, moduleName, O_NONBLOCK); }))
		fprintf(stderr, "stplr-bench: %s stays loaded: %s\n", moduleName, strerror(errno));
}

KernelSide::KernelSide()
{
	int fd = -1;

	patiently(EBUSY, [&] { return (fd = open(devicePath, O_RDWR | O_CLOEXEC)) >= 0; });
	fd_ = Fd(fd, "open(/dev/stplr-bench)");
}

int KernelSide::setUp(unsigned way, std::size_t size, const std::string &name, int value)
{
	bench_set_up setUp = {};

	setUp.way = way;
	setUp.size = static_cast<std::uint32_t>(size);
	setUp.value = value;
	name.copy(setUp.name, sizeof(setUp.name) - 1);
	if (ioctl(BENCH_SET_UP, &setUp)) {
		if (errno == EOPNOTSUPP)
			throw Unsupported("this kernel was built without it");
		throw CallError("ioctl(BENCH_SET_UP)");
	}
	return setUp.value;
}

void KernelSide::expectReceived(std::uint64_t count)
{
	expect(0, 0);
	if (received_ != count || wrong_)
		throw std::runtime_error("the kernel has received " + std::to_string(received_) +
					 " messages of " + std::to_string(count) + ", and " +
					 std::to_string(wrong_) + " wrong ones");
}

int KernelSide::ioctl(unsigned long command, void *arg)
{
	return ::ioctl(fd_, command, arg);
}

} // namespace bench
