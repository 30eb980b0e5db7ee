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
	return std::to_string(options.cpus.client) + "-" + std::to_string(options.cpus.server);
}

std::string fixed(double number, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, number);
	return text;
}

const Row *findRow(const std::vector<Row> &rows, const std::string &name, std::size_t size)
{
	for (const Row &row : rows)
		if (row.size == size && name == row.kind->name)
			return &row;
	return nullptr;
}

// stplr's figure as a part of this row's.
std::string ratio(const Row *stplr, const Row &row)
{
	if (!stplr || !stplr->outcome.supported || !row.outcome.supported)
		return "";
	return fixed(stplr->outcome.cost / row.outcome.cost, 2);
}

std::string jsonNumbers(const std::vector<double> &values)
{
	std::string list;

	for (const double value : values)
		list += (list.empty() ? "" : ", ") + fixed(value, 1);
	return "[" + list + "]";
}

} // namespace

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

	if (!outcome.supported)
		fields.push_back({"reason", jsonString(outcome.reason)});
	return fields;
}

void printJson(const Fields &fields)
{
	const char *before = "{";

	for (const auto &[name, value] : fields) {
		printf("%s\"%s\": %s", before, name, value.c_str());
		before = ", ";
	}
	puts("}");
	fflush(stdout);
}

void printRowJson(const Options &options, const Row &row)
{
	Fields fields = {
		{"transport", jsonString(row.kind->name)},
		{"size", std::to_string(row.size)},
	};
	const Fields common = commonFields(options, row.count, row.outcome);

	fields.insert(fields.end(), common.begin(), common.end());
	fields.push_back({"method", jsonString(row.kind->method)});
	printJson(fields);
}

void printTable(const Options &options, const std::vector<Row> &rows)
{
	constexpr int nameWidth = 18;
	constexpr int figureWidth = 11;
	constexpr int ratioWidth = 8;
	std::vector<std::string> notes;

	printf("A round trip in %s; %s\n", unitName(options), conditions(options).c_str());
	printf("Beside each figure: stplr's as a part of it; below 1.00 stplr is faster.\n\n%-*s",
	       nameWidth, "");
	for (const std::size_t size : options.sizes)
		printf("%*s%*s", figureWidth, sizeName(size).c_str(), ratioWidth, "");
	putchar('\n');
	for (const TransportKind *kind : options.transports) {
		std::string line = kind->name;

		if (!kind->carriesData)
			line += " *";
		printf("%-*s", nameWidth, line.c_str());
		for (const std::size_t size : options.sizes) {
			const Row *const row = findRow(rows, kind->name, size);
			std::string figure = "-";

			if (row->outcome.supported)
				figure = grouped(row->outcome.cost);
			else
				notes.push_back(std::string(kind->name) + ", " + sizeName(size) +
						": not supported: " + row->outcome.reason);
			printf("%*s%*s", figureWidth, figure.c_str(), ratioWidth,
			       ratio(findRow(rows, "stplr", size), *row).c_str());
		}
		putchar('\n');
	}
	putchar('\n');
	for (const TransportKind *kind : options.transports)
		if (!kind->carriesData)
			printf("* %s: %s\n", kind->name, kind->method);
	for (const std::string &note : notes)
		printf("- %s\n", note.c_str());
}

std::string conditions(const Options &options)
{
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

	const double found = figure.cost / reference.cost;
	const bool met = found <= most;

	fprintf(out, "%s %-32s %.3f, at most %.2f (%s of %s)\n", met ? "PASS" : "FAIL",
		what.c_str(), found, most, grouped(figure.cost).c_str(),
		grouped(reference.cost).c_str());
	return met;
}

Outcome constant(double value)
{
	Outcome outcome;

	outcome.supported = true;
	outcome.cost = value;
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
