// SPDX-License-Identifier: MIT
// Valid calls with a few things wrong, in messages of every kind: the transports carry them as they
// are. Thrift's own C/GLib library stays out of it, for many such calls end its process, whatever
// the transport (docs/thrift.md).
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include <stplr.h>

#include <functional>
#include <random>
#include <vector>

#include "service.h"
#include "support/mutator.h"
#include "support/raw.h"
#include "support/watchdog.h"

extern "C" {
#include "one_way.h"
}

namespace
{

std::string call(const Wire &wire, const std::function<bool(suiteIf *, GError **)> &send)
{
	Ref<ThriftTransport> memory(
		THRIFT_TRANSPORT(g_object_new(THRIFT_TYPE_MEMORY_BUFFER, nullptr)));
	Calls calls(memory.get(), wire);
	Error error;

	EXPECT_TRUE(send(calls.get(), &error)) << error;
	const GByteArray *bytes = THRIFT_MEMORY_BUFFER(memory.get())->buf;
	return std::string(reinterpret_cast<const char *>(bytes->data), bytes->len);
}

std::vector<std::string> valid_calls(const Wire &wire)
{
	const auto echo = [](suiteIf *client, GError **error) {
		Ref<every_type> value(new_every_type());

		return suite_client_send_echo(client, value.get(), error);
	};
	const auto note = [](suiteIf *client, GError **error) {
		GByteArray *ballast = g_byte_array_new_take(g_new0(guint8, 2000), 2000);
		const bool sent = suite_client_send_note(client, 1, 2, ballast, error);

		g_byte_array_unref(ballast);
		return sent;
	};
	const auto add = [](suiteIf *client, GError **error) {
		return suite_client_send_add(client, 1, 2, error);
	};

	return {call(wire, echo), call(wire, note), call(wire, add)};
}

class MutationTest : public TransportTest, public testing::WithParamInterface<Wire>
{
protected:
	MutationTest() : calls_(valid_calls(GetParam())) {}

	// The next call; not empty, for no bytes are no call.
	std::string next()
	{
		const std::string bytes = mutate_(calls_[random(calls_.size())]);

		return bytes.empty() ? next() : bytes;
	}

	size_t random(size_t below)
	{
		return std::uniform_int_distribution<size_t>(0, below - 1)(engine_);
	}

	// Reads them in pieces of any size. False if others come, or an end.
	bool server_reads(const std::string &bytes)
	{
		Error error;

		for (size_t at = 0; at < bytes.size();) {
			const size_t piece = 1 + random(bytes.size() - at);

			if (read(accepted.get(), piece, error) != bytes.substr(at, piece))
				return false;
			at += piece;
		}
		return true;
	}

	const long memory_before_ = tests::peakMemory();

private:
	tests::Mutator mutate_{GetParam().wrapper == Wrapper::kFramed};
	const std::vector<std::string> calls_;
	std::mt19937 engine_{20261120};
};

// From this transport to that one.
TEST_P(MutationTest, ArriveAsTheyAre)
{
	const int count = 2500 * test_repeat();
	std::vector<std::string> sent;

	connect();
	for (int i = 0; i < count; i++)
		sent.push_back(next());
	Thread served([&] {
		for (const std::string &bytes : sent) {
			if (!server_reads(bytes))
				return 1;
			send(accepted.get(), bytes); // dropped where nobody waits
		}
		return 0;
	});
	int one_way = 0;
	for (const std::string &bytes : sent) {
		send(client.get(), bytes);
		if (stapler_is_one_way(reinterpret_cast<const guint8 *>(bytes.data()),
				       bytes.size()))
			one_way++;
		else
			ASSERT_EQ(bytes, receive(client.get(), bytes.size()));
	}
	EXPECT_EQ(0, served.join());
	EXPECT_GT(one_way, count / 10);
	EXPECT_LT(one_way, count / 2);
	EXPECT_LT(tests::peakMemory() - memory_before_, 100000);
}

// From a client that cuts them as it likes, with and without waiting, and goes when it likes: the
// next one gets its answer.
TEST_P(MutationTest, FromARawClientWhateverItDoes)
{
	const int count = 500 * test_repeat();

	connect();
	client.reset();
	for (int i = 0; i < count; i++) {
		const std::string bytes = next();
		size_t at = 0;
		Error error;
		auto raw = std::make_unique<tests::RawClient>(name);
		tests::Answer answer;

		accepted.reset(thrift_server_transport_accept(server.get(), &error));
		ASSERT_TRUE(accepted) << error;
		while (random(3) && at < bytes.size()) {
			const std::string piece = bytes.substr(at, 1 + random(bytes.size()));

			ASSERT_EQ(0, raw->queue(piece));
			at += piece.size();
		}
		if (random(4)) {
			Thread waits([&] { return raw->call(bytes.substr(at), &answer); });

			// The server sees only that it has a call to answer.
			EXPECT_TRUE(server_reads(bytes));
			if (at < bytes.size()) {
				send(accepted.get(), bytes);
			} else {
				Thread closes(
					[&] { return read(accepted.get(), 1, error).size(); });
				EXPECT_EQ(0, waits.join());
				raw.reset();
				EXPECT_EQ(0, closes.join());
			}
			if (raw) {
				EXPECT_EQ(0, waits.join());
				ASSERT_EQ(bytes, answer.bytes) << "to message " << i;
			}
		} else {
			raw.reset();
			EXPECT_TRUE(server_reads(bytes.substr(0, at)));
			EXPECT_EQ("", read(accepted.get(), 1, error));
			EXPECT_EQ(THRIFT_TRANSPORT_ERROR_RECEIVE, error.code()) << error;
		}
	}
	EXPECT_LT(tests::peakMemory() - memory_before_, 100000);
}

INSTANTIATE_TEST_SUITE_P(All, MutationTest,
			 testing::Values(Wire{Wrapper::kBuffered, Protocol::kBinary},
					 Wire{Wrapper::kFramed, Protocol::kBinary},
					 Wire{Wrapper::kBuffered, Protocol::kCompact},
					 Wire{Wrapper::kFramed, Protocol::kCompact}),
			 [](const auto &info) { return info.param.name(); });

} // namespace
