/* SPDX-License-Identifier: GPL-2.0 */
/* What one user may hold. */
#ifndef STPLR_BASE_QUOTA_H
#define STPLR_BASE_QUOTA_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/uidgid.h>

/**
 * struct stplr_user - one user's share, and how much of it is taken
 * @node: in the hash of users, under stplr_users_lock
 * @ref: one for each channel, connection and event; falls to zero under stplr_users_lock
 * @uid: who
 * @channels: channels that exist
 * @connections: connections that exist
 * @messages: messages beyond the one each connection has, notices of disconnects
 * @events: events that are registered
 * @memory: bytes pinned or copied for messages
 * @registered: bytes in the pages of registered buffers; bounded by RLIMIT_MEMLOCK
 */
struct stplr_user {
	struct hlist_node node;
	refcount_t ref;
	kuid_t uid;
	atomic_t channels;
	atomic_t connections;
	atomic_t messages;
	atomic_t events;
	atomic_long_t memory;
	atomic_long_t registered;
};

struct stplr_user *stplr_user_get(kuid_t uid);
struct stplr_user *stplr_user_hold(struct stplr_user *user);
void stplr_user_put(struct stplr_user *user);
int stplr_charge(atomic_t *count, unsigned int limit);
void stplr_uncharge(atomic_t *count);
int stplr_charge_memory(struct stplr_user *user, size_t bytes);
void stplr_count_memory(struct stplr_user *user, size_t bytes);
void stplr_uncharge_memory(struct stplr_user *user, size_t bytes);

#endif /* STPLR_BASE_QUOTA_H */
