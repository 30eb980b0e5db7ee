// SPDX-License-Identifier: MIT
// Descriptors that were handed in: what is looked at before one is taken over, and whose it is.
#ifndef STPLR_THRIFT_HANDED_H
#define STPLR_THRIFT_HANDED_H

#include <stplr/thrift/StaplerAddress.h>

#include <stplr.h>

#include <string>

namespace stplr
{
namespace thrift
{

// It in messages.
std::string describeHanded(int fd);

enum class ChannelKind { listening, accepted };

// Is it what it is to be? BAD_ARGS, NOT_OPEN, as StaplerDescriptor.h says.
void checkHandedConnection(int fd);
struct stplr_channel_info checkHandedChannel(int fd, ChannelKind wanted);

// The service that such a channel is of.
StaplerAddress addressOf(const struct stplr_channel_info &info);

/*
 * A second transport would close a descriptor again, which by then may be another file. So those
 * that were taken over are in a list. BAD_ARGS: it is there already.
 */
void claimHanded(int fd);
// Takes it from the list, too.
void closeHanded(int fd);

} // namespace thrift
} // namespace stplr

#endif
