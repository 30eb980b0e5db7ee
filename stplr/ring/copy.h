/* SPDX-License-Identifier: GPL-2.0 */
/* Copy mode: read(2) and write(2). */
#ifndef STPLR_RING_COPY_H
#define STPLR_RING_COPY_H

#include <linux/types.h>

struct iov_iter;
struct stplr_ring_end;

ssize_t stplr_ring_copy_out(struct stplr_ring_end *end, struct iov_iter *to, bool nonblock);
ssize_t stplr_ring_copy_in(struct stplr_ring_end *end, struct iov_iter *from, bool nonblock);
int stplr_ring_next_len(struct stplr_ring_end *end, u32 *len, u64 *lost);

#endif /* STPLR_RING_COPY_H */
