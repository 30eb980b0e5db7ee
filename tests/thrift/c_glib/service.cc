// SPDX-License-Identifier: MIT
#include "service.h"

#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_multiplexed_protocol.h>
#include <thrift/c_glib/server/thrift_simple_server.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_buffered_transport_factory.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport_factory.h>

extern "C" {

// Thrift 0.17's own factory of unwrapped transports returns them without the reference that its
// server drops.
static ThriftTransport *get_transport(ThriftTransportFactory *, ThriftTransport *transport)
{
	return THRIFT_TRANSPORT(g_object_ref(transport));
}

struct UnwrappedFactory {
	ThriftTransportFactory parent;
};
struct UnwrappedFactoryClass {
	ThriftTransportFactoryClass parent;
};

// cppcheck-suppress unknownMacro
G_DEFINE_TYPE(UnwrappedFactory, unwrapped_factory, THRIFT_TYPE_TRANSPORT_FACTORY)

static void unwrapped_factory_class_init(UnwrappedFactoryClass *cls)
{
	cls->parent.get_transport = get_transport;
}

static void unwrapped_factory_init(UnwrappedFactory *) {}

} // extern "C"

template <typename... Arguments> static Ref<GObject> object(GType type, Arguments... arguments)
{
	return Ref<GObject>(G_OBJECT(g_object_new(type, arguments..., nullptr)));
}

std::string Wire::name() const
{
	const char *const wrappers[] = {"None", "Buffered", "Framed"};
	const char *const protocols[] = {"Binary", "Compact"};

	return std::string(wrappers[int(wrapper)]) + protocols[int(protocol)] +
	       (multiplexed ? "Multiplexed" : "");
}

static GType wrapper_factory(Wrapper wrapper)
{
	switch (wrapper) {
	case Wrapper::kFramed:
		return THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY;
	case Wrapper::kBuffered:
		return THRIFT_TYPE_BUFFERED_TRANSPORT_FACTORY;
	default:
		return unwrapped_factory_get_type();
	}
}

// Thrift 0.17's compiler has the processor of a service that others extend look for the method in
// itself, for ever, when it does not know it.
static decltype(ThriftDispatchProcessorClass::dispatch_call) dispatch_base;

static gboolean dispatch_base_or_refuse(ThriftDispatchProcessor *processor, ThriftProtocol *in,
					ThriftProtocol *out, gchar *method, gint32 number,
					GError **error)
{
	if (g_hash_table_contains(BASE_PROCESSOR(processor)->process_map, method))
		return dispatch_base(processor, in, out, method, number, error);
	return THRIFT_DISPATCH_PROCESSOR_CLASS(g_type_class_peek(THRIFT_TYPE_DISPATCH_PROCESSOR))
		->dispatch_call(processor, in, out, method, number, error);
}

Service::Service(const Wire &wire, ThriftConfiguration *limits)
	: wire_(wire), handler_(object(test_handler_get_type()))
{
	const GType protocols = wire.protocol == Protocol::kBinary
					? THRIFT_TYPE_BINARY_PROTOCOL_FACTORY
					: THRIFT_TYPE_COMPACT_PROTOCOL_FACTORY;

	transport_ = new_server(name_, limits);
	processor_ = object(TYPE_SUITE_PROCESSOR, "handler", handler_.get());
	if (!dispatch_base) {
		auto *base =
			THRIFT_DISPATCH_PROCESSOR_CLASS(g_type_class_peek(TYPE_BASE_PROCESSOR));

		dispatch_base = base->dispatch_call;
		base->dispatch_call = dispatch_base_or_refuse;
	}
	if (wire.multiplexed) {
		Error error;

		multiplexer_ = object(THRIFT_TYPE_MULTIPLEXED_PROCESSOR);
		EXPECT_TRUE(thrift_multiplexed_processor_register_processor(
			THRIFT_PROCESSOR(multiplexer_.get()), "tested",
			THRIFT_PROCESSOR(processor_.get()), &error))
			<< error;
	}
	wrappers_ = object(wrapper_factory(wire.wrapper));
	protocols_ = object(protocols);
	server_ =
		object(THRIFT_TYPE_SIMPLE_SERVER, "processor",
		       wire.multiplexed ? multiplexer_.get() : processor_.get(), "server_transport",
		       transport_.get(), "input_transport_factory", wrappers_.get(),
		       "output_transport_factory", wrappers_.get(), "input_protocol_factory",
		       protocols_.get(), "output_protocol_factory", protocols_.get());
	thread_ = std::make_unique<Thread>([this] {
		GError *error = nullptr;

		thrift_server_serve(THRIFT_SERVER(server_.get()), &error);
		g_clear_error(&error);
		return 0;
	});
}

Service::~Service()
{
	thrift_server_stop(THRIFT_SERVER(server_.get()));
	thrift_stapler_server_transport_interrupt(
		THRIFT_STAPLER_SERVER_TRANSPORT(transport_.get()));
	EXPECT_EQ(0, thread_->join());
}

Calls::Calls(ThriftTransport *transport, const Wire &wire)
{
	gpointer inner = transport;

	if (wire.wrapper != Wrapper::kNone) {
		wrapped_ = object(wire.wrapper == Wrapper::kFramed ? THRIFT_TYPE_FRAMED_TRANSPORT
								   : THRIFT_TYPE_BUFFERED_TRANSPORT,
				  "transport", inner);
		inner = wrapped_.get();
	}
	protocol_ = object(wire.protocol == Protocol::kBinary ? THRIFT_TYPE_BINARY_PROTOCOL
							      : THRIFT_TYPE_COMPACT_PROTOCOL,
			   "transport", inner);
	gpointer used = protocol_.get();
	if (wire.multiplexed) {
		multiplexed_ = object(THRIFT_TYPE_MULTIPLEXED_PROTOCOL, "transport", inner,
				      "protocol", used, "service-name", "tested");
		used = multiplexed_.get();
	}
	client_ = object(TYPE_SUITE_CLIENT, "input_protocol", protocol_.get(), "output_protocol",
			 used);
}

int Calls::add(int a, int b) const
{
	Error error;
	gint32 sum = -1;

	EXPECT_TRUE(suite_client_add(get(), &sum, a, b, &error)) << error;
	return sum;
}

Client::Client(const Service &service)
	: transport_(new_client(service.name())), calls_(transport_.get(), service.wire())
{
	Error error;

	// The server may be about to listen.
	EXPECT_TRUE(eventually([&] { return thrift_transport_open(transport_.get(), &error); }))
		<< error;
}

Client::~Client()
{
	thrift_transport_close(transport_.get(), nullptr);
}
