// SPDX-License-Identifier: MIT
#include "handlers.h"
#include "server.h"

using namespace stplr::examples;

static void work(int argc, char **argv)
{
	const ServerOptions options = parseServer(argc, argv, "ping");

	serve(options,
	      std::make_shared<pingProcessor>(std::make_shared<PingHandler>(options.quiet)));
}

int main(int argc, char **argv)
{
	return run("thrift-ping-server", work, argc, argv);
}
