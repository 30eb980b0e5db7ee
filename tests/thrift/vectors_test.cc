// SPDX-License-Identifier: MIT
// The C++ transport against transports/thrift/vectors.
#include <gtest/gtest.h>

#include "support/module.h"
#include "support/service.h"
#include "support/vectors.h"

namespace
{

using namespace tests;

class VectorTest : public testing::TestWithParam<std::string>
{
protected:
	void drive(TTransport &transport, const char *side)
	{
		vector.drive(
			side,
			[&](const std::string &bytes) {
				return failure([&] {
					       transport.write(bytes_of(bytes), bytes.size());
					       transport.flush();
				       }) == -1;
			},
			[&](std::string &got) {
				return failure([&] {
					       transport.readAll(bytes_of(got), got.size());
				       }) == -1;
			});
	}
	static uint8_t *bytes_of(const std::string &text)
	{
		return reinterpret_cast<uint8_t *>(const_cast<char *>(text.data()));
	}

	Parameter max{"message_max", long(kVectorMessageMax)};
	const Vector vector{GetParam()};
	const StaplerAddress address = newAddress();
};

TEST_P(VectorTest, Server)
{
	if (!vector.is_for("server"))
		return;

	ServerStaplerTransport server(
		address, std::make_shared<apache::thrift::TConfiguration>(vector.limit()));
	uint8_t byte;

	server.listen();
	Player player("client", address.name, GetParam());
	const auto accepted = server.accept();

	drive(*accepted, "server");
	if (!vector.has("server-fails"))
		EXPECT_EQ(0u, accepted->read(&byte, 1)) << "the end of the stream";
	EXPECT_EQ(0, player.finish());
}

TEST_P(VectorTest, Client)
{
	if (!vector.is_for("client"))
		return;

	Player player("server", address.name, GetParam());
	ClientStaplerTransport client(address);

	client.open();
	drive(client, "client");
	EXPECT_EQ(0, player.finish());
}

INSTANTIATE_TEST_SUITE_P(All, VectorTest, testing::ValuesIn(vectors()), vector_name);

TEST(VectorTest, ThereAreSome)
{
	EXPECT_LE(10u, vectors().size());
}

} // namespace
