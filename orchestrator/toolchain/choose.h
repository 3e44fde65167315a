/* Which toolchain fits a kernel. */
#ifndef ORCHESTRATE_TOOLCHAIN_CHOOSE_H
#define ORCHESTRATE_TOOLCHAIN_CHOOSE_H

#include <stddef.h>

#include "base/err.h"

struct recipe;

/* What a kernel wants; 0 or NULL where it doesn't care. */
struct toolchain_want {
	int gcc;		  /* major of the gcc that built it */
	int clang;		  /* major of the clang that built it, instead of gcc */
	const char *glibc;	  /* the lowest glibc on which its host tools run ("2.34") */
	const char *architecture; /* what the toolchain compiles for, in the recipes' words ("amd64") */
};

enum toolchain_fit { TOOLCHAIN_EXACT, TOOLCHAIN_NEWER, TOOLCHAIN_OLDER };

struct toolchain_choice {
	const struct recipe *recipe; /* one of those given; borrowed */
	enum toolchain_fit fit;
	int gcc;       /* which of the recipe's gcc majors; 0 where clang was asked for */
	char why[200]; /* for people: "gcc 12 as the kernel", "gcc 14: nearest newer to 13" */
};

/* The recipe with the exact major, else the nearest newer, else the nearest older one; only those with the architecture and a glibc
 * that is not too old. Among equals the lowest glibc, then the name. Nothing fits: ERR_NOT_FOUND saying what is missing. */
must_check int toolchain_choose(const struct toolchain_want *want, const struct recipe *const recipes[], size_t count,
				struct toolchain_choice *ret, struct err *e);
/* -1, 0, 1 as strverscmp, for dotted numbers ("2.4" is older than "2.36"). */
int glibc_compare(const char *a, const char *b);

#endif
