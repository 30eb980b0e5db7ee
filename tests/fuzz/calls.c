// SPDX-License-Identifier: MIT
/*
 * The calls: what fields they have, what those may hold, and which results they take and give.
 * A new call is one entry here.
 */
#include <sys/epoll.h>

#include "program.h"

#define NESTED(type, prefix, member, ...)                                                          \
	{                                                                                          \
		.path = #prefix #member, .offset = offsetof(struct type, prefix member),           \
		.size = sizeof(((struct type *)0)->prefix member), .kind = __VA_ARGS__             \
	}
#define FIELD(type, member, ...) NESTED(type, , member, __VA_ARGS__)
#define OUT(type, member, of) FIELD(type, member, of, .out = true)
#define ARG(number, ...)                                                                           \
	{                                                                                          \
		.path = #number, .offset = (number)*8, .size = 8, .kind = __VA_ARGS__              \
	}

/* RANGE(NUMBER, 0, 9) and the like */
#define RANGE(of, low, high) of, .min = (low), .max = (high)
#define MASK(bits) FLAGS, .max = (bits)
#define UNTIL(us) DEADLINE, .max = (us)
#define BYTES(vector, registered) BUFFER, .min = (vector), .max = (registered)
#define ONE_OF(of) EITHER, .max = sizeof(of) / sizeof((of)[0]), .choices = (of)

static const struct field version[] = {
	{.path = NULL},
};

static const int64_t modes[] = {0, 0600, 0666, 0222, 0020};
static const int64_t pulses[] = {0, 0, 0, 1, 2, 5, 128};
/* all but 0 want a flag */
static const int64_t looks[] = {0, 0, 0, 0, 0, 0, STPLR_SPIN_MAX};
static const int64_t users[] = {0, 0, 0, 1, 65534, -1};

static const struct field channel_create[] = {
	FIELD(stplr_channel_create, name, NAME),
	FIELD(stplr_channel_create, name_len, RANGE(NUMBER, 0, 64)),
	FIELD(stplr_channel_create, flags, MASK(0x7ff), .min = STPLR_CHANNEL_GROUP),
	FIELD(stplr_channel_create, mode, ONE_OF(modes), .named = true),
	FIELD(stplr_channel_create, gid, ZERO),
	FIELD(stplr_channel_create, backlog, ZERO),
	FIELD(stplr_channel_create, pulses, ONE_OF(pulses)),
	FIELD(stplr_channel_create, spin_us, ONE_OF(looks)),
	OUT(stplr_channel_create, chid, CHID),
};

static const struct field connect_attach[] = {
	FIELD(stplr_connect_attach, name, NAME, .max = CHANNEL),
	FIELD(stplr_connect_attach, name_len, RANGE(NUMBER, 0, 64)),
	FIELD(stplr_connect_attach, flags, MASK(0xf)),
	FIELD(stplr_connect_attach, pid, PID),
	FIELD(stplr_connect_attach, chid, CHID),
	FIELD(stplr_connect_attach, uid, ZERO),
	FIELD(stplr_connect_attach, clock, CLOCK),
	FIELD(stplr_connect_attach, deadline, UNTIL(8000)),
	FIELD(stplr_connect_attach, spin_us, ONE_OF(looks)),
	OUT(stplr_connect_attach, coid, COID),
};

static const struct field channel_accept[] = {
	FIELD(stplr_channel_accept, deadline, UNTIL(8000)),
	FIELD(stplr_channel_accept, clock, CLOCK),
	FIELD(stplr_channel_accept, flags, MASK(STPLR_ACCEPT_NONBLOCK)),
	FIELD(stplr_channel_accept, reserved, ZERO),
	OUT(stplr_channel_accept, pid, PID),
	OUT(stplr_channel_accept, scoid, SCOID),
	OUT(stplr_channel_accept, coid, COID),
};

static const struct field channel_info[] = {
	OUT(stplr_channel_info, pid, PID),          OUT(stplr_channel_info, chid, CHID),
	OUT(stplr_channel_info, client_pid, PID),   OUT(stplr_channel_info, client_scoid, SCOID),
	OUT(stplr_channel_info, client_coid, COID),
};

static const struct field connect_info[] = {
	OUT(stplr_connect_info, pid, PID),
	OUT(stplr_connect_info, chid, CHID),
	OUT(stplr_connect_info, coid, COID),
};

static const struct field connect_notify[] = {
	FIELD(stplr_connect_notify, channel, CHANNEL),
	FIELD(stplr_connect_notify, priority, RANGE(NUMBER, -1, 140)),
	FIELD(stplr_connect_notify, value, RANGE(NUMBER, 0, 100)),
	FIELD(stplr_connect_notify, flags, ZERO),
	FIELD(stplr_connect_notify, reserved, ZERO),
};

static const struct field msg_send[] = {
	FIELD(stplr_msg_send, send, BYTES(STPLR_SEND_VECTOR, STPLR_SEND_REGISTERED)),
	FIELD(stplr_msg_send, send_deadline, UNTIL(10000)),
	FIELD(stplr_msg_send, reply_deadline, ZERO),
	FIELD(stplr_msg_send, clock, CLOCK),
	FIELD(stplr_msg_send, flags,
	      MASK(STPLR_SEND_VECTOR | STPLR_SEND_QUEUED | STPLR_SEND_REGISTERED |
		   STPLR_SEND_TELL)),
	FIELD(stplr_msg_send, token, TOKEN),
	FIELD(stplr_msg_send, reserved, ZERO),
	OUT(stplr_msg_send, token, TOKEN),
};

static const struct field msg_send_receive[] = {
	FIELD(stplr_msg_send, send, BYTES(STPLR_SEND_VECTOR, STPLR_SEND_REGISTERED)),
	FIELD(stplr_msg_send, reply, BYTES(STPLR_REPLY_VECTOR, STPLR_REPLY_REGISTERED)),
	FIELD(stplr_msg_send, send_deadline, UNTIL(10000)),
	FIELD(stplr_msg_send, reply_deadline, UNTIL(20000)),
	FIELD(stplr_msg_send, clock, CLOCK),
	FIELD(stplr_msg_send, flags,
	      MASK(STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR | STPLR_SEND_REGISTERED |
		   STPLR_REPLY_REGISTERED | STPLR_SEND_TELL | STPLR_SEND_PARK)),
	FIELD(stplr_msg_send, token, TOKEN),
	FIELD(stplr_msg_send, reserved, ZERO),
	OUT(stplr_msg_send, token, TOKEN),
};

#define RECEIVE_FIELDS(type, prefix)                                                               \
	NESTED(type, prefix, buffer, BYTES(STPLR_RECEIVE_VECTOR, STPLR_RECEIVE_REGISTERED)),       \
		NESTED(type, prefix, deadline, UNTIL(8000)), NESTED(type, prefix, clock, CLOCK),   \
		NESTED(type, prefix, flags, MASK(0xf)), NESTED(type, prefix, reserved, ZERO),      \
		NESTED(type, prefix, info.rcvid, RCVID, .out = true),                              \
		NESTED(type, prefix, info.pid, PID, .out = true),                                  \
		NESTED(type, prefix, info.scoid, SCOID, .out = true),                              \
		NESTED(type, prefix, info.coid, COID, .out = true)

static const struct field msg_receive[] = {RECEIVE_FIELDS(stplr_msg_receive, )};

static const int64_t errors[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 511};

#define REPLY_FIELDS(type, prefix)                                                                 \
	NESTED(type, prefix, reply, BYTES(STPLR_REPLY_VECTOR, STPLR_REPLY_REGISTERED)),            \
		NESTED(type, prefix, rcvid, RCVID),                                                \
		NESTED(type, prefix, status, RANGE(NUMBER, 0, 100)),                               \
		NESTED(type, prefix, error, ONE_OF(errors)),                                       \
		NESTED(type, prefix, flags,                                                        \
		       MASK(STPLR_REPLY_VECTOR | STPLR_REPLY_REGISTERED | STPLR_REPLY_NO_TRUNC)),  \
		NESTED(type, prefix, reserved, ZERO)

static const struct field msg_reply[] = {REPLY_FIELDS(stplr_msg_reply, )};

static const struct field msg_reply_receive[] = {
	REPLY_FIELDS(stplr_msg_reply_receive, reply.),
	RECEIVE_FIELDS(stplr_msg_reply_receive, receive.),
};

/* What lies at the arrays' addresses is whatever others have left there. */
static const struct field msg_batch[] = {
	FIELD(stplr_msg_batch, replies, ADDRESS),
	FIELD(stplr_msg_batch, places, ADDRESS),
	FIELD(stplr_msg_batch, nr_replies, RANGE(NUMBER, 0, 4)),
	FIELD(stplr_msg_batch, nr_places, RANGE(NUMBER, 0, 4)),
	FIELD(stplr_msg_batch, deadline, UNTIL(8000)),
	FIELD(stplr_msg_batch, clock, CLOCK),
	FIELD(stplr_msg_batch, flags, MASK(0xf)),
	FIELD(stplr_msg_batch, reserved, ZERO),
};

static const struct field msg_data[] = {
	FIELD(stplr_msg_data, buffer, BYTES(STPLR_DATA_VECTOR, STPLR_DATA_REGISTERED)),
	FIELD(stplr_msg_data, offset, RANGE(NUMBER, 0, 10000)),
	FIELD(stplr_msg_data, rcvid, RCVID),
	FIELD(stplr_msg_data, flags, MASK(0x3)),
};

static const struct field msg_info[] = {
	FIELD(stplr_msg_info, rcvid, RCVID),
	OUT(stplr_msg_info, scoid, SCOID),
	OUT(stplr_msg_info, coid, COID),
};

static const struct field pulse_send[] = {
	FIELD(stplr_pulse_send, value, RANGE(NUMBER, 0, 100)),
	FIELD(stplr_pulse_send, priority, RANGE(NUMBER, -1, 140)),
	FIELD(stplr_pulse_send, code, RANGE(NUMBER, -4, 127)),
	FIELD(stplr_pulse_send, flags, ZERO),
	FIELD(stplr_pulse_send, reserved, ZERO),
};

/* One that has a handler, and the types, which want their own fields each. */
static const struct field event_pulse[] = {
	FIELD(stplr_event_register, type, RANGE(NUMBER, STPLR_EVENT_PULSE, STPLR_EVENT_PULSE)),
	FIELD(stplr_event_register, flags, MASK(STPLR_EVENT_UPDATE)),
	FIELD(stplr_event_register, fd, CONNECTION),
	FIELD(stplr_event_register, signo, ZERO),
	FIELD(stplr_event_register, priority, RANGE(NUMBER, -1, 140)),
	FIELD(stplr_event_register, code, RANGE(NUMBER, -4, 127)),
	FIELD(stplr_event_register, value, RANGE(NUMBER, 0, 100)),
	FIELD(stplr_event_register, reserved, ZERO),
	OUT(stplr_event_register, id, EVENT),
};

static const struct field event_eventfd[] = {
	FIELD(stplr_event_register, type, RANGE(NUMBER, STPLR_EVENT_EVENTFD, STPLR_EVENT_EVENTFD)),
	FIELD(stplr_event_register, flags, MASK(STPLR_EVENT_UPDATE)),
	FIELD(stplr_event_register, fd, EVENTFD),
	FIELD(stplr_event_register, value, ZERO),
	OUT(stplr_event_register, id, EVENT),
};

static const int64_t signals[] = {SIGUSR1, SIGUSR2, 34, 34, 65};

static const struct field event_signal[] = {
	FIELD(stplr_event_register, type,
	      RANGE(NUMBER, STPLR_EVENT_SIGNAL, STPLR_EVENT_SIGNAL_THREAD)),
	FIELD(stplr_event_register, flags, MASK(STPLR_EVENT_UPDATE)),
	FIELD(stplr_event_register, fd, RANGE(NUMBER, -1, -1)),
	FIELD(stplr_event_register, signo, ONE_OF(signals)),
	FIELD(stplr_event_register, code, RANGE(NUMBER, 0, 0)),
	FIELD(stplr_event_register, value, RANGE(NUMBER, 0, 100)),
	OUT(stplr_event_register, id, EVENT),
};

/* These two take the address of a number. */
static const struct field event_unregister[] = {FIELD(number, id, EVENT)};
static const struct field buffer_unregister[] = {FIELD(number, id, INDEX)};

static const struct field event_deliver[] = {
	FIELD(stplr_event_deliver, id, EVENT),
	FIELD(stplr_event_deliver, scoid, SCOID),
	FIELD(stplr_event_deliver, value, RANGE(NUMBER, 0, 0)),
	FIELD(stplr_event_deliver, flags, MASK(STPLR_DELIVER_VALUE)),
	FIELD(stplr_event_deliver, reserved, ZERO),
};

static const struct field client_cookie[] = {
	FIELD(stplr_client_cookie, cookie, RANGE(NUMBER, 0, 100)),
	FIELD(stplr_client_cookie, coid, COID),
	FIELD(stplr_client_cookie, rcvid, ZERO),
};

static const struct field client_info[] = {
	FIELD(stplr_client_info, scoid, SCOID),
	FIELD(stplr_client_info, groups, ADDRESS),
	FIELD(stplr_client_info, nr_groups, RANGE(NUMBER, 0, 8)),
	FIELD(stplr_client_info, rcvid, RCVID),
	OUT(stplr_client_info, pid, PID),
};

static const struct field buffer_register[] = {
	FIELD(stplr_buffer_register, addr, ADDRESS),
	FIELD(stplr_buffer_register, len, RANGE(NUMBER, 1, 100000)),
	FIELD(stplr_buffer_register, flags, MASK(STPLR_BUFFER_WRITE)),
	OUT(stplr_buffer_register, index, INDEX),
};

/* Rings: their sets are made both ways, or one to many. */
static const int64_t rings_flags[] = {
	0, 0, 0, 0, 0, STPLR_RINGS_GROUP, STPLR_RINGS_NONBLOCK, STPLR_RINGS_TURNS};
static const int64_t many_flags[] = {
	STPLR_RINGS_MANY, STPLR_RINGS_MANY, STPLR_RINGS_MANY | STPLR_RINGS_NONBLOCK,
	STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE};
static const int64_t out_pages[] = {1, 1, 1, 2, 4, 16};
static const int64_t in_pages[] = {1, 1, 1, 2, 8, 0};

#define RINGS_FIELDS(of_flags, of_in)                                                              \
	FIELD(stplr_rings_create, name, NAME, .named = true),                                      \
		FIELD(stplr_rings_create, name_len, RANGE(NUMBER, 0, 64)),                         \
		FIELD(stplr_rings_create, flags, ONE_OF(of_flags)),                                \
		FIELD(stplr_rings_create, mode, ONE_OF(modes)),                                    \
		FIELD(stplr_rings_create, gid, ZERO),                                              \
		FIELD(stplr_rings_create, rings, RANGE(NUMBER, 1, 4)),                             \
		FIELD(stplr_rings_create, out_pages, ONE_OF(out_pages)),                           \
		FIELD(stplr_rings_create, in_pages, of_in),                                        \
		FIELD(stplr_rings_create, reserved, ZERO)

static const struct field rings_create[] = {RINGS_FIELDS(rings_flags, ONE_OF(in_pages))};
static const struct field rings_many[] = {RINGS_FIELDS(many_flags, ZERO)};

static const int64_t ring_numbers[] = {-1, -1, -1, 0, 1};

static const struct field ring_open[] = {
	FIELD(stplr_ring_open, number, ONE_OF(ring_numbers)),
	FIELD(stplr_ring_open, flags, MASK(STPLR_RING_NONBLOCK)),
	OUT(stplr_ring_open, number, NUMBERED),
};

static const struct field rings_attached[] = {
	FIELD(stplr_rings_attached, number, NUMBERED),
	FIELD(stplr_rings_attached, clock, CLOCK),
	FIELD(stplr_rings_attached, deadline, UNTIL(3000)),
	FIELD(stplr_rings_attached, reserved, ZERO),
	OUT(stplr_rings_attached, number, NUMBERED),
	OUT(stplr_rings_attached, pid, PID),
};

static const struct field ring_attach[] = {
	FIELD(stplr_ring_attach, name, NAME, .max = RINGS, .named = true),
	FIELD(stplr_ring_attach, name_len, RANGE(NUMBER, 0, 64)),
	FIELD(stplr_ring_attach, flags, MASK(STPLR_RING_NONBLOCK | STPLR_RING_UID)),
	FIELD(stplr_ring_attach, number, NUMBERED),
	FIELD(stplr_ring_attach, uid, ZERO),
	FIELD(stplr_ring_attach, clock, CLOCK),
	FIELD(stplr_ring_attach, reserved, ZERO),
	FIELD(stplr_ring_attach, deadline, UNTIL(3000)),
	OUT(stplr_ring_attach, number, NUMBERED),
};

static const int64_t directions[] = {STPLR_RING_DATA, STPLR_RING_ROOM,
				     STPLR_RING_DATA | STPLR_RING_ROOM};
static const int64_t rooms[] = {0, 0, 0, 8, 64, 0x1000};
static const int64_t spins[] = {0, 0, 0, 1000, 20000, 100000};
static const int64_t eventfd_flags[] = {0, 0, STPLR_RING_EVENTFD_ALWAYS, STPLR_RING_EVENTFD_WAKES};
static const int64_t ends[] = {0, 0, EPROTO, 1};

static const struct field ring_wait[] = {
	FIELD(stplr_ring_wait, what, ONE_OF(directions)),
	FIELD(stplr_ring_wait, room, ONE_OF(rooms)),
	FIELD(stplr_ring_wait, deadline, UNTIL(4000)),
	FIELD(stplr_ring_wait, clock, CLOCK),
	FIELD(stplr_ring_wait, spin, ONE_OF(spins)),
};

static const struct field ring_eventfd[] = {
	FIELD(stplr_ring_eventfd, fd, EVENTFD),
	FIELD(stplr_ring_eventfd, flags, ONE_OF(eventfd_flags)),
};

static const struct field ring_arm[] = {FIELD(number, id, ONE_OF(directions))};
static const struct field ring_end[] = {ARG(0, ONE_OF(ends))};

/* Of env.h's functions */
static const int64_t delays[] = {0, 100, 1000, 3000, 10000};
static const int64_t sizes[] = {1, 0x1000, 0x3000, 0x10000};
static const int64_t events[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT | EPOLLPRI, 0};
static const int64_t limits[] = {0, 0x10000, 0x1000000};

/* What indices of rings are set to, or moved by; how long records are. */
static const int64_t indices[] = {0, 8,      -8,      16,         24,         1,          -1,
				  4, 0x1000, -0x1000, 0x7ffffff8, 0x80000000, 0xfffffff8, 0x10000};
static const int64_t lengths[] = {0, 1, 8, 40, 200, 1000, 4080, 4088, 5000};
static const int64_t offsets[] = {0, 0, 0, 0x1000, 0x3000, 0xfffff000};

static const struct field env_ring_map_fields[] = {ARG(0, RING), ARG(1, RANGE(NUMBER, 0, 3))};
static const struct field env_ring_window_fields[] = {
	ARG(0, RING), ARG(1, RANGE(NUMBER, 0, 23)), ARG(2, ONE_OF(offsets)), ARG(3, ONE_OF(sizes))};
static const struct field env_ring_memory_fields[] = {ARG(0, PLACE), ARG(1, RANGE(NUMBER, 0, 4)),
						      ARG(2, RANGE(NUMBER, 0, 9))};
static const struct field env_ring_put_fields[] = {ARG(0, PLACE), ARG(1, ONE_OF(lengths)),
						   ARG(2, RANGE(NUMBER, 0, 9)),
						   ARG(3, RANGE(NUMBER, 0, 1))};
static const struct field env_ring_take_fields[] = {ARG(0, PLACE), ARG(1, RANGE(NUMBER, 1, 4))};
static const struct field env_ring_word_fields[] = {ARG(0, PLACE), ARG(1, RANGE(NUMBER, 0, 13)),
						    ARG(2, ONE_OF(indices)),
						    ARG(3, RANGE(NUMBER, 0, 1))};
static const struct field env_ring_hammer_fields[] = {
	ARG(0, PLACE), ARG(1, RANGE(NUMBER, 0, 0xffff)), ARG(2, RANGE(NUMBER, 1, 200))};
static const struct field env_ring_write_fields[] = {
	ARG(0, RING), ARG(1, ADDRESS), ARG(2, ONE_OF(lengths)), ARG(3, RANGE(NUMBER, 0, 15))};
static const struct field env_ring_read_fields[] = {
	ARG(0, RING), ARG(1, ADDRESS), ARG(2, ONE_OF(sizes)), ARG(3, RANGE(NUMBER, 0, 15))};

/* What a driver's server is asked for, beside giving a message back. */
static const int64_t wishes[] = {KSERVER_DO_RETURN, KSERVER_DO_PIECES, KSERVER_DO_KEEP,
				 KSERVER_DO_KEEP,   KSERVER_DO_ANSWER, KSERVER_DO_SLEEP_KILLABLE,
				 KSERVER_DO_BEYOND};

static const struct field env_kserver_fields[] = {
	ARG(0, NAME, .named = true), ARG(1, RANGE(NUMBER, 0, 64)), ARG(2, RANGE(NUMBER, 0, 15)),
	ARG(3, RANGE(NUMBER, 0, 9))};
static const struct field env_kserver_use_fields[] = {ARG(0, DRIVER), ARG(1, RANGE(NUMBER, 0, 9)),
						      ARG(2, ONE_OF(lengths)),
						      ARG(3, RANGE(NUMBER, 0, 9))};
static const struct field env_wish_fields[] = {ARG(0, ADDRESS), ARG(1, ONE_OF(wishes)),
					       ARG(2, RANGE(NUMBER, 1, 5000))};
static const struct field env_link_fields[] = {
	ARG(0, NAME, .max = CHANNEL, .named = true), ARG(1, RANGE(NUMBER, 0, 64)),
	ARG(2, RANGE(NUMBER, 0, 20)), ARG(3, RANGE(NUMBER, 0, 63))};
static const struct field env_ring_driver_fields[] = {ARG(0, NAME, .max = RINGS, .named = true),
						      ARG(1, RANGE(NUMBER, 0, 64)),
						      ARG(2, RANGE(NUMBER, 1, 10))};

static const struct field env_batch_fields[] = {ARG(0, CHANNEL), ARG(1, RANGE(NUMBER, 0, 7)),
						ARG(2, ONE_OF(lengths)),
						ARG(3, RANGE(NUMBER, 0, 7))};
static const struct field a_lane[] = {ARG(0, LANE)};
static const struct field a_descriptor[] = {ARG(0, DESCRIPTOR)};
static const struct field env_open_fields[] = {ARG(0, RANGE(NUMBER, 0, 0)),
					       ARG(1, RANGE(NUMBER, 0, 0))};
static const struct field env_dup2_fields[] = {ARG(0, DESCRIPTOR), ARG(1, DESCRIPTOR)};
static const struct field env_nonblock_fields[] = {ARG(0, DESCRIPTOR), ARG(1, RANGE(NUMBER, 0, 1))};
static const struct field env_number_fields[] = {ARG(0, RANGE(NUMBER, 0, 5))};
static const struct field env_debugfs_fields[] = {ARG(0, RANGE(NUMBER, 0, 7))};
static const struct field env_poll_fields[] = {ARG(0, DESCRIPTOR), ARG(1, ONE_OF(events)),
					       ARG(2, RANGE(NUMBER, 0, 3))};
static const struct field env_epoll_fields[] = {ARG(0, DESCRIPTOR), ARG(1, RANGE(NUMBER, 0, 1)),
						ARG(2, RANGE(NUMBER, 0, 3))};
static const struct field env_signal_fields[] = {ARG(0, LANE), ARG(1, RANGE(NUMBER, 0, 3))};
static const struct field env_stop_fields[] = {ARG(0, LANE), ARG(1, ONE_OF(delays))};
static const struct field env_memory_fields[] = {
	ARG(0, RANGE(NUMBER, 0, 0x6ffff)), ARG(1, ONE_OF(sizes)), ARG(2, RANGE(NUMBER, 0, 3))};
static const struct field env_userfault_fields[] = {ARG(0, RANGE(NUMBER, 0, 0x6ffff)),
						    ARG(1, ONE_OF(sizes)), ARG(2, ONE_OF(delays))};
static const struct field env_sleep_fields[] = {ARG(0, ONE_OF(delays))};
static const struct field env_priority_fields[] = {ARG(0, RANGE(NUMBER, -20, 19)),
						   ARG(1, RANGE(NUMBER, 0, 1))};
static const struct field env_become_fields[] = {ARG(0, ONE_OF(users))};
static const struct field env_memlock_fields[] = {ARG(0, ONE_OF(limits))};
static const struct field env_fail_fields[] = {ARG(0, RANGE(NUMBER, 1, 8))};

#define FIELDS(of) .fields = (of), .nr_fields = sizeof(of) / sizeof((of)[0])
#define NO_FIELDS .fields = version, .nr_fields = 0

/* An ioctl: its number, its structure, what it is made on, what descriptor it gives. */
#define IOCTL(called, number, structure, made_on, gift, lanes, often, ...)                         \
	{                                                                                          \
		.name = #called, .request_name = #number, .request = (number),                     \
		.type = "struct " #structure, .size = sizeof(struct structure), .on = (made_on),   \
		.gives = (gift), .role = (lanes), .weight = (often), __VA_ARGS__                   \
	}
#define PLAIN_IOCTL(called, number, made_on, lanes, often, ...)                                    \
	{                                                                                          \
		.name = #called, .request_name = #number, .request = (number), .on = (made_on),    \
		.gives = NOTHING, .role = (lanes), .weight = (often), __VA_ARGS__                  \
	}
#define ENVIRONMENT(called, gift, often, ...)                                                      \
	{                                                                                          \
		.name = #called, .function = env_##called, .on = NOTHING, .gives = (gift),         \
		.role = BOTH, .weight = (often), __VA_ARGS__                                       \
	}

const struct call calls[] = {
	IOCTL(version, STPLR_VERSION, stplr_version, DESCRIPTOR, NOTHING, BOTH, 2, NO_FIELDS),
	IOCTL(channel_create, STPLR_CHANNEL_CREATE, stplr_channel_create, DEVICE, CHANNEL, SERVER,
	      4, FIELDS(channel_create)),
	IOCTL(connect_attach, STPLR_CONNECT_ATTACH, stplr_connect_attach, DEVICE, CONNECTION,
	      CLIENT, 8, FIELDS(connect_attach)),
	PLAIN_IOCTL(channel_destroy, STPLR_CHANNEL_DESTROY, CHANNEL, SERVER, 1, NO_FIELDS),
	PLAIN_IOCTL(channel_shutdown, STPLR_CHANNEL_SHUTDOWN, CHANNEL, SERVER, 1, NO_FIELDS),
	IOCTL(channel_accept, STPLR_CHANNEL_ACCEPT, stplr_channel_accept, CHANNEL, CHANNEL, SERVER,
	      1, FIELDS(channel_accept)),
	IOCTL(channel_info, STPLR_CHANNEL_INFO, stplr_channel_info, CHANNEL, NOTHING, SERVER, 3,
	      FIELDS(channel_info)),
	IOCTL(msg_receive, STPLR_MSG_RECEIVE, stplr_msg_receive, CHANNEL, NOTHING, SERVER, 6,
	      FIELDS(msg_receive)),
	IOCTL(msg_reply, STPLR_MSG_REPLY, stplr_msg_reply, CHANNEL, NOTHING, SERVER, 10,
	      FIELDS(msg_reply)),
	IOCTL(msg_reply_receive, STPLR_MSG_REPLY_RECEIVE, stplr_msg_reply_receive, CHANNEL, NOTHING,
	      SERVER, 8, FIELDS(msg_reply_receive)),
	IOCTL(msg_batch, STPLR_MSG_BATCH, stplr_msg_batch, CHANNEL, NOTHING, SERVER, 3,
	      FIELDS(msg_batch)),
	IOCTL(msg_read, STPLR_MSG_READ, stplr_msg_data, CHANNEL, NOTHING, SERVER, 6,
	      FIELDS(msg_data)),
	IOCTL(msg_write, STPLR_MSG_WRITE, stplr_msg_data, CHANNEL, NOTHING, SERVER, 6,
	      FIELDS(msg_data)),
	IOCTL(msg_info, STPLR_MSG_INFO, stplr_msg_info, CHANNEL, NOTHING, SERVER, 3,
	      FIELDS(msg_info)),
	IOCTL(client_info, STPLR_CLIENT_INFO, stplr_client_info, CHANNEL, NOTHING, SERVER, 3,
	      FIELDS(client_info)),
	IOCTL(client_cookie, STPLR_CLIENT_COOKIE, stplr_client_cookie, CHANNEL, NOTHING, SERVER, 3,
	      FIELDS(client_cookie)),
	IOCTL(event_deliver, STPLR_EVENT_DELIVER, stplr_event_deliver, CHANNEL, NOTHING, SERVER, 6,
	      FIELDS(event_deliver)),
	PLAIN_IOCTL(connect_detach, STPLR_CONNECT_DETACH, CONNECTION, CLIENT, 1, NO_FIELDS),
	IOCTL(connect_info, STPLR_CONNECT_INFO, stplr_connect_info, CONNECTION, NOTHING, CLIENT, 4,
	      FIELDS(connect_info)),
	IOCTL(connect_notify, STPLR_CONNECT_NOTIFY, stplr_connect_notify, CONNECTION, NOTHING,
	      CLIENT, 3, FIELDS(connect_notify)),
	IOCTL(msg_send, STPLR_MSG_SEND, stplr_msg_send, CONNECTION, NOTHING, CLIENT, 6,
	      FIELDS(msg_send)),
	IOCTL(msg_send_receive, STPLR_MSG_SEND_RECEIVE, stplr_msg_send, CONNECTION, NOTHING, CLIENT,
	      6, FIELDS(msg_send_receive)),
	IOCTL(pulse_send, STPLR_PULSE_SEND, stplr_pulse_send, CONNECTION, NOTHING, CLIENT, 12,
	      FIELDS(pulse_send)),
	IOCTL(event_pulse, STPLR_EVENT_REGISTER, stplr_event_register, CONNECTION, NOTHING, CLIENT,
	      3, FIELDS(event_pulse)),
	IOCTL(event_eventfd, STPLR_EVENT_REGISTER, stplr_event_register, CONNECTION, NOTHING,
	      CLIENT, 3, FIELDS(event_eventfd)),
	IOCTL(event_signal, STPLR_EVENT_REGISTER, stplr_event_register, CONNECTION, NOTHING, CLIENT,
	      3, FIELDS(event_signal)),
	IOCTL(event_of_device, STPLR_EVENT_REGISTER, stplr_event_register, DEVICE, NOTHING, CLIENT,
	      2, FIELDS(event_signal)),
	IOCTL(event_unregister, STPLR_EVENT_UNREGISTER, number, CONNECTION, NOTHING, CLIENT, 2,
	      FIELDS(event_unregister)),
	IOCTL(client_buffer, STPLR_BUFFER_REGISTER, stplr_buffer_register, CONNECTION, NOTHING,
	      CLIENT, 5, FIELDS(buffer_register)),
	IOCTL(server_buffer, STPLR_BUFFER_REGISTER, stplr_buffer_register, CHANNEL, NOTHING, SERVER,
	      4, FIELDS(buffer_register)),
	IOCTL(buffer_unregister, STPLR_BUFFER_UNREGISTER, number, DESCRIPTOR, NOTHING, BOTH, 2,
	      FIELDS(buffer_unregister)),
	IOCTL(rings_create, STPLR_RINGS_CREATE, stplr_rings_create, DEVICE, RINGS, SERVER, 1,
	      FIELDS(rings_create)),
	IOCTL(rings_many, STPLR_RINGS_CREATE, stplr_rings_create, DEVICE, RINGS, SERVER, 1,
	      FIELDS(rings_many)),
	IOCTL(ring_open, STPLR_RING_OPEN, stplr_ring_open, RINGS, RING, SERVER, 3,
	      FIELDS(ring_open)),
	IOCTL(rings_attached, STPLR_RINGS_ATTACHED, stplr_rings_attached, RINGS, NOTHING, SERVER, 3,
	      FIELDS(rings_attached)),
	IOCTL(ring_attach, STPLR_RING_ATTACH, stplr_ring_attach, DEVICE, RING, CLIENT, 3,
	      FIELDS(ring_attach)),
	IOCTL(ring_info, STPLR_RING_INFO, stplr_ring_info, RING, NOTHING, BOTH, 6, NO_FIELDS),
	IOCTL(ring_wait, STPLR_RING_WAIT, stplr_ring_wait, RING, NOTHING, BOTH, 4,
	      FIELDS(ring_wait)),
	PLAIN_IOCTL(ring_wake, STPLR_RING_WAKE, RING, BOTH, 5, NO_FIELDS),
	IOCTL(ring_eventfd, STPLR_RING_EVENTFD, stplr_ring_eventfd, RING, NOTHING, BOTH, 5,
	      FIELDS(ring_eventfd)),
	IOCTL(ring_arm, STPLR_RING_ARM, number, RING, NOTHING, BOTH, 5, FIELDS(ring_arm)),
	PLAIN_IOCTL(ring_end, STPLR_RING_END, RING, BOTH, 1, FIELDS(ring_end)),
	ENVIRONMENT(batch, NOTHING, 4, FIELDS(env_batch_fields)),
	ENVIRONMENT(ring_map, PLACE, 3, FIELDS(env_ring_map_fields)),
	ENVIRONMENT(ring_window, NOTHING, 2, FIELDS(env_ring_window_fields)),
	ENVIRONMENT(ring_memory, NOTHING, 2, FIELDS(env_ring_memory_fields)),
	ENVIRONMENT(ring_put, NOTHING, 4, FIELDS(env_ring_put_fields)),
	ENVIRONMENT(ring_take, NOTHING, 4, FIELDS(env_ring_take_fields)),
	ENVIRONMENT(ring_word, NOTHING, 4, FIELDS(env_ring_word_fields)),
	ENVIRONMENT(ring_hammer, NOTHING, 3, FIELDS(env_ring_hammer_fields)),
	ENVIRONMENT(ring_write, NOTHING, 5, FIELDS(env_ring_write_fields)),
	ENVIRONMENT(ring_read, NOTHING, 5, FIELDS(env_ring_read_fields)),
	ENVIRONMENT(ring_driver, NOTHING, 3, FIELDS(env_ring_driver_fields)),
	ENVIRONMENT(kserver, DRIVER, 1, FIELDS(env_kserver_fields)),
	ENVIRONMENT(kserver_use, NOTHING, 3, FIELDS(env_kserver_use_fields)),
	ENVIRONMENT(wish, NOTHING, 1, FIELDS(env_wish_fields)),
	ENVIRONMENT(link, NOTHING, 3, FIELDS(env_link_fields)),
	ENVIRONMENT(thread, NOTHING, 1, FIELDS(a_lane)),
	ENVIRONMENT(fork, PID, 1, FIELDS(a_lane)),
	ENVIRONMENT(signal, NOTHING, 5, FIELDS(env_signal_fields)),
	ENVIRONMENT(stop, NOTHING, 2, FIELDS(env_stop_fields)),
	ENVIRONMENT(pid, PID, 1, NO_FIELDS),
	ENVIRONMENT(open, DEVICE, 1, FIELDS(env_open_fields)),
	ENVIRONMENT(close, NOTHING, 2, FIELDS(a_descriptor)),
	ENVIRONMENT(dup, DESCRIPTOR, 1, FIELDS(a_descriptor)),
	ENVIRONMENT(dup2, DESCRIPTOR, 1, FIELDS(env_dup2_fields)),
	ENVIRONMENT(nonblock, NOTHING, 1, FIELDS(env_nonblock_fields)),
	ENVIRONMENT(eventfd, EVENTFD, 2, FIELDS(env_number_fields)),
	ENVIRONMENT(pass, NOTHING, 2, FIELDS(a_descriptor)),
	ENVIRONMENT(take, DESCRIPTOR, 2, NO_FIELDS),
	ENVIRONMENT(poll, NOTHING, 2, FIELDS(env_poll_fields)),
	ENVIRONMENT(epoll, NOTHING, 1, FIELDS(env_epoll_fields)),
	ENVIRONMENT(fdinfo, NOTHING, 1, FIELDS(a_descriptor)),
	ENVIRONMENT(debugfs, NOTHING, 2, FIELDS(env_debugfs_fields)),
	ENVIRONMENT(exec, NOTHING, 1, FIELDS(a_descriptor)),
	ENVIRONMENT(unmap, NOTHING, 2, FIELDS(env_memory_fields)),
	ENVIRONMENT(map, NOTHING, 1, FIELDS(env_memory_fields)),
	ENVIRONMENT(protect, NOTHING, 2, FIELDS(env_memory_fields)),
	ENVIRONMENT(discard, NOTHING, 2, FIELDS(env_memory_fields)),
	ENVIRONMENT(userfault, NOTHING, 2, FIELDS(env_userfault_fields), .lasting = true),
	ENVIRONMENT(sleep, NOTHING, 3, FIELDS(env_sleep_fields)),
	ENVIRONMENT(priority, NOTHING, 2, FIELDS(env_priority_fields)),
	ENVIRONMENT(become, NOTHING, 1, FIELDS(env_become_fields), .lasting = true),
	ENVIRONMENT(memlock, NOTHING, 1, FIELDS(env_memlock_fields), .lasting = true),
	ENVIRONMENT(fail, NOTHING, 4, FIELDS(env_fail_fields)),
};
const unsigned int nr_calls = sizeof(calls) / sizeof(calls[0]);

const struct call *call_find(const char *name)
{
	for (unsigned int i = 0; i < nr_calls; i++) {
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	}
	return NULL;
}

const struct field *call_result(const struct call *call, enum kind kind, bool *found)
{
	*found = call->gives == kind ||
		 (kind == DESCRIPTOR && call->gives >= DEVICE && call->gives <= DESCRIPTOR) ||
		 (call->gives == DESCRIPTOR &&
		  (kind == CHANNEL || kind == CONNECTION || kind == RINGS || kind == RING));
	if (*found)
		return NULL;
	for (unsigned int i = 0; i < call->nr_fields; i++) {
		if (call->fields[i].out && call->fields[i].kind == kind) {
			*found = true;
			return &call->fields[i];
		}
	}
	return NULL;
}
