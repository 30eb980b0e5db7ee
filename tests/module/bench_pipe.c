// SPDX-License-Identifier: GPL-2.0
/*
 * A pipe of the process's, one end of which the kernel writes or reads. That end has O_NONBLOCK: a
 * full pipe is an error. What is no longer than a page is written whole or not at all; of longer
 * messages the process makes the pipe large enough for all that may be on their way.
 */

#include <linux/file.h>
#include <linux/fs.h>

#include "bench_way.h"

static struct file *bench_pipe;

static int bench_pipe_open(struct bench_set_up *set_up)
{
	struct file *file = fget(set_up->value);

	if (!file)
		return -EBADF;
	if (!S_ISFIFO(file_inode(file)->i_mode) || !(file->f_flags & O_NONBLOCK)) {
		fput(file);
		return -EINVAL;
	}
	bench_pipe = file;
	return 0;
}

static void bench_pipe_close(void)
{
	fput(bench_pipe);
}

static int bench_pipe_send(u64 number, bool full, bool more)
{
	ssize_t written;

	if (!(bench_pipe->f_mode & FMODE_WRITE))
		return -EBADF;
	bench_fill(bench.bytes, bench.size, number, full);
	written = kernel_write(bench_pipe, bench.bytes, bench.size, NULL);
	if (written < 0)
		return written;
	return written == bench.size ? 0 : -EIO; /* torn */
}

static int bench_pipe_take(void)
{
	ssize_t got;

	if (!(bench_pipe->f_mode & FMODE_READ))
		return -EBADF;
	got = kernel_read(bench_pipe, bench.bytes, bench.size, NULL);
	return got < 0 ? got : bench_came(bench.bytes, got);
}

const struct bench_way bench_pipe_way = {
	.open = bench_pipe_open,
	.close = bench_pipe_close,
	.send = bench_pipe_send,
	.take = bench_pipe_take,
};
