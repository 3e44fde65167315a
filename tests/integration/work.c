#include "work.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/process.h"
#include "tree.h"

enum { OUTPUT_MAX = 64 << 20 };

static void run(const char *argv[], size_t count, va_list more, struct buf *output)
{
	struct err e;

	for (const char *word; (word = va_arg(more, const char *));) {
		cr_assert_lt(count, WORK_WORDS_MAX);
		argv[count++] = word;
	}
	argv[count] = NULL;
	cr_assert(process_run(argv, NULL, OUTPUT_MAX, output, NULL, &e) == 0, "%s", e.message);
}

void work(const char *program, ...)
{
	const char *argv[WORK_WORDS_MAX + 1] = { program };
	va_list more;

	va_start(more, program);
	run(argv, 1, more, NULL);
	va_end(more);
}

void work_in(const char *dir, const char *output, const char *program, ...)
{
	const char *argv[WORK_WORDS_MAX + 1] = { "env", "-C", dir, program };
	cleanup_buf struct buf text = { 0 };
	va_list more;

	va_start(more, program);
	run(argv, 4, more, &text);
	va_end(more);
	if (output)
		file_put(dir, output, buf_text(&text));
}

bool work_has(const char *program)
{
	const char *const argv[] = { program, "--version", NULL };
	const char *const other[] = { program, "-v", NULL };
	struct err e;

	return process_run(argv, NULL, OUTPUT_MAX, NULL, NULL, &e) == 0 ||
	       process_run(other, NULL, OUTPUT_MAX, NULL, NULL, &e) == 0;
}
