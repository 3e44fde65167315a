#include "toolchain/choose.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "descriptor/recipe.h"

int glibc_compare(const char *a, const char *b)
{
	for (;;) {
		char *a_end, *b_end;
		unsigned long x = strtoul(a, &a_end, 10), y = strtoul(b, &b_end, 10);
		if (x != y)
			return x < y ? -1 : 1;
		if (*a_end != '.' && *b_end != '.')
			return 0;
		a = *a_end == '.' ? a_end + 1 : a_end;
		b = *b_end == '.' ? b_end + 1 : b_end;
	}
}

/* How a recipe's compiler stands to the wanted one; less is better, INT_MAX does not fit. Exact 0, newer by their distance, older
 * behind all newer ones. */
static int rank(unsigned has, int wanted)
{
	if (!has)
		return INT_MAX;
	if (!wanted || (int)has == wanted)
		return 0;
	return (int)has > wanted ? (int)has - wanted : INT_MAX / 2 + (wanted - (int)has);
}

static int recipe_rank(const struct recipe *r, const struct toolchain_want *want, unsigned *ret_major)
{
	int best = INT_MAX;

	if (want->clang) {
		*ret_major = r->clang;
		return r->lld ? rank(r->clang, want->clang) : INT_MAX;
	}
	for (size_t i = 0; i < r->gcc_count; i++) {
		int now = rank(r->gcc[i], want->gcc);
		/* Nothing wanted: the newest that it has. */
		if (now < best || (now == best && !want->gcc)) {
			best = now;
			*ret_major = r->gcc[i];
		}
	}
	return best;
}

/* Its place in the list; behind all of it when it is not there. */
static size_t preference(const struct recipe *r, const struct strv *prefer)
{
	size_t i = 0;

	while (prefer && i < prefer->len && strcmp(prefer->items[i], r->name) != 0)
		i++;
	return i;
}

/* Among recipes of the same rank. */
static bool is_better(const struct recipe *a, const struct recipe *b, const struct strv *prefer)
{
	size_t first = preference(a, prefer), second = preference(b, prefer);
	if (first != second)
		return first < second;
	if (recipe_needs_registry(a) != recipe_needs_registry(b))
		return recipe_needs_registry(b);
	int glibc = glibc_compare(a->glibc, b->glibc);
	return glibc ? glibc < 0 : strcmp(a->name, b->name) < 0;
}

static bool has_architecture(const struct recipe *r, const struct toolchain_want *want)
{
	return !want->architecture || strcmp(r->arch->name, want->architecture) == 0;
}

static int refuse(const struct toolchain_want *want, const struct recipe *const recipes[], size_t count, struct err *e)
{
	const char *compiler = want->clang ? "clang and lld" : "gcc", *newest = NULL;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (!has_architecture(recipes[i], want))
			continue;
		any = true;
		if (!newest || glibc_compare(recipes[i]->glibc, newest) > 0)
			newest = recipes[i]->glibc;
	}
	if (!any)
		return err_set(e, ERR_NOT_FOUND, "no toolchain for %s", want->architecture ? want->architecture : "anything");
	if (want->glibc && glibc_compare(newest, want->glibc) < 0)
		return err_set(e, ERR_NOT_FOUND,
			       "no toolchain has the glibc %s that the kernel's host tools need; the newest is %s", want->glibc,
			       newest);
	if (want->glibc)
		return err_set(e, ERR_NOT_FOUND, "no toolchain has both %s and glibc %s or newer", compiler, want->glibc);
	return err_set(e, ERR_NOT_FOUND, "no toolchain has %s", compiler);
}

static void explain(const struct toolchain_want *want, struct toolchain_choice *choice, unsigned major)
{
	const char *compiler = want->clang ? "clang" : "gcc";
	int wanted = want->clang ? want->clang : want->gcc;

	if (!wanted)
		snprintf(choice->why, sizeof(choice->why), "%s %u: the kernel asks for none", compiler, major);
	else if (choice->fit == TOOLCHAIN_EXACT)
		snprintf(choice->why, sizeof(choice->why), "%s %u as the kernel", compiler, major);
	else
		snprintf(choice->why, sizeof(choice->why), "%s %u: nearest %s than %d%s%s", compiler, major,
			 choice->fit == TOOLCHAIN_NEWER ? "newer" : "older", wanted, want->glibc ? " with glibc at least " : "",
			 want->glibc ? want->glibc : "");
}

int toolchain_choose(const struct toolchain_want *want, const struct recipe *const recipes[], size_t count,
		     struct toolchain_choice *ret, struct err *e)
{
	struct toolchain_choice best = { 0 };
	unsigned best_major = 0;
	int best_rank = INT_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct recipe *r = recipes[i];
		unsigned major = 0;
		if (!has_architecture(r, want) || (want->glibc && glibc_compare(r->glibc, want->glibc) < 0))
			continue;
		int now = recipe_rank(r, want, &major);
		if (now == INT_MAX || now > best_rank ||
		    (now == best_rank && best.recipe && !is_better(r, best.recipe, want->prefer)))
			continue;
		best_rank = now;
		best_major = major;
		best.recipe = r;
	}
	if (!best.recipe)
		return refuse(want, recipes, count, e);
	best.fit = best_rank == 0 ? TOOLCHAIN_EXACT : best_rank < INT_MAX / 2 ? TOOLCHAIN_NEWER : TOOLCHAIN_OLDER;
	best.gcc = want->clang ? 0 : (int)best_major;
	best.clang = want->clang ? (int)best_major : 0;
	explain(want, &best, best_major);
	*ret = best;
	return 0;
}
