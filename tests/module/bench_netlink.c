// SPDX-License-Identifier: GPL-2.0
/* Netlink, with a protocol of its own, and generic netlink: unicast, filled in place. */

#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#include "bench_way.h"

static struct sock *bench_socket;
static struct genl_family bench_family;
/* The program's socket. */
static u32 bench_port;

static int bench_netlink_open(struct bench_set_up *set_up)
{
	if (!set_up->value) /* the kernel's own */
		return -EINVAL;
	bench_port = set_up->value;
	set_up->value = bench_family.id;
	return 0;
}

static void bench_netlink_close(void)
{
	bench_port = 0;
}

static int bench_netlink_send(u64 number, bool full, bool more)
{
	struct sk_buff *skb = nlmsg_new(bench.size, GFP_KERNEL);
	struct nlmsghdr *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = nlmsg_put(skb, 0, 0, NLMSG_DONE, bench.size, 0);
	if (!header) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	bench_fill(nlmsg_data(header), bench.size, number, full);
	err = nlmsg_unicast(bench_socket, skb, bench_port);
	return err < 0 ? err : 0;
}

/* An attribute's length has 16 bits. */
static int bench_genetlink_open(struct bench_set_up *set_up)
{
	if (nla_attr_size(bench.size) > U16_MAX)
		return -EINVAL;
	return bench_netlink_open(set_up);
}

static int bench_genetlink_send(u64 number, bool full, bool more)
{
	struct sk_buff *skb = genlmsg_new(nla_total_size(bench.size), GFP_KERNEL);
	struct nlattr *attribute;
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put(skb, 0, 0, &bench_family, 0, BENCH_COMMAND);
	attribute = header ? nla_reserve(skb, BENCH_ATTRIBUTE, bench.size) : NULL;
	if (!attribute) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	bench_fill(nla_data(attribute), bench.size, number, full);
	genlmsg_end(skb, header);
	err = genlmsg_unicast(&init_net, skb, bench_port);
	return err < 0 ? err : 0;
}

const struct bench_way bench_netlink_way = {
	.open = bench_netlink_open,
	.close = bench_netlink_close,
	.send = bench_netlink_send,
};

const struct bench_way bench_genetlink_way = {
	.open = bench_genetlink_open,
	.close = bench_netlink_close,
	.send = bench_genetlink_send,
};

static void bench_netlink_input(struct sk_buff *skb)
{
	const struct nlmsghdr *header = nlmsg_hdr(skb);

	if (netlink_capable(skb, CAP_NET_ADMIN) && skb->len >= NLMSG_HDRLEN &&
	    header->nlmsg_len <= skb->len && header->nlmsg_len >= NLMSG_HDRLEN)
		bench_came(nlmsg_data(header), nlmsg_len(header));
}

static int bench_genetlink_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *attribute = info->attrs[BENCH_ATTRIBUTE];

	return attribute ? bench_came(nla_data(attribute), nla_len(attribute)) : -EINVAL;
}

static const struct nla_policy bench_policy[BENCH_ATTRIBUTE + 1] = {
	[BENCH_ATTRIBUTE] = { .type = NLA_BINARY },
};

static const struct genl_small_ops bench_genl_ops[] = {
	{ .cmd = BENCH_COMMAND, .doit = bench_genetlink_doit, .flags = GENL_ADMIN_PERM },
};

static struct genl_family bench_family = {
	.name = BENCH_FAMILY,
	.version = 1,
	.maxattr = BENCH_ATTRIBUTE,
	.policy = bench_policy,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.small_ops = bench_genl_ops,
	.n_small_ops = ARRAY_SIZE(bench_genl_ops),
	.resv_start_op = BENCH_COMMAND + 1,
};

int bench_netlink_init(void)
{
	struct netlink_kernel_cfg config = { .input = bench_netlink_input };
	int err;

	bench_socket = netlink_kernel_create(&init_net, BENCH_NETLINK, &config);
	if (!bench_socket)
		return -ENOMEM;
	err = genl_register_family(&bench_family);
	if (err)
		netlink_kernel_release(bench_socket);
	return err;
}

void bench_netlink_exit(void)
{
	genl_unregister_family(&bench_family);
	netlink_kernel_release(bench_socket);
}
