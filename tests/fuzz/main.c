// SPDX-License-Identifier: MIT
/*
 * stplr-fuzz: makes up programs of calls and runs them, keeps those that reach what none had, and
 * goes on from these
 *
 * Program N is a function of the seed, of N, and of the programs below N - WINDOW that were kept.
 * Which are kept depends on what else happens in the machine, so the list of them is written down,
 * and with it a seed repeats to the letter. What is running is written down, too, before it runs:
 * a kernel that dies names its last programs.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/random.h>

#include "program.h"

#define WINDOW 64
#define POOL_MAX 4096
#define PROGRAMS_MAX (1 << 22)
#define JOBS_MAX 16

enum { WELL = 0, FAILED = 1, USAGE = 2, FOUND = 3 };

static const char help[] =
	"Usage: stplr-fuzz [OPTION]... [CORPUS]...\n"
	"Runs programs of random calls on the module's devices 1 to JOBS (0 is shared), first "
	"those\n"
	"of the CORPUS files. Run it by tests/fuzz/run.\n"
	"\n"
	"  --seconds N      how long (default 60)\n"
	"  --seed N         repeats (default: a new one)\n"
	"  --kept FILE      which programs were kept, instead of those that reach something new\n"
	"  --to N           end before program N\n"
	"  --jobs N         how many programs run beside each other (default 3)\n"
	"  --folder FOLDER  where to write what runs, and what is kept (default: nowhere)\n"
	"  --blocks N       how many blocks the module has, to tell of how many\n"
	"  --save FILE      write the programs that reached something new there\n"
	"  --replay N       only run the corpus' programs, N times each\n"
	"  --cut N          try smaller ones of the corpus' first program, N times each; each is\n"
	"                   in FOLDER/candidate before it runs\n"
	"  --tell           with --replay: print what each operation came to\n"
	"  --show N         print program N, do not run\n"
	"  --c              print the corpus' first program as a C program\n"
	"  --help           print this\n"
	"\n"
	"Exit status: 0 all is well, 1 fewer than half of the calls succeeded, 2 it cannot run,\n"
	"3 the kernel complains, a process does not end, or something is left behind.\n";

static struct options {
	unsigned int seconds;
	uint64_t seed;
	unsigned int to;
	unsigned int jobs;
	unsigned int blocks;
	unsigned int replay;
	unsigned int cut;
	int64_t show;
	bool c;
	bool tell;
	const char *kept;
	const char *folder;
	const char *save;
} options = {.seconds = 60, .to = PROGRAMS_MAX, .jobs = 3, .show = -1};

struct kept {
	int64_t index; /* negative: of the corpus */
	struct program program;
};

/* Of all processes. */
static struct state {
	unsigned int next;
	unsigned int low; /* all programs below are through */
	unsigned int pause;
	unsigned int paused;
	unsigned int stop;
	unsigned int lock;
	unsigned int nr_kept;
	unsigned int nr_corpus;
	uint64_t programs;
	uint64_t calls[128];
	uint64_t good[128];
	unsigned char through[PROGRAMS_MAX];
	struct kept kept[POOL_MAX];
	struct job jobs[JOBS_MAX];
} * state;

static unsigned char *listed; /* by --kept */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	fflush(stdout);
}

static _Noreturn void found(const char *what)
{
	say("stplr-fuzz: %s\n", what);
	__atomic_store_n(&state->stop, FOUND, __ATOMIC_RELEASE);
	_exit(FOUND);
}

/* Kept programs, in the order of their numbers */

static void keep(int64_t index, const struct program *program)
{
	unsigned int at;

	while (__atomic_exchange_n(&state->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	at = state->nr_kept;
	if (at < POOL_MAX) {
		for (; at > 0 && state->kept[at - 1].index > index; at--)
			state->kept[at] = state->kept[at - 1];
		state->kept[at].index = index;
		state->kept[at].program.nr_ops = program->nr_ops;
		memcpy(state->kept[at].program.ops, program->ops,
		       program->nr_ops * sizeof(struct op));
		state->nr_kept++;
	}
	__atomic_store_n(&state->lock, 0, __ATOMIC_RELEASE);
}

static unsigned int kept_below(int64_t index)
{
	unsigned int count = 0;

	while (count < state->nr_kept && state->kept[count].index < index)
		count++;
	return count;
}

/* Program number @index. What is kept up to WINDOW before it must be known. */
static void make_program(unsigned int index, struct program *program)
{
	struct random random = {options.seed * 0x9e3779b97f4a7c15 + index * 0xd1342543de82ef95};
	unsigned int known, chosen, recent;

	if (index < state->nr_corpus) {
		*program = state->kept[index].program;
		return;
	}
	while (__atomic_exchange_n(&state->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	known = kept_below((int64_t)index - WINDOW);
	if (one_in(&random, 4) || random_below(&random, 64) >= known) {
		__atomic_store_n(&state->lock, 0, __ATOMIC_RELEASE);
		generate(program, &random);
		return;
	}
	recent = known < 32 || random_below(&random, 2) ? known : 32;
	chosen = known - 1 - random_below(&random, recent);
	*program = state->kept[chosen].program;
	chosen = random_below(&random, known);
	mutate(program, &random, &state->kept[chosen].program);
	__atomic_store_n(&state->lock, 0, __ATOMIC_RELEASE);
}

static void read_corpus(char **files, int count)
{
	static struct program program;
	int64_t index = -POOL_MAX;

	for (int i = 0; i < count; i++) {
		FILE *file = fopen(files[i], "r");

		if (!file) {
			perror(files[i]);
			exit(USAGE);
		}
		while (program_read(file, &program))
			keep(index++, &program);
		fclose(file);
	}
	state->nr_corpus = state->nr_kept;
}

static void read_kept(void)
{
	FILE *file = options.kept ? fopen(options.kept, "r") : NULL;
	unsigned int index;

	if (!options.kept)
		return;
	if (!file) {
		perror(options.kept);
		exit(USAGE);
	}
	listed = calloc(PROGRAMS_MAX, 1);
	while (fscanf(file, "%u", &index) == 1) {
		if (index < PROGRAMS_MAX)
			listed[index] = 1;
	}
	fclose(file);
}

/* What runs is written down */

static int open_in_folder(const char *name, int flags)
{
	char path[512];
	int fd;

	if (!options.folder)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", options.folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
	if (fd < 0) {
		perror(path);
		exit(USAGE);
	}
	return fd;
}

static void note(int fd, unsigned int index)
{
	char line[16];

	if (fd >= 0 && write(fd, line, snprintf(line, sizeof(line), "%u\n", index)) < 0)
		perror("stplr-fuzz");
}

static void write_candidate(const struct program *program)
{
	char *text;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	int fd = open_in_folder("candidate", O_TRUNC);

	program_write(memory, program);
	fclose(memory);
	if (fd >= 0 && write(fd, text, size) != (ssize_t)size)
		perror("stplr-fuzz");
	close(fd);
	free(text);
}

/* Running */

static void count(const struct program *program, const struct fate *fate)
{
	for (unsigned int i = 0; i < program->nr_ops; i++) {
		const struct result *result = &fate->results[i];
		unsigned int call = program->ops[i].call;

		if (result->done != 1)
			continue;
		__atomic_add_fetch(&state->calls[call], 1, __ATOMIC_RELAXED);
		if (result->value >= 0)
			__atomic_add_fetch(&state->good[call], 1, __ATOMIC_RELAXED);
	}
	__atomic_add_fetch(&state->programs, 1, __ATOMIC_RELAXED);
}

/* For the programs that have to be through. One may have been killed just before it began. */
static void wait_for(unsigned int index)
{
	unsigned int tries = 0, low;

	while ((low = __atomic_load_n(&state->low, __ATOMIC_ACQUIRE)) + WINDOW < index) {
		if (__atomic_load_n(&state->through[low], __ATOMIC_ACQUIRE) || ++tries > 5000) {
			__atomic_compare_exchange_n(&state->low, &low, low + 1, 0, __ATOMIC_ACQ_REL,
						    __ATOMIC_RELAXED);
			tries = 0;
		} else {
			usleep(500);
		}
	}
}

static void rest(void)
{
	if (!__atomic_load_n(&state->pause, __ATOMIC_ACQUIRE))
		return;
	__atomic_add_fetch(&state->paused, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&state->pause, __ATOMIC_ACQUIRE))
		usleep(1000);
	__atomic_sub_fetch(&state->paused, 1, __ATOMIC_ACQ_REL);
}

static int kept_fd, running_fd;

static bool next_new(struct job *job)
{
	rest();
	job->index = __atomic_fetch_add(&state->next, 1, __ATOMIC_ACQ_REL);
	if (job->index >= options.to || __atomic_load_n(&state->stop, __ATOMIC_ACQUIRE))
		return false;
	wait_for(job->index);
	make_program(job->index, &job->program);
	note(running_fd, job->index);
	return true;
}

static void done_new(struct job *job, struct coverage fresh)
{
	unsigned int index = job->index;

	count(&job->program, &job->fate);
	if (index >= state->nr_corpus && (listed ? listed[index] : fresh.edges > 0)) {
		keep(index, &job->program);
		note(kept_fd, index);
	}
	__atomic_store_n(&state->through[index], 1, __ATOMIC_RELEASE);
}

/* Only the corpus' programs. Those that reach new blocks are saved. */
static bool next_given(struct job *job)
{
	unsigned int index = job->index++ / options.replay;

	if (index >= state->nr_corpus || state->stop)
		return false;
	job->program = state->kept[index].program;
	note(running_fd, index);
	return true;
}

static void tell(const struct job *job, struct coverage fresh)
{
	say("program, %.1f ms, %u new blocks\n", (soon(0) - job->since) / 1e6, fresh.blocks);
	for (unsigned int i = 0; i < job->program.nr_ops; i++) {
		const struct op *op = &job->program.ops[i];
		const struct result *result = &job->fate.results[i];

		say("r%u %u %s: ", i, op->lane, calls[op->call].name);
		if (result->done != 1)
			say(result->done ? "passed over\n" : "not made\n");
		else if (result->error)
			say("%s\n", strerrorname_np(result->error));
		else
			say("%" PRId64 "\n", result->value);
	}
}

static void done_given(struct job *job, struct coverage fresh)
{
	FILE *save = options.save && fresh.blocks ? fopen(options.save, "a") : NULL;

	count(&job->program, &job->fate);
	if (options.tell)
		tell(job, fresh);
	if (!save)
		return;
	program_write(save, &job->program);
	fclose(save);
}

/* Smaller ones of the first. */
static bool next_cut(struct job *job)
{
	unsigned int index = job->index++;

	if (state->stop ||
	    !program_cut(&state->kept[0].program, index / options.cut, &job->program))
		return false;
	if (index % options.cut == 0)
		write_candidate(&job->program);
	return true;
}

static _Noreturn void work(unsigned int number)
{
	static const struct jobs fresh = {next_new, done_new}, given = {next_given, done_given},
				 smaller = {next_cut, done_given};
	char name[32];

	snprintf(name, sizeof(name), "running.%u", number);
	running_fd = open_in_folder(name, O_APPEND);
	kept_fd = open_in_folder("kept", O_APPEND);
	own_device = number + 1;
	cover_open();
	if (run_job(&state->jobs[number], options.cut      ? &smaller
					  : options.replay ? &given
							   : &fresh))
		_exit(WELL);
	if (system("for p in /proc/[0-9]*; do grep -q stplr $p/task/*/stack && "
		   "head -n 30 $p/stat $p/task/*/stack; done 2>/dev/null"))
		perror("stplr-fuzz");
	found("a process does not end");
}

/* Watching */

static bool left_over(char *line, int size)
{
	FILE *file = fopen("/sys/module/stplr/parameters/objects", "r");
	bool any;

	if (!file || !fgets(line, size, file))
		line[0] = 0;
	any = strpbrk(line, "123456789");
	if (file)
		fclose(file);
	return any;
}

/* What died holds its objects a moment longer. */
static void assert_nothing_left(void)
{
	char line[256];

	for (int i = 0; left_over(line, sizeof(line)); i++) {
		if (i == 3000) {
			say("left behind: %s", line);
			found("something is left behind");
		}
		usleep(10000);
	}
}

static void look_for_leftovers(void)
{
	state->pause = 1;
	for (int i = 0; __atomic_load_n(&state->paused, __ATOMIC_ACQUIRE) < options.jobs; i++) {
		if (state->stop)
			return;
		if (i == 60 * 100)
			found("the programs do not come to an end");
		usleep(10000);
	}
	assert_nothing_left();
	state->pause = 0;
	while (__atomic_load_n(&state->paused, __ATOMIC_ACQUIRE))
		usleep(1000);
}

/* Some complaints are no warnings, for which the kernel would stop. */
static void look_at_log(int log)
{
	static const char *const complaints[] = {
		"BUG",      "WARNING: ",   "INFO: ",     "KASAN: ",           "UBSAN: ",
		"ODEBUG: ", "refcount_t:", "Call Trace", "possible circular", "suspicious"};
	char line[8192];
	ssize_t n;

	while ((n = read(log, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		for (unsigned int i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
			if (strstr(line, complaints[i])) {
				usleep(500000);
				say("%s", line);
				found("the kernel complains");
			}
		}
	}
}

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		perror(path);
	close(fd);
}

/* A complaint ends the machine, before more happens; every kind of failure can be made. */
static void prepare_kernel(void)
{
	static const char *const kinds[] = {"failslab", "fail_page_alloc", "fail_usercopy",
					    "fail_futex"};
	char path[128];

	set("/proc/sys/kernel/panic_on_warn", "1");
	set("/proc/sys/kernel/hung_task_timeout_secs", "0");
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		set(path, "0");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		set(path, "0");
	}
	set("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

static void totals(uint64_t *made, uint64_t *good)
{
	*made = *good = 0;
	for (unsigned int i = 0; i < nr_calls; i++) {
		if (calls[i].function)
			continue;
		*made += state->calls[i];
		*good += state->good[i];
	}
}

static void progress(double seconds)
{
	struct coverage total = cover_total();
	uint64_t made, good;

	totals(&made, &good);
	say("%5.0f s: %" PRIu64 " programs, %" PRIu64 " calls (%.0f a second), %.1f %% succeeded, "
	    "%u blocks",
	    seconds, state->programs, made, made / seconds, made ? 100.0 * good / made : 0,
	    total.blocks);
	if (options.blocks)
		say(" of %u (%.1f %%)", options.blocks, 100.0 * total.blocks / options.blocks);
	say(", %u edges, %u kept\n", total.edges, state->nr_kept);
}

static void summary(void)
{
	say("\n%-18s %10s %10s\n", "call", "made", "succeeded");
	for (unsigned int i = 0; i < nr_calls; i++) {
		if (state->calls[i])
			say("%-18s %10" PRIu64 " %9.1f %%\n", calls[i].name, state->calls[i],
			    100.0 * state->good[i] / state->calls[i]);
	}
	say("\n");
}

static void save(void)
{
	FILE *file = options.save && !options.replay ? fopen(options.save, "w") : NULL;

	for (unsigned int i = 0; file && i < state->nr_kept; i++)
		program_write(file, &state->kept[i].program);
	if (file)
		fclose(file);
}

static int run_all(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), status = WELL;
	uint64_t begin = soon(0), made, good;
	bool some = options.replay || options.cut;
	double seconds = 0;

	lseek(log, 0, SEEK_END);
	prepare_kernel();
	if (!cover_share())
		say("stplr-fuzz: this kernel has no KCOV\n");
	if (some)
		options.jobs = 1;
	for (unsigned int i = 0; i < options.jobs; i++) {
		if (!fork())
			work(i);
	}
	for (unsigned int tick = 1; !state->stop; tick++) {
		int result, pid = waitpid(-1, &result, WNOHANG);

		if (pid < 0)
			break;
		if (pid && result)
			state->stop = WIFEXITED(result) ? WEXITSTATUS(result) : FAILED;
		usleep(100000);
		look_at_log(log);
		seconds = (soon(0) - begin) / 1e9;
		if (!some && seconds >= options.seconds)
			break;
		if (!some && tick % 100 == 0) {
			progress(seconds);
			look_for_leftovers();
		}
		if (some && tick % 300 == 0)
			progress(seconds);
	}
	status = state->stop;
	state->stop = state->stop ? state->stop : FAILED;
	while (wait(NULL) > 0) {
	}
	look_at_log(log);
	if (status == WELL)
		assert_nothing_left();
	summary();
	progress(seconds ? seconds : 1);
	save();
	totals(&made, &good);
	if (status == WELL && !some && good * 2 < made) {
		say("stplr-fuzz: fewer than half of the calls succeeded\n");
		return FAILED;
	}
	return status;
}

/* Without running anything: the kept ones have to be known, then any can be made. */
static void show(void)
{
	static struct program program;

	for (unsigned int i = state->nr_corpus; listed && i + WINDOW < options.show; i++) {
		if (!listed[i])
			continue;
		make_program(i, &program);
		keep(i, &program);
	}
	make_program(options.show, &program);
	program_write(stdout, &program);
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {{"seconds", required_argument, NULL, 's'},
					      {"seed", required_argument, NULL, 'S'},
					      {"kept", required_argument, NULL, 'k'},

					      {"to", required_argument, NULL, 't'},
					      {"jobs", required_argument, NULL, 'j'},
					      {"folder", required_argument, NULL, 'd'},
					      {"blocks", required_argument, NULL, 'b'},
					      {"save", required_argument, NULL, 'w'},
					      {"replay", required_argument, NULL, 'r'},
					      {"cut", required_argument, NULL, 'c'},
					      {"show", required_argument, NULL, 'p'},
					      {"c", no_argument, NULL, 'C'},
					      {"tell", no_argument, NULL, 'T'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	if (getrandom(&options.seed, 4, 0) != 4)
		exit(USAGE);
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		uint64_t number = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (option) {
		case 's':
			options.seconds = number;
			break;
		case 'S':
			options.seed = number;
			break;
		case 'k':
			options.kept = optarg;
			break;
		case 't':
			options.to = number < PROGRAMS_MAX ? number : PROGRAMS_MAX;
			break;
		case 'j':
			options.jobs = number < 1 ? 1 : number < JOBS_MAX ? number : JOBS_MAX;
			break;
		case 'd':
			options.folder = optarg;
			break;
		case 'b':
			options.blocks = number;
			break;
		case 'w':
			options.save = optarg;
			break;
		case 'r':
			options.replay = number;
			break;
		case 'c':
			options.cut = number;
			break;
		case 'p':
			options.show = number;
			break;
		case 'C':
			options.c = true;
			break;
		case 'T':
			options.tell = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(WELL);
		default:
			exit(USAGE);
		}
	}
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], HELD))
		held(argc > 1 ? atoi(argv[1]) : -1);
	parse(argc, argv);
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (state == MAP_FAILED) {
		perror("stplr-fuzz");
		return USAGE;
	}
	read_corpus(argv + optind, argc - optind);
	read_kept();
	if (options.c) {
		program_write_c(stdout, &state->kept[0].program);
		return WELL;
	}
	if (options.show >= 0) {
		show();
		return WELL;
	}
	if (access("/sys/module/stplr", F_OK)) {
		fprintf(stderr, "stplr-fuzz: the module is not loaded\n");
		return USAGE;
	}
	say("seed %" PRIu64 ", %u programs in the corpus\n", options.seed, state->nr_corpus);
	return run_all();
}
