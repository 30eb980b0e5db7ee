// SPDX-License-Identifier: MIT
/* The smallest service: it says what it is */
#include "server.h"

typedef exampleHandler ServedExample;
typedef exampleHandlerClass ServedExampleClass;

GType served_example_get_type(void);
G_DEFINE_TYPE(ServedExample, served_example, TYPE_EXAMPLE_HANDLER)

static void served_example_class_init(ServedExampleClass *class)
{
	example_handler_answers(class);
}

static void served_example_init(ServedExample *handler)
{
	(void)handler;
}

int main(int argc, char **argv)
{
	return server_main(argc, argv, "example", TYPE_EXAMPLE_PROCESSOR,
			   served_example_get_type());
}
