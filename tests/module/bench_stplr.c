// SPDX-License-Identifier: GPL-2.0
/* By stplr: posts, pulses, rings, and a server that is called in the sender's thread. */

#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/stplr_kernel.h>
#include <linux/stplr_ring.h>

#include "bench_way.h"

#define BENCH_SHORT 64

/* Posts */

static struct stplr_link *bench_link;

static int bench_post_open(struct bench_set_up *set_up)
{
	const struct stplr_link_params params = {
		.name = set_up->name,
		.module = THIS_MODULE,
		.deadline = STPLR_DEADLINE_POLL,
		.posts = BENCH_SLOTS,
		.post_max = set_up->size,
	};
	struct stplr_link *link = stplr_link_open(&params, NULL, NULL);

	if (IS_ERR(link))
		return PTR_ERR(link);
	bench_link = link;
	return 0;
}

static void bench_post_close(void)
{
	stplr_link_close(bench_link);
}

static int bench_post_send(u64 number, bool full, bool more)
{
	bench_fill(bench.bytes, bench.size, number, full);
	return stplr_link_post(bench_link, BENCH_PRIORITY, more ? STPLR_POST_MORE : 0, number,
			       bench.bytes, bench.size);
}

const struct bench_way bench_post_way = {
	.open = bench_post_open,
	.close = bench_post_close,
	.send = bench_post_send,
};

/* Pulses */

static struct stplr_source *bench_source;

static int bench_pulse_open(struct bench_set_up *set_up)
{
	struct stplr_source *source = stplr_source_get(set_up->value);

	if (IS_ERR(source))
		return PTR_ERR(source);
	bench_source = source;
	return 0;
}

static void bench_pulse_close(void)
{
	stplr_source_put(bench_source);
}

static int bench_pulse_send(u64 number, bool full, bool more)
{
	return stplr_source_pulse(bench_source, BENCH_PRIORITY, 1, number);
}

const struct bench_way bench_pulse_way = {
	.open = bench_pulse_open,
	.close = bench_pulse_close,
	.send = bench_pulse_send,
};

/* A ring: to one process and back, or to many readers, of whom the slowest holds it back */

static struct stplr_rings *bench_rings;
static struct stplr_ring_end *bench_end;

static int bench_ring_open(struct bench_set_up *set_up)
{
	u32 pages = roundup_pow_of_two(max_t(u64, PAGE_SIZE,
					     (u64)BENCH_SLOTS * (set_up->size + 16))) / PAGE_SIZE;
	bool many = set_up->value > 0;
	const struct stplr_rings_params params = {
		.module = THIS_MODULE,
		.name = set_up->name,
		.flags = many ? STPLR_RINGS_MANY : 0,
		.rings = many ? set_up->value : 1,
		.out_pages = pages,
		.in_pages = many ? 0 : pages,
	};
	struct stplr_ring_end *end;
	struct stplr_rings *rings;

	rings = stplr_rings_create(&params);
	if (IS_ERR(rings))
		return PTR_ERR(rings);
	end = stplr_ring_open(rings, 0, NULL, NULL);
	if (IS_ERR(end)) {
		stplr_rings_destroy(rings);
		return PTR_ERR(end);
	}
	bench_rings = rings;
	bench_end = end;
	return 0;
}

static void bench_ring_close(void)
{
	stplr_ring_close(bench_end);
	stplr_rings_destroy(bench_rings);
}

static int bench_ring_send(u64 number, bool full, bool more)
{
	void *bytes = stplr_ring_reserve(bench_end, bench.size);

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	bench_fill(bytes, bench.size, number, full);
	stplr_ring_commit(bench_end, bench.size, 0, 0,
			  more ? STPLR_RING_TELL_NOT : STPLR_RING_TELL_WANTED);
	return 0;
}

static int bench_ring_take(void)
{
	struct stplr_ring_record record;
	const void *bytes = stplr_ring_peek(bench_end, &record);
	int err;

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	err = bench_came(bytes, record.len);
	return err ?: stplr_ring_release(bench_end, STPLR_RING_TELL_WANTED);
}

const struct bench_way bench_ring_way = {
	.open = bench_ring_open,
	.close = bench_ring_close,
	.send = bench_ring_send,
	.take = bench_ring_take,
};

/* A server, in the sender's thread */

static struct stplr_server *bench_server;

/* As most drivers would: what has one length is a structure, and longer things have a place. */
static int bench_receive_short(struct stplr_request *request)
{
	struct {
		u8 bytes[BENCH_SHORT];
	} message;
	u64 number = bench.expected;
	ssize_t n;
	int err;

	n = stplr_request_read(request, 0, &message, sizeof(message));
	if (n < 0)
		return n;
	err = bench_came(&message, n);
	if (err || !request->room)
		return err;
	bench_fill(&message, sizeof(message), ~number, bench.full);
	n = stplr_request_write(request, 0, &message, sizeof(message));
	return n < 0 ? n : 0;
}

static int bench_receive(struct stplr_request *request)
{
	u64 number = bench.expected;
	ssize_t n;
	int err;

	if (request->len != bench.size)
		return -EMSGSIZE;
	if (request->len == BENCH_SHORT)
		return bench_receive_short(request);
	n = stplr_request_read(request, 0, bench.bytes, request->len);
	if (n < 0)
		return n;
	err = bench_came(bench.bytes, n);
	if (err || !request->room)
		return err;
	bench_fill(bench.bytes, n, ~number, bench.full);
	n = stplr_request_write(request, 0, bench.bytes, n);
	return n < 0 ? n : 0;
}

static const struct stplr_server_ops bench_server_ops = {
	.owner = THIS_MODULE,
	.receive = bench_receive,
};

static int bench_server_open(struct bench_set_up *set_up)
{
	const struct stplr_server_params params = { .name = set_up->name };
	struct stplr_server *server = stplr_server_create(&params, &bench_server_ops, NULL);

	if (IS_ERR(server))
		return PTR_ERR(server);
	bench_server = server;
	return 0;
}

static void bench_server_close(void)
{
	stplr_server_put(bench_server);
}

const struct bench_way bench_server_way = {
	.open = bench_server_open,
	.close = bench_server_close,
};
