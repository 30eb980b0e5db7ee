// SPDX-License-Identifier: MIT
// What each file here offers to the list in transport.cpp.
#ifndef STPLR_BENCH_TRANSPORTS_H
#define STPLR_BENCH_TRANSPORTS_H

#include "../transport.h"

namespace bench
{

// The client holds so many more connections to the same channel, and does not use them.
std::unique_ptr<Transport> makeStplrAmong(std::size_t size, unsigned idleConnections);
// Its channel inherits no priority.
std::unique_ptr<Transport> makeStplrFixed(std::size_t size);
std::unique_ptr<Transport> makeStplr(std::size_t size);
// The module's waiters sleep at once.
std::unique_ptr<Transport> makeStplrSleep(std::size_t size);
// The same, and who waits wakes the other on its own processor.
std::unique_ptr<Transport> makeStplrHere(std::size_t size);
// Both sides' buffers are registered.
std::unique_ptr<Transport> makeStplrRegistered(std::size_t size);
std::unique_ptr<Transport> makeEventfd(std::size_t size);
std::unique_ptr<Transport> makePulse(std::size_t size);
std::unique_ptr<Transport> makeFutex(std::size_t size);
// Both sides look for a moment before they sleep.
std::unique_ptr<Transport> makeFutexSpin(std::size_t size);
std::unique_ptr<Transport> makePipe(std::size_t size);
std::unique_ptr<Transport> makeUnixStream(std::size_t size);
std::unique_ptr<Transport> makeUnixSeqpacket(std::size_t size);
std::unique_ptr<Transport> makePosixMq(std::size_t size);
std::unique_ptr<Transport> makeSysvMsg(std::size_t size);
std::unique_ptr<Transport> makeTcp(std::size_t size);
std::unique_ptr<Transport> makeProcessVm(std::size_t size);
std::unique_ptr<Transport> makeBinder(std::size_t size);
std::unique_ptr<Transport> makeRing(std::size_t size);
std::unique_ptr<Transport> makeGetppid(std::size_t size);

} // namespace bench

#endif
