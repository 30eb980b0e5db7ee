// SPDX-License-Identifier: MIT
// A whole service over the transport: Thrift's simple server, its wrappers and protocols.
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <tuple>

#include <thrift/c_glib/thrift_application_exception.h>

#include "service.h"

namespace
{

using Clock = std::chrono::steady_clock;

using Parameters = std::tuple<Wrapper, Protocol, bool>;

Wire wire_of(const Parameters &parameters)
{
	return std::make_from_tuple<Wire>(parameters);
}

class ServiceTest : public testing::TestWithParam<Parameters>
{
protected:
	suiteIf *client() const
	{
		return (*client_)->get();
	}
	int add(int a, int b) const
	{
		return (*client_)->add(a, b);
	}

	Service service_{wire_of(GetParam())};
	std::unique_ptr<Client> client_ = std::make_unique<Client>(service_);
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
		client_.reset();
		client_ = std::make_unique<Client>(service_);
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

// What a handler does not declare is an application exception.
TEST_P(ServiceTest, ApplicationExceptions)
{
	Error error;

	EXPECT_FALSE(suite_client_nap(client(), -1, &error));
	EXPECT_EQ(THRIFT_APPLICATION_EXCEPTION_ERROR, error.domain()) << error;
	EXPECT_NE(std::string::npos, error.message().find("cannot sleep")) << error;
	EXPECT_EQ(3, add(1, 2));
}

// And so is an unknown method.
TEST_P(ServiceTest, UnknownMethods)
{
	ThriftProtocol *protocol = (*client_)->protocol();
	Error error;
	gint32 sum = 0;

	EXPECT_GT(thrift_protocol_write_message_begin(protocol, "none", T_CALL, 0, &error), 0);
	EXPECT_GE(thrift_protocol_write_struct_begin(protocol, "none", &error), 0);
	EXPECT_GE(thrift_protocol_write_field_stop(protocol, &error), 0);
	EXPECT_GE(thrift_protocol_write_struct_end(protocol, &error), 0);
	EXPECT_GE(thrift_protocol_write_message_end(protocol, &error), 0);
	EXPECT_TRUE(thrift_transport_flush(protocol->transport, &error)) << error;
	EXPECT_FALSE(suite_client_recv_add(client(), &sum, &error));
	EXPECT_EQ(THRIFT_APPLICATION_EXCEPTION_ERROR, error.domain()) << error;
	EXPECT_NE(std::string::npos, error.message().find("none")) << error;
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
	gint32 noted = 0, next = 0;
	GByteArray *ballast = g_byte_array_new();
	GArray *notes = g_array_new(FALSE, FALSE, sizeof(gint32));

	EXPECT_EQ(3, add(1, 2));
	const auto longest = [&] {
		Clock::duration most{};

		for (int i = 0; i < 10; i++) {
			const auto before = Clock::now();

			EXPECT_TRUE(
				suite_client_note(client(), next++, i ? 0 : 1000, ballast, &error))
				<< error;
			most = std::max(most, Clock::now() - before);
		}
		EXPECT_TRUE(base_client_noted(BASE_IF(client()), &noted, &error)) << error;
		EXPECT_EQ(next, noted);
		return most;
	};
	EXPECT_TRUE(sometimes([&] { return longest() < std::chrono::milliseconds(100); }));
	EXPECT_TRUE(suite_client_notes(client(), &notes, &error)) << error;
	ASSERT_EQ(guint(next), notes->len);
	for (int i = 0; i < next; i++)
		EXPECT_EQ(i, g_array_index(notes, gint32, i));
	g_array_unref(notes);
	g_byte_array_unref(ballast);
}

INSTANTIATE_TEST_SUITE_P(
	All, ServiceTest,
	testing::Combine(testing::Values(Wrapper::kNone, Wrapper::kBuffered, Wrapper::kFramed),
			 testing::Values(Protocol::kBinary, Protocol::kCompact), testing::Bool()),
	[](const auto &info) { return wire_of(info.param).name(); });

// A profiler's signals: without SA_RESTART, each millisecond, to client and server.
TEST(SignalTest, LoseNoCall)
{
	Service service(Wire(Wrapper::kFramed, Protocol::kBinary));
	Client client(service);
	static std::atomic<int> signals;
	struct sigaction count = {}, before;
	itimerval timer = {{0, 1000}, {0, 1000}}, none = {};

	signals = 0;
	count.sa_handler = [](int) { signals++; };
	sigaction(SIGALRM, &count, &before);
	setitimer(ITIMER_REAL, &timer, nullptr);
	for (int i = 0; i < 10000; i++)
		ASSERT_EQ(i + 1, client->add(i, 1)) << i;
	setitimer(ITIMER_REAL, &none, nullptr);
	sigaction(SIGALRM, &before, nullptr);
	EXPECT_GT(signals, 100);
}

} // namespace
