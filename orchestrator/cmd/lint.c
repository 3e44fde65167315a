#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "lint/lint.h"

struct lint_command {
	struct context context;
};

static const struct option_table lint_tables[] = {
	{ context_options, offsetof(struct lint_command, context) },
	{ 0 },
};

static const struct command_def lint_command = {
	.usage = "orchestrate lint [OPTION]...",
	.summary = "Check descriptors, lists and their companions, block list, image recipes, probe and module version.\n"
		   "Prints all findings at once as file:line, and notes on what may be as it should. Exit code 2 when there\n"
		   "is a finding.",
	.tables = lint_tables,
};

static int run(void *target, struct err *e)
{
	struct lint_command *o = target;
	cleanup_lint_report struct lint_report report = { 0 };
	char today[CLOCK_DATE_LEN + 1];

	clock_today(today);
	if (lint_checkout(o->context.root, today, &report, e) < 0)
		return -1;
	for (size_t i = 0; i < report.findings.len; i++)
		puts(report.findings.items[i]);
	for (size_t i = 0; i < report.notes.len; i++)
		printf("note: %s\n", report.notes.items[i]);
	printf("%zu files: %zu finding%s, %zu note%s\n", report.files, report.findings.len, report.findings.len == 1 ? "" : "s",
	       report.notes.len, report.notes.len == 1 ? "" : "s");
	if (fflush(stdout) != 0)
		return err_set(e, ERR_SYSTEM, "writing the findings failed");
	return report.findings.len ? EXIT_USAGE : EXIT_GOOD;
}

int cmd_lint(int argc, char **argv)
{
	struct lint_command o = { 0 };

	return context_run(&o.context, &lint_command, argc, argv, &o, NULL, run);
}
