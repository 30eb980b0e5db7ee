// SPDX-License-Identifier: MIT
#include "handlers.h"
#include "server.h"

using namespace stplr::examples;

static void work(int argc, char **argv)
{
	serve(parseServer(argc, argv, "calculator"),
	      std::make_shared<calculatorProcessor>(std::make_shared<CalculatorHandler>()));
}

int main(int argc, char **argv)
{
	return run("thrift-calculator-server", work, argc, argv);
}
