// SPDX-License-Identifier: MIT
#include "handlers.h"
#include "server.h"

using namespace stplr::examples;

static void work(int argc, char **argv)
{
	serve(parseServer(argc, argv, "timer"),
	      std::make_shared<timerProcessor>(std::make_shared<TimerHandler>()));
}

int main(int argc, char **argv)
{
	return run("thrift-timer-server", work, argc, argv);
}
