/* SPDX-License-Identifier: GPL-2.0 */
/* Who has attached to a set's rings. */
#ifndef STPLR_RING_NEWS_H
#define STPLR_RING_NEWS_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct pid;
struct stplr_ring;
struct stplr_ring_end;
struct stplr_rings;

/**
 * struct stplr_rings_news - who has attached
 * @number: the ring, or reader
 * @pid: the process, with a reference, or NULL
 * @uid: its effective user
 * @gid: its effective group
 */
struct stplr_rings_news {
	u32 number;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
};

void stplr_ring_news_add(struct stplr_ring_end *end);
void stplr_ring_news_drop(struct stplr_ring_end *end);
void stplr_ring_news_forget(struct stplr_ring *ring);
int stplr_rings_wait_news(struct stplr_rings *set, u32 number, s64 deadline, clockid_t clock,
			  struct stplr_rings_news *news);
void stplr_rings_untell(struct stplr_rings *set, u32 number);

#endif /* STPLR_RING_NEWS_H */
