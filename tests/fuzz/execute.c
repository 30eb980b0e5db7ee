// SPDX-License-Identifier: MIT
/* Runs a program: each lane makes its operations, and leaves in the fate what they came to. */
#include "program.h"

static const struct program *running;
static struct fate *fates;

/* Another lane's result may be under way. */
static const struct result *result_of(const struct value *value, unsigned int lane)
{
	const struct result *result = &fates->results[value->op];

	if (running->ops[value->op].lane != lane) {
		for (int i = 0; i < 30 && !__atomic_load_n(&result->done, __ATOMIC_ACQUIRE); i++)
			usleep(100);
	}
	return result;
}

static int64_t resolve(const struct value *value, enum kind kind, unsigned int lane)
{
	const struct result *result;
	const struct field *field;
	int64_t n = 0;
	bool found;

	if (value->form == SOON)
		return soon(value->n);
	if (value->form == PLAIN || value->op >= running->nr_ops)
		return value->n;
	result = result_of(value, lane);
	field = call_result(&calls[running->ops[value->op].call], kind, &found);
	if (field)
		memcpy(&n, result->args + field->offset, field->size);
	else
		n = result->done ? result->value : -1;
	return n + value->n;
}

static uint64_t address(uint64_t base)
{
	return base < MEMORY_SIZE ? AT(base) : base;
}

/* Two vectors a call. */
static __thread struct stplr_iovec vectors[BUFFERS_MAX][STPLR_PARTS_MAX + 1];

static struct stplr_buffer make_buffer(const struct buffer *buffer, struct stplr_iovec *vector,
				       unsigned int lane)
{
	const struct part *part = &buffer->parts[0];

	switch (buffer->shape) {
	case VECTOR:
		for (unsigned int i = 0; i < buffer->count && i <= STPLR_PARTS_MAX; i++) {
			part = &buffer->parts[i % buffer->nr_parts];
			vector[i] = (struct stplr_iovec){address(part->base), part->len};
		}
		return (struct stplr_buffer){(uintptr_t)vector, buffer->count};
	case REGISTERED:
		return (struct stplr_buffer){
			STPLR_REGISTERED(resolve(&buffer->index, INDEX, lane), part->base),
			part->len};
	}
	return (struct stplr_buffer){address(part->base), part->len};
}

static void make_args(const struct op *op, unsigned char *args)
{
	const struct call *call = &calls[op->call];
	unsigned int nth = 0;

	for (unsigned int k = 0; k < call->nr_fields; k++) {
		const struct field *field = &call->fields[k];
		int64_t n;

		if (field->kind == BUFFER) {
			struct stplr_buffer buffer =
				make_buffer(&op->buffers[nth], vectors[nth], op->lane);

			memcpy(args + field->offset, &buffer, sizeof(buffer));
			nth++;
			continue;
		}
		if (field->out)
			continue;
		n = resolve(&op->values[k], field->kind, op->lane);
		if (field->kind == NAME)
			n = (uint64_t)n < NAMES ? (int64_t)(uintptr_t)names[n] : n;
		else if (field->kind == ADDRESS)
			n = address(n);
		memcpy(args + field->offset, &n, field->size);
	}
}

/* Is there nothing where an earlier operation was to give a descriptor, a message or a channel? */
static bool is_missing(const struct value *value, enum kind kind, unsigned int lane)
{
	if (value->form != RESULT || value->n)
		return false;
	if (kind == RCVID || kind == CHID)
		return resolve(value, kind, lane) <= 0;
	return ((kind >= DEVICE && kind <= DESCRIPTOR) || kind == PLACE) &&
	       resolve(value, kind, lane) < 0;
}

static bool is_pointless(const struct op *op)
{
	const struct call *call = &calls[op->call];

	for (unsigned int k = 0; k < call->nr_fields; k++) {
		if (!call->fields[k].out &&
		    is_missing(&op->values[k], call->fields[k].kind, op->lane))
			return true;
	}
	return is_missing(&op->on, call->on, op->lane);
}

static void run_op(unsigned int n)
{
	const struct op *op = &running->ops[n];
	const struct call *call = &calls[op->call];
	struct result *result = &fates->results[n];

	result->value = -1;
	if (is_pointless(op)) {
		__atomic_store_n(&result->done, 2, __ATOMIC_RELEASE);
		return;
	}
	make_args(op, result->args);
	if (call->function) {
		const int64_t *args = (const void *)result->args;

		result->value = call->function(args[0], args[1], args[2], args[3]);
	} else {
		int fd = resolve(&op->on, call->on, op->lane);
		uint64_t number = *(const uint64_t *)(const void *)result->args;

		result->value =
			ioctl(fd, call->request, call->size ? (uintptr_t)result->args : number);
	}
	result->error = result->value < 0 ? errno : 0;
	__atomic_store_n(&result->done, 1, __ATOMIC_RELEASE);
}

/* Whether the thread has its list of blocks. */
static __thread bool covered;

void run_lane(unsigned int lane)
{
	if (!covered)
		cover_start(lane);
	covered = true;
	for (unsigned int i = 0; i < running->nr_ops; i++) {
		if (running->ops[i].lane == lane)
			run_op(i);
	}
}

static bool become(struct job *job, int from, int to)
{
	return __atomic_compare_exchange_n(&job->busy, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/*
 * One program after the other, in a process that is made anew when one has ended it, or changed
 * what it would leave to the next.
 */
static _Noreturn void run_some(struct job *job, const struct jobs *jobs)
{
	setpgid(0, 0);
	process_setup();
	running = &job->program;
	fates = &job->fate;
	while (jobs->next(job)) {
		memset(fates, 0, running->nr_ops * sizeof(struct result));
		job->since = soon(0);
		__atomic_store_n(&job->busy, 1, __ATOMIC_RELEASE);
		program_run();
		while (!become(job, 1, 0))
			pause(); /* to be killed, which must not happen later than here */
		jobs->done(job, cover_collect());
		for (unsigned int i = 0; i < running->nr_ops; i++) {
			if (calls[running->ops[i].call].lasting && fates->results[i].done)
				_exit(1);
		}
	}
	_exit(0);
}

/* Kills it at its time limit; false if it does not die. */
static bool wait_for_end(struct job *job, pid_t group, int *status)
{
	while (!waitpid(group, status, WNOHANG)) {
		int busy = __atomic_load_n(&job->busy, __ATOMIC_ACQUIRE);
		uint64_t late = busy ? soon(0) - job->since : 0, limit = TIME_LIMIT_US * 1000ULL;

		if (!busy)
			kill(-group, SIGCONT); /* whom a killed process has stopped */
		else if (late > limit && (busy == 2 || become(job, 1, 2)))
			kill(-group, SIGKILL);
		if (late > limit + PATIENCE_US * 1000ULL)
			return false;
		usleep(3000);
	}
	return !end_group(group);
}

bool run_job(struct job *job, const struct jobs *jobs)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (;;) {
		pid_t group = fork();
		int status = 0;

		if (!group)
			run_some(job, jobs);
		if (!wait_for_end(job, group, &status))
			return false;
		if (job->busy)
			jobs->done(job, cover_collect());
		else if (WIFEXITED(status) && !WEXITSTATUS(status))
			return true;
		job->busy = 0;
	}
}
