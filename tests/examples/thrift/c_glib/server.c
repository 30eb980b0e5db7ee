// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <thrift/c_glib/protocol/thrift_binary_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol_factory.h>
#include <thrift/c_glib/server/thrift_simple_server.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <thrift/c_glib/transport/thrift_buffered_transport_factory.h>
#include <thrift/c_glib/transport/thrift_framed_transport_factory.h>
#include <thrift/c_glib/transport/thrift_stapler_server_transport.h>
#include <thrift/c_glib/transport/thrift_stapler_uri.h>

#include "../../common/values.h"
#include "server.h"

static const gchar *own_name;
static const gchar *uri;
static gboolean quiet;

/* The calls that every service answers */

static gboolean answer_name(exampleIf *iface, gchar **_return, GError **error)
{
	(void)iface;
	(void)error;
	*_return = g_strdup(own_name);
	return TRUE;
}

static gboolean answer_version(exampleIf *iface, version_struct **_return, GError **error)
{
	(void)iface;
	(void)error;
	g_object_set(*_return, "major", VERSION_MAJOR, "minor", VERSION_MINOR, "micro",
		     VERSION_MICRO, NULL);
	return TRUE;
}

void example_handler_answers(exampleHandlerClass *class)
{
	class->name = answer_name;
	class->version = answer_version;
}

gboolean call_fails(GError **error, const gchar *format, ...)
{
	va_list list;

	va_start(list, format);
	*error =
		g_error_new_valist(THRIFT_APPLICATION_EXCEPTION_ERROR,
				   THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, format, list);
	va_end(list);
	return FALSE;
}

/* Unknown methods: Thrift 0.17's compiler has the processor of a service that others extend look
 * for them in itself, for ever. */

static gboolean (*dispatch_example)(ThriftDispatchProcessor *processor, ThriftProtocol *in,
				    ThriftProtocol *out, gchar *method, gint32 number,
				    GError **error);

static gboolean dispatch_or_refuse(ThriftDispatchProcessor *processor, ThriftProtocol *in,
				   ThriftProtocol *out, gchar *method, gint32 number,
				   GError **error)
{
	ThriftDispatchProcessorClass *refusing = g_type_class_peek(THRIFT_TYPE_DISPATCH_PROCESSOR);

	if (g_hash_table_contains(EXAMPLE_PROCESSOR(processor)->process_map, method))
		return dispatch_example(processor, in, out, method, number, error);
	return refusing->dispatch_call(processor, in, out, method, number, error);
}

static void refuse_unknown_methods(void)
{
	ThriftDispatchProcessorClass *class = g_type_class_ref(TYPE_EXAMPLE_PROCESSOR);

	dispatch_example = class->dispatch_call;
	class->dispatch_call = dispatch_or_refuse;
}

/* Ending by a signal: accept() fails with EINTR, the server sees that it was stopped, and leaves.
 */

static ThriftServer *server;
static volatile sig_atomic_t ending;

static void end(int number)
{
	(void)number;
	ending = TRUE;
	if (!server)
		return;
	thrift_server_stop(server);
	if (THRIFT_IS_STAPLER_SERVER_TRANSPORT(server->server_transport))
		thrift_stapler_server_transport_interrupt(
			THRIFT_STAPLER_SERVER_TRANSPORT(server->server_transport));
}

gboolean server_is_quiet(void)
{
	return quiet;
}

gboolean server_is_ending(void)
{
	return ending;
}

static void end_by_signals(void)
{
	struct sigaction action = {.sa_handler = end};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Thrift tells by g_message() why a client or the server has ended. */
static void tell(const gchar *domain, GLogLevelFlags level, const gchar *message,
		 gpointer user_data)
{
	(void)domain;
	(void)level;
	(void)user_data;
	if (!ending)
		fprintf(stderr, "%s\n", message);
}

/* serve() begins by listening, and tells nobody. */

static gboolean (*listen_silently)(ThriftServerTransport *transport, GError **error);

static gboolean listen_and_tell(ThriftServerTransport *transport, GError **error)
{
	if (!listen_silently(transport, error))
		return FALSE;
	printf("listening on %s\n", uri);
	fflush(stdout);
	return TRUE;
}

static ThriftServerTransport *telling(ThriftServerTransport *transport)
{
	ThriftServerTransportClass *class = THRIFT_SERVER_TRANSPORT_GET_CLASS(transport);

	listen_silently = class->listen;
	class->listen = listen_and_tell;
	return transport;
}

/* Options */

static void print_help(const gchar *program)
{
	printf("Usage: %s [OPTION...]\n\n"
	       "Serves %s (tests/examples/thrift/%s.thrift) by Thrift's C/GLib library, one client "
	       "at a time,\nuntil it gets SIGTERM or SIGINT.\n\n"
	       "  --transport URI   stplr:NAME[?device=N&mode=MODE&group=GROUP], activated:NAME,\n"
	       "                    unix:PATH or tcp:HOST:PORT\n"
	       "                    (default stplr:%s; of tcp, all of the machine's addresses)\n"
	       "  --wrapper NAME    buffered (default) or framed, as the clients\n"
	       "  --protocol NAME   binary (default) or compact, as the clients\n"
	       "  --quiet           do not print what ping's hello says\n"
	       "  -h, --help        this text\n",
	       program, own_name, own_name, own_name);
}

struct choice {
	const gchar *name;
	GType type;
};

static GType choose(const gchar *program, const gchar *option, const gchar *name,
		    const struct choice choices[2])
{
	for (int i = 0; i < 2; i++)
		if (!strcmp(name, choices[i].name))
			return choices[i].type;
	fprintf(stderr, "%s: --%s takes %s or %s, not '%s'; see --help\n", program, option,
		choices[0].name, choices[1].name, name);
	exit(2);
}

static ThriftServer *new_server(GType processor_type, GType handler_type,
				ThriftServerTransport *transport, GType wrapper, GType protocol)
{
	GObject *handler = g_object_new(handler_type, NULL);
	GObject *processor = g_object_new(processor_type, "handler", handler, NULL);
	GObject *wrappers = g_object_new(wrapper, NULL);
	GObject *protocols = g_object_new(protocol, NULL);

	return g_object_new(THRIFT_TYPE_SIMPLE_SERVER, "processor", processor, "server_transport",
			    transport, "input_transport_factory", wrappers,
			    "output_transport_factory", wrappers, "input_protocol_factory",
			    protocols, "output_protocol_factory", protocols, NULL);
}

int server_main(int argc, char **argv, const gchar *name, GType processor, GType handler)
{
	static const struct option options[] = {
		{"transport", required_argument, NULL, 't'},
		{"wrapper", required_argument, NULL, 'w'},
		{"protocol", required_argument, NULL, 'p'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const struct choice wrappers[] = {
		{"buffered", THRIFT_TYPE_BUFFERED_TRANSPORT_FACTORY},
		{"framed", THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY},
	};
	const struct choice protocols[] = {
		{"binary", THRIFT_TYPE_BINARY_PROTOCOL_FACTORY},
		{"compact", THRIFT_TYPE_COMPACT_PROTOCOL_FACTORY},
	};
	GType wrapper = wrappers[0].type, protocol = protocols[0].type;
	gchar *usual_uri = g_strconcat("stplr:", name, NULL);
	ThriftServerTransport *transport;
	GError *error = NULL;
	int option;

	own_name = name;
	uri = usual_uri;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 't':
			uri = optarg;
			break;
		case 'w':
			wrapper = choose(argv[0], "wrapper", optarg, wrappers);
			break;
		case 'p':
			protocol = choose(argv[0], "protocol", optarg, protocols);
			break;
		case 'q':
			quiet = TRUE;
			break;
		case 'h':
			print_help(argv[0]);
			return 0;
		default:
			fprintf(stderr, "See %s --help\n", argv[0]);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'; see --help\n", argv[0],
			argv[optind]);
		return 2;
	}
	transport = thrift_stapler_uri_server_transport(uri, &error);
	if (!transport) {
		fprintf(stderr, "%s: %s\n", argv[0], error->message);
		return 2;
	}
	g_log_set_handler(NULL, G_LOG_LEVEL_MESSAGE, tell, NULL);
	refuse_unknown_methods();
	server = new_server(processor, handler, telling(transport), wrapper, protocol);
	end_by_signals();
	thrift_server_serve(server, &error);
	if (g_str_has_prefix(uri, "unix:") && ending)
		unlink(uri + strlen("unix:"));
	if (!ending)
		fprintf(stderr, "%s: %s\n", argv[0], error->message);
	return !ending;
}
