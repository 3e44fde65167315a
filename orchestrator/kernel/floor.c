#include "kernel/floor.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX = 4, DIGITS_MAX = 9 };

/* Takes the numbers with dots between at the start; gives how many, and where they end. Missing ones are 0. */
static int take_numbers(const char *text, unsigned long numbers[NUMBERS_MAX], const char **ret_end)
{
	memset(numbers, 0, NUMBERS_MAX * sizeof(*numbers));
	int count = 0;
	const char *end = text;
	while (count < NUMBERS_MAX) {
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || digits > DIGITS_MAX)
			break;
		for (size_t i = 0; i < digits; i++)
			numbers[count] = numbers[count] * 10 + (unsigned long)(text[i] - '0');
		count++;
		end = text += digits;
		if (*text != '.')
			break;
		text++;
	}
	*ret_end = end;
	return count;
}

int floor_check(const char *text, struct err *e)
{
	unsigned long numbers[NUMBERS_MAX];
	const char *end;
	if (take_numbers(text, numbers, &end) == 0 || *end)
		return err_set(e, ERR_INPUT, "'%s' is not a kernel version like '4.14'", text);
	return 0;
}

static int compare_numbers(const unsigned long a[NUMBERS_MAX], const unsigned long b[NUMBERS_MAX])
{
	for (int i = 0; i < NUMBERS_MAX; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int compare(const char *a, const char *b)
{
	unsigned long na[NUMBERS_MAX], nb[NUMBERS_MAX];
	const char *end;
	take_numbers(a, na, &end);
	take_numbers(b, nb, &end);
	return compare_numbers(na, nb);
}

bool floor_reached(const char *version, const char *floor)
{
	return !floor || compare(version, floor) >= 0;
}

const char *floor_higher(const char *a, const char *b)
{
	if (!a || !b)
		return a ? a : b;
	return compare(a, b) >= 0 ? a : b;
}

/* The numbers before the first dash and those behind it. */
struct release {
	unsigned long version[NUMBERS_MAX], release[NUMBERS_MAX];
};

/* False when it is not of that form. *ret_rest is what follows the numbers. */
static bool split_release(const char *text, struct release *ret, const char **ret_rest)
{
	if (take_numbers(text, ret->version, ret_rest) == 0 || **ret_rest != '-')
		return false;
	return take_numbers(*ret_rest + 1, ret->release, ret_rest) > 0;
}

int floor_check_release(const char *text, struct err *e)
{
	struct release r;
	const char *rest;
	if (!split_release(text, &r, &rest) || *rest)
		return err_set(e, ERR_INPUT, "'%s' is not a release like '3.10.0-957'", text);
	return 0;
}

bool floor_is_backported(const char *release, const char *from)
{
	struct release kernel, least;
	const char *rest;
	if (!split_release(release, &kernel, &rest) || !split_release(from, &least, &rest))
		return false;
	if (memcmp(kernel.version, least.version, sizeof(kernel.version)) != 0)
		return false;
	return compare_numbers(kernel.release, least.release) >= 0;
}

const struct backport *floor_find_backport(const struct backport_list *list, const char *release)
{
	const struct backport *found = NULL;
	for (size_t i = 0; i < list->count; i++) {
		const struct backport *b = &list->items[i];
		if (floor_is_backported(release, b->from) && (!found || compare(b->as, found->as) > 0))
			found = b;
	}
	return found;
}

void backport_list_release(struct backport_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].from);
		free(list->items[i].as);
	}
	free(list->items);
	*list = (struct backport_list){ 0 };
}
