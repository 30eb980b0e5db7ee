// SPDX-License-Identifier: GPL-2.0
/* What messages carry: as bench/payload.h has them. */

#include <linux/errno.h>
#include <linux/minmax.h>

#include "bench_way.h"

static u64 bench_word(u64 number, u64 at)
{
	u64 word = (number << 32) + at + 1;

	word *= 0x9e3779b97f4a7c15;
	word ^= word >> 32;
	word *= 0xd6e8feb86659fd93;
	return word ^ word >> 32;
}

void bench_fill_all(void *bytes, u32 size, u64 number)
{
	u32 at;

	for (at = 0; at < size; at += sizeof(u64)) {
		u64 word = bench_word(number, at);

		memcpy(bytes + at, &word, min_t(u32, sizeof(word), size - at));
	}
}

static bool bench_is(const void *bytes, u32 size, u64 number, bool full)
{
	u32 at;

	if (likely(!full))
		return !memcmp(bytes, &number, sizeof(number)) &&
		       !memcmp(bytes + size - sizeof(number), &number, sizeof(number));
	for (at = 0; at < size; at += sizeof(u64)) {
		u64 word = bench_word(number, at);

		if (memcmp(bytes + at, &word, min_t(u32, sizeof(word), size - at)))
			return false;
	}
	return true;
}

/* A message has come from the program; 0, or EBADMSG if it is another one than was expected. */
int bench_came(const void *bytes, size_t size)
{
	if (unlikely(!size || size != bench.size ||
		     !bench_is(bytes, size, bench.expected, bench.full))) {
		bench.wrong++;
		return -EBADMSG;
	}
	bench.expected++;
	bench.received++;
	return 0;
}
