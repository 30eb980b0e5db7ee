// SPDX-License-Identifier: MIT
// stplr-bench: what it says of runs, processors, work, processor time and many clients; and its
// turns that are given without a system call, of which none is lost.
#include <gtest/gtest.h>

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "../../bench/resource.h"
#include "../../bench/stopwatch.h"
#include "support/module.h"
#include "support/shell.h"
#include "support/thread.h"

namespace
{

// What the turns ask of the kernel, and what is to happen just before a wait is there.
std::atomic<int> waits, wakes;
std::function<void()> before_wait;

long counted(long number, void *word, int operation, uint32_t value, void *timeout, void *word2,
	     int value3)
{
	if (operation == FUTEX_WAIT) {
		waits++;
		if (before_wait)
			before_wait();
	} else {
		wakes++;
	}
	return syscall(number, word, operation, value, timeout, word2, value3);
}

} // namespace

#define syscall counted
#include "../../bench/transports/turn.h"
#undef syscall

namespace
{

class TurnTest : public testing::Test
{
protected:
	TurnTest()
	{
		waits = wakes = 0;
		before_wait = nullptr;
	}

	bench::SpinningTurn turn;
};

TEST_F(TurnTest, GivenBeforeItIsTakenNeedsNoSystemCall)
{
	for (int round = 0; round < 1000; round++) {
		turn.give();
		turn.take();
	}
	EXPECT_EQ(0, waits);
	EXPECT_EQ(0, wakes);
}

TEST_F(TurnTest, LooksForItsMomentAndThenSleepsUntilItIsWoken)
{
	double began = 0, slept = 0;
	std::atomic<bool> taken{false};

	before_wait = [&] { slept = bench::clockNow(); };
	std::thread taker([&] {
		began = bench::clockNow();
		turn.take();
		taken = true;
	});
	ASSERT_TRUE(eventually([] { return waits > 0; }));
	EXPECT_FALSE(taken);
	EXPECT_EQ(0, wakes);
	turn.give();
	taker.join();
	before_wait = nullptr;
	EXPECT_GE(slept - began, bench::SpinningTurn::moment);
	EXPECT_EQ(1, wakes);
}

// It has said that it sleeps, and does not yet: the wake-up comes too early.
TEST_F(TurnTest, GivenJustBeforeTheSleepIsNotLost)
{
	for (int round = 1; round <= 10; round++) {
		before_wait = [this] { turn.give(); };
		turn.take();
		EXPECT_EQ(round, waits);
		EXPECT_EQ(round, wakes);
	}
	before_wait = nullptr;
	// Nor is it there twice.
	std::thread giver([this] {
		EXPECT_TRUE(eventually([] { return waits == 11; }));
		turn.give();
	});
	turn.take();
	giver.join();
	EXPECT_EQ(11, waits);
}

// Each side gives at about the moment at which the other ceases to look. The watchdog sees one that
// is lost.
TEST_F(TurnTest, NoneIsLostAtTheEndOfTheMoment)
{
	bench::SpinningTurn back;
	constexpr int rounds = 20000;
	const auto work = [](std::mt19937 &random) {
		const double end = bench::clockNow() +
				   bench::SpinningTurn::moment * (0.9 + random() % 100 / 400.0);

		while (bench::clockNow() < end)
			;
	};
	int written = 0, seen = 0;

	std::thread other([&] {
		std::mt19937 random(1);

		for (int round = 0; round < rounds; round++) {
			turn.take();
			seen += written == round + 1;
			if (round % 2)
				work(random);
			back.give();
		}
	});
	std::mt19937 random(2);
	for (int round = 0; round < rounds; round++) {
		if (round % 3 == 0)
			work(random);
		written++;
		turn.give();
		back.take();
	}
	other.join();
	EXPECT_EQ(rounds, seen);
}

// A line of JSON as stplr-bench prints it, and the values in it.
class Line
{
public:
	explicit Line(std::string text) : text_(std::move(text)) {}

	// What stands behind the name, to the end of a number, word, text, list or object.
	std::string value(const std::string &name) const
	{
		std::smatch found;
		const std::regex pattern("\"" + name +
					 "\": (\"[^\"]*\"|\\[[^\\]]*\\]|\\{[^}]*\\}|[^,}]*)");

		if (!std::regex_search(text_, found, pattern)) {
			ADD_FAILURE() << "no " << name << " in " << text_;
			return "";
		}
		return found[1];
	}
	double number(const std::string &name) const
	{
		return std::strtod(value(name).c_str(), nullptr);
	}
	std::vector<double> numbers(const std::string &name) const
	{
		std::vector<double> list;
		std::string items = value(name);
		double item;

		std::replace_if(
			items.begin(), items.end(), [](char c) { return strchr("[],", c); }, ' ');
		for (std::istringstream in(items); in >> item;)
			list.push_back(item);
		return list;
	}
	bool has(const std::string &name) const
	{
		return text_.find("\"" + name + "\": ") != std::string::npos;
	}

private:
	std::string text_;
};

// stplr-bench with these arguments.
Ran bench(const std::string &arguments)
{
	return run_shell("bench", "stplr-bench " + arguments);
}

// The lines of JSON it prints, which are to be so many; what it says besides goes to standard
// error and is dropped. Python reads each of them, too.
std::vector<Line> json(const std::string &arguments, size_t count)
{
	const Ran ran = bench(arguments + " --json 2>/dev/null | python3 -c 'import json, sys; "
					  "[sys.stdout.write(line) for line in sys.stdin "
					  "if json.loads(line)]'");
	std::vector<Line> lines;
	std::istringstream in(ran.output);

	EXPECT_EQ(0, ran.status) << ran;
	for (std::string line; std::getline(in, line);)
		lines.emplace_back(line);
	EXPECT_EQ(count, lines.size()) << ran;
	lines.resize(count, Line("{}"));
	return lines;
}

double median(std::vector<double> values)
{
	std::sort(values.begin(), values.end());
	return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

TEST(BenchTest, WhoSpinsIsATransportLikeTheOthers)
{
	const std::vector<Line> lines = json(
		"roundtrip --transport futex,futex-spin --size 1,64,65536 --count 200 --cpus 0-1",
		6);

	for (size_t at = 0; at < lines.size(); at++) {
		EXPECT_EQ(at % 2 ? "\"futex-spin\"" : "\"futex\"", lines[at].value("transport"));
		EXPECT_EQ("true", lines[at].value("supported"));
		EXPECT_EQ("\"0-1\"", lines[at].value("cpus"));
		EXPECT_LT(0, lines[at].number("ns"));
	}
}

// Work around the moment for which it looks: now it sleeps, now it does not.
TEST(BenchTest, WhoSpinsLosesNothingAtTheEndOfItsMoment)
{
	for (const char *cpus : {"0-1", "any"}) {
		const Line line =
			json(std::string("roundtrip --transport futex-spin --size 64 --count "
					 "10000 --work 48 --cpus ") +
				     cpus,
			     1)
				.front();

		EXPECT_LE(48e3, line.number("ns"));
	}
}

TEST(BenchTest, TheSchedulerPlacesBothWhereItIsAskedTo)
{
	const Ran ran = run_shell("bench", R"sh(
stplr-bench roundtrip --transport pipe --size 64 --count 2000 --work 1000 --cpus any &
until client=$(pgrep -P $!) && server=$(pgrep -P "$client"); do sleep 0.02; done
sed -n 's/^Cpus_allowed_list:/allowed/p' /proc/{$client,$server}/status
wait $!
)sh");

	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("allowed\t0-1\nallowed\t0-1\n")) << ran;
	EXPECT_TRUE(ran.says("where the scheduler places them")) << ran;
	EXPECT_TRUE(ran.says("works 1,000 us")) << ran;
}

TEST(BenchTest, WorkIsInEachRoundAndInItsProcessorTime)
{
	for (const double work : {0, 200, 2000}) {
		const Line line =
			json("roundtrip --transport futex-spin --size 64 --count 50 --warm-up "
			     "5 --cpus 0-1 "
			     "--work " +
				     std::to_string(int(work)),
			     1)
				.front();

		EXPECT_EQ(work, line.number("work_us"));
		EXPECT_LE(work * 1000, line.number("ns"));
		EXPECT_LE(work * 1000, line.number("cpu_ns"));
		EXPECT_GT(1e8, line.number("cpu_ns"));
	}
}

// Where both sides look for each other all the time, both are busy all the time; where they share a
// processor, they cannot be busier than it.
TEST(BenchTest, ProcessorTimeIsThatOfBothSides)
{
	const Line two =
		json("roundtrip --transport futex-spin --size 64 --count 20000 --cpus 0-1", 1)
			.front();
	const Line one = json("roundtrip --transport pipe --size 64 --count 2000", 1).front();

	EXPECT_LT(0, two.number("cpu_ns"));
	EXPECT_GT(2.1 * two.number("ns"), two.number("cpu_ns"));
	EXPECT_LT(0, one.number("cpu_ns"));
	EXPECT_GT(1.1 * one.number("ns"), one.number("cpu_ns"));
	EXPECT_FALSE(json("roundtrip --transport pipe --size 64 --count 10 --unit instructions", 1)
			     .front()
			     .has("cpu_ns"));
}

TEST(BenchTest, RunsComeToMediansAndToRatiosWithinEach)
{
	for (const int runs : {2, 5}) {
		const std::vector<Line> lines =
			json("roundtrip --transport stplr,pipe --size 64 --count 300 --runs " +
				     std::to_string(runs),
			     2);
		const std::vector<double> stplr = lines[0].numbers("runs");
		const std::vector<double> pipe = lines[1].numbers("runs");
		std::vector<double> ratios;

		ASSERT_EQ(size_t(runs), stplr.size());
		ASSERT_EQ(size_t(runs), pipe.size());
		for (int run = 0; run < runs; run++)
			ratios.push_back(stplr[run] / pipe[run]);
		EXPECT_NEAR(median(stplr), lines[0].number("ns"), 1);
		EXPECT_NEAR(median(pipe), lines[1].number("ns"), 1);
		EXPECT_EQ(5U, lines[0].numbers("batches").size());
		EXPECT_EQ("\"stplr\"", lines[0].value("transport"));

		const Line part(lines[0].value("pipe"));

		EXPECT_NEAR(median(ratios), part.number("median"), 0.001);
		EXPECT_NEAR(*std::min_element(ratios.begin(), ratios.end()), part.number("least"),
			    0.001);
		EXPECT_NEAR(*std::max_element(ratios.begin(), ratios.end()), part.number("most"),
			    0.001);
		EXPECT_NEAR(1 / part.number("least"), Line(lines[1].value("stplr")).number("most"),
			    0.02 / part.number("least"));
	}
}

TEST(BenchTest, RunsAreATableOfMediansAndSpreads)
{
	const Ran ran =
		bench("roundtrip --transport stplr,eventfd --size 64,4096 --count 100 --runs 3");
	const std::string line = R"(( +[\d,]+){3}( +\d+\.\d\d){3} +[\d,]+\n)";
	const std::regex table("64 B +median +least +most +part +least +most +busy\nstplr " + line +
			       "eventfd \\*" + line + "\n4 KiB [^\n]*\nstplr " + line +
			       "eventfd \\*" + line);

	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("3 runs")) << ran;
	EXPECT_TRUE(std::regex_search(ran.output, table)) << ran;
}

TEST(BenchTest, WhatCannotRunHasAReasonInEveryNumberOfRuns)
{
	const std::vector<Line> lines = json(
		"roundtrip --transport binder,pipe --size 8388608 --count 2 --warm-up 0 --runs 2",
		2);

	EXPECT_EQ("false", lines[0].value("supported"));
	EXPECT_EQ("null", lines[0].value("ns"));
	EXPECT_LT(2U, lines[0].value("reason").size());
	EXPECT_EQ("{}", lines[0].value("ratios"));
	EXPECT_EQ("true", lines[1].value("supported"));
	EXPECT_EQ("{}", lines[1].value("ratios"));
	EXPECT_EQ(2U, lines[1].numbers("runs").size());
}

TEST(BenchTest, BarsAreOfTheProcessorsAndOfTheMedians)
{
	Ran ran = bench("roundtrip --check --transport stplr,pipe --size 64 --count 300 --cpus 0-1 "
			"--runs 3");
	const std::regex two(
		R"((PASS|FAIL) stplr / pipe, 64 B +[\d.]+, at most 0\.10 \(.*; 3 runs, from)");

	EXPECT_GE(1, ran.status) << ran;
	EXPECT_TRUE(std::regex_search(ran.output, two)) << ran;
	EXPECT_EQ(ran.status == 1, ran.says("FAIL")) << ran;

	ran = bench("roundtrip --check --transport stplr,pipe --size 64 --count 300");
	EXPECT_TRUE(
		std::regex_search(ran.output, std::regex("stplr / pipe, 64 B .*at most 0\\.85 ")))
		<< ran;

	ran = bench(
		"roundtrip --check --transport stplr,stplr-sleep --size 64 --count 300 --work 20");
	EXPECT_TRUE(ran.says("stplr / stplr-sleep, 64 B")) << ran;
}

// Another module than this one may not know the parameter.
TEST(BenchTest, WithoutSpinningTheParameterIsAsItWasAfterwards)
{
	const std::string path = "/sys/module/stplr/parameters/spin_us";
	std::string before, after;

	std::getline(std::ifstream(path), before);
	const Line line =
		json("roundtrip --transport stplr-sleep --size 64 --count 300 --cpus 0-1", 1)
			.front();
	std::getline(std::ifstream(path), after);
	EXPECT_EQ(before, after);
	if (before.empty()) {
		EXPECT_NE(std::string::npos, line.value("reason").find("spin_us"));
		return;
	}
	EXPECT_EQ("true", line.value("supported"));

	const Ran ran = run_shell("bench", "spin=" + path + R"sh(
stplr-bench roundtrip --transport stplr-sleep --size 64 --count 1000 --work 1000 &
until [[ $(<$spin) == 0 ]]; do sleep 0.02; done
wait $! && echo "then $(<$spin)"
)sh");

	EXPECT_EQ(0, ran.status) << ran;
	EXPECT_TRUE(ran.says("then " + before + "\n")) << ran;
}

// A module on a kernel that cannot is a row with the reason.
TEST(BenchTest, WakingHereIsMeasuredWhereTheKernelCan)
{
	const std::string path = "/sys/module/stplr/parameters/spin_us";
	std::string before, after;

	std::getline(std::ifstream(path), before);
	for (const Line &line :
	     json("roundtrip --transport stplr-here --size 64,4096 --count 300 --cpus any", 2)) {
		if (kernel_at_least(6, 6))
			EXPECT_EQ("true", line.value("supported")) << line.value("reason");
		else
			EXPECT_NE(std::string::npos, line.value("reason").find("Linux 6.6"));
	}
	std::getline(std::ifstream(path), after);
	EXPECT_EQ(before, after);
}

TEST(BenchTest, IdleServersTakeNoProcessorTime)
{
	const std::vector<Line> lines =
		json("idle --seconds 2 --transport stplr,futex-spin --count 500 --cpus 0-1", 2);

	for (const Line &line : lines) {
		EXPECT_EQ("true", line.value("supported"));
		EXPECT_EQ(2, line.number("seconds"));
		EXPECT_EQ(500, line.number("count"));
		EXPECT_NEAR(line.number("ns") / 1e9, line.number("part"), 1e-6);
		EXPECT_LE(0, line.number("part"));
		EXPECT_GT(0.01, line.number("part"));
	}

	const Ran ran = bench("idle --seconds 1 --check --count 10");

	EXPECT_TRUE(ran.says("stplr / 0.1 % of a processor")) << ran;
}

TEST(BenchTest, ManyClientsOfManyThreadsAndTheMachine)
{
	const std::vector<Line> lines = json("scaling --clients 1,5 --threads 1,3", 9);
	const double clients[] = {1, 1, 5, 5}, threads[] = {1, 3, 1, 3};

	EXPECT_EQ(std::thread::hardware_concurrency(), lines[0].number("processors"));
	EXPECT_TRUE(lines[0].has("machine"));
	EXPECT_LT(2U, lines[0].value("processor").size());
	EXPECT_LT(1e8, lines[0].number("memory"));
	for (int at = 0; at < 8; at++) {
		const Line &line = lines[1 + at];

		EXPECT_EQ(clients[at % 4], line.number("clients"));
		EXPECT_EQ(threads[at % 4], line.number("threads"));
		EXPECT_EQ(at < 4 ? 1 : threads[at % 4], line.number("channels"));
		EXPECT_LT(0, line.number("messages_per_second"));
		EXPECT_NEAR(1e9 / line.number("ns"), line.number("messages_per_second"), 1);
		EXPECT_LT(0, line.number("cpu_ns"));
	}
}

// Each way has its lines, or says why not.
TEST(BenchTest, EveryWayBetweenKernelAndProcess)
{
	const std::vector<Line> lines = json("kernel --count 64", 5 + 17 * 3 + 8 * 2);
	std::set<std::string> ways;
	int apart = 0;

	for (const Line &line : lines) {
		EXPECT_EQ("\"kernel\"", line.value("benchmark"));
		if (line.value("supported") == "false") {
			EXPECT_LT(2U, line.value("reason").size());
			EXPECT_EQ("null", line.value("ns"));
			EXPECT_EQ("null", line.value("kernel_ns"));
			EXPECT_EQ("null", line.value("process_ns"));
			continue;
		}
		ways.insert(line.value("direction") + line.value("what"));
		EXPECT_NEAR(line.number("batch") == 32 ? 640 : 64, line.number("count"), 0);
		if (line.value("kernel_ns") == "null")
			continue;
		apart++;
		EXPECT_NEAR(line.number("ns"), line.number("kernel_ns") + line.number("process_ns"),
			    0.02);
	}
	for (const char *way :
	     {"\"call\"\"a driver\"", "\"from kernel\"\"ring, one to 16 readers\"",
	      "\"from kernel\"\"device, mmap and eventfd\"",
	      "\"from kernel, asleep\"\"device, io_uring command\"",
	      "\"to kernel\"\"device, io_uring command\"", "\"to kernel\"\"pipe\""})
		EXPECT_TRUE(ways.count(way)) << way;
	// From the kernel, one and several, and of those that are to be asked for.
	EXPECT_LE(15 * 2 + 3 * 2, apart);
}

TEST(BenchTest, WaysBetweenKernelAndProcessAreDrawn)
{
	if (run_shell("bench", "command -v gnuplot").status)
		GTEST_SKIP() << "gnuplot is not installed";

	const Ran ran = run_shell("bench", R"sh(
folder=$(mktemp -d) &&
stplr-bench kernel --count 64 --json >"$folder"/lines 2>/dev/null &&
bench/plot --of kernel "$folder"/lines "$folder"/picture &&
echo "$(grep -c 'io_uring command' "$folder"/picture) of them"
bench/plot "$folder"/lines "$folder"/picture
)sh");

	// In each of its four parts.
	EXPECT_TRUE(ran.says("4 of them\n")) << ran;
	EXPECT_EQ(1, ran.status) << ran;
	EXPECT_TRUE(ran.says("this is not what stplr-bench scaling --json prints")) << ran;
}

TEST(BenchTest, AsksForWhatMakesSense)
{
	const char *const wrong[][2] = {
		{"roundtrip --runs 0", "--runs wants a number from 1"},
		{"roundtrip --work -1", "--work wants a number from 0"},
		{"roundtrip --work", "--work wants a value"},
		{"roundtrip --cpus all", "--cpus wants two processors, as in 0-1, or any"},
		{"roundtrip --cpus 0-1023", "processor 1023 is not among"},
		{"roundtrip --seconds 1", "--seconds is for idle and scaling only"},
		{"queue --work 1", "--work is for roundtrip only"},
		{"kernel --cpus any", "--cpus any is for roundtrip and idle only"},
		{"scaling --cpus 0-1", "--cpus is not for scaling"},
		{"scaling --clients 1,0", "--clients wants a number from 1"},
		{"scaling --threads 1001", "--threads wants a number from 1 to 1000"},
		{"roundtrip --transport futex-spinn", "there is no 'futex-spinn'"},
		{"", "a command is missing: roundtrip, connections,"},
	};

	for (const auto &[arguments, answer] : wrong) {
		const Ran ran = bench(arguments);

		EXPECT_EQ(2, ran.status) << arguments << ": " << ran;
		EXPECT_TRUE(ran.says(answer)) << arguments << ": " << ran;
	}
	EXPECT_TRUE(bench("--help").says("futex-spin, stplr-sleep, stplr-here, ring"));
}

} // namespace
