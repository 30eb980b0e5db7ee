// SPDX-License-Identifier: MIT
// The channels of accepted clients, to be interrupted all at once.
#ifndef STPLR_THRIFT_CHILDREN_H
#define STPLR_THRIFT_CHILDREN_H

#include "Handed.h"

#include <stplr.h>

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>

namespace stplr
{
namespace thrift
{

/*
 * One of them. While it is busy with a call it is not interrupted: its client is to get all of the
 * answer. It then asks by itself:
 *
 *	child				who interrupts
 *	busy = false			interrupted = true
 *	interrupted? shut down		not busy? shut down
 */
struct ChildChannel {
	int channel = -1;
	// Not this process's alone: it is closed, and not ended.
	bool handed = false;
	std::atomic<bool> busy{false};
};

/*
 * Each channel is closed under the lock, so that an interrupt never meets a descriptor that has
 * become another's.
 */
class Children
{
public:
	void add(ChildChannel &child)
	{
		std::lock_guard<std::mutex> lock(mutex_);

		children_.insert(&child);
		if (interrupted_)
			stplr_channel_shutdown(child.channel);
	}

	void close(ChildChannel &child)
	{
		std::lock_guard<std::mutex> lock(mutex_);

		children_.erase(&child);
		if (child.handed) {
			closeHanded(child.channel);
		} else {
			// As a socket's, the end is not to wait for children that hold a copy.
			stplr_channel_destroy(child.channel);
			::close(child.channel);
		}
		child.channel = -1;
	}

	// The child's call is through.
	void idle(ChildChannel &child)
	{
		child.busy = false;
		if (interrupted_)
			stplr_channel_shutdown(child.channel);
	}

	// Ends the receives of all, and of those that come until reset().
	void interrupt()
	{
		std::lock_guard<std::mutex> lock(mutex_);

		interrupted_ = true;
		for (const ChildChannel *child : children_)
			if (!child->busy)
				stplr_channel_shutdown(child->channel);
	}

	void reset()
	{
		interrupted_ = false;
	}

private:
	std::mutex mutex_;
	std::set<ChildChannel *> children_;
	std::atomic<bool> interrupted_{false};
};

} // namespace thrift
} // namespace stplr

#endif
