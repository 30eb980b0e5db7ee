// SPDX-License-Identifier: MIT
// QNX's resource managers from within: what handlers are called with, and what becomes of their
// answers
#include <sys/dispatch.h>
#include <sys/iofunc.h>
#include <sys/neutrino.h>
#include <sys/resmgr.h>

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/fails.h"
#include "support/fd.h"
#include "support/thread.h"

namespace
{

// The library's own thread has a channel and a connection, from when it is first needed to the end.
class ServiceThread : public testing::Environment
{
	void SetUp() override
	{
		sigevent event;
		SIGEV_SEM_INIT(&event, &semaphore_);
	}
	sem_t semaphore_;
};
testing::Environment *const service_thread = testing::AddGlobalTestEnvironment(new ServiceThread);

const char kPath[] = "/dev/iofunc-test";

// A path that this process serves by a thread. Handlers are one test's own, without captures.
class Served : public testing::Test
{
protected:
	Served()
	{
		if (access("/dev/cuse", F_OK))
			EXPECT_EQ(0, system("modprobe cuse"));
		iofunc_func_init(_RESMGR_CONNECT_NFUNCS, &connect_, _RESMGR_IO_NFUNCS, &io_);
		iofunc_attr_init(&attr_, S_IFNAM | 0666, nullptr, nullptr);
		io_.close_ocb = [](resmgr_context_t *ctp, void *reserved, RESMGR_OCB_T *ocb) {
			closed_++;
			return iofunc_close_ocb_default(ctp, reserved, ocb);
		};
		closed_ = 0;
		handler_ = nullptr;
		io_.read = [](resmgr_context_t *ctp, io_read_t *msg, RESMGR_OCB_T *) {
			return handler_(ctp, msg);
		};
		dpp_ = dispatch_create();
	}
	~Served() override
	{
		stop();
		if (dpp_)
			EXPECT_EQ(0, dispatch_destroy(dpp_));
		EXPECT_NE(0, access(kPath, F_OK)) << "it outlives its manager";
	}
	void start(std::function<int(resmgr_context_t *, io_read_t *)> read)
	{
		handler_ = std::move(read);
		id_ = resmgr_attach(dpp_, nullptr, kPath, _FTYPE_ANY, 0, &connect_, &io_, &attr_);
		ASSERT_GT(id_, 0) << strerror(errno);
		context_ = dispatch_context_alloc(dpp_);
		ASSERT_NE(nullptr, context_);
		running_ = true;
		thread_.reset(new Thread([this] {
			while (running_)
				if (dispatch_block(context_))
					dispatch_handler(context_);
			return 0L;
		}));
		/* the mode is asked for first, which opens the file and closes it */
		ASSERT_TRUE(eventually([] { return closed_ == 1; }));
		closed_ = 0;
	}
	void stop()
	{
		if (!thread_)
			return;
		running_ = false;
		dispatch_unblock(context_);
		thread_->join();
		thread_.reset();
		dispatch_context_free(context_);
	}

	static std::function<int(resmgr_context_t *, io_read_t *)> handler_;
	static std::atomic<int> closed_;
	resmgr_connect_funcs_t connect_;
	resmgr_io_funcs_t io_;
	iofunc_attr_t attr_;
	dispatch_t *dpp_;
	dispatch_context_t *context_ = nullptr;
	std::atomic<bool> running_{false};
	std::unique_ptr<Thread> thread_;
	int id_ = -1;
};
std::function<int(resmgr_context_t *, io_read_t *)> Served::handler_;
std::atomic<int> Served::closed_;

TEST_F(Served, HandlersKnowTheirClient)
{
	_client_info info = {};
	_msg_info message = {};
	int nbytes = 0;
	start([&](resmgr_context_t *ctp, io_read_t *msg) {
		EXPECT_EQ(EOK, iofunc_client_info(ctp, 0, &info));
		EXPECT_EQ(0, MsgInfo(ctp->rcvid, &message));
		EXPECT_FAILS(EFAULT, MsgInfo(ctp->rcvid, reinterpret_cast<_msg_info *>(8)));
		EXPECT_EQ(id_, ctp->id);
		nbytes = msg->i.nbytes;
		return EOK;
	});
	Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
	char byte;

	ASSERT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(0, read(file, &byte, 1));
	EXPECT_EQ(1, nbytes);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(geteuid(), info.cred.euid);
	EXPECT_EQ(getpid(), message.pid);
	EXPECT_EQ(gettid(), message.tid);
	EXPECT_EQ(static_cast<ssize_t>(sizeof(io_read_t)), message.srcmsglen);
}

TEST_F(Served, APathIsFoundByItsNumber)
{
	const std::string whole = kPath;
	const int size = static_cast<int>(whole.size()) + 1;
	const auto here = std::filesystem::current_path();
	char path[PATH_MAX] = "";
	auto attach = [&](const char *from, const char *relative) {
		EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0)) << strerror(errno);
		closed_ = 0;
		EXPECT_EQ(0, chdir(from));
		id_ = resmgr_attach(dpp_, nullptr, relative, _FTYPE_ANY, 0, &connect_, &io_,
				    &attr_);
		EXPECT_GT(id_, 0) << strerror(errno);
		std::filesystem::current_path(here);
		EXPECT_TRUE(eventually([] { return closed_ == 1; }));
	};

	start([](resmgr_context_t *, io_read_t *) { return EOK; });
	attach("/dev", "iofunc-test");
	EXPECT_EQ(size, resmgr_pathname(id_, 0, path, sizeof(path)));
	EXPECT_EQ(whole, path);
	EXPECT_EQ(size, resmgr_pathname(id_, _RESMGR_PATHNAME_LOCALPATH, path, size));
	EXPECT_FAILS(ERANGE, resmgr_pathname(id_, 0, path, size - 1));
	EXPECT_FAILS(EINVAL, resmgr_pathname(id_, 2, path, sizeof(path)));
	EXPECT_FAILS(EINVAL, resmgr_pathname(id_ + 1, 0, path, sizeof(path)));
	EXPECT_FAILS(EINVAL, resmgr_pathname(id_, 0, nullptr, 0));
	const int before = id_;
	attach("/", kPath + 1);
	EXPECT_FAILS(EINVAL, resmgr_pathname(before, 0, path, sizeof(path)));
	EXPECT_EQ(size, resmgr_pathname(id_, 0, path, sizeof(path)));
	EXPECT_EQ(whole, path);
}

TEST_F(Served, AnswersComeInEveryForm)
{
	int turn = 0;
	start([&](resmgr_context_t *ctp, io_read_t *) {
		switch (turn++) {
		case 0:
			_IO_SET_READ_NBYTES(ctp, 3);
			return _RESMGR_PTR(ctp, "abc", 3);
		case 1:
			return EILSEQ;
		case 2:
			MsgReply(ctp->rcvid, 2, "de", 2);
			return _RESMGR_NOREPLY;
		case 3: /* in pieces, and only the count at the end */
			EXPECT_EQ(2, resmgr_msgwrite(ctp, "fg", 2, 0));
			EXPECT_EQ(2, MsgWrite(ctp->rcvid, "hi", 2, 2));
			_IO_SET_READ_NBYTES(ctp, 4);
			return EOK;
		case 4: /* no more than there is room for */
			_IO_SET_READ_NBYTES(ctp, 1000);
			return _RESMGR_PTR(ctp, "0123456789", 10);
		case 5:
			return _RESMGR_DEFAULT;
		case 6:
			EXPECT_EQ(0, MsgError(ctp->rcvid, ENOSPC));
			EXPECT_FAILS(ESRCH, MsgReply(ctp->rcvid, 0, nullptr, 0));
			EXPECT_FAILS(ESRCH, MsgError(ctp->rcvid, EIO));
			EXPECT_FAILS(ESRCH, static_cast<int>(MsgRead(ctp->rcvid, &turn, 1, 0)));
			return _RESMGR_NOREPLY;
		}
		return EOK;
	});
	Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
	char text[8] = "";

	ASSERT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(3, read(file, text, 7));
	EXPECT_STREQ("abc", text);
	EXPECT_FAILS(EILSEQ, read(file, text, 7));
	EXPECT_EQ(2, read(file, text, 7));
	EXPECT_STREQ("dec", text);
	EXPECT_EQ(4, read(file, text, 7));
	EXPECT_STREQ("fghi", text);
	EXPECT_EQ(5, read(file, text, 5));
	EXPECT_STREQ("01234", text);
	EXPECT_FAILS(EOPNOTSUPP, read(file, text, 5));
	EXPECT_FAILS(ENOSPC, read(file, text, 5));
	EXPECT_EQ(0, read(file, text, 5));
}

TEST_F(Served, AReplyMayComeLaterFromAnotherThread)
{
	std::atomic<int> rcvid{0};
	start([&](resmgr_context_t *ctp, io_read_t *) {
		rcvid = ctp->rcvid;
		return _RESMGR_NOREPLY;
	});
	Thread reader([] {
		Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
		char text[8];
		return static_cast<long>(read(file, text, sizeof(text)));
	});

	ASSERT_TRUE(eventually([&] { return rcvid != 0; }));
	EXPECT_EQ(0, MsgReply(rcvid, 5, "later", 5)) << strerror(errno);
	EXPECT_EQ(5, reader.join());
	EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
}

TEST_F(Served, MessagesPulsesAndFilesMeet)
{
	static std::atomic<int> pulses, messages;
	pulses = messages = 0;
	start([&](resmgr_context_t *, io_read_t *) { return EOK; });
	auto on_pulse = [](message_context_t *ctp, int, unsigned, void *) {
		pulses += ctp->msg->pulse.value.sival_int;
		return 0;
	};
	auto on_message = [](message_context_t *ctp, int, unsigned, void *) {
		messages++;
		return MsgReply(ctp->rcvid, 77, nullptr, 0);
	};
	int code = pulse_attach(dpp_, MSG_FLAG_ALLOC_PULSE, 0, on_pulse, nullptr);
	EXPECT_EQ(0, message_attach(dpp_, nullptr, _IO_MAX + 1, _IO_MAX + 9, on_message, nullptr));
	int coid = message_connect(dpp_, MSG_FLAG_SIDE_CHANNEL);
	Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
	uint16_t type = _IO_MAX + 2;
	char byte;

	for (int i = 0; i < 50; i++) {
		EXPECT_EQ(0, MsgSendPulse(coid, -1, code, 2));
		EXPECT_EQ(0, read(file, &byte, 1));
		EXPECT_EQ(77, MsgSend(coid, &type, sizeof(type), nullptr, 0));
	}
	EXPECT_TRUE(eventually([&] { return pulses == 100; }));
	EXPECT_EQ(50, messages);
	/* a file is a connection to its manager's channel, too */
	EXPECT_EQ(77, MsgSend(file, &type, sizeof(type), nullptr, 0)) << strerror(errno);
	EXPECT_EQ(51, messages);
	ConnectDetach(coid);
}

// A client's own message, as a handler of _IO_MSG gets it: it is answered with its bytes after the
// head, backwards
int answer_backwards(resmgr_context_t *ctp, io_msg_t *msg, RESMGR_OCB_T *)
{
	std::string text(static_cast<size_t>(ctp->info.srcmsglen) - sizeof(msg->i), 0);

	switch (msg->i.subtype) {
	case 1:
		return EILSEQ;
	case 2:
		return ENOSYS;
	case 3: /* in pieces */
		EXPECT_EQ(2, MsgWrite(ctp->rcvid, "cd", 2, 2));
		EXPECT_EQ(2, MsgWrite(ctp->rcvid, "ab", 2, 0));
		/* beyond the room there is none */
		EXPECT_EQ(0, MsgWrite(ctp->rcvid, "ef", 2, 10));
		EXPECT_EQ(0, MsgWrite(ctp->rcvid, "gh", 2, 5000));
		return EOK;
	}
	EXPECT_EQ(static_cast<int>(text.size()),
		  resmgr_msgread(ctp, &text[0], text.size(), sizeof(msg->i)));
	std::reverse(text.begin(), text.end());
	return MsgReply(ctp->rcvid, static_cast<long>(text.size()), text.data(), text.size())
		       ? errno
		       : _RESMGR_NOREPLY;
}

class ServedMessages : public Served, public testing::WithParamInterface<const char *>
{
protected:
	void SetUp() override
	{
		io_.msg = answer_backwards;
		start([](resmgr_context_t *ctp, io_read_t *msg) {
			EXPECT_EQ(3, msg->i.nbytes);
			_IO_SET_READ_NBYTES(ctp, 3);
			return _RESMGR_PTR(ctp, "abc", 3);
		});
		other_ = resmgr_attach(dpp_, nullptr, "/tmp/iofunc-messages", _FTYPE_ANY, 0,
				       &connect_, &io_, &attr_);
		ASSERT_GT(other_, 0) << strerror(errno);
		file_.reset(open(GetParam(), O_RDWR | O_CLOEXEC));
		ASSERT_GE(file_, 0) << strerror(errno);
	}
	void TearDown() override
	{
		file_.reset();
		/* close(2) waits for the manager only where that is a device's */
		EXPECT_TRUE(eventually([this] {
			iofunc_attr_lock(&attr_);
			bool closed = !attr_.count;
			iofunc_attr_unlock(&attr_);
			return closed;
		}));
		stop();
	}
	// MsgSend() of a head and a text; what comes back
	long send(uint16_t subtype, const std::string &text, std::string &reply)
	{
		_io_msg head = {_IO_MSG, sizeof(head), 0, subtype};
		iov_t siov[] = {{&head, sizeof(head)}, {const_cast<char *>(&text[0]), text.size()}};
		return MsgSendvs(file_, siov, 2, &reply[0], reply.size());
	}

	int other_ = -1;
	Fd file_;
};
INSTANTIATE_TEST_SUITE_P(Device, ServedMessages, testing::Values(kPath));
INSTANTIATE_TEST_SUITE_P(File, ServedMessages, testing::Values("/tmp/iofunc-messages"));

TEST_P(ServedMessages, ReachTheirHandler)
{
	const size_t most = 16383 - 16; /* docs/qnx.md */
	std::string reply(10, '.');

	EXPECT_EQ(5, send(0, "abcde", reply)) << strerror(errno);
	EXPECT_EQ("edcba.....", reply);
	reply = "...";
	EXPECT_EQ(5, send(0, "abcde", reply));
	EXPECT_EQ("edc", reply);
	EXPECT_FAILS(EILSEQ, send(1, "", reply));
	EXPECT_FAILS(ENOSYS, send(2, "", reply));
	reply = "......";
	EXPECT_EQ(0, send(3, "", reply));
	EXPECT_EQ("abcd..", reply);
	reply.assign(most, '.');
	std::string text(most - sizeof(_io_msg), 'x');
	text[0] = 'y';
	EXPECT_EQ(static_cast<long>(text.size()), send(0, text, reply));
	EXPECT_EQ('y', reply[text.size() - 1]);
	EXPECT_EQ('.', reply[text.size()]);
	EXPECT_FAILS(EMSGSIZE, send(0, text + "x", reply));
	reply.assign(1 << 20, '.');
	EXPECT_EQ(2, send(0, "ab", reply));
	EXPECT_EQ("ba.", reply.substr(0, 3));
}

TEST_P(ServedMessages, OfTheSystemsTypesGoToTheFilesHandlers)
{
	io_read_t read = {{_IO_READ, sizeof(read), 3, _IO_XTYPE_NONE, 0}};
	char text[4] = "";
	uint16_t type;
	int closed = closed_;

	EXPECT_EQ(3, MsgSend(file_, &read, sizeof(read), text, 3)) << strerror(errno);
	EXPECT_STREQ("abc", text);
	io_stat_t stat = {{_IO_STAT, sizeof(stat.i), 0}};
	EXPECT_EQ(0, MsgSend(file_, &stat.i, sizeof(stat.i), &stat.o, sizeof(stat.o)));
	EXPECT_EQ(S_IFNAM | 0666u, stat.o.st_mode);
	for (unsigned refused :
	     {_IO_CONNECT, _IO_CLOSE, _IO_CLOSE_DUP, _IO_NOTIFY, _IO_MAX, _IO_MAX + 1, 0, 1}) {
		type = static_cast<uint16_t>(refused);
		EXPECT_FAILS(ENOSYS, MsgSend(file_, &type, sizeof(type), text, 3));
	}
	EXPECT_FAILS(ENOSYS, MsgSend(file_, "", 1, text, 3));
	EXPECT_FAILS(ENOSYS, MsgSend(file_, nullptr, 0, nullptr, 0));
	EXPECT_EQ(closed, closed_);
}

TEST_P(ServedMessages, AreChecked)
{
	_io_msg head = {_IO_MSG, sizeof(head), 0, 0};
	char text[16];
	auto *bad = reinterpret_cast<void *>(8);
	uint64_t timeout = 1000000;
	std::string reply(3, '.');

	EXPECT_FAILS(EFAULT, MsgSend(file_, bad, 8, nullptr, 0));
	iov_t siov[] = {{&head, sizeof(head)}, {text, 4}};
	EXPECT_FAILS(EFAULT, MsgSendvs(file_, siov, 2, bad, 4));
	siov[1].iov_len = size_t{1} << 40;
	EXPECT_FAILS(EOVERFLOW, MsgSendvs(file_, siov, 2, nullptr, 0));
	EXPECT_FAILS(EINVAL, MsgSendvs(file_, siov, 1025, nullptr, 0));
	TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_REPLY, nullptr, &timeout, nullptr);
	EXPECT_FAILS(ENOSYS, send(0, "", reply));
	/* an ioctl that does not come from this library */
	EXPECT_FAILS(EINVAL, ioctl(file_, _IOC(_IOC_READ | _IOC_WRITE, 0xd5, 0xff, 8), text));
	uint32_t lies[4] = {1, 0, 0, 0};
	EXPECT_FAILS(EINVAL, ioctl(file_, _IOC(_IOC_READ | _IOC_WRITE, 0xd5, 0xff, 16), lies));
	lies[0] = 0;
	lies[1] = 0xffffffff;
	EXPECT_FAILS(EINVAL, ioctl(file_, _IOC(_IOC_READ | _IOC_WRITE, 0xd5, 0xff, 16), lies));
	/* and what is no file of a manager's */
	Fd null(open("/dev/null", O_RDWR | O_CLOEXEC)),
		exe(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	EXPECT_FAILS(EBADF, MsgSend(null, &head, sizeof(head), text, 3));
	EXPECT_FAILS(EBADF, MsgSend(exe, &head, sizeof(head), text, 3));
	EXPECT_FAILS(EBADF, MsgSend(9999, &head, sizeof(head), text, 3));
}

TEST_F(Served, AMessagesClientIsFreedAsOfOtherCalls)
{
	static std::atomic<int> waiting;
	waiting = 0;
	io_.msg = [](resmgr_context_t *, io_msg_t *, RESMGR_OCB_T *) {
		waiting++;
		return _RESMGR_NOREPLY;
	};
	start([](resmgr_context_t *, io_read_t *) { return EOK; });
	Fd file(open(kPath, O_RDWR | O_CLOEXEC));
	ASSERT_GE(file, 0) << strerror(errno);
	struct sigaction action = {}, before;
	action.sa_handler = [](int) {};
	sigaction(SIGUSR1, &action, &before);
	auto body = [&] {
		_io_msg head = {_IO_MSG, sizeof(head), 0, 0};
		return MsgSend(file, &head, sizeof(head), nullptr, 0) == -1 ? long{errno} : 0;
	};

	Thread interrupted(body);
	ASSERT_TRUE(eventually([] { return waiting == 1; }));
	interrupted.signal(SIGUSR1);
	EXPECT_EQ(EINTR, interrupted.join());
	/* a thread may be cancelled in it */
	pthread_t thread;
	void *result;
	auto run = [](void *arg) -> void * {
		_io_msg head = {_IO_MSG, sizeof(head), 0, 0};
		MsgSend(*static_cast<int *>(arg), &head, sizeof(head), nullptr, 0);
		return nullptr;
	};
	int fd = file;
	ASSERT_EQ(0, pthread_create(&thread, nullptr, run, &fd));
	ASSERT_TRUE(eventually([] { return waiting == 2; }));
	EXPECT_EQ(0, pthread_cancel(thread));
	EXPECT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
	Thread detached(body);
	ASSERT_TRUE(eventually([] { return waiting == 3; }));
	EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
	EXPECT_EQ(ENODEV, detached.join());
	sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(Served, WhatOpensForAClientThatHasGoneIsClosed)
{
	static std::atomic<int> opening;
	opening = 0;
	start([](resmgr_context_t *, io_read_t *) { return EOK; });
	ASSERT_EQ(0, resmgr_detach(dpp_, id_, 0));
	connect_.open = [](resmgr_context_t *ctp, io_open_t *msg, RESMGR_HANDLE_T *handle,
			   void *extra) {
		int ret = iofunc_open_default(ctp, msg, handle, extra);
		struct _msg_info info;
		if (msg->connect.subtype != _IO_CONNECT_OPEN)
			return ret;
		opening = 1;
		EXPECT_TRUE(eventually([&] { return MsgInfo(ctp->rcvid, &info) == -1; }));
		return ret;
	};
	id_ = resmgr_attach(dpp_, nullptr, kPath, _FTYPE_ANY, 0, &connect_, &io_, &attr_);
	ASSERT_GT(id_, 0) << strerror(errno);
	ASSERT_TRUE(eventually([] { return closed_ == 1; })); /* who has asked for the mode */
	{
		Child child([](Child &) { return open(kPath, O_RDONLY | O_CLOEXEC); });

		ASSERT_TRUE(eventually([] { return opening == 1; }));
		child.kill(SIGKILL);
		EXPECT_EQ(SIGKILL, child.wait());
	}
	EXPECT_TRUE(eventually([] { return closed_ == 2; }));
	EXPECT_EQ(0, attr_.count);
}

// Open handlers that take their time, before or after the file is bound
class ServedSlowly : public Served, public testing::WithParamInterface<bool>
{
protected:
	void SetUp() override
	{
		opening_ = released_ = false;
		connect_.open = [](resmgr_context_t *ctp, io_open_t *msg, RESMGR_HANDLE_T *handle,
				   void *extra) {
			if (msg->connect.subtype != _IO_CONNECT_OPEN)
				return iofunc_open_default(ctp, msg, handle, extra);
			int ret = GetParam() ? iofunc_open_default(ctp, msg, handle, extra) : EOK;
			opening_ = true;
			EXPECT_TRUE(eventually([] { return released_.load(); }));
			return GetParam() ? ret : iofunc_open_default(ctp, msg, handle, extra);
		};
		start([](resmgr_context_t *, io_read_t *) { return EOK; });
	}
	void TearDown() override
	{
		released_ = true;
		stop();
	}
	// What was bound for nobody is closed, as soon as the handler returns.
	void expect_closed()
	{
		EXPECT_EQ(0, closed_);
		released_ = true;
		stop();
		EXPECT_EQ(GetParam(), closed_);
		EXPECT_EQ(0, attr_.count);
	}

	static std::atomic<bool> opening_, released_;
};
std::atomic<bool> ServedSlowly::opening_, ServedSlowly::released_;
INSTANTIATE_TEST_SUITE_P(NotBound, ServedSlowly, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Bound, ServedSlowly, testing::Values(true));

TEST_P(ServedSlowly, AClientThatIsKilledIsFreedAtOnce)
{
	Child child([](Child &) { return open(kPath, O_RDONLY | O_CLOEXEC); });

	ASSERT_TRUE(eventually([] { return opening_.load(); }));
	child.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, child.wait());
	expect_closed();
}

TEST_P(ServedSlowly, DetachingDoesNotWaitForAnOpenHandler)
{
	Thread client([] {
		Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
		return file < 0 ? long{errno} : 0;
	});

	ASSERT_TRUE(eventually([] { return opening_.load(); }));
	EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
	EXPECT_EQ(ENODEV, client.join());
	EXPECT_NE(0, access(kPath, F_OK));
	expect_closed();
}

TEST_F(Served, AnOpenHandlerMayHaveReplied)
{
	connect_.open = [](resmgr_context_t *ctp, io_open_t *msg, RESMGR_HANDLE_T *handle,
			   void *extra) {
		int ret = iofunc_open_default(ctp, msg, handle, extra);
		if (!ret && msg->connect.subtype == _IO_CONNECT_OPEN)
			EXPECT_EQ(0, MsgReply(ctp->rcvid, EOK, nullptr, 0));
		return ret;
	};
	start([](resmgr_context_t *, io_read_t *) { return EOK; });
	Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
	char byte;

	ASSERT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(0, read(file, &byte, 1));
	EXPECT_EQ(0, closed_);
	file.reset();
	EXPECT_TRUE(eventually([] { return closed_ == 1; }));
}

TEST_F(Served, DetachingEndsThePathAtOnce)
{
	std::atomic<int> rcvid{0};
	start([&](resmgr_context_t *ctp, io_read_t *) {
		rcvid = ctp->rcvid;
		return _RESMGR_NOREPLY;
	});
	Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
	ASSERT_GE(file, 0) << strerror(errno);
	Thread reader([&] {
		char byte;
		return read(file, &byte, 1) == -1 ? static_cast<long>(errno) : 0;
	});

	ASSERT_TRUE(eventually([&] { return rcvid != 0; }));
	EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
	EXPECT_EQ(ENODEV, reader.join());
	EXPECT_NE(0, access(kPath, F_OK));
	EXPECT_FAILS(ESRCH, MsgReply(rcvid, 0, nullptr, 0));
	EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
	EXPECT_FAILS(EINVAL, resmgr_detach(dpp_, id_, 0));
	/* the path may be attached again */
	id_ = resmgr_attach(dpp_, nullptr, kPath, _FTYPE_ANY, 0, &connect_, &io_, &attr_);
	EXPECT_GT(id_, 0) << strerror(errno);
	EXPECT_EQ(0, access(kPath, F_OK));
}

TEST_F(Served, AnOpenHandlerThatHandlesAnotherMayDetachItsPath)
{
	static std::atomic<int> turn;
	static dispatch_t *dpp;
	static int id, detached;
	turn = 0;
	detached = -1;
	connect_.open = [](resmgr_context_t *ctp, io_open_t *msg, RESMGR_HANDLE_T *handle,
			   void *extra) {
		if (msg->connect.subtype != _IO_CONNECT_OPEN || turn++)
			return iofunc_open_default(ctp, msg, handle, extra);
		dispatch_context_t *inner = dispatch_context_alloc(dpp);
		while (turn == 1)
			if (dispatch_block(inner))
				dispatch_handler(inner);
		dispatch_context_free(inner);
		detached = resmgr_detach(dpp, id, 0);
		return static_cast<int>(EOK);
	};
	start([](resmgr_context_t *, io_read_t *) { return EOK; });
	dpp = dpp_;
	id = id_;
	auto body = [] {
		Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
		return file < 0 ? long{errno} : 0;
	};

	Thread outer(body);
	ASSERT_TRUE(eventually([] { return turn == 1; }));
	Thread inner(body);
	EXPECT_EQ(0, inner.join());
	EXPECT_EQ(ENODEV, outer.join());
	EXPECT_TRUE(eventually([] { return closed_ == 1; }));
	stop();
	EXPECT_EQ(0, detached);
}

std::set<std::string> descriptors()
{
	std::set<std::string> found;
	for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
		found.insert(entry.path().filename());
	return found;
}

// Nobody receives: what is asked of the path stays in the channel, and goes with it.
TEST_F(Served, WhatNobodyHasReceivedGoesWithTheChannel)
{
	/* that the manager never hears of its end is no leak */
	static iofunc_ocb_t ocb;
	static iofunc_funcs_t funcs = {2, [](resmgr_context_t *, iofunc_attr_t *) { return &ocb; },
				       [](iofunc_ocb_t *) {}};
	iofunc_mount_t mount = {};
	mount.funcs = &funcs;
	attr_.mount = &mount;
	std::set<std::string> before;

	for (bool again : {false, true}) {
		/* after the first time there is all that the library keeps */
		before = descriptors();
		if (again)
			dpp_ = dispatch_create();
		start([](resmgr_context_t *, io_read_t *) { return EOK; });
		Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
		ASSERT_GE(file, 0) << strerror(errno);
		stop();
		Thread reader([&] {
			char byte;
			return read(file, &byte, 1) == -1 ? long{errno} : 0;
		});
		ASSERT_TRUE(reader.wait_asleep());
		EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
		/* the latter is the kernel's, for what the library had not read either */
		const long error = reader.join();
		EXPECT_TRUE(error == ENODEV || error == ECONNABORTED) << strerror(int(error));
		EXPECT_EQ(0, dispatch_destroy(dpp_));
		dpp_ = nullptr;
		EXPECT_EQ(0, closed_) << "the manager has gone";
	}
	EXPECT_EQ(before, descriptors());
}

// Which of the kernel's ends of paths a process has
std::set<std::string> ends_of_paths(pid_t pid)
{
	std::set<std::string> found;
	for (const auto &entry :
	     std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
		std::error_code gone;
		std::string to = std::filesystem::read_symlink(entry.path(), gone);
		if (to == "/dev/cuse" || to == "/dev/fuse" || to.compare(0, 7, "socket:") == 0)
			found.insert(to);
	}
	return found;
}

// Forks children that stay, until it has enough
class Forking
{
public:
	Forking()
		: thread_([this] {
			  while (!enough_ && children_.size() < 100) {
				  pid_t pid = fork();
				  if (!pid) {
					  pause();
					  _exit(0);
				  }
				  if (pid > 0)
					  children_.push_back(pid);
			  }
			  return 0L;
		  })
	{
	}
	~Forking()
	{
		stop();
		for (pid_t child : children_) {
			kill(child, SIGKILL);
			waitpid(child, nullptr, 0);
		}
	}
	const std::vector<pid_t> &stop()
	{
		enough_ = true;
		if (!stopped_)
			thread_.join();
		stopped_ = true;
		return children_;
	}

private:
	std::atomic<bool> enough_{false};
	bool stopped_ = false;
	std::vector<pid_t> children_;
	Thread thread_;
};

// A path is kept by whoever has its end with the kernel: no child does, whenever it was forked.
TEST_F(Served, NoChildKeepsAPath)
{
	const char *others[] = {"/tmp/iofunc-forked", "/tmp/iofunc-forked-folder"};
	std::set<std::string> before = ends_of_paths(getpid());

	start([](resmgr_context_t *, io_read_t *) { return EOK; });
	for (int round = 0; round < 3; round++) {
		Forking forking;
		EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
		/* one that is about to forget it has it for so long */
		ASSERT_TRUE(eventually([] { return access(kPath, F_OK) != 0; }));
		int file = resmgr_attach(dpp_, nullptr, others[0], _FTYPE_ANY, 0, &connect_, &io_,
					 &attr_);
		int folder = resmgr_attach(dpp_, nullptr, others[1], _FTYPE_ANY, _RESMGR_FLAG_DIR,
					   &connect_, &io_, &attr_);
		id_ = resmgr_attach(dpp_, nullptr, kPath, _FTYPE_ANY, 0, &connect_, &io_, &attr_);
		EXPECT_GT(file, 0) << strerror(errno);
		EXPECT_GT(folder, 0) << strerror(errno);
		EXPECT_GT(id_, 0) << strerror(errno);
		EXPECT_EQ(0, resmgr_detach(dpp_, folder, 0));
		EXPECT_EQ(0, resmgr_detach(dpp_, file, 0));
		EXPECT_GT(forking.stop().size(), 1u);
		for (pid_t child : forking.stop())
			EXPECT_TRUE(eventually([&] { return ends_of_paths(child) == before; }));
	}
}

// Who removes a path after its manager: a shell with the path among its arguments. 0: there is none
pid_t watcher_of(const std::string &path)
{
	for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
		std::ifstream file(entry.path() / "cmdline");
		std::string line((std::istreambuf_iterator<char>(file)), {});
		if (line.compare(0, 3, std::string("sh\0", 3)) == 0 &&
		    line.find(std::string(1, '\0') + path + '\0') != std::string::npos)
			return atoi(entry.path().filename().c_str());
	}
	return 0;
}

TEST_F(Served, AFoldersManagerOutlivesItsWatcher)
{
	const char *path = "/tmp/iofunc-watched";
	auto before = signal(SIGPIPE, SIG_DFL);

	id_ = resmgr_attach(dpp_, nullptr, path, _FTYPE_ANY, _RESMGR_FLAG_DIR, &connect_, &io_,
			    &attr_);
	ASSERT_GT(id_, 0) << strerror(errno);
	char named[32] = "";
	EXPECT_EQ(21, resmgr_pathname(id_, 0, named, sizeof(named)));
	EXPECT_STREQ("/tmp/iofunc-watched/", named);
	pid_t watcher = watcher_of(path);
	ASSERT_GT(watcher, 0);
	EXPECT_EQ(0, kill(watcher, SIGKILL));
	EXPECT_TRUE(eventually([&] { return watcher_of(path) == 0; }));
	EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
	EXPECT_NE(0, access(path, F_OK));
	signal(SIGPIPE, before);
}

// A manager whose only thread is in a read, and so does not hear yet that a file is closed
class ServedBusily : public Served
{
protected:
	void SetUp() override
	{
		start([this](resmgr_context_t *, io_read_t *) {
			reading_ = true;
			EXPECT_TRUE(eventually([&] { return released_.load(); }));
			return EOK;
		});
		file_.reset(open(kPath, O_RDONLY | O_CLOEXEC));
		ASSERT_GE(file_, 0) << strerror(errno);
	}
	void TearDown() override
	{
		released_ = true;
		if (reader_)
			reader_->join();
		file_.reset(); /* which waits for the manager, too */
		stop();
	}
	// It has no time from now on until it is released.
	void be_busy()
	{
		reader_.reset(new Thread([this] {
			char byte;
			error_ = read(file_, &byte, 1) == -1 ? errno : 0;
			return 0L;
		}));
		ASSERT_TRUE(eventually([&] { return reading_.load(); }));
	}

	Fd file_;
	std::atomic<bool> reading_{false}, released_{false};
	std::atomic<int> error_{-1};
	std::unique_ptr<Thread> reader_;
};

// Whether a thread is in close(), and sleeps there.
bool closing(pid_t tid)
{
	std::ifstream file("/proc/" + std::to_string(tid) + "/syscall");
	long number = -1;
	return file >> number && number == SYS_close && thread_state(tid, tid) != 'R';
}

TEST_F(ServedBusily, DetachingLeavesNoFileUnclosed)
{
	Fd other(open(kPath, O_RDONLY | O_CLOEXEC));
	ASSERT_GE(other, 0) << strerror(errno);
	be_busy();
	Thread closer([&] {
		other.reset();
		return 0L;
	});

	ASSERT_TRUE(eventually([&] { return closing(closer.tid()); }));
	EXPECT_EQ(0, resmgr_detach(dpp_, id_, 0));
	EXPECT_TRUE(eventually([this] { return error_ == ENODEV; })) << error_;
	EXPECT_EQ(0, closer.join());
	EXPECT_EQ(0, closed_);
	released_ = true;
	EXPECT_TRUE(eventually([] { return closed_ == 2; })) << closed_;
	/* each was closed once: what was sent before has been handled when this is */
	id_ = resmgr_attach(dpp_, nullptr, kPath, _FTYPE_ANY, 0, &connect_, &io_, &attr_);
	EXPECT_GT(id_, 0) << strerror(errno);
	EXPECT_TRUE(eventually([] { return closed_ == 3; })) << closed_;
}

TEST_F(ServedBusily, AFileIsClosedWhoseClientIsKilledAsItCloses)
{
	Child child([](Child &self) {
		Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
		self.tell(file);
		self.hear();
		file.reset();
		return 0;
	});

	ASSERT_GE(child.hear(), 0);
	be_busy();
	child.tell(0);
	ASSERT_TRUE(eventually([&] { return closing(child.pid()); }));
	child.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, child.wait()) << "it need not wait for the manager";
	EXPECT_EQ(0, closed_);
	released_ = true;
	EXPECT_TRUE(eventually([] { return closed_ == 1; }));
}

TEST_F(Served, Refuses)
{
	auto attach = [&](dispatch_t *dpp, const char *path, enum _file_type type, unsigned flags) {
		return resmgr_attach(dpp, nullptr, path, type, flags, &connect_, &io_, &attr_);
	};

	EXPECT_FAILS(EINVAL, attach(nullptr, kPath, _FTYPE_ANY, 0));
	EXPECT_FAILS(EINVAL, attach(dpp_, kPath, _FTYPE_ANY, 0x40000000));
	EXPECT_FAILS(ENOSYS, attach(dpp_, kPath, _FTYPE_MQUEUE, 0));
	EXPECT_FAILS(EEXIST, attach(dpp_, "/dev/null", _FTYPE_ANY, 0));
	EXPECT_FAILS(ENOENT, attach(dpp_, "/tmp/no such folder/x", _FTYPE_ANY, 0));
	EXPECT_FAILS(EISDIR, attach(dpp_, "/etc", _FTYPE_ANY, 0));
	EXPECT_FAILS(ENOTDIR, attach(dpp_, "/etc/passwd", _FTYPE_ANY, _RESMGR_FLAG_DIR));
	EXPECT_FAILS(ENAMETOOLONG,
		     attach(dpp_, ("/tmp/" + std::string(5000, 'x')).c_str(), _FTYPE_ANY, 0));
	EXPECT_FAILS(EINVAL, resmgr_detach(dpp_, 99999, 0));
	int only_number = attach(dpp_, nullptr, _FTYPE_ANY, 0);
	EXPECT_GT(only_number, 0);
	char path[PATH_MAX];
	EXPECT_FAILS(EINVAL, resmgr_pathname(only_number, 0, path, sizeof(path)));
	EXPECT_EQ(0, resmgr_detach(dpp_, only_number, 0));
}

// ionotify()

constexpr int kInput = static_cast<int>(_NOTIFY_COND_INPUT);
constexpr int kOutput = static_cast<int>(_NOTIFY_COND_OUTPUT);

class Ionotify : public testing::Test
{
protected:
	Ionotify()
	{
		chid_ = ChannelCreate(0);
		coid_ = ConnectAttach(0, 0, chid_, _NTO_SIDE_CHANNEL, 0);
		EXPECT_EQ(0, pipe2(ends_, O_CLOEXEC));
		reader_.reset(ends_[0]);
		writer_.reset(ends_[1]);
	}
	~Ionotify() override
	{
		ConnectDetach(coid_);
		ChannelDestroy(chid_);
	}
	sigevent pulse(int value)
	{
		sigevent event;
		SIGEV_PULSE_INIT(&event, coid_, SIGEV_PULSE_PRIO_INHERIT, 7, value);
		return event;
	}
	int arm(int fd, int action, int flags, int value)
	{
		sigevent event = pulse(value);
		return ionotify(fd, action, flags, &event);
	}
	// The value of the next pulse; -1: there is none, at once or in time.
	int next(uint64_t ns = uint64_t{kPatienceMs} * 1000000)
	{
		struct _pulse got;
		TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_RECEIVE, nullptr, &ns, nullptr);
		if (MsgReceivePulse(chid_, &got, sizeof(got), nullptr) == -1)
			return -1;
		EXPECT_EQ(7, got.code);
		return got.value.sival_int;
	}

	int chid_, coid_, ends_[2];
	Fd reader_, writer_;
};

TEST_F(Ionotify, TellsOnceOfWhatComes)
{
	char byte;

	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLL, kInput, 1));
	EXPECT_EQ(kOutput, arm(writer_, _NOTIFY_ACTION_POLL, kInput | kOutput, 1));
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput, 0x70000001));
	EXPECT_EQ(2, write(writer_, "ab", 2));
	EXPECT_EQ(0x70000001, next());
	EXPECT_EQ(kInput, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput, 2));
	EXPECT_EQ(1, read(reader_, &byte, 1));
	EXPECT_EQ(kInput, arm(reader_, _NOTIFY_ACTION_CONDARM, kInput, 3));
	EXPECT_EQ(1, read(reader_, &byte, 1));
	EXPECT_EQ(1, write(writer_, "c", 1));
	/* neither what was there already armed anything, nor is a pulse sent twice */
	EXPECT_EQ(1, read(reader_, &byte, 1));
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput, 4));
	EXPECT_EQ(1, write(writer_, "d", 1));
	EXPECT_EQ(4, next());
	EXPECT_EQ(-1, next(0));
}

TEST_F(Ionotify, TheLastCallCounts)
{
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput, 1));
	EXPECT_EQ(0, ionotify(reader_, _NOTIFY_ACTION_POLLARM, kInput, nullptr));
	EXPECT_EQ(1, write(writer_, "a", 1));
	char byte;
	EXPECT_EQ(1, read(reader_, &byte, 1));
	for (int i = 2; i < 300; i++)
		EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput, i));
	EXPECT_EQ(1, write(writer_, "a", 1));
	EXPECT_EQ(299, next());
	EXPECT_EQ(-1, next(0));
	/* a condition does not disturb another; the descriptor's number may be another file's since
	 */
	EXPECT_EQ(1, read(reader_, &byte, 1));
	int number = reader_;
	EXPECT_EQ(0, arm(number, _NOTIFY_ACTION_POLLARM, kInput, 1));
	ASSERT_EQ(0, pipe2(ends_, O_CLOEXEC));
	ASSERT_EQ(number, dup3(ends_[0], number, O_CLOEXEC));
	close(ends_[0]);
	EXPECT_EQ(0, arm(number, _NOTIFY_ACTION_POLLARM, kInput, 2));
	EXPECT_EQ(1, write(ends_[1], "a", 1));
	EXPECT_EQ(2, next());
	close(ends_[1]);
}

TEST_F(Ionotify, ATransitionIsAfterTheCall)
{
	EXPECT_EQ(1, write(writer_, "a", 1));
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_TRANARM, kInput, 1));
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_TRANARM, kInput, 2));
	EXPECT_EQ(-1, next(50000000)) << "that was there";
	EXPECT_EQ(1, write(writer_, "b", 1));
	EXPECT_EQ(2, next());
}

// What the thread that waits for conditions has run so far
int64_t notify_thread_ns()
{
	for (const auto &entry : std::filesystem::directory_iterator("/proc/self/task")) {
		std::string name;
		timespec used;
		std::getline(std::ifstream(entry.path() / "comm"), name);
		int tid = atoi(entry.path().filename().c_str());
		/* CPUCLOCK_SCHED of a thread */
		if (name == "stplr-qnx-ready" &&
		    !clock_gettime(static_cast<clockid_t>(~tid << 3 | 6), &used))
			return used.tv_sec * 1000000000LL + used.tv_nsec;
	}
	ADD_FAILURE() << "there is no such thread";
	return 0;
}

TEST_F(Ionotify, AHangUpIsNoOtherCondition)
{
	const int oband = static_cast<int>(_NOTIFY_COND_OBAND);
	int other[2];
	ASSERT_EQ(0, pipe2(other, O_CLOEXEC));
	Fd other_reader(other[0]), other_writer(other[1]);

	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLLARM, oband, 1));
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_TRANARM, kInput, 2));
	EXPECT_EQ(0, arm(other_reader, _NOTIFY_ACTION_POLLARM, kInput, 3));
	writer_.reset();
	EXPECT_EQ(2, next()) << "a read returns, with nothing";
	/* who looks at them does so in their order: with that the other was looked at */
	EXPECT_EQ(1, write(other_writer, "a", 1));
	EXPECT_EQ(3, next());
	EXPECT_EQ(-1, next(0));
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLL, oband, 1));
	EXPECT_EQ(kInput, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput | oband, 1));
	int64_t before = notify_thread_ns();
	sleep_ms(100);
	EXPECT_LT(notify_thread_ns() - before, 50000000) << "it turns round and round";
}

TEST_F(Ionotify, ACallForOutOfBandIsNotToldOfInput)
{
	const int oband = static_cast<int>(_NOTIFY_COND_OBAND);
	sockaddr_in address = {};
	socklen_t len = sizeof(address);
	Fd listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
		client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	auto *at = reinterpret_cast<sockaddr *>(&address);
	ASSERT_EQ(0, bind(listening, at, len)) << strerror(errno);
	ASSERT_EQ(0, listen(listening, 1));
	ASSERT_EQ(0, getsockname(listening, at, &len));
	ASSERT_EQ(0, connect(client, at, len)) << strerror(errno);
	Fd server(accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));

	EXPECT_EQ(0, arm(server, _NOTIFY_ACTION_POLLARM, oband, 1));
	EXPECT_EQ(0, arm(server, _NOTIFY_ACTION_POLLARM, kInput, 2));
	EXPECT_EQ(1, send(client, "a", 1, 0));
	EXPECT_EQ(2, next());
	EXPECT_EQ(1, send(client, "b", 1, MSG_OOB));
	EXPECT_EQ(1, next());
	EXPECT_EQ(oband | kInput, arm(server, _NOTIFY_ACTION_POLLARM, kInput | oband, 3));
}

TEST_F(Ionotify, Refuses)
{
	sigevent event = pulse(1);
	Fd plain(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));

	EXPECT_FAILS(EBADF, ionotify(-1, _NOTIFY_ACTION_POLL, kInput, &event));
	EXPECT_FAILS(EBADF, ionotify(9999, _NOTIFY_ACTION_POLLARM, kInput, &event));
	EXPECT_FAILS(EINVAL, ionotify(reader_, 4, kInput, &event));
	EXPECT_FAILS(EINVAL, ionotify(reader_, -1, kInput, &event));
	EXPECT_FAILS(EINVAL, ionotify(reader_, _NOTIFY_ACTION_POLL, 0, &event));
	EXPECT_FAILS(EINVAL, ionotify(reader_, _NOTIFY_ACTION_POLL, kInput | 1, &event));
	event.sigev_notify = 99;
	EXPECT_FAILS(EINVAL, ionotify(reader_, _NOTIFY_ACTION_POLLARM, kInput, &event));
	EXPECT_EQ(kInput, arm(plain, _NOTIFY_ACTION_POLLARM, kInput, 1));
	EXPECT_FAILS(ENOSYS, arm(plain, _NOTIFY_ACTION_TRANARM, kInput, 1));
}

TEST_F(Ionotify, AChildStartsAnew)
{
	EXPECT_EQ(0, arm(reader_, _NOTIFY_ACTION_POLLARM, kInput, 1));
	Child child([](Child &) {
		int ends[2], chid = ChannelCreate(0), coid = ConnectAttach(0, 0, chid, 0, 0);
		struct _pulse got;
		sigevent event;
		SIGEV_PULSE_INIT(&event, coid, SIGEV_PULSE_PRIO_INHERIT, 7, 5);
		EXPECT_EQ(0, pipe2(ends, O_CLOEXEC));
		EXPECT_EQ(0, ionotify(ends[0], _NOTIFY_ACTION_POLLARM, kInput, &event));
		EXPECT_EQ(1, write(ends[1], "a", 1));
		EXPECT_EQ(0, MsgReceivePulse(chid, &got, sizeof(got), nullptr));
		EXPECT_EQ(5, got.value.sival_int);
		return 0;
	});
	child.expect_success();
	EXPECT_EQ(1, write(writer_, "a", 1));
	EXPECT_EQ(1, next());
}

// A manager's file, which has something to read when the test says so
class IonotifyServed : public Served
{
protected:
	void SetUp() override
	{
		IOFUNC_NOTIFY_INIT(notify_);
		there_ = 0;
		io_.notify = [](resmgr_context_t *ctp, io_notify_t *msg, RESMGR_OCB_T *) {
			return iofunc_notify(ctp, msg, notify_, there_, nullptr, nullptr);
		};
		start([](resmgr_context_t *, io_read_t *) { return EOK; });
		chid_ = ChannelCreate(0);
		coid_ = ConnectAttach(0, 0, chid_, _NTO_SIDE_CHANNEL, 0);
	}
	void TearDown() override
	{
		ConnectDetach(coid_);
		ChannelDestroy(chid_);
		iofunc_notify_remove(nullptr, notify_);
	}

	static iofunc_notify_t notify_[3];
	static std::atomic<int> there_;
	int chid_, coid_;
};
iofunc_notify_t IonotifyServed::notify_[3];
std::atomic<int> IonotifyServed::there_;

TEST_F(IonotifyServed, IsToldByTheManager)
{
	Fd file(open(kPath, O_RDONLY | O_CLOEXEC));
	struct _pulse got;
	sigevent event;

	ASSERT_GE(file, 0) << strerror(errno);
	SIGEV_PULSE_INIT(&event, coid_, SIGEV_PULSE_PRIO_INHERIT, 7, 1);
	for (int action : {_NOTIFY_ACTION_POLLARM, _NOTIFY_ACTION_TRANARM}) {
		there_ = 0;
		for (event.sigev_value.sival_int = 1; event.sigev_value.sival_int < 20;
		     event.sigev_value.sival_int++) {
			EXPECT_EQ(0, ionotify(file, action, kInput, &event)) << strerror(errno);
			there_ = kInput;
			iofunc_notify_trigger(notify_, 1, IOFUNC_NOTIFY_INPUT);
			ASSERT_EQ(0, MsgReceivePulse(chid_, &got, sizeof(got), nullptr));
			EXPECT_EQ(event.sigev_value.sival_int, got.value.sival_int);
			EXPECT_EQ(kInput, ionotify(file, _NOTIFY_ACTION_POLL, kInput, &event));
			if (action == _NOTIFY_ACTION_POLLARM)
				there_ = 0;
		}
	}
	file.reset();
	stop();
}

TEST_F(IonotifyServed, AStrictTriggerIsForOneClientOnly)
{
	static std::atomic<int> strict;
	strict = 0;
	handler_ = nullptr;
	io_.close_ocb = [](resmgr_context_t *ctp, void *reserved, RESMGR_OCB_T *ocb) {
		iofunc_notify_trigger_strict(ctp, notify_, 1, IOFUNC_NOTIFY_INPUT);
		EXPECT_EQ(strict == 1, !notify_[0].list) << "it was for all";
		iofunc_notify_remove_strict(ctp, notify_, 3);
		closed_++;
		return iofunc_close_ocb_default(ctp, reserved, ocb);
	};
	Fd one(open(kPath, O_RDONLY | O_CLOEXEC)), other(open(kPath, O_RDONLY | O_CLOEXEC));
	sigevent event;
	SIGEV_PULSE_INIT(&event, coid_, SIGEV_PULSE_PRIO_INHERIT, 7, 1);
	EXPECT_EQ(0, ionotify(one, _NOTIFY_ACTION_POLLARM, kInput, &event)) << strerror(errno);
	EXPECT_EQ(0, ionotify(other, _NOTIFY_ACTION_POLLARM, kInput, &event)) << strerror(errno);
	other.reset();
	EXPECT_TRUE(eventually([] { return closed_ == 1; }));
	EXPECT_NE(nullptr, notify_[0].list) << "the other client waits as before";
	there_ = kInput;
	iofunc_notify_trigger_strict(nullptr, notify_, 1, IOFUNC_NOTIFY_INPUT);
	struct _pulse got;
	EXPECT_EQ(0, MsgReceivePulse(chid_, &got, sizeof(got), nullptr));
	strict = 1;
	one.reset();
	stop();
}

// iofunc_*: what needs no client

TEST(Iofunc, TablesAreFilledAsFarAsTheyGo)
{
	resmgr_connect_funcs_t connect;
	resmgr_io_funcs_t io;

	memset(&connect, 0xa5, sizeof(connect));
	memset(&io, 0xa5, sizeof(io));
	auto untouched = io.close_ocb;
	iofunc_func_init(1, &connect, 2, &io);
	EXPECT_EQ(1u, connect.nfuncs);
	EXPECT_EQ(&iofunc_open_default, connect.open);
	EXPECT_EQ(2u, io.nfuncs);
	EXPECT_EQ(&iofunc_read_default, io.read);
	EXPECT_EQ(&iofunc_write_default, io.write);
	EXPECT_EQ(untouched, io.close_ocb);
	iofunc_func_init(1000, &connect, 1000, &io);
	EXPECT_EQ(unsigned{_RESMGR_CONNECT_NFUNCS}, connect.nfuncs);
	EXPECT_EQ(nullptr, connect.mount);
	EXPECT_EQ(unsigned{_RESMGR_IO_NFUNCS}, io.nfuncs);
	EXPECT_EQ(&iofunc_sync_default, io.sync);
	EXPECT_EQ(nullptr, io.notify);
	EXPECT_EQ(nullptr, io.power);
	iofunc_func_init(0, nullptr, 0, nullptr);
}

TEST(Iofunc, AFileIsLockedByAThreadAsOftenAsItUnlocks)
{
	iofunc_attr_t attr;
	iofunc_attr_init(&attr, S_IFREG | 0644, nullptr, nullptr);
	auto elsewhere = [&](auto call) {
		return Thread([&, call] { return static_cast<long>(call(&attr)); }).join();
	};

	EXPECT_EQ(EPERM, iofunc_attr_unlock(&attr));
	EXPECT_EQ(EOK, iofunc_attr_lock(&attr));
	EXPECT_EQ(EOK, iofunc_attr_lock(&attr));
	EXPECT_EQ(EBUSY, elsewhere(iofunc_attr_trylock));
	EXPECT_EQ(EPERM, elsewhere(iofunc_attr_unlock));
	EXPECT_EQ(EOK, iofunc_attr_unlock(&attr));
	EXPECT_EQ(EBUSY, elsewhere(iofunc_attr_trylock));
	EXPECT_EQ(EOK, iofunc_attr_unlock(&attr));
	std::atomic<int> count{0};
	int unguarded = 0;
	auto body = [&] {
		for (int i = 0; i < 2000; i++) {
			iofunc_attr_lock(&attr);
			unguarded++;
			iofunc_attr_unlock(&attr);
			count++;
		}
		return 0L;
	};
	Thread one(body), two(body);
	one.join();
	two.join();
	EXPECT_EQ(count, unguarded);
}

TEST(Iofunc, ACheckOfRightsIsPosixs)
{
	iofunc_attr_t attr;
	_client_info info = {};
	auto check = [&](uid_t uid, gid_t gid, mode_t wanted) {
		info.cred.euid = uid;
		info.cred.egid = gid;
		info.cred.ngroups = 1;
		info.cred.grouplist[0] = 77;
		return iofunc_check_access(nullptr, &attr, wanted, &info);
	};

	iofunc_attr_init(&attr, S_IFREG | 0640, nullptr, nullptr);
	attr.uid = 1000;
	attr.gid = 100;
	EXPECT_EQ(EOK, check(1000, 1, S_IREAD | S_IWRITE));
	EXPECT_EQ(EACCES, check(1000, 1, S_IEXEC));
	EXPECT_EQ(EOK, check(1001, 100, S_IREAD));
	EXPECT_EQ(EACCES, check(1001, 100, S_IWRITE));
	EXPECT_EQ(EACCES, check(1001, 1, S_IREAD));
	attr.gid = 77;
	EXPECT_EQ(EOK, check(1001, 1, S_IREAD)) << "one of the other groups";
	EXPECT_EQ(EOK, check(0, 0, S_IREAD | S_IWRITE));
	EXPECT_EQ(EACCES, check(0, 0, S_IEXEC));
	EXPECT_EQ(EOK, check(1000, 1, S_ISUID));
	EXPECT_EQ(EPERM, check(1001, 77, S_ISUID));
	attr.mode = S_IFREG | 0044;
	EXPECT_EQ(EACCES, check(1000, 77, S_IREAD)) << "the owner's bits are the owner's";
}

} // namespace
