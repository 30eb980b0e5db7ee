// SPDX-License-Identifier: MIT
#include "handlers.h"
#include "server.h"

using namespace stplr::examples;

static void work(int argc, char **argv)
{
	serve(parseServer(argc, argv, "example"),
	      std::make_shared<exampleProcessor>(std::make_shared<ExampleHandler>()));
}

int main(int argc, char **argv)
{
	return run("thrift-example-server", work, argc, argv);
}
