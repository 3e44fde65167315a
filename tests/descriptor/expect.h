/* Bad files and what is said about them. */
#ifndef TESTS_DESCRIPTOR_EXPECT_H
#define TESTS_DESCRIPTOR_EXPECT_H

#include <stddef.h>

#include "base/err.h"

#define DATA "tests/data/descriptor/"

struct bad_file {
	const char *name;    /* tests/data/descriptor/should-fail-<name>.yaml */
	const char *message; /* after `<file>:` */
};

/* Parses bytes; on success releases what it made. */
typedef int try_parse(const char *bytes, size_t len, const char *name, struct err *e);

void expect_refusals(const struct bad_file *files, size_t count, try_parse *parse);

#endif
