// SPDX-License-Identifier: MIT
// Which bytes are one-way calls: whatever they are, both transports find the same, and read nothing
// beyond them.
#include <cstdlib>
#include <memory>

#include "CallKind.h"

extern "C" {
#include "one_way.h"
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// of the exact size, so that the sanitizer sees its end
	auto bytes = std::make_unique<uint8_t[]>(size);

	std::copy(data, data + size, bytes.get());
	if (stplr::thrift::isOneWay(bytes.get(), size) != !!stapler_is_one_way(bytes.get(), size))
		abort();
	return 0;
}
