// SPDX-License-Identifier: MIT
// The channels of accepted clients, to be interrupted all at once.
#ifndef STPLR_THRIFT_CHILDREN_H
#define STPLR_THRIFT_CHILDREN_H

#include <stplr.h>

#include <unistd.h>

#include <mutex>
#include <set>

namespace stplr
{
namespace thrift
{

/*
 * Each channel is closed under the lock, so that an interrupt never meets a descriptor that has
 * become another's.
 */
class Children
{
public:
	void add(int channel)
	{
		std::lock_guard<std::mutex> lock(mutex_);

		channels_.insert(channel);
		if (interrupted_)
			stplr_channel_shutdown(channel);
	}

	void close(int channel)
	{
		std::lock_guard<std::mutex> lock(mutex_);

		channels_.erase(channel);
		// As a socket's, the end is not to wait for children that hold a copy.
		stplr_channel_destroy(channel);
		::close(channel);
	}

	// Ends the receives of all, and of those that come until reset().
	void interrupt()
	{
		std::lock_guard<std::mutex> lock(mutex_);

		interrupted_ = true;
		for (int channel : channels_)
			stplr_channel_shutdown(channel);
	}

	void reset()
	{
		std::lock_guard<std::mutex> lock(mutex_);

		interrupted_ = false;
	}

private:
	std::mutex mutex_;
	std::set<int> channels_;
	bool interrupted_ = false;
};

} // namespace thrift
} // namespace stplr

#endif
