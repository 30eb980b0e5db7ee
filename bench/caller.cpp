// SPDX-License-Identifier: MIT
#include "caller.h"

#include "payload.h"
#include "stplr_calls.h"

#include <sys/ioctl.h>

namespace bench
{

std::uint64_t arrivedNumber(const std::byte *message, std::size_t got, std::size_t size)
{
	std::uint64_t number = 0;

	if (got == size)
		memcpy(&number, message, sizeof(number));
	if (got != size || number & 1 || !hasStamp(message, size, number))
		throw std::runtime_error("a request arrived with other bytes than were sent");
	return number;
}

void writeAnswer(std::byte *message, std::size_t size, std::uint64_t number)
{
	writeStamp(message, size, number | 1);
}

Caller::Caller(Fd connection, unsigned id, std::size_t size)
	: connection_(std::move(connection)), id_(id), request_(size), reply_(size),
	  send_(stplrSend(request_.data(), reply_.data(), size))
{
}

bool Caller::call()
{
	const std::uint64_t number = messageNumber(id_, round_++);

	writeStamp(request_.data(), request_.size(), number);
	if (ioctl(connection_, STPLR_MSG_SEND_RECEIVE, &send_)) {
		if (errno == ESRCH)
			return false;
		throw CallError("ioctl(STPLR_MSG_SEND_RECEIVE)");
	}
	if (send_.reply_total != reply_.size() ||
	    !hasStamp(reply_.data(), reply_.size(), number | 1))
		throw std::runtime_error("a sender got a reply that is not its own");
	return true;
}

} // namespace bench
