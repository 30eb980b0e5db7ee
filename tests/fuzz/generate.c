// SPDX-License-Identifier: MIT
/*
 * Making up programs: most of each call is right, for what is refused at once tests little, and one
 * value of some calls is nearly right or wild.
 */
#include "program.h"

uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int64_t between(struct random *random, int64_t min, int64_t max)
{
	return min + (int64_t)random_below(random, max - min + 1);
}

/* What the program is so far, where an operation is to be. */
struct place {
	struct random *random;
	struct program *program;
	unsigned int at; /* only earlier operations' results are there */
	unsigned int lane;
	enum kind on; /* what it is made on */
};

static bool gives(const struct op *op, enum kind kind)
{
	bool found;

	call_result(&calls[op->call], kind, &found);
	return found;
}

/* An operation that gives this kind: the lane's last or, now and then, any other; -1. */
static int pick_result(struct place *place, enum kind kind)
{
	int chosen = -1;
	unsigned int seen = 0;
	bool last = random_below(place->random, 2);

	for (unsigned int i = 0; i < place->at; i++) {
		const struct op *op = &place->program->ops[i];
		bool near = op->lane == place->lane || op->lane == 0;

		if (!gives(op, kind) || (!near && !one_in(place->random, 5)))
			continue;
		/* a client's registered buffers are not the server's */
		if (kind == INDEX && place->on != DESCRIPTOR && calls[op->call].on != place->on)
			continue;
		seen++;
		if ((last && op->lane == place->lane) || one_in(place->random, seen))
			chosen = i;
	}
	return chosen;
}

/* The last message the lane has received and not replied to; -1. */
static int pick_unanswered(const struct place *place)
{
	for (int i = (int)place->at - 1; i >= 0; i--) {
		const struct op *op = &place->program->ops[i];

		if (op->lane != place->lane)
			continue;
		if (gives(op, RCVID))
			return i;
		if (!strcmp(calls[op->call].name, "msg_reply"))
			return -1;
	}
	return -1;
}

static struct value plain(int64_t n)
{
	return (struct value){.form = PLAIN, .n = n};
}

static struct value result_or(struct place *place, enum kind kind, int64_t otherwise)
{
	int op = pick_result(place, kind);

	if (op < 0)
		return plain(otherwise);
	return (struct value){.form = RESULT, .op = op};
}

static struct value make_deadline(struct random *random, int64_t longest)
{
	switch (random_below(random, 16)) {
	case 0:
		return plain(one_in(random, 4) ? STPLR_DEADLINE_NONE : STPLR_DEADLINE_POLL);
	case 1:
	case 2:
		return plain(STPLR_DEADLINE_POLL);
	case 3:
		return (struct value){.form = SOON, .n = between(random, 0, 100)};
	}
	return (struct value){.form = SOON, .n = between(random, longest / 2, longest)};
}

static int64_t make_flags(struct random *random, int64_t mask)
{
	switch (random_below(random, 8)) {
	case 0:
		return random_next(random) & random_next(random) & mask;
	case 1:
	case 2:
	case 3:
		return (1LL << random_below(random, 64 - __builtin_clzll(mask | 1))) & mask;
	}
	return 0;
}

static uint64_t make_length(struct random *random)
{
	static const unsigned int longest[] = {8,    64,   512,  1024,  1100,
					       4096, 4100, 5000, 20000, 100000};
	unsigned int i = random_below(random, 24);

	if (!i)
		return 0;
	if (i == 1)
		return 1 << between(random, 0, 20);
	return random_below(random, longest[i % 10]) + 1;
}

/* A place that has memory for so many bytes, most of the time. */
static uint64_t make_offset(struct random *random, uint64_t len)
{
	static const uint32_t pieces[] = {0,       0,       0,       0,       0x10000,
					  0x30000, 0x40000, 0x60000, 0x60000, 0x100000};
	uint64_t offset = pieces[random_below(random, 10)];

	if (len > 0x7000 && offset < 0x60000)
		offset = 0x60000;
	switch (random_below(random, 4)) {
	case 0:
		return offset;
	case 1:
		return offset + random_below(random, 8) * 0x1000;
	case 2: /* to the end of a page */
		return offset + 0x1000 - len % 0x1000;
	}
	return offset + random_below(random, 0x8000);
}

static void make_part(struct random *random, struct part *part)
{
	part->len = one_in(random, 5) ? 0 : make_length(random);
	part->base = make_offset(random, part->len);
}

static void make_buffer(struct place *place, struct buffer *buffer)
{
	static const uint16_t counts[] = {0, 1, 2, 3, 4, 6, 7, 8, 9, 16, 17, 64};
	struct random *random = place->random;
	unsigned int shape = random_below(random, 10);
	int index = pick_result(place, INDEX);

	memset(buffer, 0, sizeof(*buffer));
	buffer->nr_parts = 1;
	buffer->count = 1;
	make_part(random, &buffer->parts[0]);
	buffer->shape = FLAT;
	if (shape < 3) {
		buffer->shape = VECTOR;
		buffer->nr_parts = between(random, 1, PARTS_LISTED);
		buffer->count =
			one_in(random, 3) ? counts[random_below(random, 12)] : buffer->nr_parts;
		for (unsigned int i = 0; i < buffer->nr_parts; i++)
			make_part(random, &buffer->parts[i]);
		if (one_in(random, 30)) {
			buffer->count = STPLR_PARTS_MAX;
			for (unsigned int i = 0; i < buffer->nr_parts; i++)
				buffer->parts[i].len = random_below(random, 32);
		}
	} else if (shape == 3 && index >= 0) {
		buffer->shape = REGISTERED;
		buffer->index = (struct value){.form = RESULT, .op = index};
		buffer->parts[0].base = random_below(random, 100);
		buffer->parts[0].len = random_below(random, 2) ? random_below(random, 20000)
							       : random_below(random, 200);
	}
}

static struct value make_value(struct place *place, const struct field *field)
{
	struct random *random = place->random;

	switch ((enum kind)field->kind) {
	case NUMBER:
		return plain(between(random, field->min, field->max));
	case FLAGS:
		return plain(make_flags(random, field->max));
	case CLOCK:
		return plain(one_in(random, 20) ? 7 * random_below(random, 2) : CLOCK_MONOTONIC);
	case DEADLINE:
		return make_deadline(random, field->max);
	case NAME:
		return plain(one_in(random, 16) ? random_below(random, NAMES)
						: random_below(random, 3));
	case ADDRESS:
		return plain(make_offset(random, 0x8000));
	case EITHER:
		return plain(field->choices[random_below(random, field->max)]);
	case LANE:
		return plain(random_below(random, LANES_MAX));
	case DEVICE:
	case CHANNEL:
	case CONNECTION:
	case EVENTFD:
	case RINGS:
	case RING:
	case DRIVER:
	case DESCRIPTOR:
	case PLACE:
		return result_or(place, field->kind, -1);
	case NUMBERED:
		return one_in(random, 3) ? result_or(place, NUMBERED, -1) : plain(-1);
	case CHID:
		return result_or(place, CHID, 1);
	case PID:
		return one_in(random, 3) ? result_or(place, PID, 0) : plain(0);
	case RCVID: {
		int op = pick_unanswered(place);

		if (op >= 0)
			return (struct value){.form = RESULT, .op = op};
		return result_or(place, RCVID, 1);
	}
	case SCOID:
		return one_in(random, 3) ? plain(0) : result_or(place, SCOID, 1);
	case TOKEN:
		return one_in(random, 20) ? result_or(place, TOKEN, 0) : plain(0);
	case COID:
	case EVENT:
	case INDEX:
		return result_or(place, field->kind, 0);
	case ZERO:
	case BUFFER:
	case NOTHING:
		break;
	}
	return plain(0);
}

static int64_t wild_number(struct random *random)
{
	static const int64_t wild[] = {-1,
				       0,
				       1,
				       0x7fffffff,
				       0x80000000,
				       0xffffffff,
				       INT64_MAX,
				       INT64_MIN,
				       0xffff888000000000,
				       0x7ffffffff000,
				       0x50000,
				       0x4fff8,
				       1 << 20,
				       1 << 30};

	return one_in(random, 4) ? (int64_t)random_next(random) : wild[random_below(random, 14)];
}

static void spoil_buffer(struct random *random, struct buffer *buffer)
{
	struct part *part = &buffer->parts[random_below(random, buffer->nr_parts)];

	switch (random_below(random, 8)) {
	case 0:
		part->base = wild_number(random);
		break;
	case 1:
		part->len = wild_number(random);
		break;
	case 2: /* what may only be read, what is not there */
		part->base = 0x20000 + random_below(random, 0x1000);
		break;
	case 3:
		part->base = 0x50000 - random_below(random, 100);
		break;
	case 4: /* as much as may be, or nearly */
		part->base = 0x60000 + random_below(random, 0x1000);
		part->len = (16 << 20) + (64 << 10) + random_below(random, 3) - 1;
		break;
	case 5:
		if (buffer->shape == VECTOR)
			buffer->count = STPLR_PARTS_MAX + random_below(random, 2);
		break;
	case 6: /* all in one place */
		for (unsigned int i = 0; i < buffer->nr_parts; i++)
			buffer->parts[i].base = part->base + random_below(random, 2);
		break;
	default:
		part->len = 0;
	}
}

/* Makes one value of the operation nearly right, or wild. */
static void spoil(struct random *random, struct op *op)
{
	const struct call *call = &calls[op->call];
	unsigned int i = random_below(random, call->nr_fields + 1), buffer = 0;
	struct value *value;

	if (i == call->nr_fields) {
		op->on.n += op->on.form == RESULT ? 0 : wild_number(random);
		return;
	}
	for (unsigned int k = 0; k < i; k++)
		buffer += call->fields[k].kind == BUFFER;
	if (call->fields[i].kind == BUFFER) {
		spoil_buffer(random, &op->buffers[buffer]);
		return;
	}
	value = &op->values[i];
	if (call->function && call->fields[i].kind != DESCRIPTOR)
		return; /* those are ours, and what they can do is in their table */
	if (call->fields[i].kind == NAME) {
		value->n = random_below(random, NAMES);
		return;
	}
	switch (random_below(random, 4)) {
	case 0:
		value->n += 1;
		break;
	case 1:
		value->n -= 1;
		break;
	case 2:
		value->n ^= 1LL << random_below(random, call->fields[i].size * 8);
		break;
	default:
		*value = plain(wild_number(random));
	}
	if (call->fields[i].size == 4)
		value->n = (int32_t)value->n;
}

/* Flags tell what shapes the buffers have. */
static void match_flags(struct op *op)
{
	const struct call *call = &calls[op->call];
	unsigned int buffer = 0;
	int64_t set = 0, known = 0;

	for (unsigned int i = 0; i < call->nr_fields; i++) {
		const struct field *field = &call->fields[i];

		if (field->kind == BUFFER) {
			unsigned int shape = op->buffers[buffer++].shape;

			known |= field->min | field->max;
			set |= shape == VECTOR ? field->min : shape == REGISTERED ? field->max : 0;
		} else if (field->kind == FLAGS) {
			op->values[i].n = (op->values[i].n & ~known) | set;
			set = known = 0;
		}
	}
}

/* The number after a name is its length; where there is a choice, a name or a chid. */
static void match_name(struct place *place, struct op *op)
{
	const struct call *call = &calls[op->call];
	const struct op *other = NULL;
	unsigned int seen = 0;
	bool by_id = false, named;
	enum kind of;

	if (!call->nr_fields || call->fields[0].kind != NAME)
		return;
	of = call->fields[0].max;
	for (unsigned int i = 0; i < call->nr_fields; i++)
		by_id |= !call->fields[i].out && call->fields[i].kind == CHID;
	for (unsigned int i = 0; i < place->at; i++) {
		const struct op *candidate = &place->program->ops[i];

		enum kind gift = calls[candidate->call].gives;

		if (of && (gift == of || (of == CHANNEL && gift == DRIVER)) &&
		    candidate->values[1].n && calls[candidate->call].fields[0].kind == NAME &&
		    one_in(place->random, ++seen))
			other = candidate;
	}
	/* a new name, or one that there is */
	named = call->fields[0].named || one_in(place->random, by_id && !other ? 20 : 3);
	if (other)
		op->values[0] = other->values[0];
	op->values[1] = plain(named ? (int64_t)strlen(names[op->values[0].n % NAMES]) : 0);
	for (unsigned int i = 0; i < call->nr_fields; i++) {
		bool id = call->fields[i].kind == CHID || call->fields[i].kind == PID;

		if (!call->fields[i].out && (named ? id : call->fields[i].named))
			op->values[i] = plain(0);
		if (call->fields[i].kind == FLAGS && !named)
			op->values[i].n &= ~call->fields[i].min;
	}
}

/* The channel that a connection was made to by its id, or -1. */
static struct value channel_of(const struct program *program, const struct value *connection)
{
	const struct op *op = &program->ops[connection->op];
	const struct call *call = &calls[op->call];

	for (unsigned int i = 0; connection->form == RESULT && i < call->nr_fields; i++) {
		if (!call->fields[i].out && call->fields[i].kind == CHID &&
		    op->values[i].form == RESULT)
			return (struct value){.form = RESULT, .op = op->values[i].op};
	}
	return plain(-1);
}

/* What came over a descriptor, or was made on it, is used on it: or on the channel behind it. */
static void match_on(struct place *place, struct op *op, const struct value *value, enum kind kind)
{
	const struct op *origin = &place->program->ops[value->op];
	struct value channel, itself = {.form = RESULT, .op = value->op};

	if (value->form != RESULT || value->op >= place->at || one_in(place->random, 16))
		return;
	if (kind != RCVID && kind != EVENT && kind != INDEX && kind != COID && kind != SCOID)
		return;
	if (calls[origin->call].on == place->on || place->on == DESCRIPTOR) {
		op->on = origin->on;
	} else if (place->on == CHANNEL) {
		channel = channel_of(place->program, kind == COID ? &itself : &origin->on);
		if (channel.form == RESULT)
			op->on = channel;
	}
}

static enum kind any_kind(struct random *random)
{
	static const uint8_t kinds[] = {DEVICE,     CHANNEL,    CHANNEL, CONNECTION,
					CONNECTION, CONNECTION, RINGS,   RING};

	return kinds[random_below(random, 8)];
}

static void make_op(struct place *place, unsigned int call_index, struct op *op)
{
	const struct call *call = &calls[call_index];
	unsigned int buffer = 0;

	memset(op, 0, sizeof(*op));
	op->call = call_index;
	op->lane = place->lane;
	place->on = call->on;
	if (call->on == DESCRIPTOR)
		op->on = result_or(place, any_kind(place->random), -1);
	else if (call->on != NOTHING)
		op->on = result_or(place, call->on, -1);
	for (unsigned int i = 0; i < call->nr_fields; i++) {
		if (call->fields[i].kind == BUFFER) {
			make_buffer(place, &op->buffers[buffer]);
			if (op->buffers[buffer].shape == REGISTERED)
				match_on(place, op, &op->buffers[buffer].index, INDEX);
			buffer++;
		} else if (!call->fields[i].out) {
			op->values[i] = make_value(place, &call->fields[i]);
			match_on(place, op, &op->values[i], call->fields[i].kind);
		}
	}
	match_flags(op);
	match_name(place, op);
}

static bool takes(const struct call *call, enum kind kind)
{
	for (unsigned int i = 0; i < call->nr_fields; i++) {
		if (!call->fields[i].out && call->fields[i].kind == kind)
			return true;
	}
	return false;
}

/* Is it about rings, or drivers, of which there are none? */
static bool lacks_ring(const struct place *place, const struct call *call)
{
	static const uint8_t kinds[] = {RINGS, RING, PLACE, DRIVER};

	for (unsigned int k = 0; k < 4; k++) {
		bool found = call->on != kinds[k] && !takes(call, kinds[k]);

		for (unsigned int i = 0; i < place->at && !found; i++)
			found = gives(&place->program->ops[i], kinds[k]);
		if (!found)
			return true;
	}
	return false;
}

/*
 * Which call the lane makes next. What needs a message waits until there is one, mostly; so does
 * what needs a ring.
 */
static unsigned int pick_call(struct place *place, unsigned int role)
{
	bool message = pick_unanswered(place) >= 0;
	bool answer = message && random_below(place->random, 10) < 6;
	bool blind = one_in(place->random, 10);
	unsigned int chosen = 0, total = 0;

	if (one_in(place->random, 6))
		role = BOTH;
	for (unsigned int i = 0; i < nr_calls; i++) {
		const struct call *call = &calls[i];

		if (!(call->role & role) || (answer && !takes(call, RCVID)) ||
		    (!message && !blind && takes(call, RCVID)) ||
		    (!blind && lacks_ring(place, call)))
			continue;
		total += call->weight;
		if (random_below(place->random, total) < call->weight)
			chosen = i;
	}
	return chosen;
}

/* One more operation; NULL if there is no room. */
static struct op *append(struct program *program, struct random *random, unsigned int lane,
			 const char *name)
{
	struct place place = {random, program, program->nr_ops, lane, NOTHING};
	struct op *op = &program->ops[program->nr_ops];

	if (program->nr_ops == OPS_MAX)
		return NULL;
	make_op(&place, call_find(name) - calls, op);
	program->nr_ops++;
	return op;
}

static void append_any(struct program *program, struct random *random, unsigned int lane,
		       unsigned int role)
{
	struct place place = {random, program, program->nr_ops, lane, NOTHING};
	struct op *op = &program->ops[program->nr_ops];

	if (program->nr_ops == OPS_MAX)
		return;
	make_op(&place, pick_call(&place, role), op);
	if (one_in(random, 6))
		spoil(random, op);
	program->nr_ops++;
}

static void set_on(struct op *op, struct value on)
{
	if (op && on.form == RESULT)
		op->on = on;
}

static int64_t *flags_of(struct op *op)
{
	const struct call *call = &calls[op->call];

	for (unsigned int i = 0; i < call->nr_fields; i++) {
		if (call->fields[i].kind == FLAGS)
			return &op->values[i].n;
	}
	return NULL;
}

/* As long as it may take, mostly. */
static void wait_for_it(struct op *op, struct random *random)
{
	for (unsigned int i = 0; op && i < calls[op->call].nr_fields; i++) {
		const struct field *field = &calls[op->call].fields[i];

		if (field->kind == DEADLINE && !one_in(random, 16))
			op->values[i] = (struct value){.form = SOON, .n = field->max};
	}
}

/* Where the messages of a connection arrive: a listening channel has others for that. */
static struct value receiving_channel(struct program *program, struct value connection)
{
	struct value channel = channel_of(program, &connection);

	for (unsigned int i = 0; channel.form == RESULT && i < program->nr_ops; i++) {
		const struct op *op = &program->ops[i];

		if (!strcmp(calls[op->call].name, "channel_accept") && op->on.form == RESULT &&
		    op->on.op == channel.op)
			return (struct value){.form = RESULT, .op = i};
	}
	return channel;
}

/* A receive that takes what comes, mostly. */
static void receive(struct program *program, struct random *random, unsigned int lane,
		    struct value channel)
{
	struct op *op = append(program, random, lane, "msg_receive");

	if (!op)
		return;
	set_on(op, channel);
	if (one_in(random, 8))
		return;
	wait_for_it(op, random);
	*flags_of(op) &= ~(int64_t)(STPLR_RECEIVE_PULSE | STPLR_RECEIVE_NO_TRUNC);
	if (op->buffers[0].shape == FLAT && op->buffers[0].parts[0].len < 32)
		op->buffers[0].parts[0].len = 1024;
}

/*
 * One lane sends, another receives, does something with the message, and answers. Mostly the same
 * two, for then they are in step. In one lane: what the sender does not wait for.
 */
static void converse(struct program *program, struct random *random, unsigned int nr_lanes)
{
	static const char *const sends[] = {"pulse_send",       "msg_send",
					    "msg_send",         "msg_send_receive",
					    "msg_send_receive", "msg_send_receive"};
	static const char *const uses[] = {"msg_read",    "msg_write",     "msg_info",
					   "client_info", "client_cookie", "event_deliver"};
	unsigned int client = random_below(random, nr_lanes);
	unsigned int server = one_in(random, 8) ? random_below(random, nr_lanes) : client ^ 1;
	bool alone = client == server || server >= nr_lanes;
	unsigned int kind = random_below(random, alone ? 2 : 6);
	struct place place = {random, program, program->nr_ops, client, NOTHING};
	struct value on = result_or(&place, CONNECTION, -1);
	struct value channel = receiving_channel(program, on);
	struct op *op = append(program, random, client, sends[kind]);

	set_on(op, on);
	wait_for_it(op, random);
	if (op && kind == 1 && (alone || one_in(random, 4))) {
		if (op->buffers[0].shape == REGISTERED)
			op->buffers[0].shape = FLAT;
		match_flags(op);
		*flags_of(op) = (*flags_of(op) & ~STPLR_SEND_TELL) | STPLR_SEND_QUEUED;
	} else if (op && kind == 2) {
		*flags_of(op) &= ~STPLR_SEND_QUEUED;
	}
	if (op && one_in(random, 16))
		spoil(random, op);
	server = alone ? client : server;
	if (one_in(random, 12))
		append_any(program, random, server, BOTH);
	receive(program, random, server, channel);
	if (kind < 3)
		return;
	while (one_in(random, 2))
		append(program, random, server, uses[random_below(random, 6)]);
	op = append(program, random, server, one_in(random, 5) ? "msg_reply_receive" : "msg_reply");
	if (op && one_in(random, 16))
		spoil(random, op);
}

/*
 * Something for a ring, by a writer or a reader; one of each mostly follow each other, so that
 * there is something to read. Some do not keep the rules.
 */
static void stream(struct program *program, struct random *random, unsigned int nr_lanes)
{
	static const char *const writes[] = {"ring_put",   "ring_put",  "ring_put",   "ring_write",
					     "ring_write", "ring_word", "ring_hammer"};
	static const char *const tells[] = {"ring_wake", "ring_arm", "ring_eventfd", "poll"};
	static const char *const reads[] = {"ring_wait", "ring_read", "ring_take", "ring_info"};
	unsigned int writer = random_below(random, nr_lanes);
	unsigned int reader = random_below(random, nr_lanes);
	unsigned int rules = one_in(random, 3) ? 7 : 5;
	struct op *op;

	do {
		append(program, random, writer, writes[random_below(random, rules)]);
	} while (one_in(random, 2));
	if (one_in(random, 4))
		append(program, random, random_below(random, nr_lanes),
		       tells[random_below(random, 4)]);
	do {
		op = append(program, random, reader, reads[random_below(random, 4)]);
		if (op && one_in(random, 16))
			spoil(random, op);
	} while (one_in(random, 3));
}

/* A driver serves, and is asked, or wished for something: in the sender's thread, or in its own. */
static void ask_driver(struct program *program, struct random *random, unsigned int nr_lanes)
{
	unsigned int lane = random_below(random, nr_lanes);
	struct place place = {random, program, program->nr_ops, lane, NOTHING};
	struct value on = result_or(&place, CONNECTION, -1);
	uint64_t at = make_offset(random, 64);
	struct op *op;

	if (!one_in(random, 3)) {
		op = append(program, random, lane, "wish");
		if (op)
			op->values[0] = plain(at);
	}
	op = append(program, random, lane, one_in(random, 4) ? "msg_send" : "msg_send_receive");
	set_on(op, on);
	if (!op)
		return;
	wait_for_it(op, random);
	if (one_in(random, 4))
		return;
	op->buffers[0] = (struct buffer){
		.shape = FLAT, .nr_parts = 1, .count = 1, .parts = {{at, 8 + make_length(random)}}};
	match_flags(op);
	/* while the sender waits */
	if (one_in(random, 2))
		append(program, random, lane ? 0 : 1 % nr_lanes, "kserver_use");
}

static void set_up_driver(struct program *program, struct random *random)
{
	struct op *op = append(program, random, 0, "kserver"), *connect;

	connect = append(program, random, 0, "connect_attach");
	/* by its name: it has no chid */
	connect->values[0] = op->values[0];
	connect->values[1] = op->values[1];
	for (unsigned int i = 0; i < calls[connect->call].nr_fields; i++) {
		unsigned int kind = calls[connect->call].fields[i].kind;

		if (kind == CHID || kind == PID)
			connect->values[i] = plain(0);
	}
}

/* A set, and both ends of a ring, mapped; or some of it. */
static void set_up_rings(struct program *program, struct random *random)
{
	unsigned int others = one_in(random, 4) ? 2 : 1;
	struct op *op;

	append(program, random, 0, one_in(random, 3) ? "rings_many" : "rings_create");
	append(program, random, 0, "ring_open");
	if (!one_in(random, 8))
		append(program, random, 0, "ring_map");
	if (one_in(random, 5)) {
		/* the other end is a driver's for a while, of which the lane sees nothing */
		append(program, random, between(random, 1, LANES_MAX - 1), "ring_driver");
		others--;
	}
	while (others--) {
		append(program, random, 0, "ring_attach");
		op = append(program, random, 0, "ring_map");
		op->values[0] = (struct value){.form = RESULT, .op = program->nr_ops - 2};
	}
	if (one_in(random, 3))
		append(program, random, 0, "rings_attached");
}

/* Every lane serves, or asks; lane 0 does both. */
static unsigned int role_of(unsigned int lane)
{
	return lane == 0 ? BOTH : lane % 2 ? SERVER : CLIENT;
}

void generate(struct program *program, struct random *random)
{
	static const char *const registers[] = {"event_pulse", "event_eventfd", "event_signal",
						"event_of_device"};
	unsigned int nr_lanes = one_in(random, 8) ? 1 : between(random, 2, LANES_MAX);
	unsigned int channels = between(random, 1, 2), connections = between(random, 1, 3);
	unsigned int rounds = between(random, 2, 20);
	unsigned int rings = random_below(random, 4); /* of four rounds */
	bool driver = one_in(random, 4);

	program->nr_ops = 0;
	append(program, random, 0, "open");
	append(program, random, 0, "pid");
	if (rings)
		set_up_rings(program, random);
	for (unsigned int i = 0; i < channels; i++) {
		struct op *op = append(program, random, 0, "channel_create");

		if (!one_in(random, 8))
			*flags_of(op) &= ~(STPLR_CHANNEL_NONBLOCK | STPLR_CHANNEL_LISTEN);
	}
	for (unsigned int i = 0; i < connections; i++) {
		struct op *op = append(program, random, 0, "connect_attach");

		if (!one_in(random, 8))
			*flags_of(op) &= ~STPLR_CONNECT_NONBLOCK;
	}
	if (driver)
		set_up_driver(program, random);
	if (one_in(random, 5)) {
		struct op *op = append(program, random, 0, "channel_create");
		unsigned int channel = program->nr_ops - 1;
		struct value on = {.form = RESULT, .op = channel}, chid = on;

		*flags_of(op) = STPLR_CHANNEL_LISTEN;
		op = append(program, random, 0, "connect_attach");
		op->values[1] = plain(0);
		for (unsigned int i = 0; i < calls[op->call].nr_fields; i++) {
			if (calls[op->call].fields[i].kind == CHID)
				op->values[i] = chid;
		}
		set_on(append(program, random, 0, "channel_accept"), on);
	}
	if (one_in(random, 2))
		append(program, random, 0, "client_buffer");
	if (one_in(random, 2))
		append(program, random, 0, "server_buffer");
	if (one_in(random, 2))
		append(program, random, 0, "eventfd");
	if (one_in(random, 3))
		append(program, random, 0, registers[random_below(random, 4)]);
	for (unsigned int i = 1; i < nr_lanes; i++)
		append(program, random, 0, one_in(random, 10) ? "fork" : "thread")->values[0] =
			plain(i);
	while (rounds-- && program->nr_ops < OPS_MAX) {
		if (random_below(random, 4) < rings) {
			stream(program, random, nr_lanes);
		} else if (driver && random_below(random, 2)) {
			ask_driver(program, random, nr_lanes);
		} else if (random_below(random, 3)) {
			converse(program, random, nr_lanes);
		} else {
			unsigned int lane = random_below(random, nr_lanes);

			append_any(program, random, lane, role_of(lane));
		}
	}
}

/* Mutations */

static void shift_value(struct value *value, unsigned int from, int by)
{
	if (value->form == RESULT && value->op >= from)
		value->op += by;
}

static void shift_results(struct program *program, unsigned int from, int by)
{
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		struct op *op = &program->ops[i];

		shift_value(&op->on, from, by);
		for (unsigned int k = 0; k < FIELDS_MAX; k++)
			shift_value(&op->values[k], from, by);
		for (unsigned int k = 0; k < BUFFERS_MAX; k++)
			shift_value(&op->buffers[k].index, from, by);
	}
}

static void forget_value(struct value *value, unsigned int op)
{
	if (value->form == RESULT && value->op == op)
		*value = plain(0);
}

void program_drop(struct program *program, unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		struct op *op = &program->ops[i];

		for (unsigned int gone = first; gone < first + count; gone++) {
			if (op->on.form == RESULT && op->on.op == gone)
				op->on = plain(-1);
			for (unsigned int k = 0; k < FIELDS_MAX; k++)
				forget_value(&op->values[k], gone);
			for (unsigned int k = 0; k < BUFFERS_MAX; k++)
				forget_value(&op->buffers[k].index, gone);
		}
	}
	shift_results(program, first + count, -(int)count);
	memmove(&program->ops[first], &program->ops[first + count],
		(program->nr_ops - first - count) * sizeof(struct op));
	program->nr_ops -= count;
}

static unsigned int lanes_of(const struct program *program)
{
	unsigned int most = 0;

	for (unsigned int i = 0; i < program->nr_ops; i++) {
		if (program->ops[i].lane > most)
			most = program->ops[i].lane;
	}
	return most + 1;
}

static void insert(struct program *program, struct random *random, unsigned int at)
{
	unsigned int lane = random_below(random, lanes_of(program));
	struct place place = {random, program, at, lane, NOTHING};
	struct op op;

	if (program->nr_ops == OPS_MAX)
		return;
	make_op(&place, pick_call(&place, role_of(lane)), &op);
	shift_results(program, at, 1);
	memmove(&program->ops[at + 1], &program->ops[at],
		(program->nr_ops - at) * sizeof(struct op));
	program->ops[at] = op;
	program->nr_ops++;
}

/* Makes one of its values, or all, anew. */
static void change(struct program *program, struct random *random, unsigned int at)
{
	struct op *op = &program->ops[at], fresh;
	struct place place = {random, program, at, op->lane, NOTHING};
	const struct call *call = &calls[op->call];
	unsigned int i, buffer = 0;

	make_op(&place, op->call, &fresh);
	if (one_in(random, 4) || !call->nr_fields) {
		*op = fresh;
		return;
	}
	i = random_below(random, call->nr_fields);
	for (unsigned int k = 0; k < i; k++)
		buffer += call->fields[k].kind == BUFFER;
	op->values[i] = fresh.values[i];
	if (call->fields[i].kind == BUFFER) {
		op->buffers[buffer] = fresh.buffers[buffer];
		match_flags(op);
	}
}

void mutate(struct program *program, struct random *random, const struct program *other)
{
	unsigned int times = between(random, 1, 4);

	while (times--) {
		unsigned int at = random_below(random, program->nr_ops);

		switch (random_below(random, 8)) {
		case 0:
		case 1:
		case 2:
			insert(program, random, between(random, at, program->nr_ops));
			break;
		case 3:
		case 4:
			change(program, random, at);
			break;
		case 5:
			spoil(random, &program->ops[at]);
			break;
		case 6:
			if (program->nr_ops > 4)
				program_drop(program, at, 1);
			break;
		default: /* the other's end */
			if (at < other->nr_ops) {
				memcpy(&program->ops[at], &other->ops[at],
				       (other->nr_ops - at) * sizeof(struct op));
				program->nr_ops = other->nr_ops;
			}
		}
	}
}
