// SPDX-License-Identifier: MIT
// The C/GLib transport against transports/thrift/vectors.
#include "support.h"

#include "../support/vectors.h"
#include "support/module.h"

namespace
{

using namespace tests;

class VectorTest : public testing::TestWithParam<std::string>
{
protected:
	void drive(ThriftTransport *transport, const char *side)
	{
		vector.drive(
			side,
			[&](const std::string &bytes) {
				Error error;

				return write(transport, bytes, error) && flush(transport, error);
			},
			[&](std::string &got) {
				Error error;

				got = read(transport, got.size(), error);
				return !error.is_set();
			});
	}

	Parameter max{"message_max", long(kVectorMessageMax)};
	const Vector vector{GetParam()};
	const std::string name = own_name();
};

TEST_P(VectorTest, Server)
{
	if (!vector.is_for("server"))
		return;

	const auto limits = configuration(vector.limit());
	const auto server = new_server(name, limits.get());
	Error error;

	ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	Player player("client", name, GetParam());
	Ref<ThriftTransport> accepted(thrift_server_transport_accept(server.get(), &error));
	ASSERT_TRUE(accepted) << error;
	drive(accepted.get(), "server");
	if (!vector.has("server-fails"))
		EXPECT_EQ("", read(accepted.get(), 1, error)) << "the end of the stream";
	EXPECT_EQ(0, player.finish());
}

TEST_P(VectorTest, Client)
{
	if (!vector.is_for("client"))
		return;

	Player player("server", name, GetParam());
	const auto client = new_client(name);
	Error error;

	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	drive(client.get(), "client");
	EXPECT_EQ(0, player.finish());
}

INSTANTIATE_TEST_SUITE_P(All, VectorTest, testing::ValuesIn(vectors()), vector_name);

} // namespace
