// SPDX-License-Identifier: GPL-2.0
/*
 * Relay, by a file in debugfs: a message fills a sub-buffer, and the process is told when that is
 * given up, which is with the next one, or when the last of several is flushed.
 */

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/relay.h>
#include <linux/version.h>

#include "bench_way.h"

#if IS_ENABLED(CONFIG_RELAY) && IS_ENABLED(CONFIG_DEBUG_FS)

static struct dentry *bench_folder;
static struct rchan *bench_channel;
/* There was no sub-buffer for what came. */
static bool bench_refused;

/* Not over what was not read yet. */
static int bench_relay_start(struct rchan_buf *buf, void *subbuf, void *prev_subbuf
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
			     , size_t prev_padding
#endif
			    )
{
	bench_refused = relay_buf_full(buf);
	return !bench_refused;
}

static struct dentry *bench_relay_create(const char *name, struct dentry *parent, umode_t mode,
					 struct rchan_buf *buf, int *is_global)
{
	*is_global = 1;
	return debugfs_create_file(name, mode, parent, buf, &relay_file_operations);
}

static int bench_relay_remove(struct dentry *dentry)
{
	debugfs_remove(dentry);
	return 0;
}

static const struct rchan_callbacks bench_relay_callbacks = {
	.subbuf_start = bench_relay_start,
	.create_buf_file = bench_relay_create,
	.remove_buf_file = bench_relay_remove,
};

static int bench_relay_open(struct bench_set_up *set_up)
{
	struct dentry *folder = debugfs_create_dir(BENCH_RELAY_FOLDER, NULL);
	struct rchan *channel;

	if (IS_ERR(folder))
		return PTR_ERR(folder);
	channel = relay_open("relay", folder, set_up->size, BENCH_SLOTS, &bench_relay_callbacks,
			     NULL);
	if (!channel) {
		debugfs_remove(folder);
		return -ENOMEM;
	}
	bench_folder = folder;
	bench_channel = channel;
	return 0;
}

static void bench_relay_close(void)
{
	relay_close(bench_channel);
	debugfs_remove(bench_folder);
}

/*
 * The buffer is that of all processors: bench.sending serialises those who write. By copy, for who
 * reads would see what is reserved and not written yet.
 */
static int bench_relay_send(u64 number, bool full, bool more)
{
	bench_fill(bench.bytes, bench.size, number, full);
	bench_refused = false;
	relay_write(bench_channel, bench.bytes, bench.size);
	if (bench_refused)
		return -EAGAIN;
	/* Looks for the next sub-buffer, too, which need not be there yet. */
	if (!more)
		relay_flush(bench_channel);
	return 0;
}

#else

static int bench_relay_open(struct bench_set_up *set_up)
{
	return -EOPNOTSUPP;
}

static void bench_relay_close(void)
{
}

static int bench_relay_send(u64 number, bool full, bool more)
{
	return -EOPNOTSUPP;
}

#endif

const struct bench_way bench_relay_way = {
	.open = bench_relay_open,
	.close = bench_relay_close,
	.send = bench_relay_send,
};
