#include "cmd/options.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

enum { HELP_COLUMN = 26, NAMES_MAX = 64 };

static void print_option(const char *name, const char *argument, const char *help)
{
	char left[HELP_COLUMN + 64];

	int n = snprintf(left, sizeof(left), "  --%s%s%s", name, argument ? "=" : "", argument ? argument : "");
	printf("%-*s", HELP_COLUMN, left);
	if (n >= HELP_COLUMN)
		printf("\n%*s", HELP_COLUMN, "");
	for (const char *line = help; line;) {
		const char *newline = strchr(line, '\n');
		printf("%.*s\n", newline ? (int)(newline - line) : (int)strlen(line), line);
		line = newline ? newline + 1 : NULL;
		if (line)
			printf("%*s", HELP_COLUMN, "");
	}
}

static void print_help(const struct command_def *command)
{
	printf("Usage: %s\n%s\n\nOptions:\n", command->usage, command->summary);
	for (const struct option_table *table = command->tables; table->options; table++)
		for (const struct option_def *o = table->options; o->name; o++)
			print_option(o->name, o->argument, o->help);
	print_option("help", NULL, "this text");
	if (command->epilogue)
		printf("\n%s\n", command->epilogue);
}

static const struct option_def *find(const struct command_def *command, const char *name, size_t len, size_t *ret_offset)
{
	for (const struct option_table *table = command->tables; table->options; table++)
		for (const struct option_def *o = table->options; o->name; o++)
			if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
				*ret_offset = table->offset;
				return o;
			}
	return NULL;
}

static int unknown_option(const struct command_def *command, const char *name, struct err *e)
{
	const char *names[NAMES_MAX] = { "help" };
	size_t count = 1;

	for (const struct option_table *table = command->tables; table->options; table++)
		for (const struct option_def *o = table->options; o->name && count + 1 < NAMES_MAX; o++)
			names[count++] = o->name;
	const char *near = str_nearest(name, names);
	if (near)
		return err_set(e, ERR_USAGE, "unknown option '--%s', did you mean '--%s'?", name, near);
	return err_set(e, ERR_USAGE, "unknown option '--%s'; --help lists them", name);
}

static int apply(const struct command_def *command, char **argv, int *i, void *target, struct err *e)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	size_t offset = 0;
	const struct option_def *o = find(command, name, len, &offset);

	if (!o) {
		cleanup_free char *copy = strndup(name, len);
		return copy ? unknown_option(command, copy, e) : err_no_memory(e);
	}
	if (!o->argument && equals)
		return err_set(e, ERR_USAGE, "--%s takes no argument", o->name);
	const char *value = equals ? equals + 1 : NULL;
	if (o->argument && !value) {
		value = argv[*i + 1];
		if (!value)
			return err_set(e, ERR_USAGE, "--%s wants %s", o->name, o->argument);
		++*i;
	}
	if (o->apply((char *)target + offset, value, e) < 0)
		return err_wrap(e, "--%s", o->name);
	return 0;
}

int options_parse(const struct command_def *command, int argc, char **argv, void *target, struct strv *words, struct err *e)
{
	bool only_words = false;

	for (int i = 1; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (!only_words && strcmp(argv[i], "--help") == 0) {
			print_help(command);
			return 1;
		} else if (!only_words && str_starts(argv[i], "--")) {
			if (apply(command, argv, &i, target, e) < 0)
				return -1;
		} else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
			return err_set(e, ERR_USAGE, "unknown option '%s'; options are long here, --help lists them", argv[i]);
		} else if (words) {
			if (strv_add(words, argv[i], e) < 0)
				return -1;
		} else {
			return err_set(e, ERR_USAGE, "unexpected argument '%s'; --help shows what there may be", argv[i]);
		}
	}
	return 0;
}
