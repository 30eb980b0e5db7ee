/* SPDX-License-Identifier: MIT */
/*
 * The channels of one server transport, so that a signal handler can end them all
 *
 * A handler can take no lock, and must not reach a descriptor that was closed meanwhile and is
 * somebody else's now. So: places are only ever added to the list; who interrupts counts itself in
 * at a place while it uses the descriptor there; who closes takes the descriptor out, and waits for
 * those to leave. A handler that runs on top of the closing thread has left before that goes on.
 */
#ifndef STAPLER_INTERRUPT_H
#define STAPLER_INTERRUPT_H

#include <glib.h>

struct stapler_interrupt;
struct stapler_place;

/* Counted references: the server transport's, and one for each place. */
struct stapler_interrupt *stapler_interrupt_new(void);
void stapler_interrupt_unref(struct stapler_interrupt *list);

/* A channel that is shut down when the list is interrupted, or at once if it has been. */
struct stapler_place *stapler_interrupt_add(struct stapler_interrupt *list, int channel);

/* For a channel that is not to be shut down: an eventfd of this process's that is written to. */
struct stapler_place *stapler_interrupt_add_wake(struct stapler_interrupt *list, int eventfd);

/* While a channel is busy with a call it is not shut down, but as soon as it is not any more: its
 * client is to get all of the reply. */
void stapler_interrupt_busy(struct stapler_place *place, gboolean busy);

/* To be called before the channel, or the eventfd, is closed. */
void stapler_interrupt_remove(struct stapler_place *place);

/* Shuts down the list's channels, and those to come, and writes to its eventfds. */
void stapler_interrupt_all(struct stapler_interrupt *list);

#endif
