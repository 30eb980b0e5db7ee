/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzer runs: programs, sequences of calls by several threads of several processes
 *
 * A program is a list of operations. Each belongs to a lane, that is a thread of control; a lane
 * makes its operations in the list's order, and lanes run beside each other. Lane 0 is there from
 * the start, others begin with an operation (thread, fork) of one that runs. An operation's values
 * are numbers, or what an earlier operation gave: its descriptor, or a field of its structure.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/stplr.h>

#include "env.h"

#define OPS_MAX 96
#define FIELDS_MAX 16
#define BUFFERS_MAX 2
#define PARTS_LISTED 6
#define ARGS_SIZE 192

/* What a value means, which tells how one is made up, and whose results it may be taken from. */
enum kind {
	NUMBER,   /* min to max */
	FLAGS,    /* of the mask max */
	CLOCK,    /* of the deadlines */
	DEADLINE, /* absolute: max is the longest wait, in us */
	ZERO,     /* reserved */
	NAME,     /* an index of env.h's names, of what max says, if it has to be there; the number
		     after it is its length */
	BUFFER,   /* struct stplr_buffer: min its vector flag, max its flag for a registered one */
	ADDRESS,  /* in the fuzzer's memory, as an offset; beyond its end an address */
	EITHER,   /* one of choices */
	LANE,
	/* results, and where they are used */
	DEVICE,
	CHANNEL,
	CONNECTION,
	EVENTFD,
	RINGS,      /* a set of rings */
	RING,       /* an end of one */
	DRIVER,     /* a driver's server */
	DESCRIPTOR, /* of any kind */
	CHID,
	COID,
	SCOID,
	PID,
	RCVID,
	TOKEN,
	EVENT,
	INDEX,
	NUMBERED, /* which ring of its set */
	PLACE,    /* where a ring is mapped: env.h's */
	NOTHING,
};

/* A value a call takes or, if out, gives. */
struct field {
	const char *path; /* as C writes it */
	uint16_t offset;
	uint8_t size;
	uint8_t kind;
	bool out;
	bool named; /* 0 without a name; of a NAME: there always is one */
	int64_t min;
	int64_t max;
	const int64_t *choices; /* max of them */
};

enum role { CLIENT = 1, SERVER = 2, BOTH = 3 };

/* One call: an ioctl, or a function of env.h, whose arguments are its fields then. */
struct call {
	const char *name;
	const char *request_name;
	unsigned long request;
	const char *type; /* of the ioctl's structure */
	uint16_t size;    /* of that; 0: the argument is its one field's number */
	uint8_t on;       /* kind of descriptor it is made on */
	uint8_t gives;    /* kind of its result */
	uint8_t role;     /* which lanes it fits */
	uint8_t weight;   /* how often, among the others */
	bool lasting;     /* it changes more than the program */
	env_function *function;
	const struct field *fields;
	uint8_t nr_fields;
};

extern const struct call calls[];
extern const unsigned int nr_calls;

const struct call *call_find(const char *name);
/* Where a result of this kind is in what the call gives: a field, or NULL for the call's own. */
const struct field *call_result(const struct call *call, enum kind kind, bool *found);

enum form { PLAIN, RESULT, SOON };

struct value {
	uint8_t form;
	uint8_t op; /* RESULT: whose, and n is added to it */
	int64_t n;  /* SOON: us from now */
};

enum shape { FLAT, VECTOR, REGISTERED };

struct part {
	uint64_t base; /* in the fuzzer's memory, or beyond its size an address */
	uint64_t len;
};

struct buffer {
	uint8_t shape;
	uint8_t nr_parts; /* as listed; they come round again up to count */
	uint16_t count;
	struct value index;
	struct part parts[PARTS_LISTED];
};

struct op {
	uint8_t call;
	uint8_t lane;
	struct value on;
	struct value values[FIELDS_MAX];
	struct buffer buffers[BUFFERS_MAX];
};

struct program {
	unsigned int nr_ops;
	struct op ops[OPS_MAX];
};

/* What an operation came to; shared by the processes of a program. */
struct result {
	_Alignas(8) unsigned char args[ARGS_SIZE];
	int64_t value;
	int error;
	int done; /* 1 made, 2 passed over */
};

struct fate {
	struct result results[OPS_MAX];
};

/* Random numbers that a seed repeats. */
struct random {
	uint64_t state;
};
uint64_t random_next(struct random *random);
static inline uint64_t random_below(struct random *random, uint64_t n)
{
	return random_next(random) % n;
}
static inline bool one_in(struct random *random, unsigned int n)
{
	return !random_below(random, n);
}

/* generate.c */
void generate(struct program *program, struct random *random);
void mutate(struct program *program, struct random *random, const struct program *other);

/* text.c */
void program_write(FILE *file, const struct program *program);
/* The next program of the file; false at its end. */
bool program_read(FILE *file, struct program *program);
void program_write_c(FILE *file, const struct program *program);

/* cut.c: the nth smaller program, the boldest cuts first; false beyond the last */
bool program_cut(const struct program *from, unsigned int n, struct program *to);
void program_drop(struct program *program, unsigned int first, unsigned int count);

/* cover.c: KCOV's, of the module's own code */
struct coverage {
	unsigned int blocks;
	unsigned int edges; /* pairs of blocks, one after the other */
};
/* To be made before the processes that run programs, which share it. */
bool cover_share(void);
/* For each of those. */
void cover_open(void);
/* For the calling thread, from here on. */
void cover_start(unsigned int lane);
/* What the lanes have reached since the last time that nobody had before. */
struct coverage cover_collect(void);
struct coverage cover_total(void);

/* execute.c */

/* What is run by one process after the other; in memory that they share. */
struct job {
	unsigned int index; /* for who makes the programs */
	int busy;           /* 1 a program runs, 2 it is to be killed */
	uint64_t since;
	struct program program;
	struct fate fate;
};

struct jobs {
	bool (*next)(struct job *job); /* makes its program; false: there is none */
	void (*done)(struct job *job, struct coverage fresh);
};

/* Runs programs, and waits for all that they leave; false if a process does not end. */
bool run_job(struct job *job, const struct jobs *jobs);

#endif
