// SPDX-License-Identifier: MIT
#include "options.h"

#include "example.h"

#include <cstdio>

using namespace stplr::examples;

static void work(int argc, char **argv)
{
	const ClientOptions options = parseClient(argc, argv, "example", {});
	exampleClient client(options.wire.connect());
	std::string name;
	version_struct version;

	client.name(name);
	client.version(version);
	std::printf("%s %d.%d.%d\n", name.c_str(), version.major, version.minor, version.micro);
}

int main(int argc, char **argv)
{
	return run("thrift-example-client", work, argc, argv);
}
