// SPDX-License-Identifier: MIT
//
// A storm: clients and servers by the hundred, killed, stopped, disturbed and replaced at random
// while they pass messages and descriptors; afterwards every message is accounted for.
//
// It comes in rounds, each with books of its own (ledger.h). A process of the storm is a client or
// a server with some threads. This one starts them, disturbs and replaces them, then lets what is
// left come to its end undisturbed, so that a wake-up that was lost is not made good by chance, and
// reads the books.
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "storm.h"

namespace
{

const char kUsage[] =
	R"(Usage: storm [--seconds N] [--seed N] [--round N] [--clients N] [--servers N]

Passes messages between processes that are killed, stopped, disturbed and replaced at random, for so many
seconds (default 60) in rounds of so many (default 10), and accounts for every message after each round.
The seed (default: the time) chooses what happens; how it falls together is the machine's. --clients and
--servers are processes, of five threads each (default: by the seed, up to 45 and 20).

Prints calls, kills and messages, and how many rounds passed; exits with 0 if all adds up and the module has
nothing left.
)";

// For how many seconds no message may be sent and no process end when all come to their end.
constexpr int kPatience = 30;

[[noreturn]] void die(const char *text)
{
	fprintf(stderr, "storm: %s: %s\n", text, strerror(errno));
	exit(2);
}

std::string first_line(const char *path)
{
	std::ifstream file(path);
	std::string line;

	getline(file, line);
	return line;
}

// So little room in queues that senders wait for it.
void narrow(const char *parameter, const char *value)
{
	std::ofstream file(std::string("/sys/module/stplr/parameters/") + parameter);

	if (!(file << value << std::flush))
		die(parameter);
}

// One of the device's counters.
uint64_t counter(const std::string &name)
{
	std::ifstream file("/sys/kernel/debug/stplr/stplr-0/counters");
	std::string word;
	uint64_t value;

	while (file >> word >> value)
		if (word == name)
			return value;
	die("debugfs has no counters");
}

// Of each round.
constexpr uint64_t kLeastKills = 20;

class Storm
{
public:
	Storm(uint64_t seed, uint32_t clients, uint32_t servers)
		: random_(seed), seed_(seed), clients_(clients ? clients : 5 + random_.below(40)),
		  servers_(servers ? servers : 4 + random_.below(16))
	{
	}

	// A round; false if something is wrong.
	bool run(int seconds);
	const Counts &counts() const
	{
		return counts_;
	}
	uint64_t kills() const
	{
		return kills_;
	}
	uint64_t stops() const
	{
		return stops_;
	}

private:
	void open_books();
	void close_books();
	void populate();
	void start(bool server);
	void reap();
	uint32_t victim();
	void disturb();
	void let_be();
	void empty_sockets();
	bool finish(bool servers);
	uint64_t progress() const;
	void show_threads() const;
	void signal_servers() const;
	void expect_nothing_left() const;

	Random random_;
	const uint64_t seed_;
	const uint32_t clients_, servers_;
	std::map<pid_t, bool> children_; // which are servers
	uint32_t alive_[2] = {0, 0};
	uint64_t kills_ = 0, stops_ = 0;
	Counts counts_ = {};
};

void Storm::open_books()
{
	int fd = memfd_create("storm", 0);

	if (fd < 0 || ftruncate(fd, sizeof(Ledger)))
		die("the ledger");
	ledger_map(fd);
	ledger->seed = seed_;
	shared.ledger = fd;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, shared.connections) ||
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, shared.channels))
		die("socketpair");
	shared.device = open("/dev/stplr-0", O_RDWR);
	if (shared.device < 0)
		die("/dev/stplr-0");
}

void Storm::close_books()
{
	for (int fd : {shared.device, shared.ledger, shared.connections[0], shared.connections[1],
		       shared.channels[0], shared.channels[1]})
		close(fd);
	munmap(ledger, sizeof(Ledger));
}

void Storm::start(bool server)
{
	fflush(nullptr);
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter_process(server);
		server ? run_server() : run_client();
		leave_process();
	}
	children_[pid] = server;
	alive_[server]++;
}

void Storm::populate()
{
	while (alive_[true] < servers_)
		start(true);
	while (alive_[false] < clients_)
		start(false);
}

// Others than our own children are children of those.
void Storm::reap()
{
	pid_t pid;

	while ((pid = waitpid(-1, nullptr, WNOHANG)) > 0) {
		auto child = children_.find(pid);
		if (child == children_.end())
			continue;
		alive_[child->second]--;
		children_.erase(child);
	}
}

// Some process that may be disturbed, or 0.
uint32_t Storm::victim()
{
	const uint32_t made = ledger->processes_made;

	for (int tries = 0; tries < 50 && made; tries++) {
		uint32_t back = random_.below(2 * (clients_ + servers_));
		if (back < made && ledger->processes[made - back].live)
			return made - back;
	}
	return 0;
}

void Storm::disturb()
{
	const uint32_t number = victim();
	Process &process = ledger->processes[number];
	const pid_t pid = process.pid;

	if (!number)
		return;
	switch (random_.below(10)) {
	case 0 ... 2:
		if (!process.live.exchange(false))
			break;
		// What must be known of a dead process is noted while it lives.
		process.doomed = true;
		for (auto &held : process.channels)
			ledger->channels[held].ending = true;
		kill(pid, SIGKILL);
		kills_++;
		break;
	case 3:
		kill(pid, SIGSTOP);
		stops_++;
		usleep(random_.below(30000));
		kill(pid, SIGCONT);
		break;
	default: {
		const uint32_t thread = ledger->threads_made - random_.below(500);
		if (thread && thread <= ledger->threads_made &&
		    ledger->processes[ledger->threads[thread].process].live)
			syscall(SYS_tgkill,
				ledger->processes[ledger->threads[thread].process].pid.load(),
				ledger->threads[thread].tid.load(), SIGUSR1);
		else
			kill(pid, SIGUSR1);
	}
	}
}

// Until the next disturbance: some calls, so that a slow machine comes to something, too.
void Storm::let_be()
{
	const uint64_t until = progress() + random_.below(150);

	for (int pauses = 0; pauses < 100 && progress() < until; pauses++)
		usleep(2000);
}

// What is on its way between processes holds channels and connections.
void Storm::empty_sockets()
{
	uint32_t number;
	int fd;

	while ((fd = take_fd(shared.connections[1], &number, MSG_DONTWAIT)) >= 0)
		close(fd);
	while ((fd = take_fd(shared.channels[1], &number, MSG_DONTWAIT)) >= 0) {
		ledger->channels[number].ending = true;
		close(fd);
	}
}

uint64_t Storm::progress() const
{
	uint64_t calls = 0;

	for (uint32_t i = 1; i <= ledger->processes_made; i++)
		calls += ledger->processes[i].calls;
	return calls;
}

void Storm::show_threads() const
{
	for (uint32_t i = 1; i <= ledger->threads_made; i++) {
		const Task &thread = ledger->threads[i];
		const Process &process = ledger->processes[thread.process];
		const std::string folder = "/proc/" + std::to_string(process.pid) + "/task/" +
					   std::to_string(thread.tid);

		if (process.done || process.doomed || (!thread.sending && !thread.answering))
			continue;
		std::ifstream stack(folder + "/stack");
		std::stringstream text;
		text << stack.rdbuf();
		fprintf(stderr,
			"thread %u (%s): sending %u, receiving from channel %u, answering %u\n%s",
			i, folder.c_str(), thread.sending.load(), thread.receiving.load(),
			thread.answering.load(), text.str().c_str());
	}
}

// A thread that waits for messages looks at what there is to do.
void Storm::signal_servers() const
{
	for (uint32_t i = 1; i <= ledger->threads_made; i++) {
		const Task &thread = ledger->threads[i];
		const Process &process = ledger->processes[thread.process];

		if (process.server && process.live)
			syscall(SYS_tgkill, process.pid.load(), thread.tid.load(), SIGUSR1);
	}
}

// Waits for the end of the clients, or of the servers; false if they do not come to it.
bool Storm::finish(bool servers)
{
	const char *who = servers ? "servers" : "clients";
	const auto now = [] { return in_ms(0) / 1000000000; };
	int64_t since = now();
	uint64_t last = 0;

	for (;;) {
		uint32_t left = 0;
		for (uint32_t i = 1; i <= ledger->processes_made; i++) {
			const Process &process = ledger->processes[i];
			left += process.pid && process.server == servers && !process.done &&
				!process.doomed && kill(process.pid, 0) == 0;
		}
		reap();
		if (!left && !alive_[servers])
			return true;
		empty_sockets();
		if (servers)
			signal_servers();
		usleep(20000);
		// Servers look for connections all the time: it is messages that tell of progress.
		const uint64_t state = ledger->messages_made + left;
		if (state != last)
			since = now();
		last = state;
		if (now() - since > kPatience) {
			show_threads();
			wrong("the %s do not end: a wake-up was lost", who);
			return false;
		}
	}
}

void Storm::expect_nothing_left() const
{
	std::string left;

	// Who was killed may not be through with dying.
	for (int tries = 0; tries < 1000; tries++) {
		left = first_line("/sys/module/stplr/parameters/objects");
		if (left.find_first_of("123456789") == std::string::npos)
			return;
		usleep(20000);
	}
	wrong("left behind: %s", left.c_str());
}

bool Storm::run(int seconds)
{
	open_books();
	const uint64_t lost_before = counter("lost");
	timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	// On a slow machine longer, so that it comes to something.
	const time_t end = time.tv_sec + seconds, latest = end + 5 * seconds;
	while (!ledger->nr_wrong &&
	       (time.tv_sec < end || (kills_ < kLeastKills && time.tv_sec < latest))) {
		reap();
		populate();
		disturb();
		let_be();
		clock_gettime(CLOCK_MONOTONIC, &time);
	}
	ledger->phase = kServe;
	bool ended = finish(false);
	if (ended) {
		ledger->phase = kDrain;
		ended = finish(true);
	}
	if (!ended)
		for (uint32_t i = 1; i <= ledger->processes_made; i++)
			if (!ledger->processes[i].done && ledger->processes[i].pid)
				kill(ledger->processes[i].pid, SIGKILL);
	while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR)
		;
	empty_sockets();
	close(shared.device);
	shared.device = -1;
	if (ended) {
		expect_nothing_left();
		counts_ = audit(counter("lost") - lost_before);
		if (!kills_ || !counts_.delivered)
			wrong("no storm: %lu kills, %lu messages delivered", kills_,
			      counts_.delivered);
	}
	printf("seed %lu: %u and %u processes; %lu calls, %lu kills, %u by exec, %lu stops, %u "
	       "signals, "
	       "%u descriptors passed, %u events; %lu messages (%lu two-way, %lu one-way, %lu "
	       "queued, "
	       "%lu pulses): %lu delivered, %lu failed, %lu dropped, %lu threads killed in a "
	       "call\n",
	       seed_, clients_, servers_, counts_.calls, kills_, ledger->executed.load(), stops_,
	       ledger->disturbed.load(), ledger->passed.load(), ledger->notified.load(),
	       counts_.messages, counts_.kinds[kTwoWay], counts_.kinds[kOneWay],
	       counts_.kinds[kQueued], counts_.kinds[kPulse], counts_.delivered, counts_.failed,
	       counts_.dropped, counts_.in_between);
	const uint32_t bad = ledger->nr_wrong;
	for (uint32_t i = 0; i < bad && i < sizeof(ledger->wrong) / sizeof(ledger->wrong[0]); i++)
		printf("WRONG: %s\n", ledger->wrong[i]);
	if (bad)
		printf("WRONG: %u in all\n", bad);
	close_books();
	return !bad;
}

// A process of the storm that has executed this program.
[[noreturn]] void start_anew(const std::string &role, const std::string &fds)
{
	std::istringstream(fds) >> shared.device >> shared.ledger >> shared.connections[0] >>
		shared.connections[1] >> shared.channels[0] >> shared.channels[1];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ledger_map(shared.ledger);
	enter_process(role == "server");
	role == "server" ? run_server() : run_client();
	leave_process();
}

uint32_t number_of(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !*text) {
		fprintf(stderr, "storm: '%s' is no number; see storm --help\n", text);
		exit(2);
	}
	return value;
}

} // namespace

int main(int argc, char **argv)
{
	const option options[] = {{"seconds", required_argument, nullptr, 's'},
				  {"seed", required_argument, nullptr, 'e'},
				  {"round", required_argument, nullptr, 'r'},
				  {"clients", required_argument, nullptr, 'c'},
				  {"servers", required_argument, nullptr, 'v'},
				  {"help", no_argument, nullptr, 'h'},
				  {}};
	uint32_t seconds = 60, seed = time(nullptr), round = 10, clients = 0, servers = 0;
	uint64_t calls = 0, kills = 0, messages = 0, rounds = 0;
	bool good = true;

	if (argc == 4 && !strcmp(argv[1], "--anew"))
		start_anew(argv[2], argv[3]);
	for (int option; (option = getopt_long(argc, argv, "h", options, nullptr)) != -1;) {
		switch (option) {
		case 's':
			seconds = number_of(optarg);
			break;
		case 'e':
			seed = number_of(optarg);
			break;
		case 'r':
			round = number_of(optarg);
			break;
		case 'c':
			clients = number_of(optarg);
			break;
		case 'v':
			servers = number_of(optarg);
			break;
		case 'h':
			fputs(kUsage, stdout);
			return 0;
		default:
			fputs("see storm --help\n", stderr);
			return 2;
		}
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	// Among hundreds of threads this one would not come to disturb any.
	setpriority(PRIO_PROCESS, 0, -15);
	narrow("connection_queued", "1");
	narrow("channel_queued", "2");
	setvbuf(stdout, nullptr, _IOLBF, 0);
	printf("storm of %u seconds, seed %u\n", seconds, seed);
	for (time_t end = time(nullptr) + seconds; good && time(nullptr) < end; rounds++) {
		Storm storm(seed + rounds, clients, servers);
		good = storm.run(round);
		calls += storm.counts().calls;
		kills += storm.kills();
		messages += storm.counts().messages;
	}
	printf("%lu calls, %lu kills, %lu messages accounted for\n", calls, kills, messages);
	printf("%lu passed, %u failed\n", good ? rounds : rounds - 1, !good);
	return !good;
}
