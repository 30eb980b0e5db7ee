// SPDX-License-Identifier: MIT
// QNX's API: each call does what QNX's documentation says, as docs/qnx.md bounds it. Its headers
// come first on the path, so that <signal.h> and the like are the wrapped ones here.
#include <gtest/gtest.h>

#include <atomic.h>
#include <fcntl.h>
#include <grp.h>
#include <hw/inout.h>
#include <process.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/dispatch.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif
#include <sys/mman.h>
#include <sys/netmgr.h>
#include <sys/neutrino.h>
#include <sys/procmgr.h>
#include <sys/resource.h>
#include <sys/slog.h>
#include <sys/slog2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syspage.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <linux/stplr.h>

#include "support/fails.h"
#include "support/ipc.h"
#include "support/module.h"
#include "support/thread.h"

namespace
{

constexpr uint64_t kMs = 1000000;

int connect(int chid, pid_t pid = 0)
{
	int coid = ConnectAttach(ND_LOCAL_NODE, pid, chid, _NTO_SIDE_CHANNEL, 0);
	EXPECT_NE(-1, coid) << strerror(errno);
	return coid;
}

// A limit for the next call, so that a test that goes wrong ends.
void within_ms(int flags, uint64_t ms)
{
	uint64_t ns = ms * kMs;
	ASSERT_EQ(0, TimerTimeout(CLOCK_MONOTONIC, flags, nullptr, &ns, nullptr));
}

_pulse receive_pulse(int chid)
{
	_pulse pulse;
	memset(&pulse, 0xa5, sizeof(pulse));
	within_ms(_NTO_TIMEOUT_RECEIVE, kPatienceMs);
	EXPECT_EQ(0, MsgReceivePulse(chid, &pulse, sizeof(pulse), nullptr)) << strerror(errno);
	return pulse;
}

bool no_pulse(int chid)
{
	_pulse pulse;
	within_ms(_NTO_TIMEOUT_RECEIVE, 0);
	return MsgReceivePulse(chid, &pulse, sizeof(pulse), nullptr) == -1 && errno == ETIMEDOUT;
}

// The library's thread stays once it is there, with a channel and a connection of its own: it is
// there before the first test, which would otherwise be told off for leaving them behind.
class ServiceThread : public testing::Environment
{
	void SetUp() override
	{
		struct sigevent event;
		SIGEV_SEM_INIT(&event, &semaphore_);
	}
	sem_t semaphore_;
};
testing::Environment *const service_thread = testing::AddGlobalTestEnvironment(new ServiceThread);

void on_signal(int) {}

// A channel and a connection to it.
class Qnx : public testing::Test
{
protected:
	explicit Qnx(unsigned flags = 0)
	{
		chid = ChannelCreate(flags);
		EXPECT_GT(chid, 0) << strerror(errno);
		coid = connect(chid);
	}
	~Qnx() override
	{
		if (coid != -1)
			ConnectDetach(coid);
		if (chid != -1)
			ChannelDestroy(chid);
	}

	// A client thread that sends text and waits.
	struct Client {
		explicit Client(int coid, const std::string &text = "hello")
			: thread([this, coid, text] {
				  status = MsgSend(coid, text.data(), text.size(), reply,
						   sizeof(reply));
				  error = status == -1 ? errno : 0;
				  return status;
			  })
		{
		}
		bool wait_blocked()
		{
			return thread.wait_blocked(STPLR_MSG_SEND_RECEIVE);
		}

		char reply[256] = "";
		long status = 0;
		int error = 0;
		Thread thread;
	};

	std::string receive(int *rcvid, _msg_info *info = nullptr)
	{
		char text[256];
		_msg_info own;
		within_ms(_NTO_TIMEOUT_RECEIVE, kPatienceMs);
		*rcvid = MsgReceive(chid, text, sizeof(text), &own);
		EXPECT_GT(*rcvid, 0) << strerror(errno);
		if (info)
			*info = own;
		return std::string(text, *rcvid > 0 ? own.msglen : 0);
	}

	int chid = -1, coid = -1;
};

using QnxChannel = Qnx;
using QnxConnect = Qnx;
using QnxSend = Qnx;
using QnxReceive = Qnx;
using QnxReply = Qnx;
using QnxRead = Qnx;
using QnxPulse = Qnx;
using QnxEvent = Qnx;
using QnxTimeout = Qnx;
using QnxTimer = Qnx;
using QnxFork = Qnx;

// ChannelCreate, ChannelDestroy

TEST_F(QnxChannel, ValuesAreQnx)
{
	EXPECT_EQ(0x1, _NTO_CHF_FIXED_PRIORITY);
	EXPECT_EQ(0x2, _NTO_CHF_UNBLOCK);
	EXPECT_EQ(0x4, _NTO_CHF_THREAD_DEATH);
	EXPECT_EQ(0x8, _NTO_CHF_DISCONNECT);
	EXPECT_EQ(0x10, _NTO_CHF_NET_MSG);
	EXPECT_EQ(0x20, _NTO_CHF_SENDER_LEN);
	EXPECT_EQ(0x40, _NTO_CHF_COID_DISCONNECT);
	EXPECT_EQ(0x80, _NTO_CHF_REPLY_LEN);
	EXPECT_EQ(0x100, _NTO_CHF_PULSE_POOL);
	EXPECT_EQ(0x800, _NTO_CHF_GLOBAL);
	EXPECT_EQ(0x1000, _NTO_CHF_PRIVATE);
	EXPECT_EQ(0x2000, _NTO_CHF_MSG_PAUSING);
	EXPECT_EQ(0x4000, _NTO_CHF_INHERIT_RUNMASK);
	EXPECT_EQ(0x8000, _NTO_CHF_UNBLOCK_TIMER);
	EXPECT_EQ(0x40000000, _NTO_SIDE_CHANNEL);
	EXPECT_EQ(-32, _PULSE_CODE_UNBLOCK);
	EXPECT_EQ(0, _PULSE_CODE_MINAVAIL);
	EXPECT_EQ(127, _PULSE_CODE_MAXAVAIL);
	EXPECT_EQ(0x100, _IO_CONNECT);
	EXPECT_EQ(0x1ff, _IO_MAX);
	EXPECT_LT(_IO_WRITE, _IO_CLOSE);
	EXPECT_LT(_IO_MSG, _IO_MAX);
	EXPECT_EQ(8u, sizeof(io_msg_t));
	EXPECT_EQ(0, EOK);
	EXPECT_EQ(312, ESRVRFAULT);
	EXPECT_EQ(24u, sizeof(_pulse));
}

TEST_F(QnxChannel, IdsAreSmallNumbers)
{
	int other = ChannelCreate_r(0);

	EXPECT_GT(chid, 0);
	EXPECT_GT(other, 0);
	EXPECT_NE(chid, other);
	EXPECT_LT(other, 100);
	EXPECT_EQ(0, ChannelDestroy(other));
	EXPECT_FAILS(EINVAL, ChannelDestroy(other));
	EXPECT_EQ(-EINVAL, ChannelDestroy_r(other));
	EXPECT_FAILS(EINVAL, ChannelDestroy(-1));
	EXPECT_FAILS(EINVAL, ChannelDestroy(0x7fffffff));
}

TEST_F(QnxChannel, EveryFlagIsTaken)
{
	for (unsigned flag = 1; flag < 0x20000; flag <<= 1) {
		int made = ChannelCreate_r(flag);
		switch (flag) {
		case _NTO_CHF_MSG_PAUSING:
		case _NTO_CHF_INHERIT_RUNMASK:
			EXPECT_EQ(-ENOSYS, made);
			break;
		case _NTO_CHF_PULSE_POOL: /* ChannelCreatePulsePool() */
		case 0x200:
		case 0x400:
		case 0x10000:
			EXPECT_EQ(-EINVAL, made) << flag;
			break;
		default:
			EXPECT_GT(made, 0) << flag;
			ChannelDestroy(made);
		}
	}
	EXPECT_FAILS(ENOSYS, ChannelCreate(_NTO_CHF_MSG_PAUSING));
}

TEST_F(QnxChannel, DestroyUnblocksEverybody)
{
	int second = connect(chid);
	Client sending(coid), replying(second);
	int rcvid, reply_blocked;

	ASSERT_TRUE(sending.wait_blocked());
	ASSERT_TRUE(replying.wait_blocked());
	receive(&rcvid);
	receive(&reply_blocked);
	Client queued(coid);
	ASSERT_TRUE(queued.wait_blocked());
	MsgReply(rcvid, 0, nullptr, 0);
	int other = ChannelCreate(0);
	Thread receiver([&] {
		char byte;
		return MsgReceive_r(other, &byte, 1, nullptr);
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));

	EXPECT_EQ(0, ChannelDestroy(other));
	EXPECT_EQ(-ESRCH, receiver.join());
	EXPECT_EQ(0, ChannelDestroy(chid));
	chid = -1;
	queued.thread.join();
	sending.thread.join();
	replying.thread.join();
	EXPECT_EQ(ESRCH, queued.error);
	EXPECT_EQ(1, (sending.error == ESRCH) + (replying.error == ESRCH));
	EXPECT_FAILS(ESRCH, MsgReply(reply_blocked, 0, nullptr, 0));
	ConnectDetach(second);
}

TEST_F(QnxChannel, ConnectionsOutliveIt)
{
	_server_info info;

	EXPECT_EQ(coid, ConnectServerInfo(0, coid, &info));
	EXPECT_EQ(0u, info.flags & _NTO_COF_DEAD);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(chid, info.chid);
	EXPECT_EQ(0, ChannelDestroy(chid));
	chid = -1;
	EXPECT_FAILS(ESRCH, MsgSendPulse(coid, -1, 1, 1));
	EXPECT_FAILS(ESRCH, MsgSend(coid, "", 0, nullptr, 0));
	EXPECT_FAILS(EBADF, MsgSend(coid, "", 0, nullptr, 0));
	EXPECT_FAILS(EBADF, MsgSendPulse(coid, -1, 1, 1));
	EXPECT_EQ(coid, ConnectServerInfo(0, coid, &info));
	EXPECT_NE(0u, info.flags & _NTO_COF_DEAD);
	EXPECT_EQ(_NTO_COF_DEAD, ConnectFlags(0, coid, 0, 0) & _NTO_COF_DEAD);
	EXPECT_EQ(0, ConnectDetach(coid));
	EXPECT_FAILS(EINVAL, ConnectServerInfo(0, coid, nullptr));
	coid = -1;
}

TEST_F(QnxChannel, OutOfDescriptorsIsEAGAIN)
{
	name_attach_t *attach = name_attach(nullptr, "out_of_descriptors", 0);
	rlimit before, low;

	getrlimit(RLIMIT_NOFILE, &before);
	low = before;
	low.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &low);
	EXPECT_FAILS(EAGAIN, ChannelCreate(0));
	EXPECT_FAILS(EAGAIN, ConnectAttach(0, 0, chid, _NTO_SIDE_CHANNEL, 0));
	EXPECT_FAILS(EMFILE, name_open("out_of_descriptors", 0));
	setrlimit(RLIMIT_NOFILE, &before);
	name_detach(attach, 0);
}

TEST_F(QnxChannel, APrivateOneIsForItsProcessOnly)
{
	int closed = ChannelCreate(_NTO_CHF_PRIVATE);
	int own = connect(closed);

	EXPECT_NE(-1, own);
	Child child([&](Child &) {
		if (connect(chid, getppid()) == -1)
			return 1;
		return ConnectAttach_r(0, getppid(), closed, _NTO_SIDE_CHANNEL, 0) == -EACCES ? 0
											      : 2;
	});
	child.expect_success();
	ConnectDetach(own);
	ChannelDestroy(closed);
}

TEST_F(QnxChannel, APoolOfItsOwn)
{
	nto_channel_config config = {};

	EXPECT_FAILS(EINVAL, ChannelCreatePulsePool(0, nullptr));
	EXPECT_FAILS(EINVAL, ChannelCreatePulsePool(0, &config));
	config.num_pulses = 3;
	int pool = ChannelCreatePulsePool(_NTO_CHF_PULSE_POOL, &config);
	int to_pool = connect(pool);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, MsgSendPulse(to_pool, -1, i, i));
	EXPECT_FAILS(EAGAIN, MsgSendPulse(to_pool, -1, 3, 3));
	EXPECT_EQ(0, receive_pulse(pool).code);
	EXPECT_EQ(0, MsgSendPulse(to_pool, -1, 3, 3));
	ConnectDetach(to_pool);
	ChannelDestroy(pool);
}

// ConnectAttach, ConnectDetach, ConnectServerInfo, ConnectClientInfo, ConnectFlags

TEST_F(QnxConnect, SideChannelsAndDescriptors)
{
	EXPECT_EQ(_NTO_SIDE_CHANNEL, coid & _NTO_SIDE_CHANNEL);
	int lowest = dup(0);
	close(lowest);
	int low = ConnectAttach(0, getpid(), chid, 0, 0);
	EXPECT_EQ(lowest, low);
	int high = ConnectAttach(0, 0, chid, 150, _NTO_COF_CLOEXEC);
	EXPECT_EQ(150, high);
	int higher = ConnectAttach(0, 0, chid, 150, 0);
	EXPECT_EQ(151, higher);
	EXPECT_EQ(0, fcntl(low, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(high, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(coid & ~_NTO_SIDE_CHANNEL, F_GETFD));
	for (int made : {low, high, higher}) {
		EXPECT_EQ(0, MsgSendPulse(made, -1, 7, 7));
		EXPECT_EQ(7, receive_pulse(chid).code);
		EXPECT_EQ(0, ConnectDetach(made));
		EXPECT_FAILS(EINVAL, ConnectDetach(made));
		EXPECT_EQ(-1, fcntl(made, F_GETFD));
	}
}

TEST_F(QnxConnect, Refuses)
{
	EXPECT_FAILS(ESRCH, ConnectAttach(0, 0, 99, _NTO_SIDE_CHANNEL, 0));
	EXPECT_FAILS(ESRCH, ConnectAttach(0, 0x3fffffff, 1, _NTO_SIDE_CHANNEL, 0));
	EXPECT_FAILS(EINVAL, ConnectAttach(0, -7, 1, _NTO_SIDE_CHANNEL, 0));
	EXPECT_FAILS(EINVAL, ConnectAttach(0, 0, chid, _NTO_SIDE_CHANNEL, 0x8000));
	EXPECT_FAILS(ENOSYS, ConnectAttach(1, 0, chid, _NTO_SIDE_CHANNEL, 0));
	EXPECT_EQ(-ESRCH, ConnectAttach_r(0, 0, 99, _NTO_SIDE_CHANNEL, 0));
	EXPECT_FAILS(EINVAL, ConnectDetach(-1));
	EXPECT_FAILS(EINVAL, ConnectDetach(0));
	EXPECT_FAILS(EBADF, MsgSend(-1, "", 0, nullptr, 0));
	EXPECT_FAILS(EBADF, MsgSend(STDIN_FILENO, "", 0, nullptr, 0));
	EXPECT_FAILS(EBADF, MsgSendPulse(0x12345, -1, 1, 1));
	EXPECT_FAILS(EBADF, name_close(0));
}

TEST_F(QnxConnect, DetachFreesItsSenders)
{
	Client client(coid);

	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, ConnectDetach(coid));
	client.thread.join();
	EXPECT_EQ(EBADF, client.error);
	EXPECT_FAILS(EBADF, MsgSend(coid, "", 0, nullptr, 0));
	coid = -1;
}

TEST_F(QnxConnect, ServerInfoGoesOnToTheNext)
{
	_server_info info;
	int second = connect(chid);
	int first = std::min(coid, second), last = std::max(coid, second);

	EXPECT_EQ(first, ConnectServerInfo(0, _NTO_SIDE_CHANNEL, &info));
	EXPECT_EQ(last, ConnectServerInfo(0, first + 1, &info));
	EXPECT_EQ(last, ConnectServerInfo(getpid(), first + 1, nullptr));
	EXPECT_FAILS(EINVAL, ConnectServerInfo(0, last + 1, &info));
	EXPECT_EQ(-EINVAL, ConnectServerInfo_r(0, last + 1, &info));
	ConnectDetach(second);
}

TEST_F(QnxConnect, ServerInfoTellsSideChannelsApart)
{
	int low = ConnectAttach(0, 0, chid, 0, 0);
	std::vector<int> coids;
	_server_info info;

	for (int at = 0; (at = ConnectServerInfo(0, at, &info)) != -1; at++)
		coids.push_back(at);
	EXPECT_EQ(std::vector<int>({low, coid}), coids);
	ConnectDetach(low);
	EXPECT_EQ(coid, ConnectServerInfo(0, coid & ~_NTO_SIDE_CHANNEL, nullptr));
}

TEST_F(QnxConnect, Flags)
{
	EXPECT_EQ(_NTO_COF_CLOEXEC, ConnectFlags(0, coid, 0, 0));
	EXPECT_EQ(_NTO_COF_CLOEXEC, ConnectFlags(0, coid, _NTO_COF_CLOEXEC, 0));
	EXPECT_EQ(0, ConnectFlags(0, coid, _NTO_COF_CLOEXEC, _NTO_COF_CLOEXEC));
	EXPECT_EQ(_NTO_COF_CLOEXEC, ConnectFlags(getpid(), coid, 0, 0));
	EXPECT_FAILS(EINVAL, ConnectFlags(0, -1, 0, 0));
	EXPECT_FAILS(EINVAL, ConnectFlags(0, coid, 0x100, 0));
}

TEST_F(QnxConnect, ClientInfo)
{
	Client client(coid);
	_client_info info, *more = nullptr;
	_msg_info message;
	int rcvid;

	receive(&rcvid, &message);
	memset(&info, 0xa5, sizeof(info));
	EXPECT_EQ(0, ConnectClientInfo(message.scoid, &info, 1));
	EXPECT_EQ(0u, info.nd);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(getsid(0), info.sid);
	EXPECT_EQ(getuid(), info.cred.ruid);
	EXPECT_EQ(geteuid(), info.cred.euid);
	EXPECT_EQ(getegid(), info.cred.egid);
	EXPECT_EQ(static_cast<uint32_t>(std::min(getgroups(0, nullptr), 1)), info.cred.ngroups);
	EXPECT_EQ(0, ConnectClientInfoExt(message.scoid, &more, 0));
	EXPECT_EQ(getpid(), more->pid);
	EXPECT_EQ(0, ClientInfoExtFree(&more));
	EXPECT_EQ(nullptr, more);
	EXPECT_EQ(0, ConnectClientInfo(-1, &info, 8));
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_FAILS(EINVAL, ConnectClientInfo(message.scoid + 1000, &info, 0));
	EXPECT_FAILS(EINVAL, ConnectClientInfo(1, &info, 0));
	EXPECT_FAILS(EFAULT, ConnectClientInfo(message.scoid, nullptr, 0));
	MsgReply(rcvid, 0, nullptr, 0);
}

TEST_F(QnxConnect, ClientInfoStaysWithinItsStructure)
{
	Child child([](Child &) {
		constexpr int kGroups = 20, kRoom = 8;
		struct {
			_client_info info;
			gid_t beyond[kGroups];
		} guarded;
		gid_t groups[kGroups];
		_client_info *all;
		_msg_info message;
		char byte;
		for (int i = 0; i < kGroups; i++)
			groups[i] = 1000 + i;
		if (setgroups(kGroups, groups))
			return 1;
		int chid = ChannelCreate(0), coid = connect(chid);
		Thread client([coid] { return MsgSend(coid, "x", 1, nullptr, 0); });
		int rcvid = MsgReceive(chid, &byte, 1, &message);
		for (int scoid : {message.scoid, -1}) {
			memset(&guarded, 0xa5, sizeof(guarded));
			EXPECT_EQ(0, ConnectClientInfo(scoid, &guarded.info, NGROUPS_MAX));
			EXPECT_EQ(0xa5a5a5a5U, guarded.beyond[0]) << "wrote past the structure";
			EXPECT_EQ(uint32_t{kRoom}, guarded.info.cred.ngroups);
			EXPECT_EQ(groups[kRoom - 1], guarded.info.cred.grouplist[kRoom - 1]);
			EXPECT_EQ(0, ConnectClientInfo(scoid, &guarded.info, 2));
			EXPECT_EQ(2u, guarded.info.cred.ngroups);
			EXPECT_EQ(0, ConnectClientInfo(scoid, &guarded.info, 0));
			EXPECT_EQ(uint32_t{kGroups}, guarded.info.cred.ngroups);
			EXPECT_EQ(0, ConnectClientInfoExt(scoid, &all, _NTO_CLIENTINFO_GETGROUPS));
			EXPECT_EQ(uint32_t{kGroups}, all->cred.ngroups);
			EXPECT_EQ(0, memcmp(groups, all->cred.grouplist, sizeof(groups)));
			ClientInfoExtFree(&all);
		}
		EXPECT_FAILS(EINVAL, ConnectClientInfoExt(-1, &all, 0x100));
		MsgReply(rcvid, 0, nullptr, 0);
		client.join();
		return 0;
	});
	child.expect_success();
}

// MsgSend in all its forms

TEST_F(QnxSend, EveryFormCarriesMessageReplyAndStatus)
{
	Thread server([this] {
		char text[64];
		_msg_info info;
		int rcvid;
		while ((rcvid = MsgReceive(chid, text, sizeof(text), &info)) > 0)
			MsgReply(rcvid, 1000 + info.msglen, text, info.msglen);
		return errno;
	});
	using Send = std::function<long(const iov_t *, iov_t *)>;
	char reply[2][4];
	auto s = [](const iov_t *v) { return v[0].iov_base; };
	const std::vector<std::pair<int, Send>> forms = {
		{2, [&](auto *a, auto *b) { return MsgSend(coid, s(a), 2, s(b), 4); }},
		{2, [&](auto *a, auto *b) { return MsgSend_r(coid, s(a), 2, s(b), 4); }},
		{2, [&](auto *a, auto *b) { return MsgSendnc(coid, s(a), 2, s(b), 4); }},
		{2, [&](auto *a, auto *b) { return MsgSendnc_r(coid, s(a), 2, s(b), 4); }},
		{2, [&](auto *a, auto *b) { return MsgSendsv(coid, s(a), 2, b, 2); }},
		{2, [&](auto *a, auto *b) { return MsgSendsv_r(coid, s(a), 2, b, 2); }},
		{2, [&](auto *a, auto *b) { return MsgSendsvnc(coid, s(a), 2, b, 2); }},
		{2, [&](auto *a, auto *b) { return MsgSendsvnc_r(coid, s(a), 2, b, 2); }},
		{6, [&](auto *a, auto *b) { return MsgSendvs(coid, a, 2, s(b), 4); }},
		{6, [&](auto *a, auto *b) { return MsgSendvs_r(coid, a, 2, s(b), 4); }},
		{6, [&](auto *a, auto *b) { return MsgSendvsnc(coid, a, 2, s(b), 4); }},
		{6, [&](auto *a, auto *b) { return MsgSendvsnc_r(coid, a, 2, s(b), 4); }},
		{6, [&](auto *a, auto *b) { return MsgSendv(coid, a, 2, b, 2); }},
		{6, [&](auto *a, auto *b) { return MsgSendv_r(coid, a, 2, b, 2); }},
		{6, [&](auto *a, auto *b) { return MsgSendvnc(coid, a, 2, b, 2); }},
		{6, [&](auto *a, auto *b) { return MsgSendvnc_r(coid, a, 2, b, 2); }},
	};
	for (size_t i = 0; i < forms.size(); i++) {
		SCOPED_TRACE(i);
		char ab[] = "ab", cdef[] = "cdef";
		iov_t message[2], room[2];
		SETIOV(&message[0], ab, 2);
		SETIOV(&message[1], cdef, 4);
		SETIOV(&room[0], reply[0], 4);
		SETIOV(&room[1], reply[1], 4);
		memset(reply, '.', sizeof(reply));
		errno = 77;
		EXPECT_EQ(1000 + forms[i].first, forms[i].second(message, room));
		EXPECT_EQ(77, errno);
		/* the forms with sv and v have room for the whole answer, the others for 4 */
		std::string expected = forms[i].first == 2        ? "ab......"
				       : i >= 12 /* into parts */ ? "abcdef.."
								  : "abcd....";
		EXPECT_EQ(expected, std::string(reply[0], 8));
	}
	ChannelDestroy(chid);
	chid = -1;
	EXPECT_EQ(ESRCH, server.join());
	/* the first send after that is told what others would be who are blocked: ESRCH */
	EXPECT_FAILS(ESRCH, MsgSend(coid, "", 0, nullptr, 0));
	for (auto &form : forms) {
		iov_t message[2], room[2];
		char bytes[4] = {};
		for (auto *iov : {message, room})
			for (int i : {0, 1})
				SETIOV(&iov[i], bytes, 4);
		errno = 77;
		long result = form.second(message, room);
		bool negative = result == -EBADF && errno == 77;
		EXPECT_TRUE(negative || (result == -1 && errno == EBADF)) << result << errno;
	}
}

TEST_F(QnxSend, BadBuffers)
{
	char *nowhere = reinterpret_cast<char *>(16), byte;
	iov_t iov = {nowhere, 8};

	EXPECT_FAILS(EFAULT, MsgSend(coid, nowhere, 8, nullptr, 0));
	EXPECT_FAILS(EFAULT, MsgSendv(coid, &iov, 1, nullptr, 0));
	EXPECT_EQ(-EFAULT, MsgSend_r(coid, nowhere, 8, nullptr, 0));
	Thread server([this] {
		int rcvid;
		receive(&rcvid);
		return MsgReply_r(rcvid, 0, "12345678", 8);
	});
	EXPECT_FAILS(EFAULT, MsgSend(coid, &byte, 1, nowhere, 8));
	EXPECT_EQ(0, server.join());
}

TEST_F(QnxSend, TooMuchInPartsIsEOVERFLOW)
{
	void *memory = mmap(nullptr, 1 << 30, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	iov_t iov[3];

	for (auto &part : iov)
		SETIOV(&part, memory, 1 << 30);
	EXPECT_FAILS(EOVERFLOW, MsgSendv(coid, iov, 3, nullptr, 0));
	EXPECT_FAILS(EMSGSIZE, MsgSendv(coid, iov, 1, nullptr, 0));
	munmap(memory, 1 << 30);
}

TEST_F(QnxSend, ASignalBeforeReceiptWithdrawsTheMessage)
{
	signal(SIGUSR2, on_signal);
	Client client(coid);

	ASSERT_TRUE(client.wait_blocked());
	client.thread.signal(SIGUSR2);
	client.thread.join();
	EXPECT_EQ(EINTR, client.error);
	EXPECT_TRUE(no_pulse(chid));
	char byte;
	within_ms(_NTO_TIMEOUT_RECEIVE, 0);
	EXPECT_FAILS(ETIMEDOUT, MsgReceive(chid, &byte, 1, nullptr));
}

TEST_F(QnxSend, ASignalAfterReceiptDropsTheMessage)
{
	signal(SIGUSR2, on_signal);
	Client client(coid);
	_msg_info info;
	int rcvid;

	receive(&rcvid);
	ASSERT_TRUE(client.wait_blocked());
	client.thread.signal(SIGUSR2);
	client.thread.join();
	EXPECT_EQ(EINTR, client.error);
	EXPECT_FAILS(ESRCH, MsgInfo(rcvid, &info));
	EXPECT_FAILS(ESRCH, MsgReply(rcvid, 0, nullptr, 0));
}

TEST_F(QnxSend, AServerThatDiesIsESRCHAndOneThatIsDeadEBADF)
{
	Child server([](Child &self) {
		int channel = ChannelCreate(0);
		char byte;
		self.tell(channel);
		MsgReceive(channel, &byte, 1, nullptr);
		return 0;
	});
	int to_server = connect(static_cast<int>(server.hear()), server.pid());

	EXPECT_FAILS(ESRCH, MsgSend(to_server, "x", 1, nullptr, 0));
	server.expect_success();
	EXPECT_FAILS(EBADF, MsgSend(to_server, "x", 1, nullptr, 0));
	ConnectDetach(to_server);
}

TEST_F(QnxSend, CanBeCancelled)
{
	std::atomic<bool> nc_done{false};
	pthread_t thread;
	int rcvid;
	auto body = [](void *arg) -> void * {
		MsgSend(*static_cast<int *>(arg), "c", 1, nullptr, 0);
		return nullptr;
	};

	ASSERT_EQ(0, pthread_create(&thread, nullptr, body, &coid));
	receive(&rcvid);
	ASSERT_EQ(0, pthread_cancel(thread));
	void *result = nullptr;
	pthread_join(thread, &result);
	EXPECT_EQ(PTHREAD_CANCELED, result);
	EXPECT_FAILS(ESRCH, MsgReply(rcvid, 0, nullptr, 0));

	struct Arguments {
		int coid;
		std::atomic<bool> &done;
		std::atomic<pid_t> tid;
	} arguments{coid, nc_done, {0}};
	auto nc = [](void *arg) -> void * {
		auto *arguments = static_cast<Arguments *>(arg);
		arguments->tid = own_tid();
		MsgSendnc(arguments->coid, "n", 1, nullptr, 0);
		arguments->done = true;
		pthread_testcancel();
		return nullptr;
	};
	ASSERT_EQ(0, pthread_create(&thread, nullptr, nc, &arguments));
	receive(&rcvid);
	pthread_cancel(thread);
	EXPECT_TRUE(eventually(
		[&] { return blocked_in(getpid(), arguments.tid, STPLR_MSG_SEND_RECEIVE); }));
	EXPECT_EQ(0, MsgReply(rcvid, 0, nullptr, 0)) << "it was cancelled in MsgSendnc()";
	pthread_join(thread, &result);
	EXPECT_TRUE(nc_done);
	EXPECT_EQ(PTHREAD_CANCELED, result);
}

TEST_F(QnxSend, AReceiverCanBeCancelledAndItsChannelDestroyed)
{
	int other = ChannelCreate(0);
	struct Arguments {
		int chid;
		std::atomic<pid_t> tid;
	} arguments{other, {0}};
	pthread_t thread;
	auto body = [](void *arg) -> void * {
		auto *arguments = static_cast<Arguments *>(arg);
		char byte;
		arguments->tid = own_tid();
		MsgReceive(arguments->chid, &byte, 1, nullptr);
		return nullptr;
	};

	ASSERT_EQ(0, pthread_create(&thread, nullptr, body, &arguments));
	EXPECT_TRUE(
		eventually([&] { return blocked_in(getpid(), arguments.tid, STPLR_MSG_RECEIVE); }));
	pthread_cancel(thread);
	void *result = nullptr;
	pthread_join(thread, &result);
	EXPECT_EQ(PTHREAD_CANCELED, result);
	int lowest = dup(0);
	close(lowest);
	EXPECT_EQ(0, ChannelDestroy(other));
	int after = dup(0);
	close(after);
	EXPECT_LE(after, lowest);
}

// Whether it was cancelled before the message, after it, or just then: the message is somebody's.
TEST_F(QnxSend, AReceiverThatIsCancelledLosesNoMessage)
{
	struct Arguments {
		int chid;
		std::atomic<pid_t> tid;
		std::atomic<int> rcvid;
	} arguments{chid, {0}, {0}};
	auto body = [](void *arg) -> void * {
		auto *arguments = static_cast<Arguments *>(arg);
		char text[8];
		arguments->tid = own_tid();
		arguments->rcvid = MsgReceive(arguments->chid, text, sizeof(text), nullptr);
		return nullptr;
	};

	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		int rcvid;
		arguments.tid = 0;
		arguments.rcvid = 0;
		ASSERT_EQ(0, pthread_create(&thread, nullptr, body, &arguments));
		ASSERT_TRUE(eventually(
			[&] { return blocked_in(getpid(), arguments.tid, STPLR_MSG_RECEIVE); }));
		Client client(coid);
		for (volatile int spin = 0; spin < i * 50; spin++)
			;
		pthread_cancel(thread);
		pthread_join(thread, nullptr);
		rcvid = arguments.rcvid;
		if (!rcvid) {
			char text[8];
			within_ms(_NTO_TIMEOUT_RECEIVE, kPatienceMs);
			rcvid = MsgReceive(chid, text, sizeof(text), nullptr);
			ASSERT_GT(rcvid, 0) << "turn " << i << ": " << strerror(errno);
		}
		ASSERT_EQ(0, MsgReply(rcvid, 7, nullptr, 0)) << strerror(errno);
		client.thread.join();
		ASSERT_EQ(7, client.status);
	}
}

// MsgReceive

TEST_F(QnxReceive, InfoTellsOfTheClient)
{
	Client client(coid, "12345");
	_msg_info info, again;
	char text[3];
	int rcvid;

	ASSERT_TRUE(client.wait_blocked());
	rcvid = MsgReceive(chid, text, sizeof(text), &info);
	ASSERT_GT(rcvid, 0);
	EXPECT_EQ(0u, info.nd);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(client.thread.tid(), info.tid);
	EXPECT_EQ(chid, info.chid);
	EXPECT_EQ(3, info.msglen);
	EXPECT_EQ(5, info.srcmsglen);
	EXPECT_EQ(256, info.dstmsglen);
	EXPECT_EQ(10, info.priority);
	EXPECT_EQ(0, info.flags);
	EXPECT_GT(info.scoid, 0);
	EXPECT_EQ(0, MsgInfo(rcvid, &again));
	EXPECT_EQ(0, memcmp(&info, &again, sizeof(info)));
	EXPECT_FAILS(EFAULT, MsgInfo(rcvid, nullptr));
	EXPECT_FAILS(EFAULT, MsgInfo(rcvid, reinterpret_cast<_msg_info *>(16)));
	EXPECT_FAILS(ESRCH, MsgInfo(rcvid + 1, &again));
	EXPECT_FAILS(ESRCH, MsgInfo(0, &again));
	EXPECT_FAILS(ESRCH, MsgInfo(-5, &again));
	EXPECT_EQ(0, MsgCurrent(rcvid));
	EXPECT_EQ(0, MsgReply(rcvid, 0, nullptr, 0));
	EXPECT_EQ(-ESRCH, MsgInfo_r(rcvid, &again));
	EXPECT_FAILS(ESRCH, MsgCurrent(rcvid));
}

TEST_F(QnxReceive, IntoParts)
{
	Client client(coid, "abcdef");
	char first[2], second[8];
	iov_t iov[2];

	SETIOV(&iov[0], first, sizeof(first));
	SETIOV(&iov[1], second, sizeof(second));
	int rcvid = MsgReceivev(chid, iov, 2, nullptr);
	EXPECT_EQ("ab", std::string(first, 2));
	EXPECT_EQ("cdef", std::string(second, 4));
	EXPECT_EQ(0, MsgReplyv(rcvid, 9, iov, 2));
	client.thread.join();
	EXPECT_EQ(9, client.status);
	EXPECT_EQ("abcdef", std::string(client.reply, 6));
}

TEST_F(QnxReceive, APulseInParts)
{
	_pulse pulse;
	auto *bytes = reinterpret_cast<char *>(&pulse);
	iov_t iov[3];

	SETIOV(&iov[0], bytes, 5);
	SETIOV(&iov[1], bytes + 5, 4);
	SETIOV(&iov[2], bytes + 9, sizeof(pulse) - 9);
	EXPECT_EQ(0, MsgSendPulsePtr(coid, -1, 5, this));
	EXPECT_EQ(0, MsgReceivev(chid, iov, 3, nullptr));
	EXPECT_EQ(5, pulse.code);
	EXPECT_EQ(this, pulse.value.sival_ptr);
	EXPECT_EQ(0, MsgSendPulse(coid, -1, 6, -6));
	EXPECT_EQ(0, MsgReceivePulsev(chid, iov, 3, nullptr));
	EXPECT_EQ(6, pulse.code);
	EXPECT_EQ(-6, pulse.value.sival_int);
}

TEST_F(QnxReceive, Fails)
{
	char byte, *nowhere = reinterpret_cast<char *>(16);

	EXPECT_FAILS(ESRCH, MsgReceive(chid + 50, &byte, 1, nullptr));
	EXPECT_FAILS(ESRCH, MsgReceive(-1, &byte, 1, nullptr));
	EXPECT_EQ(-ESRCH, MsgReceive_r(0, &byte, 1, nullptr));
	EXPECT_EQ(-ESRCH, MsgReceivePulse_r(0, &byte, 1, nullptr));

	signal(SIGUSR2, on_signal);
	Thread receiver([this] {
		char byte;
		return MsgReceive_r(chid, &byte, 1, nullptr);
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	receiver.signal(SIGUSR2);
	EXPECT_EQ(-EINTR, receiver.join());

	Client client(coid);
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_FAILS(EFAULT, MsgReceive(chid, nowhere, 8, nullptr));
	int rcvid; /* the message is still there */
	EXPECT_EQ("hello", receive(&rcvid));
	MsgReply(rcvid, 0, nullptr, 0);
}

TEST_F(QnxReceive, MessagesOfTwoChannelsDoNotMix)
{
	int other = ChannelCreate(0), to_other = connect(other);
	Client first(coid, "first"), second(to_other, "second");
	char text[16];
	int one, two;

	receive(&one);
	two = MsgReceive(other, text, sizeof(text), nullptr);
	EXPECT_NE(one, two);
	EXPECT_EQ(0, MsgReply(two, 2, nullptr, 0));
	EXPECT_EQ(0, MsgReply(one, 1, nullptr, 0));
	first.thread.join();
	second.thread.join();
	EXPECT_EQ(1, first.status);
	EXPECT_EQ(2, second.status);
	ConnectDetach(to_other);
	ChannelDestroy(other);
}

// Clients that have left cost nothing for ever, however many there were.
TEST_F(QnxReceive, ForgetsClientsThatLeft)
{
	std::atomic<bool> stop{false};
	int kept;
	Client waiting(coid, "kept");
	receive(&kept);
	Thread server([&] {
		char byte;
		long count = 0;
		while (!stop) {
			within_ms(_NTO_TIMEOUT_RECEIVE, 1000);
			count += MsgReceive(chid, &byte, 1, nullptr) > 0;
		}
		return count;
	});
	int received = 0;
	for (int i = 0; i < 2500; i++) {
		within_ms(_NTO_TIMEOUT_REPLY, 0);
		EXPECT_EQ(-1, MsgSend(coid, "x", 1, nullptr, 0));
		received += errno == ETIMEDOUT;
	}
	EXPECT_EQ(2500, received);
	stop = true;
	MsgSendPulse(coid, -1, 0, 0);
	EXPECT_EQ(2500, server.join());
	EXPECT_EQ(0, MsgReply(kept, 5, nullptr, 0));
	waiting.thread.join();
	EXPECT_EQ(5, waiting.status);
}

// MsgReply, MsgError

TEST_F(QnxReply, AnyThreadAnyOrderOnce)
{
	Client first(coid, "first");
	int one, two;

	receive(&one);
	Client second(coid, "second");
	receive(&two);
	Thread other([&] { return MsgReply_r(two, 22, "two", 3); });
	EXPECT_EQ(0, other.join());
	second.thread.join();
	EXPECT_EQ(22, second.status);
	EXPECT_STREQ("two", second.reply);
	EXPECT_EQ(0, MsgReply(one, 11, "one", 3));
	EXPECT_FAILS(ESRCH, MsgReply(one, 11, "one", 3));
	EXPECT_EQ(-ESRCH, MsgReplyv_r(one, 0, nullptr, 0));
	first.thread.join();
	EXPECT_EQ(11, first.status);
}

TEST_F(QnxReply, OwnBadBufferIsESRVRFAULT)
{
	Client client(coid);
	int rcvid;

	receive(&rcvid);
	EXPECT_FAILS(ESRVRFAULT, MsgReply(rcvid, 0, reinterpret_cast<char *>(16), 8));
	EXPECT_FAILS(ESRVRFAULT, MsgRead(rcvid, reinterpret_cast<char *>(16), 3, 0));
	EXPECT_FAILS(ESRVRFAULT, MsgWrite(rcvid, reinterpret_cast<char *>(16), 8, 0));
	EXPECT_EQ(0, MsgReply(rcvid, 3, nullptr, 0));
	client.thread.join();
	EXPECT_EQ(3, client.status);
}

TEST_F(QnxReply, ErrorsAreTheClients)
{
	for (int error : {EIO, EINTR, EAGAIN, ENOTTY, EBADF, ESRVRFAULT, ETIMEDOUT}) {
		Client client(coid);
		int rcvid;
		receive(&rcvid);
		EXPECT_EQ(0, MsgError(rcvid, error));
		client.thread.join();
		EXPECT_EQ(-1, client.status);
		EXPECT_EQ(error, client.error);
		EXPECT_FAILS(ESRCH, MsgError(rcvid, error));
	}
	Client client(coid);
	int rcvid;
	receive(&rcvid);
	EXPECT_FAILS(EINVAL, MsgError(rcvid, -2));
	EXPECT_FAILS(EINVAL, MsgError(rcvid, 100000));
	EXPECT_EQ(0, MsgError_r(rcvid, EOK));
	client.thread.join();
	EXPECT_EQ(0, client.status);
	EXPECT_FAILS(ENOSYS, MsgPause(rcvid, 0));
}

TEST_F(QnxReply, EveryErrorOfLinuxArrivesAsItIs)
{
	for (int error = 1; error < 140; error++) {
		if (error == ERESTART) /* is no error: sent again */
			continue;
		Thread client([this] { return MsgSend_r(coid, "", 0, nullptr, 0); });
		int rcvid;
		receive(&rcvid);
		ASSERT_EQ(0, MsgError(rcvid, error));
		ASSERT_EQ(-error, client.join());
	}
}

TEST_F(QnxReply, WhatTheClientHasNoRoomForDoesNotCount)
{
	std::string text(10000, 'x');
	iov_t iov[3];

	for (auto &part : iov)
		SETIOV(&part, &text[0], 100);
	iov[2].iov_len = text.size();
	Parameter most("message_max", 4096);
	for (bool vector : {false, true}) {
		Client client(coid);
		int rcvid;
		receive(&rcvid);
		if (vector)
			EXPECT_EQ(0, MsgReplyv(rcvid, 6, iov, 3));
		else
			EXPECT_EQ(0, MsgReply(rcvid, 6, text.data(), text.size()));
		client.thread.join();
		EXPECT_EQ(6, client.status);
		EXPECT_EQ(text.substr(0, 256), std::string(client.reply, 256));
	}
	/* the client would miss what it has room for */
	Thread client([this] {
		std::string room(20000, 0);
		return MsgSend_r(coid, "", 0, &room[0], room.size());
	});
	int rcvid;
	receive(&rcvid);
	EXPECT_FAILS(EMSGSIZE, MsgReply(rcvid, 0, text.data(), text.size()));
	for (auto &part : iov)
		part.iov_len = 1 << 30;
	EXPECT_FAILS(EOVERFLOW, MsgReplyv(rcvid, 0, iov, 3));
	EXPECT_EQ(0, MsgReply(rcvid, 7, nullptr, 0));
	EXPECT_EQ(7, client.join());
}

TEST_F(QnxReply, AnyStatusIsWhatTheClientsCallReturns)
{
	for (long status : {0L, 7L, -1L, -22L, 1500052L}) {
		Client client(coid);
		int rcvid;
		receive(&rcvid);
		EXPECT_EQ(0, MsgReply(rcvid, status, nullptr, 0));
		client.thread.join();
		EXPECT_EQ(status, client.status);
	}
}

TEST_F(QnxReply, NobodyAnswersAPulse)
{
	_pulse pulse;

	EXPECT_EQ(0, MsgSendPulse(coid, -1, 1, 2));
	int rcvid = MsgReceive(chid, &pulse, sizeof(pulse), nullptr);
	EXPECT_EQ(0, rcvid);
	EXPECT_FAILS(ESRCH, MsgReply(rcvid, 0, nullptr, 0));
	EXPECT_FAILS(ESRCH, MsgError(rcvid, EIO));
	EXPECT_FAILS(ESRCH, static_cast<int>(MsgRead(rcvid, &pulse, 1, 0)));
}

TEST_F(QnxReply, ERESTARTSendsAgain)
{
	Client client(coid, "again");
	int rcvid;

	receive(&rcvid);
	EXPECT_EQ(0, MsgError(rcvid, ERESTART));
	EXPECT_EQ("again", receive(&rcvid));
	EXPECT_EQ(0, MsgReply(rcvid, 4, nullptr, 0));
	client.thread.join();
	EXPECT_EQ(4, client.status);
}

// MsgRead, MsgWrite

TEST_F(QnxRead, OffsetsAndEnds)
{
	Client client(coid, "0123456789");
	char text[16], a[2], b[2];
	iov_t iov[2];
	int rcvid;

	SETIOV(&iov[0], a, 2);
	SETIOV(&iov[1], b, 2);
	rcvid = MsgReceive(chid, text, 1, nullptr);
	EXPECT_EQ(4, MsgRead(rcvid, text, 4, 3));
	EXPECT_EQ("3456", std::string(text, 4));
	EXPECT_EQ(2, MsgRead(rcvid, text, 16, 8));
	EXPECT_EQ(0, MsgRead(rcvid, text, 16, 10));
	EXPECT_EQ(0, MsgRead_r(rcvid, text, 16, 4000));
	EXPECT_EQ(4, MsgReadv(rcvid, iov, 2, 5));
	EXPECT_EQ("56", std::string(a, 2));
	EXPECT_EQ("78", std::string(b, 2));
	EXPECT_EQ(4, MsgWritev(rcvid, iov, 2, 1));
	EXPECT_EQ(3, MsgWrite(rcvid, "xyz", 3, 253));
	EXPECT_EQ(1, MsgWrite(rcvid, "xyz", 3, 255));
	EXPECT_EQ(0, MsgWrite(rcvid, "xyz", 3, 256));
	EXPECT_EQ(0, MsgReply(rcvid, 0, "A", 1));
	client.thread.join();
	EXPECT_EQ("A5678", std::string(client.reply, 5));
	EXPECT_EQ("xyx", std::string(client.reply + 253, 3));
	EXPECT_FAILS(ESRCH, MsgRead(rcvid, text, 1, 0));
	EXPECT_FAILS(ESRCH, MsgWrite(rcvid, text, 1, 0));
	EXPECT_EQ(-ESRCH, MsgReadv_r(rcvid, iov, 2, 0));
	EXPECT_EQ(-ESRCH, MsgWritev_r(rcvid, iov, 2, 0));
}

TEST_F(QnxRead, MoreThanTheKernelTakesAtOnce)
{
	Client client(coid, "0123456789");
	std::string text(10000, 'x');
	iov_t iov[3];
	int rcvid;

	SETIOV(&iov[0], &text[0], 2);
	SETIOV(&iov[1], &text[10], 3);
	SETIOV(&iov[2], &text[20], 9000);
	receive(&rcvid);
	Parameter most("message_max", 4096);
	EXPECT_EQ(7, MsgRead(rcvid, &text[0], text.size(), 3));
	EXPECT_EQ("3456789x", text.substr(0, 8));
	EXPECT_EQ(10, MsgReadv(rcvid, iov, 3, 0));
	EXPECT_EQ("01", text.substr(0, 2));
	EXPECT_EQ("234", text.substr(10, 3));
	EXPECT_EQ("56789x", text.substr(20, 6));
	EXPECT_EQ(256, MsgWrite(rcvid, &text[0], text.size(), 0));
	EXPECT_EQ(255, MsgWritev(rcvid, iov, 3, 1));
	iov[2].iov_len = 0x7fffffff;
	EXPECT_FAILS(EOVERFLOW, MsgReadv(rcvid, iov, 3, 0));
	EXPECT_EQ(0, MsgReply(rcvid, 0, nullptr, 0));
	client.thread.join();
	EXPECT_EQ("00123456789x", std::string(client.reply, 12));
	/* of more room, so much at once */
	Thread other([this] {
		std::string room(20000, 0);
		return MsgSend_r(coid, "", 0, &room[0], room.size());
	});
	receive(&rcvid);
	EXPECT_EQ(4096, MsgWrite(rcvid, &text[0], text.size(), 0));
	EXPECT_EQ(0, MsgReply(rcvid, 0, nullptr, 0));
	EXPECT_EQ(0, other.join());
}

// MsgSendPulse, MsgReceivePulse

TEST_F(QnxPulse, ComesByPriorityAmongMessages)
{
	Client client(coid, "message");
	char buffer[64];
	auto *pulse = reinterpret_cast<_pulse *>(buffer);
	int rcvid;

	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, MsgSendPulse(coid, 5, 5, 0));
	EXPECT_EQ(0, MsgSendPulse(coid, 20, 20, 0));
	EXPECT_EQ(0, MsgSendPulse(coid, 21, 21, 0));
	EXPECT_EQ(0, MsgReceive(chid, buffer, sizeof(buffer), nullptr));
	EXPECT_EQ(21, pulse->code);
	EXPECT_EQ(0, MsgReceive(chid, buffer, sizeof(buffer), nullptr));
	EXPECT_EQ(20, pulse->code);
	rcvid = MsgReceive(chid, buffer, sizeof(buffer), nullptr);
	ASSERT_GT(rcvid, 0);
	EXPECT_EQ(0, MsgReceive(chid, buffer, sizeof(buffer), nullptr));
	EXPECT_EQ(5, pulse->code);
	MsgReply(rcvid, 0, nullptr, 0);
}

TEST_F(QnxPulse, ReceivePulseLeavesMessages)
{
	Client client(coid, "message");
	int rcvid;

	ASSERT_TRUE(client.wait_blocked());
	EXPECT_TRUE(no_pulse(chid));
	EXPECT_EQ(0, MsgSendPulse(coid, 1, _PULSE_CODE_MAXAVAIL, 0x7fffffff));
	_pulse pulse = receive_pulse(chid);
	EXPECT_EQ(127, pulse.code);
	EXPECT_EQ(0x7fffffff, pulse.value.sival_int);
	EXPECT_EQ(_PULSE_TYPE, pulse.type);
	EXPECT_EQ(_PULSE_SUBTYPE, pulse.subtype);
	EXPECT_GT(pulse.scoid, 0);
	EXPECT_EQ("message", receive(&rcvid));
	MsgReply(rcvid, 0, nullptr, 0);
}

TEST_F(QnxPulse, ThatDoesNotFitFailsOnceAndIsGone)
{
	char small[8];
	iov_t iov[] = {{small, 3}, {small + 3, 5}};

	for (int value = 0; value < 3; value++)
		EXPECT_EQ(0, MsgSendPulse(coid, -1, 3, value));
	EXPECT_FAILS(EFAULT, MsgReceive(chid, small, sizeof(small), nullptr));
	EXPECT_FAILS(EFAULT, MsgReceivev(chid, iov, 2, nullptr));
	EXPECT_EQ(2, receive_pulse(chid).value.sival_int);
	EXPECT_EQ(0, MsgSendPulse(coid, -1, 3, 4));
	EXPECT_EQ(-EFAULT, MsgReceivePulse_r(chid, small, 0, nullptr));
	EXPECT_TRUE(no_pulse(chid));
}

TEST(QnxNotice, ADisconnectThatDoesNotFitDelaysNobody)
{
	// A server that goes on after an error, as first programs do, with room for an int.
	int chid = ChannelCreate(_NTO_CHF_DISCONNECT), value, errors = 0;

	for (int i = 0; i < 3; i++) {
		Child client([chid, i](Child &) {
			int coid = ConnectAttach(0, getppid(), chid, _NTO_SIDE_CHANNEL, 0);
			return static_cast<int>(MsgSend(coid, &i, sizeof(i), nullptr, 0));
		});
		int rcvid;
		do {
			within_ms(_NTO_TIMEOUT_RECEIVE, kPatienceMs);
			rcvid = MsgReceive(chid, &value, sizeof(value), nullptr);
			errors += rcvid == -1;
		} while (rcvid == -1 && errors <= i);
		ASSERT_GT(rcvid, 0) << strerror(errno);
		EXPECT_EQ(i, value);
		EXPECT_EQ(0, MsgReply(rcvid, 0, nullptr, 0));
		client.expect_success();
	}
	EXPECT_EQ(2, errors);
	EXPECT_EQ(0, ChannelDestroy(chid));
}

TEST_F(QnxPulse, Refuses)
{
	EXPECT_FAILS(EINVAL, MsgSendPulse(coid, -1, 128, 0));
	EXPECT_FAILS(EINVAL, MsgSendPulse(coid, -1, -129, 0));
	EXPECT_FAILS(EINVAL, MsgSendPulse(coid, -2, 1, 0));
	EXPECT_FAILS(EINVAL, MsgSendPulse(coid, 256, 1, 0));
	EXPECT_FAILS(EBADF, MsgSendPulse(-1, -1, 1, 0));
	EXPECT_EQ(-EBADF, MsgSendPulse_r(-1, -1, 1, 0));
	EXPECT_EQ(-EBADF, MsgSendPulsePtr_r(-1, -1, 1, nullptr));
}

TEST_F(QnxPulse, AThousandAreQueued)
{
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, MsgSendPulse(coid, -1, 1, i)) << i << strerror(errno);
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(i, receive_pulse(chid).value.sival_int);
}

// Notices

TEST(QnxNotice, UnblockNamesTheMessage)
{
	int chid = ChannelCreate(_NTO_CHF_UNBLOCK), coid = connect(chid), error = 0, rcvid;
	char byte;
	_msg_info info;

	Thread client([&] {
		within_ms(_NTO_TIMEOUT_REPLY, 50);
		long result = MsgSend(coid, "x", 1, nullptr, 0);
		error = errno;
		return result;
	});
	rcvid = MsgReceive(chid, &byte, 1, nullptr);
	_pulse pulse = receive_pulse(chid);
	EXPECT_EQ(_PULSE_CODE_UNBLOCK, pulse.code);
	EXPECT_EQ(rcvid, pulse.value.sival_int);
	EXPECT_EQ(0, MsgInfo(rcvid, &info));
	EXPECT_NE(0, info.flags & _NTO_MI_UNBLOCK_REQ);
	EXPECT_FALSE(client.done()) << "it waits for the server to answer";
	EXPECT_EQ(0, MsgError(rcvid, -1)); /* whatever it was */
	EXPECT_EQ(-1, client.join());
	EXPECT_EQ(ETIMEDOUT, error);
	ConnectDetach(coid);
	ChannelDestroy(chid);
}

// Whatever the server answers to the pulse is what the client gets, late as it is.
TEST(QnxNotice, AnUnblockedClientGetsTheServersAnswer)
{
	int chid = ChannelCreate(_NTO_CHF_UNBLOCK), coid = connect(chid);
	char byte;

	Thread client([&] {
		within_ms(_NTO_TIMEOUT_REPLY, 50);
		return MsgSend(coid, "x", 1, nullptr, 0);
	});
	int rcvid = MsgReceive(chid, &byte, 1, nullptr);
	EXPECT_EQ(rcvid, receive_pulse(chid).value.sival_int);
	EXPECT_EQ(0, MsgReply(rcvid, 5, nullptr, 0));
	EXPECT_EQ(5, client.join());
	ConnectDetach(coid);
	ChannelDestroy(chid);
}

TEST(QnxNotice, AClientThatIsKilledWhileItWaitsForTheReply)
{
	int chid = ChannelCreate(_NTO_CHF_DISCONNECT | _NTO_CHF_UNBLOCK);
	char byte;
	_msg_info info;

	Child child([chid](Child &) {
		return static_cast<int>(MsgSend(connect(chid, getppid()), "x", 1, nullptr, 0));
	});
	int rcvid = MsgReceive(chid, &byte, 1, &info);
	EXPECT_EQ(child.pid(), info.pid);
	child.kill(SIGKILL);
	child.wait();
	_pulse pulse = receive_pulse(chid);
	EXPECT_EQ(_PULSE_CODE_DISCONNECT, pulse.code);
	EXPECT_EQ(info.scoid, pulse.scoid);
	EXPECT_FAILS(ESRCH, MsgReply(rcvid, 0, nullptr, 0));
	ChannelDestroy(chid);
}

TEST(QnxNotice, DisconnectWhenTheClientDies)
{
	int chid = ChannelCreate(_NTO_CHF_DISCONNECT), rcvid;
	char byte;
	_msg_info info;

	Child child([chid](Child &) {
		int first = connect(chid, getppid()), second = connect(chid, getppid());
		MsgSend(first, "x", 1, nullptr, 0);
		ConnectDetach(first); /* there is another: no pulse */
		MsgSend(second, "x", 1, nullptr, 0);
		return 0;
	});
	rcvid = MsgReceive(chid, &byte, 1, &info);
	EXPECT_EQ(child.pid(), info.pid);
	MsgReply(rcvid, 0, nullptr, 0);
	rcvid = MsgReceive(chid, &byte, 1, &info);
	EXPECT_TRUE(no_pulse(chid));
	MsgReply(rcvid, 0, nullptr, 0);
	_pulse pulse = receive_pulse(chid);
	EXPECT_EQ(_PULSE_CODE_DISCONNECT, pulse.code);
	EXPECT_EQ(info.scoid, pulse.scoid);
	EXPECT_EQ(0, ConnectDetach(pulse.scoid));
	child.expect_success();
	ChannelDestroy(chid);
}

TEST(QnxNotice, ConnectionDeathNamesTheConnection)
{
	int before = ChannelCreate(_NTO_CHF_COID_DISCONNECT);
	int chids[2] = {ChannelCreate(0), ChannelCreate(0)};
	int coids[2] = {connect(chids[0]), connect(chids[1])};

	ChannelDestroy(chids[0]);
	_pulse pulse = receive_pulse(before);
	EXPECT_EQ(_PULSE_CODE_COIDDEATH, pulse.code);
	EXPECT_EQ(coids[0], pulse.value.sival_int);
	/* another channel takes over, also for connections that are older */
	ChannelDestroy(before);
	int after = ChannelCreate(_NTO_CHF_COID_DISCONNECT);
	ChannelDestroy(chids[1]);
	pulse = receive_pulse(after);
	EXPECT_EQ(_PULSE_CODE_COIDDEATH, pulse.code);
	EXPECT_EQ(coids[1], pulse.value.sival_int);
	ConnectDetach(coids[0]);
	ConnectDetach(coids[1]);
	ChannelDestroy(after);
}

TEST(QnxNotice, ThreadDeathNamesTheThread)
{
	int chid = ChannelCreate(_NTO_CHF_THREAD_DEATH);
	std::atomic<int> tid{0};
	pthread_t thread;
	auto body = [](void *arg) -> void * {
		*static_cast<std::atomic<int> *>(arg) = gettid();
		return nullptr;
	};

	ASSERT_EQ(0, pthread_create(&thread, nullptr, body, &tid));
	pthread_join(thread, nullptr);
	_pulse pulse = receive_pulse(chid);
	EXPECT_EQ(_PULSE_CODE_THREADDEATH, pulse.code);
	EXPECT_EQ(tid, pulse.value.sival_int);
	/* one that another library has made, and that was blocked here */
	int other = ChannelCreate(0);
	Thread blocked([&] {
		char byte;
		return MsgReceive_r(other, &byte, 1, nullptr);
	});
	ASSERT_TRUE(blocked.wait_blocked(STPLR_MSG_RECEIVE));
	ChannelDestroy(other);
	blocked.join();
	pulse = receive_pulse(chid);
	EXPECT_EQ(_PULSE_CODE_THREADDEATH, pulse.code);
	EXPECT_EQ(blocked.tid(), pulse.value.sival_int);
	ChannelDestroy(chid);
}

// Events. A server's thread and its client in one process; the programs have them apart.

class QnxDeliver : public Qnx
{
protected:
	// What the client sends, and the server keeps after it has answered.
	int send(const struct sigevent &event)
	{
		Thread server([this] {
			_msg_info info;
			int rcvid = MsgReceive(chid, &received, sizeof(received), &info);
			EXPECT_EQ(static_cast<ssize_t>(sizeof(received)), info.msglen);
			EXPECT_EQ(0, MsgReply(rcvid, 0, nullptr, 0));
			return rcvid;
		});
		EXPECT_EQ(0, MsgSend(coid, &event, sizeof(event), nullptr, 0));
		return static_cast<int>(server.join());
	}
	~QnxDeliver() override
	{
		ConnectDetach(self);
		ChannelDestroy(own);
	}

	void signals_threads_and_semaphores();

	struct sigevent received;
	int own = ChannelCreate(_NTO_CHF_PRIVATE), self = connect(own);
};

TEST_F(QnxDeliver, APulseThatWasNotRegistered)
{
	struct sigevent event;

	SIGEV_PULSE_PTR_INIT(&event, self, 15, 9, this);
	int rcvid = send(event);
	ASSERT_EQ(0, MsgDeliverEvent(rcvid, &received)) << strerror(errno);
	_pulse pulse = receive_pulse(own);
	EXPECT_EQ(9, pulse.code);
	EXPECT_EQ(this, pulse.value.sival_ptr);
	event.sigev_value.sival_int = 77; /* by hand, after the initialiser */
	rcvid = send(event);
	EXPECT_EQ(0, MsgDeliverEvent_r(rcvid, &received));
	EXPECT_EQ(77, receive_pulse(own).value.sival_int);
	EXPECT_EQ(0, MsgVerifyEvent(0, &event));
	/* the connection for it is gone */
	ConnectDetach(self);
	EXPECT_FAILS(ESRCH, MsgDeliverEvent(rcvid, &received));
	EXPECT_FAILS(ESRCH, MsgVerifyEvent(0, &event));
	self = connect(own);
}

TEST_F(QnxDeliver, ARegisteredPulse)
{
	struct sigevent event, update;

	SIGEV_PULSE_INIT(&event, self, SIGEV_PULSE_PRIO_INHERIT, 9, 123);
	update = event;
	SIGEV_MAKE_UPDATEABLE(&update);
	ASSERT_EQ(0, MsgRegisterEvent(&event, coid)) << strerror(errno);
	ASSERT_EQ(0, MsgRegisterEvent(&update, coid));
	EXPECT_EQ(SIGEV_PULSE, SIGEV_GET_TYPE(&event));
	int rcvid = send(event);
	received.sigev_value.sival_int = 666;
	EXPECT_EQ(0, MsgDeliverEvent(rcvid, &received));
	EXPECT_EQ(123, receive_pulse(own).value.sival_int) << "the server changed the value";
	rcvid = send(update);
	received.sigev_value.sival_int = 666;
	EXPECT_EQ(0, MsgDeliverEvent(rcvid, &received));
	EXPECT_EQ(666, receive_pulse(own).value.sival_int);
	EXPECT_EQ(0, MsgUnregisterEvent(&update));
	EXPECT_FAILS(ESRCH, MsgUnregisterEvent(&update));
	EXPECT_FAILS(ESRCH, MsgDeliverEvent(rcvid, &received));
	EXPECT_EQ(0, MsgUnregisterEvent_r(&event));
}

TEST_F(QnxDeliver, ARegisteredEventIsForOneServer)
{
	int other = ChannelCreate(0), to_other = connect(other);
	struct sigevent event;

	SIGEV_PULSE_INIT(&event, self, 10, 1, 1);
	ASSERT_EQ(0, MsgRegisterEvent(&event, to_other));
	int rcvid = send(event);
	EXPECT_FAILS(EACCES, MsgDeliverEvent(rcvid, &received));
	EXPECT_TRUE(no_pulse(own));
	SIGEV_PULSE_INIT(&event, self, 10, 1, 1);
	ASSERT_EQ(0, MsgRegisterEvent(&event, -1));
	rcvid = send(event);
	EXPECT_EQ(0, MsgDeliverEvent(rcvid, &received));
	EXPECT_EQ(1, receive_pulse(own).code);
	EXPECT_EQ(0, MsgUnregisterEvent(&event));
	EXPECT_FAILS(EBADF, MsgRegisterEvent(&event, STDIN_FILENO));
	EXPECT_EQ(-EBADF, MsgRegisterEvent_r(&event, 0x12345));
	ConnectDetach(to_other);
	ChannelDestroy(other);
}

TEST_F(QnxDeliver, SignalsThreadsAndSemaphores)
{
	Child child([this](Child &) { /* where no other thread takes signals */
				      ConnectDetach(coid);
				      chid = ChannelCreate(0);
				      coid = connect(chid);
				      signals_threads_and_semaphores();
				      return 0;
	});
	child.expect_success();
}

void QnxDeliver::signals_threads_and_semaphores()
{
	struct sigevent event;
	siginfo_t info;
	sigset_t set;
	sem_t semaphore;
	timespec patience = {kPatienceMs / 1000, 0};

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMAX);
	pthread_sigmask(SIG_BLOCK, &set, nullptr);

	SIGEV_SIGNAL_INIT(&event, SIGRTMIN);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));

	SIGEV_SIGNAL_THREAD_INIT(&event, SIGRTMAX, 41, SI_MAXAVAIL);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_EQ(SIGRTMAX, sigtimedwait(&set, &info, &patience));
	EXPECT_EQ(41, info.si_value.sival_int);
	EXPECT_EQ(SI_MAXAVAIL, info.si_code);

	SIGEV_SIGNAL_CODE_INIT(&event, SIGRTMIN, 42, SI_MINAVAIL);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));
	EXPECT_EQ(42, info.si_value.sival_int);
	EXPECT_EQ(SI_MINAVAIL, info.si_code);

	SIGEV_SIGNAL_VALUE_INT_INIT(&event, SIGRTMIN, 43);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));
	EXPECT_EQ(43, info.si_value.sival_int);

	sem_init(&semaphore, 0, 0);
	SIGEV_SEM_INIT(&event, &semaphore);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_TRUE(eventually([&] { return sem_trywait(&semaphore) == 0; }));

	SIGEV_THREAD_INIT(
		&event, [](union sigval value) { sem_post(static_cast<sem_t *>(value.sival_ptr)); },
		&semaphore, nullptr);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_TRUE(eventually([&] { return sem_trywait(&semaphore) == 0; }));

	SIGEV_NONE_INIT(&event);
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	SIGEV_UNBLOCK_INIT(&event);
	EXPECT_FAILS(EINVAL, MsgDeliverEvent(send(event), &received));
	EXPECT_FAILS(EFAULT, MsgDeliverEvent(1, nullptr));
	pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST_F(QnxDeliver, AsManyAsTheKernelTakes)
{
	struct sigevent first, event;

	SIGEV_PULSE_INIT(&first, self, 1, 0, 1);
	int rcvid = send(first);
	for (int priority = 1; priority <= 10; priority++)
		for (int code = 0; code < 100; code++)
			SIGEV_PULSE_INIT(&event, self, priority, code, 2);
	EXPECT_EQ(0, MsgDeliverEvent(rcvid, &received)) << strerror(errno);
	EXPECT_EQ(1, receive_pulse(own).value.sival_int);
	rcvid = send(event);
	EXPECT_EQ(0, MsgDeliverEvent(rcvid, &received));
	EXPECT_EQ(99, receive_pulse(own).code);
}

TEST_F(QnxDeliver, OneThatTheKernelHasNoRoomForIsEAGAIN)
{
	struct sigevent event;

	{
		Parameter none("user_events", 0);
		SIGEV_PULSE_INIT(&event, self, 10, 33, 1);
	}
	int rcvid = send(event);
	EXPECT_FAILS(EAGAIN, MsgDeliverEvent(rcvid, &received));
	SIGEV_PULSE_INIT(&event, self, 10, 33, 1);
	rcvid = send(event);
	EXPECT_EQ(0, MsgDeliverEvent(rcvid, &received));
	EXPECT_EQ(33, receive_pulse(own).code);
}

TEST_F(QnxDeliver, AThreadTakesItsEventsWithIt)
{
	Parameter few("user_events", 30);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, nullptr);
	for (int i = 0; i < 100; i++) {
		Thread thread([this] {
			struct sigevent event;
			SIGEV_SIGNAL_THREAD_INIT(&event, SIGRTMIN, 1, SI_MAXAVAIL);
			return MsgDeliverEvent_r(send(event), &received);
		});
		ASSERT_EQ(0, thread.join()) << i;
	}
	pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST_F(QnxDeliver, OneThatWasChangedSinceIsRefused)
{
	struct sigevent event, changed;

	SIGEV_PULSE_INIT(&event, self, 10, 9, 1);
	changed = event;
	changed.sigev_code = 8;
	EXPECT_FAILS(EINVAL, MsgDeliverEvent(send(changed), &received));
	changed = event;
	changed.sigev_priority = 11;
	EXPECT_FAILS(EINVAL, MsgDeliverEvent(send(changed), &received));
	changed = event;
	changed.sigev_coid = coid;
	EXPECT_FAILS(EINVAL, MsgDeliverEvent(send(changed), &received));
	changed = event;
	changed.sigev_notify = SIGEV_SIGNAL;
	EXPECT_FAILS(EINVAL, MsgDeliverEvent(send(changed), &received));
	EXPECT_TRUE(no_pulse(own));
	/* made by hand on a stack that held anything */
	memset(&changed, 0xff, sizeof(changed));
	changed.sigev_notify = SIGEV_PULSE;
	EXPECT_FAILS(EINVAL, MsgDeliverEvent(send(changed), &received));
	/* the value and the flags are not what the kernel knows it by */
	SIGEV_MAKE_CRITICAL(&event);
	event.sigev_value.sival_int = 2;
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_EQ(2, receive_pulse(own).value.sival_int);
	event.sigev_code = 8;
	EXPECT_EQ(0, MsgRegisterEvent(&event, coid));
	EXPECT_EQ(0, MsgDeliverEvent(send(event), &received));
	EXPECT_EQ(8, receive_pulse(own).code);
}

TEST_F(QnxDeliver, ToItself)
{
	struct sigevent event;

	SIGEV_PULSE_INIT(&event, self, 10, 12, 13);
	EXPECT_EQ(0, MsgDeliverEvent(0, &event));
	EXPECT_EQ(13, receive_pulse(own).value.sival_int);
}

// TimerTimeout

TEST_F(QnxTimeout, IsForTheNextCallOnly)
{
	char byte;
	int rcvid;
	Client client(coid);

	within_ms(_NTO_TIMEOUT_RECEIVE, 0);
	EXPECT_FAILS(EINVAL, MsgSendPulse(coid, -1, 1000, 0));
	/* that one took it: this would fail if nobody were there yet */
	rcvid = MsgReceive(chid, &byte, 1, nullptr);
	EXPECT_GT(rcvid, 0);
	MsgReply(rcvid, 0, nullptr, 0);
}

TEST_F(QnxTimeout, ForOtherStatesDoesNotCount)
{
	within_ms(_NTO_TIMEOUT_RECEIVE, 0);
	Thread server([this] {
		int rcvid;
		receive(&rcvid);
		EXPECT_TRUE(eventually(
			[] { return blocked_in(getpid(), getpid(), STPLR_MSG_SEND_RECEIVE); }));
		return MsgReply_r(rcvid, 0, nullptr, 0);
	});
	EXPECT_EQ(0, MsgSend(coid, "", 0, nullptr, 0));
	EXPECT_EQ(0, server.join());
}

// SEND ends only what nobody has received, REPLY only what somebody has.
TEST_F(QnxTimeout, EndsTheStateThatItIsFor)
{
	int reply_and_send = _NTO_TIMEOUT_SEND | _NTO_TIMEOUT_REPLY;
	Thread idle([this] {
		within_ms(_NTO_TIMEOUT_REPLY, 20);
		return MsgSend_r(coid, "", 0, nullptr, 0);
	});
	sleep_ms(60);
	EXPECT_FALSE(idle.done()) << "it is SEND-blocked";
	int rcvid;
	receive(&rcvid);
	EXPECT_EQ(-ETIMEDOUT, idle.join());

	Thread taken([this] {
		within_ms(_NTO_TIMEOUT_SEND, 1000);
		return MsgSend_r(coid, "", 0, nullptr, 0);
	});
	receive(&rcvid);
	sleep_ms(1100);
	EXPECT_FALSE(taken.done()) << "it is REPLY-blocked";
	EXPECT_EQ(0, MsgReply(rcvid, 3, nullptr, 0));
	EXPECT_EQ(3, taken.join());
	within_ms(reply_and_send, 20);
	EXPECT_FAILS(ETIMEDOUT, static_cast<int>(MsgSend(coid, "", 0, nullptr, 0)));
	Thread both([&] {
		within_ms(reply_and_send, 1000);
		return MsgSend_r(coid, "", 0, nullptr, 0);
	});
	receive(&rcvid);
	EXPECT_EQ(-ETIMEDOUT, both.join());
}

TEST_F(QnxTimeout, Refuses)
{
	uint64_t ns = 1;
	struct sigevent event;

	SIGEV_PULSE_INIT(&event, coid, 10, 5, 6);
	EXPECT_FAILS(EINVAL, TimerTimeout(77, _NTO_TIMEOUT_SEND, nullptr, &ns, nullptr));
	EXPECT_FAILS(EINVAL, TimerTimeout(CLOCK_MONOTONIC, 1 << 20, nullptr, &ns, nullptr));
	for (int flag : {_NTO_TIMEOUT_NANOSLEEP, _NTO_TIMEOUT_MUTEX, _NTO_TIMEOUT_CONDVAR,
			 _NTO_TIMEOUT_JOIN, _NTO_TIMEOUT_SEM, _NTO_TIMEOUT_SIGWAITINFO})
		EXPECT_EQ(-ENOSYS, TimerTimeout_r(CLOCK_MONOTONIC, flag, nullptr, &ns, nullptr));
	timespec bad = {0, 1000000000};
	EXPECT_FAILS(EINVAL,
		     timer_timeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_SEND, nullptr, &bad, nullptr));
}

TEST_F(QnxTimeout, TellsWhatWasLeft)
{
	uint64_t ns = 60000 * kMs, left = 0;
	timespec left_time = {};

	EXPECT_EQ(0, TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_SEND, nullptr, &ns, &left));
	EXPECT_EQ(0u, left);
	EXPECT_EQ(0, TimerTimeout(CLOCK_REALTIME, _NTO_TIMEOUT_REPLY, nullptr, &ns, &left));
	EXPECT_LT(30000 * kMs, left);
	EXPECT_GE(ns, left);
	EXPECT_EQ(0, timer_timeout(CLOCK_REALTIME, 0, nullptr, nullptr, &left_time));
	EXPECT_LT(30, left_time.tv_sec);
}

TEST_F(QnxTimeout, MayNotifyInstead)
{
	int own = ChannelCreate(0), self = connect(own);
	struct sigevent event;
	uint64_t ns = 20 * kMs;

	SIGEV_PULSE_INIT(&event, self, 10, 5, 6);
	EXPECT_EQ(0, TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_SEND | _NTO_TIMEOUT_REPLY, &event,
				  &ns, nullptr));
	Thread server([&] {
		int rcvid;
		receive(&rcvid);
		EXPECT_EQ(5, receive_pulse(own).code);
		return MsgReply_r(rcvid, 8, nullptr, 0);
	});
	EXPECT_EQ(8, MsgSend(coid, "", 0, nullptr, 0));
	EXPECT_EQ(0, server.join());
	ConnectDetach(self);
	ChannelDestroy(own);
}

TEST_F(QnxTimeout, AMomentMayBeGiven)
{
	timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t moment = timespec2nsec(&now) + 30 * kMs;
	char byte;

	EXPECT_EQ(0, TimerTimeout(CLOCK_REALTIME, _NTO_TIMEOUT_RECEIVE | TIMER_ABSTIME, nullptr,
				  &moment, nullptr));
	EXPECT_FAILS(ETIMEDOUT, MsgReceive(chid, &byte, 1, nullptr));
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT_LE(moment, timespec2nsec(&now));
}

// Timers

TEST_F(QnxTimer, PulsesAreNotLostToAFullQueue)
{
	nto_channel_config config = {};
	config.num_pulses = 2;
	int pool = ChannelCreatePulsePool(0, &config), to_pool = connect(pool);
	struct sigevent event;
	struct itimerspec time = {{0, 2000000}, {0, 2000000}}, left;
	timer_t timer;

	SIGEV_PULSE_INIT(&event, to_pool, 10, 1, 9);
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	uint64_t start = ClockCycles();
	ASSERT_EQ(0, timer_settime(timer, 0, &time, nullptr));
	sleep_ms(60);
	time = {};
	ASSERT_EQ(0, timer_settime(timer, 0, &time, &left));
	EXPECT_EQ(2000000, left.it_interval.tv_nsec);
	uint64_t most = (ClockCycles() - start) / 2000000;
	int count = 0;
	_pulse pulse;
	for (;; count++) {
		within_ms(_NTO_TIMEOUT_RECEIVE, 300);
		if (MsgReceivePulse(pool, &pulse, sizeof(pulse), nullptr))
			break;
		EXPECT_EQ(9, pulse.value.sival_int);
	}
	EXPECT_LE(29, count);
	EXPECT_GE(most, static_cast<uint64_t>(count));
	EXPECT_EQ(0, timer_getoverrun(timer));
	EXPECT_EQ(0, timer_delete(timer));
	EXPECT_FAILS(EINVAL, timer_delete(timer));
	EXPECT_FAILS(EINVAL, timer_gettime(timer, &left));
	ConnectDetach(to_pool);
	ChannelDestroy(pool);
}

void timers_that_end_in_signals()
{
	struct sigevent event;
	struct itimerspec time = {{0, 0}, {0, 10000000}}, left;
	sigset_t set;
	siginfo_t info;
	timer_t timer;
	timespec patience = {kPatienceMs / 1000, 0};

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, nullptr);
	SIGEV_SIGNAL_INIT(&event, SIGRTMIN);
	event.sigev_value.sival_int = 31;
	ASSERT_EQ(0, timer_create(CLOCK_REALTIME, &event, &timer));
	EXPECT_EQ(0, timer_settime(timer, 0, &time, nullptr));
	EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));
	EXPECT_EQ(31, info.si_value.sival_int);
	EXPECT_EQ(0, timer_gettime(timer, &left));
	EXPECT_EQ(0, left.it_value.tv_nsec);
	EXPECT_EQ(0, timer_delete(timer));

	SIGEV_SIGNAL_CODE_INIT(&event, SIGRTMIN, 32, SI_MINAVAIL);
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	EXPECT_EQ(0, timer_settime(timer, 0, &time, nullptr));
	EXPECT_EQ(SIGRTMIN, sigtimedwait(&set, &info, &patience));
	EXPECT_EQ(32, info.si_value.sival_int);
	EXPECT_EQ(SI_MINAVAIL, info.si_code);
	EXPECT_EQ(0, timer_delete(timer));
	SIGEV_UNBLOCK_INIT(&event);
	EXPECT_FAILS(EINVAL, timer_create(CLOCK_MONOTONIC, &event, &timer));
	pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

// As courses teach it: the event filled in by hand, its priority the thread's.
TEST_F(QnxTimer, OfAnEventMadeByHand)
{
	struct sigevent event;
	struct itimerspec time = {{0, 1000000}, {0, 1000000}};
	timer_t timer;
	_pulse pulse;
	int count = 0;

	event.sigev_notify = SIGEV_PULSE;
	event.sigev_coid = coid;
	event.sigev_priority = static_cast<short>(getprio(0));
	event.sigev_code = 5;
	ASSERT_EQ(0, timer_create(CLOCK_REALTIME, &event, &timer));
	uint64_t start = ClockCycles();
	ASSERT_EQ(0, timer_settime(timer, 0, &time, nullptr));
	sleep_ms(500);
	EXPECT_EQ(0, timer_delete(timer));
	uint64_t most = (ClockCycles() - start) / 1000000;
	for (;; count++) {
		within_ms(_NTO_TIMEOUT_RECEIVE, 0);
		if (MsgReceivePulse(chid, &pulse, sizeof(pulse), nullptr))
			break;
		EXPECT_EQ(5, pulse.code);
	}
	EXPECT_LE(490, count) << "each time that it has expired is a pulse";
	EXPECT_GE(most, static_cast<uint64_t>(count));
}

TEST_F(QnxTimer, RunsAFunctionWithTheWholePointer)
{
	Child child([](Child &) { /* the event stays known to its process */
				  struct sigevent event;
				  struct itimerspec time = {{0, 0}, {0, 1000000}};
				  timer_t timer;
				  sem_t ran;

				  sem_init(&ran, 0, 0);
				  SIGEV_THREAD_INIT(
					  &event,
					  [](union sigval value) {
						  sem_post(static_cast<sem_t *>(value.sival_ptr));
					  },
					  &ran, nullptr);
				  EXPECT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
				  EXPECT_EQ(0, timer_settime(timer, 0, &time, nullptr));
				  EXPECT_TRUE(eventually([&] { return sem_trywait(&ran) == 0; }));
				  EXPECT_EQ(0, timer_delete(timer));
				  return testing::Test::HasFailure();
	});
	child.expect_success();
}

TEST_F(QnxTimer, OfACodeTheLowEightBitsCount)
{
	struct sigevent event = {};
	struct itimerspec time = {{0, 0}, {0, 1000000}};
	timer_t timer;

	// 1023: in an example of QNX's own
	for (int code : {1023, 300, 128, 127, -1}) {
		event.sigev_notify = SIGEV_PULSE;
		event.sigev_coid = coid;
		event.sigev_priority = 10;
		event.sigev_code = static_cast<short>(code);
		ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer)) << strerror(errno);
		ASSERT_EQ(0, timer_settime(timer, 0, &time, nullptr));
		EXPECT_EQ(static_cast<int8_t>(code), receive_pulse(chid).code);
		EXPECT_EQ(0, timer_delete(timer));
	}
}

TEST_F(QnxTimer, ThatCouldNeverSendIsRefused)
{
	struct sigevent event;
	timer_t timer;

	SIGEV_PULSE_INIT(&event, 0x7fff, 10, 1, 0);
	EXPECT_FAILS(EINVAL, timer_create(CLOCK_MONOTONIC, &event, &timer));
	// The kernel's codes, to another process's channel.
	Child child([this](Child &) {
		struct sigevent to_parent;
		timer_t its_timer;
		int to = ConnectAttach(0, getppid(), chid, _NTO_SIDE_CHANNEL, 0);
		SIGEV_PULSE_INIT(&to_parent, to, 10, -1, 0);
		EXPECT_FAILS(EINVAL, timer_create(CLOCK_MONOTONIC, &to_parent, &its_timer));
		return testing::Test::HasFailure();
	});
	child.expect_success();
}

TEST_F(QnxTimer, EndsInSignalsToo)
{
	Child child([](Child &) {
		timers_that_end_in_signals();
		return 0;
	});
	child.expect_success();
}

TEST_F(QnxTimer, MayBeDeletedWhileItFires)
{
	struct sigevent event;
	struct itimerspec time = {{0, 100000}, {0, 100000}};
	timer_t timer;

	SIGEV_PULSE_INIT(&event, coid, 10, 1, 9);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
		ASSERT_EQ(0, timer_settime(timer, 0, &time, nullptr));
		sleep_ms(1);
		ASSERT_EQ(0, timer_delete(timer));
		while (!no_pulse(chid))
			;
	}
}

// Names

TEST(QnxName, Refuses)
{
	name_attach_t *attach = name_attach(nullptr, "qnx_test", 0);

	ASSERT_NE(nullptr, attach) << strerror(errno);
	errno = 0;
	EXPECT_EQ(nullptr, name_attach(nullptr, "qnx_test", 0));
	EXPECT_EQ(EBUSY, errno);
	for (const char *bad : {"", "/absolute", "a/../b"}) {
		EXPECT_EQ(nullptr, name_attach(nullptr, bad, 0)) << bad;
		EXPECT_EQ(EINVAL, errno) << bad;
	}
	EXPECT_EQ(nullptr, name_attach(nullptr, nullptr, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(nullptr, name_attach(nullptr, std::string(64, 'x').c_str(), 0));
	EXPECT_EQ(ENAMETOOLONG, errno);
	EXPECT_FAILS(ENOENT, name_open("qnx_test_nobody", 0));
	EXPECT_FAILS(ENAMETOOLONG, name_open(std::string(5000, 'x').c_str(), 0));
	EXPECT_FAILS(EINVAL, name_open(nullptr, 0));
	EXPECT_EQ(0, name_detach(attach, 0));
	attach = name_attach(nullptr, "qnx_test", NAME_FLAG_ATTACH_GLOBAL);
	EXPECT_NE(nullptr, attach) << "a detached name is free";
	EXPECT_EQ(0, name_detach(attach, 0));
	EXPECT_FAILS(EINVAL, name_detach(nullptr, 0));
}

// What a server's thread saw of a client that opened, sent once and closed.
std::string serve_name(int chid)
{
	union {
		_io_connect connect;
		_pulse pulse;
		char bytes[200];
	} message;
	std::string seen;

	for (;;) {
		within_ms(_NTO_TIMEOUT_RECEIVE, kPatienceMs);
		int rcvid = MsgReceive(chid, &message, sizeof(message), nullptr);
		if (rcvid == -1)
			return seen + strerror(errno);
		if (!rcvid && message.pulse.code == _PULSE_CODE_DISCONNECT)
			return seen + "disconnect";
		if (!rcvid)
			continue;
		if (message.connect.type == _IO_CONNECT) {
			EXPECT_EQ(_IO_CONNECT_OPEN, message.connect.subtype);
			seen += std::string("connect ") + message.connect.path + " ";
		} else {
			seen += "message ";
		}
		MsgReply(rcvid, EOK, nullptr, 0);
	}
}

void use_name(const char *name, int chid, bool connect = false)
{
	Child client([name](Child &) {
		uint16_t type = _IO_MAX + 1;
		int coid = name_open(name, 0);
		if (coid == -1 || !(coid & _NTO_SIDE_CHANNEL))
			return 1;
		if (MsgSend(coid, &type, sizeof(type), nullptr, 0))
			return 2;
		return name_close(coid) ? 3 : 0;
	});
	std::string expected = connect ? std::string("connect ") + name + " " : "";
	EXPECT_EQ(expected + "message disconnect", serve_name(chid));
	client.expect_success();
}

TEST(QnxName, AllKindsOfNames)
{
	for (const char *name : {"plain", "a/path/of_x41it", "with space", "\xc3\xa4", "_x"}) {
		name_attach_t *attach = name_attach(nullptr, name, 0);
		ASSERT_NE(nullptr, attach) << name << strerror(errno);
		use_name(name, attach->chid);
		EXPECT_EQ(0, name_detach(attach, 0));
	}
}

TEST(QnxName, OfADispatchHandle)
{
	/* one without a channel: the name is the channel's; then a second name for the channel */
	dispatch_t *dpp = dispatch_create();
	name_attach_t *first = name_attach(dpp, "first", 0), *second;

	ASSERT_NE(nullptr, first) << strerror(errno);
	EXPECT_EQ(dpp, first->dpp);
	second = name_attach(dpp, "second", 0);
	ASSERT_NE(nullptr, second) << strerror(errno);
	EXPECT_EQ(first->chid, second->chid);
	use_name("first", first->chid);
	use_name("second", first->chid);
	name_attach_t *third = name_attach(dpp, "third", NAME_FLAG_ATTACH_CONNECT);
	ASSERT_NE(nullptr, third) << strerror(errno);
	use_name("third", first->chid, true);
	EXPECT_EQ(0, name_detach(third, NAME_FLAG_DETACH_SAVEDPP));
	EXPECT_EQ(0, name_detach(second, NAME_FLAG_DETACH_SAVEDPP));
	EXPECT_FAILS(ENOENT, name_open("second", 0));
	EXPECT_EQ(0, name_detach(first, 0));
	EXPECT_FAILS(ENOENT, name_open("first", 0));
}

TEST(QnxName, AServerMayAskToBeGreeted)
{
	name_attach_t *attach = name_attach(nullptr, "greeted", NAME_FLAG_ATTACH_CONNECT);
	ASSERT_NE(nullptr, attach) << strerror(errno);
	EXPECT_EQ(nullptr, name_attach(nullptr, "greeted", 0));
	EXPECT_EQ(EBUSY, errno);
	use_name("greeted", attach->chid, true);
	EXPECT_EQ(0, name_detach(attach, 0));
	EXPECT_FAILS(ENOENT, name_open("greeted", 0));

	setenv("STPLR_QNX_CONNECT", "1", 1);
	attach = name_attach(nullptr, "greeted", 0);
	unsetenv("STPLR_QNX_CONNECT");
	ASSERT_NE(nullptr, attach) << strerror(errno);
	use_name("greeted", attach->chid, true);
	EXPECT_EQ(0, name_detach(attach, 0));
}

// What name_open() of a server that does not receive comes to, and whether its pulses arrive.
void open_idle(dispatch_t *dpp)
{
	name_attach_t *attach = name_attach(dpp, "idle", 0);
	ASSERT_NE(nullptr, attach) << strerror(errno);
	// This process's own name, and a pulse to a server that takes nothing else.
	int coid = name_open("idle", 0);
	ASSERT_NE(-1, coid) << strerror(errno);
	EXPECT_EQ(0, MsgSendPulse(coid, -1, 5, 42));
	EXPECT_EQ(42, receive_pulse(attach->chid).value.sival_int);
	EXPECT_EQ(0, name_close(coid));
	EXPECT_EQ(_PULSE_CODE_DISCONNECT, receive_pulse(attach->chid).code);

	// Two processes open each other, and neither receives yet.
	Child other([](Child &self) {
		name_attach_t *its_own = name_attach(nullptr, "idle_other", 0);
		self.tell(its_own != nullptr);
		int to_parent = name_open("idle", 0);
		self.tell(to_parent != -1);
		self.hear();
		return 0;
	});
	EXPECT_TRUE(other.hear());
	coid = name_open("idle_other", 0);
	EXPECT_NE(-1, coid) << strerror(errno);
	EXPECT_TRUE(other.hear());
	other.tell(0);
	other.expect_success();
	EXPECT_EQ(_PULSE_CODE_DISCONNECT, receive_pulse(attach->chid).code);
	EXPECT_EQ(0, name_close(coid));
	EXPECT_EQ(0, name_detach(attach, 0));
}

TEST(QnxName, IsOpenedWithoutTheServer)
{
	open_idle(nullptr);
	open_idle(dispatch_create_channel(ChannelCreate(_NTO_CHF_DISCONNECT), 0));
}

TEST(QnxName, ClientsThatAskNothingDelayNobody)
{
	dispatch_t *dpp = dispatch_create_channel(ChannelCreate(_NTO_CHF_DISCONNECT), 0);
	name_attach_t *attach = name_attach(dpp, "silent_clients", 0);
	ASSERT_NE(nullptr, attach) << strerror(errno);
	Fd device = open_device();
	std::vector<Fd> silent;
	for (int i = 0; i < 200; i++) {
		stplr_connect_attach args = attach_args("silent_clients");
		args.clock = CLOCK_MONOTONIC;
		args.deadline = in_ms(kPatienceMs); // for the backlog to have room
		silent.emplace_back(connect_attach(device, args));
		ASSERT_GE(silent.back(), 0);
	}
	use_name("silent_clients", attach->chid);
	silent.clear();
	use_name("silent_clients", attach->chid);
	EXPECT_EQ(0, name_detach(attach, 0));
}

TEST(QnxName, AServerMayRefuse)
{
	name_attach_t *attach = name_attach(nullptr, "refuses", NAME_FLAG_ATTACH_CONNECT);
	Thread server([attach] {
		char buffer[200];
		int rcvid = MsgReceive(attach->chid, buffer, sizeof(buffer), nullptr);
		return MsgError_r(rcvid, EACCES);
	});
	EXPECT_FAILS(EACCES, name_open("refuses", 0));
	EXPECT_EQ(0, server.join());
	EXPECT_EQ(0, name_detach(attach, 0));
}

// Dispatching; the program thread_pool does more of it.

int count_calls(message_context_t *ctp, int code, unsigned, void *handle)
{
	++*static_cast<int *>(handle);
	if (ctp->rcvid)
		MsgReply(ctp->rcvid, code, nullptr, 0);
	return 0;
}

TEST(QnxDispatch, FindsTheHandler)
{
	dispatch_t *dpp = dispatch_create();
	int messages = 0, others = 0, pulses = 0;
	message_attr_t attr = {0, 1, 100}, otherwise = {MSG_FLAG_DEFAULT_FUNC, 1, 0};
	timespec soon = {0, 20000000};

	EXPECT_EQ(0, message_attach(dpp, &attr, 0x200, 0x2ff, count_calls, &messages));
	EXPECT_FAILS(EINVAL, message_attach(dpp, &attr, 0x2ff, 0x300, count_calls, &messages));
	EXPECT_EQ(0, message_attach(dpp, &otherwise, 0, 0, count_calls, &others));
	EXPECT_EQ(3, pulse_attach(dpp, 0, 3, count_calls, &pulses));
	int code = pulse_attach(dpp, MSG_FLAG_ALLOC_PULSE, 0, count_calls, &pulses);
	EXPECT_LE(0, code);
	EXPECT_FAILS(EINVAL, pulse_attach(dpp, 0, 3, count_calls, &pulses));

	dispatch_context_t *ctp = dispatch_context_alloc(dpp);
	ASSERT_NE(nullptr, ctp) << strerror(errno);
	attr.msg_max_size = 100000;
	EXPECT_FAILS(EINVAL, message_attach(dpp, &attr, 0x400, 0x400, count_calls, &messages));
	int coid = message_connect(dpp, MSG_FLAG_SIDE_CHANNEL);
	EXPECT_EQ(0, MsgSendPulse(coid, 20, 3, 0));
	EXPECT_EQ(0, MsgSendPulse(coid, 20, code, 0));
	EXPECT_EQ(0, MsgSendPulse(coid, 20, code ? 0 : 1, 0));
	Thread client([coid] {
		uint16_t type = 0x234;
		EXPECT_EQ(0x234, MsgSend(coid, &type, sizeof(type), nullptr, 0));
		type = 0x800;
		return MsgSend(coid, &type, sizeof(type), nullptr, 0);
	});
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(ctp, dispatch_block(ctp)) << strerror(errno);
		EXPECT_EQ(0, dispatch_handler(ctp));
	}
	EXPECT_EQ(0x800, client.join());
	EXPECT_EQ(1, messages);
	EXPECT_EQ(1, others);
	EXPECT_EQ(2, pulses);
	EXPECT_EQ(0, dispatch_timeout(dpp, &soon));
	EXPECT_EQ(nullptr, dispatch_block(ctp));
	EXPECT_EQ(ETIMEDOUT, errno);
	dispatch_unblock(ctp);
	EXPECT_EQ(nullptr, dispatch_block(ctp));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(0, message_detach(dpp, 0x200, 0x2ff, 0));
	EXPECT_FAILS(EINVAL, message_detach(dpp, 0x200, 0x2ff, 0));
	EXPECT_EQ(0, pulse_detach(dpp, 3, 0));
	ConnectDetach(coid);
	dispatch_context_free(ctp);
	EXPECT_EQ(0, dispatch_destroy(dpp));
}

// A message of the program's own comes to the default function, name_open()'s does not.
void answers_names_by_itself(dispatch_t *dpp, const char *name)
{
	dispatch_context_t *ctp = dispatch_context_alloc(dpp);
	Thread client([name] {
		uint16_t type = 0x800;
		int coid = name_open(name, 0);
		if (coid == -1)
			return -errno;
		long status = MsgSend(coid, &type, sizeof(type), nullptr, 0);
		name_close(coid);
		return static_cast<int>(status);
	});

	for (int i = 0; i < 2; i++) {
		within_ms(_NTO_TIMEOUT_RECEIVE, kPatienceMs);
		ASSERT_EQ(ctp, dispatch_block(ctp)) << strerror(errno);
		EXPECT_EQ(0, dispatch_handler(ctp));
	}
	EXPECT_EQ(0x800, client.join());
	dispatch_context_free(ctp);
}

TEST(QnxDispatch, ADefaultFunctionIsNotAskedForNames)
{
	dispatch_t *dpp = dispatch_create();
	message_attr_t otherwise = {MSG_FLAG_DEFAULT_FUNC, 1, 0};
	name_attach_t *attach = name_attach(dpp, "default_function", NAME_FLAG_ATTACH_CONNECT);
	int others = 0;

	ASSERT_NE(nullptr, attach) << strerror(errno);
	EXPECT_EQ(0, message_attach(dpp, &otherwise, 0, 0, count_calls, &others));
	answers_names_by_itself(dpp, "default_function");
	EXPECT_EQ(1, others);
	EXPECT_EQ(0, name_detach(attach, 0));
}

// Processes

TEST_F(QnxFork, AChildHasItsParentsConnectionsAndChannelsOfItsOwn)
{
	Child child([this](Child &) {
		char byte;
		if (MsgReceive_r(chid, &byte, 1, nullptr) != -ESRCH)
			return 1; /* the parent's */
		int own = ChannelCreate(0);
		if (own <= 0)
			return 2;
		int self = connect(own);
		if (MsgSendPulse(self, -1, 1, 1) || receive_pulse(own).code != 1)
			return 3;
		struct sigevent event;
		timer_t timer;
		struct itimerspec time = {{0, 0}, {0, 1000000}};
		SIGEV_PULSE_INIT(&event, self, 10, 2, 2);
		if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
		    timer_settime(timer, 0, &time, nullptr) || receive_pulse(own).code != 2)
			return 4;
		if (MsgSend(coid, "child", 5, nullptr, 0) != 6)
			return 5;
		/* detaching is the child's own affair */
		return ConnectDetach(coid);
	});
	_msg_info info;
	int rcvid;
	EXPECT_EQ("child", receive(&rcvid, &info));
	EXPECT_EQ(child.pid(), info.pid);
	MsgReply(rcvid, 6, nullptr, 0);
	child.expect_success();
	EXPECT_EQ(0, MsgSendPulse(coid, -1, 1, 1));
	EXPECT_EQ(1, receive_pulse(chid).code);
}

TEST_F(QnxFork, TheDeviceIsFromTheEnvironment)
{
	for (const char *name : {"1", "stplr-1", "/dev/stplr-1"}) {
		Child child([&](Child &) {
			setenv("STPLR_DEVICE", name, 1);
			int own = ChannelCreate(0);
			char path[64], target[64] = "";
			for (int fd = 3; fd < 300; fd++) {
				snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
				ssize_t len = readlink(path, target, sizeof(target) - 1);
				if (len > 0 && !std::string(target, len).compare("/dev/stplr-1"))
					return own > 0 ? 0 : 1;
			}
			return 2;
		});
		child.expect_success();
	}
	Child child([](Child &) {
		setenv("STPLR_DEVICE", "rubbish", 1);
		if (ChannelCreate_r(0) != -EINVAL)
			return 1;
		setenv("STPLR_DEVICE", "63", 1);
		return ChannelCreate_r(0) == -ENODEV ? 0 : 2;
	});
	child.expect_success();
}

TEST_F(QnxFork, ADaemonMayCloseAllDescriptors)
{
	Child child([](Child &) {
		ChannelCreate(0);
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		for (int fd = 3; fd < 300; fd++)
			open("/dev/null", O_RDONLY);
		int own = ChannelCreate(0);
		if (own <= 0)
			return 1;
		return MsgSendPulse(connect(own), -1, 3, 0) || receive_pulse(own).code != 3 ? 2 : 0;
	});
	/* it cannot tell its parent more than its status then */
	child.expect_success();
}

// What QNX's C library has beside

TEST(QnxLibrary, Text)
{
	char text[8], number[80];

	EXPECT_EQ(5u, strlcpy(text, "hello", sizeof(text)));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(11u, strlcat(text, " world", sizeof(text)));
	EXPECT_STREQ("hello w", text);
	EXPECT_EQ(11u, strlcpy(text, "hello world", 1));
	EXPECT_STREQ("", text);
	memset(text, 'x', sizeof(text));
	EXPECT_EQ(3u, strlcpy(text, "abc", 0));
	EXPECT_EQ('x', text[0]);
	EXPECT_EQ(sizeof(text) + 3, strlcat(text, "abc", sizeof(text))) << "without an end";
	strcpy(text, "aBc-1");
	EXPECT_STREQ("ABC-1", strupr(text));
	EXPECT_STREQ("abc-1", strlwr(text));
	EXPECT_STREQ("-2147483648", itoa(INT_MIN, number, 10));
	EXPECT_STREQ("ffffffff", itoa(-1, number, 16));
	EXPECT_STREQ("0", itoa(0, number, 2));
	EXPECT_STREQ("-9223372036854775808", ltoa(LONG_MIN, number, 10));
	EXPECT_STREQ("4294967295", utoa(UINT_MAX, number, 10));
	EXPECT_EQ(std::string(64, '1'), ultoa(ULONG_MAX, number, 2));
	EXPECT_EQ(5, slogf(_SLOG_SETCODE(_SLOGC_TEST, 1), _SLOG_INFO, "%d %s", 12, "ab"));
}

TEST(QnxLibrary, TwoLoggers)
{
	slog2_buffer_set_config_t config = {};
	slog2_buffer_t buffers[2] = {};

	EXPECT_FAILS(EPERM, slog2c(nullptr, 1, SLOG2_INFO, "nobody"));
	config.num_buffers = 2;
	config.buffer_set_name = "test";
	config.verbosity_level = SLOG2_INFO;
	config.buffer_config[0].buffer_name = "hot";
	config.buffer_config[1].buffer_name = "cold";
	EXPECT_EQ(0, slog2_register(&config, buffers, 0));
	EXPECT_FAILS(EEXIST, slog2_register(&config, buffers, 0));
	EXPECT_FAILS(EFAULT, slog2f(nullptr, 1, SLOG2_INFO, "%d", 1));
	EXPECT_EQ(nullptr, slog2_set_default_buffer(buffers[1]));
	EXPECT_EQ(0, slog2f(nullptr, 1, SLOG2_INFO, "%d", 1));
	EXPECT_EQ(0, slog2f(buffers[0], 1, SLOG2_DEBUG1, "%d", 1));
	EXPECT_EQ(SLOG2_INFO, slog2_get_verbosity(buffers[0]));
	EXPECT_EQ(0, slog2_set_verbosity(buffers[0], SLOG2_DEBUG2));
	EXPECT_EQ(SLOG2_DEBUG2, slog2_get_verbosity(buffers[0]));
	EXPECT_EQ(SLOG2_INFO, slog2_get_verbosity(buffers[1]));
	EXPECT_FAILS(EINVAL, slog2c(buffers[0], 1, 8, "no such severity"));
	EXPECT_EQ(0, slog2_reset());
	EXPECT_FAILS(EPERM, slog2c(buffers[0], 1, SLOG2_INFO, "nobody"));
}

// What reaches the system's log: whoever listens at /dev/log gets it.
TEST(QnxLibrary, LogsToTheSystem)
{
	Child child([](Child &) {
		int log = socket(AF_UNIX, SOCK_DGRAM, 0);
		sockaddr_un address = {};
		slog2_buffer_set_config_t config = {};
		slog2_buffer_t buffer;
		char line[256];

		address.sun_family = AF_UNIX;
		strcpy(address.sun_path, "/dev/log");
		unlink("/dev/log");
		EXPECT_EQ(0, bind(log, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
		auto logged = [&] {
			ssize_t len = recv(log, line, sizeof(line) - 1, MSG_DONTWAIT);
			return std::string(line, len > 0 ? static_cast<size_t>(len) : 0);
		};
		slogf(_SLOG_SETCODE(_SLOGC_TEST, 3), _SLOG_ERROR, "broken %s", "pipe");
		std::string text = logged();
		EXPECT_EQ(0u, text.find("<11>")) << text;
		EXPECT_NE(std::string::npos, text.find(",3 broken pipe")) << text;
		config.num_buffers = 1;
		config.buffer_set_name = "set";
		config.verbosity_level = SLOG2_NOTICE;
		config.buffer_config[0].buffer_name = "one";
		EXPECT_EQ(0, slog2_register(&config, &buffer, 0));
		EXPECT_EQ(0, slog2f(buffer, 42, SLOG2_NOTICE, "%d apples", 7));
		EXPECT_EQ(0, slog2f(buffer, 42, SLOG2_INFO, "not this"));
		text = logged();
		EXPECT_NE(std::string::npos, text.find("set.one 42 7 apples")) << text;
		EXPECT_EQ("", logged());
		unlink("/dev/log");
		return testing::Test::HasFailure();
	});
	child.expect_success();
}

TEST(QnxSync, MutexesOfTheKernelsCalls)
{
	sync_t mutex;

	ASSERT_EQ(0, SyncTypeCreate(_NTO_SYNC_MUTEX_FREE, &mutex, nullptr));
	EXPECT_EQ(0, SyncMutexLock(&mutex));
	EXPECT_FAILS(EDEADLK, SyncMutexLock(&mutex));
	EXPECT_EQ(-EDEADLK, SyncMutexLock_r(&mutex));
	std::atomic<bool> locked{false};
	Thread other([&] {
		EXPECT_EQ(-EPERM, SyncMutexUnlock_r(&mutex));
		EXPECT_EQ(0, SyncMutexLock(&mutex));
		locked = true;
		EXPECT_EQ(0, SyncMutexUnlock(&mutex));
		return 0;
	});
	sleep_ms(50);
	EXPECT_FALSE(locked);
	EXPECT_EQ(0, SyncMutexUnlock(&mutex));
	EXPECT_EQ(0, other.join());
	EXPECT_EQ(0, SyncDestroy(&mutex));
	EXPECT_FAILS(ENOSYS, SyncMutexRevive(&mutex));
	EXPECT_FAILS(ENOSYS, SyncMutexEvent(&mutex, nullptr));
	EXPECT_FAILS(EINVAL, SyncTypeCreate(77, &mutex, nullptr));

	// one of the C library's will do
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	EXPECT_EQ(0, SyncMutexLock(reinterpret_cast<sync_t *>(&own)));
	EXPECT_EQ(EBUSY, pthread_mutex_trylock(&own));
	EXPECT_EQ(0, SyncMutexUnlock(reinterpret_cast<sync_t *>(&own)));
}

TEST(QnxSync, ConditionVariablesAndSemaphores)
{
	struct _sync_attr attr = {};
	sync_t mutex, condvar;
	int turn = 0;

	attr.__protocol = PTHREAD_PRIO_NONE;
	attr.__clockid = CLOCK_MONOTONIC;
	ASSERT_EQ(0, SyncTypeCreate(_NTO_SYNC_MUTEX_FREE, &mutex, &attr));
	ASSERT_EQ(0, SyncTypeCreate(_NTO_SYNC_COND, &condvar, &attr));
	auto wait_for_turn = [&] {
		EXPECT_EQ(0, SyncMutexLock(&mutex));
		while (!turn)
			EXPECT_EQ(0, SyncCondvarWait(&condvar, &mutex));
		EXPECT_EQ(0, SyncMutexUnlock(&mutex));
		return 0;
	};
	Thread one(wait_for_turn), two(wait_for_turn);
	sleep_ms(20);
	EXPECT_EQ(0, SyncMutexLock(&mutex));
	turn = 1;
	EXPECT_EQ(0, SyncCondvarSignal(&condvar, 1));
	EXPECT_EQ(0, SyncMutexUnlock(&mutex));
	EXPECT_EQ(0, one.join());
	EXPECT_EQ(0, two.join());

	// between processes as well
	auto *semaphore =
		static_cast<sync_t *>(mmap(nullptr, sizeof(sync_t), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	ASSERT_EQ(0, SyncTypeCreate(_NTO_SYNC_SEM, semaphore, nullptr));
	EXPECT_FAILS(EAGAIN, SyncSemWait(semaphore, 1));
	Child child([&](Child &) { return SyncSemWait(semaphore, 0); });
	EXPECT_EQ(0, SyncSemPost(semaphore));
	child.expect_success();
	munmap(semaphore, sizeof(*semaphore));
}

TEST(QnxProcess, SpawnInEveryMode)
{
	char *const argv[] = {const_cast<char *>("sh"), const_cast<char *>("-c"),
			      const_cast<char *>("exit ${WITH:-3}"), nullptr};
	char *const envp[] = {const_cast<char *>("WITH=5"), nullptr};
	int status;

	status = spawnl(P_WAIT, "/bin/sh", "sh", "-c", "exit 4", nullptr);
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 4) << status;
	status = spawnlp(P_WAIT, "sh", "sh", "-c", "kill -9 $$", nullptr);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == 9) << status;
	status = spawnle(P_WAIT, "/bin/sh", "sh", "-c", "exit $WITH", nullptr, envp);
	EXPECT_EQ(5, WEXITSTATUS(status));
	status = spawnlpe(P_WAIT, "sh", "sh", "-c", "exit $WITH", nullptr, envp);
	EXPECT_EQ(5, WEXITSTATUS(status));
	EXPECT_EQ(3, WEXITSTATUS(spawnv(P_WAIT, "/bin/sh", argv)));
	EXPECT_EQ(3, WEXITSTATUS(spawnvp(P_WAIT, "sh", argv)));
	EXPECT_EQ(5, WEXITSTATUS(spawnve(P_WAIT, "/bin/sh", argv, envp)));

	pid_t pid = spawnvpe(P_NOWAIT, "sh", argv, envp);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(5, WEXITSTATUS(status));

	pid = spawnlp(P_NOWAITO, "sleep", "sleep", "100", nullptr);
	ASSERT_GT(pid, 0);
	EXPECT_FAILS(ECHILD, waitpid(pid, &status, 0));
	EXPECT_EQ(0, kill(pid, SIGKILL));

	Child child([&](Child &) { return spawnvp(P_OVERLAY, "sh", argv); });
	status = child.wait();
	EXPECT_EQ(3, WEXITSTATUS(status));

	EXPECT_FAILS(ENOENT, spawnl(P_WAIT, "/no/such/program", "no", nullptr));
	EXPECT_FAILS(ENOENT, spawnl(P_NOWAITO, "/no/such/program", "no", nullptr));
	EXPECT_FAILS(ENOENT, spawnl(P_OVERLAY, "/no/such/program", "no", nullptr));
	EXPECT_FAILS(EINVAL, spawnl(77, "/bin/true", "true", nullptr));
	EXPECT_FAILS(EINVAL, spawnv(P_WAIT, "/bin/true", argv + 3));
}

TEST(QnxShared, MemoryWithoutAName)
{
	int fd = shm_open(SHM_ANON, O_RDWR | O_CREAT, 0600);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, shm_ctl(fd, SHMCTL_ANON, 0, 4096));
	EXPECT_FAILS(ENOSYS, shm_ctl(fd, SHMCTL_ANON, 0x1000, 4096));
	auto *word = static_cast<std::atomic<int> *>(
		mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_NE(MAP_FAILED, static_cast<void *>(word));
	*word = 41;

	Child child([&](Child &self) {
		close(fd);
		shm_handle_t handle = static_cast<shm_handle_t>(self.hear());
		EXPECT_FAILS(EACCES, shm_open_handle(handle, O_RDWR));
		int read_only = shm_open_handle(handle, O_RDONLY);
		EXPECT_EQ(MAP_FAILED, mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, read_only, 0));
		auto *seen = static_cast<std::atomic<int> *>(
			mmap(nullptr, 4096, PROT_READ, MAP_SHARED, read_only, 0));
		EXPECT_EQ(41, *seen);
		handle = static_cast<shm_handle_t>(self.hear());
		int both = shm_open_handle(handle, O_RDWR);
		seen = static_cast<std::atomic<int> *>(
			mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, both, 0));
		++*seen;
		self.tell(0);
		EXPECT_FAILS(ENOENT,
			     shm_open_handle(static_cast<shm_handle_t>(self.hear()), O_RDWR));
		return testing::Test::HasFailure();
	});
	shm_handle_t reads, both;
	ASSERT_EQ(0, shm_create_handle(fd, child.pid(), O_RDONLY, &reads, 0));
	ASSERT_EQ(0, shm_create_handle(fd, child.pid(), O_RDWR, &both, 0));
	EXPECT_FAILS(ENOSYS, shm_create_handle(fd, child.pid(), O_RDWR, &both, 1));
	EXPECT_FAILS(EBADF, shm_create_handle(-1, child.pid(), O_RDWR, &both, 0));
	child.tell(static_cast<int64_t>(reads));
	child.tell(static_cast<int64_t>(both));
	child.hear();
	EXPECT_EQ(42, *word);
	EXPECT_EQ(0, shm_delete_handle(both));
	EXPECT_EQ(0, shm_delete_handle(reads));
	child.tell(static_cast<int64_t>(both));
	child.expect_success();
	munmap(static_cast<void *>(word), 4096);
	close(fd);

	// names are as ever
	fd = shm_open("/stplr-qnx-test", O_RDWR | O_CREAT, 0600);
	EXPECT_GE(fd, 0);
	close(fd);
	EXPECT_EQ(0, shm_unlink("/stplr-qnx-test"));
}

TEST(QnxLibrary, WhatTheProcessManagerWouldDo)
{
	EXPECT_EQ(EOK, procmgr_ability(0, PROCMGR_ADN_NONROOT | PROCMGR_AOP_ALLOW | PROCMGR_AID_IO,
				       PROCMGR_ADN_ROOT | PROCMGR_AOP_ALLOW | PROCMGR_AOP_SUBRANGE |
					       PROCMGR_AID_MEM_PHYS,
				       UINT64_C(0), UINT64_MAX, PROCMGR_AID_EOL));
	EXPECT_EQ(ENOSYS, procmgr_ability(0, PROCMGR_ADN_ROOT | PROCMGR_AOP_DENY | PROCMGR_AID_FORK,
					  PROCMGR_AID_EOL));
	EXPECT_EQ(-ENOSYS, procmgr_ability_lookup("fs/any"));
	EXPECT_FAILS(ENOSYS, procmgr_event_notify(PROCMGR_EVENT_DAEMON_DEATH, nullptr));
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), _syspage_ptr->num_cpu);
	timespec up;
	clock_gettime(CLOCK_BOOTTIME, &up);
	EXPECT_NEAR(static_cast<double>(time(nullptr) - up.tv_sec),
		    static_cast<double>(_SYSPAGE_ENTRY(_syspage_ptr, qtime)->boot_time), 2);
}

TEST(QnxLibrary, Atomics)
{
	volatile unsigned value = 5;

	EXPECT_EQ(5u, atomic_add_value(&value, 3));
	EXPECT_EQ(8u, atomic_sub_value(&value, 1));
	EXPECT_EQ(7u, atomic_clr_value(&value, 5));
	EXPECT_EQ(2u, atomic_set_value(&value, 12));
	EXPECT_EQ(14u, atomic_toggle_value(&value, 7));
	EXPECT_EQ(9u, value);
	atomic_add(&value, 1);
	atomic_clr(&value, 2);
	EXPECT_EQ(8u, value);
}

TEST(QnxLibrary, Scheduling)
{
	Child child([](Child &) {
		sched_param param = {};
		_sched_info info;
		EXPECT_EQ(SCHED_OTHER, SchedGet(0, 0, &param));
		EXPECT_EQ(10, param.sched_curpriority);
		param.sched_priority = 20;
		EXPECT_EQ(0, SchedSet(0, 0, SCHED_FIFO, &param));
		param = {};
		EXPECT_EQ(SCHED_FIFO, SchedGet(getpid(), gettid(), &param));
		EXPECT_EQ(20, param.sched_priority);
		param.sched_priority = 21;
		EXPECT_EQ(0, SchedSet(0, 0, SCHED_NOCHANGE, &param));
		EXPECT_EQ(SCHED_FIFO, SchedGet(0, 0, nullptr));
		EXPECT_EQ(21, getprio(0));
		EXPECT_FAILS(EINVAL, SchedSet(0, 0, 77, &param));
		param.sched_priority = 0;
		EXPECT_FAILS(EINVAL, SchedSet(0, 0, SCHED_RR, &param));
		EXPECT_FAILS(ESRCH, SchedGet(0, 0x3fffffff, &param));
		EXPECT_EQ(-ESRCH, SchedGet_r(0x3fffffff, 0, &param));
		EXPECT_EQ(0, SchedInfo(0, SCHED_RR, &info));
		EXPECT_EQ(1, info.priority_min);
		EXPECT_EQ(99, info.priority_max);
		EXPECT_LT(0u, info.interval);
		EXPECT_FAILS(EINVAL, SchedInfo(0, 77, &info));
		EXPECT_EQ(0, SchedYield());
		return testing::Test::HasFailure();
	});
	child.expect_success();
}

TEST(QnxLibrary, ThreadCtlOfProcessorsAndNames)
{
	Child child([](Child &) {
		union {
			_thread_name name;
			char room[sizeof(_thread_name) + 32];
		} buffer = {};
		unsigned mask = 0;

		EXPECT_EQ(0, ThreadCtl(_NTO_TCTL_RUNMASK_GET_AND_SET, &mask));
		EXPECT_EQ(3u, mask & 3);
		EXPECT_EQ(0, ThreadCtl(_NTO_TCTL_RUNMASK, reinterpret_cast<void *>(2)));
		EXPECT_EQ(1, sched_getcpu());
		mask = 1;
		EXPECT_EQ(0, ThreadCtl(_NTO_TCTL_RUNMASK_GET_AND_SET, &mask));
		EXPECT_EQ(2u, mask);
		EXPECT_EQ(0, sched_getcpu());
		EXPECT_FAILS(EINVAL, ThreadCtl(_NTO_TCTL_RUNMASK, nullptr));

		strcpy(buffer.name.name_buf, "worker");
		buffer.name.new_name_len = 6;
		buffer.name.name_buf_len = 32;
		EXPECT_EQ(0, ThreadCtl(_NTO_TCTL_NAME, &buffer.name));
		buffer.name.new_name_len = -1;
		EXPECT_EQ(0, ThreadCtl(_NTO_TCTL_NAME, &buffer.name));
		EXPECT_STREQ("worker", buffer.name.name_buf);
		buffer.name.new_name_len = 16;
		EXPECT_FAILS(EINVAL, ThreadCtl(_NTO_TCTL_NAME, &buffer.name));
		EXPECT_FAILS(ENOSYS, ThreadCtl(77, nullptr));
		EXPECT_EQ(-ENOSYS, ThreadCtl_r(77, nullptr));
		return testing::Test::HasFailure();
	});
	child.expect_success();
}

// Ports and memory that every PC has
#ifdef __x86_64__

// The real-time clock's ports
TEST(QnxHardware, Ports)
{
	if (ioperm(0x70, 1, 0) && errno == ENOSYS)
		GTEST_SKIP() << "this kernel lets nobody at ports";
	Child child([](Child &) {
		uintptr_t clock = mmap_device_io(2, 0x70);
		EXPECT_EQ(0x70u, clock);
		out8(clock, 0x0d);
		EXPECT_EQ(0x80, in8(clock + 1) & 0x80) << "its battery is good";
		EXPECT_EQ(0, munmap_device_io(clock, 2));
		EXPECT_FAILS(EINVAL, static_cast<int>(mmap_device_io(2, 0xffff)));
		EXPECT_EQ(0, ThreadCtl(_NTO_TCTL_IO, nullptr));
		out8(0x70, 0x0d);
		EXPECT_EQ(0x80, in8(0x71) & 0x80);
		return testing::Test::HasFailure();
	});
	child.expect_success();
	Child user([](Child &) {
		become_user(65534, 65534);
		EXPECT_EQ(MAP_DEVICE_FAILED, mmap_device_io(2, 0x70));
		EXPECT_EQ(EPERM, errno);
		EXPECT_FAILS(EPERM, ThreadCtl(_NTO_TCTL_IO, nullptr));
		return testing::Test::HasFailure();
	});
	user.expect_success();
}

// The BIOS, below 1 MiB, which is no RAM to Linux: it begins its code with a jump, and then its
// date.
TEST(QnxHardware, Memory)
{
	if (access("/dev/mem", F_OK))
		GTEST_SKIP() << "this kernel lets nobody at memory";
	auto *bios = static_cast<char *>(
		mmap_device_memory(nullptr, 16, PROT_READ | PROT_NOCACHE, 0, 0xffff0));
	ASSERT_NE(MAP_FAILED, bios) << strerror(errno);
	EXPECT_EQ('/', bios[7]);
	EXPECT_EQ(0, munmap_device_memory(bios, 16));
	Child user([](Child &) {
		become_user(65534, 65534);
		EXPECT_EQ(MAP_FAILED, mmap_device_memory(nullptr, 16, PROT_READ, 0, 0xffff0));
		EXPECT_EQ(EACCES, errno);
		return testing::Test::HasFailure();
	});
	user.expect_success();
}

#endif

TEST(QnxHardware, InterruptsAreRefused)
{
	struct sigevent event;
	intrspin_t spinlock = {};

	SIGEV_INTR_INIT(&event);
	EXPECT_FAILS(ENOSYS, InterruptAttachEvent(1, &event, _NTO_INTR_FLAGS_TRK_MSK));
	EXPECT_FAILS(ENOSYS, InterruptAttach(1, nullptr, nullptr, 0, 0));
	EXPECT_EQ(-ENOSYS, InterruptWait_r(0, nullptr));
	EXPECT_FAILS(ENOSYS, InterruptUnmask(1, 1));
	EXPECT_FAILS(ENOSYS, InterruptDetach(1));
	errno = 0;
	InterruptLock(&spinlock);
	EXPECT_EQ(ENOSYS, errno);
}

// What a child says on standard error.
std::string said(const std::function<void()> &what)
{
	int ends[2];
	EXPECT_EQ(0, pipe(ends));
	Child child([&](Child &) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		what();
		return testing::Test::HasFailure();
	});
	close(ends[1]);
	std::string text;
	char room[512];
	for (ssize_t len; (len = read(ends[0], room, sizeof(room))) > 0;)
		text.append(room, static_cast<size_t>(len));
	close(ends[0]);
	child.expect_success();
	return text;
}

TEST(QnxVerbose, SaysWhyOnce)
{
	auto no_device = [] {
		setenv("STPLR_DEVICE", "63", 1);
		EXPECT_FAILS(ENODEV, name_open("nobody", 0));
		EXPECT_FAILS(ENODEV, ChannelCreate(0));
	};
	auto refused = [] {
		EXPECT_FAILS(ENOSYS, InterruptWait(0, nullptr));
		EXPECT_FAILS(ENOSYS, InterruptDetach(1));
		EXPECT_FAILS(ENOSYS, ConnectAttach(5, 0, 1, 0, 0));
	};
	EXPECT_EQ("", said(no_device));
	setenv("STPLR_QNX_VERBOSE", "1", 1);
	std::string text = said(no_device);
	EXPECT_EQ(0u, text.find("qnx_test: stplr-qnx: no device /dev/stplr-63: ")) << text;
	EXPECT_EQ(text.size() - 1, text.find('\n')) << text;
	text = said(refused);
	EXPECT_NE(std::string::npos, text.find("/dev/uioN\n")) << text;
	EXPECT_NE(std::string::npos, text.find("node 5")) << text;
	EXPECT_EQ(2, std::count(text.begin(), text.end(), '\n')) << text;
	setenv("STPLR_QNX_VERBOSE", "0", 1);
	EXPECT_EQ("", said(no_device));
	unsetenv("STPLR_QNX_VERBOSE");
}

TEST(QnxLibrary, ClocksByTheKernelsCalls)
{
	uint64_t now = 0, later = 0;
	_clockperiod period = {1000000, 0}, before;
	timespec time = {0, 100000};

	EXPECT_EQ(0, ClockTime(CLOCK_REALTIME, nullptr, &now));
	EXPECT_EQ(::time(nullptr), static_cast<time_t>(now / 1000000000));
	EXPECT_FAILS(EINVAL, ClockTime(12345, nullptr, &now));
	EXPECT_EQ(0, ClockPeriod(CLOCK_REALTIME, &period, nullptr, 0));
	EXPECT_EQ(0, ClockPeriod(CLOCK_REALTIME, nullptr, &before, 0));
	EXPECT_GE(period.nsec, before.nsec);
	period.nsec = 0;
	EXPECT_FAILS(EINVAL, ClockPeriod(CLOCK_REALTIME, &period, nullptr, 0));

	int clock = ClockId(0, gettid());
	EXPECT_NE(-1, clock);
	EXPECT_EQ(0, ClockTime(clock, nullptr, &now));
	EXPECT_EQ(0, nanospin_ns(2000000));
	EXPECT_EQ(0, nanospin(&time));
	EXPECT_EQ(0, ClockTime(clock, nullptr, &later));
	EXPECT_LT(now, later);
	EXPECT_NE(-1, ClockId(getpid(), 0));
	EXPECT_FAILS(ESRCH, ClockId(0, 0x3ffffff));
	time.tv_nsec = 1000000000;
	EXPECT_EQ(EINVAL, nanospin(&time));
}

TEST_F(QnxTimer, ByTheKernelsCalls)
{
	struct sigevent event;
	_itimer value = {1000000, 0}, before = {1, 1};

	SIGEV_PULSE_INIT(&event, coid, 10, 4, 5);
	int id = TimerCreate(CLOCK_MONOTONIC, &event);
	ASSERT_NE(-1, id) << strerror(errno);
	EXPECT_EQ(0, TimerSettime(id, 0, &value, &before));
	EXPECT_EQ(0u, before.nsec);
	EXPECT_EQ(5, receive_pulse(chid).value.sival_int);
	EXPECT_EQ(0, TimerDestroy(id));
	EXPECT_FAILS(EINVAL, TimerDestroy(id));
}

TEST(QnxLibrary, ADaemonLeavesItsParent)
{
	int pipe_ends[2];
	ASSERT_EQ(0, pipe(pipe_ends));
	Child child([&](Child &) -> int {
		if (procmgr_daemon(7, PROCMGR_DAEMON_NOCLOSE) < 0)
			_exit(1);
		char cwd[PATH_MAX];
		struct stat null, standard;
		// What is left of the process serves as ever.
		int channel = ChannelCreate(0);
		char ok = getsid(0) == getpid() && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/") &&
			  !stat("/dev/null", &null) && !fstat(0, &standard) &&
			  null.st_rdev == standard.st_rdev && channel > 0;
		_exit(write(pipe_ends[1], &ok, 1) != 1);
	});
	int status = child.wait();
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
	char ok = 0;
	EXPECT_EQ(1, read(pipe_ends[0], &ok, 1));
	EXPECT_TRUE(ok);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

TEST(QnxLibrary, AProgramThatHasChannelsStaysWithThem)
{
	Child child([](Child &) -> int {
		pid_t before = getpid();
		int channel = ChannelCreate(0), to_it = connect(channel);
		char cwd[PATH_MAX];

		if (procmgr_daemon(7, 0) != before || getpid() != before)
			return 1;
		if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/"))
			return 2;
		if (MsgSendPulse(to_it, -1, 3, 0) || receive_pulse(channel).code != 3)
			return 3;
		return 0;
	});
	child.expect_success();
}

TEST(QnxLibrary, AThreadsIdMayBeLeftOut)
{
	std::atomic<bool> ran{false};

	EXPECT_EQ(0, pthread_create(
			     nullptr, nullptr,
			     [](void *flag) -> void * {
				     *static_cast<std::atomic<bool> *>(flag) = true;
				     return nullptr;
			     },
			     &ran));
	EXPECT_TRUE(eventually([&] { return ran.load(); }));
}

TEST(QnxLibrary, PrioritiesClocksNodes)
{
	char name[256];

	EXPECT_EQ(10, getprio(0));
	uint64_t start = ClockCycles();
	EXPECT_EQ(0u, delay(20));
	EXPECT_LE(20 * SYSPAGE_ENTRY(qtime)->cycles_per_sec / 1000, ClockCycles() - start);
	EXPECT_LT(0, netmgr_ndtostr(ND2S_LOCAL_STR, ND_LOCAL_NODE, name, sizeof(name)));
	EXPECT_EQ(ND_LOCAL_NODE, netmgr_strtond(name, nullptr));
	EXPECT_FAILS(ENOSYS, netmgr_strtond("elsewhere.example", nullptr));
	EXPECT_FAILS(ENOSYS, netmgr_ndtostr(0, 5, name, sizeof(name)));
	EXPECT_EQ(0, ND_NODE_CMP(0, ND_LOCAL_NODE));
}

TEST(QnxLibrary, RealTimePrioritiesAreTheirOwn)
{
	Child child([](Child &) {
		int chid = ChannelCreate(_NTO_CHF_FIXED_PRIORITY), coid = connect(chid);
		if (setprio(0, 30) != 10)
			return 1;
		if (getprio(0) != 30)
			return 2;
		_msg_info info;
		char byte;
		Thread client([coid] { return MsgSend(coid, "x", 1, nullptr, 0); });
		int rcvid = MsgReceive(chid, &byte, 1, &info);
		MsgReply(rcvid, 0, nullptr, 0);
		client.join();
		if (info.priority != 30)
			return 3;
		return setprio(0, 10) == 30 && getprio(0) == 10 ? 0 : 4;
	});
	child.expect_success();
}

int own_schedparam()
{
	sched_param param = {};
	int policy = -1;
	EXPECT_EQ(0, pthread_getschedparam(pthread_self(), &policy, &param));
	EXPECT_EQ(param.sched_priority != 0, policy != SCHED_OTHER);
	return param.sched_priority;
}

// What priority a server has after it has received from a client of 30, and after it has received
// again (or tried to).
std::pair<int, int> server_priorities(unsigned flags)
{
	int chid = ChannelCreate(flags), coid = connect(chid);
	Thread client([coid] {
		setprio(0, 30);
		return MsgSend(coid, "x", 1, nullptr, 0);
	});
	char byte;
	EXPECT_EQ(0, own_schedparam());
	int rcvid = MsgReceive(chid, &byte, 1, nullptr);
	int with_message = getprio(0);
	EXPECT_EQ(with_message > 10 ? with_message : 0, own_schedparam());
	MsgReply(rcvid, 0, nullptr, 0);
	client.join();
	EXPECT_TRUE(no_pulse(chid));
	EXPECT_EQ(0, own_schedparam());
	return {with_message, getprio(0)};
}

TEST(QnxLibrary, AServerWorksAtItsClientsPriority)
{
	Child child([](Child &) {
		using Priorities = std::pair<int, int>;
		EXPECT_EQ(Priorities(30, 10), server_priorities(0));
		EXPECT_EQ(Priorities(10, 10), server_priorities(_NTO_CHF_FIXED_PRIORITY));
		return 0;
	});
	child.expect_success();
}

// The programs of tests/qnx, which are built as QNX's users would build theirs

class Program
{
public:
	explicit Program(std::vector<std::string> command)
	{
		std::string folder = own_folder() + "/qnx/";
		std::string libraries = "LD_LIBRARY_PATH=" + folder + "installed/lib";
		int out[2];
		EXPECT_EQ(0, pipe2(out, O_CLOEXEC));
		command[0] = folder + command[0];
		pid_ = fork();
		if (!pid_) {
			std::vector<char *> argv;
			char *environment[] = {&libraries[0], nullptr};
			for (auto &word : command)
				argv.push_back(&word[0]);
			argv.push_back(nullptr);
			dup2(out[1], STDOUT_FILENO);
			execve(argv[0], argv.data(), environment);
			_exit(127);
		}
		close(out[1]);
		out_ = fdopen(out[0], "r");
	}
	~Program()
	{
		if (pid_ > 0)
			kill(pid_, SIGKILL);
		finish();
		fclose(out_);
	}

	std::string line()
	{
		char text[256];
		if (!fgets(text, sizeof(text), out_))
			return "";
		text[strcspn(text, "\n")] = 0;
		return text;
	}
	// All that is still to come.
	std::string rest()
	{
		std::string all, next;
		while (!(next = line()).empty())
			all += next + "\n";
		return all;
	}
	int finish()
	{
		int status = -1;
		if (pid_ > 0)
			waitpid(pid_, &status, 0);
		pid_ = -1;
		return status;
	}

private:
	static std::string own_folder()
	{
		char path[PATH_MAX] = "";
		EXPECT_LT(0, readlink("/proc/self/exe", path, sizeof(path) - 1));
		return std::string(path).substr(0, std::string(path).rfind('/'));
	}

	pid_t pid_;
	FILE *out_;
};

void expect_program(const char *name, const std::string &expected)
{
	Program program({name});

	EXPECT_EQ(expected, program.rest());
	EXPECT_EQ(0, program.finish());
}

TEST(QnxProgram, SendReceiveReply)
{
	Program server({"message_server"});
	std::string where = server.line();
	std::string pid = where.substr(0, where.find(' ')),
		    chid = where.substr(where.find(' ') + 1);
	Program client({"message_client", pid, chid, "hello", "", "World", "quit"});

	EXPECT_EQ("5 HELLO\nerror: Bad message\n5 WORLD\n0 \n", client.rest());
	EXPECT_EQ(0, client.finish());
	EXPECT_EQ(0, server.finish());
	Program late({"message_client", pid, chid});
	EXPECT_NE(0, late.finish());
}

TEST(QnxProgram, TimerPulses)
{
	Program program({"timer_pulses"});
	std::string said = program.rest();

	EXPECT_EQ(0u, said.find("10 ticks in ")) << said;
	EXPECT_NE(std::string::npos, said.find("fired 1")) << said;
	EXPECT_EQ(0, program.finish());
}

TEST(QnxProgram, NamesConnectAndDisconnect)
{
	Program server({"name_server", "2"});

	EXPECT_EQ("ready", server.line());
	for (int i = 0; i < 2; i++) {
		Program client({"name_client"});
		EXPECT_EQ("40\n41\n42\n", client.rest());
		EXPECT_EQ(0, client.finish());
	}
	EXPECT_EQ("0 + 40\n1 + 40\n2 + 40\ndisconnect\n"
		  "0 + 40\n1 + 40\n2 + 40\ndisconnect\n",
		  server.rest());
	EXPECT_EQ(0, server.finish());
	Program late({"name_client"});
	EXPECT_NE(0, late.finish());
}

TEST(QnxProgram, LongMessage)
{
	expect_program("long_message", "12749008 of 12749008\n");
}

TEST(QnxProgram, Unblock)
{
	expect_program("unblock", "status 17 after 1 signals\nstatus -1 after 2 signals\n");
}

TEST(QnxProgram, Timeout)
{
	expect_program("timeout", "send: -1 timeout\npoll: -1 timeout\nreceive: -1 timeout\n"
				  "reply: -1 timeout\n");
}

TEST(QnxProgram, Events)
{
	for (const char *how : {"pulse", "registered", "signal", "code", "thread"}) {
		SCOPED_TRACE(how);
		Program server({"event_server"});
		EXPECT_EQ("ready", server.line());
		Program client({"event_client", how});
		EXPECT_EQ("event\nevent\nevent\n", client.rest());
		EXPECT_EQ(0, client.finish());
		EXPECT_EQ(0, server.finish());
	}
}

TEST(QnxProgram, ChainOfServers)
{
	expect_program("chain", "5: 3 servers, 40\n4: 3 servers, 32\n3: 3 servers, 24\n"
				"2: 3 servers, 16\n1: 3 servers, 8\n0: 3 servers, 0\n");
}

TEST(QnxProgram, ThreadPool)
{
	expect_program("thread_pool", "6 clients through, several at once\n");
}

} // namespace
