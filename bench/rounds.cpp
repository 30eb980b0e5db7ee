// SPDX-License-Identifier: MIT
#include "rounds.h"

#include "payload.h"
#include "realtime.h"

#include <stdexcept>

namespace bench
{

void Plan::prepare(std::byte *message, std::uint64_t round, std::uint64_t number) const
{
	if (!carriesData)
		return;
	if (verifiesAll(round))
		fillPattern(message, size, number);
	else
		writeStamp(message, size, number);
}

void Plan::verify(const std::byte *message, std::uint64_t round, std::uint64_t number) const
{
	if (!carriesData)
		return;
	if (verifiesAll(round) ? hasPattern(message, size, number)
			       : hasStamp(message, size, number))
		return;
	throw std::runtime_error(std::string(number & 1 ? "the reply" : "the request") +
				 " of round " + std::to_string(round) +
				 " arrived with other bytes than were sent");
}

void serve(Server &server, const Plan &plan)
{
	const std::byte *request = server.receive();

	for (std::uint64_t round = 0;; round++) {
		plan.verify(request, round, requestNumber(round));
		if (plan.work > 0)
			burn(plan.work);
		plan.prepare(server.outgoing(), round, replyNumber(round));
		if (round + 1 == plan.end)
			break;
		request = server.replyReceive();
	}
	server.reply();
}

void callRounds(Client &client, const Plan &plan, std::uint64_t round, std::uint64_t end)
{
	for (; round < end; round++) {
		plan.prepare(client.outgoing(), round, requestNumber(round));
		plan.verify(client.call(), round, replyNumber(round));
	}
}

} // namespace bench
