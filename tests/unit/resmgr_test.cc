// SPDX-License-Identifier: MIT
// QNX's resource managers: the programs of tests/qnx that are files, used by ordinary programs
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/fd.h"
#include "support/thread.h"

namespace
{

// The sample device's commands, as a program that knows nothing of QNX has them.
constexpr unsigned kWrites = _IOC(_IOC_READ, 5, 1, sizeof(int));
constexpr unsigned kAdd = _IOC(_IOC_READ | _IOC_WRITE, 5, 2, sizeof(int));
constexpr unsigned kForget = _IOC(_IOC_NONE, 5, 3, 0);

std::string own_folder()
{
	char path[PATH_MAX] = "";
	EXPECT_LT(0, readlink("/proc/self/exe", path, sizeof(path) - 1));
	return std::string(path).substr(0, std::string(path).rfind('/'));
}

// What a shell's command writes, and its exit status.
struct Output {
	std::string text;
	int status;
};

Output shell(const std::string &command)
{
	Output output = {"", -1};
	char buffer[4096];
	FILE *pipe = popen(("exec 2>&1; " + command).c_str(), "re");
	size_t n;

	EXPECT_NE(nullptr, pipe);
	while ((n = fread(buffer, 1, sizeof(buffer), pipe)) > 0)
		output.text.append(buffer, n);
	output.status = pclose(pipe);
	return output;
}

#define EXPECT_SHELL(expected, command)                                                            \
	do {                                                                                       \
		Output output_ = shell(command);                                                   \
		EXPECT_EQ(expected, output_.text);                                                 \
		EXPECT_EQ(0, output_.status) << output_.text;                                      \
	} while (0)

bool mounted(const std::string &path)
{
	std::ifstream mounts("/proc/self/mounts");
	std::string line;

	while (std::getline(mounts, line))
		if (line.find(" " + path + " ") != std::string::npos)
			return true;
	return false;
}

// Waits until a thread waits in the kernel for what a file answers to its read.
bool waits_in_read(pid_t tid)
{
	return eventually([tid] {
		std::string of = "/proc/" + std::to_string(tid);
		std::ifstream wchan(of + "/wchan"), syscall(of + "/syscall");
		std::string in, number;
		return wchan >> in && syscall >> number && number == std::to_string(SYS_read) &&
		       (in.find("request_wait") != std::string::npos ||
			in.find("fuse") != std::string::npos);
	});
}

bool exists(const std::string &path)
{
	struct stat stat;
	return !lstat(path.c_str(), &stat);
}

// A program of tests/qnx that serves a path.
class Manager
{
public:
	// Run by root, or by another user.
	Manager(const std::string &program, const std::string &path,
		std::vector<std::string> more = {}, uid_t user = 0)
		: path_(path)
	{
		std::string file = own_folder() + "/qnx/" + program;
		std::string libraries = "LD_LIBRARY_PATH=" + own_folder() + "/qnx/installed/lib";
		std::string verbose = "STPLR_QNX_VERBOSE=1";
		std::vector<std::string> words = {program, path};
		int out[2];
		char line[256] = "";

		words.insert(words.end(), more.begin(), more.end());
		EXPECT_EQ(0, pipe2(out, O_CLOEXEC));
		pid_ = fork();
		if (!pid_) {
			std::vector<char *> argv;
			char *environment[] = {&libraries[0], &verbose[0], nullptr};
			for (auto &word : words)
				argv.push_back(&word[0]);
			argv.push_back(nullptr);
			dup2(out[1], STDOUT_FILENO);
			if (user && (setgroups(0, nullptr) || setgid(user) || setuid(user)))
				_exit(127);
			execve(file.c_str(), argv.data(), environment);
			_exit(127);
		}
		close(out[1]);
		FILE *from = fdopen(out[0], "r");
		said_ = fgets(line, sizeof(line), from) ? line : "";
		fclose(from);
	}
	~Manager()
	{
		end();
	}
	// What it said first: that the path is there.
	const std::string &said() const
	{
		return said_;
	}
	void end(int signal = SIGKILL)
	{
		if (pid_ <= 0)
			return;
		kill(pid_, signal);
		waitpid(pid_, nullptr, 0);
		pid_ = -1;
	}
	pid_t pid() const
	{
		return pid_;
	}
	const std::string &path() const
	{
		return path_;
	}

private:
	std::string path_, said_;
	pid_t pid_;
};

class Modules : public testing::Environment
{
	void SetUp() override
	{
		if (access("/dev/cuse", F_OK))
			ASSERT_EQ(0, system("modprobe cuse"));
	}
};
testing::Environment *const modules = testing::AddGlobalTestEnvironment(new Modules);

// A command that runs beside the test.
class Command
{
public:
	explicit Command(std::vector<std::string> words)
	{
		int out[2];

		EXPECT_EQ(0, pipe2(out, O_CLOEXEC));
		pid_ = fork();
		if (!pid_) {
			std::vector<char *> argv;
			for (auto &word : words)
				argv.push_back(&word[0]);
			argv.push_back(nullptr);
			dup2(out[1], STDOUT_FILENO);
			execvp(argv[0], argv.data());
			_exit(127);
		}
		close(out[1]);
		out_.reset(out[0]);
	}
	~Command()
	{
		if (pid_ > 0) {
			kill(pid_, SIGKILL);
			finish();
		}
	}
	// As soon as it has written so much.
	std::string output(size_t len)
	{
		std::string text(len, 0);
		size_t used = 0;
		ssize_t n;
		while (used < len && (n = read(out_, &text[used], len - used)) > 0)
			used += static_cast<size_t>(n);
		text.resize(used);
		return text;
	}
	int finish()
	{
		int status = -1;
		waitpid(pid_, &status, 0);
		pid_ = -1;
		return status;
	}
	bool waits()
	{
		return waits_in_read(pid_);
	}
	pid_t pid() const
	{
		return pid_;
	}

private:
	pid_t pid_;
	Fd out_;
};

// Devices, by CUSE; and the same programs as files elsewhere, by FUSE

class ResmgrFile : public testing::TestWithParam<const char *>
{
};
INSTANTIATE_TEST_SUITE_P(Device, ResmgrFile, testing::Values("/dev/sample"));
INSTANTIATE_TEST_SUITE_P(File, ResmgrFile, testing::Values("/tmp/sample"));

TEST_P(ResmgrFile, IsReadAndWrittenByOrdinaryPrograms)
{
	std::string path = GetParam();
	Manager manager("sample_device", path);

	ASSERT_EQ(path + " is there\n", manager.said());
	EXPECT_SHELL("", "cat " + path);
	EXPECT_SHELL("", "echo hello >" + path);
	EXPECT_SHELL("hello\n", "cat " + path);
	EXPECT_SHELL("hell", "dd if=" + path + " bs=2 count=2 status=none");
	EXPECT_SHELL("", "head -c 9000 /dev/zero | dd of=" + path + " bs=4096 status=none");
	EXPECT_SHELL("808\n", "wc -c <" + path);
	EXPECT_SHELL("", "printf 'two\\nlines\\n' >" + path);
	EXPECT_SHELL("two\nlines\ntwo\nlines\n", "cat " + path + " " + path);
	EXPECT_SHELL("0644\n",
		     "until [ $(stat -c %a " + path + ") = 644 ]; do :; done; stat -c 0%a " + path);
	EXPECT_SHELL("b'two\\nlines\\n' b''\n",
		     "python3 -c \"import os; f = os.open('" + path +
			     "', os.O_RDONLY); print(os.read(f, 99), os.read(f, 99))\"");
}

TEST_P(ResmgrFile, CommandsAreIoctls)
{
	Manager manager("sample_device", GetParam());
	Fd file(open(GetParam(), O_RDWR | O_CLOEXEC));
	int value = 99;

	ASSERT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(2, write(file, "ab", 2));
	EXPECT_EQ(0, ioctl(file, kWrites, &value));
	EXPECT_EQ(1, value);
	value = 41;
	EXPECT_EQ(0, ioctl(file, kAdd, &value));
	EXPECT_EQ(42, value);
	char text[8] = "";
	EXPECT_EQ(2, read(file, text, sizeof(text)));
	EXPECT_STREQ("ab", text);
	EXPECT_EQ(0, ioctl(file, kForget));
	Fd again(open(GetParam(), O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(0, read(again, text, sizeof(text)));
	EXPECT_EQ(-1, ioctl(file, TIOCGWINSZ, text));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(file, _IOC(_IOC_WRITE, 5, 99, 4), &value));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_P(ResmgrFile, HasItsAttributesRights)
{
	std::string path = GetParam();
	Manager manager("sample_device", path);
	std::string as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

	EXPECT_SHELL("", "echo mine >" + path);
	EXPECT_SHELL("mine\n", as_nobody + "cat " + path);
	EXPECT_NE(0, shell(as_nobody + "sh -c 'echo other >" + path + "'").status);
	EXPECT_SHELL("mine\n", "cat " + path);
	Fd reader(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(-1, write(reader, "x", 1));
	EXPECT_EQ(EBADF, errno);
}

TEST_P(ResmgrFile, GoesWithItsManager)
{
	std::string path = GetParam();
	char byte;

	for (int signal : {SIGKILL, SIGTERM}) {
		Manager manager("sample_device", path);
		ASSERT_EQ(path + " is there\n", manager.said());
		Fd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
		ASSERT_GE(file, 0) << strerror(errno);
		manager.end(signal);
		EXPECT_EQ(-1, read(file, &byte, 1));
		EXPECT_TRUE(errno == ENOTCONN || errno == ENODEV || errno == ECONNABORTED)
			<< strerror(errno);
		EXPECT_TRUE(eventually([&] { return !exists(path); }));
		EXPECT_TRUE(eventually([&] { return !mounted(path); }));
	}
}

TEST_P(ResmgrFile, HasOneManager)
{
	std::string path = GetParam();
	Manager one("sample_device", path);
	EXPECT_SHELL("", "echo one >" + path);
	EXPECT_EQ("", Manager("sample_device", path).said());
	EXPECT_SHELL("one\n", "cat " + path);
}

// Readers that wait

class ResmgrWait : public testing::TestWithParam<const char *>
{
protected:
	ResmgrWait() : manager("pulse_device", GetParam()), path(GetParam())
	{
		EXPECT_EQ(path + " is there\n", manager.said());
	}

	Manager manager;
	std::string path;
};
INSTANTIATE_TEST_SUITE_P(Device, ResmgrWait, testing::Values("/dev/pulses"));
INSTANTIATE_TEST_SUITE_P(File, ResmgrWait, testing::Values("/tmp/pulses"));

TEST_P(ResmgrWait, AReaderGetsWhatIsWrittenLater)
{
	Command first({"head", "-n1", path});
	ASSERT_TRUE(first.waits());
	Command second({"head", "-n1", path});
	ASSERT_TRUE(second.waits());
	EXPECT_SHELL("", "echo one >" + path);
	EXPECT_EQ("one\n", first.output(4));
	EXPECT_TRUE(second.waits());
	EXPECT_SHELL("", "echo two >" + path);
	EXPECT_EQ("two\n", second.output(4));
	EXPECT_EQ(0, first.finish());
	EXPECT_EQ(0, second.finish());
}

TEST_P(ResmgrWait, AReaderThatIsKilledTakesNothing)
{
	for (int signal : {SIGKILL, SIGTERM}) {
		Command killed({"cat", path});
		ASSERT_TRUE(killed.waits());
		Command reader({"head", "-n1", path});
		ASSERT_TRUE(reader.waits());
		kill(killed.pid(), signal);
		int status = killed.finish();
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
		EXPECT_SHELL("", "echo hers >" + path);
		EXPECT_EQ("hers\n", reader.output(5));
	}
}

TEST_P(ResmgrWait, AReaderThatIsInterruptedGetsEINTR)
{
	struct sigaction action = {}, before;
	char byte;
	Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));

	ASSERT_GE(file, 0) << strerror(errno);
	action.sa_handler = [](int) {};
	sigaction(SIGUSR1, &action, &before);
	pid_t self = gettid();
	Thread waker([&] {
		waits_in_read(self);
		tgkill(getpid(), self, SIGUSR1);
		return 0L;
	});
	EXPECT_EQ(-1, read(file, &byte, 1));
	EXPECT_EQ(EINTR, errno);
	waker.join();
	sigaction(SIGUSR1, &before, nullptr);
}

TEST_P(ResmgrWait, WhoMayNotWaitGetsEAGAIN)
{
	char text[8] = "";
	Fd file(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));

	ASSERT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(-1, read(file, text, sizeof(text)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(2, write(file, "x\n", 2));
	EXPECT_TRUE(eventually([&] { return read(file, text, sizeof(text)) == 2; }));
	EXPECT_STREQ("x\n", text);

	Fd other(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	fcntl(other, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(-1, read(other, text, sizeof(text)));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_P(ResmgrWait, PollTellsWhatIsThere)
{
	Fd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
	ASSERT_GE(file, 0) << strerror(errno);
	struct pollfd poll = {file, POLLIN, 0};
	char text[8];

	EXPECT_EQ(0, ::poll(&poll, 1, 0));
	poll.events = POLLIN | POLLOUT;
	EXPECT_EQ(1, ::poll(&poll, 1, 0));
	EXPECT_EQ(POLLOUT, poll.revents);
	poll.events = POLLIN;
	for (int i = 0; i < 3; i++) {
		Command writer({"sh", "-c", "echo later >" + path});
		EXPECT_EQ(1, ::poll(&poll, 1, kPatienceMs));
		EXPECT_EQ(POLLIN, poll.revents);
		EXPECT_EQ(6, read(file, text, sizeof(text)));
		EXPECT_EQ(0, writer.finish());
		EXPECT_EQ(0, ::poll(&poll, 1, 0));
	}
	/* one that is told of changes alone */
	Fd changes(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLET, {}};
	ASSERT_EQ(0, epoll_ctl(changes, EPOLL_CTL_ADD, file, &event));
	EXPECT_EQ(1, epoll_wait(changes, &event, 1, kPatienceMs));
	EXPECT_EQ(static_cast<unsigned>(EPOLLOUT), event.events);
	for (int i = 0; i < 3; i++) {
		EXPECT_SHELL("", "echo later >" + path);
		EXPECT_EQ(1, epoll_wait(changes, &event, 1, kPatienceMs));
		EXPECT_EQ(static_cast<unsigned>(EPOLLIN | EPOLLOUT), event.events);
		EXPECT_EQ(6, read(file, text, sizeof(text)));
	}
	EXPECT_SHELL("b'selected\\n'\n",
		     "python3 -c \"import os, select; f = os.open('" + path +
			     "', os.O_RDWR); os.write(f, b'selected\\n'); "
			     "select.select([f], [], []); print(os.read(f, 99))\"");
}

TEST_P(ResmgrWait, AManagerThatDiesFreesItsReaders)
{
	char byte;
	Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	ASSERT_GE(file, 0) << strerror(errno);
	pid_t self = gettid();
	Thread killer([&] {
		waits_in_read(self);
		manager.end();
		return 0L;
	});
	EXPECT_EQ(-1, read(file, &byte, 1));
	EXPECT_TRUE(errno == ENOTCONN || errno == ENODEV || errno == ECONNABORTED)
		<< strerror(errno);
	killer.join();
	EXPECT_TRUE(eventually([&] { return !exists(path) && !mounted(path); }));
}

TEST(ResmgrPulses, ATimerFeedsAReader)
{
	Manager manager("pulse_device", "/dev/ticks", {"20"});

	ASSERT_EQ("/dev/ticks is there\n", manager.said());
	EXPECT_SHELL("tick 1\ntick 2\ntick 3\n", "head -n3 /dev/ticks");
}

// A folder, by FUSE

class ResmgrFolder : public testing::Test
{
protected:
	ResmgrFolder() : manager("sample_folder", "/tmp/folder")
	{
		EXPECT_EQ("/tmp/folder is there\n", manager.said());
	}

	Manager manager;
};

TEST_F(ResmgrFolder, IsUsedByOrdinaryPrograms)
{
	EXPECT_SHELL("", "ls -A /tmp/folder");
	EXPECT_SHELL("", "echo one >/tmp/folder/one; echo two >/tmp/folder/two");
	EXPECT_SHELL("one\ntwo\n", "ls /tmp/folder");
	EXPECT_SHELL("one\ntwo\n", "cat /tmp/folder/one /tmp/folder/two");
	EXPECT_SHELL("4 644 regular file\n", "stat -c '%s %a %F' /tmp/folder/one");
	EXPECT_SHELL("", "echo more >>/tmp/folder/one");
	EXPECT_SHELL("one\nmore\n", "cat /tmp/folder/one");
	EXPECT_SHELL("more\n", "tail -c 5 /tmp/folder/one");
	EXPECT_SHELL("", "truncate -s 2 /tmp/folder/one");
	EXPECT_SHELL("on", "cat /tmp/folder/one");
	EXPECT_SHELL("", "mkdir -p /tmp/folder/a/b && cp /bin/sh /tmp/folder/a/b/sh");
	EXPECT_SHELL("", "cmp /bin/sh /tmp/folder/a/b/sh");
	EXPECT_SHELL("/tmp/folder\n/tmp/folder/a\n/tmp/folder/a/b\n/tmp/folder/a/b/sh\n"
		     "/tmp/folder/one\n/tmp/folder/two\n",
		     "find /tmp/folder | LC_ALL=C sort");
	EXPECT_SHELL("", "mv /tmp/folder/a /tmp/folder/z && mv /tmp/folder/two /tmp/folder/one");
	EXPECT_SHELL("two\n", "cat /tmp/folder/one");
	EXPECT_SHELL("", "cmp /bin/sh /tmp/folder/z/b/sh");
	EXPECT_SHELL("", "ln -s one /tmp/folder/link");
	EXPECT_SHELL("one two\n", "echo $(readlink /tmp/folder/link) $(cat /tmp/folder/link)");
	EXPECT_SHELL("", "chmod 600 /tmp/folder/one && chown 65534:65534 /tmp/folder/one");
	EXPECT_SHELL("600 65534 65534\n", "stat -c '%a %u %g' /tmp/folder/one");
	EXPECT_SHELL("1000000000\n",
		     "touch -d @1000000000 /tmp/folder/one; stat -c %Y /tmp/folder/one");
	EXPECT_SHELL("1000000000 1100000000\n", "touch -a -d @1100000000 /tmp/folder/one; "
						"stat -c '%Y %X' /tmp/folder/one");
	EXPECT_SHELL("1200000000 1100000000\n", "touch -m -d @1200000000 /tmp/folder/one; "
						"stat -c '%Y %X' /tmp/folder/one");
	EXPECT_SHELL(
		"yes 1100000000\n",
		"t=$(date +%s); touch -m /tmp/folder/one; "
		"[ $(stat -c %Y /tmp/folder/one) -ge $t ] && stat -c 'yes %X' /tmp/folder/one");
	EXPECT_SHELL("yes\n", "t=$(date +%s); touch /tmp/folder/one; "
			      "[ $(stat -c %X /tmp/folder/one) -ge $t ] && echo yes");
	EXPECT_NE(0, shell("rmdir /tmp/folder/z").status);
	EXPECT_SHELL("", "rm -r /tmp/folder/z /tmp/folder/link /tmp/folder/one");
	EXPECT_SHELL("", "ls -A /tmp/folder");
}

TEST_F(ResmgrFolder, AFileIsFollowedAsItGrows)
{
	EXPECT_SHELL("", "echo first >/tmp/folder/log");
	Command tail({"tail", "-f", "/tmp/folder/log"});
	EXPECT_EQ("first\n", tail.output(6));
	EXPECT_SHELL("", "echo second >>/tmp/folder/log");
	EXPECT_EQ("second\n", tail.output(7));
}

TEST_F(ResmgrFolder, HasManyFiles)
{
	EXPECT_SHELL(
		"",
		"cd /tmp/folder; for i in $(seq 100); do echo $i >file-with-a-long-name-$i; done");
	EXPECT_SHELL("100\n", "ls /tmp/folder | wc -l");
	EXPECT_SHELL("5050\n", "cat /tmp/folder/* | awk '{ s += $1 } END { print s }'");
	EXPECT_SHELL("", "rm /tmp/folder/*; ls -A /tmp/folder");
}

// What a folder is said to have from where its descriptor is, as the kernel tells it.
std::vector<std::string> names_from_here(int folder)
{
	std::vector<std::string> names;
	char bytes[4096];
	long n;

	while ((n = syscall(SYS_getdents64, folder, bytes, sizeof(bytes))) > 0)
		for (long at = 0; at < n;) {
			auto *entry = reinterpret_cast<struct dirent64 *>(bytes + at);
			names.emplace_back(entry->d_name);
			at += entry->d_reclen;
		}
	EXPECT_EQ(0, n) << strerror(errno);
	return names;
}

TEST_F(ResmgrFolder, IsReadOnFromWhereverAClientSeeks)
{
	EXPECT_SHELL("", "cd /tmp/folder; for i in $(seq 9); do >a-file-$i-or-so; done");
	Fd folder(open("/tmp/folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	ASSERT_GE(folder, 0) << strerror(errno);
	const std::vector<std::string> all = names_from_here(folder);
	size_t least = all.size();

	ASSERT_GE(all.size(), 9u);
	ASSERT_EQ(13, lseek(folder, 13, SEEK_SET));
	EXPECT_EQ(std::vector<std::string>(all.begin() + 1, all.end()), names_from_here(folder));
	/* wherever that is, they are the last ones */
	for (off_t offset = 0; offset < 500; offset++) {
		ASSERT_EQ(offset, lseek(folder, offset, SEEK_SET));
		std::vector<std::string> names = names_from_here(folder);
		ASSERT_LE(names.size(), least) << offset;
		least = names.size();
		EXPECT_EQ(std::vector<std::string>(all.end() - static_cast<std::ptrdiff_t>(least),
						   all.end()),
			  names)
			<< offset;
	}
	EXPECT_EQ(0u, least);
	ASSERT_EQ(off_t{1} << 40, lseek(folder, off_t{1} << 40, SEEK_SET));
	EXPECT_TRUE(names_from_here(folder).empty());
	ASSERT_EQ(0, lseek(folder, 0, SEEK_SET));
	EXPECT_EQ(all, names_from_here(folder));
	EXPECT_SHELL("", "rm /tmp/folder/*");
}

TEST_F(ResmgrFolder, KeepsWhatIsNotAllowed)
{
	std::string as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

	EXPECT_SHELL("", "echo secret >/tmp/folder/s; chmod 600 /tmp/folder/s");
	EXPECT_NE(0, shell(as_nobody + "cat /tmp/folder/s").status);
	EXPECT_NE(0, shell(as_nobody + "touch /tmp/folder/new").status);
	EXPECT_NE(0, shell(as_nobody + "rm -f /tmp/folder/s").status);
	EXPECT_NE(0, shell(as_nobody + "test -r /tmp/folder/s").status);
	EXPECT_SHELL("secret\n", "cat /tmp/folder/s");
	EXPECT_SHELL("", "mkdir /tmp/folder/d; echo in >/tmp/folder/d/f; chmod 700 /tmp/folder/d");
	EXPECT_NE(0, shell(as_nobody + "cat /tmp/folder/d/f").status);
}

TEST_F(ResmgrFolder, SeeksInItsFiles)
{
	char text[4] = "";
	Fd file(open("/tmp/folder/f", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

	ASSERT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(6, write(file, "abcdef", 6));
	EXPECT_EQ(2, lseek(file, 2, SEEK_SET));
	EXPECT_EQ(2, read(file, text, 2));
	EXPECT_STREQ("cd", text);
	EXPECT_EQ(1, pread(file, text, 1, 5));
	EXPECT_EQ('f', text[0]);
	EXPECT_EQ(1, read(file, text, 1));
	EXPECT_EQ('e', text[0]);
	EXPECT_EQ(5, lseek(file, -1, SEEK_END));
	EXPECT_EQ(1, pwrite(file, "A", 1, 0));
	EXPECT_EQ(1, read(file, text, 1));
	EXPECT_EQ('f', text[0]);
	EXPECT_SHELL("Abcdef", "cat /tmp/folder/f");
	EXPECT_EQ(-1, open("/tmp/folder/f", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(-1, open("/tmp/folder/none", O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(ENOENT, errno);
}

TEST_F(ResmgrFolder, GoesWithItsManager)
{
	struct stat stat;
	Fd folder(open("/tmp/folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	manager.end();
	EXPECT_EQ(-1, fstat(folder, &stat));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_TRUE(eventually([&] { return !mounted("/tmp/folder"); }));
	EXPECT_TRUE(eventually([&] { return !exists("/tmp/folder"); }));
}

// A user's own: by fusermount3, which is root's

class ResmgrUser : public testing::TestWithParam<const char *>
{
protected:
	ResmgrUser()
	{
		EXPECT_SHELL("", "[ -e /dev/fuse ] || modprobe fuse");
		EXPECT_EQ(0, stat("/dev/fuse", &fuse_)) << strerror(errno);
		EXPECT_EQ(0, chmod("/dev/fuse", 0666)); /* as udev has it */
		EXPECT_EQ(0, mkdir("/tmp/users", 0755));
		EXPECT_EQ(0, chown("/tmp/users", kUser, kUser));
	}
	~ResmgrUser() override
	{
		EXPECT_EQ(0, rmdir("/tmp/users")) << strerror(errno);
		EXPECT_EQ(0, chmod("/dev/fuse", fuse_.st_mode & 07777));
	}

	static constexpr uid_t kUser = 65534;
	struct stat fuse_ = {};
};
INSTANTIATE_TEST_SUITE_P(File, ResmgrUser, testing::Values("sample_device"));
INSTANTIATE_TEST_SUITE_P(Folder, ResmgrUser, testing::Values("sample_folder"));

TEST_P(ResmgrUser, HasFilesAndFoldersWithoutRights)
{
	std::string path = "/tmp/users/served", program = GetParam(),
		    file = program == "sample_folder" ? path + "/file" : path,
		    as_user = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

	for (int signal : {SIGKILL, SIGTERM}) {
		Manager manager(program, path, {}, kUser);
		ASSERT_EQ(path + " is there\n", manager.said());
		EXPECT_SHELL("mine\n",
			     as_user + "sh -c 'echo mine >" + file + "; cat " + file + "'");
		manager.end(signal);
		EXPECT_TRUE(eventually([&] { return !mounted(path) && !exists(path); }));
	}
	/* but neither devices nor what is not theirs */
	EXPECT_EQ("", Manager(program, "/tmp/users/none/served", {}, kUser).said());
	EXPECT_EQ("", Manager("sample_device", "/dev/users", {}, kUser).said());
	EXPECT_EQ("", Manager(program, "/etc/served", {}, kUser).said());
	EXPECT_FALSE(exists("/etc/served"));
}

// One that is restarted at once comes before the folder that was made for the last one has gone.
TEST(ResmgrPlace, IsRemovedByWhoTakesItOver)
{
	const char *path = "/tmp/taken-over";
	ASSERT_EQ(0, mkdir(path, 01700)) << strerror(errno);
	Manager manager("sample_folder", path);

	EXPECT_EQ(std::string(path) + " is there\n", manager.said());
	manager.end();
	EXPECT_TRUE(eventually([&] { return !mounted(path) && !exists(path); }));
}

TEST(ResmgrPlace, StaysIfItWasThere)
{
	const char *path = "/tmp/was-there";
	ASSERT_EQ(0, mkdir(path, 0700)) << strerror(errno);
	{
		Manager manager("sample_folder", path);

		EXPECT_EQ(std::string(path) + " is there\n", manager.said());
		manager.end();
		EXPECT_TRUE(eventually([&] { return !mounted(path); }));
	}
	EXPECT_EQ(0, rmdir(path)) << strerror(errno);
}

} // namespace
