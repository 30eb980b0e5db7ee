// SPDX-License-Identifier: MIT
// What goes wrong, in Thrift's words.
#ifndef STPLR_THRIFT_ERRORS_H
#define STPLR_THRIFT_ERRORS_H

#include <thrift/transport/TTransportException.h>

#include <string>

namespace stplr
{
namespace thrift
{

using apache::thrift::transport::TTransportException;

// "WHERE: WHAT", or with the errno's text behind.
[[noreturn]] inline void raise(TTransportException::TTransportExceptionType type,
			       const std::string &where, const std::string &what)
{
	throw TTransportException(type, where + ": " + what);
}

[[noreturn]] inline void raise(TTransportException::TTransportExceptionType type,
			       const std::string &where, const std::string &what, int error)
{
	throw TTransportException(type, where + ": " + what, error);
}

} // namespace thrift
} // namespace stplr

#endif
