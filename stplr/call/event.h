/* SPDX-License-Identifier: GPL-2.0 */
/* What clients allow servers to notify them by. */
#ifndef STPLR_CALL_EVENT_H
#define STPLR_CALL_EVENT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/stplr.h>

struct cred;
struct eventfd_ctx;
struct pid;
struct stplr_channel;
struct stplr_connection;
struct stplr_device;
struct stplr_event_owner;
struct stplr_process;
struct stplr_user;

/**
 * struct stplr_event - one event; constant but for @link
 * @ref: the device's array, and who delivers it
 * @link: in stplr_event_owner.events, under device->registry
 * @owner: to what it belongs; only compared, under device->registry
 * @channel: the one that may deliver it, with a reference; NULL: any that @process is a client of
 * @process: who registered it, with a reference
 * @user: who is charged, with a reference
 * @args: as it was registered
 * @target: of a pulse: over which connection, with a reference
 * @eventfd: of an eventfd, with a reference
 * @pid: of a signal: the process or thread, with a reference
 * @cred: of a signal: who registered it, with a reference
 */
struct stplr_event {
	struct kref ref;
	struct list_head link;
	const struct stplr_event_owner *owner;
	struct stplr_channel *channel;
	struct stplr_process *process;
	struct stplr_user *user;
	struct stplr_event_register args;
	struct stplr_connection *target;
	struct eventfd_ctx *eventfd;
	struct pid *pid;
	const struct cred *cred;
};

void stplr_event_put(struct stplr_event *event);
struct stplr_event *stplr_event_new(struct stplr_device *device, struct stplr_channel *channel,
				    const struct stplr_event_register *args);
int stplr_event_aim_pulse(struct stplr_event *event, struct stplr_connection *target);
void stplr_event_aim_signal(struct stplr_event *event);
int stplr_event_reserve(struct stplr_device *device, struct stplr_event *event);
void stplr_event_unreserve(struct stplr_device *device, struct stplr_event *event);
int stplr_event_add(struct stplr_device *device, struct stplr_event_owner *owner,
		    struct stplr_event *event);
int stplr_event_remove(struct stplr_device *device, struct stplr_event_owner *owner, u32 id);
void stplr_events_end(struct stplr_device *device, struct stplr_event_owner *owner);
int stplr_event_deliver(struct stplr_channel *channel, const struct stplr_event_deliver *args);

#endif /* STPLR_CALL_EVENT_H */
