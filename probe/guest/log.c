// SPDX-License-Identifier: MIT
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/* Documentation/admin-guide/tainted-kernels.rst: out-of-tree, unsigned. */
static const unsigned long allowed_taint = 1ul << 12 | 1ul << 13;

static struct {
	int fd;
	unsigned long taint;
} before = { .fd = -1 };

/* What the kernel's own reports begin with. */
static const char *const marks[] = {
	"WARNING:",
	"BUG:",
	"Oops",
	"general protection fault",
	"Unable to handle",
	"kernel BUG at",
	"refcount_t:",
	"UBSAN:",
	"KASAN:",
	"KCSAN:",
	"list_add corruption",
	"list_del corruption",
	"Call Trace",
	"scheduling while atomic",
	"blocked for more than",
};

static unsigned long taint_read(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long value = 0;

	if (!f || fscanf(f, "%lu", &value) != 1)
		tap_failed("taint", "/proc/sys/kernel/tainted", errno);
	if (f)
		fclose(f);
	return value;
}

void log_begin(void)
{
	if (before.fd < 0)
		before.fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (before.fd < 0)
		tap_failed("log", "/dev/kmsg", errno);
	else
		lseek(before.fd, 0, SEEK_END);
	before.taint = taint_read();
}

/* A record is `priority,number,time,flags;text\n` and further lines (Documentation/ABI/testing/dev-kmsg). */
static const char *record_text(char *record)
{
	char *text = strchr(record, ';');

	text = text ? text + 1 : record;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool is_bad(const char *text)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strstr(text, marks[i]))
			return true;
	return false;
}

void log_report(void)
{
	static char record[8192];
	char found[200] = "";
	ssize_t n;

	while ((n = read(before.fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue; /* some were overwritten */
		record[n] = '\0';
		const char *text = record_text(record);
		if (!*found && is_bad(text))
			snprintf(found, sizeof(found), "%.*s", (int)sizeof(found) - 1, text);
	}
	tap_test(!*found, "log", *found ? found : NULL);

	unsigned long taint = taint_read() & ~before.taint & ~allowed_taint;
	snprintf(found, sizeof(found), "bits %#lx beyond out-of-tree and unsigned", taint);
	tap_test(!taint, "taint", taint ? found : NULL);
}
