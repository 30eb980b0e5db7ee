// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "progress.h"

#define WIDTH 40
#define FIRST_AFTER 0.5
#define THEN_EVERY 0.1

struct progress_bar progress_begin(const char *label, uint64_t total)
{
	struct progress_bar bar = {.label = label, .total = total, .begin = now()};

	return bar;
}

void progress_at(struct progress_bar *bar, uint64_t done)
{
	static const char full[WIDTH + 1] = "########################################";
	double time = now(), share = 1;
	double mib = (double)done / (1 << 20);
	int cells;

	if (time - bar->begin < FIRST_AFTER || time - bar->drawn < THEN_EVERY ||
	    !isatty(STDERR_FILENO))
		return;
	bar->drawn = time;
	if (bar->total > done)
		share = (double)done / (double)bar->total;
	cells = (int)(share * WIDTH);
	fprintf(stderr, "\r\033[K%.30s ", bar->label);
	if (bar->total)
		fprintf(stderr, "[%.*s%*s] %3.0f %% ", cells, full, WIDTH - cells, "", share * 100);
	fprintf(stderr, "%.0f MiB, %.0f MiB/s", mib, mib / (time - bar->begin));
	fflush(stderr);
}

void progress_end(struct progress_bar *bar)
{
	if (bar->drawn > 0)
		fputs("\r\033[K", stderr);
}
