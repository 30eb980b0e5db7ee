// SPDX-License-Identifier: GPL-2.0
/* The tracepoints' code, once: the one place that knows what they look at. */

#include <linux/pid.h>

#include <uapi/linux/stplr.h>

#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/link.h"
#include "core/message.h"
#include "core/pool.h"
#include "core/process.h"
#include "core/server.h"
#include "core/serving.h"
#include "core/slot.h"
#include "ring/ring.h"
#include "trace.h"

static unsigned int stplr_trace_window_how(const struct stplr_window *window)
{
	if (!window->len)
		return 0;
	if (!window->pages)
		return STPLR_IN_KERNEL;
	return window->registered ? STPLR_IN_REGISTERED : STPLR_IN_PAGES;
}

static unsigned int stplr_trace_send_how(const struct stplr_message *message)
{
	const struct stplr_send_side *send = &message->sides.send;
	unsigned int how = stplr_trace_window_how(&send->window);

	if (send->copy && (!how || send->window.len < send->len))
		how |= stplr_inline(&message->sides, send->copy) ? STPLR_IN_MESSAGE :
								   STPLR_IN_BUFFER;
	return how;
}

static unsigned int stplr_trace_reply_how(const struct stplr_message *message)
{
	const struct stplr_reply_side *reply = &message->sides.reply;
	unsigned int how = stplr_trace_window_how(&reply->window);

	if (!how && reply->buffer)
		how = stplr_inline(&message->sides, reply->buffer) ? STPLR_IN_MESSAGE :
								     STPLR_IN_BUFFER;
	return reply->chunk_bytes ? how | STPLR_IN_CHUNK : how;
}

#define CREATE_TRACE_POINTS
#include "trace.h"
