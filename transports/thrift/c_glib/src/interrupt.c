/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stplr.h>

#include "interrupt.h"

enum { FREE = -1, TAKEN = -2 };

struct stapler_place {
	struct stapler_place *next; /* constant */
	struct stapler_interrupt *list;
	atomic_int channel; /* or FREE or TAKEN */
	atomic_int wakes;   /* it is an eventfd, of this process; 0: it is not */
	atomic_int users;
	atomic_bool busy;
};

struct stapler_interrupt {
	atomic_int references;
	atomic_bool interrupted;
	_Atomic(struct stapler_place *) places;
};

struct stapler_interrupt *stapler_interrupt_new(void)
{
	struct stapler_interrupt *list = g_new0(struct stapler_interrupt, 1);

	atomic_store(&list->references, 1);
	return list;
}

void stapler_interrupt_unref(struct stapler_interrupt *list)
{
	struct stapler_place *place, *next;

	if (atomic_fetch_sub(&list->references, 1) > 1)
		return;
	for (place = atomic_load(&list->places); place; place = next) {
		next = place->next;
		g_free(place);
	}
	g_free(list);
}

static void interrupt(struct stapler_place *place)
{
	int channel, wakes;

	atomic_fetch_add(&place->users, 1);
	channel = atomic_load(&place->channel);
	wakes = atomic_load(&place->wakes);
	if (channel >= 0 && wakes) {
		/* A fork's copy is another process's to wait on. */
		if (wakes == getpid())
			eventfd_write(channel, 1);
	} else if (channel >= 0 && !atomic_load(&place->busy)) {
		stplr_channel_shutdown(channel);
	}
	atomic_fetch_sub(&place->users, 1);
}

static struct stapler_place *take_place(struct stapler_interrupt *list)
{
	struct stapler_place *place, *first;

	for (place = atomic_load(&list->places); place; place = place->next) {
		int free_one = FREE;

		if (atomic_compare_exchange_strong(&place->channel, &free_one, TAKEN))
			return place;
	}
	place = g_new0(struct stapler_place, 1);
	place->list = list;
	atomic_store(&place->channel, TAKEN);
	first = atomic_load(&list->places);
	do
		place->next = first;
	while (!atomic_compare_exchange_weak(&list->places, &first, place));
	return place;
}

static struct stapler_place *add(struct stapler_interrupt *list, int channel, int wakes)
{
	struct stapler_place *place = take_place(list);

	atomic_fetch_add(&list->references, 1);
	atomic_store(&place->wakes, wakes);
	atomic_store(&place->channel, channel);
	/* Who interrupts sets this first and then looks at the channels. */
	if (atomic_load(&list->interrupted))
		interrupt(place);
	return place;
}

struct stapler_place *stapler_interrupt_add(struct stapler_interrupt *list, int channel)
{
	return add(list, channel, 0);
}

struct stapler_place *stapler_interrupt_add_wake(struct stapler_interrupt *list, int eventfd)
{
	return add(list, eventfd, getpid());
}

void stapler_interrupt_busy(struct stapler_place *place, gboolean busy)
{
	atomic_store(&place->busy, busy);
	if (!busy && atomic_load(&place->list->interrupted))
		interrupt(place);
}

void stapler_interrupt_remove(struct stapler_place *place)
{
	atomic_store(&place->channel, TAKEN);
	while (atomic_load(&place->users))
		g_thread_yield();
	atomic_store(&place->busy, false);
	atomic_store(&place->channel, FREE);
	stapler_interrupt_unref(place->list);
}

void stapler_interrupt_all(struct stapler_interrupt *list)
{
	int error = errno;

	atomic_store(&list->interrupted, true);
	for (struct stapler_place *place = atomic_load(&list->places); place; place = place->next)
		interrupt(place);
	errno = error;
}
