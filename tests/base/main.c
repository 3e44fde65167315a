/* This program is also the small program that the tests of process and file start: `base_test helper NAME ...`. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "helper.h"

/* Each argument on a line of its own, in brackets. */
static int print_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("[%s]\n", argv[i]);
	return 0;
}

/* The descriptors that are open, and which file each is. */
static int print_descriptors(int argc, char **argv)
{
	struct stat st;

	(void)argc, (void)argv;
	for (int fd = 0; fd < 1024; fd++)
		if (fstat(fd, &st) == 0)
			printf("%d %s%s\n", fd,
			       S_ISFIFO(st.st_mode)  ? "pipe"
			       : S_ISCHR(st.st_mode) ? "device"
						     : "file",
			       fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
	return 0;
}

/* What can be read from each descriptor named: `FD=TEXT`. */
static int print_contents(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char text[64] = "";
		ssize_t n = read(atoi(argv[i]), text, sizeof(text) - 1);
		printf("%s=%s\n", argv[i], n < 0 ? "?" : text);
	}
	return 0;
}

/* Takes the lock, says so, and holds it until its stdin ends. */
static int hold_lock(int argc, char **argv)
{
	struct err e;
	char c;

	int fd = argc == 1 ? file_lock(argv[0], false, &e) : -1;
	if (fd < 0)
		return 1;
	if (write(STDOUT_FILENO, "locked", 6) != 6)
		return 1;
	return read(STDIN_FILENO, &c, 1) == 0 ? 0 : 1;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} helpers[] = {
	{ "arguments", print_arguments },
	{ "descriptors", print_descriptors },
	{ "contents", print_contents },
	{ "lock", hold_lock },
};

const char *const helper_environment[] = { "LC_ALL=C", "ASAN_OPTIONS=detect_leaks=0", NULL };

const char *helper_program(void)
{
	static char path[4096];

	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	cr_assert(n > 0);
	path[n] = '\0';
	return path;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "helper") == 0) {
		for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++)
			if (strcmp(argv[2], helpers[i].name) == 0)
				return helpers[i].run(argc - 3, argv + 3);
		return 1;
	}
	struct criterion_test_set *tests = criterion_initialize();
	int result = 0;
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return result;
}
