// SPDX-License-Identifier: MIT
// Which calls are one way: Thrift's protocols know, a transport has to look.
#ifndef STPLR_THRIFT_CALLKIND_H
#define STPLR_THRIFT_CALLKIND_H

#include <cstddef>
#include <cstdint>

namespace stplr
{
namespace thrift
{

/*
 * Whether the bytes of a flush are one-way calls and nothing else, as PROTOCOL.md tells them apart.
 * False for whatever is not known, which is safe.
 */
bool isOneWay(const uint8_t *bytes, size_t length);

} // namespace thrift
} // namespace stplr

#endif
