// SPDX-License-Identifier: MIT
#include "report.h"

#include "roundtrip.h"

#include <sys/utsname.h>

#include <cstdio>

namespace bench
{

namespace
{

std::string cpusName(const Options &options)
{
	if (options.cpus.client == Cpus::any)
		return "any";
	return std::to_string(options.cpus.client) + "-" + std::to_string(options.cpus.server);
}

const Row *findRow(const std::vector<Row> &rows, const std::string &name, std::size_t size)
{
	for (const Row &row : rows)
		if (row.size == size && name == row.kind->name)
			return &row;
	return nullptr;
}

bool comparable(const Row *row, const Row &other)
{
	return row && row->outcome.supported && other.outcome.supported;
}

// stplr's figure as a part of this row's.
std::string ratio(const Row *stplr, const Row &row)
{
	return comparable(stplr, row) ? fixed(ratioOf(stplr->outcome, row.outcome).median, 2) : "";
}

std::string jsonNumbers(const std::vector<double> &values)
{
	std::string list;

	for (const double value : values)
		list += (list.empty() ? "" : ", ") + fixed(value, 1);
	return "[" + list + "]";
}

// The row's figure as a part of each other's of its size.
std::string jsonRatios(const Row &row, const std::vector<Row> &rows)
{
	Fields ratios;

	for (const Row &other : rows)
		if (other.size == row.size && other.kind != row.kind && comparable(&other, row)) {
			const Spread part = ratioOf(row.outcome, other.outcome);

			ratios.push_back(
				{other.kind->name, jsonObject({{"median", fixed(part.median, 3)},
							       {"least", fixed(part.least, 3)},
							       {"most", fixed(part.most, 3)}})});
		}
	return jsonObject(ratios);
}

// Processor time is told where the clock counts time.
bool tellsBusy(const Options &options, const Outcome &outcome)
{
	return outcome.busy && !options.instructions;
}

std::string notSupported(const Row &row)
{
	return std::string(row.kind->name) + ", " + sizeName(row.size) +
	       ": not supported: " + row.outcome.reason;
}

// The name of a row in a table; a star stands for a note below it.
std::string rowName(const TransportKind &kind)
{
	return std::string(kind.name) + (kind.carriesData ? "" : " *");
}

constexpr int nameWidth = 18;
constexpr int figureWidth = 11;
constexpr int ratioWidth = 8;

// A line for each transport, a column for each size.
void printOneRun(const Options &options, const std::vector<Row> &rows)
{
	printf("Beside each figure: stplr's as a part of it; below 1.00 stplr is faster.%s\n\n%-*s",
	       options.instructions ? "" : " Then the processor time of both sides.", nameWidth,
	       "");
	for (const std::size_t size : options.sizes) {
		printf("%*s%*s", figureWidth, sizeName(size).c_str(), ratioWidth, "");
		if (!options.instructions)
			printf("%*s", figureWidth, "busy");
	}
	putchar('\n');
	for (const TransportKind *kind : options.transports) {
		printf("%-*s", nameWidth, rowName(*kind).c_str());
		for (const std::size_t size : options.sizes) {
			const Row *const row = findRow(rows, kind->name, size);
			const Outcome &outcome = row->outcome;

			printf("%*s%*s", figureWidth,
			       outcome.supported ? grouped(outcome.cost).c_str() : "-", ratioWidth,
			       ratio(findRow(rows, "stplr", size), *row).c_str());
			if (!options.instructions)
				printf("%*s", figureWidth,
				       outcome.busy ? grouped(*outcome.busy).c_str() : "");
		}
		putchar('\n');
	}
}

void printRuns(const Options &options, const Row &row, const Row *stplr)
{
	if (!row.outcome.supported) {
		printf("%*s\n", figureWidth, "-");
		return;
	}

	const Spread cost = spreadOf(row.outcome.runs);

	for (const double figure : {cost.median, cost.least, cost.most})
		printf("%*s", figureWidth, grouped(figure).c_str());
	if (comparable(stplr, row)) {
		const Spread part = ratioOf(stplr->outcome, row.outcome);

		for (const double figure : {part.median, part.least, part.most})
			printf("%*s", ratioWidth, fixed(figure, 2).c_str());
	} else {
		printf("%*s", 3 * ratioWidth, "");
	}
	if (tellsBusy(options, row.outcome))
		printf("%*s", figureWidth, grouped(*row.outcome.busy).c_str());
	putchar('\n');
}

// A block for each size, a line for each transport: medians, and between what they lie.
void printSeveralRuns(const Options &options, const std::vector<Row> &rows)
{
	printf("%s runs, in each of which all transports are measured in turn: medians, least and "
	       "most; then the same of\nstplr's figure as a part of each other's within a run, "
	       "below "
	       "1.00 stplr is faster%s.\n",
	       grouped(static_cast<double>(options.runs)).c_str(),
	       options.instructions ? "" : "; then the processor time of both sides");
	for (const std::size_t size : options.sizes) {
		printf("\n%-*s%*s%*s%*s%*s%*s%*s", nameWidth, sizeName(size).c_str(), figureWidth,
		       "median", figureWidth, "least", figureWidth, "most", ratioWidth, "part",
		       ratioWidth, "least", ratioWidth, "most");
		printf(options.instructions ? "\n" : "%*s\n", figureWidth, "busy");
		for (const TransportKind *kind : options.transports) {
			printf("%-*s", nameWidth, rowName(*kind).c_str());
			printRuns(options, *findRow(rows, kind->name, size),
				  findRow(rows, "stplr", size));
		}
	}
}

} // namespace

std::string fixed(double number, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, number);
	return text;
}

std::string kernelRelease()
{
	utsname system;

	checked(uname(&system), "uname");
	return system.release;
}

const char *unitName(const Options &options)
{
	return options.instructions ? "instructions" : "ns";
}

std::string jsonString(const std::string &text)
{
	std::string quoted = "\"";

	for (const unsigned char letter : text) {
		char escaped[8];

		if (letter == '"' || letter == '\\') {
			quoted += '\\';
			quoted += static_cast<char>(letter);
		} else if (letter < 0x20) {
			snprintf(escaped, sizeof(escaped), "\\u%04x", letter);
			quoted += escaped;
		} else {
			quoted += static_cast<char>(letter);
		}
	}
	return quoted + "\"";
}

std::string jsonObject(const Fields &fields)
{
	std::string list;

	for (const auto &[name, value] : fields)
		list += (list.empty() ? "\"" : ", \"") + std::string(name) + "\": " + value;
	return "{" + list + "}";
}

Fields commonFields(const Options &options, std::uint64_t count, const Outcome &outcome)
{
	Fields fields = {
		{"count", std::to_string(count)},
		{"cpus", jsonString(cpusName(options))},
		{"ns", outcome.supported ? fixed(outcome.cost, 2) : "null"},
		{"batches", jsonNumbers(outcome.batches)},
		{"unit", jsonString(unitName(options))},
		{"clock", jsonString(options.instructions ? "icount" : "CLOCK_MONOTONIC")},
		{"kernel", jsonString(kernelRelease())},
		{"supported", outcome.supported ? "true" : "false"},
	};

	if (tellsBusy(options, outcome))
		fields.push_back({"cpu_ns", fixed(*outcome.busy, 2)});
	if (!outcome.supported)
		fields.push_back({"reason", jsonString(outcome.reason)});
	return fields;
}

void printJson(const Fields &fields)
{
	puts(jsonObject(fields).c_str());
	fflush(stdout);
}

void printRowJson(const Options &options, const Row &row, const std::vector<Row> &rows)
{
	Fields fields = {
		{"transport", jsonString(row.kind->name)},
		{"size", std::to_string(row.size)},
		{"work_us", std::to_string(options.work)},
	};
	const Fields common = commonFields(options, row.count, row.outcome);

	fields.insert(fields.end(), common.begin(), common.end());
	if (options.runs > 1) {
		fields.push_back({"runs", jsonNumbers(row.outcome.runs)});
		fields.push_back({"ratios", jsonRatios(row, rows)});
	}
	fields.push_back({"method", jsonString(row.kind->method)});
	printJson(fields);
}

void printTable(const Options &options, const std::vector<Row> &rows)
{
	printf("A round trip in %s; %s", unitName(options), conditions(options).c_str());
	if (options.work)
		printf(", which works %s us before it answers",
		       grouped(static_cast<double>(options.work)).c_str());
	putchar('\n');
	if (options.runs > 1)
		printSeveralRuns(options, rows);
	else
		printOneRun(options, rows);
	putchar('\n');
	for (const TransportKind *kind : options.transports)
		if (!kind->carriesData)
			printf("* %s: %s\n", kind->name, kind->method);
	for (const Row &row : rows)
		if (!row.outcome.supported)
			printf("- %s\n", notSupported(row).c_str());
}

std::string conditions(const Options &options)
{
	if (options.cpus.client == Cpus::any)
		return "kernel " + kernelRelease() +
		       ", client and server where the scheduler places them";
	return "kernel " + kernelRelease() + ", client on processor " +
	       std::to_string(options.cpus.client) + ", server on processor " +
	       std::to_string(options.cpus.server);
}

std::string grouped(double number)
{
	std::string digits = fixed(number, 0);

	for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
		digits.insert(at, ",");
	return digits;
}

bool printBar(const Options &options, const std::string &what, const Outcome &figure,
	      const Outcome &reference, double most)
{
	FILE *const out = options.json ? stderr : stdout;

	for (const Outcome *outcome : {&figure, &reference})
		if (!outcome->supported) {
			fprintf(out, "FAIL %-32s not measured: %s\n", what.c_str(),
				outcome->reason.c_str());
			return false;
		}

	const Spread found = ratioOf(figure, reference);
	const bool met = found.median <= most;

	fprintf(out, "%s %-32s %.3f, at most %.2f (%s of %s", met ? "PASS" : "FAIL", what.c_str(),
		found.median, most, grouped(figure.cost).c_str(), grouped(reference.cost).c_str());
	if (figure.runs.size() > 1)
		fprintf(out, "; %zu runs, from %.3f to %.3f", figure.runs.size(), found.least,
			found.most);
	fputs(")\n", out);
	return met;
}

Outcome constant(double value)
{
	Outcome outcome;

	outcome.supported = true;
	outcome.cost = value;
	outcome.runs = {value};
	return outcome;
}

void Bars::bar(const std::string &what, const Outcome &figure, const Outcome &reference,
	       double most)
{
	if (options_.check)
		met_ &= printBar(options_, what, figure, reference, most);
}

void printProgress(const std::string &what)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s", what.c_str());
}

} // namespace bench
