// SPDX-License-Identifier: GPL-2.0
/* A program's eventfd is signalled: it counts, and has no bytes. */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/version.h>

#include "bench_way.h"

static struct eventfd_ctx *bench_eventfd;

void bench_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd, 1);
#else
	eventfd_signal(eventfd);
#endif
}

static int bench_eventfd_open(struct bench_set_up *set_up)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(set_up->value);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	bench_eventfd = eventfd;
	return 0;
}

static void bench_eventfd_close(void)
{
	eventfd_ctx_put(bench_eventfd);
}

static int bench_eventfd_send(u64 number, bool full, bool more)
{
	bench_signal(bench_eventfd);
	return 0;
}

const struct bench_way bench_eventfd_way = {
	.open = bench_eventfd_open,
	.close = bench_eventfd_close,
	.send = bench_eventfd_send,
};
