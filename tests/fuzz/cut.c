// SPDX-License-Identifier: MIT
/* Cutting down a program: smaller ones that may do the same, the boldest first. */
#include "program.h"

/* Everything in lane 0, in the list's order. */
static bool cut_lanes(struct program *program)
{
	bool any = false;

	for (unsigned int i = 0; i < program->nr_ops; i++) {
		any |= program->ops[i].lane;
		program->ops[i].lane = 0;
	}
	return any;
}

/* The nth value that is not as simple as can be. */
static bool cut_value(struct program *program, unsigned int n)
{
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		struct op *op = &program->ops[i];
		const struct call *call = &calls[op->call];
		unsigned int buffer = 0;

		for (unsigned int k = 0; k < call->nr_fields; k++) {
			const struct field *field = &call->fields[k];

			if (field->kind == BUFFER) {
				struct buffer *cut = &op->buffers[buffer++];

				if (cut->shape == VECTOR && cut->nr_parts == cut->count &&
				    cut->nr_parts > 1 && !n--) {
					cut->nr_parts--;
					cut->count--;
					return true;
				}
				if (cut->shape == FLAT && cut->parts[0].len && !n--) {
					cut->parts[0] = (struct part){0};
					return true;
				}
				if (cut->shape == VECTOR && cut->count > cut->nr_parts && !n--) {
					cut->count = cut->nr_parts;
					return true;
				}
			} else if (!field->out && op->values[k].form == PLAIN && op->values[k].n &&
				   field->kind != CLOCK && field->kind != LANE && !call->function &&
				   !n--) {
				op->values[k].n = 0;
				return true;
			}
		}
	}
	return false;
}

bool program_cut(const struct program *from, unsigned int n, struct program *to)
{
	unsigned int size = from->nr_ops > 1 ? (from->nr_ops + 1) / 2 : 0;

	*to = *from;
	while (size) {
		unsigned int pieces = (from->nr_ops + size - 1) / size;

		/* what ends the program is the likeliest to be of no use, what begins it needed */
		if (n < pieces) {
			unsigned int first = (pieces - 1 - n) * size;
			unsigned int rest = from->nr_ops - first;

			program_drop(to, first, size < rest ? size : rest);
			return true;
		}
		n -= pieces;
		size = size == 1 ? 0 : (size + 1) / 2;
	}
	if (cut_lanes(to) && !n--)
		return true;
	*to = *from;
	return cut_value(to, n);
}
