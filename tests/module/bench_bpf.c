// SPDX-License-Identifier: GPL-2.0
/*
 * BPF's ring buffer. No kernel lets a module write into one: what fills it is there for BPF
 * programs alone. So the process brings a program, of the type socket filter, which copies a packet
 * into a ring buffer, and this runs it with each message as the packet, as xt_bpf does with its
 * programs. What it returns: 1, or 0 if there was no room. In skb->mark it finds the flags for the
 * wake-up.
 */

#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/filter.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>

#include "bench_way.h"

static struct bpf_prog *bench_prog;
/* One message, filled anew each time. */
static struct sk_buff *bench_packet;
/* Something was written since the process was last told. */
static bool bench_untold;

static int bench_bpf_open(struct bench_set_up *set_up)
{
	struct bpf_prog *prog = bpf_prog_get_type(set_up->value, BPF_PROG_TYPE_SOCKET_FILTER);
	struct sk_buff *packet;

	if (IS_ERR(prog))
		return PTR_ERR(prog);
	packet = alloc_skb(set_up->size, GFP_KERNEL);
	if (!packet) {
		bpf_prog_put(prog);
		return -ENOMEM;
	}
	skb_put_zero(packet, set_up->size);
	bench_prog = prog;
	bench_packet = packet;
	bench_untold = false;
	return 0;
}

static void bench_bpf_close(void)
{
	kfree_skb(bench_packet);
	bpf_prog_put(bench_prog);
}

static int bench_bpf_send(u64 number, bool full, bool more)
{
	u32 written;

	bench_fill(bench_packet->data, bench.size, number, full);
	/* By itself it tells of the first of several only. */
	bench_packet->mark = more ? BPF_RB_NO_WAKEUP : bench_untold ? BPF_RB_FORCE_WAKEUP : 0;
	rcu_read_lock();
	written = bpf_prog_run_clear_cb(bench_prog, bench_packet);
	rcu_read_unlock();
	if (!written)
		return -EAGAIN;
	bench_untold = more;
	return 0;
}

const struct bench_way bench_bpf_way = {
	.open = bench_bpf_open,
	.close = bench_bpf_close,
	.send = bench_bpf_send,
};
