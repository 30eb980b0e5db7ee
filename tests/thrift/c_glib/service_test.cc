// SPDX-License-Identifier: MIT
// A whole service over the transport: Thrift's simple server, its wrappers and protocols.
#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol_factory.h>
#include <thrift/c_glib/protocol/thrift_multiplexed_protocol.h>
#include <thrift/c_glib/server/thrift_simple_server.h>
#include <thrift/c_glib/thrift_application_exception.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_buffered_transport_factory.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport_factory.h>

#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <tuple>

#include "handler.h"
#include "support.h"

namespace
{

enum class Wrapper { kNone, kBuffered, kFramed };
enum class Protocol { kBinary, kCompact };

template <typename... Arguments> Ref<GObject> object(GType type, Arguments... arguments)
{
	return Ref<GObject>(G_OBJECT(g_object_new(type, arguments..., nullptr)));
}

using Clock = std::chrono::steady_clock;

class ServiceTest : public testing::TestWithParam<std::tuple<Wrapper, Protocol, bool>>
{
protected:
	ServiceTest() : handler_(G_OBJECT(g_object_new(test_handler_get_type(), nullptr)))
	{
		auto [wrapper, protocol, multiplexed] = GetParam();
		const GType wrappers =
			wrapper == Wrapper::kFramed     ? THRIFT_TYPE_FRAMED_TRANSPORT_FACTORY
			: wrapper == Wrapper::kBuffered ? THRIFT_TYPE_BUFFERED_TRANSPORT_FACTORY
							: THRIFT_TYPE_TRANSPORT_FACTORY;
		const GType protocols = protocol == Protocol::kBinary
						? THRIFT_TYPE_BINARY_PROTOCOL_FACTORY
						: THRIFT_TYPE_COMPACT_PROTOCOL_FACTORY;

		transport_ = new_server(name_);
		processor_ = object(TYPE_SUITE_PROCESSOR, "handler", handler_.get());
		if (multiplexed) {
			Error error;

			multiplexer_ = object(THRIFT_TYPE_MULTIPLEXED_PROCESSOR);
			EXPECT_TRUE(thrift_multiplexed_processor_register_processor(
				THRIFT_PROCESSOR(multiplexer_.get()), "tested",
				THRIFT_PROCESSOR(processor_.get()), &error))
				<< error;
		}
		wrappers_ = object(wrappers);
		protocols_ = object(protocols);
		server_ = object(THRIFT_TYPE_SIMPLE_SERVER, "processor",
				 multiplexed ? multiplexer_.get() : processor_.get(),
				 "server_transport", transport_.get(), "input_transport_factory",
				 wrappers_.get(), "output_transport_factory", wrappers_.get(),
				 "input_protocol_factory", protocols_.get(),
				 "output_protocol_factory", protocols_.get());
		thread_ = std::make_unique<Thread>([this] {
			GError *error = nullptr;

			thrift_server_serve(THRIFT_SERVER(server_.get()), &error);
			g_clear_error(&error);
			return 0;
		});
		connect();
	}

	~ServiceTest()
	{
		disconnect();
		thrift_server_stop(THRIFT_SERVER(server_.get()));
		thrift_stapler_server_transport_interrupt(
			THRIFT_STAPLER_SERVER_TRANSPORT(transport_.get()));
		EXPECT_EQ(0, thread_->join());
	}

	void connect()
	{
		auto [wrapper, protocol, multiplexed] = GetParam();

		socket_ = new_client(name_);
		gpointer inner = socket_.get();
		if (wrapper != Wrapper::kNone) {
			wrapped_ =
				object(wrapper == Wrapper::kFramed ? THRIFT_TYPE_FRAMED_TRANSPORT
								   : THRIFT_TYPE_BUFFERED_TRANSPORT,
				       "transport", inner);
			inner = wrapped_.get();
		}
		protocol_ = object(protocol == Protocol::kBinary ? THRIFT_TYPE_BINARY_PROTOCOL
								 : THRIFT_TYPE_COMPACT_PROTOCOL,
				   "transport", inner);
		gpointer used = protocol_.get();
		if (multiplexed) {
			multiplexed_ = object(THRIFT_TYPE_MULTIPLEXED_PROTOCOL, "transport", inner,
					      "protocol", used, "service-name", "tested");
			used = multiplexed_.get();
		}
		client_ = object(TYPE_SUITE_CLIENT, "input_protocol", protocol_.get(),
				 "output_protocol", used);
		Error error;
		EXPECT_TRUE(eventually([&] {
			return thrift_transport_open(socket_.get(), &error);
		})) << error;
	}

	void disconnect()
	{
		thrift_transport_close(socket_.get(), nullptr);
		client_.reset();
		multiplexed_.reset();
		protocol_.reset();
		wrapped_.reset();
		socket_.reset();
	}

	suiteIf *client()
	{
		return SUITE_IF(client_.get());
	}

	int add(int a, int b)
	{
		Error error;
		gint32 sum = 0;

		EXPECT_TRUE(suite_client_add(client(), &sum, a, b, &error)) << error;
		return sum;
	}

	std::string name_ = own_name();
	Ref<GObject> handler_, processor_, multiplexer_, wrappers_, protocols_, server_;
	Ref<ThriftServerTransport> transport_;
	std::unique_ptr<Thread> thread_;
	Ref<ThriftTransport> socket_;
	Ref<GObject> wrapped_, protocol_, multiplexed_, client_;
};

TEST_P(ServiceTest, Calls)
{
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(i + 7, add(i, 7));
}

TEST_P(ServiceTest, OneClientAfterTheOther)
{
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(i + 7, add(i, 7));
		disconnect();
		connect();
	}
}

TEST_P(ServiceTest, EveryType)
{
	Ref<every_type> question(new_every_type());
	Ref<every_type> answer(EVERY_TYPE(g_object_new(TYPE_EVERY_TYPE, nullptr)));
	every_type *returned = answer.get();
	Error error;

	ASSERT_TRUE(suite_client_echo(client(), &returned, question.get(), &error)) << error;
	expect_equal(question.get(), returned);
}

TEST_P(ServiceTest, Unions)
{
	Ref<choice> question(CHOICE(g_object_new(TYPE_CHOICE, "text", "one of several", nullptr)));
	Ref<choice> answer(CHOICE(g_object_new(TYPE_CHOICE, nullptr)));
	choice *returned = answer.get();
	Error error;

	ASSERT_TRUE(suite_client_pick(client(), &returned, question.get(), &error)) << error;
	EXPECT_TRUE(returned->__isset_text);
	EXPECT_FALSE(returned->__isset_number);
	EXPECT_STREQ("one of several", returned->text);
}

// C/GLib's framed transport keeps a frame on the stack.
TEST_P(ServiceTest, BlobsOfAnySize)
{
	const size_t most = std::get<0>(GetParam()) == Wrapper::kFramed ? 2 << 20 : 24 << 20;

	for (size_t size :
	     {size_t(0), size_t(1), size_t(511), size_t(512), size_t(65536), most, size_t(65537)}) {
		std::string bytes = pattern(size, size);
		GByteArray *question = g_byte_array_new();
		GByteArray *answer = nullptr;
		Error error;

		g_byte_array_append(question, reinterpret_cast<const guint8 *>(bytes.data()), size);
		ASSERT_TRUE(suite_client_blob(client(), &answer, question, &error)) << error;
		ASSERT_EQ(size, answer->len);
		EXPECT_TRUE(!size || !memcmp(bytes.data(), answer->data, size));
		g_byte_array_unref(question);
		g_byte_array_unref(answer);
	}
}

TEST_P(ServiceTest, Exceptions)
{
	Error error;
	refused *refusal = nullptr;
	broken *breakage = nullptr;

	EXPECT_FALSE(suite_client_refuse(client(), 1, &refusal, &breakage, &error));
	ASSERT_TRUE(refusal);
	EXPECT_EQ(17, refusal->code);
	EXPECT_STREQ("no", refusal->why);
	g_clear_object(&refusal);
	EXPECT_TRUE(suite_client_refuse(client(), 0, &refusal, &breakage, &error)) << error;
	EXPECT_EQ(3, add(1, 2));
}

// What a handler does not declare is an application exception, and so is an unknown method.
TEST_P(ServiceTest, ApplicationExceptions)
{
	Error error;

	EXPECT_FALSE(suite_client_nap(client(), -1, &error));
	EXPECT_EQ(THRIFT_APPLICATION_EXCEPTION_ERROR, error.domain()) << error;
	EXPECT_NE(std::string::npos, error.message().find("cannot sleep")) << error;
	EXPECT_EQ(3, add(1, 2));
}

TEST_P(ServiceTest, ConcurrentCallsOfOneClient)
{
	Error error;
	gint32 sum = 0;

	for (int i = 0; i < 10; i++)
		ASSERT_TRUE(suite_client_send_add(client(), i, 100, &error)) << error;
	for (int i = 0; i < 10; i++) {
		ASSERT_TRUE(suite_client_recv_add(client(), &sum, &error)) << error;
		EXPECT_EQ(i + 100, sum);
	}
}

// The caller does not wait for a handler that sleeps, the order is kept, nothing is lost.
TEST_P(ServiceTest, OneWay)
{
	Error error;
	gint32 noted = 0;
	GByteArray *ballast = g_byte_array_new();
	GArray *notes = g_array_new(FALSE, FALSE, sizeof(gint32));

	EXPECT_EQ(3, add(1, 2));
	for (int i = 0; i < 10; i++) {
		const auto before = Clock::now();

		EXPECT_TRUE(suite_client_note(client(), i, i ? 0 : 1000, ballast, &error)) << error;
		EXPECT_LT(Clock::now() - before, std::chrono::milliseconds(100)) << i;
	}
	EXPECT_TRUE(base_client_noted(BASE_IF(client()), &noted, &error)) << error;
	EXPECT_EQ(10, noted);
	EXPECT_TRUE(suite_client_notes(client(), &notes, &error)) << error;
	ASSERT_EQ(10u, notes->len);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(i, g_array_index(notes, gint32, i));
	g_array_unref(notes);
	g_byte_array_unref(ballast);
}

// A profiler's signals: without SA_RESTART, each millisecond, to client and server.
TEST_P(ServiceTest, SignalsLoseNoCall)
{
	static std::atomic<int> signals;
	struct sigaction count = {}, before;
	itimerval timer = {{0, 1000}, {0, 1000}}, none = {};

	signals = 0;
	count.sa_handler = [](int) { signals++; };
	sigaction(SIGALRM, &count, &before);
	setitimer(ITIMER_REAL, &timer, nullptr);
	for (int i = 0; i < 10000; i++)
		ASSERT_EQ(i + 1, add(i, 1)) << i;
	setitimer(ITIMER_REAL, &none, nullptr);
	sigaction(SIGALRM, &before, nullptr);
	EXPECT_GT(signals, 100);
}

std::string parameters(const testing::TestParamInfo<ServiceTest::ParamType> &info)
{
	const char *const wrappers[] = {"None", "Buffered", "Framed"};
	const char *const protocols[] = {"Binary", "Compact"};
	auto [wrapper, protocol, multiplexed] = info.param;

	return std::string(wrappers[int(wrapper)]) + protocols[int(protocol)] +
	       (multiplexed ? "Multiplexed" : "");
}

INSTANTIATE_TEST_SUITE_P(
	All, ServiceTest,
	testing::Combine(testing::Values(Wrapper::kNone, Wrapper::kBuffered, Wrapper::kFramed),
			 testing::Values(Protocol::kBinary, Protocol::kCompact), testing::Bool()),
	parameters);

} // namespace
