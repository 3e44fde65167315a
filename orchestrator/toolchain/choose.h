/* Which toolchain fits a kernel. */
#ifndef ORCHESTRATE_TOOLCHAIN_CHOOSE_H
#define ORCHESTRATE_TOOLCHAIN_CHOOSE_H

#include <stddef.h>

#include "base/err.h"

struct recipe;
struct strv;

/* What a kernel wants; 0 or NULL where it doesn't care. */
struct toolchain_want {
	int gcc;		   /* major of the gcc that built it */
	int clang;		   /* major of the clang that built it, instead of gcc */
	const char *glibc;	   /* the lowest glibc on which its host tools run ("2.34") */
	const char *architecture;  /* what the toolchain compiles for, in the recipes' words ("amd64") */
	const struct strv *prefer; /* names of recipes that come first among equals, in this order; NULL: none */
};

enum toolchain_fit { TOOLCHAIN_EXACT, TOOLCHAIN_NEWER, TOOLCHAIN_OLDER };

struct toolchain_choice {
	const struct recipe *recipe; /* one of those given; borrowed */
	enum toolchain_fit fit;
	int gcc;       /* which of the recipe's gcc majors; 0 where clang was asked for */
	int clang;     /* the recipe's clang major where clang was asked for; else 0 */
	char why[400]; /* for people: "gcc 12 as the kernel", "gcc 14: nearest newer than 13" */
};

/* The recipe with the exact major, else the nearest newer, else the nearest older one; only those with the architecture, a glibc
 * that is not too old, and for clang the linker that goes with it. Among equals those preferred, then those that need no registry,
 * then the lowest glibc, then the name. Nothing fits: ERR_NOT_FOUND saying what is missing. */
must_check int toolchain_choose(const struct toolchain_want *want, const struct recipe *const recipes[], size_t count,
				struct toolchain_choice *ret, struct err *e);
/* -1, 0, 1 as strverscmp, for dotted numbers ("2.4" is older than "2.36"). */
int glibc_compare(const char *a, const char *b);

#endif
