#include "kernel/floor.h"

#include <stddef.h>
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

static int compare(const char *a, const char *b)
{
	unsigned long na[NUMBERS_MAX], nb[NUMBERS_MAX];
	const char *end;
	take_numbers(a, na, &end);
	take_numbers(b, nb, &end);
	for (int i = 0; i < NUMBERS_MAX; i++)
		if (na[i] != nb[i])
			return na[i] < nb[i] ? -1 : 1;
	return 0;
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
