// SPDX-License-Identifier: MIT
#include <string.h>

#include "sums.h"

static bool needs_escapes(const char *name)
{
	return strpbrk(name, "\\\n\r");
}

static void print_escaped(FILE *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '\\')
			fputs("\\\\", out);
		else if (*name == '\n')
			fputs("\\n", out);
		else if (*name == '\r')
			fputs("\\r", out);
		else
			fputc(*name, out);
	}
}

void sum_print_name(FILE *out, const char *name)
{
	if (needs_escapes(name))
		fputc('\\', out);
	print_escaped(out, name);
}

void sum_print(FILE *out, const uint8_t digest[DIGEST_SIZE], const char *name)
{
	int i;

	if (needs_escapes(name))
		fputc('\\', out);
	for (i = 0; i < DIGEST_SIZE; i++)
		fprintf(out, "%02x", digest[i]);
	fputs("  ", out);
	print_escaped(out, name);
	fputc('\n', out);
}

/* Undoes the escapes in place. */
static bool unescape(char *name)
{
	char *to = name;

	for (; *name; name++, to++) {
		if (*name != '\\') {
			*to = *name;
			continue;
		}
		switch (*++name) {
		case '\\':
			*to = '\\';
			break;
		case 'n':
			*to = '\n';
			break;
		case 'r':
			*to = '\r';
			break;
		default:
			return false;
		}
	}
	*to = '\0';
	return true;
}

static int hex(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found;

	if (digit >= 'A' && digit <= 'F')
		digit = (char)(digit - 'A' + 'a');
	found = digit ? strchr(digits, digit) : NULL;
	return found ? (int)(found - digits) : -1;
}

bool sum_parse(char *line, struct sum *sum)
{
	bool escaped = *line == '\\';
	int i, high, low;

	line += escaped;
	line[strcspn(line, "\n")] = '\0';
	for (i = 0; i < DIGEST_SIZE; i++, line += 2) {
		high = hex(line[0]);
		low = high < 0 ? -1 : hex(line[1]);
		if (low < 0)
			return false;
		sum->digest[i] = (uint8_t)(high << 4 | low);
	}
	/* The second character tells text (a space) from binary (an asterisk): the same to us. */
	if (line[0] != ' ' || (line[1] != ' ' && line[1] != '*') || !line[2])
		return false;
	sum->name = line + 2;
	return !escaped || unescape(line + 2);
}
