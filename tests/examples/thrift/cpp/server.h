// SPDX-License-Identifier: MIT
// A service's life, from listening to a signal that ends it.
#ifndef EXAMPLES_THRIFT_SERVER_H
#define EXAMPLES_THRIFT_SERVER_H

#include "options.h"

#include <thrift/TProcessor.h>

#include <functional>
#include <memory>

namespace stplr
{
namespace examples
{

// Serves until SIGTERM or SIGINT. To be called before the program has made any other thread. The
// server waits for the calls under way: atEnd is to let those return that would take long.
void serve(const ServerOptions &options, std::shared_ptr<apache::thrift::TProcessor> processor,
	   const std::function<void()> &atEnd = nullptr);

} // namespace examples
} // namespace stplr

#endif
