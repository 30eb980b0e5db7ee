// SPDX-License-Identifier: MIT
#include "options.h"

#include <getopt.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

namespace bench
{

namespace
{

constexpr struct {
	const char *name;
	Command command;
} commands[] = {
	{"roundtrip", Command::roundtrip},
	{"connections", Command::connections},
	{"queue", Command::queue},
	{"pulses", Command::pulses},
	{"inheritance", Command::inheritance},
	{"inversion", Command::inversion},
	{"latency", Command::latency},
	{"ring", Command::ring},
	{"kernel", Command::kernel},
	{"idle", Command::idle},
	{"scaling", Command::scaling},
};

constexpr std::uint64_t sizeMost = 1 << 30;
constexpr std::uint64_t countMost = 1000000000;
constexpr std::uint64_t runsMost = 1000;
constexpr std::uint64_t workMost = 10000000;
constexpr std::uint64_t secondsMost = 86400;
constexpr std::uint64_t crowdMost = 1000;

const char *const help =
	"Usage: stplr-bench COMMAND [OPTION...]\n"
	"\n"
	"Measures stplr, and beside it the other ways to pass a message, between two processes.\n"
	"\n"
	"Commands:\n"
	"  roundtrip     what a request and its reply, of the same size, cost\n"
	"  connections   what a round trip by stplr costs with 1 and with 1,000 other connections "
	"on the channel\n"
	"  queue         what a receive by stplr costs with 10 and with 1,000 senders queued\n"
	"  pulses        what a pulse costs, sent and received, with 100 and with 100,000 queued\n"
	"  inheritance   what a round trip by stplr costs without and with priority inheritance, "
	"all "
	"of one priority\n"
	"  inversion     how long a client waits for servers of lower priority while a thread of a "
	"middle one spins,\n"
	"                with priority inheritance and without, and what the servers run at "
	"meanwhile\n"
	"  latency       from a send to its server's return from the receive, both real-time: a "
	"histogram\n"
	"  ring          what a record through a ring costs, both sides together; with two "
	"processors a stream,\n"
	"                beside a pipe's\n"
	"  kernel        calls of a driver, and messages between the kernel and a process by "
	"stplr, "
	"netlink, a device,\n"
	"                io_uring, BPF, relay, a pipe, an eventfd; needs root, and make "
	"test-modules\n"
	"  idle          the processor time of a server that has answered some rounds and then has "
	"nothing to do\n"
	"  scaling       messages a second by stplr, of many clients and many server threads; says "
	"what machine it is\n"
	"\n"
	"Options:\n"
	"  --transport LIST|all   roundtrip, idle: which ones, separated by commas (default all; "
	"idle: stplr):\n"
	"                         %s\n"
	"                         not part of all: futex-spin, stplr-sleep, stplr-here, ring, and "
	"getppid, which is no\n"
	"                         transport but two empty system calls\n"
	"  --size N,...           roundtrip: sizes in bytes (default 64,4096,65536,1048576); idle: "
	"the same (default 64);\n"
	"                         kernel: of messages, from 16 to 32768 (default 1024)\n"
	"  --count N              rounds to time (default: by size and command)\n"
	"  --warm-up N            rounds before the timed ones (default 100; connections, "
	"inheritance: 10000)\n"
	"  --cpus A-B|any         processor of the client and of the server (default 0-0); any, "
	"for "
	"roundtrip and idle:\n"
	"                         the scheduler places both\n"
	"  --work US              roundtrip: so many microseconds of processor time the server "
	"works "
	"before it answers\n"
	"                         (default 0)\n"
	"  --runs N               roundtrip: measures all transports in turn, and that so often; "
	"tells medians and what\n"
	"                         they are of, and of the ratios within a run (default 1)\n"
	"  --seconds N            idle: how long the server has nothing to do (default 10); "
	"scaling: how long a figure\n"
	"                         takes (default 1)\n"
	"  --clients N,...        scaling: so many at once (default 1,2,4,8,16,32)\n"
	"  --threads N,...        scaling: so many of the server's (default 1,2,4,8), on one "
	"channel, "
	"and on one each\n"
	"  --json                 one JSON object a line instead of the table\n"
	"  --check                compare with the project's bars, which are printed; exit 1 if "
	"one is missed.\n"
	"                         roundtrip then measures at least what the bars need; with "
	"--transport or --size\n"
	"                         only bars of these count\n"
	"  --unit ns|instructions what the clock counts: instructions under QEMU's -icount "
	"shift=0\n"
	"                         (default: $STPLR_BENCH_UNIT, else ns)\n"
	"  --help                 this text\n"
	"\n"
	"Every message is verified where it arrives: stamps at its ends in the timed rounds, all "
	"bytes in the rounds\n"
	"before and after. stplr needs its module, binder needs binder_linux, which root's runs "
	"load. Messages beyond\n"
	"the system's limits need root; limits are raised for the measuring process only. Exit "
	"status: 0; 1 after a\n"
	"failure or a missed bar; 2 for a bad command line.\n";

std::vector<std::string> split(const std::string &list)
{
	std::vector<std::string> parts;
	std::size_t start = 0;

	for (std::size_t comma; (comma = list.find(',', start)) != std::string::npos;
	     start = comma + 1)
		parts.push_back(list.substr(start, comma - start));
	parts.push_back(list.substr(start));
	return parts;
}

std::uint64_t parseNumber(const std::string &what, const std::string &text, std::uint64_t least,
			  std::uint64_t most)
{
	std::uint64_t number = 0;
	const char *const end = text.data() + text.size();
	const auto [stop, error] = std::from_chars(text.data(), end, number);

	if (error != std::errc() || stop != end || number < least || number > most)
		throw UsageError(what + " wants a number from " + std::to_string(least) + " to " +
				 std::to_string(most) + ", not '" + text + "'");
	return number;
}

// Of a list, from 1 on, each once.
template <typename Number>
std::vector<Number> parseNumbers(const std::string &what, const std::string &list,
				 std::uint64_t most)
{
	std::vector<Number> numbers;

	for (const std::string &number : split(list))
		addOnce<Number>(numbers, parseNumber(what, number, 1, most));
	return numbers;
}

std::string transportNames()
{
	std::string names;

	for (const TransportKind &kind : transportKinds())
		if (kind.inAll)
			names += (names.empty() ? "" : ",") + std::string(kind.name);
	return names;
}

std::vector<const TransportKind *> parseTransports(const std::string &list)
{
	std::vector<const TransportKind *> chosen;

	for (const std::string &name : split(list)) {
		if (name == "all") {
			for (const TransportKind &kind : transportKinds())
				if (kind.inAll)
					addOnce(chosen, &kind);
			continue;
		}
		if (!findTransport(name))
			throw UsageError("--transport: there is no '" + name + "', but " +
					 transportNames());
		addOnce(chosen, findTransport(name));
	}
	return chosen;
}

int parseCpu(const std::string &text)
{
	const int cpu = static_cast<int>(parseNumber("--cpus A-B", text, 0, CPU_SETSIZE - 1));
	const cpu_set_t usable = usableCpus();

	if (!CPU_ISSET(cpu, &usable))
		throw UsageError("--cpus: processor " + text + " is not among the " +
				 std::to_string(CPU_COUNT(&usable)) + " this process may use");
	return cpu;
}

Cpus parseCpus(const std::string &text)
{
	const std::size_t dash = text.find('-');

	if (text == "any")
		return {Cpus::any, Cpus::any};
	if (dash == std::string::npos)
		throw UsageError("--cpus wants two processors, as in 0-1, or any, not '" + text +
				 "'");
	return {parseCpu(text.substr(0, dash)), parseCpu(text.substr(dash + 1))};
}

bool parseUnit(const char *source, const std::string &unit)
{
	if (unit != "ns" && unit != "instructions")
		throw UsageError(std::string(source) + " is ns or instructions, not '" + unit +
				 "'");
	return unit == "instructions";
}

// Netlink's attributes end where their 16 bits do.
void checkKernelSizes(const std::vector<std::size_t> &sizes)
{
	for (const std::size_t size : sizes)
		if (size < 16 || size > 32768)
			throw UsageError("--size for kernel wants numbers from 16 to 32768, not '" +
					 std::to_string(size) + "'");
}

// "roundtrip, idle and kernel": the commands for which `wanted` holds.
template <typename Wanted>
std::string commandNames(const std::string &conjunction, const Wanted &wanted)
{
	std::vector<std::string> names;
	std::string list;

	for (const auto &known : commands)
		if (wanted(known.command))
			names.push_back(known.name);
	for (std::size_t at = 0; at < names.size(); at++) {
		if (at)
			list += at + 1 < names.size() ? ", " : " " + conjunction + " ";
		list += names[at];
	}
	return list;
}

std::string allCommandNames()
{
	return commandNames("or", [](Command) { return true; });
}

Command parseCommand(const std::string &name)
{
	for (const auto &known : commands)
		if (name == known.name)
			return known.command;
	throw UsageError("there is no command '" + name + "', but " + allCommandNames());
}

// An option that was given means something to these commands only.
void isFor(const Options &options, const std::string &option, const std::vector<Command> &some)
{
	if (!has(some, options.command))
		throw UsageError(
			option + " is for " +
			commandNames("and", [&](Command command) { return has(some, command); }) +
			" only");
}

void setDefaults(Options &options, bool warmUpGiven)
{
	// Two costs that are compared to a few percent have to be of the same regime: the settled
	// one (README.md).
	if (!warmUpGiven)
		options.warmUp = options.command == Command::connections ||
						 options.command == Command::inheritance
					 ? 10000
					 : 100;
	if (!options.seconds)
		options.seconds = options.command == Command::idle ? 10 : 1;
	if (options.clients.empty())
		options.clients = {1, 2, 4, 8, 16, 32};
	if (options.threads.empty())
		options.threads = {1, 2, 4, 8};
	if (options.transports.empty())
		options.transports =
			parseTransports(options.command == Command::idle ? "stplr" : "all");
	if (!options.sizes.empty())
		return;
	if (options.command == Command::kernel)
		options.sizes = {1024};
	else if (options.command == Command::idle)
		options.sizes = {64};
	else
		options.sizes = {64, 4096, 65536, 1048576};
}

} // namespace

Options parseOptions(int argc, char **argv)
{
	enum {
		transport = 1,
		size,
		count,
		warmUp,
		cpus,
		work,
		runs,
		seconds,
		clients,
		threads,
		json,
		check,
		unit,
		askHelp
	};
	static const option known[] = {
		{"transport", required_argument, nullptr, transport},
		{"size", required_argument, nullptr, size},
		{"count", required_argument, nullptr, count},
		{"warm-up", required_argument, nullptr, warmUp},
		{"cpus", required_argument, nullptr, cpus},
		{"work", required_argument, nullptr, work},
		{"runs", required_argument, nullptr, runs},
		{"seconds", required_argument, nullptr, seconds},
		{"clients", required_argument, nullptr, clients},
		{"threads", required_argument, nullptr, threads},
		{"json", no_argument, nullptr, json},
		{"check", no_argument, nullptr, check},
		{"unit", required_argument, nullptr, unit},
		{"help", no_argument, nullptr, askHelp},
		{},
	};
	const char *const unitVariable = "STPLR_BENCH_UNIT";
	Options options;
	std::set<int> given;

	if (const char *value = getenv(unitVariable); value && *value)
		options.instructions = parseUnit(unitVariable, value);
	// Silent: UsageError speaks, in this program's words.
	opterr = 0;
	for (int found; (found = getopt_long(argc, argv, ":", known, nullptr)) != -1;) {
		given.insert(found);
		switch (found) {
		case transport:
			options.transports = parseTransports(optarg);
			options.transportsChosen = std::string(optarg) != "all";
			break;
		case size:
			options.sizes = parseNumbers<std::size_t>("--size", optarg, sizeMost);
			options.sizesChosen = true;
			break;
		case count:
			options.count = parseNumber("--count", optarg, 1, countMost);
			break;
		case warmUp:
			options.warmUp = parseNumber("--warm-up", optarg, 0, countMost);
			break;
		case cpus:
			options.cpus = parseCpus(optarg);
			break;
		case work:
			options.work = parseNumber("--work", optarg, 0, workMost);
			break;
		case runs:
			options.runs = parseNumber("--runs", optarg, 1, runsMost);
			break;
		case seconds:
			options.seconds = parseNumber("--seconds", optarg, 1, secondsMost);
			break;
		case clients:
			options.clients = parseNumbers<unsigned>("--clients", optarg, crowdMost);
			break;
		case threads:
			options.threads = parseNumbers<unsigned>("--threads", optarg, crowdMost);
			break;
		case json:
			options.json = true;
			break;
		case check:
			options.check = true;
			break;
		case unit:
			options.instructions = parseUnit("--unit", optarg);
			break;
		case askHelp:
			printf(help, transportNames().c_str());
			exit(0);
		case ':':
			throw UsageError(std::string(argv[optind - 1]) + " wants a value");
		default:
			throw UsageError("there is no option '" + std::string(argv[optind - 1]) +
					 "'");
		}
	}
	if (optind == argc)
		throw UsageError("a command is missing: " + allCommandNames());
	options.command = parseCommand(argv[optind]);
	if (optind + 1 < argc)
		throw UsageError("'" + std::string(argv[optind + 1]) +
				 "' is one argument too many");

	// What only these have.
	const struct {
		int option;
		const char *name;
		std::vector<Command> commands;
	} limited[] = {
		{warmUp,
		 "--warm-up",
		 {Command::roundtrip, Command::connections, Command::inheritance}},
		{transport, "--transport", {Command::roundtrip, Command::idle}},
		{size, "--size", {Command::roundtrip, Command::kernel, Command::idle}},
		{work, "--work", {Command::roundtrip}},
		{runs, "--runs", {Command::roundtrip}},
		{seconds, "--seconds", {Command::idle, Command::scaling}},
		{clients, "--clients", {Command::scaling}},
		{threads, "--threads", {Command::scaling}},
	};
	for (const auto &one : limited)
		if (given.count(one.option))
			isFor(options, one.name, one.commands);
	if (given.count(cpus) && options.command == Command::scaling)
		throw UsageError("--cpus is not for scaling, where the scheduler places all");
	if (options.cpus.client == Cpus::any)
		isFor(options, "--cpus any", {Command::roundtrip, Command::idle});
	if (!given.count(cpus))
		options.cpus = parseCpus(options.command == Command::scaling ? "any" : "0-0");
	if (options.command == Command::kernel)
		checkKernelSizes(options.sizes);
	setDefaults(options, given.count(warmUp));
	return options;
}

} // namespace bench
