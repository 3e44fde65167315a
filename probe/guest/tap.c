// SPDX-License-Identifier: MIT
#include "tap.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 400 };

static struct {
	int fd;
	unsigned tests;
	const char *kind;
} tap = { .fd = 1, .kind = "guest" };

static void line_write(char *line)
{
	size_t len = strlen(line);
	size_t at = 0;

	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
	line[len++] = '\n';
	while (at < len) {
		ssize_t n = write(tap.fd, line + at, len - at);
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

void tap_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	struct termios mode;

	if (fd >= 0 && tcgetattr(fd, &mode) == 0) {
		cfmakeraw(&mode);
		tcsetattr(fd, TCSANOW, &mode);
	}
	if (fd >= 0)
		tap.fd = fd;
	line_write((char[LINE_MAX_BYTES]){ "TAP version 13" });
}

void tap_begin(const char *kind)
{
	tap.kind = kind;
	tap_note("begin %s", kind);
}

bool tap_test(bool good, const char *what, const char *detail)
{
	char line[LINE_MAX_BYTES];

	snprintf(line, sizeof(line) - 1, "%sok %u - %s %s%s%.300s", good ? "" : "not ", ++tap.tests, tap.kind, what,
		 detail ? ": " : "", detail ? detail : "");
	line_write(line);
	return good;
}

bool tap_failed(const char *what, const char *detail, int error)
{
	char text[LINE_MAX_BYTES];

	snprintf(text, sizeof(text), "%.300s: %s", detail, strerror(error));
	return tap_test(false, what, text);
}

void tap_note(const char *format, ...)
{
	char line[LINE_MAX_BYTES] = "# ";
	va_list args;

	va_start(args, format);
	vsnprintf(line + 2, sizeof(line) - 3, format, args);
	va_end(args);
	line_write(line);
}

void tap_end(void)
{
	char line[LINE_MAX_BYTES];

	snprintf(line, sizeof(line) - 1, "1..%u", tap.tests);
	line_write(line);
	tcdrain(tap.fd);
}
