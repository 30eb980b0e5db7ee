// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>

#include "fork.h"
#include "inside.h"

/* On the heap, for a thread may be cancelled in there. */
struct inside {
	struct bound bound;
	bool close;
	struct inside *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and all in it */
static struct inside *insides;

/* With the lock */
static struct inside *inside_of(const RESMGR_OCB_T *ocb)
{
	struct inside *inside = insides;

	while (inside && inside->bound.ocb != ocb)
		inside = inside->next;
	return inside;
}

struct inside *inside_enter(const struct bound *bound)
{
	struct inside *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->bound = *bound;
	pthread_mutex_lock(&lock);
	self->next = insides;
	insides = self;
	pthread_mutex_unlock(&lock);
	return self;
}

bool inside_leave(struct inside *self, struct bound *bound)
{
	struct inside **link, *other;
	bool close;

	pthread_mutex_lock(&lock);
	for (link = &insides; *link != self; link = &(*link)->next)
		;
	*link = self->next;
	close = self->close;
	other = close ? inside_of(self->bound.ocb) : NULL;
	if (other)
		other->close = true;
	pthread_mutex_unlock(&lock);
	*bound = self->bound;
	free(self);
	return close && !other;
}

bool inside_defers_close(const struct bound *bound)
{
	struct inside *inside;

	pthread_mutex_lock(&lock);
	inside = inside_of(bound->ocb);
	if (inside)
		inside->close = true;
	pthread_mutex_unlock(&lock);
	return inside;
}

/* A child's own thread may be in a handler: those of the others stay, too, and are no files' of it.
 */
__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_INSIDE, &lock, NULL);
}
