// SPDX-License-Identifier: MIT
// Addresses: both transports take the same ones. Groups, which only one looks up at once, are left
// out.
#include <stplr/thrift/StaplerAddress.h>
#include <thrift/transport/TTransportException.h>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" {
#include <thrift/c_glib/transport/thrift_stapler_uri.h>
}

using apache::thrift::transport::TTransportException;
using stplr::thrift::StaplerAddress;

namespace
{

bool cppTakes(const std::string &address)
{
	try {
		StaplerAddress::parse(address);
		return true;
	} catch (const TTransportException &) {
		return false;
	}
}

bool glibTakes(const std::string &address)
{
	ThriftTransport *transport = thrift_stapler_uri_transport(address.c_str(), nullptr);

	if (transport)
		g_object_unref(transport);
	return transport;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::string text(reinterpret_cast<const char *>(data), size);

	text = "stplr:" + std::string(text.c_str());
	if (text.find("group") == std::string::npos && cppTakes(text) != glibTakes(text)) {
		fprintf(stderr, "C++ %d, C/GLib %d: %s\n", cppTakes(text), glibTakes(text),
			text.c_str());
		abort();
	}
	return 0;
}
