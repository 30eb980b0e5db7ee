// SPDX-License-Identifier: MIT
// When memory that large calls needed is given back.
#ifndef STPLR_THRIFT_PATIENCE_H
#define STPLR_THRIFT_PATIENCE_H

#include <cstddef>

namespace stplr
{
namespace thrift
{

/*
 * Getting memory anew costs more than a copy, so a connection keeps what its calls use; but not
 * when calls as large have ceased, and never more than keptMost between calls.
 */
constexpr size_t keptAlways = 64 << 10;
constexpr size_t keptMost = 4 << 20;
constexpr unsigned int patience = 64;

// After a call that used so much of so much memory; count is the memory's own. True: give it back.
inline bool isOversize(size_t memory, size_t used, unsigned int &count)
{
	if (memory <= keptMost) {
		const bool fits = memory <= keptAlways || used > memory / 4;

		count = fits ? 0 : count + 1;
		if (count <= patience)
			return false;
	}
	count = 0;
	return true;
}

} // namespace thrift
} // namespace stplr

#endif
