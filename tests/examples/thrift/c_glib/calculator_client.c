// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "client.h"
#include "gen/calculator.h"

typedef gboolean (*operation)(calculatorIf *client, gint32 *_return, const gint32 arg1,
			      const gint32 arg2, GError **error);

static const struct {
	const gchar *name;
	operation call;
} operations[] = {
	{"add", calculator_client_add},
	{"subtract", calculator_client_subtract},
	{"multiply", calculator_client_multiply},
	{"divide", calculator_client_divide},
};

static void calculator_round(void *connection, const struct settings *settings, uint64_t number)
{
	gpointer client = client_of(connection, TYPE_CALCULATOR_CLIENT);
	const gint32 a = number % 10000 + 10, b = 3;
	const gint32 expected[] = {a + b, a - b, a * b, a / b};

	(void)settings;
	check_example(client, "calculator");
	for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
		GError *error = NULL;
		gint32 result;

		must(operations[i].call(client, &result, a, b, &error), operations[i].name, error);
		if (result != expected[i])
			wrong_reply(operations[i].name);
	}
}

static void show(void *connection, const struct settings *settings)
{
	gpointer client = client_of(connection, TYPE_CALCULATOR_CLIENT);
	GError *error = NULL;
	gint32 result;

	(void)settings;
	show_example(client);
	for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
		must(operations[i].call(client, &result, 7, 3, &error), operations[i].name, error);
		printf("%s 7 3: %d\n", operations[i].name, result);
	}
	show_failure(calculator_client_divide(client, &result, 7, 0, &error), "divide 7 0", &error);
	show_failure(calculator_client_multiply(client, &result, 65536, 65536, &error),
		     "multiply 65536 65536", &error);
	must(calculator_client_add(client, &result, 7, 3, &error), "add", error);
	printf("add 7 3: %d: the service lives on\n", result);
}

int main(int argc, char **argv)
{
	static const struct round rounds[] = {
		{.name = "calculator", .rpcs = 6, .run = calculator_round},
		{0},
	};
	static const struct client client = {
		.service = "calculator", .rounds = rounds, .show = show};

	return client_main(argc, argv, &thrift_access, &client);
}
