// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks of the module have run, in whatever context, since it was loaded: linked into it by
 * tests/fuzz/coverage/run, in place of KCOV's function, which tells only of what a task asked for
 * and not of what it does in dying.
 *
 * Read from the parameter reached, by and by: the places from cover_from on that have run, each
 * relative to this file's stplr_cover_from_set().
 */
#include <linux/bitmap.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/sysfs.h>

#define STPLR_COVER_SPAN SZ_1M

static DECLARE_BITMAP(stplr_reached, 2 * STPLR_COVER_SPAN);
static unsigned int stplr_cover_from;

static int stplr_cover_from_set(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 0, 2 * STPLR_COVER_SPAN);
}

void notrace __sanitizer_cov_trace_pc(void)
{
	unsigned long at = _RET_IP_ - (unsigned long)stplr_cover_from_set + STPLR_COVER_SPAN;

	if (at < 2 * STPLR_COVER_SPAN && !test_bit(at, stplr_reached))
		set_bit(at, stplr_reached);
}

static const struct kernel_param_ops stplr_cover_from_ops = {
	.set = stplr_cover_from_set,
	.get = param_get_uint,
};
module_param_cb(cover_from, &stplr_cover_from_ops, &stplr_cover_from, 0644);

static int stplr_reached_get(char *buffer, const struct kernel_param *param)
{
	unsigned long at = stplr_cover_from;
	int len = 0;

	for_each_set_bit_from(at, stplr_reached, 2 * STPLR_COVER_SPAN) {
		if (len > PAGE_SIZE - 16)
			break;
		len += sysfs_emit_at(buffer, len, "%lu\n", at);
	}
	return len;
}

static const struct kernel_param_ops stplr_reached_ops = {
	.get = stplr_reached_get,
};
module_param_cb(reached, &stplr_reached_ops, NULL, 0444);
