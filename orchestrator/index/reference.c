#include "index/reference.h"

#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What follows a `%`; -1: no two hex digits. */
static int escape_value(const char *digits, size_t len)
{
	int high = len > 0 ? hex_value(digits[0]) : -1, low = len > 1 ? hex_value(digits[1]) : -1;

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool stays(enum reference_part part, const char *at)
{
	unsigned char c = (unsigned char)*at;

	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~/", c))
		return true;
	if (part == REFERENCE_QUERY)
		return false;
	return strchr("!$&'()*+,;=:@", c) || (part == REFERENCE_ESCAPED && c == '%' && escape_value(at + 1, strlen(at + 1)) >= 0);
}

int reference_encode(struct buf *b, enum reference_part part, const char *text, struct err *e)
{
	for (const char *run = text; *run;) {
		size_t len = 0;
		while (run[len] && stays(part, run + len))
			len++;
		if (buf_append(b, run, len, e) < 0)
			return -1;
		run += len;
		if (*run && buf_printf(b, e, "%%%02X", (unsigned char)*run++) < 0)
			return -1;
	}
	return 0;
}

int reference_guard(struct buf *b, size_t start, struct err *e)
{
	const char *text = buf_text(b) + start;
	size_t segment = strcspn(text, "/");

	if (!memchr(text, ':', segment))
		return 0;
	cleanup_buf struct buf tail = { 0 };
	for (size_t i = 0; i < segment; i++)
		if (buf_append(&tail, text[i] == ':' ? "%3A" : text + i, text[i] == ':' ? 3 : 1, e) < 0)
			return -1;
	if (buf_puts(&tail, text + segment, e) < 0)
		return -1;
	b->len = start;
	return buf_append(b, tail.data, tail.len, e);
}

int reference_decode(const char *text, size_t len, struct buf *ret, struct err *e)
{
	buf_clear(ret);
	if (buf_reserve(ret, len, e) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int value = (unsigned char)text[i];
		if (text[i] == '%') {
			value = escape_value(text + i + 1, len - i - 1);
			i += 2;
			if (value == '/')
				return 0;
		}
		if (value < 0x20 || value == 0x7f)
			return 0;
		char byte = (char)value;
		if (buf_append(ret, &byte, 1, e) < 0)
			return -1;
	}
	return 1;
}
