/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <unistd.h>

#include <stplr.h>

#include "handed.h"

static GMutex mutex;
static GHashTable *taken; /* their numbers; under mutex */

static gboolean add_taken(int fd)
{
	gboolean added;

	g_mutex_lock(&mutex);
	if (!taken)
		taken = g_hash_table_new(NULL, NULL);
	added = g_hash_table_add(taken, GINT_TO_POINTER(fd));
	g_mutex_unlock(&mutex);
	return added;
}

void stapler_handed_return(int fd)
{
	g_mutex_lock(&mutex);
	g_hash_table_remove(taken, GINT_TO_POINTER(fd));
	g_mutex_unlock(&mutex);
}

void stapler_handed_close(int fd)
{
	/* In this order: another thread may be handed the same number at once. */
	stapler_handed_return(fd);
	close(fd);
}

/* 0: neither of these. */
static guint find_kind(int fd, gboolean *ended, const gchar **words)
{
	struct stplr_channel_info channel;
	struct stplr_connect_info connection;

	if (!stplr_connect_info(fd, &connection)) {
		*ended = connection.flags & STPLR_CONNECT_DETACHED;
		*words = "a connection";
		return STAPLER_CONNECTION;
	}
	*words = "neither connection nor channel";
	if (stplr_channel_info(fd, &channel))
		return 0;
	*ended = channel.state & (STPLR_STATE_SHUTDOWN | STPLR_STATE_ENDED);
	if (channel.flags & STPLR_CHANNEL_LISTEN) {
		*words = "a listening channel";
		return STAPLER_LISTENING;
	}
	if (channel.state & STPLR_STATE_ACCEPTED) {
		*words = "an accepted client's channel";
		return STAPLER_ACCEPTED;
	}
	*words = "a channel that does not listen";
	return 0;
}

gchar *stapler_handed_take(int fd, guint kinds, enum stapler_kind *kind)
{
	const gchar *words;
	gchar why[256];
	gboolean ended = FALSE;
	guint found;

	if (stplr_check_version(fd, why, sizeof(why)))
		return g_strdup(why);
	found = find_kind(fd, &ended, &words);
	if (!(found & kinds))
		return g_strdup_printf("descriptor %d is %s, and %s is wanted", fd, words,
				       kinds & STAPLER_LISTENING
					       ? "a listening channel"
					       : "a connection or an accepted client's channel");
	if (ended)
		return g_strdup_printf("descriptor %d: it was ended by another process that has it",
				       fd);
	/* One that listens is asked for clients, and not waited on. */
	if (found != STAPLER_LISTENING && fcntl(fd, F_GETFL) & O_NONBLOCK)
		return g_strdup_printf("descriptor %d has O_NONBLOCK, and a call is to wait: clear "
				       "that (F_SETFL)",
				       fd);
	if (!add_taken(fd))
		return g_strdup_printf("descriptor %d is another transport's already", fd);
	fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC);
	*kind = found;
	return NULL;
}
