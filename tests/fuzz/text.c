// SPDX-License-Identifier: MIT
/*
 * Programs as text, one operation a line:
 *
 *	program
 *	r3 0 msg_send on=r2 send=vector*2:0x100+5000,0x2000+0 send_deadline=soon+500 flags=0x1
 *
 * that is its label, its lane, the call, the descriptor, and the values that are not 0; r2+1 is
 * one more than what r2 gave. A line that begins with # is a comment.
 */
#include <inttypes.h>

#include "program.h"

static void write_value(FILE *file, const char *name, const struct value *value)
{
	if (value->form == RESULT && value->n)
		fprintf(file, " %s=r%u%+" PRId64, name, value->op, value->n);
	else if (value->form == RESULT)
		fprintf(file, " %s=r%u", name, value->op);
	else if (value->form == SOON)
		fprintf(file, " %s=soon%+" PRId64, name, value->n);
	else if (value->n > 0xffff || value->n < -0xffff)
		fprintf(file, " %s=0x%" PRIx64, name, value->n);
	else if (value->n)
		fprintf(file, " %s=%" PRId64, name, value->n);
}

static void write_buffer(FILE *file, const char *name, const struct buffer *buffer)
{
	fprintf(file, " %s=", name);
	if (buffer->shape == VECTOR)
		fprintf(file, "vector*%u:", buffer->count);
	else if (buffer->shape == REGISTERED)
		fprintf(file, "registered:%s%" PRId64 ":", buffer->index.form == RESULT ? "r" : "",
			buffer->index.form == RESULT ? buffer->index.op : buffer->index.n);
	for (unsigned int i = 0; i < buffer->nr_parts; i++)
		fprintf(file, "%s0x%" PRIx64 "+%" PRIu64, i ? "," : "", buffer->parts[i].base,
			buffer->parts[i].len);
}

void program_write(FILE *file, const struct program *program)
{
	fprintf(file, "program\n");
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		const struct op *op = &program->ops[i];
		const struct call *call = &calls[op->call];
		unsigned int buffer = 0;

		fprintf(file, "r%u %u %s", i, op->lane, call->name);
		if (call->on != NOTHING)
			write_value(file, "on", &op->on);
		for (unsigned int k = 0; k < call->nr_fields; k++) {
			const struct field *field = &call->fields[k];

			if (field->kind == BUFFER)
				write_buffer(file, field->path, &op->buffers[buffer++]);
			else if (!field->out)
				write_value(file, field->path, &op->values[k]);
		}
		fputc('\n', file);
	}
}

/* Labels of the program that is read, by operation. */
struct labels {
	unsigned int of[OPS_MAX];
	unsigned int count;
};

static int find_label(const struct labels *labels, unsigned int label)
{
	for (unsigned int i = 0; i < labels->count; i++) {
		if (labels->of[i] == label)
			return i;
	}
	return -1;
}

static void read_value(const struct labels *labels, const char *text, struct value *value)
{
	char *end;

	*value = (struct value){.form = PLAIN};
	if (!strncmp(text, "soon", 4)) {
		value->form = SOON;
		value->n = strtoll(text + 4, NULL, 0);
	} else if (text[0] == 'r') {
		int op = find_label(labels, strtoul(text + 1, &end, 10));

		if (op >= 0)
			*value = (struct value){RESULT, op, strtoll(end, NULL, 0)};
	} else {
		value->n =
			text[0] == '-' ? strtoll(text, NULL, 0) : (int64_t)strtoull(text, NULL, 0);
	}
}

static void read_buffer(const struct labels *labels, const char *text, struct buffer *buffer)
{
	const char *colon = strrchr(text, ':');
	char *end;

	memset(buffer, 0, sizeof(*buffer));
	if (!strncmp(text, "vector*", 7)) {
		buffer->shape = VECTOR;
		buffer->count = strtoul(text + 7, NULL, 0);
	} else if (!strncmp(text, "registered:", 11)) {
		buffer->shape = REGISTERED;
		read_value(labels, text + 11, &buffer->index);
	}
	text = colon ? colon + 1 : text;
	while (buffer->nr_parts < PARTS_LISTED) {
		struct part *part = &buffer->parts[buffer->nr_parts++];

		part->base = strtoull(text, &end, 0);
		part->len = strtoull(end, &end, 0);
		if (*end != ',')
			return;
		text = end + 1;
	}
}

static bool read_field(const struct labels *labels, const char *name, const char *text,
		       struct op *op)
{
	const struct call *call = &calls[op->call];
	unsigned int buffer = 0;

	if (!strcmp(name, "on")) {
		read_value(labels, text, &op->on);
		return true;
	}
	for (unsigned int k = 0; k < call->nr_fields; k++) {
		const struct field *field = &call->fields[k];

		if (!strcmp(field->path, name) && !field->out) {
			if (field->kind == BUFFER)
				read_buffer(labels, text, &op->buffers[buffer]);
			else
				read_value(labels, text, &op->values[k]);
			return true;
		}
		buffer += field->kind == BUFFER;
	}
	return false;
}

static bool read_op(char *line, struct labels *labels, struct op *op)
{
	char *rest, *word = strtok_r(line, " \n", &rest);
	const struct call *call;

	memset(op, 0, sizeof(*op));
	for (unsigned int i = 0; i < BUFFERS_MAX; i++)
		op->buffers[i].nr_parts = 1;
	if (!word || word[0] != 'r')
		return false;
	labels->of[labels->count] = strtoul(word + 1, NULL, 10);
	word = strtok_r(NULL, " \n", &rest);
	if (!word)
		return false;
	op->lane = strtoul(word, NULL, 10) % LANES_MAX;
	word = strtok_r(NULL, " \n", &rest);
	call = word ? call_find(word) : NULL;
	if (!call)
		return false;
	op->call = call - calls;
	while ((word = strtok_r(NULL, " \n", &rest))) {
		char *equals = strchr(word, '=');

		if (!equals)
			return false;
		*equals = 0;
		if (!read_field(labels, word, equals + 1, op))
			return false;
	}
	return true;
}

bool program_read(FILE *file, struct program *program)
{
	struct labels labels = {.count = 0};
	char *line = NULL;
	size_t size = 0;
	long start = -1, before = ftell(file);

	program->nr_ops = 0;
	while (getline(&line, &size, file) > 0) {
		if (!strncmp(line, "program", 7)) {
			if (start >= 0 && program->nr_ops) {
				fseek(file, before, SEEK_SET);
				break;
			}
			start = before;
		} else if (line[0] == 'r' && program->nr_ops < OPS_MAX) {
			char *copy = strdup(line);

			if (!read_op(line, &labels, &program->ops[program->nr_ops])) {
				fprintf(stderr, "stplr-fuzz: what is this? %s", copy);
				exit(2);
			}
			free(copy);
			labels.count++;
			program->nr_ops++;
		}
		before = ftell(file);
	}
	free(line);
	return program->nr_ops > 0;
}

/* As a C program */

__asm__(".section .rodata\n"
	"env_text: .incbin \"tests/fuzz/env.h\"\n"
	".byte 0\n"
	".text\n");
extern const char env_text[];

struct writer {
	FILE *file;
	const struct program *program;
	unsigned int lane;
};

/* What another operation gave. Other lanes' are waited for. */
static void c_result(struct writer *writer, const struct value *value, enum kind kind)
{
	bool found;
	const struct op *op = &writer->program->ops[value->op];
	const struct field *field = call_result(&calls[op->call], kind, &found);

	if (!field)
		fprintf(writer->file, "r(%u)", value->op);
	else if (op->lane == writer->lane)
		fprintf(writer->file, "s->a%u.%s", value->op, field->path);
	else
		fprintf(writer->file, "(r(%u), s->a%u.%s)", value->op, value->op, field->path);
	if (value->n)
		fprintf(writer->file, " + %" PRId64, value->n);
}

static void c_address(FILE *file, uint64_t base)
{
	if (base < MEMORY_SIZE)
		fprintf(file, "AT(0x%" PRIx64 ")", base);
	else
		fprintf(file, "0x%" PRIx64, base);
}

static void c_value(struct writer *writer, const struct value *value, enum kind kind)
{
	if (value->form == RESULT)
		c_result(writer, value, kind);
	else if (value->form == SOON)
		fprintf(writer->file, "soon(%" PRId64 ")", value->n);
	else if (kind == NAME && (uint64_t)value->n < NAMES)
		fprintf(writer->file, "(uintptr_t)names[%" PRId64 "]", value->n);
	else if (kind == ADDRESS)
		c_address(writer->file, value->n);
	else if (value->n > 0xffff || value->n < -0xffff)
		fprintf(writer->file, "0x%" PRIx64, value->n);
	else
		fprintf(writer->file, "%" PRId64, value->n);
}

/* The parts of a vector stand in an array before the call. */
static void c_parts(struct writer *writer, unsigned int op, unsigned int nth,
		    const struct buffer *buffer)
{
	FILE *file = writer->file;
	unsigned int count = buffer->count > buffer->nr_parts ? buffer->count : buffer->nr_parts;

	if (buffer->shape != VECTOR)
		return;
	fprintf(file, "\tstatic struct stplr_iovec v%u_%u[%u] = {", op, nth, count);
	for (unsigned int i = 0; i < buffer->nr_parts; i++) {
		fputs(i ? ", {" : "{", file);
		c_address(file, buffer->parts[i].base);
		fprintf(file, ", %" PRIu64 "}", buffer->parts[i].len);
	}
	fprintf(file, "};\n");
	if (count > buffer->nr_parts)
		fprintf(file, "\tfor (int i = %u; i < %u; i++)\n\t\tv%u_%u[i] = v%u_%u[i - %u];\n",
			buffer->nr_parts, count, op, nth, op, nth, buffer->nr_parts);
}

static void c_buffer(struct writer *writer, unsigned int op, unsigned int nth,
		     const struct buffer *buffer)
{
	FILE *file = writer->file;
	const struct part *part = &buffer->parts[0];

	fputc('{', file);
	switch (buffer->shape) {
	case VECTOR:
		fprintf(file, "(uintptr_t)v%u_%u, %u}", op, nth, buffer->count);
		return;
	case REGISTERED:
		fprintf(file, "STPLR_REGISTERED(");
		c_value(writer, &buffer->index, INDEX);
		fprintf(file, ", 0x%" PRIx64 ")", part->base);
		break;
	default:
		c_address(file, part->base);
	}
	fprintf(file, ", %" PRIu64 "}", part->len);
}

static void c_ioctl(struct writer *writer, unsigned int n, const struct op *op)
{
	const struct call *call = &calls[op->call];
	FILE *file = writer->file;
	unsigned int buffer = 0;
	const char *comma = "";

	for (unsigned int k = 0; k < call->nr_fields; k++) {
		if (call->fields[k].kind == BUFFER) {
			c_parts(writer, n, buffer, &op->buffers[buffer]);
			buffer++;
		}
	}
	buffer = 0;
	if (call->type)
		fprintf(file, "\ts->a%u = (%s){", n, call->type);
	for (unsigned int k = 0; k < call->nr_fields; k++) {
		const struct field *field = &call->fields[k];
		const struct value *value = &op->values[k];

		if (!call->type)
			break;
		if (field->kind == BUFFER) {
			fprintf(file, "%s.%s = ", comma, field->path);
			c_buffer(writer, n, buffer, &op->buffers[buffer]);
			buffer++;
		} else if (!field->out && (value->form != PLAIN || value->n)) {
			fprintf(file, "%s.%s = ", comma, field->path);
			c_value(writer, value, field->kind);
		} else {
			continue;
		}
		comma = ",\n\t\t";
	}
	if (call->type)
		fprintf(file, "};\n");
	fprintf(file, "\ts->r[%u] = ioctl(", n);
	c_value(writer, &op->on, call->on);
	if (call->type) {
		fprintf(file, ", %s, &s->a%u);\n", call->request_name, n);
		return;
	}
	fprintf(file, ", %s, ", call->request_name);
	c_value(writer, &op->values[0], call->nr_fields ? call->fields[0].kind : NUMBER);
	fputs(");\n", file);
}

static void c_environment(struct writer *writer, unsigned int n, const struct op *op)
{
	const struct call *call = &calls[op->call];

	fprintf(writer->file, "\ts->r[%u] = env_%s(", n, call->name);
	for (unsigned int k = 0; k < 4; k++) {
		if (k)
			fputs(", ", writer->file);
		if (k < call->nr_fields)
			c_value(writer, &op->values[k], call->fields[k].kind);
		else
			fputc('0', writer->file);
	}
	fputs(");\n", writer->file);
}

static void c_lane(struct writer *writer)
{
	const struct program *program = writer->program;
	FILE *file = writer->file;

	fprintf(file, "static void lane%u(void)\n{\n", writer->lane);
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		if (program->ops[i].lane != writer->lane)
			continue;
		if (calls[program->ops[i].call].function)
			c_environment(writer, i, &program->ops[i]);
		else
			c_ioctl(writer, i, &program->ops[i]);
		fprintf(file, "\ttell(%u);\n", i);
	}
	fprintf(file, "}\n\n");
}

static const char c_main[] =
	"void run_lane(unsigned int lane)\n{\n"
	"\tstatic void (*const each[])(void) = {lane0, lane1, lane2, lane3, lane4, lane5};\n\n"
	"\teach[lane]();\n}\n\n"
	"/* Prints what the calls came to, the last time. */\n"
	"int main(int argc, char **argv)\n{\n"
	"\tint times = argc > 1 ? atoi(argv[1]) : 1;\n\tpid_t group;\n\n"
	"\tif (!strcmp(argv[0], HELD))\n\t\theld(times);\n"
	"\ts = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n"
	"\tprctl(PR_SET_CHILD_SUBREAPER, 1);\n"
	"\twhile (times--) {\n\t\tmemset(s, 0, sizeof(*s));\n\t\tgroup = fork();\n"
	"\t\tif (!group) {\n\t\t\tsetpgid(0, 0);\n\t\t\tprocess_setup();\n"
	"\t\t\tprogram_run();\n\t\t\t_exit(0);\n\t\t}\n"
	"\t\tfor (int i = 0; i < TIME_LIMIT_US && !waitpid(group, NULL, WNOHANG); i += 1000)\n"
	"\t\t\tusleep(1000);\n"
	"\t\tif (end_group(group)) {\n\t\t\tprintf(\"a process does not end\\n\");\n"
	"\t\t\treturn 3;\n\t\t}\n\t}\n"
	"\tfor (unsigned int i = 0; i < sizeof(s->r) / sizeof(s->r[0]); i++) {\n"
	"\t\tif (s->done[i])\n\t\t\tprintf(\"r%u %ld %s\\n\", i, s->r[i],\n"
	"\t\t\t       s->errors[i] ? strerror(s->errors[i]) : \"\");\n\t}\n\treturn 0;\n}\n";

void program_write_c(FILE *file, const struct program *program)
{
	struct writer writer = {file, program, 0};

	fprintf(file,
		"/* Written by stplr's fuzzer: cc -I include/uapi -I tests/module THIS "
		"-lpthread; it wants devices=2, "
		"its argument is how often to run. */\n%s\n",
		env_text);
	fprintf(file,
		"/* What the calls were given and gave, for all processes. */\n"
		"static struct {\n\tlong r[%d];\n\tint errors[%d];\n\tint done[%d];\n",
		OPS_MAX, OPS_MAX, OPS_MAX);
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		const struct call *call = &calls[program->ops[i].call];

		if (call->type)
			fprintf(file, "\t%s a%u;\n", call->type, i);
	}
	fprintf(file, "} *s;\n\n"
		      "static void tell(int n)\n{\n\ts->errors[n] = s->r[n] < 0 ? errno : 0;\n"
		      "\t__atomic_store_n(&s->done[n], 1, __ATOMIC_RELEASE);\n}\n\n"
		      "/* Another lane's result is waited for, a while. */\n"
		      "static inline long r(int n)\n{\n"
		      "\tfor (int i = 0; i < 30 && !__atomic_load_n(&s->done[n], "
		      "__ATOMIC_ACQUIRE); i++)\n\t\tusleep(100);\n\treturn s->r[n];\n}\n\n");
	for (writer.lane = 0; writer.lane < LANES_MAX; writer.lane++)
		c_lane(&writer);
	fputs(c_main, file);
}
