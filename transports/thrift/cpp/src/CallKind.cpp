// SPDX-License-Identifier: MIT
#include "CallKind.h"

#include <thrift/protocol/TEnum.h>
#include <thrift/protocol/TProtocol.h>

namespace stplr
{
namespace thrift
{

namespace
{

constexpr uint8_t oneWay = apache::thrift::protocol::T_ONEWAY;

// The bytes of one call, without a frame.
class Call
{
public:
	Call(const uint8_t *bytes, size_t length) : bytes_(bytes), length_(length) {}

	bool isOneWay() const
	{
		if (length_ < 2)
			return false;
		switch (bytes_[0]) {
		case 0x80:
			return strictBinary();
		case 0x82:
			return compact();
		case '[':
			return json();
		default:
			return oldBinary();
		}
	}

private:
	// 80 01 xx TYPE
	bool strictBinary() const
	{
		return length_ >= 4 && bytes_[1] == 0x01 && bytes_[3] == oneWay;
	}

	// 82 TTTVVVVV
	bool compact() const
	{
		return (bytes_[1] & 0x1f) == 1 && bytes_[1] >> 5 == oneWay;
	}

	// NAME'S LENGTH in 4 bytes, NAME, TYPE, 4 bytes
	bool oldBinary() const
	{
		if (bytes_[0] || length_ < 9)
			return false;

		const size_t name = bytes_[1] << 16 | bytes_[2] << 8 | bytes_[3];

		return length_ - 9 >= name && bytes_[4 + name] == oneWay;
	}

	// [1,"NAME",TYPE,
	bool json() const
	{
		size_t i = 4;

		if (length_ < 4 || bytes_[1] != '1' || bytes_[2] != ',' || bytes_[3] != '"')
			return false;
		while (i < length_ && bytes_[i] != '"')
			i += bytes_[i] == '\\' ? 2 : 1;
		return i < length_ && length_ - i > 3 && bytes_[i + 1] == ',' &&
		       bytes_[i + 2] == '0' + oneWay && bytes_[i + 3] == ',';
	}

	const uint8_t *bytes_;
	size_t length_;
};

size_t frameLength(const uint8_t *bytes)
{
	return static_cast<size_t>(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

// Whole frames and nothing else?
bool isFramed(const uint8_t *bytes, size_t length)
{
	while (length >= 4 && frameLength(bytes) <= length - 4) {
		const size_t frame = 4 + frameLength(bytes);

		bytes += frame;
		length -= frame;
	}
	return !length;
}

} // namespace

bool isOneWay(const uint8_t *bytes, size_t length)
{
	// No frame is so long that it begins as these do, and most calls begin so.
	const bool mayBeFramed = length && bytes[0] < 0x80 && bytes[0] != '[';

	if (!mayBeFramed || !isFramed(bytes, length))
		return Call(bytes, length).isOneWay();
	while (length) {
		const size_t frame = frameLength(bytes);

		if (!Call(bytes + 4, frame).isOneWay())
			return false;
		bytes += 4 + frame;
		length -= 4 + frame;
	}
	return true;
}

} // namespace thrift
} // namespace stplr
