#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary; /* NULL: not listed */
};

static const struct command commands[] = {
	{ "build", cmd_build, "build what is missing, collect it, assemble and load the base image (the default)" },
	{ "plan", cmd_plan, "say what a build would do, with which toolchain and why" },
	{ "prove", cmd_prove, "boot each kernel with what was built for it, and show that it works" },
	{ "image", cmd_image, "assemble and load the base image from what is in the output tree" },
	{ "gate", cmd_gate, "check objects against the packages of the kernel that each is for" },
	{ "crawl", cmd_crawl, "find what the distributions publish, bring the lists up to date" },
	{ "cache", cmd_cache, "the package cache: fetch, verify, add, pull, push, prune, delete, list" },
	{ "toolchain", cmd_toolchain, "the builder images: list, build" },
	{ "sign", cmd_sign, "sign kernel modules, or check their signatures" },
	{ "lint", cmd_lint, "check descriptors, lists, block list, recipes and probe; all findings at once" },
	{ "filter", cmd_filter, NULL },
};

int exit_code_of(const struct err *e)
{
	static const enum exit_code codes[ERR_KIND_COUNT] = {
		[ERR_USAGE] = EXIT_USAGE,    [ERR_INPUT] = EXIT_USAGE,	      [ERR_NOT_FOUND] = EXIT_USAGE,
		[ERR_CONFLICT] = EXIT_USAGE, [ERR_UNREACHABLE] = EXIT_ENGINE, [ERR_CANCELLED] = EXIT_CANCELLED,
		[ERR_CHECK] = EXIT_CHECK,
	};

	return codes[e->kind] ? (int)codes[e->kind] : EXIT_KERNEL_FAILED;
}

static void print_help(FILE *to)
{
	fputs("Usage: orchestrate [COMMAND] [OPTION]...\n"
	      "Build the Collector's kernel modules and eBPF probes for every listed kernel.\n\nCommands:\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].summary)
			fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\nWithout a command: build. `orchestrate COMMAND --help` says more of each.\n"
	      "Exit codes: 0 all good, 1 at least one kernel failed, 2 usage, descriptor or list error,\n"
	      "            3 engine not reachable, 4 cancelled, 5 a check of an artifact failed.\n",
	      to);
}

static int unknown_command(const char *name)
{
	const char *names[ARRAY_LEN(commands) + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].summary)
			names[count++] = commands[i].name;
	const char *near = str_nearest(name, names);
	fprintf(stderr, "orchestrate: unknown command '%s'%s%s%s; `orchestrate --help` lists them\n", name,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		print_help(stdout);
		return EXIT_GOOD;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("orchestrate %s\n", ORCHESTRATE_VERSION);
		return EXIT_GOOD;
	}
	if (argc < 2 || argv[1][0] == '-')
		return cmd_build(argc, argv);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
	int code = run(argc, argv);

	/* A result that did not get to where it was sent is none. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_GOOD) {
		fputs("orchestrate: error: writing to stdout failed\n", stderr);
		code = EXIT_KERNEL_FAILED;
	}
	return code;
}
