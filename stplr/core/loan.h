/* SPDX-License-Identifier: GPL-2.0 */
/* What a message lends to a thread; see raise.c. */
#ifndef STPLR_CORE_LOAN_H
#define STPLR_CORE_LOAN_H

#include <linux/rbtree.h>
#include <linux/sched/prio.h>

/* A loan is passed on so often, through so many threads that wait for each other. */
#define STPLR_CHAIN_MAX 16

/**
 * struct stplr_loan - what a thread is lent by one message, or a queue; changed under channel->lock
 *	and thread->lock
 * @node: in thread->loans, unless it is nothing
 * @value: a real-time priority and, of loans of the same, how directly it is lent; 0 is nothing
 */
struct stplr_loan {
	struct rb_node node;
	int value;
};

/* Of a client of that real-time priority, to which it came through @depth others. */
static inline int stplr_loan_value(int level, unsigned int depth)
{
	if (level <= 0 || level >= MAX_RT_PRIO || depth > STPLR_CHAIN_MAX)
		return 0;
	return level * (STPLR_CHAIN_MAX + 1) + STPLR_CHAIN_MAX - depth;
}

static inline int stplr_loan_level(int value)
{
	return value / (STPLR_CHAIN_MAX + 1);
}

static inline unsigned int stplr_loan_depth(int value)
{
	return STPLR_CHAIN_MAX - value % (STPLR_CHAIN_MAX + 1);
}

#endif /* STPLR_CORE_LOAN_H */
