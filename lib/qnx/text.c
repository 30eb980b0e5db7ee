// SPDX-License-Identifier: MIT
/* What QNX's <string.h> and <stdlib.h> have beyond the C library's */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

size_t strlcpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t len = strlen(from);

	if (size) {
		size_t n = len < size ? len : size - 1;

		memcpy(to, from, n);
		to[n] = 0;
	}
	return len;
}

size_t strlcat(char *restrict to, const char *restrict from, size_t size)
{
	size_t used = strnlen(to, size);

	return used + (used < size ? strlcpy(to + used, from, size - used) : strlen(from));
}

char *strupr(char *text)
{
	for (char *at = text; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return text;
}

char *strlwr(char *text)
{
	for (char *at = text; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return text;
}

char *ultoa(unsigned long value, char *text, int base)
{
	char digits[sizeof(value) * 8], *to = text;
	int n = 0;

	do
		digits[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % (unsigned)base];
	while (value /= (unsigned)base);
	while (n)
		*to++ = digits[--n];
	*to = 0;
	return text;
}

char *utoa(unsigned value, char *text, int base)
{
	return ultoa(value, text, base);
}

char *ltoa(long value, char *text, int base)
{
	if (base == 10 && value < 0) {
		*text = '-';
		ultoa(-(unsigned long)value, text + 1, base);
		return text;
	}
	return ultoa((unsigned long)value, text, base);
}

char *itoa(int value, char *text, int base)
{
	return base == 10 ? ltoa(value, text, base) : utoa((unsigned)value, text, base);
}
