/* docs/descriptor.md has the keys that there are: its tables are compared with what the program takes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/distro.h"

/* The text between the next two backticks at or behind `at`; NULL when there is none before `end`. */
static const char *next_code(const char *at, const char *end, char *ret, size_t room)
{
	const char *begin = memchr(at, '`', (size_t)(end - at));
	const char *close = begin ? memchr(begin + 1, '`', (size_t)(end - begin - 1)) : NULL;

	if (!close)
		return NULL;
	cr_assert_lt((size_t)(close - begin), room);
	snprintf(ret, room, "%.*s", (int)(close - begin - 1), begin + 1);
	return close + 1;
}

/* The keys that are named in a cell, each with the prefix; what is in brackets explains one. */
static void add_keys(const char *cell, const char *end, const char *prefix, struct strv *ret)
{
	struct err e;
	char plain[1024] = "", key[256];
	size_t len = 0, depth = 0;

	for (const char *at = cell; at < end && len < sizeof(plain) - 1; at++) {
		depth += *at == '(';
		if (depth == 0)
			plain[len++] = *at;
		depth -= *at == ')' && depth > 0;
	}
	plain[len] = '\0';
	for (const char *at = plain; (at = next_code(at, plain + len, key, sizeof(key)));)
		cr_assert_eq(strv_take(ret, str_printf(&e, "%s%s", prefix, key), &e), 0);
}

/* A key that has no row of its own is told by its parent's, where it stands in an example: `{mod: ...}`. */
static void add_examples(const char *line, const char *end, const char *parent, const struct strv *known, struct strv *ret)
{
	struct err e;
	cleanup_free char *row = strndup(line, (size_t)(end - line));

	for (size_t i = 0; i < known->len; i++) {
		const char *key = known->items[i];
		size_t len = strlen(parent);
		if (strncmp(key, parent, len) != 0 || key[len] != '.' || strchr(key + len + 1, '.'))
			continue;
		cleanup_free char *first = str_printf(&e, "{%s: ", key + len + 1), *later = str_printf(&e, ", %s: ", key + len + 1);
		if ((strstr(row, first) || strstr(row, later)) && !strv_has(ret, key))
			cr_assert_eq(strv_add(ret, key, &e), 0);
	}
}

/* Where a table begins: "| key | ..." or "| key in `kernel` | ...", "| kind in `indexes` | its keys |". */
struct table {
	char prefix[256];
	bool inside, second_cell;
};

static void read_row(struct table *t, const char *line, const char *end, const struct strv *known, struct strv *ret)
{
	const char *cell = line + 1, *cell_end = memchr(cell, '|', (size_t)(end - cell));
	char name[128];

	cr_assert_not_null(cell_end, "'%.40s': a row without cells", line);
	if (strncmp(line, "| key", 5) == 0 || strncmp(line, "| kind", 6) == 0) {
		*t = (struct table){ .inside = true, .second_cell = strncmp(line, "| kind", 6) == 0 };
		if (next_code(cell, cell_end, name, sizeof(name)))
			snprintf(t->prefix, sizeof(t->prefix), "%s.", name);
		return;
	}
	if (!t->inside || line[2] == '-' || line[1] == '-')
		return;
	size_t before = ret->len;
	add_keys(cell, cell_end, t->prefix, ret);
	for (size_t i = before; i < ret->len && !t->second_cell; i++)
		add_examples(cell_end, end, ret->items[i], known, ret);
	if (t->second_cell) {
		cleanup_free char *kind = strdup(ret->items[before]);
		snprintf(name, sizeof(name), "%s.", kind);
		add_keys(cell_end + 1, end, name, ret);
	}
}

static void read_tables(const struct strv *known, struct strv *ret)
{
	struct table table = { .inside = false };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	cr_assert_eq(file_read("docs/descriptor.md", 1 << 20, &text, &e), 0, "%s", e.message);
	for (const char *line = buf_text(&text); *line;) {
		const char *end = line + strcspn(line, "\n");
		if (*line == '|')
			read_row(&table, line, end, known, ret);
		else
			table.inside = false;
		line = end + (*end == '\n');
	}
}

Test(documented, every_key_is_there_and_no_other)
{
	cleanup_strv struct strv known = { 0 }, told = { 0 };
	struct err e;

	cr_assert_eq(distro_keys(&known, &e), 0, "%s", e.message);
	read_tables(&known, &told);
	cr_expect_gt(known.len, 60);
	for (size_t i = 0; i < known.len; i++)
		cr_expect(strv_has(&told, known.items[i]), "'%s' is not in the tables of docs/descriptor.md", known.items[i]);
	for (size_t i = 0; i < told.len; i++)
		cr_expect(strv_has(&known, told.items[i]), "'%s' of docs/descriptor.md is no key", told.items[i]);
}
