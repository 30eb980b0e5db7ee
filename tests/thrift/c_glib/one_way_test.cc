// SPDX-License-Identifier: MIT
// Which calls are one way: told from their bytes, in each of Thrift's protocols.
#include <glib.h>
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "one_way.h"
}

namespace
{

bool is_one_way(const std::string &bytes)
{
	// Bytes beyond the end are not to be looked at: a copy of the right size has none.
	std::string copy(bytes);

	copy.shrink_to_fit();
	return stapler_is_one_way(reinterpret_cast<const guint8 *>(copy.data()), copy.size());
}

std::string framed(const std::string &call)
{
	const size_t n = call.size();

	return std::string({char(n >> 24), char(n >> 16), char(n >> 8), char(n)}) + call;
}

// name "ab", sequence number 7, an argument or two
std::string strict(char type)
{
	return std::string("\x80\x01\x00", 3) + type + std::string("\0\0\0\2ab\0\0\0\7\0", 11);
}
std::string old(char type)
{
	return std::string("\0\0\0\2ab", 6) + type + std::string("\0\0\0\7\0", 5);
}
std::string compact(char type)
{
	return std::string("\x82") + char(type << 5 | 1) + std::string("\7\2ab\0", 5);
}
std::string json(char type)
{
	return std::string("[1,\"ab\",") + char('0' + type) + ",7,{}]";
}

using Protocol = std::string (*)(char);

TEST(OneWay, EveryProtocolFramedOrNot)
{
	for (Protocol protocol :
	     {Protocol(strict), Protocol(old), Protocol(compact), Protocol(json)})
		for (char type = 1; type <= 4; type++) {
			EXPECT_EQ(type == 4, is_one_way(protocol(type)))
				<< protocol(type) << " " << int(type);
			EXPECT_EQ(type == 4, is_one_way(framed(protocol(type))))
				<< protocol(type) << " " << int(type);
		}
}

TEST(OneWay, AllFramesMustBe)
{
	EXPECT_TRUE(is_one_way(framed(strict(4)) + framed(compact(4))));
	EXPECT_FALSE(is_one_way(framed(strict(4)) + framed(strict(1))));
	EXPECT_FALSE(is_one_way(framed(strict(1)) + framed(strict(4))));
}

TEST(OneWay, TheFirstCallSpeaksForAFlushWithoutFrames)
{
	EXPECT_TRUE(is_one_way(strict(4) + strict(4)));
	EXPECT_FALSE(is_one_way(strict(1) + strict(4)));
}

TEST(OneWay, NamesMayHaveAnything)
{
	EXPECT_TRUE(is_one_way("[1,\"service:\\\"method\\\\\",4,0,{}]"));
	EXPECT_FALSE(is_one_way("[1,\"\\\",4,\",1,0,{}]"));
	EXPECT_FALSE(is_one_way("[1,\"\\"));
}

TEST(OneWay, WhatIsNotUnderstoodIsTwoWay)
{
	EXPECT_FALSE(is_one_way(""));
	for (const std::string &call : {strict(4), old(4), compact(4), json(4)})
		for (size_t length = 0; length < 2; length++)
			EXPECT_FALSE(is_one_way(call.substr(0, length))) << length;
	EXPECT_FALSE(is_one_way(std::string("\x80\x02\x00\x04", 4)));
	EXPECT_FALSE(is_one_way("\x82\x82"));
	EXPECT_FALSE(is_one_way(std::string("\x0f\xff\0\4", 4)));
	EXPECT_FALSE(is_one_way(std::string("\0\0\0\0", 4) + strict(1)));
	EXPECT_FALSE(is_one_way(std::string("\0\xff\xff\xff", 4) + strict(4)));
}

} // namespace
