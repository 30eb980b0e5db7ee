// SPDX-License-Identifier: MIT
#include "transport.h"

#include "transports/transports.h"

namespace bench
{

const std::vector<TransportKind> &transportKinds()
{
	static const std::vector<TransportKind> kinds = {
		{"stplr", "STPLR_MSG_SEND_RECEIVE against STPLR_MSG_REPLY_RECEIVE, raw ioctls",
		 makeStplr},
		{"stplr-registered",
		 "as stplr, but both sides' buffers are registered (STPLR_BUFFER_REGISTER)",
		 makeStplrRegistered},
		{"eventfd", "no data moved: write and read of two counters, each value checked",
		 makeEventfd, false},
		{"pulse",
		 "no data moved: STPLR_PULSE_SEND and STPLR_MSG_RECEIVE, each value checked",
		 makePulse, false},
		{"futex",
		 "sender copies into shared memory, receiver reads it in place; FUTEX_WAKE and "
		 "FUTEX_WAIT",
		 makeFutex},
		{"futex-spin",
		 "as futex, but each side looks for 50 us before it sleeps, and who sleeps not is "
		 "not "
		 "woken",
		 makeFutexSpin, true, false},
		{"pipe", "write and read on two pipes of the default capacity", makePipe},
		{"unix-stream", "send and recv (MSG_WAITALL) on a socket pair", makeUnixStream},
		{"unix-seqpacket", "send and recv on a socket pair, a packet a message",
		 makeUnixSeqpacket},
		{"posix-mq", "mq_send and mq_receive on two queues", makePosixMq},
		{"sysv-msg", "msgsnd and msgrcv on two queues", makeSysvMsg},
		{"tcp", "send and recv (MSG_WAITALL) over loopback, TCP_NODELAY", makeTcp},
		{"process-vm",
		 "server takes and gives the data by process_vm_readv and process_vm_writev; wake "
		 "by futex",
		 makeProcessVm},
		{"binder",
		 "raw BINDER_WRITE_READ to the context manager, data read in place, then freed",
		 makeBinder},
		{"stplr-sleep",
		 "as stplr, with the module's parameter spin_us at 0: who waits sleeps at once",
		 makeStplrSleep, true, false},
		{"stplr-here",
		 "as stplr-sleep, and who waits wakes the other on its own processor "
		 "(STPLR_CHANNEL_WAKE_HERE)",
		 makeStplrHere, true, false},
		{"ring",
		 "stplr_ring_commit and stplr_ring_peek, in place; stplr_ring_wait, without "
		 "spinning",
		 makeRing, true, false},
		{"getppid", "no data moved: two getppid calls in the client, nobody is woken",
		 makeGetppid, false, false},
	};
	return kinds;
}

const TransportKind *findTransport(const std::string &name)
{
	for (const TransportKind &kind : transportKinds())
		if (name == kind.name)
			return &kind;
	return nullptr;
}

} // namespace bench
