// SPDX-License-Identifier: GPL-2.0
/*
 * What one user may hold: a bound on everything that a user can make grow.
 *
 * The user is the effective one of whoever made the channel or the connection. Counts are plain
 * atomics on the user: small messages use the message their connection brings along and touch none
 * of them.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "base/params.h"
#include "base/quota.h"

static DEFINE_HASHTABLE(stplr_users, 6);
static DEFINE_SPINLOCK(stplr_users_lock);

static struct stplr_user *stplr_user_find(kuid_t uid)
{
	struct stplr_user *user;

	lockdep_assert_held(&stplr_users_lock);
	hash_for_each_possible(stplr_users, user, node, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid)) {
			refcount_inc(&user->ref);
			return user;
		}
	}
	return NULL;
}

/* Returns the user's account with a reference, or NULL without memory. */
struct stplr_user *stplr_user_get(kuid_t uid)
{
	struct stplr_user *user, *fresh;

	spin_lock(&stplr_users_lock);
	user = stplr_user_find(uid);
	spin_unlock(&stplr_users_lock);
	if (user)
		return user;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	refcount_set(&fresh->ref, 1);
	fresh->uid = uid;

	spin_lock(&stplr_users_lock);
	user = stplr_user_find(uid);
	if (!user)
		hash_add(stplr_users, &fresh->node, __kuid_val(uid));
	spin_unlock(&stplr_users_lock);

	if (!user)
		return fresh;
	kfree(fresh);
	return user;
}

/* One more reference. */
struct stplr_user *stplr_user_hold(struct stplr_user *user)
{
	refcount_inc(&user->ref);
	return user;
}

void stplr_user_put(struct stplr_user *user)
{
	bool last;

	spin_lock(&stplr_users_lock);
	last = refcount_dec_and_test(&user->ref);
	if (last)
		hash_del(&user->node);
	spin_unlock(&stplr_users_lock);
	if (!last)
		return;

	WARN_ON(atomic_read(&user->channels) || atomic_read(&user->connections) ||
		atomic_read(&user->messages) || atomic_read(&user->events) ||
		atomic_long_read(&user->memory) || atomic_long_read(&user->registered));
	kfree(user);
}

int stplr_charge(atomic_t *count, unsigned int limit)
{
	int bound = min_t(unsigned int, limit, INT_MAX);

	if (atomic_inc_return(count) > bound) {
		atomic_dec(count);
		return -EDQUOT;
	}
	return 0;
}

void stplr_uncharge(atomic_t *count)
{
	atomic_dec(count);
}

/*
 * A server's answers are charged to its client, and what goes over an inherited connection to who
 * made it: the last quarter is left for what the user does itself.
 */
int stplr_charge_memory(struct stplr_user *user, size_t bytes)
{
	long limit = (long)READ_ONCE(stplr_user_memory) << 20;

	if (!uid_eq(user->uid, current_euid()))
		limit -= limit / 4;
	if (atomic_long_add_return(bytes, &user->memory) > limit) {
		atomic_long_sub(bytes, &user->memory);
		return -ENOBUFS;
	}
	return 0;
}

/* What the user holds already is not refused; what it wants next may be. */
void stplr_count_memory(struct stplr_user *user, size_t bytes)
{
	atomic_long_add(bytes, &user->memory);
}

void stplr_uncharge_memory(struct stplr_user *user, size_t bytes)
{
	atomic_long_sub(bytes, &user->memory);
}

/* What exists, over all users: all zero when nothing is in use. */
static int objects_get(char *buffer, const struct kernel_param *param)
{
	unsigned long users = 0, channels = 0, connections = 0, messages = 0, memory = 0;
	unsigned long events = 0, registered = 0;
	struct stplr_user *user;
	unsigned int bucket;

	spin_lock(&stplr_users_lock);
	hash_for_each(stplr_users, bucket, user, node) {
		users++;
		channels += atomic_read(&user->channels);
		connections += atomic_read(&user->connections);
		messages += atomic_read(&user->messages);
		events += atomic_read(&user->events);
		memory += atomic_long_read(&user->memory);
		registered += atomic_long_read(&user->registered);
	}
	spin_unlock(&stplr_users_lock);
	return sysfs_emit(buffer,
			  "users %lu channels %lu connections %lu messages %lu events %lu memory %lu registered %lu\n",
			  users, channels, connections, messages, events, memory, registered);
}

static const struct kernel_param_ops objects_ops = {
	.get = objects_get,
};

/* Whoever reads it holds the lock for all users that there are. */
module_param_cb(objects, &objects_ops, NULL, 0400);
MODULE_PARM_DESC(objects, "read only: what exists now, and the bytes that messages pin and copy");
